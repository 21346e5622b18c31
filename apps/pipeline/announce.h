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

/* What a store holds. */
struct fovea_summary {
    size_t count, planned;            /* images with results, and in the list */
    size_t states[FOVEA_STATE_COUNT]; /* the results of each state */
    size_t ungraded;                  /* those that are ok without a grade, where the command grades */
    bool shipped;                     /* made with the demo models */
};

/* Sums a store up and says so: counts, the notice, where the report is; with `json_lines` nothing of that is printed,
 * but warnings are. `idle`: nothing was left to do. Errors: those of the store. */
enum fv_status fovea_announce_results(const struct fovea_pipeline_options *options, struct fovea_store *store,
                                      bool idle, struct fovea_summary *summary, struct fv_error *error);

/* On the standard error: why the command came to nothing. */
void fovea_announce_failure(const char *command, const char *message);

#endif
