/* Calls of single NEON kernels for benchmarks/neon, which counts their instructions.
 *
 * neon-calls                lists the calls: name, what a unit is, units, ideal instructions, a tab between
 * neon-calls NAME COUNT     makes the call COUNT times
 *
 * The ideal of a call is the vector arithmetic that the kernel's method needs, each input loaded once a pass and each
 * output stored once, a vector of 4 floats an instruction; no addresses, loops, or moves of constants. Of a matrix tile
 * of R rows and V vectors a step of k takes R V multiply-adds, V loads of weights and R / 4 of inputs (whose lanes FMLA
 * picks): 1 + 1 / R + 1 / (4 V) instructions a multiply-add, 1.25 for 8 x 2. Functions that are no kernels are called
 * call_...: their instructions are not counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/tables.h"

enum {
    WIDTH = 4,
    DEPTH = 256, /* of matrix tiles */
    SIDE = 28,   /* of planes */
    PIXELS = SIDE * SIDE,
    CHANNELS = 768, /* of a token */
    WINDOW = 49,
    HEAD = 32, /* of attention */
    FLOATS = 1 << 16,
    ACROSS = 24, /* outputs of a row of windows: whole tiles of 8 */
    ROW = 3 * HEAD,
    POWER = 7,      /* 2^x: 5 multiply-adds, shift, add */
    EXP = 6 + POWER /* max, min, multiply-add, sub, 2 multiply-adds */
};

static float numbers[FLOATS], others[FLOATS], results[FLOATS];
static const struct fv_kernels *const kernels = &fv_kernels_neon;

/* y[rows][columns] = x[rows][depth] w[depth][columns], cut into tiles; segments of `length` inputs. */
struct product {
    size_t rows, columns, depth, length;
};

/* Rows are cut evenly into as few tiles as may be. */
static double call_product_ideal(const struct product *product) {
    double sum = 0;
    const size_t columns = (product->columns + WIDTH - 1) / WIDTH;
    const size_t blocks = (product->rows + kernels->tile_rows - 1) / kernels->tile_rows;
    for (size_t block = 0; block < blocks; block++) {
        for (size_t column = 0; column < columns; column += kernels->tile_vectors) {
            const double rows =
                (double)(product->rows * (block + 1) / blocks) - (double)(product->rows * block / blocks);
            const double vectors =
                (double)(columns - column < kernels->tile_vectors ? columns - column : kernels->tile_vectors);
            sum += (double)product->depth * (rows * vectors + vectors + rows / 4) + rows * vectors;
        }
    }
    return sum;
}

static void call_product(const struct product *product) {
    const size_t columns = (product->columns + WIDTH - 1) / WIDTH;
    static const float *inputs[DEPTH * FV_MAX_TILE_ROWS];
    for (size_t row = 0; row < product->rows; row += kernels->tile_rows) {
        for (size_t column = 0; column < columns; column += kernels->tile_vectors) {
            float *outputs[FV_MAX_TILE_ROWS];
            const size_t left = product->rows - row, vectors = columns - column;
            const struct fv_gemm_tile tile = {
                .rows = left < kernels->tile_rows ? left : kernels->tile_rows,
                .vectors = vectors < kernels->tile_vectors ? vectors : kernels->tile_vectors,
                .segments = product->depth / product->length,
                .length = product->length,
                .inputs = inputs,
                .weights = others,
                .outputs = outputs,
                .output_stride = WIDTH,
            };
            for (size_t r = 0; r < tile.rows; r++) {
                outputs[r] = results + (row + r) * columns * WIDTH + column * WIDTH;
            }
            for (size_t s = 0; s < tile.segments; s++) {
                for (size_t r = 0; r < tile.rows; r++) {
                    inputs[s * kernels->tile_rows + r] = numbers + (row + r) * product->depth + s * product->length;
                }
            }
            kernels->gemm_tile(&tile);
        }
    }
}

static const struct product tokens = {8, 8, DEPTH, DEPTH}, planes = {8, 8, DEPTH, WIDTH}, narrow = {8, 4, DEPTH, DEPTH},
                            single = {1, 8, DEPTH, DEPTH}, scores = {WINDOW, WINDOW, HEAD, HEAD},
                            mixed = {WINDOW, HEAD, WINDOW, WINDOW};

