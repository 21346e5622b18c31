#include "pipeline/json_lines.h"

#include <stdio.h>

#include "base/json_document.h"
#include "commands.h"
#include "fovea/memory.h"
#include "fovea/text.h"

/* Writes a line, whose text is cleared. */
static enum fv_status write_line(struct fovea_buffer *text, struct fv_error *error) {
    enum fv_status status = FV_OK;
    fovea_buffer_text(text, "\n");
    if (text->failed) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "a line of JSON: out of memory");
    } else if (fwrite(text->bytes, 1, text->size, stdout) != text->size || fflush(stdout) != 0) {
        status = fv_error_set(error, FV_ERROR_FILE, "the standard output cannot be written");
    }
    fovea_buffer_clear(text);
    return status;
}

/* Writes an object as a line and frees it. */
static enum fv_status write_object(struct fovea_json *line, struct fv_error *error) {
    struct fovea_buffer text = {0};
    char *printed = line->complete ? cJSON_PrintUnformatted(line->root) : NULL;
    if (printed == NULL) {
        text.failed = true;
    } else {
        fovea_buffer_text(&text, printed);
    }
    cJSON_free(printed);
    fovea_json_abandon(line);
    return write_line(&text, error);
}

static void begin(struct fovea_json *line, const char *event) {
    fovea_json_begin(line);
    fovea_json_string(line, line->root, "event", event);
}

static void add_count(struct fovea_json *line, const char *key, size_t count) {
    fovea_json_number(line, line->root, key, (double)count);
}

enum fv_status fovea_json_lines_start(const struct fovea_pipeline_options *options, size_t images, size_t to_do,
                                      struct fv_error *error) {
    struct fovea_json line;
    begin(&line, "start");
    fovea_json_string(&line, line.root, "program", "fovea");
    fovea_json_string(&line, line.root, "version", FOVEA_VERSION);
    fovea_json_string(&line, line.root, "notice", FOVEA_NOTICE);
    fovea_json_string(&line, line.root, "command", options->command);
    fovea_json_string(&line, line.root, "output", options->output);
    add_count(&line, "images", images);
    add_count(&line, "done_already", images - to_do);
    add_count(&line, "to_do", to_do);
    return write_object(&line, error);
}

enum fv_status fovea_json_lines_image(const struct fovea_result *result, struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_json_use_engine_memory(true);
    fovea_result_add_json(result, "image", &text);
    fovea_json_use_engine_memory(false);
    return write_line(&text, error);
}

enum fv_status fovea_json_lines_progress(const struct fovea_progress *progress, struct fv_error *error) {
    struct fovea_json line;
    begin(&line, "progress");
    add_count(&line, "done", progress->done);
    add_count(&line, "total", progress->total);
    double seconds;
    if (fovea_progress_left(progress, &seconds)) {
        fovea_json_number(&line, line.root, "seconds_left", seconds);
    }
    return write_object(&line, error);
}

static void add_summary(struct fovea_json *line, const struct fovea_pipeline_options *options,
                        const struct fovea_summary *summary) {
    add_count(line, "images", summary->count);
    add_count(line, "images_planned", summary->planned);
    add_count(line, "ok", summary->states[FOVEA_STATE_OK]);
    if (options->stages.grade) {
        add_count(line, "not_graded", summary->ungraded);
        add_count(line, "ungradable", summary->states[FOVEA_STATE_UNGRADABLE]);
    }
    add_count(line, "failed", summary->states[FOVEA_STATE_FAILED]);
    fovea_json_boolean(line, line->root, "shipped_models", summary->shipped);
    char *report = fv_text_format("%s/report.html", options->output);
    line->complete = line->complete && report != NULL;
    if (report != NULL) {
        fovea_json_string(line, line->root, "report", report);
    }
    fv_release(report);
}

enum fv_status fovea_json_lines_end(const struct fovea_pipeline_options *options, const struct fovea_summary *summary,
                                    const char *reason, int exit_status, struct fv_error *error) {
    struct fovea_json line;
    begin(&line, "end");
    fovea_json_number(&line, line.root, "exit_status", exit_status);
    if (summary != NULL) {
        add_summary(&line, options, summary);
    }
    if (reason != NULL) {
        fovea_json_string(&line, line.root, "reason", reason);
    }
    return write_object(&line, error);
}
