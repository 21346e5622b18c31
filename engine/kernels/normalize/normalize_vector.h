/* Moments of planes and layer norm of tokens.
 *
 * Plane sums run in float over short runs (RUN pixels in 4 chains, so at most RUN / 4 + 2 roundings) and are gathered
 * in double, so the error does not grow with the image. Squared distances are taken from each run's own mean while the
 * run is in the first-level cache, and moved to the common mean in double: the plane is read once. */
#ifndef FOVEA_KERNELS_NORMALIZE_VECTOR_H
#define FOVEA_KERNELS_NORMALIZE_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

enum { RUN = 64, CHAINS = 4 };

/* What one float adds to a sum: itself, or its squared distance from `centre`. */
FV_INLINE vector moment_add(vector sum, vector x, vector centre, int squared) {
    if (squared) {
        const vector distance = x - centre;
        return vector_multiply_add(distance, distance, sum);
    }
    return sum + x;
}

FV_INLINE vector moment_run(const float *input, size_t pixels, vector centre, int squared) {
    vector sums[CHAINS] = {{0}};
    size_t p = 0;
    for (; p + CHAINS <= pixels; p += CHAINS) {
        FV_UNROLL
        for (size_t c = 0; c < CHAINS; c++) {
            sums[c] = moment_add(sums[c], vector_load(input + (p + c) * WIDTH), centre, squared);
        }
    }
    for (; p < pixels; p++) {
        sums[0] = moment_add(sums[0], vector_load(input + p * WIDTH), centre, squared);
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* result[l] = sum over pixels / pixels. */
FV_INLINE void moment_mean(const float *input, size_t pixels, vector centre, int squared, float *result) {
    double totals[FV_WIDTH] = {0};
    for (size_t p = 0; p < pixels; p += RUN) {
        const size_t count = pixels - p < RUN ? pixels - p : RUN;
        float run[FV_WIDTH];
        vector_store(run, moment_run(input + p * WIDTH, count, centre, squared));
        for (size_t lane = 0; lane < WIDTH; lane++) {
            totals[lane] += (double)run[lane];
        }
    }
    for (size_t lane = 0; lane < WIDTH; lane++) {
        result[lane] = (float)(totals[lane] / (double)pixels);
    }
}

static void mean(const float *input, size_t pixels, float *result) {
    moment_mean(input, pixels, vector_zero(), 0, result);
}

/* Mean, and sum of squared distances from it, of the pixels so far, in every lane. */
struct moments_so_far {
    double mean[FV_WIDTH], squares[FV_WIDTH];
};

/* Joins a run to the `before` pixels so far: its sum, and its squared distances from `centre`, a float near its mean
 * (Chan, Golub and LeVeque 1983, eq. 2.1). */
FV_INLINE void moments_join(struct moments_so_far *moments, size_t before, size_t count, vector sum, vector centre,
                            vector squares) {
    const double part = (double)count / (double)(before + count);
    for (size_t lane = 0; lane < WIDTH; lane++) {
        const double run_mean = (double)sum[lane] / (double)count, off = run_mean - (double)centre[lane];
        const double distance = run_mean - moments->mean[lane];
        moments->mean[lane] += distance * part;
        moments->squares[lane] +=
            (double)squares[lane] - (double)count * off * off + distance * distance * (double)before * part;
    }
}

static void moments(const float *input, size_t pixels, float *result_mean, float *variance) {
    struct moments_so_far moments = {{0}, {0}};
    for (size_t p = 0; p < pixels; p += RUN) {
        const size_t count = pixels - p < RUN ? pixels - p : RUN;
        const vector sum = moment_run(input + p * WIDTH, count, vector_zero(), 0);
        const vector centre = sum * vector_broadcast(1.0F / (float)count);
        moments_join(&moments, p, count, sum, centre, moment_run(input + p * WIDTH, count, centre, 1));
    }
    for (size_t lane = 0; lane < WIDTH; lane++) {
        const double mean_square = moments.squares[lane] / (double)pixels;
        result_mean[lane] = (float)moments.mean[lane];
        variance[lane] = (float)(mean_square > 0 ? mean_square : 0);
    }
}

/* Sum of one token's x or (x - centre)^2 in every lane, the columns beyond `channels` left out. */
FV_INLINE vector token_sum(const float *input, size_t channels, vector centre, int squared) {
    const size_t whole = channels / WIDTH;
    vector sum = moment_run(input, whole, centre, squared);
    if (channels % WIDTH != 0) {
        const vector rest = moment_add(vector_zero(), vector_load(input + whole * WIDTH), centre, squared);
        sum += vector_keep(mask_first(channels % WIDTH), rest);
    }
    return vector_sum(sum);
}

static void layer_norm(const float *input, size_t channels, const float *weight, const float *bias, float epsilon,
                       float *output) {
    const vector count = vector_broadcast((float)channels);
    const vector centre = token_sum(input, channels, vector_zero(), 0) / count;
    const vector variance = token_sum(input, channels, centre, 1) / count;
    const vector scale = vector_broadcast(1.0F / sqrtf(variance[0] + epsilon));
    size_t c = 0;
    for (; c + WIDTH <= channels; c += WIDTH) {
        const vector normal = (vector_load(input + c) - centre) * scale;
        vector_store(output + c, vector_multiply_add(normal, vector_load(weight + c), vector_load(bias + c)));
    }
    const size_t padded = (channels + FV_TOKEN_ALIGNMENT - 1) / FV_TOKEN_ALIGNMENT * FV_TOKEN_ALIGNMENT;
    for (; c < padded; c += WIDTH) {
        const vector_mask inside = mask_first(c < channels ? channels - c : 0);
        const vector normal = (vector_load(input + c) - centre) * scale;
        const vector result = vector_multiply_add(normal, vector_load(weight + c), vector_load(bias + c));
        vector_store(output + c, vector_keep(inside, result));
    }
}

#endif