static void call_tokens(void) {
    call_product(&tokens);
}

static void call_planes(void) {
    call_product(&planes);
}

static void call_narrow(void) {
    call_product(&narrow);
}

static void call_single(void) {
    call_product(&single);
}

static void call_attention(void) {
    static const float *queries[WINDOW], *keys[WINDOW], *values[WINDOW];
    static float *outputs[WINDOW];
    for (size_t t = 0; t < WINDOW; t++) {
        queries[t] = numbers + t * ROW;
        keys[t] = queries[t] + HEAD;
        values[t] = keys[t] + HEAD;
        outputs[t] = results + t * HEAD;
    }
    const struct fv_attention attention = {.tokens = WINDOW,
                                           .head = HEAD,
                                           .scale = 1,
                                           .queries = queries,
                                           .keys = keys,
                                           .values = values,
                                           .outputs = outputs,
                                           .bias = others,
                                           .scratch = results + FLOATS / 2};
    kernels->attention(&attention);
}

/* Both products; of a vector of scores: load and add of the bias; load, maximum; load, sub, maximum, rounding in three,
 * power, sum, store. Of a vector of keys: load, scale, two steps of a transposition, store; of values: load, store; of
 * outputs: load, multiply, store. */
static double call_attention_ideal(void) {
    const double columns = (WINDOW + WIDTH - 1) / WIDTH, head = HEAD / WIDTH;
    return call_product_ideal(&scores) + call_product_ideal(&mixed) + WINDOW * columns * (2 + 2 + 8 + POWER) +
           columns * WIDTH * head * 5 + WINDOW * head * (2 + 3);
}

static void call_winograd_product(void) {
    const struct fv_winograd_product product = {.rows = ACROSS, .row_stride = 64, .channels = 64, .vectors = 2};
    kernels->winograd_product(&product, numbers, others, results);
}

static void call_grouped(size_t group) {
    const struct fv_grouped grouped = {.window = {SIDE + 2, SIDE + 2, SIDE, SIDE, 3, 3, 1, 1, 0, 0},
                                       .group = group,
                                       .input = numbers,
                                       .weights = others,
                                       .bias = others,
                                       .output = results};
    kernels->grouped(&grouped, 0, SIDE);
}

static void call_grouped_2(void) {
    call_grouped(2);
}

static void call_grouped_4(void) {
    call_grouped(4);
}

static void call_scale_rows(void) {
    kernels->scale_rows(numbers, others, 4, CHANNELS, results);
}

static void call_layer_norm(void) {
    kernels->layer_norm(numbers, CHANNELS, others, others, 1e-5F, results);
}

static void call_depthwise(size_t kernel) {
    const size_t input = ACROSS + kernel - 1;
    const struct fv_window window = {input, input, ACROSS, ACROSS, kernel, kernel, 1, 1, 0, 0};
    kernels->depthwise(&window, numbers, others, others, FV_ACTIVATION_NONE, 0, 0, window.output_height, results);
}

static void call_depthwise_3(void) {
    call_depthwise(3);
}

static void call_depthwise_5(void) {
    call_depthwise(5);
}

enum { TILES_ACROSS = 6, TILES = TILES_ACROSS * TILES_ACROSS };
static const struct fv_winograd winograd = {.form = FV_WINOGRAD_4X4,
                                            .input_height = 26,
                                            .input_width = 26,
                                            .output_height = 24,
                                            .output_width = 24,
                                            .tiles_x = TILES_ACROSS};

static void call_winograd_input(void) {
    kernels->winograd_input(&winograd, numbers, 0, TILES, results, TILES * WIDTH, WIDTH);
}

static void call_winograd_output(void) {
    const struct fv_winograd_epilogue epilogue = {.bias = others};
    kernels->winograd_output(&winograd, numbers, TILES * WIDTH, WIDTH, &epilogue, 0, TILES, results);
}

static void call_winograd_weights(void) {
    kernels->winograd_weights(&winograd, numbers, 64, 64, results, 64);
}

