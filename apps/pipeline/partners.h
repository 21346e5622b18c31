/* The grades that deep images take: those of the superficial images of the same eye and visit (scan/pairs.h), as
 * published (Wang et al. 2021).
 *
 * A grade is that of the partner's file whatever else becomes of the partner, and it is found out once: when the first
 * of the two images is begun, or in the results that are there already.
 *
 * Thread safety: one thread at a time may use a struct fovea_partners. */
#ifndef FOVEA_APPS_PARTNERS_H
#define FOVEA_APPS_PARTNERS_H

#include "pipeline/inputs.h"
#include "pipeline/results.h"

/* Sets `partner` and `unpaired` of all inputs, whose scans are described. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_partners_find(struct fovea_inputs *inputs, struct fv_error *error);

struct fovea_partner_grade {
    bool known;
    enum fv_status status; /* FV_OK, or why there is no grade */
    struct fovea_grade grade;
    char digest[FOVEA_DIGEST_SIZE]; /* the SHA-256 of the file that was graded; "": it could not be read */
};

/* What is known of the inputs' grades. A zeroed struct is empty. */
struct fovea_partners {
    const struct fovea_inputs *inputs;  /* not owned */
    struct fovea_partner_grade *grades; /* one an input; owned */
};

/* Makes it ready for `inputs`, which must stay as they are, with the grades that `source` has of inputs of the same
 * name and copy for which `done` (one an input) says so. Errors: FV_ERROR_MEMORY, those of the source; then it is
 * empty. */
enum fv_status fovea_partners_open(const struct fovea_inputs *inputs, const struct fovea_result_source *source,
                                   const bool *done, struct fovea_partners *partners, struct fv_error *error);
void fovea_partners_release(struct fovea_partners *partners);

/* The input's partner; NULL: there is none, or `partners` is NULL. It belongs to the inputs. */
const struct fovea_input *fovea_partners_input(const struct fovea_partners *partners, const struct fovea_input *input);

/* Gives `result` the grade of its own input if it is known and the file is still the one that was graded; tells
 * whether. `partners` may be NULL here and below. */
bool fovea_partners_recall(const struct fovea_partners *partners, struct fovea_result *result);

/* Notes the grade of a result. */
void fovea_partners_note(struct fovea_partners *partners, const struct fovea_result *result);

/* The grade of input `index`, which is found out if it is not known. It stays the partners'. */
struct fovea_work;
const struct fovea_partner_grade *fovea_partners_grade(const struct fovea_work *work, size_t index);

#endif
