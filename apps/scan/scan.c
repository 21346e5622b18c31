#include "scan/scan.h"

#include <math.h>

const char *const fovea_layer_names[] = {"superficial", "deep", NULL};
const char *const fovea_eye_names[] = {"", "OD", "OS"};
const char *const fovea_source_names[] = {"", "option", "table", "dicom", "name"};

const char *fovea_scan_layer_name(const struct fovea_scan *scan) {
    return scan->has_layer ? fovea_layer_names[scan->layer] : "";
}

bool fovea_field_agrees(double left_mm, double right_mm) {
    static const double SAME = 0.01; /* relative */
    return fabs(left_mm - right_mm) <= SAME * fmax(left_mm, right_mm);
}
