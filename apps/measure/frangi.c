#include "measure/frangi.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/portable_math.h"
#include "fovea/memory.h"

enum {
    RADII = 5, /* a filter's radius in sigmas */
    RADIUS_MAX = RADII * FOVEA_FRANGI_SIGMA_MOST,
    BORDER_SIGMAS = 3, /* how far creases of the reflection reach */
    ORDERS = 3,        /* smoothing, first and second derivative */
};

/* Which orders are even filters, and which is odd. */
static const float signs[ORDERS] = {1.0F, -1.0F, 1.0F};

/* Filters of one scale, from the centre outwards: even, odd and even. */
struct kernels {
    size_t radius;
    float weights[ORDERS][RADIUS_MAX + 1];
};

/* A single first derivative or smoothing with sigma / sqrt(2), and two of them convolved. */
enum { HALF_RADIUS_MAX = RADIUS_MAX + 1, HALF_TAPS = 2 * HALF_RADIUS_MAX + 1 };

/* sum over k of a[k] b[at - k], both of 2 radius + 1 taps around their middles. */
static double convolve(const double *a, const double *b, int radius, int at) {
    double sum = 0.0;
    for (int k = -radius; k <= radius; k++) {
        if (at - k >= -radius && at - k <= radius) {
            sum += a[k + radius] * b[at - k + radius];
        }
    }
    return sum;
}

static void make_kernels(double sigma, struct kernels *kernels) {
    double smooth[HALF_TAPS], derive[HALF_TAPS], sum = 0.0, variance = sigma * sigma / 2.0;
    int radius = (int)ceil(RADII * sigma), half = radius + 1;
    for (int k = -half; k <= half; k++) {
        double exponent = -0.5 * k * k / variance;
        smooth[k + half] = exponent < -700.0 ? 0.0 : portable_exp(exponent);
        sum += smooth[k + half];
    }
    for (int k = -half; k <= half; k++) {
        smooth[k + half] /= sum;
        derive[k + half] = -k / variance * smooth[k + half];
    }
    kernels->radius = (size_t)radius;
    double rest = 0.0;
    for (int k = radius; k >= 0; k--) {
        double second = convolve(derive, derive, half, k);
        kernels->weights[0][k] = (float)convolve(smooth, smooth, half, k);
        kernels->weights[1][k] = (float)convolve(smooth, derive, half, k);
        kernels->weights[2][k] = (float)second;
        rest += k > 0 ? 2.0 * (double)kernels->weights[2][k] : 0.0;
    }
    kernels->weights[2][0] = (float)-rest; /* even surfaces have no curvature, however the filter is cut */
}

/* Where the image continues beyond its borders. */
static size_t reflect(int64_t at, uint32_t count) {
    int64_t period = 2 * (int64_t)count;
    at %= period;
    at = at < 0 ? at + period : at;
    return (size_t)(at < count ? at : period - 1 - at);
}

/* result = middle times `weight`. */
static void start_sum(const float *restrict middle, float weight, size_t count, float *restrict result) {
    for (size_t x = 0; x < count; x++) {
        result[x] = weight * middle[x];
    }
}

/* result += weight (after + sign before), with sign 1 for an even filter and -1 for an odd one. */
static void add_pair(const float *before, const float *after, float weight, float sign, size_t count,
                     float *restrict result) {
    const float other = sign * weight;
    for (size_t x = 0; x < count; x++) {
        result[x] += weight * after[x] + other * before[x];
    }
}

/* The image filtered along y at row `y`: a row of `stride` columns for each order. */
static void filter_columns(const struct kernels *kernels, const float *plane, uint32_t height, size_t stride,
                           uint32_t y, float *rows) {
    for (size_t order = 0; order < ORDERS; order++) {
        start_sum(plane + (size_t)y * stride, kernels->weights[order][0], stride, rows + order * stride);
    }
    for (size_t k = 1; k <= kernels->radius; k++) {
        const float *above = plane + reflect((int64_t)y - (int64_t)k, height) * stride;
        const float *below = plane + reflect((int64_t)y + (int64_t)k, height) * stride;
        for (size_t order = 0; order < ORDERS; order++) {
            add_pair(above, below, kernels->weights[order][k], signs[order], stride, rows + order * stride);
        }
    }
}

