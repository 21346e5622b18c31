/* Affine maps, activations, enlarging and reordering: element by element. */
#include <stdio.h>
#include <string.h>

#include "harness.h"

static const size_t pixel_counts[] = {1, 3, 4, 5, 16, 67};
enum { PIXEL_COUNTS = sizeof pixel_counts / sizeof pixel_counts[0] };

static void check_affine_case(struct check *check, size_t pixels, unsigned given, enum fv_activation activation) {
    const size_t width = check->table->width;
    struct guarded input = guarded_random(check, pixels * width, -8, 8), expected = guarded_make(input.count);
    struct guarded residual = guarded_random(check, pixels * width, -1, 1);
    struct guarded scale = guarded_random(check, width, -2, 2), shift = guarded_random(check, width, -1, 1);
    const float *a = given & 1 ? scale.data : NULL, *b = given & 2 ? shift.data : NULL;
    const float *r = given & 4 ? residual.data : NULL;
    check->reference->affine(input.data, a, b, r, activation, 0.2F, pixels, expected.data);
    float *output = given & 8 && r != NULL ? residual.data : input.data; /* in place, over either input */
    check->table->affine(input.data, a, b, r, activation, 0.2F, pixels, output);
    char what[96];
    snprintf(what, sizeof what, "affine, %zu pixels, arguments %u, activation %d", pixels, given, (int)activation);
    /* |x * scale| <= 16, + 1, + 1: three roundings of at most 18 */
    const double bound = 3 * 18 * (double)FLT_EPSILON * activation_slope(activation, 0.2F);
    check_close(check, output == input.data ? &input : &residual, &expected, bound + activation_error(activation),
                ACTIVATION_RELATIVE, what);
    guarded_end(check, input, what);
    guarded_end(check, expected, what);
    guarded_end(check, residual, what);
    guarded_end(check, scale, what);
    guarded_end(check, shift, what);
}

void check_affine(struct check *check) {
    for (size_t i = 0; i < PIXEL_COUNTS; i++) {
        for (unsigned given = 0; given < 16; given++) {
            for (int a = 0; a < ACTIVATIONS; a++) {
                check_affine_case(check, pixel_counts[i], given, (enum fv_activation)a);
            }
        }
    }
}

void check_activate(struct check *check) {
    for (size_t count = FV_TOKEN_ALIGNMENT; count <= 3 * FV_TOKEN_ALIGNMENT; count += FV_TOKEN_ALIGNMENT) {
        for (int i = 0; i < 2 * ACTIVATIONS; i++) {
            const enum fv_activation activation = (enum fv_activation)(i / 2);
            struct guarded input = guarded_random(check, count, -8, 8), expected = guarded_make(count);
            struct guarded residual = guarded_random(check, count, -1, 1), output = guarded_make(count);
            const float *r = i % 2 == 1 ? residual.data : NULL;
            check->reference->activate(input.data, r, activation, 0.2F, count, expected.data);
            check->table->activate(input.data, r, activation, 0.2F, count, output.data);
            const double bound = 9 * (double)FLT_EPSILON * activation_slope(activation, 0.2F); /* |x + r| <= 9 */
            check_close(check, &output, &expected, bound + activation_error(activation), ACTIVATION_RELATIVE,
                        "activate");
            guarded_end(check, input, "activate");
            guarded_end(check, expected, "activate");
            guarded_end(check, residual, "activate");
            guarded_end(check, output, "activate");
        }
    }
}

static void check_upsample_case(struct check *check, size_t height, size_t width, size_t factor_y, size_t factor_x) {
    const size_t rows = height * factor_y, outputs = rows * width * factor_x * check->table->width;
    struct guarded input = guarded_random(check, height * width * check->table->width, -1, 1);
    struct guarded actual = guarded_make(outputs), expected = guarded_make(outputs);
    const size_t middle = rows / 2;
    char what[96];
    snprintf(what, sizeof what, "%zux%zu enlarged %zux%zu", height, width, factor_y, factor_x);
    check->reference->upsample_nearest(input.data, height, width, factor_y, factor_x, 0, rows, expected.data);
    check->table->upsample_nearest(input.data, height, width, factor_y, factor_x, 0, middle, actual.data);
    check->table->upsample_nearest(input.data, height, width, factor_y, factor_x, middle, rows, actual.data);
    check_equal(check, &actual, &expected, what);
    check->reference->upsample_bilinear(input.data, height, width, factor_y, factor_x, 0, rows, expected.data);
    check->table->upsample_bilinear(input.data, height, width, factor_y, factor_x, 0, middle, actual.data);
    check->table->upsample_bilinear(input.data, height, width, factor_y, factor_x, middle, rows, actual.data);
    /* three interpolations: a difference of at most 2, a product and a sum each */
    check_close(check, &actual, &expected, 3 * 4 * (double)FLT_EPSILON, 0, what);
    guarded_end(check, input, what);
    guarded_end(check, actual, what);
    guarded_end(check, expected, what);
}

void check_upsample(struct check *check) {
    check_upsample_case(check, 1, 1, 2, 2);
    check_upsample_case(check, 1, 7, 4, 3);
    check_upsample_case(check, 5, 1, 2, 2);
    check_upsample_case(check, 3, 4, 1, 1);
    check_upsample_case(check, 4, 11, 2, 2);
    check_upsample_case(check, 3, 5, 3, 5);
}

void check_reorder(struct check *check) {
    const size_t width = check->table->width, pixel_rule[] = {1, width - 1, width, width + 1, 3 * width, 53};
    for (size_t channels = 1; channels <= width; channels++) {
        for (size_t i = 0; i < sizeof pixel_rule / sizeof pixel_rule[0]; i++) {
            const size_t pixels = pixel_rule[i], stride = pixels + channels % 3;
            struct guarded planar = guarded_random(check, (channels - 1) * stride + pixels, -1, 1);
            struct guarded block = guarded_make(pixels * width), block_expected = guarded_make(pixels * width);
            struct guarded back = guarded_make(planar.count), back_expected = guarded_make(planar.count);
            check->reference->planar_to_block(planar.data, stride, channels, pixels, block_expected.data);
            check->table->planar_to_block(planar.data, stride, channels, pixels, block.data);
            check_equal(check, &block, &block_expected, "planar to block");
            check->reference->block_to_planar(block.data, channels, pixels, back_expected.data, stride);
            check->table->block_to_planar(block.data, channels, pixels, back.data, stride);
            check_equal(check, &back, &back_expected, "block to planar");
            guarded_end(check, planar, "planar");
            guarded_end(check, block, "block");
            guarded_end(check, block_expected, "block");
            guarded_end(check, back, "planar");
            guarded_end(check, back_expected, "planar");
        }
    }
}
