/* fovea-bench-kernels: what the kernels reach on this machine.
 *
 * Measures, in one run, the peak of multiply-adds and the read bandwidth, then matrix products of real layers and the
 * memory-bound kernels, for every table that runs here; OpenBLAS beside them where the build has it. Each figure is the
 * best of many short runs, because the machine may have other work. With --layers, the layers of nets instead. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choices.h"
#include "fovea/machine.h"
#include "fovea/memory.h"
#include "kernels/kernels.h"
#include "layers.h"
#include "timing.h"

enum { ROW_BLOCK = 96 };

/* A product y[rows][columns] = x[rows][depth] w[depth][columns] of a layer. */
struct shape {
    const char *name;
    size_t rows, columns, depth;
    size_t kernel; /* 0: tokens, whole rows; else planes: one segment a tap and block of `width` channels */
};

static const struct shape shapes[] = {
    {"tokens 256x256x256", 256, 256, 256, 0},
    {"tokens Swin-L stage 3 qkv", 576, 2304, 768, 0},
    {"tokens Swin-L stage 3 fc2", 576, 768, 3072, 0},
    {"tokens Swin-T stage 1 fc1", 3136, 384, 96, 0},
    {"attention q k^T", 144, 144, 32, 0},
    {"planes 256x256x256", 256, 256, 256, 1},
    {"planes 1x1, 64 to 256, 56^2", 3136, 256, 64, 1},
    {"planes 1x1, 1024 to 256, 14^2", 196, 256, 1024, 1},
    {"planes 3x3, 64 to 64, 56^2", 3136, 64, 576, 3},
    {"planes 3x3, 256 to 256, 14^2", 196, 256, 2304, 3},
};

struct product {
    const struct fv_kernels *kernels;
    struct shape shape;
    float *inputs, *weights, *outputs;
    const float **pointers; /* [row tiles][segments][tile_rows] */
    size_t segments, length;
};

/* Rows outside, panels inside, so that a block of rows stays in the second level cache while the weights stream. */
static void run_product(void *context) {
    const struct product *product = context;
    const struct fv_kernels *kernels = product->kernels;
    const struct shape *shape = &product->shape;
    const size_t panel = kernels->tile_vectors * kernels->width, rows_a_tile = kernels->tile_rows;
    const size_t block = ROW_BLOCK / rows_a_tile * rows_a_tile;
    for (size_t first = 0; first < shape->rows; first += block) {
        const size_t last = first + block < shape->rows ? first + block : shape->rows;
        for (size_t column = 0; column < shape->columns; column += panel) {
            for (size_t row = first; row < last; row += rows_a_tile) {
                float *outputs[FV_MAX_TILE_ROWS];
                const size_t rows = shape->rows - row < rows_a_tile ? shape->rows - row : rows_a_tile;
                for (size_t r = 0; r < rows; r++) {
                    outputs[r] = product->outputs + (row + r) * shape->columns + column;
                }
                const struct fv_gemm_tile tile = {
                    .rows = rows,
                    .vectors = kernels->tile_vectors,
                    .segments = product->segments,
                    .length = product->length,
                    .inputs = product->pointers + row / rows_a_tile * product->segments * rows_a_tile,
                    .weights = product->weights + column * shape->depth,
                    .outputs = outputs,
                    .output_stride = kernels->width,
                };
                kernels->gemm_tile(&tile);
            }
        }
    }
}

/* Where segment `s` of output `row` reads: planes are square and padded by repeating their edge, so that neighbouring
 * outputs share inputs as in a convolution. */
static const float *segment_input(const struct product *product, size_t row, size_t s) {
    const struct shape *shape = &product->shape;
    if (shape->kernel == 0) {
        return product->inputs + row * shape->depth;
    }
    const size_t side = (size_t)sqrt((double)shape->rows), half = shape->kernel / 2;
    const size_t taps = shape->kernel * shape->kernel, block = s / taps, tap = s % taps;
    size_t y = row / side + tap / shape->kernel, x = row % side + tap % shape->kernel;
    y = y < half ? 0 : y - half < side ? y - half : side - 1;
    x = x < half ? 0 : x - half < side ? x - half : side - 1;
    return product->inputs + (block * shape->rows + y * side + x) * product->length;
}

