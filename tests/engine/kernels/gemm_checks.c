/* gemm_tile. Mostly on multiples of 1/16: their products and sums are exact in float, so the tile must give the very
 * numbers of the reference, up to the activation. Once on arbitrary numbers: a sum of K products, each step rounded at
 * most twice, deviates from the exact sum by at most K * epsilon * sum |a b| (epsilon = 2^-23 = two roundings). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* One tile's buffers. Rows of all segments lie in one buffer each, every row an allocation of `length` floats apart. */
struct product {
    struct fv_gemm_tile tile;
    struct guarded inputs, weights, outputs, bias, residual;
    const float *input_rows[64 * FV_MAX_TILE_ROWS];
    float *output_rows[FV_MAX_TILE_ROWS];
    const float *residual_rows[FV_MAX_TILE_ROWS];
    struct fv_epilogue epilogue;
};

struct product_options {
    size_t rows, vectors, segments, length;
    bool accumulate, epilogue, bias, residual, exact;
    enum fv_activation activation;
};

static struct guarded random_values(struct check *check, size_t count, bool exact) {
    struct guarded buffer = guarded_random(check, count, -1, 1);
    for (size_t i = 0; exact && i < count; i++) {
        buffer.data[i] = roundf(buffer.data[i] * 16) / 16;
    }
    return buffer;
}

static void product_make(struct check *check, struct product *product, struct product_options options) {
    const size_t width = check->table->width, columns = options.vectors * width;
    const size_t tile_rows = check->table->tile_rows;
    product->inputs = random_values(check, options.segments * options.rows * options.length, options.exact);
    product->weights = random_values(check, options.segments * options.length * columns, options.exact);
    product->outputs = random_values(check, options.rows * columns, options.exact);
    product->residual = random_values(check, options.rows * columns, options.exact);
    product->bias = random_values(check, columns, options.exact);
    memset(product->input_rows, 0, sizeof product->input_rows);
    for (size_t r = 0; r < options.rows; r++) {
        for (size_t s = 0; s < options.segments; s++) {
            product->input_rows[s * tile_rows + r] = product->inputs.data + (s * options.rows + r) * options.length;
        }
        product->output_rows[r] = product->outputs.data + r * width; /* planes: the vectors of a row lie apart */
        product->residual_rows[r] = product->residual.data + r * width;
    }
    product->epilogue = (struct fv_epilogue){
        .bias = options.bias ? product->bias.data : NULL,
        .residual = options.residual ? product->residual_rows : NULL,
        .residual_stride = options.rows * width,
        .activation = options.activation,
        .slope = 0.01F,
    };
    product->tile = (struct fv_gemm_tile){
        .rows = options.rows,
        .vectors = options.vectors,
        .segments = options.segments,
        .length = options.length,
        .inputs = product->input_rows,
        .weights = product->weights.data,
        .outputs = product->output_rows,
        .output_stride = options.rows * width,
        .accumulate = options.accumulate,
        .epilogue = options.epilogue ? &product->epilogue : NULL,
    };
}

static void product_end(struct check *check, struct product *product) {
    guarded_end(check, product->inputs, "inputs");
    guarded_end(check, product->weights, "weights");
    guarded_end(check, product->outputs, "outputs");
    guarded_end(check, product->residual, "residual");
    guarded_end(check, product->bias, "bias");
}

/* Runs the reference row by row, since its tiles have other heights, with outputs going to `outputs`. */
static void product_reference(struct check *check, const struct product *product, float *outputs) {
    const struct fv_kernels *reference = check->reference;
    for (size_t r = 0; r < product->tile.rows; r++) {
        const float *rows[64 * FV_MAX_TILE_ROWS] = {0};
        for (size_t s = 0; s < product->tile.segments; s++) {
            rows[s * reference->tile_rows] = product->tile.inputs[s * check->table->tile_rows + r];
        }
        float *output = outputs + (product->tile.outputs[r] - product->outputs.data);
        struct fv_gemm_tile tile = product->tile;
        struct fv_epilogue epilogue = product->epilogue;
        if (epilogue.residual != NULL) {
            epilogue.residual = &product->residual_rows[r];
        }
        tile.rows = 1;
        tile.inputs = rows;
        tile.outputs = &output;
        tile.epilogue = tile.epilogue != NULL ? &epilogue : NULL;
        reference->gemm_tile(&tile);
    }
}