/* A row filtered along x; `middle` may be read `radius` columns beyond both of its ends. */
static void filter_row(const struct kernels *kernels, size_t order, const float *middle, size_t count, float *result) {
    start_sum(middle, kernels->weights[order][0], count, result);
    for (size_t k = 1; k <= kernels->radius; k++) {
        add_pair(middle - k, middle + k, kernels->weights[order][k], signs[order], count, result);
    }
}

/* R^2 / 2 and S^2 / 2 from the Hessian; R^2 is large where nothing bright is. */
static void find_structure(const float *restrict xx, const float *restrict xy, const float *restrict yy, size_t count,
                           float *restrict blob, float *restrict strength) {
    for (size_t x = 0; x < count; x++) {
        float mean = -0.5F * (xx[x] + yy[x]), half = 0.5F * (xx[x] - yy[x]);
        float square = xy[x] * xy[x] + half * half, root = sqrtf(square);
        float greater = mean + root, lesser = mean - root;
        float ratio = lesser / (greater > 1e-10F ? greater : 1e-10F);
        blob[x] = mean >= 0.0F ? 0.5F * ratio * ratio : 1e30F;
        strength[x] = mean * mean + square;
    }
}

/* exp(-x) for x >= 0 to 2e-7: 2^n times a polynomial of the rest in [-1/2, 1/2]. */
static inline float decay(float x) {
    float power = (x < 80.0F ? x : 80.0F) * -1.44269504F;
    int32_t whole = (int32_t)(power - 0.5F);
    float t = (power - (float)whole) * 0.693147181F;
    float value =
        1.0F +
        t * (1.0F + t * (0.5F + t * (1.0F / 6.0F + t * (1.0F / 24.0F + t * (1.0F / 120.0F + t * (1.0F / 720.0F))))));
    union {
        int32_t bits;
        float number;
    } scale = {.bits = (whole + 127) * (1 << 23)};
    return x < 80.0F ? value * scale.number : 0.0F;
}

/* What a scale needs beside the kernels. */
struct work {
    uint32_t width, height;
    size_t pad, stride;     /* of a row of the plane: the image begins `pad` columns in */
    float *plane;           /* the image, reflected at the sides */
    float *rows;            /* ORDERS rows of it */
    float *hessian;         /* 3 rows of the image */
    float *blob, *strength; /* height x width */
};

/* Fills blob and strength. */
static void find_structures(const struct work *work, const struct kernels *kernels) {
    float *xx = work->hessian, *xy = xx + work->width, *yy = xy + work->width;
    for (uint32_t y = 0; y < work->height; y++) {
        filter_columns(kernels, work->plane, work->height, work->stride, y, work->rows);
        const float *smooth = work->rows + work->pad;
        filter_row(kernels, 2, smooth, work->width, xx);
        filter_row(kernels, 1, smooth + work->stride, work->width, xy);
        filter_row(kernels, 0, smooth + 2 * work->stride, work->width, yy);
        size_t at = (size_t)y * work->width;
        find_structure(xx, xy, yy, work->width, work->blob + at, work->strength + at);
    }
}

/* The greatest strength at least `margin` pixels from the border, or anywhere if the image has no such pixels. */
static float find_greatest(const struct work *work, size_t margin) {
    uint32_t shorter = work->width < work->height ? work->width : work->height;
    margin = 2 * margin < shorter ? margin : 0;
    float most = 0.0F;
    for (size_t y = margin; y < work->height - margin; y++) {
        const float *row = work->strength + y * work->width;
        for (size_t x = margin; x < work->width - margin; x++) {
            most = row[x] > most ? row[x] : most;
        }
    }
    return most;
}

