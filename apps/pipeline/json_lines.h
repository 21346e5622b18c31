/* Progress and results as lines of JSON on the standard output, for programs: an object a line, each flushed. The
 * member `event` says what a line is:
 *
 *   start      version, command, notice, output; images (in the list), done_already, to_do
 *   image      what came out for an image, with the members of its object in results.json
 *   progress   done and total of the images that were to do, seconds_left if it can be told
 *   end        exit_status; images (with results), images_planned, ok, not_graded, ungradable, failed, shipped_models
 * and report, where there are results; reason, where the command came to nothing
 *
 * Texts are UTF-8, with question marks for other bytes. Errors: FV_ERROR_MEMORY, FV_ERROR_FILE (the standard output
 * cannot be written). Thread safety: for the main thread. */
#ifndef FOVEA_APPS_JSON_LINES_H
#define FOVEA_APPS_JSON_LINES_H

#include "pipeline/announce.h"
#include "pipeline/progress.h"

enum fv_status fovea_json_lines_start(const struct fovea_pipeline_options *options, size_t images, size_t to_do,
                                      struct fv_error *error);
enum fv_status fovea_json_lines_image(const struct fovea_result *result, struct fv_error *error);
enum fv_status fovea_json_lines_progress(const struct fovea_progress *progress, struct fv_error *error);

/* `summary` may be NULL where there are no results, `reason` where there is none. */
enum fv_status fovea_json_lines_end(const struct fovea_pipeline_options *options, const struct fovea_summary *summary,
                                    const char *reason, int exit_status, struct fv_error *error);

#endif
