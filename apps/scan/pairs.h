/* Which superficial image belongs to a deep one.
 *
 * The published program grades superficial images only and gives a deep image the grade of the superficial one of the
 * same eye and visit (Wang et al. 2021). Two images are such a pair if they are of one eye and, where both are known,
 * of one field of view, one size in their names, one subject and one visit, and
 * - lie in one folder under names that differ by nothing but the token of the layer (tokens.h), or else
 * - have one known subject, both one known visit or none, and one known eye: the table of scans says so.
 * Two superficial images that fit equally are no pair: nothing is guessed.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_SCAN_PAIRS_H
#define FOVEA_APPS_SCAN_PAIRS_H

#include "fovea/status.h"
#include "scan/scan.h"

struct fovea_pair_item {
    const char *path; /* tells folders apart */
    const struct fovea_scan *scan;
};

enum fovea_pairing {
    FOVEA_PAIR_NOT_DEEP,  /* a superficial image, or one of an unknown layer */
    FOVEA_PAIR_FOUND,     /* `partner` is the index of the superficial image */
    FOVEA_PAIR_ABSENT,    /* there is none */
    FOVEA_PAIR_AMBIGUOUS, /* there are several */
};

struct fovea_pair {
    enum fovea_pairing state;
    size_t partner;
    const char *reason; /* why a deep image has no partner, for people; a static text; NULL: it has, or is not deep */
};

/* pairs[i] becomes the pair of items[i]; several deep images may have one partner. Takes time in proportion to `count`
 * where names and subjects differ. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_pairs_find(const struct fovea_pair_item *items, size_t count, struct fovea_pair *pairs,
                                struct fv_error *error);

#endif
