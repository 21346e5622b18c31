/* A histogram of several groups of values on one axis, as an SVG element. Thread safety: reentrant. */
#ifndef FOVEA_APPS_REPORT_HISTOGRAM_H
#define FOVEA_APPS_REPORT_HISTOGRAM_H

#include <stddef.h>

#include "base/buffer.h"

struct fovea_report_group {
    const char *name;
    const double *values; /* finite */
    size_t count;         /* a group without values is left out */
};

/* A row of bars for each group, all of equal width in values; the height of a bar is its part of the group's fullest
 * bar, and its count stands above it. Nothing if there are no values. */
void fovea_report_histogram(struct fovea_buffer *text, const char *title, const struct fovea_report_group *groups,
                            size_t count);

#endif
