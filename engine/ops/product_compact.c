/* A convolution of few input channels, such as the first of a net: a plane block is then mostly empty lanes, and a row
 * of the indirect product would be a list of runs of one to four floats.
 *
 * A task takes some lines of outputs. It copies the input lines under them to its scratch, without the empty lanes and
 * with the padding as zeros; the taps of one kernel line and their channels are then one run of floats for every
 * output, and the register tile of every product works on kernel_y runs. */
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "ops/product.h"
#include "ops/statistics.h"

enum {
    MOST_CHANNELS = 4,
    COPY_BYTES = 65536, /* of the input lines of a task: they stay in the second-level cache, if not in the first */
    LEAST_TASKS = 16
};

struct compact {
    struct fv_product *product;
    size_t channels;
    size_t columns; /* of a copied line, padding included */
    size_t lines;   /* output lines of a task */
};

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    if (input->shape.kind != FV_PLANES || node->options.convolution.groups != 1) {
        snprintf(reason, FV_REASON_SIZE, "grouped, or of tokens");
        return false;
    }
    if (input->shape.channels > MOST_CHANNELS || input->blocks != 1) {
        snprintf(reason, FV_REASON_SIZE, "%zu channels in %zu blocks, expected at most %d in one",
                 input->shape.channels, input->blocks, MOST_CHANNELS);
        return false;
    }
    if (node->options.convolution.kernel_x < 2) {
        snprintf(reason, FV_REASON_SIZE, "the kernel is one tap wide");
        return false;
    }
    return true;
}

static size_t lines_under(const struct fv_node *node, size_t lines) {
    return (lines - 1) * node->options.convolution.stride_y + node->options.convolution.kernel_y;
}

static size_t copied_bytes(const struct fv_node *node, const struct compact *state, size_t lines) {
    return lines_under(node, lines) * state->columns * state->channels * sizeof(float);
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    struct compact *state = fv_allocate_zero(1, sizeof *state);
    if (state == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    node->state = state;
    const enum fv_status status =
        fv_product_create(context, node, FV_PRODUCT_CONVOLUTION, FV_WEIGHTS_PANELS, &state->product, error);
    if (status != FV_OK) {
        return status;
    }
    const struct fv_shape output = context->views[node->output].shape;
    state->channels = context->views[node->inputs[0]].shape.channels;
    state->columns = (output.width - 1) * node->options.convolution.stride_x + node->options.convolution.kernel_x;
    state->lines = (output.height + LEAST_TASKS - 1) / LEAST_TASKS;
    while (state->lines > 1 && copied_bytes(node, state, state->lines) > COPY_BYTES) {
        state->lines--;
    }
    node->state_bytes = state->product->weight_floats * sizeof(float);
    node->tasks = (output.height + state->lines - 1) / state->lines;
    node->pieces = node->tasks;
    node->scratch = fv_round_up(copied_bytes(node, state, state->lines), FV_ALIGNMENT) +
                    node->options.convolution.kernel_y * context->kernels->tile_rows * sizeof(float *);
    return FV_OK;
}

static inline void copy_channels(const float *pixels, size_t width, size_t count, size_t channels, float *copy) {
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < channels; c++) {
            copy[i * channels + c] = pixels[i * width + c];
        }
    }
}

/* `count` pixels without their empty lanes. */
static void copy_pixels(const float *pixels, size_t width, size_t count, size_t channels, float *copy) {
    switch (channels) {
    case 1:
        copy_channels(pixels, width, count, 1, copy);
        break;
    case 2:
        copy_channels(pixels, width, count, 2, copy);
        break;
    case 3:
        copy_channels(pixels, width, count, 3, copy);
        break;
    default:
        copy_channels(pixels, width, count, 4, copy);
    }
}

/* Copies the input lines under the outputs from line `first` on, zeros where they lie outside the input. */
static void copy_lines(const struct fv_context *context, const struct fv_node *node, const struct compact *state,
                       size_t first, size_t lines, float *copy) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    const size_t pad_top = node->options.convolution.padding.top, width = context->kernels->width;
    const size_t pad_left = node->options.convolution.padding.left;
    const size_t left = pad_left < state->columns ? pad_left : state->columns; /* columns before the input */
    const size_t rest = state->columns - left;
    const size_t inside = rest < input->shape.width ? rest : input->shape.width;
    const size_t floats = state->columns * state->channels;
    for (size_t line = 0; line < lines_under(node, lines); line++, copy += floats) {
        const size_t y = first * node->options.convolution.stride_y + line; /* in the padded input */
        if (y < pad_top || y - pad_top >= input->shape.height) {
            memset(copy, 0, floats * sizeof(float));
            continue;
        }
        memset(copy, 0, left * state->channels * sizeof(float));
        copy_pixels(input->block[0] + (y - pad_top) * input->shape.width * width, width, inside, state->channels,
                    copy + left * state->channels);
        memset(copy + (left + inside) * state->channels, 0, (rest - inside) * state->channels * sizeof(float));
    }
}

