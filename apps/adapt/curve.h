/* The learning curve as an SVG element that stands in a page with the style of reports.
 *
 * Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_ADAPT_CURVE_H
#define FOVEA_APPS_ADAPT_CURVE_H

#include <stddef.h>

#include "adapt/training.h"
#include "base/buffer.h"

/* Loss over epochs: for each of `count` trainings a line of what trains and a dashed one of what is watched, a dot at
 * the epoch that is kept, and a vertical line at `chosen`. */
void fovea_chart_learning(struct fovea_buffer *text, const struct fovea_training *trainings, size_t count,
                          size_t chosen);

#endif
