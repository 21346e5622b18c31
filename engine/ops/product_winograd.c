/* A 3 x 3 convolution of stride 1 by Winograd's F(4x4, 3x3), a quarter of the multiplications, or F(2x2, 3x3), which
 * rounds less: four ninths; of stride 2 by a form of its own, three fifths; one of 5 to 8 taps along one axis by
 * F(3, 4) twice, four sevenths for 7 taps (kernels/winograd/winograd.h).
 *
 * A task takes a block of output tiles, transforms all their input channels, and then, for one tile of output vectors
 * after another, multiplies at each of the 36 (16, 49, 12) points (transformed tiles as rows, transformed weights as
 * columns) and transforms the sums back. Transformed tiles, sums and weights of a task lie in its scratch, within the
 * second-level cache where the channels are few, so nothing but inputs and outputs goes through memory.
 *
 * Small weights are transformed once, when the session is made. Large ones would take four times the memory; they stay
 * as they are, and each task transforms a chunk at a time just before its use (Lavin and Gray 2016; the points are
 * those of kernels/winograd/winograd.h).
 *
 * F(4x4) serves a layer whose direct sum rounds at least 1 / FV_WINOGRAD_ROUNDING_LIMIT as much
 * (ops/winograd_rounding.h): sums of many channels. The other forms, which round about as the direct sum or less, serve
 * the rest, and maps where fewer of their tiles hang over. */
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/product.h"
#include "ops/statistics.h"
#include "ops/winograd_rounding.h"

enum {
    LEAST_TASKS = 8,             /* cut the outputs where the tiles alone give fewer */
    LEAST_VECTOR_TILES = 4,      /* of a task that shares its tiles with others: each transforms the inputs anew */
    LEAST_CHANNELS = 16,         /* below, the transforms cost more than the products */
    TRANSFORMED_LIMIT = 5 << 20, /* bytes of transformed weights that are kept */
};

/* Costs in vector multiply-adds of the direct sum: of one channel, tile and vector at all points of the product (whose
 * compensation costs a quarter), of one tile and block of the input transform, of one tile and vector of the output
 * transform, of one filter and vector of the weight transform. Calibrated by `fovea-bench-kernels --choices` (Zen 4):
 * with AVX-512 the layers of ResNet-101, Inception-V3 and both nnU-Nets took 0.93 to 1.23 times as long as this and the
 * direct sum's cost say (one of stride 2 1.5 times), with AVX2, where rows of weights compete for the first-level
 * cache, 0.9 to 1.5 times; choosing by it loses 0 to 0.6 % against measuring. */
struct costs {
    double product, input, output, weight;
};

static const struct costs all_costs[] = {
    [FV_WINOGRAD_2X2] = {20, 75, 60, 170},
    [FV_WINOGRAD_4X4] = {45, 240, 210, 400},
    [FV_WINOGRAD_3X3_STRIDE_2] = {61, 200, 130, 300},
    [FV_WINOGRAD_LINE] = {15, 60, 30, 90},
};

/* Tiles of a task, about: as many as leave the cache to the weights; along one axis fewer, as such maps are small and
 * threads want tasks. */
static const size_t task_tiles[] = {
    [FV_WINOGRAD_2X2] = 192, [FV_WINOGRAD_4X4] = 48, [FV_WINOGRAD_3X3_STRIDE_2] = 36, [FV_WINOGRAD_LINE] = 30};

struct winograd {
    struct fv_product *product; /* bias, and the weights unless `filters` has them */
    float *filters;             /* [vector tiles][chunks][filter_count][channels][vectors][width], or NULL */
    struct fv_winograd geometry;
    size_t channels, taps, tiles;
    size_t points, filter_count, sum_count;            /* of a tile: products, their distinct filters, their sums */
    size_t tile_block, tile_blocks;                    /* tiles of a task and how many such blocks */
    size_t vector_tiles, vector_tile_block, groups;    /* the same for the tiles of output vectors */
    size_t chunk_blocks;                               /* plane blocks in a chunk of the sum */
    size_t tile_stride, input_stride, products_stride; /* of transformed tiles, and of points */
    size_t filter_pad;                                 /* floats between the filters in the scratch */
};