/* 6 x 6 tiles of 3 x 3 outputs. */
static const struct fv_winograd strided = {.form = FV_WINOGRAD_3X3_STRIDE_2,
                                           .input_height = 37,
                                           .input_width = 37,
                                           .output_height = 18,
                                           .output_width = 18,
                                           .tiles_x = TILES_ACROSS};

static void call_strided_input(void) {
    kernels->winograd_input(&strided, numbers, 0, TILES, results, TILES * WIDTH, WIDTH);
}

static void call_strided_output(void) {
    const struct fv_winograd_epilogue epilogue = {.bias = others};
    kernels->winograd_output(&strided, numbers, TILES * WIDTH, WIDTH, &epilogue, 0, TILES, results);
}

static void call_strided_weights(void) {
    kernels->winograd_weights(&strided, numbers, 64, 64, results, 64);
}

/* 18 lines of 18 outputs. */
static const struct fv_winograd line = {.form = FV_WINOGRAD_LINE,
                                        .input_height = 18,
                                        .input_width = 24,
                                        .output_height = 18,
                                        .output_width = 18,
                                        .tiles_x = TILES_ACROSS,
                                        .taps = 7};
enum { LINE_TILES = 18 * TILES_ACROSS };

static void call_line_input(void) {
    kernels->winograd_input(&line, numbers, 0, LINE_TILES, results, LINE_TILES * WIDTH, WIDTH);
}

static void call_line_output(void) {
    const struct fv_winograd_epilogue epilogue = {.bias = others};
    kernels->winograd_output(&line, numbers, LINE_TILES * WIDTH, WIDTH, &epilogue, 0, LINE_TILES, results);
}

static void call_affine(void) {
    kernels->affine(numbers, others, others + WIDTH, NULL, FV_ACTIVATION_NONE, 0, PIXELS, results);
}

static void call_affine_leaky(void) {
    kernels->affine(numbers, others, others + WIDTH, NULL, FV_ACTIVATION_LEAKY_RELU, 0.01F, PIXELS, results);
}

static void call_affine_silu(void) {
    kernels->affine(numbers, others, others + WIDTH, NULL, FV_ACTIVATION_SILU, 0, PIXELS, results);
}

static void call_affine_gelu(void) {
    kernels->affine(numbers, others, others + WIDTH, NULL, FV_ACTIVATION_GELU, 0, PIXELS, results);
}

static void call_moments(void) {
    kernels->moments(numbers, PIXELS, results, results + WIDTH);
}

static void call_mean(void) {
    kernels->mean(numbers, PIXELS, results);
}

static double call_macs(const struct product *product) {
    return (double)(product->rows * product->depth * ((product->columns + WIDTH - 1) / WIDTH));
}

struct call {
    const char *name, *unit;
    void (*function)(void);
    double units;
    double ideal; /* of a unit; 0: that of `product` */
    const struct product *product;
};

/* Ideals of layer norm: load, add; load, sub, multiply-add; 3 loads, sub, multiply, multiply-add, store. Of moments:
 * load, add; load, sub, multiply-add; not what joins runs of 64 pixels in double. Of depthwise windows and a tile of 8
 * pixels: each input of a kernel row once, its taps once. Of grouped ones, a tile of 2 x 7 pixels and an input of the
 * group: 36 inputs (permuted where a pixel has several groups), 9 weights, 126 multiply-adds. Of Winograd's product, a
 * tile of 6 rows and a run of 4 channels: 6 inputs, 4 weights, 24 multiply-adds, 4 operations of each sum's
 * compensation. Of the transforms: the operations of their lines, 12, 12 and 6 (of
 * stride 2: 4, 7 and 2; of 1x7: 12 and 11), and 36 (25) factors of weights. */