/* Takes one scale's response into the greatest. */
static void add_response(const struct work *work, const struct fovea_frangi *frangi, double sigma, float *vesselness) {
    const float most = find_greatest(work, (size_t)ceil(BORDER_SIGMAS * sigma));
    const double rounding = FOVEA_FRANGI_ROUNDING / (sigma * sigma);
    if (frangi->gamma <= 0.0 && 2.0 * (double)most < rounding * rounding) {
        return;
    }
    double square = frangi->gamma > 0.0 ? frangi->gamma * frangi->gamma : 2.0 * (double)most / 4.0;
    float structure = (float)(1.0 / square);
    float shape = (float)(1.0 / (frangi->beta * frangi->beta));
    for (size_t i = 0; i < (size_t)work->width * work->height; i++) {
        float value = decay(work->blob[i] * shape) * (1.0F - decay(work->strength[i] * structure));
        vesselness[i] = value > vesselness[i] ? value : vesselness[i];
    }
}

static enum fv_status check_scales(const struct fovea_frangi *frangi, uint32_t width, uint32_t height,
                                   struct fv_error *error) {
    bool valid = frangi->scales > 0 && frangi->scales <= FOVEA_FRANGI_SCALES_MAX && width > 0 && height > 0 &&
                 frangi->beta > 0.0 && frangi->gamma >= 0.0;
    for (size_t i = 0; valid && i < frangi->scales; i++) {
        valid = frangi->sigma_px[i] >= FOVEA_FRANGI_SIGMA_LEAST && frangi->sigma_px[i] <= FOVEA_FRANGI_SIGMA_MOST;
    }
    return valid ? FV_OK
                 : fv_error_set(error, FV_ERROR_ARGUMENT,
                                "vesselness of %u x %u pixels: expected 1 to %d scales from %g to %d pixels, found %zu",
                                width, height, FOVEA_FRANGI_SCALES_MAX, FOVEA_FRANGI_SIGMA_LEAST,
                                FOVEA_FRANGI_SIGMA_MOST, frangi->scales);
}

/* Makes room, and fills the reflected plane for filters of up to `radius`. */
static bool prepare(const uint8_t *image, size_t radius, struct work *work) {
    size_t pixels = (size_t)work->width * work->height;
    work->pad = radius;
    work->stride = work->width + 2 * radius;
    work->plane = fv_allocate(work->height, work->stride * sizeof(float));
    work->rows = fv_allocate(ORDERS, work->stride * sizeof(float));
    work->hessian = fv_allocate(3, work->width * sizeof(float));
    work->blob = fv_allocate(pixels, sizeof(float));
    work->strength = fv_allocate(pixels, sizeof(float));
    if (work->plane == NULL || work->rows == NULL || work->hessian == NULL || work->blob == NULL ||
        work->strength == NULL) {
        return false;
    }
    for (uint32_t y = 0; y < work->height; y++) {
        const uint8_t *row = image + (size_t)y * work->width;
        for (size_t x = 0; x < work->stride; x++) {
            work->plane[(size_t)y * work->stride + x] =
                (float)row[reflect((int64_t)x - (int64_t)work->pad, work->width)] / 255.0F;
        }
    }
    return true;
}

enum fv_status fovea_frangi_filter(const struct fovea_frangi *frangi, const uint8_t *image, uint32_t width,
                                   uint32_t height, float *vesselness, struct fv_error *error) {
    enum fv_status status = check_scales(frangi, width, height, error);
    if (status != FV_OK) {
        return status;
    }
    double widest = 0.0;
    for (size_t i = 0; i < frangi->scales; i++) {
        widest = fmax(widest, frangi->sigma_px[i]);
    }
    struct work work = {.width = width, .height = height};
    struct kernels *kernels = fv_allocate(1, sizeof *kernels);
    if (kernels == NULL || !prepare(image, (size_t)ceil(RADII * widest), &work)) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "vesselness of %u x %u pixels: out of memory", width, height);
    }
    memset(vesselness, 0, (size_t)width * height * sizeof *vesselness);
    for (size_t i = 0; status == FV_OK && i < frangi->scales; i++) {
        make_kernels(frangi->sigma_px[i], kernels);
        find_structures(&work, kernels);
        add_response(&work, frangi, frangi->sigma_px[i], vesselness);
    }
    fv_release(kernels);
    fv_release(work.plane);
    fv_release(work.rows);
    fv_release(work.hessian);
    fv_release(work.blob);
    fv_release(work.strength);
    return status;
}