/* How the output is cut. */
static void cut(const struct fv_context *context, const struct fv_node *node, enum fv_winograd_form form,
                struct winograd *w) {
    const struct fv_shape input = context->views[node->inputs[0]].shape, output = context->views[node->output].shape;
    const size_t lanes = context->kernels->tile_vectors * context->kernels->width;
    const size_t kernel_y = node->options.convolution.kernel_y, kernel_x = node->options.convolution.kernel_x;
    const size_t outputs = fv_winograd_outputs(form);
    w->geometry = (struct fv_winograd){.form = form,
                                       .input_height = input.height,
                                       .input_width = input.width,
                                       .output_height = output.height,
                                       .output_width = output.width,
                                       .pad_top = node->options.convolution.padding.top,
                                       .pad_left = node->options.convolution.padding.left,
                                       .tiles_x = (output.width + outputs - 1) / outputs,
                                       .taps = kernel_y > kernel_x ? kernel_y : kernel_x,
                                       .vertical = kernel_y > kernel_x};
    w->channels = input.channels;
    w->taps = kernel_y * kernel_x;
    w->points = fv_winograd_points(form);
    w->filter_count = fv_winograd_filters(form);
    w->sum_count = fv_winograd_sums(form);
    w->tiles = w->geometry.tiles_x * ((output.height + outputs - 1) / outputs);
    if (form == FV_WINOGRAD_LINE) {
        const size_t length = w->geometry.vertical ? output.height : output.width;
        w->geometry.tiles_x = (length + outputs - 1) / outputs;
        w->tiles = w->geometry.tiles_x * (w->geometry.vertical ? output.width : output.height);
    }
    w->tile_blocks = (w->tiles + task_tiles[form] - 1) / task_tiles[form];
    w->tile_block = (w->tiles + w->tile_blocks - 1) / w->tile_blocks;
    if (form != FV_WINOGRAD_LINE) { /* with few tiles to a task, equal tasks are worth more than full register tiles */
        w->tile_block = fv_round_up(w->tile_block, context->kernels->tile_rows);
    }
    w->tile_blocks = (w->tiles + w->tile_block - 1) / w->tile_block;
    w->vector_tiles = (output.channels + lanes - 1) / lanes;
    w->groups = (LEAST_TASKS + w->tile_blocks - 1) / w->tile_blocks;
    const size_t most = w->vector_tiles / LEAST_VECTOR_TILES;
    w->groups = w->groups < most ? w->groups : most;
    w->groups = w->groups > 1 ? w->groups : 1;
    w->vector_tile_block = (w->vector_tiles + w->groups - 1) / w->groups;
    w->groups = (w->vector_tiles + w->vector_tile_block - 1) / w->vector_tile_block;
}

static bool keeps_filters(const struct fv_context *context, const struct winograd *w) {
    const size_t lanes = context->kernels->tile_vectors * context->kernels->width;
    return w->vector_tiles * lanes * w->channels * w->filter_count * sizeof(float) <= TRANSFORMED_LIMIT;
}

/* Costs of the transforms and products. */
static double cost(const struct fv_context *context, const struct fv_node *node, enum fv_winograd_form form) {
    struct winograd w = {0};
    cut(context, node, form, &w);
    const struct costs *costs = &all_costs[form];
    /* Where registers are few, totals of compensated runs pass through the stack, and so do weights. */
    const bool spills = context->kernels->winograd_run == FV_WINOGRAD_RUN;
    const double product = costs->product * (spills && fv_winograd_compensates(context->kernels, form) ? 1.25 : 1);
    const double weight = costs->weight * (spills ? 2 : 1);
    const double tiles = (double)w.tiles, channels = (double)w.channels;
    const double vectors = (double)(w.vector_tiles * context->kernels->tile_vectors);
    const double blocks = (double)context->views[node->inputs[0]].blocks * (double)w.groups;
    const double filters = keeps_filters(context, &w) ? 0 : channels * vectors * (double)w.tile_blocks;
    return product * tiles * channels * vectors + costs->input * tiles * blocks + costs->output * tiles * vectors +
           weight * filters;
}

