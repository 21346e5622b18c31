#include "scan/scan.h"

#include <math.h>

const char *const fovea_layer_names[] = {"superficial", "deep", NULL};
const char *const fovea_eye_names[] = {"", "OD", "OS"};
const char *const fovea_source_names[] = {"", "option", "table", "dicom", "name"};

struct fovea_scan fovea_scan_of_option(double field_mm, enum fovea_layer layer) {
    return (struct fovea_scan){.field_x_mm = field_mm,
                               .field_y_mm = field_mm,
                               .field_is_side = true,
                               .field_source = FOVEA_SOURCE_OPTION,
                               .has_layer = true,
                               .layer = layer,
                               .layer_source = FOVEA_SOURCE_OPTION};
}

const char *fovea_scan_layer_name(const struct fovea_scan *scan) {
    return scan->has_layer ? fovea_layer_names[scan->layer] : "";
}

bool fovea_field_agrees(double left_mm, double right_mm) {
    static const double SAME = 0.01; /* relative */
    return fabs(left_mm - right_mm) <= SAME * fmax(left_mm, right_mm);
}