static double product_rate(const struct fv_kernels *kernels, struct shape shape) {
    struct product product = {.kernels = kernels, .shape = shape};
    const size_t panel = kernels->tile_vectors * kernels->width, tile = kernels->tile_rows;
    const size_t columns = (shape.columns + panel - 1) / panel * panel, tiles = (shape.rows + tile - 1) / tile;
    product.length = shape.kernel > 0 ? kernels->width : shape.depth;
    product.segments = shape.depth / product.length;
    product.inputs = bench_random_floats(shape.rows * shape.depth);
    product.weights = bench_random_floats(columns * shape.depth);
    product.outputs = bench_random_floats(shape.rows * columns);
    product.shape.columns = columns;
    product.pointers = fv_allocate_zero(tiles * tile * product.segments, sizeof *product.pointers);
    for (size_t row = 0; row < shape.rows && product.pointers != NULL; row++) {
        for (size_t s = 0; s < product.segments; s++) {
            product.pointers[(row / tile * product.segments + s) * tile + row % tile] = segment_input(&product, row, s);
        }
    }
    const double time = product.pointers != NULL ? bench_best_time(run_product, &product) : 1e30;
    fv_release(product.inputs);
    fv_release(product.weights);
    fv_release(product.outputs);
    fv_release(product.pointers);
    return 2.0 * (double)shape.rows * (double)shape.columns * (double)shape.depth / time;
}

/* The other kernels, on one plane block or on many tokens. */
enum { SIDE = 56, PIXELS = SIDE * SIDE, TOKENS = 576, CHANNELS = 768 };

struct workload {
    const struct fv_kernels *kernels;
    float *input, *output, *vectors;
    float *points; /* transformed tiles */
    enum fv_activation activation;
    size_t kernel;
};

static struct fv_window same_window(size_t kernel) {
    return (struct fv_window){SIDE, SIDE, SIDE, SIDE, kernel, kernel, 1, 1, kernel / 2, kernel / 2};
}

static void run_depthwise(void *context) {
    const struct workload *w = context;
    const struct fv_window window = same_window(w->kernel);
    w->kernels->depthwise(&window, w->input, w->vectors, w->vectors, w->activation, 0, 0, SIDE, w->output);
}

static void run_grouped(void *context) {
    const struct workload *w = context;
    const struct fv_grouped convolution = {.window = same_window(w->kernel),
                                           .group = 4,
                                           .input = w->input,
                                           .weights = w->vectors,
                                           .bias = w->vectors,
                                           .activation = w->activation,
                                           .output = w->output};
    w->kernels->grouped(&convolution, 0, SIDE);
}

static void run_max_pool(void *context) {
    const struct workload *w = context;
    const struct fv_window window = same_window(w->kernel);
    w->kernels->max_pool(&window, w->input, 0, SIDE, w->output);
}

static void run_average_pool(void *context) {
    const struct workload *w = context;
    const struct fv_window window = same_window(w->kernel);
    w->kernels->average_pool(&window, w->input, true, 0, SIDE, w->output);
}

static void run_affine(void *context) {
    const struct workload *w = context;
    w->kernels->affine(w->input, w->vectors, w->vectors, NULL, w->activation, 0.01F, PIXELS, w->output);
}

static void run_moments(void *context) {
    const struct workload *w = context;
    w->kernels->moments(w->input, PIXELS, w->output, w->output + w->kernels->width);
}

static void run_mean(void *context) {
    const struct workload *w = context;
    w->kernels->mean(w->input, PIXELS, w->output);
}

static void run_activate(void *context) {
    const struct workload *w = context;
    w->kernels->activate(w->input, w->input, w->activation, 0, PIXELS * w->kernels->width, w->output);
}

static void run_layer_norm(void *context) {
    const struct workload *w = context;
    for (size_t t = 0; t < PIXELS * w->kernels->width / CHANNELS; t++) {
        w->kernels->layer_norm(w->input + t * CHANNELS, CHANNELS, w->vectors, w->vectors, 1e-5F,
                               w->output + t * CHANNELS);
    }
}

static void run_scale_rows(void *context) {
    const struct workload *w = context;
    const size_t rows = PIXELS * w->kernels->width / CHANNELS;
    w->kernels->scale_rows(w->input, w->vectors, rows, CHANNELS, w->output);
}

static void run_softmax_block(void *context) {
    const struct workload *w = context;
    w->kernels->softmax_block(w->input, 3, PIXELS, w->output);
}

static void run_nearest(void *context) {
    const struct workload *w = context;
    w->kernels->upsample_nearest(w->input, SIDE / 2, SIDE / 2, 2, 2, 0, SIDE, w->output);
}

