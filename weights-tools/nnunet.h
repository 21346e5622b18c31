/* nnU-Net v1 model folders. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_NNUNET_H
#define FOVEA_WEIGHTS_NNUNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"
#include "value.h"

enum { NNUNET_POOLS = 15, NNUNET_CHANNELS = 16, NNUNET_FOLDS = 5, NNUNET_SCHEME = 16 };

/* How one input channel is normalised. */
struct nnunet_channel {
    char scheme[NNUNET_SCHEME]; /* "nonCT", "CT" or "CT2" */
    bool masked;                /* statistics over the non-zero part only */
    bool has_intensity;         /* the next three are known */
    double mean, deviation;     /* of the training set's foreground */
    double low, high;           /* its percentiles 0.5 and 99.5 */
};

/* What the plans say, of one stage, two-dimensional: y then x. */
struct nnunet_plans {
    size_t channels;
    size_t classes; /* with the background */
    size_t base_features;
    size_t convs_per_stage;
    size_t pools;
    uint32_t pool[NNUNET_POOLS][2];
    uint32_t kernel[NNUNET_POOLS + 1][2];
    uint32_t patch[2];
    size_t spacing_count;
    double spacing[3];
    struct nnunet_channel channel[NNUNET_CHANNELS];
    size_t folds;
    uint32_t fold[NNUNET_FOLDS]; /* their numbers, ascending */
};

/* nnunet_plans.c: fills `plans` (all but the folds) from the pickled plans of `stage`; -1: the only stage. Errors:
 * FV_ERROR_MODEL (a missing, ill-typed or impossible entry), FV_ERROR_UNSUPPORTED (three-dimensional, resampled,
 * another preprocessor). */
enum fv_status nnunet_plans_parse(const char *path, const struct value *root, int64_t stage, struct nnunet_plans *plans,
                                  struct fv_error *error);

/* Whether two files' plans describe the same network and preprocessing; if not, FV_ERROR_MODEL names the first
 * difference. */
enum fv_status nnunet_plans_compare(const char *path, const struct nnunet_plans *plans, const char *other_path,
                                    const struct nnunet_plans *other, struct fv_error *error);

#endif
