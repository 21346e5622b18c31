/* Drawings for the report, as SVG elements that stand in a page with its style. Colours are told apart with any colour
 * vision, and lines differ in their dashes too.
 *
 * Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_EVAL_CHARTS_H
#define FOVEA_APPS_EVAL_CHARTS_H

#include <stddef.h>

#include "base/buffer.h"
#include "eval/classification.h"
#include "eval/statistics.h"

/* The confusion matrix: rows are labels, columns predictions; each cell with its count and its share of the row. */
void fovea_chart_confusion(struct fovea_buffer *text, const struct fovea_classification *result);

/* The ROC curves of the classes and of all in one, with their areas. */
void fovea_chart_roc(struct fovea_buffer *text, const struct fovea_classification *result);

/* One row of a box plot. */
struct fovea_chart_box {
    const char *group, *label; /* the group is written above its first row */
    const double *values;      /* NaN is left out */
    size_t count;
    const struct fovea_spread *spread; /* of the values */
};

/* A row a box, on one axis from the least value to `most`: the box spans the quartiles, its bar is the median, the
 * whiskers reach the outermost values within 1.5 box lengths, dots are those beyond, the diamond is the mean. */
void fovea_chart_boxes(struct fovea_buffer *text, const char *title, const struct fovea_chart_box *boxes, size_t count,
                       double most);

/* Bland and Altman's plot of areas in mm2: difference over mean, with bias and limits. */
void fovea_chart_agreement(struct fovea_buffer *text, const double *predicted, const double *reference, size_t count,
                           const struct fovea_agreement *agreement);

#endif
