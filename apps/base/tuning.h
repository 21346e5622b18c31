/* The measurements by which the layers of a model choose their algorithms (--tune), kept beside the model. */
#ifndef FOVEA_APPS_TUNING_H
#define FOVEA_APPS_TUNING_H

#include "fovea/tune.h"

/* How the engine plans the nets of a command. */
struct fovea_planning {
    bool exact; /* as in struct fv_session_options */
    bool tune;  /* by measurements, see below */
};

/* Gives the measurements for `graph` of `model` on this kind of processor: those in the file MODEL.tuning.json beside
 * the model, or, where it has none that fit (the same model by its SHA-256, size of input, processor, instruction set,
 * caches and version of the program; the number of threads may differ), measures by fv_tune with `options`, adds them
 * to that file, and says so on the standard error. A net without a choice leaves no file.
 *
 * `tuning` owns them: point options->measurements there, make sessions, and free it by fv_tuning_clear; on failure it
 * is empty. Errors: FV_ERROR_FORMAT (the file is no such file), FV_ERROR_FILE (it cannot be read or written),
 * FV_ERROR_MEMORY, those of fv_tune. */
enum fv_status fovea_tuning_get(const struct fv_model *model, const struct fv_graph *graph,
                                const struct fv_session_options *options, struct fv_tuning *tuning,
                                struct fv_error *error);

/* fv_session_create for `graph` of `model`, after fovea_tuning_get if `planning` says so; planning->exact takes the
 * place of options->exact. Errors: those of both. */
enum fv_status fovea_session_create(const struct fv_model *model, const struct fv_graph *graph,
                                    const struct fv_session_options *options, const struct fovea_planning *planning,
                                    struct fv_session **session, struct fv_error *error);

#endif
