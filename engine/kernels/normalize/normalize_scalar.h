/* Moments of planes and layer norm of tokens, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_NORMALIZE_SCALAR_H
#define FOVEA_KERNELS_NORMALIZE_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

/* Mean of `count` floats at distance `step`. */
static double scalar_mean(const float *input, size_t count, size_t step) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)input[i * step];
    }
    return sum / (double)count;
}

/* Mean squared distance from `centre`. */
static double scalar_variance(const float *input, size_t count, size_t step, double centre) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double distance = (double)input[i * step] - centre;
        sum += distance * distance;
    }
    return sum / (double)count;
}

static void mean(const float *input, size_t pixels, float *result) {
    for (size_t lane = 0; lane < WIDTH; lane++) {
        result[lane] = (float)scalar_mean(input + lane, pixels, WIDTH);
    }
}

static void moments(const float *input, size_t pixels, float *result_mean, float *variance) {
    for (size_t lane = 0; lane < WIDTH; lane++) {
        const double centre = scalar_mean(input + lane, pixels, WIDTH);
        result_mean[lane] = (float)centre;
        variance[lane] = (float)scalar_variance(input + lane, pixels, WIDTH, centre);
    }
}

static void layer_norm(const float *input, size_t channels, const float *weight, const float *bias, float epsilon,
                       float *output) {
    const double centre = scalar_mean(input, channels, 1);
    const double deviation = sqrt(scalar_variance(input, channels, 1, centre) + (double)epsilon);
    for (size_t c = 0; c < channels; c++) {
        output[c] = (float)(((double)input[c] - centre) / deviation * (double)weight[c] + (double)bias[c]);
    }
    for (size_t c = channels; c % FV_TOKEN_ALIGNMENT != 0; c++) {
        output[c] = 0;
    }
}

#endif