static void run_bilinear(void *context) {
    const struct workload *w = context;
    w->kernels->upsample_bilinear(w->input, SIDE / 2, SIDE / 2, 2, 2, 0, SIDE, w->output);
}

static void run_planar_to_block(void *context) {
    const struct workload *w = context;
    w->kernels->planar_to_block(w->input, PIXELS, w->kernels->width, PIXELS, w->output);
}

static void run_block_to_planar(void *context) {
    const struct workload *w = context;
    w->kernels->block_to_planar(w->input, w->kernels->width, PIXELS, w->output, PIXELS);
}

/* Keys of a head of 32 channels, one panel of a vector at a time. */
static void run_transpose_panel(void *context) {
    const struct workload *w = context;
    const size_t width = w->kernels->width, head = 32;
    for (size_t t = 0; t + width <= PIXELS * width / head; t += width) {
        const float *rows[FV_MAX_WIDTH];
        for (size_t lane = 0; lane < width; lane++) {
            rows[lane] = w->input + (t + lane) * head;
        }
        w->kernels->transpose_panel(rows, width, head, width, w->output + t * head);
    }
}

enum {
    WINOGRAD_OUTPUTS = FV_WINOGRAD_MOST_OUTPUTS,
    WINOGRAD_TILES = SIDE / WINOGRAD_OUTPUTS * (SIDE / WINOGRAD_OUTPUTS)
};
static const struct fv_winograd winograd = {.form = FV_WINOGRAD_4X4,
                                            .input_height = SIDE,
                                            .input_width = SIDE,
                                            .output_height = SIDE,
                                            .output_width = SIDE,
                                            .pad_top = 1,
                                            .pad_left = 1,
                                            .tiles_x = SIDE / WINOGRAD_OUTPUTS};

static void run_winograd_input(void *context) {
    const struct workload *w = context;
    const size_t width = w->kernels->width;
    w->kernels->winograd_input(&winograd, w->input, 0, WINOGRAD_TILES, w->points, WINOGRAD_TILES * width, width);
}

static void run_winograd_output(void *context) {
    const struct workload *w = context;
    const size_t width = w->kernels->width;
    const struct fv_winograd_epilogue epilogue = {.bias = w->vectors};
    w->kernels->winograd_output(&winograd, w->points, WINOGRAD_TILES * width, width, &epilogue, 0, WINOGRAD_TILES,
                                w->output);
}

static void run_winograd_weights(void *context) {
    const struct workload *w = context;
    const size_t filters = PIXELS * w->kernels->width / 18 / FV_MAX_WIDTH * FV_MAX_WIDTH;
    w->kernels->winograd_weights(&winograd, w->input, filters, filters, w->points, filters);
}

static const struct {
    const char *name;
    void (*run)(void *);
    enum fv_activation activation;
    size_t kernel;
    double blocks;     /* read and written, in sizes of the input */
    double operations; /* an element, 0 where only bytes count */
} workloads[] = {
    {"depthwise 3x3", run_depthwise, FV_ACTIVATION_NONE, 3, 2, 18},
    {"depthwise 5x5 SiLU", run_depthwise, FV_ACTIVATION_SILU, 5, 2, 50},
    {"grouped 3x3 ReLU, 4 a group", run_grouped, FV_ACTIVATION_RELU, 3, 2, 72},
    {"max pool 3x3", run_max_pool, FV_ACTIVATION_NONE, 3, 2, 0},
    {"average pool 3x3", run_average_pool, FV_ACTIVATION_NONE, 3, 2, 0},
    {"affine LeakyReLU", run_affine, FV_ACTIVATION_LEAKY_RELU, 0, 2, 0},
    {"affine SiLU", run_affine, FV_ACTIVATION_SILU, 0, 2, 0},
    {"affine GELU", run_affine, FV_ACTIVATION_GELU, 0, 2, 0},
    {"moments", run_moments, FV_ACTIVATION_NONE, 0, 1, 0},
    {"mean", run_mean, FV_ACTIVATION_NONE, 0, 1, 0},
    {"activate GELU", run_activate, FV_ACTIVATION_GELU, 0, 2, 0},
    {"layer norm 768", run_layer_norm, FV_ACTIVATION_NONE, 0, 2, 0},
    {"scale rows of 768", run_scale_rows, FV_ACTIVATION_NONE, 0, 2, 0},
    {"softmax block 3", run_softmax_block, FV_ACTIVATION_NONE, 0, 2, 0},
    {"nearest 2x2", run_nearest, FV_ACTIVATION_NONE, 0, 1.25, 0},
    {"bilinear 2x2", run_bilinear, FV_ACTIVATION_NONE, 0, 1.25, 0},
    {"planar to block", run_planar_to_block, FV_ACTIVATION_NONE, 0, 2, 0},
    {"block to planar", run_block_to_planar, FV_ACTIVATION_NONE, 0, 2, 0},
    {"transpose panel 32", run_transpose_panel, FV_ACTIVATION_NONE, 0, 2, 0},
    {"Winograd input", run_winograd_input, FV_ACTIVATION_NONE, 0, 3.25, 0},
    {"Winograd output", run_winograd_output, FV_ACTIVATION_NONE, 0, 3.25, 0},
    {"Winograd weights", run_winograd_weights, FV_ACTIVATION_NONE, 0, 2.5, 0},
};

