#include "phantom/plane.h"

#include <math.h>

#include "fovea/memory.h"
#include "image/resize.h"

enum fv_status plane_create(uint32_t side, struct plane *plane, struct fv_error *error) {
    plane->side = side;
    plane->values = fv_allocate_zero((size_t)side * side, sizeof *plane->values);
    if (plane->values == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a phantom of %u x %u pixels", side, side);
    }
    return FV_OK;
}

void plane_release(struct plane *plane) {
    fv_release(plane->values);
    *plane = (struct plane){0};
}

int plane_index(uint32_t side, double x, double y, size_t *index) {
    if (!(x > -0.5 && y > -0.5 && x < side - 0.5 && y < side - 0.5)) {
        return 0;
    }
    *index = (size_t)floor(y + 0.5) * side + (size_t)floor(x + 0.5);
    return 1;
}

static double distance_to_segment(double x, double y, const double from[2], const double to[2]) {
    double along[2] = {to[0] - from[0], to[1] - from[1]};
    double length = along[0] * along[0] + along[1] * along[1];
    double t = length > 0.0 ? ((x - from[0]) * along[0] + (y - from[1]) * along[1]) / length : 0.0;
    t = fmin(fmax(t, 0.0), 1.0);
    double dx = x - from[0] - t * along[0], dy = y - from[1] - t * along[1];
    return sqrt(dx * dx + dy * dy);
}

void plane_draw_line(struct plane *plane, const double from[2], const double to[2], double radius, double value) {
    double reach = radius + 0.5, last = plane->side - 1.0;
    double left = fmax(ceil(fmin(from[0], to[0]) - reach), 0.0), right = fmin(fmax(from[0], to[0]) + reach, last);
    double top = fmax(ceil(fmin(from[1], to[1]) - reach), 0.0), bottom = fmin(fmax(from[1], to[1]) + reach, last);
    for (double y = top; y <= bottom; y += 1.0) {
        for (double x = left; x <= right; x += 1.0) {
            double cover = fmin(reach - distance_to_segment(x, y, from, to), 1.0);
            float *pixel = &plane->values[(size_t)y * plane->side + (size_t)x];
            if (cover > 0.0 && (float)(value * cover) > *pixel) {
                *pixel = (float)(value * cover);
            }
        }
    }
}

void plane_standardise(struct plane *plane) {
    size_t pixels = (size_t)plane->side * plane->side;
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < pixels; i++) {
        sum += plane->values[i];
    }
    double mean = sum / (double)pixels;
    for (size_t i = 0; i < pixels; i++) {
        squares += (plane->values[i] - mean) * (plane->values[i] - mean);
    }
    double deviation = sqrt(squares / (double)pixels);
    for (size_t i = 0; i < pixels; i++) {
        plane->values[i] = deviation > 0.0 ? (float)((plane->values[i] - mean) / deviation) : 0.0F;
    }
}

enum fv_status plane_fill_noise(struct plane *plane, uint32_t cells, struct random *random, struct fv_error *error) {
    struct plane coarse;
    enum fv_status status = plane_create(cells, &coarse, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)cells * cells; i++) {
        coarse.values[i] = (float)random_normal(random, 0.0, 1.0);
    }
    status = fovea_resize_plane(coarse.values, cells, cells, plane->values, plane->side, plane->side, error);
    plane_release(&coarse);
    if (status == FV_OK) {
        /* Rounds the creases that linear interpolation leaves. */
        double sigma = 0.35 * plane->side / cells;
        status = plane_blur(plane, sigma, sigma, error);
    }
    if (status == FV_OK) {
        plane_standardise(plane);
    }
    return status;
}

/* One axis of the blur: `stride` floats between neighbours of a line, `line` between lines. `scratch` holds `side`. */
static void blur_lines(struct plane *plane, size_t stride, size_t line, const double *weights, uint32_t radius,
                       float *scratch) {
    int64_t side = plane->side;
    for (int64_t l = 0; l < side; l++) {
        float *values = plane->values + (size_t)l * line;
        for (int64_t i = 0; i < side; i++) {
            scratch[i] = values[(size_t)i * stride];
        }
        for (int64_t i = 0; i < side; i++) {
            double sum = weights[0] * (double)scratch[i];
            for (int64_t k = 1; k <= radius; k++) {
                int64_t before = i - k, after = i + k;
                before = before < 0 ? -1 - before : before;
                after = after >= side ? 2 * side - 1 - after : after;
                sum += weights[k] * ((double)scratch[before] + (double)scratch[after]);
            }
            values[(size_t)i * stride] = (float)sum;
        }
    }
}

static enum fv_status blur_axis(struct plane *plane, double sigma, int vertical, struct fv_error *error) {
    uint32_t radius = (uint32_t)ceil(3.0 * sigma);
    radius = radius >= plane->side ? plane->side - 1 : radius;
    if (sigma <= 0.0 || radius == 0) {
        return FV_OK;
    }
    double *weights = fv_allocate((size_t)radius + 1, sizeof *weights);
    float *scratch = fv_allocate(plane->side, sizeof *scratch);
    enum fv_status status = FV_OK;
    if (weights == NULL || scratch == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a phantom");
    } else {
        double sum = 0.0;
        for (uint32_t k = 0; k <= radius; k++) {
            weights[k] = portable_exp(-0.5 * k * k / (sigma * sigma));
            sum += k == 0 ? weights[k] : 2.0 * weights[k];
        }
        for (uint32_t k = 0; k <= radius; k++) {
            weights[k] /= sum;
        }
        blur_lines(plane, vertical ? plane->side : 1, vertical ? 1 : plane->side, weights, radius, scratch);
    }
    fv_release(weights);
    fv_release(scratch);
    return status;
}

enum fv_status plane_blur(struct plane *plane, double across, double down, struct fv_error *error) {
    enum fv_status status = blur_axis(plane, across, 0, error);
    return status == FV_OK ? blur_axis(plane, down, 1, error) : status;
}