/* Points to the runs of `rows` outputs from number `row` of the task on: [kernel_y][tile_rows]. */
static void find_runs(const struct fv_context *context, const struct fv_node *node, const struct compact *state,
                      size_t row, size_t rows, const float *copy, const float **runs) {
    const size_t columns = context->views[node->output].shape.width, floats = state->columns * state->channels;
    const size_t stride_y = node->options.convolution.stride_y, stride_x = node->options.convolution.stride_x;
    size_t y = row / columns, x = row % columns;
    for (size_t r = 0; r < rows; r++) {
        const float *run = copy + y * stride_y * floats + x * stride_x * state->channels;
        for (size_t ky = 0; ky < node->options.convolution.kernel_y; ky++) {
            runs[ky * context->kernels->tile_rows + r] = run + ky * floats;
        }
        if (++x == columns) {
            x = 0;
            y++;
        }
    }
}

/* All outputs of `rows` pixels, whose runs are given. */
static void run_tile(const struct fv_context *context, const struct fv_node *node, const struct compact *state,
                     size_t first_row, size_t rows, const float *const *runs) {
    const struct fv_kernels *kernels = context->kernels;
    const struct fv_product *product = state->product;
    float *outputs[FV_MAX_TILE_ROWS], *residuals[FV_MAX_TILE_ROWS];
    struct fv_epilogue epilogue = {.activation = node->activation, .slope = node->slope};
    struct fv_gemm_tile tile = {.rows = rows,
                                .segments = node->options.convolution.kernel_y,
                                .length = node->options.convolution.kernel_x * state->channels,
                                .inputs = runs,
                                .outputs = outputs,
                                .epilogue = &epilogue};
    tile.output_stride =
        fv_product_rows(context, node, product, &context->views[node->output], 0, first_row, rows, outputs);
    if (node->residual != FV_NO_VALUE) {
        epilogue.residual = (const float *const *)residuals;
        epilogue.residual_stride =
            fv_product_rows(context, node, product, &context->views[node->residual], 0, first_row, rows, residuals);
    }
    for (size_t vector = 0; vector < product->part_vectors; vector += kernels->tile_vectors) {
        const size_t left = product->part_vectors - vector;
        tile.vectors = left < kernels->tile_vectors ? left : kernels->tile_vectors;
        tile.weights = product->weights + vector * kernels->width * product->depth;
        tile.output_offset = vector * tile.output_stride;
        epilogue.bias = product->bias + vector * kernels->width;
        epilogue.residual_offset = vector * epilogue.residual_stride;
        kernels->gemm_tile(&tile);
    }
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    const struct compact *state = node->state;
    const struct fv_shape output = context->views[node->output].shape;
    const size_t tile_rows = context->kernels->tile_rows, first = task * state->lines;
    const size_t lines = output.height - first < state->lines ? output.height - first : state->lines;
    float *copy = scratch;
    const float **runs =
        (const float **)((char *)scratch + fv_round_up(copied_bytes(node, state, state->lines), FV_ALIGNMENT));
    copy_lines(context, node, state, first, lines, copy);
    for (size_t row = 0; row < lines * output.width; row += tile_rows) {
        const size_t left = lines * output.width - row;
        const size_t rows = left < tile_rows ? left : tile_rows;
        find_runs(context, node, state, row, rows, copy, runs);
        run_tile(context, node, state, first * output.width + row, rows, runs);
    }
    for (size_t block = 0; block < context->views[node->output].blocks && output.kind == FV_PLANES; block++) {
        fv_statistics_gather_run(context, node, block, task, first * output.width, lines * output.width);
    }
}

static void release(struct fv_node *node) {
    struct compact *state = node->state;
    if (state != NULL) {
        fv_product_release(state->product);
        fv_release(state);
        node->state = NULL;
    }
}

const struct fv_algorithm fv_algorithm_compact_product = {
    .name = "compact_product", .accept = accept, .prepare = prepare, .run = run, .release = release, .gathers = true};
