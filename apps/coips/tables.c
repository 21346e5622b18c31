#include "coips/tables.h"

#include <unistd.h>

#include "base/buffer.h"
#include "base/number.h"
#include "coips/layout.h"
#include "fovea/memory.h"
#include "fovea/text.h"

static enum fv_status write_table(const struct fovea_coips_options *options, struct fovea_buffer *text,
                                  const char *what, struct fv_error *error) {
    char *name = fv_text_format("%s_%s.csv", options->project_name, what);
    char *path = name == NULL ? NULL : coips_path(options->project, COIPS_REPORT, name);
    enum fv_status status = FV_OK;
    if (path == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", what);
    } else if (text->size > 0 || text->failed || access(path, F_OK) == 0) {
        status = fovea_buffer_write(text, path, error);
    }
    fv_release(name);
    fv_release(path);
    return status;
}

static enum fv_status write_grades(const struct fovea_coips_options *options, const struct coips_listing *listing,
                                   const struct fovea_result_list *results, struct fv_error *error) {
    struct fovea_buffer text = {0};
    for (size_t i = 0; i < results->count; i++) {
        if (results->items[i].graded) {
            char *path = coips_path(options->project, COIPS_PROCESSED, listing->items[i].png);
            text.failed = text.failed || path == NULL;
            fovea_buffer_csv(&text, path != NULL ? path : "");
            fovea_buffer_format(&text, ", %d\n", (int)results->items[i].grade.quality);
            fv_release(path);
        }
    }
    enum fv_status status = write_table(options, &text, "quality_assessment", error);
    fovea_buffer_clear(&text);
    return status;
}

static enum fv_status write_areas(const struct fovea_coips_options *options, const struct coips_listing *listing,
                                  const struct fovea_result_list *results, enum fovea_quality grade,
                                  struct fv_error *error) {
    struct fovea_buffer text = {0};
    for (size_t i = 0; i < results->count; i++) {
        const struct fovea_result *result = &results->items[i];
        if (result->measured && result->grade.quality == grade) {
            char area[FOVEA_NUMBER_SIZE];
            fovea_format_repr(result->measures.faz_area_mm2, area);
            fovea_buffer_csv(&text, listing->items[i].stem);
            fovea_buffer_format(&text, ",%s\n", area);
        }
    }
    enum fv_status status =
        write_table(options, &text, grade == FOVEA_GRADABLE ? "FAZ_area_gradable" : "FAZ_area_outstanding", error);
    fovea_buffer_clear(&text);
    return status;
}

enum fv_status coips_tables_write(const struct fovea_coips_options *options, const struct coips_listing *listing,
                                  const struct fovea_result_list *results, struct fv_error *error) {
    enum fv_status status = options->layer == FOVEA_LAYER_DEEP ? FV_OK : write_grades(options, listing, results, error);
    status = status != FV_OK ? status : write_areas(options, listing, results, FOVEA_GRADABLE, error);
    return status != FV_OK ? status : write_areas(options, listing, results, FOVEA_OUTSTANDING, error);
}
