/* Splitting images into folds: every class spread evenly, images of one subject together.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_ADAPT_FOLDS_H
#define FOVEA_APPS_ADAPT_FOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "adapt/linear.h"
#include "fovea/status.h"

/* Gives each of `count` images a fold, 0 .. folds - 1. `labels` are classes below `classes` (at most
 * FOVEA_LINEAR_CLASSES_MAX); images of the same number in `groups` (below `count`) stay together. The groups are
 * shuffled by `seed`, then dealt out, the largest first, each to the fold that has the smallest share of its classes.
 * Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_folds_assign(const size_t *labels, const size_t *groups, size_t count, size_t classes,
                                  size_t folds, uint64_t seed, size_t *fold, struct fv_error *error);

#endif
