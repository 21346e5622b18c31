/* The axis of a plot: where values lie, and the round numbers that mark it.
 *
 * Thread safety: all functions are reentrant; a buffer belongs to one thread. */
#ifndef FOVEA_APPS_AXIS_H
#define FOVEA_APPS_AXIS_H

#include "base/buffer.h"

struct fovea_axis {
    double low, high; /* values at its ends; both are marks */
    double from, to;  /* places in pixels */
    double step;      /* between its marks: 1, 2 or 5 times a power of ten */
    int decimals;     /* after the point, of the marks' numbers */
};

/* An axis that holds all of `low` to `high`, which are at most 1e300 in size, cut into about `parts`. */
struct fovea_axis fovea_axis_make(double low, double high, double from, double to, double parts);

/* Where `value` lies. */
double fovea_axis_place(const struct fovea_axis *axis, double value);

/* How many marks there are, and the value of each. */
int fovea_axis_marks(const struct fovea_axis *axis);
double fovea_axis_mark(const struct fovea_axis *axis, int index);

/* Appends `value` with `more` decimals than the marks have, and a true minus sign. */
void fovea_axis_number(struct fovea_buffer *text, const struct fovea_axis *axis, double value, int more);

#endif
