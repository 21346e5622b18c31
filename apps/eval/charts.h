/* Drawings for the report, as SVG elements that stand in a page with its style. Colours are told apart with any colour
 * vision, and lines differ in their dashes too.
 *
 * Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_EVAL_CHARTS_H
#define FOVEA_APPS_EVAL_CHARTS_H

#include "base/buffer.h"
#include "eval/classification.h"

/* The confusion matrix: rows are labels, columns predictions; each cell with its count and its share of the row. */
void fovea_chart_confusion(struct fovea_buffer *text, const struct fovea_classification *result);

/* The ROC curves of the classes and of all in one, with their areas. */
void fovea_chart_roc(struct fovea_buffer *text, const struct fovea_classification *result);

#endif
