/* What a reader should look at before trusting the figures of an image. Never a verdict on the eye: the ranges of areas
 * are set around those that are published of healthy eyes on other devices (0.07 to 0.67 mm^2 superficial, 0.16 to 0.94
 * mm^2 deep: Samara; Falavarjani 2018), and sick eyes leave them.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_WARNINGS_H
#define FOVEA_APPS_MEASURE_WARNINGS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "measure/measure.h"

enum fovea_warning {
    FOVEA_WARNING_SUPERFICIAL_AREA, /* faz_area_mm2 outside 0.05 to 0.80 mm^2 */
    FOVEA_WARNING_DEEP_AREA,        /* faz_area_mm2 outside 0.10 to 1.20 mm^2 */
    FOVEA_WARNING_BORDER,           /* the mask touches the border of the image */
    FOVEA_WARNING_COMPONENTS,       /* more than one region */
    FOVEA_WARNING_CONFIDENCE,       /* mean_confidence below 0.80 */
    FOVEA_WARNING_CIRCULARITY,      /* below 0.3 */
    FOVEA_WARNING_AXIAL_RATIO,      /* above 2 */
    FOVEA_WARNING_OFFSET,           /* above 0.6 mm */
    FOVEA_WARNING_COUNT,
};

/* A short sentence each, without its end, which names the limit. None holds what a table or a
 * page gives a meaning: ; , " < > &. */
extern const char *const fovea_warning_texts[FOVEA_WARNING_COUNT];

/* Sets measures->warnings from the other measures, and for an area from the layer if it is known. An empty mask has
 * none: that is a finding of its own. */
void fovea_warnings_find(bool has_layer, enum fovea_layer layer, struct fovea_measures *measures);

/* Appends the texts, "; " between them; nothing if there are none. */
void fovea_warnings_add(uint32_t warnings, struct fovea_buffer *text);

#endif
