/* The table of `fovea inspect --plan`. */
#ifndef FOVEA_APPS_PLAN_TABLE_H
#define FOVEA_APPS_PLAN_TABLE_H

#include "base/tuning.h"
#include "fovea/model.h"

/* Prints to the standard output what the engine would do with `model` on this machine: for every node its shape,
 * algorithm and why no other serves, multiply-adds, bytes and place in the arena; then the sums. `size` is the side of
 * the input, 0 for what the model says. Errors: those of fv_net_build and fovea_session_create. */
enum fv_status fovea_plan_print(const struct fv_model *model, size_t size, const struct fovea_planning *planning,
                                struct fv_error *error);

#endif
