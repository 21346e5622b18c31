#include "image/resize.h"

#include <string.h>

#include "fovea/memory.h"

enum { WEIGHT_BITS = 22 }; /* Pillow: 32 - 8 - 2 */

/* The weights of one axis: output i is the sum of `counts[i]` inputs from `starts[i]` on, times weights[i * span ...].
 */
struct axis {
    uint32_t size, span;
    uint32_t *starts, *counts;
    double *weights;
};

static void release_axis(struct axis *axis) {
    fv_release(axis->starts);
    fv_release(axis->counts);
    fv_release(axis->weights);
    *axis = (struct axis){0};
}

static double triangle(double x) {
    x = x < 0.0 ? -x : x;
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double keys_cubic(double x) {
    const double a = -0.5;
    x = x < 0.0 ? -x : x;
    if (x < 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    }
    if (x < 2.0) {
        return (((x - 5) * x + 8) * x - 4) * a;
    }
    return 0.0;
}

static double evaluate(enum fovea_filter filter, double x) {
    return filter == FOVEA_FILTER_BICUBIC ? keys_cubic(x) : triangle(x);
}

/* Pillow's precompute_coeffs, operation by operation. */
static enum fv_status make_axis(uint32_t in, uint32_t out, enum fovea_filter filter, struct axis *axis,
                                struct fv_error *error) {
    double scale = (double)in / (double)out;
    double filter_scale = scale < 1.0 ? 1.0 : scale;
    double support = (filter == FOVEA_FILTER_BICUBIC ? 2.0 : 1.0) * filter_scale;
    uint32_t span = (uint32_t)support + ((double)(uint32_t)support < support ? 1 : 0);
    span = span * 2 + 1;
    *axis = (struct axis){.size = out, .span = span};
    axis->starts = fv_allocate(out, sizeof *axis->starts);
    axis->counts = fv_allocate(out, sizeof *axis->counts);
    axis->weights = fv_allocate_zero((size_t)out * span, sizeof *axis->weights);
    if (axis->starts == NULL || axis->counts == NULL || axis->weights == NULL) {
        release_axis(axis);
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for resizing");
    }
    for (uint32_t x = 0; x < out; x++) {
        double center = (x + 0.5) * scale;
        double inverse = 1.0 / filter_scale;
        int first = (int)(center - support + 0.5);
        first = first < 0 ? 0 : first;
        int last = (int)(center + support + 0.5);
        last = last > (int)in ? (int)in : last;
        double *weights = axis->weights + (size_t)x * span;
        double sum = 0.0;
        for (int i = 0; i < last - first; i++) {
            weights[i] = evaluate(filter, (i + first - center + 0.5) * inverse);
            sum += weights[i];
        }
        for (int i = 0; i < last - first && sum != 0.0; i++) {
            weights[i] /= sum;
        }
        axis->starts[x] = (uint32_t)first;
        axis->counts[x] = (uint32_t)(last - first);
    }
    return FV_OK;
}

/* Fixed-point weights in place of the doubles' array, rounded half away from zero. */
static int32_t *round_weights(const struct axis *axis) {
    size_t count = (size_t)axis->size * axis->span;
    int32_t *rounded = fv_allocate(count, sizeof *rounded);
    for (size_t i = 0; rounded != NULL && i < count; i++) {
        double weight = axis->weights[i] * (1 << WEIGHT_BITS);
        rounded[i] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    return rounded;
}

static uint8_t clip8(int32_t sum) {
    int32_t value = sum >> WEIGHT_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Sums `count` samples, `stride` apart. */
static uint8_t weigh_bytes(const uint8_t *samples, size_t stride, const int32_t *weights, uint32_t count) {
    int32_t sum = 1 << (WEIGHT_BITS - 1);
    for (uint32_t i = 0; i < count; i++) {
        sum += (int32_t)samples[i * stride] * weights[i];
    }
    return clip8(sum);
}

static void pass_horizontal(const struct fovea_image *source, const struct axis *axis, const int32_t *weights,
                            struct fovea_image *result) {
    size_t channels = source->channels;
    uint8_t *out = result->pixels.u8;
    for (uint32_t y = 0; y < result->height; y++) {
        const uint8_t *row = source->pixels.u8 + (size_t)y * source->width * channels;
        for (uint32_t x = 0; x < result->width; x++) {
            for (size_t c = 0; c < channels; c++) {
                *out++ = weigh_bytes(row + axis->starts[x] * channels + c, channels, weights + (size_t)x * axis->span,
                                     axis->counts[x]);
            }
        }
    }
}

static void pass_vertical(const struct fovea_image *source, const struct axis *axis, const int32_t *weights,
                          struct fovea_image *result) {
    size_t stride = (size_t)source->width * source->channels;
    uint8_t *out = result->pixels.u8;
    for (uint32_t y = 0; y < result->height; y++) {
        const uint8_t *top = source->pixels.u8 + axis->starts[y] * stride;
        for (size_t x = 0; x < stride; x++) {
            *out++ = weigh_bytes(top + x, stride, weights + (size_t)y * axis->span, axis->counts[y]);
        }
    }
}

/* One pass over one axis into a fresh image. */
static enum fv_status resize_axis(const struct fovea_image *source, uint32_t size, bool vertical,
                                  enum fovea_filter filter, struct fovea_image *result, struct fv_error *error) {
    enum fv_status status = fovea_image_create(vertical ? source->width : size, vertical ? size : source->height,
                                               source->channels, 8, result, error);
    struct axis axis = {0};
    if (status == FV_OK) {
        status = make_axis(vertical ? source->height : source->width, size, filter, &axis, error);
    }
    if (status == FV_OK) {
        int32_t *weights = round_weights(&axis);
        if (weights == NULL) {
            status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for resizing");
        } else if (vertical) {
            pass_vertical(source, &axis, weights, result);
        } else {
            pass_horizontal(source, &axis, weights, result);
        }
        fv_release(weights);
        release_axis(&axis);
    }
    if (status != FV_OK) {
        fovea_image_release(result);
    }
    return status;
}

static enum fv_status copy(const struct fovea_image *source, struct fovea_image *result, struct fv_error *error) {
    enum fv_status status = fovea_image_create(source->width, source->height, source->channels, 8, result, error);
    if (status == FV_OK) {
        memcpy(result->pixels.u8, source->pixels.u8, (size_t)source->width * source->height * source->channels);
    }
    return status;
}

enum fv_status fovea_resize(const struct fovea_image *source, uint32_t width, uint32_t height, enum fovea_filter filter,
                            struct fovea_image *result, struct fv_error *error) {
    *result = (struct fovea_image){0};
    if (source->bits != 8 || width == 0 || height == 0) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "cannot resize an image of %u bits to %u x %u", source->bits,
                            width, height);
    }
    if (width == source->width && height == source->height) {
        return copy(source, result, error);
    }
    if (height == source->height) {
        return resize_axis(source, width, false, filter, result, error);
    }
    if (width == source->width) {
        return resize_axis(source, height, true, filter, result, error);
    }
    struct fovea_image middle;
    enum fv_status status = resize_axis(source, width, false, filter, &middle, error);
    if (status == FV_OK) {
        status = resize_axis(&middle, height, true, filter, result, error);
    }
    fovea_image_release(&middle);
    return status;
}

void fovea_resize_shorter_side(uint32_t width, uint32_t height, uint32_t size, uint32_t *result_width,
                               uint32_t *result_height) {
    uint32_t shorter = width < height ? width : height;
    uint32_t longer = width < height ? height : width;
    uint32_t scaled = (uint32_t)((double)((uint64_t)size * longer) / shorter);
    *result_width = width <= height ? size : scaled;
    *result_height = width <= height ? scaled : size;
}

/* One pass over a plane: `lines` lines, `line_stride` floats apart, of samples that are `stride` apart. */
static void resize_lines(const float *plane, size_t lines, size_t line_stride, size_t stride, const struct axis *axis,
                         float *result, size_t result_line_stride) {
    for (size_t line = 0; line < lines; line++) {
        for (size_t i = 0; i < axis->size; i++) {
            const float *samples = plane + line * line_stride + axis->starts[i] * stride;
            const double *weights = axis->weights + i * axis->span;
            double sum = 0.0;
            for (uint32_t k = 0; k < axis->counts[i]; k++) {
                sum += (double)samples[k * stride] * weights[k];
            }
            result[line * result_line_stride + i * stride] = (float)sum;
        }
    }
}

enum fv_status fovea_resize_plane(const float *plane, uint32_t width, uint32_t height, float *result,
                                  uint32_t result_width, uint32_t result_height, struct fv_error *error) {
    if (width == 0 || height == 0 || result_width == 0 || result_height == 0) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "cannot resize a plane of %u x %u to %u x %u", width, height,
                            result_width, result_height);
    }
    struct axis across = {0}, down = {0};
    enum fv_status status = make_axis(width, result_width, FOVEA_FILTER_BILINEAR, &across, error);
    if (status == FV_OK) {
        status = make_axis(height, result_height, FOVEA_FILTER_BILINEAR, &down, error);
    }
    float *middle = NULL;
    if (status == FV_OK) {
        middle = fv_allocate((size_t)result_width * height, sizeof *middle);
        if (middle == NULL) {
            status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for resizing");
        }
    }
    if (status == FV_OK) {
        resize_lines(plane, height, width, 1, &across, middle, result_width);
        resize_lines(middle, result_width, 1, result_width, &down, result, 1);
    }
    fv_release(middle);
    release_axis(&across);
    release_axis(&down);
    return status;
}
