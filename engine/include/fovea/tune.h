/* Choosing between algorithms by measurement.
 *
 * A session chooses by a model of costs, which was calibrated on some machines. fv_tune measures on this one, and
 * sessions made with its measurements (fv_session_options) choose by them. They may then round differently from those
 * of the model's choice, within the same bounds; the same measurements give the same choice, and so the same bits. */
#ifndef FOVEA_TUNE_H
#define FOVEA_TUNE_H

#include "fovea/session.h"

/* Measurements, of which each owns its strings. */
struct fv_tuning {
    struct fv_measurement *measurements;
    size_t count;
};

/* Runs `graph`, which must be finished, with each algorithm that accepts a node in turn, on numbers without meaning,
 * and measures the nodes of which several do: the least time of several passes, for about `seconds` for each algorithm
 * (from 3 to 100 passes, and one before them to warm up). `options` is as for fv_session_create and may be NULL; its
 * threads do the work, its measurements are left aside. One session exists at a time.
 *
 * A net of which every node has one algorithm only gives no measurements. The caller frees them by fv_tuning_clear.
 * Errors: those of fv_session_create; on failure *tuning is empty. Thread safety: reentrant, but for options->threads;
 * other work on the machine disturbs what is measured. */
enum fv_status fv_tune(const struct fv_graph *graph, const struct fv_session_options *options, double seconds,
                       struct fv_tuning *tuning, struct fv_error *error);

/* Frees and empties. An empty or zeroed tuning is allowed. */
void fv_tuning_clear(struct fv_tuning *tuning);

#endif