/* The greatest sum |a b| of the outputs. Spoils inputs and weights. */
static double greatest_absolute_sum(struct product *product, struct check *check) {
    for (size_t i = 0; i < product->inputs.count; i++) {
        product->inputs.data[i] = fabsf(product->inputs.data[i]);
    }
    for (size_t i = 0; i < product->weights.count; i++) {
        product->weights.data[i] = fabsf(product->weights.data[i]);
    }
    struct guarded sums = guarded_make(product->outputs.count);
    product->tile.epilogue = NULL;
    product->tile.accumulate = false;
    product_reference(check, product, sums.data);
    double greatest = 0;
    for (size_t i = 0; i < sums.count; i++) {
        greatest = fmax(greatest, (double)sums.data[i]);
    }
    guarded_end(check, sums, "sums");
    return greatest;
}

static void check_product(struct check *check, struct product_options options) {
    struct product product;
    product_make(check, &product, options);
    struct guarded expected = guarded_make(product.outputs.count);
    memcpy(expected.data, product.outputs.data, expected.count * sizeof(float));
    product_reference(check, &product, expected.data);
    check->table->gemm_tile(&product.tile);

    const double steps = (double)(options.segments * options.length);
    const double sum = options.exact ? 0 : steps * (double)FLT_EPSILON * greatest_absolute_sum(&product, check);
    const double bound = sum * activation_slope(options.activation, 0.01F) + activation_error(options.activation);
    const double relative = options.activation <= FV_ACTIVATION_RELU ? 0 : ACTIVATION_RELATIVE;
    char what[160];
    snprintf(what, sizeof what,
             "%zu rows x %zu vectors, %zu segments of %zu, accumulate %d, epilogue %d, activation %d", options.rows,
             options.vectors, options.segments, options.length, options.accumulate, options.epilogue,
             (int)options.activation);
    check_close(check, &product.outputs, &expected, bound, relative, what);
    guarded_end(check, expected, what);
    product_end(check, &product);
}

void check_gemm(struct check *check) {
    const size_t width = check->table->width;
    const size_t lengths[] = {1, width - 1, width, width + 1, 3 * width, 37};
    const size_t segments[] = {1, 2, 9};
    size_t turn = 0;
    for (size_t vectors = 1; vectors <= check->table->last_vectors; vectors++) {
        for (size_t rows = 1; rows <= check->table->tile_rows; rows++) {
            for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                for (size_t j = 0; j < sizeof segments / sizeof segments[0]; j++, turn++) {
                    check_product(check, (struct product_options){
                                             .rows = rows,
                                             .vectors = vectors,
                                             .segments = segments[j],
                                             .length = lengths[i],
                                             .accumulate = turn % 2 == 1,
                                             .epilogue = turn % 5 != 0,
                                             .bias = turn % 3 != 0,
                                             .residual = turn % 4 == 0,
                                             .exact = true,
                                             .activation = (enum fv_activation)(turn % 5 != 0 ? turn % 7 % 6 : 0),
                                         });
                }
            }
        }
    }
}

void check_gemm_rounding(struct check *check) {
    check_product(check, (struct product_options){.rows = check->table->tile_rows,
                                                  .vectors = check->table->last_vectors,
                                                  .segments = 1,
                                                  .length = 521,
                                                  .exact = false});
    check_product(check, (struct product_options){.rows = check->table->tile_rows,
                                                  .vectors = check->table->last_vectors,
                                                  .segments = 64,
                                                  .length = check->table->width,
                                                  .exact = false});
}

/* A row's bits must not depend on the tile that it is computed in. */
void check_gemm_same_bits(struct check *check) {
    const size_t width = check->table->width, tile_rows = check->table->tile_rows;
    struct product product;
    product_make(check, &product,
                 (struct product_options){.rows = tile_rows,
                                          .vectors = check->table->last_vectors,
                                          .segments = 5,
                                          .length = 2 * width + 3,
                                          .epilogue = true,
                                          .bias = true,
                                          .residual = true,
                                          .activation = FV_ACTIVATION_SILU});
    struct guarded expected = guarded_make(product.outputs.count);
    check->table->gemm_tile(&product.tile);
    memcpy(expected.data, product.outputs.data, expected.count * sizeof(float));
    for (size_t rows = 1; rows < tile_rows; rows++) {
        memset(product.outputs.data, 0, product.outputs.count * sizeof(float));
        for (size_t first = 0; first < tile_rows; first += rows) {
            struct fv_gemm_tile part = product.tile;
            struct fv_epilogue epilogue = product.epilogue;
            epilogue.residual += first;
            part.epilogue = &epilogue;
            part.rows = first + rows <= tile_rows ? rows : tile_rows - first;
            part.inputs += first;
            part.outputs += first;
            check->table->gemm_tile(&part);
        }
        check_equal(check, &product.outputs, &expected, "a product cut into smaller tiles");
    }
    guarded_end(check, expected, "expected");
    product_end(check, &product);
}
