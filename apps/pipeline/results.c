#include "pipeline/results.h"

#include "fovea/memory.h"
#include "fovea/text.h"

enum { EXPORT_PIECE = 1 << 16 }; /* bytes */

const char *const fovea_state_names[FOVEA_STATE_COUNT] = {"ok", "ungradable", "failed"};

bool fovea_result_has(const struct fovea_result *result, const struct fovea_measure_column *column) {
    return result->measured && fovea_measure_has(&result->measures, column);
}

const char *fovea_result_grade_source(const struct fovea_result *result) {
    return !result->graded ? "" : result->grade_partner != NULL ? "partner" : "own";
}

void fovea_results_add_folds(const struct fovea_results *results, struct fovea_buffer *text) {
    for (size_t i = 0; i < results->fold_count; i++) {
        fovea_buffer_format(text, "%s%zu", i > 0 ? " " : "", results->folds[i]);
    }
}

void fovea_result_clear(struct fovea_result *result) {
    fv_release(result->reason);
    fv_release(result->remarks);
    fv_release(result->thumbnail);
    fv_release(result->vessel_thumbnail);
    *result = (struct fovea_result){0};
}

void fovea_result_list_clear(struct fovea_result_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        fovea_result_clear(&list->items[i]);
    }
    fv_release(list->items);
    *list = (struct fovea_result_list){0};
}

static enum fv_status list_each(void *context, bool pictures, fovea_result_visit *visit, void *visitor,
                                struct fv_error *error) {
    const struct fovea_result_list *list = context;
    enum fv_status status = FV_OK;
    (void)pictures; /* they are there */
    for (size_t i = 0; i < list->count && status == FV_OK; i++) {
        status = visit(visitor, &list->items[i], error);
    }
    return status;
}

struct fovea_result_source fovea_result_list_source(struct fovea_result_list *list) {
    return (struct fovea_result_source){list, list_each};
}

enum fv_status fovea_export_begin(struct fovea_export *export, const char *path, struct fv_error *error) {
    *export = (struct fovea_export){0};
    return fv_output_create(path, &export->output, error);
}

enum fv_status fovea_export_flush(struct fovea_export *export, struct fv_error *error) {
    return export->text.size < EXPORT_PIECE && !export->text.failed
               ? FV_OK
               : fovea_buffer_flush(&export->text, export->output, error);
}

enum fv_status fovea_export_end(struct fovea_export *export, enum fv_status status, struct fv_error *error) {
    if (status == FV_OK) {
        status = fovea_buffer_flush(&export->text, export->output, error);
    }
    if (status == FV_OK) {
        status = fv_output_finish(export->output, error);
    } else {
        fv_output_abandon(export->output);
    }
    fovea_buffer_clear(&export->text);
    export->output = NULL;
    return status;
}

enum fv_status fovea_results_write(const struct fovea_results *results, const char *folder, struct fv_error *error) {
    typedef enum fv_status writer(const struct fovea_results *results, const char *path, struct fv_error *error);
    static const struct {
        const char *name;
        writer *write;
    } files[] = {
        {"results.csv", fovea_results_write_csv},
        {"results.json", fovea_results_write_json},
        {"report.html", fovea_results_write_report},
    };
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && status == FV_OK; i++) {
        char *path = fv_text_format("%s/%s", folder, files[i].name);
        status = path != NULL ? files[i].write(results, path, error)
                              : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", files[i].name);
        fv_release(path);
    }
    return status;
}
