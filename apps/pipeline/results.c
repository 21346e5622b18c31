#include "pipeline/results.h"

#include "fovea/memory.h"
#include "fovea/text.h"

const char *const fovea_state_names[FOVEA_STATE_COUNT] = {"ok", "ungradable", "failed"};

bool fovea_result_has(const struct fovea_result *result, const struct fovea_measure_column *column) {
    return result->measured && fovea_measure_has(&result->measures, column);
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

void fovea_results_clear(struct fovea_results *results) {
    for (size_t i = 0; i < results->count; i++) {
        fovea_result_clear(&results->items[i]);
    }
    fv_release(results->items);
    results->items = NULL;
    results->count = 0;
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
