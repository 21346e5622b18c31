#include "measure/warnings.h"

const char *const fovea_warning_texts[FOVEA_WARNING_COUNT] = {
    "FAZ area outside 0.05 to 0.80 mm2 in a superficial image",
    "FAZ area outside 0.10 to 1.20 mm2 in a deep image",
    "FAZ touches the border of the image",
    "more than one region",
    "low confidence: mean probability of the FAZ below 0.80",
    "circularity below 0.3",
    "axial ratio above 2",
    "centroid more than 0.6 mm from the centre of the image",
};

static bool is_outside(double value, double least, double most) {
    return value < least || value > most;
}

void fovea_warnings_find(bool has_layer, enum fovea_layer layer, struct fovea_measures *measures) {
    const bool superficial = has_layer && layer == FOVEA_LAYER_SUPERFICIAL;
    const bool deep = has_layer && layer == FOVEA_LAYER_DEEP;
    const bool applies[FOVEA_WARNING_COUNT] = {
        [FOVEA_WARNING_SUPERFICIAL_AREA] = superficial && is_outside(measures->faz_area_mm2, 0.05, 0.80),
        [FOVEA_WARNING_DEEP_AREA] = deep && is_outside(measures->faz_area_mm2, 0.10, 1.20),
        [FOVEA_WARNING_BORDER] = (measures->border_pixels > 0),
        [FOVEA_WARNING_COMPONENTS] = (measures->components > 1),
        [FOVEA_WARNING_CONFIDENCE] = (measures->mean_confidence < 0.80),
        [FOVEA_WARNING_CIRCULARITY] = (measures->circularity < 0.3),
        [FOVEA_WARNING_AXIAL_RATIO] = (measures->axial_ratio > 2.0),
        [FOVEA_WARNING_OFFSET] = (measures->offset_mm > 0.6),
    };
    measures->warnings = 0;
    for (unsigned w = 0; measures->faz_pixels > 0 && w < FOVEA_WARNING_COUNT; w++) {
        measures->warnings |= applies[w] ? UINT32_C(1) << w : 0;
    }
}

void fovea_warnings_add(uint32_t warnings, struct fovea_buffer *text) {
    const char *between = "";
    for (unsigned w = 0; w < FOVEA_WARNING_COUNT; w++) {
        if ((warnings >> w & 1) != 0) {
            fovea_buffer_format(text, "%s%s", between, fovea_warning_texts[w]);
            between = "; ";
        }
    }
}
