/* Moments, layer norm and softmax. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* Runs of 64 in 4 chains: at most 64 / 4 + 2 roundings of half an epsilon, a few more for centring and squaring. */
static const double RUN_ERROR = 12 * (double)FLT_EPSILON;

void check_moments(struct check *check) {
    const size_t width = check->table->width, pixel_rule[] = {1, 3, 4, 5, 63, 64, 65, 127, 1009};
    for (size_t i = 0; i < sizeof pixel_rule / sizeof pixel_rule[0]; i++) {
        const size_t pixels = pixel_rule[i];
        struct guarded input = guarded_random(check, pixels * width, 1, 3);
        struct guarded mean = guarded_make(width), variance = guarded_make(width), mean_alone = guarded_make(width);
        struct guarded mean_expected = guarded_make(width), variance_expected = guarded_make(width);
        check->reference->moments(input.data, pixels, mean_expected.data, variance_expected.data);
        check->table->moments(input.data, pixels, mean.data, variance.data);
        check->table->mean(input.data, pixels, mean_alone.data);
        check_close(check, &mean, &mean_expected, 0, RUN_ERROR, "mean");
        check_close(check, &mean_alone, &mean_expected, 0, RUN_ERROR, "mean alone");
        /* the mean itself is rounded: (4 epsilon)^2 shows where the variance is zero */
        check_close(check, &variance, &variance_expected, 16 * (double)(FLT_EPSILON * FLT_EPSILON), RUN_ERROR,
                    "variance");
        guarded_end(check, input, "moments");
        guarded_end(check, mean, "moments");
        guarded_end(check, variance, "moments");
        guarded_end(check, mean_alone, "moments");
        guarded_end(check, mean_expected, "moments");
        guarded_end(check, variance_expected, "moments");
    }
}

static size_t padded(size_t count) {
    return (count + FV_TOKEN_ALIGNMENT - 1) / FV_TOKEN_ALIGNMENT * FV_TOKEN_ALIGNMENT;
}

static const size_t token_counts[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 49, 96, 144, 211, 1536};
enum { TOKEN_COUNTS = sizeof token_counts / sizeof token_counts[0] };

void check_layer_norm(struct check *check) {
    for (size_t i = 0; i < TOKEN_COUNTS; i++) {
        const size_t channels = token_counts[i], size = padded(channels);
        struct guarded input = guarded_random(check, size, -1, 3), weight = guarded_random(check, size, -2, 2);
        struct guarded bias = guarded_random(check, size, -1, 1), expected = guarded_make(size);
        check->reference->layer_norm(input.data, channels, weight.data, bias.data, 1e-5F, expected.data);
        check->table->layer_norm(input.data, channels, weight.data, bias.data, 1e-5F, input.data); /* in place */
        /* Sums of `channels` terms in 4 chains of vectors: channels / (4 width) roundings and 12 more; |y| <= 2 * 55
         * where one channel stands alone against epsilon, else a few units. */
        const double roundings = (double)channels / (4 * (double)check->table->width) + 12;
        char what[64];
        snprintf(what, sizeof what, "layer norm of %zu", channels);
        check_close(check, &input, &expected, 8 * roundings * (double)FLT_EPSILON, 8 * (double)FLT_EPSILON, what);
        guarded_end(check, input, what);
        guarded_end(check, weight, what);
        guarded_end(check, bias, what);
        guarded_end(check, expected, what);
    }
}

static const double LEAST_EXP = 0x1.0001p-126; /* smaller exponentials become 2^-126 */

/* Scores of magnitude up to 30 with a rounding each for bias and mask: their error is that of the exponential. The sum
 * of `count` exponentials adds count / width roundings. */
static double softmax_relative(size_t count, size_t width) {
    return (2 * 130 + (double)count / (double)width + 8) * (double)FLT_EPSILON;
}

void check_softmax_block(struct check *check) {
    const size_t width = check->table->width, pixels = 13;
    for (size_t channels = 1; channels <= width; channels++) {
        struct guarded input = guarded_random(check, pixels * width, -50, 50);
        struct guarded actual = guarded_make(pixels * width), expected = guarded_make(pixels * width);
        input.data[0] = 1e30F; /* must not overflow */
        check->reference->softmax_block(input.data, channels, pixels, expected.data);
        check->table->softmax_block(input.data, channels, pixels, actual.data);
        check_close(check, &actual, &expected, LEAST_EXP, softmax_relative(width, 1), "softmax of a block");
        guarded_end(check, input, "softmax of a block");
        guarded_end(check, actual, "softmax of a block");
        guarded_end(check, expected, "softmax of a block");
    }
}
