/* Drawings of values, as SVG elements that stand in a page with the style of base/report_style.h. Colours are told
 * apart with any colour vision (Okabe and Ito), and nothing is told by colour alone: marks differ in their shapes,
 * lines in their dashes. Texts are escaped.
 *
 * Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_PLOTS_H
#define FOVEA_APPS_PLOTS_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/statistics.h"

/* One row of a box plot. */
struct fovea_plot_box {
    const char *group, *label; /* the group is written above its first row, if it is not "" */
    const double *values;      /* NaN is left out */
    size_t count;
    const struct fovea_spread *spread; /* of the values */
};

/* A row a box, on one axis from the least value to `most` (NaN: the greatest value): the box spans the quartiles, its
 * bar is the median, the whiskers reach the outermost values within 1.5 box lengths, circles are those beyond, the
 * diamond is the mean. */
void fovea_plot_boxes(struct fovea_buffer *text, const char *title, const struct fovea_plot_box *boxes, size_t count,
                      double most);

/* What a plot and its axes are called. */
struct fovea_plot_titles {
    const char *title, *across, *upward;
};

/* Points of one kind; a point with a NaN is left out. */
struct fovea_plot_series {
    const char *name;
    const double *x, *y;
    size_t count;
};

/* The line y = intercept + slope x over all of the x axis that holds points. */
struct fovea_plot_line {
    double intercept, slope;
};

/* The points of the series, each with its own mark, and `line` (NULL: none). Points that would hide another exactly are
 * drawn once. */
void fovea_plot_scatter(struct fovea_buffer *text, const struct fovea_plot_titles *titles,
                        const struct fovea_plot_series *series, size_t count, const struct fovea_plot_line *line);

/* Bland and Altman's plot: the difference left - right over the mean, with bias and limits of agreement. */
void fovea_plot_agreement(struct fovea_buffer *text, const struct fovea_plot_titles *titles, const double *left,
                          const double *right, size_t count, const struct fovea_agreement *agreement);

#endif