/* Whether the window is one of the form's. */
static bool fits_form(const struct fv_node *node, enum fv_winograd_form form, char reason[FV_REASON_SIZE]) {
    const size_t kernel_y = node->options.convolution.kernel_y, kernel_x = node->options.convolution.kernel_x;
    const size_t stride_y = node->options.convolution.stride_y, stride_x = node->options.convolution.stride_x;
    const struct fv_padding *padding = &node->options.convolution.padding;
    const size_t stride = fv_winograd_stride(form), taps = kernel_y > kernel_x ? kernel_y : kernel_x;
    const bool line =
        kernel_y == 1 ? padding->top + padding->bottom == 0 : kernel_x == 1 && padding->left + padding->right == 0;
    const bool fits =
        form == FV_WINOGRAD_LINE ? line && taps > 4 && taps <= FV_WINOGRAD_LINE_TAPS : kernel_y == 3 && kernel_x == 3;
    if (!fits || stride_y != stride || stride_x != stride) {
        snprintf(reason, FV_REASON_SIZE, "kernel %zu x %zu, stride %zu x %zu, expected %s and %zu x %zu", kernel_y,
                 kernel_x, stride_y, stride_x, form == FV_WINOGRAD_LINE ? "5 to 8 taps along one axis" : "3 x 3",
                 stride, stride);
        return false;
    }
    return true;
}

/* What all forms need. */
static bool suits(const struct fv_context *context, const struct fv_node *node, enum fv_winograd_form form,
                  char reason[FV_REASON_SIZE]) {
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    if (context->exact) {
        snprintf(reason, FV_REASON_SIZE, "direct sums asked for");
        return false;
    }
    if (input->shape.kind != FV_PLANES || output->shape.kind != FV_PLANES || node->options.convolution.groups != 1) {
        snprintf(reason, FV_REASON_SIZE, "grouped, or not from planes to planes");
        return false;
    }
    if (!fits_form(node, form, reason)) {
        return false;
    }
    if (input->shape.channels < LEAST_CHANNELS || output->shape.channels < LEAST_CHANNELS) {
        snprintf(reason, FV_REASON_SIZE, "%zu channels to %zu, expected at least %d", input->shape.channels,
                 output->shape.channels, LEAST_CHANNELS);
        return false;
    }
    const double rounding = fv_winograd_rounding(context->kernels, form, input->shape.channels) /
                            fv_direct_rounding(node->options.convolution.kernel_y * node->options.convolution.kernel_x *
                                               input->shape.channels);
    if (rounding > FV_WINOGRAD_ROUNDING_LIMIT) {
        snprintf(reason, FV_REASON_SIZE, "would round %.2f times as much as the direct sum, expected at most %.2f",
                 rounding, FV_WINOGRAD_ROUNDING_LIMIT);
        return false;
    }
    return true;
}

/* Channels first .. last-1 of the plane blocks from `block` on that form one chunk. */
struct range {
    size_t block, last_block, first, last;
};

static struct range chunk_at(const struct fv_view *input, const struct winograd *w, size_t block) {
    struct range range = {.block = block, .last_block = block + w->chunk_blocks};
    range.last_block = range.last_block < input->blocks ? range.last_block : input->blocks;
    const struct fv_lanes *end = &input->lanes[range.last_block - 1];
    range.first = input->lanes[block].first;
    range.last = end->first + end->count;
    return range;
}

/* Vectors of tile `tile` of output vectors. */
static size_t tile_width(const struct fv_context *context, const struct winograd *w, size_t tile) {
    const size_t left = w->product->part_vectors - tile * context->kernels->tile_vectors;
    return left < context->kernels->tile_vectors ? left : context->kernels->tile_vectors;
}