static void bench_workloads(const struct fv_kernels *kernels, double peak) {
    const size_t floats = PIXELS * kernels->width;
    struct workload work = {.kernels = kernels};
    work.input = bench_random_floats(floats);
    work.output = bench_random_floats(floats);
    work.vectors = bench_random_floats(4096);
    work.points = bench_random_floats(WINOGRAD_TILES * FV_WINOGRAD_MOST_POINTS * kernels->width);
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        work.activation = workloads[i].activation;
        work.kernel = workloads[i].kernel;
        const double time = bench_best_time(workloads[i].run, &work);
        printf("  %-32s %7.2f GB/s", workloads[i].name, 4e-9 * workloads[i].blocks * (double)floats / time);
        if (workloads[i].operations > 0) {
            const double rate = workloads[i].operations * (double)floats / time;
            printf(" %8.2f GFLOP/s %3.0f %%", 1e-9 * rate, 100 * rate / peak);
        }
        putchar('\n');
    }
    fv_release(work.input);
    fv_release(work.output);
    fv_release(work.vectors);
    fv_release(work.points);
}

struct attention_work {
    const struct fv_kernels *kernels;
    struct fv_attention attention;
};

static void run_attention(void *context) {
    const struct attention_work *work = context;
    work->kernels->attention(&work->attention);
}

/* One head of 32 channels and one window of Swin, as products' multiply-adds alone. */
static void bench_attention(const struct fv_kernels *kernels, size_t window, double peak) {
    enum { HEAD = 32, MOST_TOKENS = 144 };
    const size_t tokens = window * window, row = 3 * HEAD;
    const float *queries[MOST_TOKENS], *keys[MOST_TOKENS], *values[MOST_TOKENS];
    float *outputs[MOST_TOKENS], *tokens_in = bench_random_floats(tokens * row),
                                 *tokens_out = bench_random_floats(tokens * HEAD);
    float *bias = bench_random_floats(tokens * fv_attention_stride(tokens));
    float *scratch = bench_random_floats(fv_attention_scratch(tokens, HEAD));
    for (size_t t = 0; t < tokens; t++) {
        queries[t] = tokens_in + t * row;
        keys[t] = queries[t] + HEAD;
        values[t] = keys[t] + HEAD;
        outputs[t] = tokens_out + t * HEAD;
        for (size_t i = tokens; i < fv_attention_stride(tokens); i++) {
            bias[t * fv_attention_stride(tokens) + i] = -INFINITY;
        }
    }
    struct attention_work work = {kernels,
                                  {.tokens = tokens,
                                   .head = HEAD,
                                   .scale = 1,
                                   .queries = queries,
                                   .keys = keys,
                                   .values = values,
                                   .outputs = outputs,
                                   .bias = bias,
                                   .scratch = scratch}};
    const double rate = 4.0 * (double)(tokens * tokens * HEAD) / bench_best_time(run_attention, &work);
    printf("  attention of %3zu tokens, head %d  %22.2f GFLOP/s %3.0f %%\n", tokens, HEAD, 1e-9 * rate,
           100 * rate / peak);
    fv_release(tokens_in);
    fv_release(tokens_out);
    fv_release(bias);
    fv_release(scratch);
}

struct points_work {
    const struct fv_kernels *kernels;
    struct fv_winograd_product product;
    float *inputs, *weights, *sums;
};

static void run_winograd_product(void *context) {
    const struct points_work *work = context;
    work->kernels->winograd_product(&work->product, work->inputs, work->weights, work->sums);
}

