#include "base/axis.h"

#include <math.h>

static const double LEAST_PART = 1e-9; /* of the values' size: a finer axis would mark rounding */

struct fovea_axis fovea_axis_make(double low, double high, double from, double to, double parts) {
    double size = fmax(fabs(low), fabs(high)), range = high - low;
    if (!(range > LEAST_PART * size)) {
        range = size > 0.0 ? size / 2.0 : 1.0;
        low -= range / 2.0;
        high += range / 2.0;
    }
    double power = floor(log10(range / parts)), scale = range / parts / pow(10.0, power);
    double step = pow(10.0, power) * (scale < 1.5 ? 1.0 : scale < 3.5 ? 2.0 : scale < 7.5 ? 5.0 : 10.0);
    power += scale < 7.5 ? 0.0 : 1.0;
    struct fovea_axis axis = {floor(low / step) * step, ceil(high / step) * step, from, to, step, 0};
    if (axis.high <= axis.low) {
        axis.high = axis.low + step;
    }
    axis.decimals = power < 0.0 ? (int)fmin(-power, 300.0) : 0;
    return axis;
}

double fovea_axis_place(const struct fovea_axis *axis, double value) {
    return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

int fovea_axis_marks(const struct fovea_axis *axis) {
    return (int)floor((axis->high - axis->low) / axis->step + 0.5) + 1;
}

double fovea_axis_mark(const struct fovea_axis *axis, int index) {
    double value = axis->low + index * axis->step;
    return fabs(value) < 1e-6 * axis->step ? 0.0 : value;
}

void fovea_axis_number(struct fovea_buffer *text, const struct fovea_axis *axis, double value, int more) {
    const double huge = 1e7, tiny = 1e-7; /* beyond which a power of ten is easier to read */
    fovea_buffer_text(text, value < 0.0 ? "\xe2\x88\x92" : "");
    if (fabs(value) >= huge || axis->step < tiny) {
        fovea_buffer_format(text, "%.*g", 4 + more, fabs(value));
    } else {
        fovea_buffer_format(text, "%.*f", axis->decimals + more, fabs(value));
    }
}