static const struct call calls[] = {
    {"gemm_tile 8x2, tokens, depth 256", "multiply-add", call_tokens, 0, 0, &tokens},
    {"gemm_tile 8x2, planes, 64 segments of 4", "multiply-add", call_planes, 0, 0, &planes},
    {"gemm_tile 8x1, tokens, depth 256", "multiply-add", call_narrow, 0, 0, &narrow},
    {"gemm_tile 1x2, tokens, depth 256", "multiply-add", call_single, 0, 0, &single},
    {"attention of 49 tokens, head 32", "multiply-add", call_attention, 0, 0, NULL},
    {"winograd_product, 64 channels", "multiply-add", call_winograd_product, ACROSS * 64 * 2, (6 + 4 + 24 + 24) / 24.0,
     NULL},
    {"winograd_input, inner tiles", "tile", call_winograd_input, TILES, 36 + 12 * 12 + 36, NULL},
    {"winograd_output, bias", "tile", call_winograd_output, TILES, 36 + 10 * 12 + 16 + 16, NULL},
    {"winograd_weights", "4 filters", call_winograd_weights, 16, 9 + 9 * 6 + 36 + 36, NULL},
    {"winograd_input, stride 2, inner tiles", "tile", call_strided_input, TILES, 49 + 14 * 4 + 49, NULL},
    {"winograd_output, stride 2, bias", "tile", call_strided_output, TILES, 49 + 10 * 7 + 9 + 9, NULL},
    {"winograd_input, 1x7, inner tiles", "tile", call_line_input, LINE_TILES, 10 + 2 * 12 + 12, NULL},
    {"winograd_output, 1x7, bias", "tile", call_line_output, LINE_TILES, 6 + 11 + 3 + 3, NULL},
    {"winograd_weights, stride 2", "4 filters", call_strided_weights, 16, 9 + 8 * 2 + 25 + 25, NULL},
    {"grouped 3x3, groups of 2", "multiply-add", call_grouped_2, SIDE *SIDE * 9 * 2, (72 + 9 + 126) / 126.0, NULL},
    {"grouped 3x3, groups of 4", "multiply-add", call_grouped_4, SIDE *SIDE * 9 * 4, (36 + 9 + 126) / 126.0, NULL},
    {"depthwise 3x3", "multiply-add", call_depthwise_3, ACROSS *ACROSS * 9, ((10 + 3 + 24) * 3 + 8) / 72.0, NULL},
    {"depthwise 5x5", "multiply-add", call_depthwise_5, ACROSS *ACROSS * 25, ((12 + 5 + 40) * 5 + 8) / 200.0, NULL},
    {"layer_norm 768", "vector", call_layer_norm, CHANNELS / WIDTH, 12, NULL},
    {"scale_rows of 768", "vector", call_scale_rows, CHANNELS, 3, NULL},
    {"affine", "vector", call_affine, PIXELS, 3, NULL},
    {"affine LeakyReLU", "vector", call_affine_leaky, PIXELS, 3 + 3, NULL},
    {"affine SiLU", "vector", call_affine_silu, PIXELS, 3 + 1 + EXP + 2, NULL},
    {"affine GELU", "vector", call_affine_gelu, PIXELS, 3 + 4 + 12 + POWER, NULL},
    {"moments", "vector", call_moments, PIXELS, 5, NULL},
    {"mean", "vector", call_mean, PIXELS, 2, NULL},
};
enum { CALLS = sizeof calls / sizeof *calls };

static void call_list(void) {
    for (size_t i = 0; i < CALLS; i++) {
        const struct call *call = &calls[i];
        double units = call->units, ideal = call->ideal * call->units;
        if (call->product != NULL) {
            units = call_macs(call->product);
            ideal = call_product_ideal(call->product);
        } else if (call->function == call_attention) {
            units = call_macs(&scores) + call_macs(&mixed);
            ideal = call_attention_ideal();
        }
        printf("%s\t%s\t%.0f\t%.0f\n", call->name, call->unit, units, ideal);
    }
}

int main(int count, char **arguments) {
    if (count != 3) {
        call_list();
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < FLOATS; i++) {
        numbers[i] = (float)(i % 251) / 251 - 0.5F;
        others[i] = (float)(i % 241) / 241 - 0.5F;
    }
    for (size_t i = 0; i < CALLS; i++) {
        for (long times = strtol(arguments[2], NULL, 10); strcmp(calls[i].name, arguments[1]) == 0 && times > 0;
             times--) {
            calls[i].function();
        }
    }
    return EXIT_SUCCESS;
}