/* One point of a layer of 64 channels, as far as one tile of its outputs goes. */
static void bench_winograd_product(const struct fv_kernels *kernels, double peak) {
    enum { DEPTH = 64 };
    const size_t columns = kernels->tile_vectors * kernels->width;
    struct points_work work = {
        .kernels = kernels,
        .product = {.rows = WINOGRAD_TILES, .row_stride = DEPTH, .channels = DEPTH, .vectors = kernels->tile_vectors},
        .inputs = bench_random_floats(WINOGRAD_TILES * DEPTH),
        .weights = bench_random_floats(DEPTH * columns),
        .sums = bench_random_floats(WINOGRAD_TILES * columns)};
    const double operations = 2.0 * (double)(WINOGRAD_TILES * DEPTH * columns);
    const double rate = operations / bench_best_time(run_winograd_product, &work);
    printf("  Winograd product of %3d channels  %22.2f GFLOP/s %3.0f %%\n", DEPTH, 1e-9 * rate, 100 * rate / peak);
    fv_release(work.inputs);
    fv_release(work.weights);
    fv_release(work.sums);
}

static void bench_table(const struct fv_kernels *kernels, const char *name) {
    struct fv_machine_peak peak;
    struct fv_error error;
    if (fv_machine_measure(kernels->isa, 2 * bench_seconds, &peak, &error) != FV_OK) {
        fprintf(stderr, "fovea-bench-kernels: %s\n", error.message);
        exit(1);
    }
    printf("%s: peak %.1f GFLOP/s, memory %.1f GB/s, one core\n", name, 1e-9 * peak.flops,
           1e-9 * peak.bytes_per_second);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const double rate = product_rate(kernels, shapes[i]);
        printf("  %-32s %7.2f GFLOP/s %3.0f %%", shapes[i].name, 1e-9 * rate, 100 * rate / peak.flops);
        const double openblas = bench_openblas_rate(shapes[i].rows, shapes[i].columns, shapes[i].depth);
        if (openblas > 0) {
            printf("   (OpenBLAS %7.2f, %3.0f %%)", 1e-9 * openblas, 100 * openblas / peak.flops);
        }
        putchar('\n');
    }
    bench_workloads(kernels, peak.flops);
    bench_winograd_product(kernels, peak.flops);
    bench_attention(kernels, 7, peak.flops);
    bench_attention(kernels, 12, peak.flops);
}

static int usage(void) {
    fputs("usage: fovea-bench-kernels [--table NAME] [--seconds S] [--layers NET,...|all [--exact]]\n"
          "                           [--choices NET,...|all]\n"
          "Measures every kernel table of this machine, S seconds (0.3) a figure, on one core.\n"
          "--layers: instead, every distinct layer of these nets (of all published ones), S seconds (0.05) each.\n"
          "--exact: without Winograd transforms.\n"
          "--choices: instead, every algorithm of the layers that have several, S seconds (2) for each.\n",
          stderr);
    return 2;
}

int main(int argc, char **argv) {
    const char *only = NULL, *nets = NULL, *choices = NULL;
    double seconds = 0;
    bool exact = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            seconds = strtod(argv[++i], NULL);
        } else if (strcmp(argv[i], "--table") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else if (strcmp(argv[i], "--layers") == 0 && i + 1 < argc) {
            nets = argv[++i];
        } else if (strcmp(argv[i], "--choices") == 0 && i + 1 < argc) {
            choices = argv[++i];
        } else if (strcmp(argv[i], "--exact") == 0) {
            exact = true;
        } else {
            return usage();
        }
    }
    if ((exact && nets == NULL) || (nets != NULL && choices != NULL)) {
        return usage();
    }
    bench_seconds = seconds > 0 ? seconds : choices != NULL ? 2 : nets != NULL ? 0.05 : 0.3;
    bench_describe_openblas();
    if (only != NULL && (nets != NULL || choices != NULL)) {
        setenv("FOVEA_ISA", only, 1);
    }
    if (choices != NULL) {
        return bench_choices(choices) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (nets != NULL) {
        return bench_layers(nets, exact) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    for (int isa = FV_ISA_COUNT - 1; isa >= 0; isa--) {
        const char *name = fv_isa_name((enum fv_isa)isa);
        if (fv_isa_supported((enum fv_isa)isa) && (only == NULL || strcmp(only, name) == 0)) {
            bench_table(fv_kernels_for((enum fv_isa)isa), name);
        }
    }
    return EXIT_SUCCESS;
}
