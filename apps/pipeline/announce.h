/* What a command of the pipeline says of its plan and of what came out.
 *
 * Names are printed so that no byte of them can steer a terminal. Thread safety: for the main thread; it prints. */
#ifndef FOVEA_APPS_ANNOUNCE_H
#define FOVEA_APPS_ANNOUNCE_H

#include "pipeline/pipeline.h"
#include "store/plan.h"

/* On the standard error: what is done already, what is done again and why, and what has vanished from the inputs;
 * nothing if all is new. */
void fovea_announce_plan(const struct fovea_pipeline_options *options, const struct fovea_inputs *inputs,
                         const struct fovea_plan *plan);

/* On the standard output: the models, and what would be done with each input. `reset`: all rows would go first. */
void fovea_announce_dry_run(const struct fovea_pipeline_options *options, const struct fovea_results *results,
                            const struct fovea_inputs *inputs, const struct fovea_plan *plan, bool reset);

/* The summary of a store: counts, the notice, where the report is. `idle`: nothing was left to do. Errors: those of the
 * store. */
enum fv_status fovea_announce_results(const struct fovea_pipeline_options *options, struct fovea_store *store,
                                      bool idle, size_t states[FOVEA_STATE_COUNT], struct fv_error *error);

/* On the standard error: why the command came to nothing. */
void fovea_announce_failure(const char *command, const char *message);

#endif