/* Transforms one chunk of the weights of one tile of output vectors. */
static void transform_weights(const struct fv_context *context, const struct fv_view *input, const struct winograd *w,
                              size_t tile, const struct range *chunk, float *filters) {
    const size_t width = context->kernels->width, lanes = tile_width(context, w, tile) * width;
    const float *panel = w->product->weights + tile * context->kernels->tile_vectors * width * w->product->depth;
    for (size_t b = chunk->block; b < chunk->last_block; b++) {
        const size_t count = input->lanes[b].count * lanes;
        context->kernels->winograd_weights(&w->geometry, panel + input->lanes[b].first * w->taps * lanes, count, count,
                                           filters + (input->lanes[b].first - chunk->first) * lanes,
                                           (chunk->last - chunk->first) * lanes + w->filter_pad);
    }
}

/* Where the kept weights of a chunk lie. */
static size_t filter_offset(const struct fv_context *context, const struct winograd *w, size_t tile, size_t channel) {
    const size_t width = context->kernels->width;
    return w->filter_count * (tile * context->kernels->tile_vectors * width * w->channels +
                              channel * tile_width(context, w, tile) * width);
}

/* Transforms all weights and lets go of the untransformed. */
static enum fv_status keep_filters(const struct fv_context *context, const struct fv_node *node, struct winograd *w,
                                   struct fv_error *error) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    const size_t floats = w->filter_count * w->product->part_vectors * context->kernels->width * w->channels;
    w->filters = fv_allocate(floats, sizeof(float));
    if (w->filters == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu transformed weights", node->name,
                            floats);
    }
    for (size_t tile = 0; tile < w->vector_tiles; tile++) {
        for (size_t block = 0; block < input->blocks; block += w->chunk_blocks) {
            const struct range chunk = chunk_at(input, w, block);
            transform_weights(context, input, w, tile, &chunk,
                              w->filters + filter_offset(context, w, tile, chunk.first));
        }
    }
    fv_release(w->product->weights);
    w->product->weights = NULL;
    w->product->weight_floats = floats;
    return FV_OK;
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, enum fv_winograd_form form,
                              struct fv_error *error) {
    struct winograd *w = fv_allocate_zero(1, sizeof *w);
    if (w == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    node->state = w;
    enum fv_status status =
        fv_product_create(context, node, FV_PRODUCT_CONVOLUTION, FV_WEIGHTS_PANELS, &w->product, error);
    if (status != FV_OK) {
        return status;
    }
    cut(context, node, form, w);
    const struct fv_view *input = &context->views[node->inputs[0]];
    const size_t lanes = context->kernels->tile_vectors * context->kernels->width;
    size_t chunk_floats = 0;
    w->chunk_blocks = FV_WINOGRAD_CHUNK_CHANNELS / context->kernels->width;
    if (keeps_filters(context, w)) {
        /* A compensated sum needs no chunks. */
        w->chunk_blocks = fv_winograd_compensates(context->kernels, form) ? input->blocks : w->chunk_blocks;
        status = keep_filters(context, node, w, error);
    } else {
        w->filter_pad = FV_TOKEN_ALIGNMENT;
        chunk_floats = w->filter_count * (w->chunk_blocks * context->kernels->width * lanes + w->filter_pad);
    }
    /* Strides that are no power of two spread points and tiles over the sets of the caches. */
    w->tile_stride = fv_round_up(w->channels, FV_TOKEN_ALIGNMENT) + FV_TOKEN_ALIGNMENT;
    w->input_stride = w->tile_block * w->tile_stride + FV_TOKEN_ALIGNMENT;
    w->products_stride = w->tile_block * lanes + FV_TOKEN_ALIGNMENT;
    node->state_bytes = w->product->weight_floats * sizeof(float);
    node->tasks = w->tile_blocks * w->groups;
    node->pieces = w->tile_blocks;
    node->scratch = (w->points * w->input_stride + w->sum_count * w->products_stride + chunk_floats) * sizeof(float);
    return status;
}

/* sums[tile][vectors][width] (+)= the products of one chunk at one point, by the register tile of all products. */
static void multiply_plainly(const struct fv_context *context, const struct fv_winograd_product *product,
                             const float *transformed, const float *filters, float *sums) {
    const struct fv_kernels *kernels = context->kernels;
    const size_t lanes = product->vectors * kernels->width;
    for (size_t first = 0; first < product->rows; first += kernels->tile_rows) {
        const float *inputs[FV_MAX_TILE_ROWS];
        float *outputs[FV_MAX_TILE_ROWS];
        const size_t left = product->rows - first, rows = left < kernels->tile_rows ? left : kernels->tile_rows;
        for (size_t r = 0; r < rows; r++) {
            inputs[r] = transformed + (first + r) * product->row_stride;
            outputs[r] = sums + (first + r) * lanes;
        }
        const struct fv_gemm_tile tile = {.rows = rows,
                                          .vectors = product->vectors,
                                          .segments = 1,
                                          .length = product->channels,
                                          .inputs = inputs,
                                          .weights = filters,
                                          .outputs = outputs,
                                          .output_stride = kernels->width,
                                          .accumulate = product->accumulate};
        kernels->gemm_tile(&tile);
    }
}

/* The products of one chunk at all points: sums[sum_count][tile][vectors][width]. */
static void multiply(const struct fv_context *context, const struct winograd *w, const struct range *chunk,
                     size_t vectors, size_t tiles, const float *transformed, const float *filters, float *sums) {
    const enum fv_winograd_form form = w->geometry.form;
    const size_t channels = chunk->last - chunk->first, lanes = vectors * context->kernels->width;
    struct fv_winograd_product product = {
        .rows = tiles, .row_stride = w->tile_stride, .channels = channels, .vectors = vectors};
    for (size_t point = 0; point < w->points; point++) {
        const float *inputs = transformed + point * w->input_stride + chunk->first;
        const float *filter = filters + fv_winograd_filter(form, point) * (channels * lanes + w->filter_pad);
        float *sum = sums + point % w->sum_count * w->products_stride;
        product.accumulate = chunk->block != 0 || point >= w->sum_count;
        if (fv_winograd_compensates(context->kernels, form)) {
            context->kernels->winograd_product(&product, inputs, filter, sum);
        } else {
            multiply_plainly(context, &product, inputs, filter, sum);
        }
    }
}

/* Gathers what tiles first .. first+tiles-1 of a block are: of a line of tiles that the task has in part, the rows of
 * pixels one by one, of lines that it has whole all at once. */
static void gather(const struct fv_context *context, const struct fv_node *node, const struct winograd *w, size_t block,
                   size_t first, size_t tiles) {
    const struct fv_view *output = &context->views[node->output];
    const size_t side = fv_winograd_outputs(w->geometry.form), columns = output->shape.width;
    struct fv_moments moments = {.pixels = 0};
    for (size_t tile = first, last; tile < first + tiles; tile = last) {
        const size_t x = tile % w->geometry.tiles_x, line = tile / w->geometry.tiles_x;
        const size_t left = first + tiles - tile, whole = x == 0 ? left / w->geometry.tiles_x : 0;
        const size_t some = left < w->geometry.tiles_x - x ? left : w->geometry.tiles_x - x;
        last = tile + (whole > 0 ? whole * w->geometry.tiles_x : some);
        const size_t top = line * side, bottom = (line + (whole > 0 ? whole : 1)) * side;
        const size_t rows = (bottom < output->shape.height ? bottom : output->shape.height) - top;
        const float *pixels = output->block[block] + (top * columns + x * side) * context->kernels->width;
        if (whole > 0) {
            fv_moments_add(context, node->gather, pixels, rows * columns, &moments);
            continue;
        }
        const size_t width = (x + some) * side < columns ? some * side : columns - x * side;
        for (size_t row = 0; row < rows; row++) {
            fv_moments_add(context, node->gather, pixels + row * columns * context->kernels->width, width, &moments);
        }
    }
    fv_statistics_keep(context, node, block, first / w->tile_block, &moments);
}

/* All chunks of one tile of output vectors, and the way back. */
static void run_vectors(const struct fv_context *context, const struct fv_node *node, const struct winograd *w,
                        size_t tile, size_t first, size_t tiles, float *transformed) {
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t width = context->kernels->width, vectors = tile_width(context, w, tile);
    float *sums = transformed + w->points * w->input_stride;
    float *scratch = sums + w->sum_count * w->products_stride;
    for (size_t block = 0; block < input->blocks; block += w->chunk_blocks) {
        const struct range chunk = chunk_at(input, w, block);
        const float *filters = scratch;
        if (w->filters != NULL) {
            filters = w->filters + filter_offset(context, w, tile, chunk.first);
        } else {
            transform_weights(context, input, w, tile, &chunk, scratch);
        }
        multiply(context, w, &chunk, vectors, tiles, transformed, filters, sums);
    }
    for (size_t v = 0; v < vectors; v++) {
        const size_t block = tile * context->kernels->tile_vectors + v;
        const struct fv_winograd_epilogue epilogue = {
            .bias = w->product->bias + block * width,
            .residual = node->residual != FV_NO_VALUE ? context->views[node->residual].block[block] : NULL,
            .activation = node->activation,
            .slope = node->slope};
        context->kernels->winograd_output(&w->geometry, sums + v * width, w->products_stride, vectors * width,
                                          &epilogue, first, tiles, output->block[block]);
        if (node->gather != FV_GATHER_NOTHING) {
            gather(context, node, w, block, first, tiles);
        }
    }
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    const struct winograd *w = node->state;
    const struct fv_view *input = &context->views[node->inputs[0]];
    float *transformed = scratch;
    const size_t first = task % w->tile_blocks * w->tile_block, group = task / w->tile_blocks;
    const size_t tiles = w->tiles - first < w->tile_block ? w->tiles - first : w->tile_block;
    /* A block that is not full is followed, in the transformed tile, by the next one's channels. */
    for (size_t b = 0; b < input->blocks; b++) {
        context->kernels->winograd_input(&w->geometry, input->block[b], first, tiles,
                                         transformed + input->lanes[b].first, w->input_stride, w->tile_stride);
    }
    for (size_t tile = group * w->vector_tile_block;
         tile < (group + 1) * w->vector_tile_block && tile < w->vector_tiles; tile++) {
        run_vectors(context, node, w, tile, first, tiles, transformed);
    }
}

static void release(struct fv_node *node) {
    struct winograd *w = node->state;
    if (w != NULL) {
        fv_product_release(w->product);
        fv_release(w->filters);
        fv_release(w);
        node->state = NULL;
    }
}

/* The algorithm of one form. */
#define WINOGRAD_ALGORITHM(suffix, form, printed_name)                                                                 \
    static bool accept_##suffix(const struct fv_context *context, const struct fv_node *node,                          \
                                char reason[FV_REASON_SIZE]) {                                                         \
        return suits(context, node, form, reason);                                                                     \
    }                                                                                                                  \
    static double cost_##suffix(const struct fv_context *context, const struct fv_node *node) {                        \
        return cost(context, node, form);                                                                              \
    }                                                                                                                  \
    static enum fv_status prepare_##suffix(const struct fv_context *context, struct fv_node *node,                     \
                                           struct fv_error *error) {                                                   \
        return prepare(context, node, form, error);                                                                    \
    }                                                                                                                  \
    const struct fv_algorithm fv_algorithm_winograd_##suffix = {.name = printed_name,                                  \
                                                                .accept = accept_##suffix,                             \
                                                                .cost = cost_##suffix,                                 \
                                                                .prepare = prepare_##suffix,                           \
                                                                .run = run,                                            \
                                                                .release = release,                                    \
                                                                .gathers = (form) != FV_WINOGRAD_LINE};

WINOGRAD_ALGORITHM(4x4, FV_WINOGRAD_4X4, "winograd_4x4")
WINOGRAD_ALGORITHM(2x2, FV_WINOGRAD_2X2, "winograd_2x2")
WINOGRAD_ALGORITHM(strided, FV_WINOGRAD_3X3_STRIDE_2, "winograd_3x3_stride_2")
WINOGRAD_ALGORITHM(line, FV_WINOGRAD_LINE, "winograd_line")
