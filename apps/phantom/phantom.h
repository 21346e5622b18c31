/* Phantoms: synthetic OCTA images of the macula whose foveal avascular zone (FAZ) is known.
 *
 * A phantom is drawn, not sampled from data: an outline of the FAZ, arcades and their branches, a bed of capillaries
 * that ends in a ring around the outline, background, speckle, and then the degradations that a grade stands for. The
 * same request gives the same bytes on every machine.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_PHANTOM_H
#define FOVEA_APPS_PHANTOM_H

#include "fovea/status.h"
#include "image/image.h"

enum { FOVEA_PHANTOM_MIN_SIDE = 128, FOVEA_PHANTOM_MAX_SIDE = 2048 }; /* pixels */

enum fovea_phantom_layer { FOVEA_PHANTOM_SUPERFICIAL, FOVEA_PHANTOM_DEEP };

/* The grade that the degradation stands for; the numbers are those of the published graders. */
enum fovea_phantom_grade { FOVEA_PHANTOM_UNGRADABLE, FOVEA_PHANTOM_GRADABLE, FOVEA_PHANTOM_OUTSTANDING };

struct fovea_phantom_request {
    uint64_t seed;     /* of a series */
    uint64_t index;    /* in the series */
    uint32_t side;     /* pixels */
    uint32_t field_mm; /* 3 or 6 */
    enum fovea_phantom_layer layer;
    enum fovea_phantom_grade grade;
};

struct fovea_phantom {
    struct fovea_image image;        /* grey, 8 bits */
    struct fovea_image mask;         /* the same size, 0 and 255: pixels whose centre is inside the outline */
    double centre_x_px, centre_y_px; /* of the outline */
    char degradation[128];           /* in words, "none" for none */
};

/* Makes a phantom, which the caller gives back with fovea_phantom_release. Errors: FV_ERROR_ARGUMENT (a side or field
 * of view outside the above), FV_ERROR_MEMORY. On failure *phantom is empty. */
enum fv_status fovea_phantom_make(const struct fovea_phantom_request *request, struct fovea_phantom *phantom,
                                  struct fv_error *error);
void fovea_phantom_release(struct fovea_phantom *phantom);

/* "superficial", "deep"; "ungradable", "gradable", "outstanding". */
const char *fovea_phantom_layer_name(enum fovea_phantom_layer layer);
const char *fovea_phantom_grade_name(enum fovea_phantom_grade grade);

#endif
