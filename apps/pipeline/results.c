#include "pipeline/results.h"

#include <math.h>

#include "fovea/memory.h"
#include "fovea/text.h"

const char *const fovea_state_names[FOVEA_STATE_COUNT] = {"ok", "ungradable", "failed"};

#define WHOLE(field, label, formula, shape)                                                                            \
    { #field, label, formula, offsetof(struct fovea_measures, field), true, shape }
#define REAL(field, label, formula, shape)                                                                             \
    { #field, label, formula, offsetof(struct fovea_measures, field), false, shape }

/* In the order of results.csv. */
const struct fovea_measure_column fovea_measure_columns[] = {
    REAL(faz_area_mm2, "FAZ area, mm\xc2\xb2",
         "N a\xc2\xb2 / z\xc2\xb2: N all pixels of the mask, a the field of view, z the pixels a side "
         "(Wang et al. 2021, eq. 10)",
         false),
    WHOLE(faz_pixels, "FAZ pixels", "N", false),
    WHOLE(components, "Regions", "4-connected regions of the mask", false),
    WHOLE(hole_pixels, "Hole pixels", "background pixels enclosed by the largest region", false),
    WHOLE(largest_pixels, "Pixels of the largest region", "n, with its holes filled", true),
    REAL(faz_area_largest_mm2, "Area of the largest region, mm\xc2\xb2", "A = n a\xc2\xb2 / z\xc2\xb2", true),
    REAL(equivalent_diameter_mm, "Equivalent diameter, mm", "2 \xe2\x88\x9a(A / \xcf\x80)", true),
    REAL(perimeter_crofton_mm, "Perimeter (Crofton), mm", "P, from intersection counts along 4 directions", true),
    REAL(circularity, "Circularity", "4 \xcf\x80 A / P\xc2\xb2; 1 for a disc", true),
    REAL(acircularity_index, "Acircularity index", "P / (2 \xe2\x88\x9a(\xcf\x80 A))", true),
    REAL(major_axis_mm, "Major axis, mm", "4 \xe2\x88\x9a\xce\xbb\xe2\x82\x81, of the ellipse of equal second moments",
         true),
    REAL(minor_axis_mm, "Minor axis, mm", "4 \xe2\x88\x9a\xce\xbb\xe2\x82\x82", true),
    REAL(axial_ratio, "Axial ratio", "major axis / minor axis", true),
    REAL(eccentricity, "Eccentricity", "\xe2\x88\x9a(1 - \xce\xbb\xe2\x82\x82 / \xce\xbb\xe2\x82\x81)", true),
    REAL(angle_degrees, "Angle, degrees", "of the major axis, from the x axis towards the lower edge", true),
    REAL(centroid_x_px, "Centroid x, px", "of the largest region; the first pixel's centre is 0", true),
    REAL(centroid_y_px, "Centroid y, px", "downwards", true),
    REAL(offset_x_mm, "Offset x, mm", "centroid minus the image's centre", true),
    REAL(offset_y_mm, "Offset y, mm", "downwards", true),
    REAL(offset_mm, "Offset, mm", "distance of the centroid from the image's centre", true),
};
const size_t fovea_measure_column_count = sizeof fovea_measure_columns / sizeof *fovea_measure_columns;

bool fovea_result_has(const struct fovea_result *result, const struct fovea_measure_column *column) {
    return result->measured && (!column->shape || result->measures.largest_pixels > 0);
}

double fovea_result_value(const struct fovea_result *result, const struct fovea_measure_column *column) {
    const char *field = (const char *)&result->measures + column->offset;
    return column->whole ? (double)*(const size_t *)(const void *)field : *(const double *)(const void *)field;
}

void fovea_result_text(const struct fovea_result *result, const struct fovea_measure_column *column,
                       char text[FOVEA_NUMBER_SIZE]) {
    double value = fovea_result_value(result, column);
    if (column->whole || !isfinite(value)) {
        fovea_format_shortest(value, text);
    } else {
        fovea_format_repr(value, text);
    }
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
