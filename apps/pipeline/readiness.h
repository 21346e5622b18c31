/* What the pipeline must know of a model, and what of it is missing.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_READINESS_H
#define FOVEA_APPS_READINESS_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/model.h"
#include "fovea/status.h"

/* A field that is missing, and the option of `fovea convert` that sets it. */
struct fovea_gap {
    const char *key;
    const char *option;
};

enum { FOVEA_GAPS_MAX = 16 };

/* Fills `gaps` with the fields that a grader, or a segmenter, lacks, where `has` tells for a key whether it is there;
 * returns how many. */
size_t fovea_find_gaps(bool (*has)(const void *context, const char *key), const void *context, bool segmenter,
                       struct fovea_gap gaps[FOVEA_GAPS_MAX]);

/* The same for a model, which is a segmenter if it says so, or, if it does not say, if its network is one. */
size_t fovea_model_gaps(const struct fv_model *model, struct fovea_gap gaps[FOVEA_GAPS_MAX]);

/* FV_ERROR_MODEL if something is missing that the work on an image needs, or, with `choice`, that the choice of a model
 * needs (task, fields of view, layers); the message names every missing field of both kinds and its option. */
enum fv_status fovea_model_check(const struct fv_model *model, bool choice, struct fv_error *error);

#endif
