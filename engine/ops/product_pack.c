/* Setting up a matrix product: segments, chunks, blocking. */
#include "ops/product.h"

#include "fovea/memory.h"

/* Steps of a chunk of a sum: the inputs of a register tile, so deep, fit the smallest first-level cache that is usual.
 * Longer chunks are faster, by 2 to 3 % from 256 to 512, and round more: convolutions of several taps take the shorter
 * ones, by which full-size nnU-Nets keep their distance from PyTorch (2.3e-5 of 3e-5). The depth of a chunk shows in
 * the bits of a sum, so it is the same on all machines. */
enum { CHUNK_DEPTH = 512, TASKS = 64, LEAST_PANELS = 4, MOST_ROWS = 512 };

static const struct fv_view *input_view(const struct fv_context *context, const struct fv_node *node) {
    return &context->views[node->inputs[0]];
}

/* Groups that are narrower than a vector share a block: their weights become block-diagonal. Returns the smallest
 * number of groups whose inputs and outputs fill whole blocks, or all. */
static size_t groups_per_part(const struct fv_node *node, size_t inputs, size_t outputs, size_t width) {
    const size_t groups = node->options.convolution.groups;
    const size_t in = inputs / groups, out = outputs / groups;
    for (size_t count = 1; count < groups; count++) {
        if (groups % count == 0 && count * in % width == 0 && count * out % width == 0) {
            return count;
        }
    }
    return groups;
}

static size_t chunk_depth(const struct fv_node *node, const struct fv_product *product) {
    const bool taps = product->kind != FV_PRODUCT_LINEAR && product->kind != FV_PRODUCT_TRANSPOSED &&
                      node->options.convolution.kernel_y * node->options.convolution.kernel_x > 1;
    return taps ? FV_TAPS_CHUNK_DEPTH : CHUNK_DEPTH;
}

static void set_parts(const struct fv_context *context, const struct fv_node *node, struct fv_product *product) {
    const struct fv_view *input = input_view(context, node), *output = &context->views[node->output];
    const size_t width = context->kernels->width;
    const size_t outputs = fv_product_outputs(product, node);
    const size_t vectors =
        output->shape.kind == FV_TOKENS ? fv_token_floats(output->shape) / width : (outputs + width - 1) / width;
    product->parts = 1;
    product->part_vectors = vectors;
    product->part_blocks = input->blocks;
    product->rows = fv_pixels(output->shape);
    if (product->kind == FV_PRODUCT_TRANSPOSED) {
        product->parts = node->options.convolution.kernel_y * node->options.convolution.kernel_x;
        product->rows = fv_pixels(input->shape);
    } else if (product->kind == FV_PRODUCT_IN_BLOCK) {
        product->parts = input->blocks;
        product->part_vectors = 1;
        product->part_blocks = 1;
    } else if (product->kind == FV_PRODUCT_CONVOLUTION && node->options.convolution.groups > 1) {
        const size_t groups = node->options.convolution.groups;
        product->parts = groups / groups_per_part(node, input->shape.channels, outputs, width);
        product->part_vectors = product->parts > 1 ? outputs / width / product->parts : vectors;
        product->part_blocks = input->blocks / product->parts;
    }
}

/* Segments in the order of the sum: blocks outer, taps inner; tokens in runs of a chunk's depth. */
static enum fv_status make_segments(const struct fv_context *context, const struct fv_node *node,
                                    struct fv_product *product, struct fv_error *error) {
    const struct fv_view *input = input_view(context, node);
    const bool taps = product->kind == FV_PRODUCT_CONVOLUTION || product->kind == FV_PRODUCT_IN_BLOCK;
    const size_t tap_rows = taps ? node->options.convolution.kernel_y : 1;
    const size_t tap_columns = taps ? node->options.convolution.kernel_x : 1;
    size_t count = product->part_blocks * tap_rows * tap_columns;
    if (product->kind == FV_PRODUCT_LINEAR) {
        count = (input->shape.channels + CHUNK_DEPTH - 1) / CHUNK_DEPTH;
    }
    product->segments = fv_allocate(count, sizeof *product->segments);
    if (product->segments == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu segments", node->name, count);
    }
    product->segment_count = count;
    if (product->kind == FV_PRODUCT_LINEAR) {
        for (size_t s = 0; s < count; s++) {
            size_t first, last;
            fv_split(input->shape.channels, count, s, &first, &last);
            product->segments[s] = (struct fv_segment){.offset = first, .length = last - first};
        }
        product->depth = input->shape.channels;
        return FV_OK;
    }
    size_t s = 0;
    for (size_t block = 0; block < product->part_blocks; block++) {
        for (size_t y = 0; y < tap_rows; y++) {
            for (size_t x = 0; x < tap_columns; x++) {
                const size_t length =
                    product->kind == FV_PRODUCT_IN_BLOCK ? node->weight->shape[1] : input->lanes[block].count;
                product->segments[s++] = (struct fv_segment){y, x, block, 0, length};
                product->depth += length;
            }
        }
    }
    return FV_OK;
}

static enum fv_status make_chunks(const struct fv_node *node, struct fv_product *product, struct fv_error *error) {
    product->chunks = fv_allocate(product->segment_count, sizeof *product->chunks);
    if (product->chunks == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for chunks", node->name);
    }
    const size_t depth = chunk_depth(node, product);
    size_t k = 0;
    for (size_t first = 0; first < product->segment_count;) {
        const size_t length = product->segments[first].length;
        size_t run = first;
        while (run < product->segment_count && product->segments[run].length == length) {
            run++;
        }
        const size_t run_segments = run - first;
        const size_t pieces = (run_segments * length + depth - 1) / depth;
        for (size_t piece = 0; piece < pieces; piece++) {
            size_t begin, end;
            fv_split(run_segments, pieces, piece, &begin, &end);
            if (begin < end) {
                product->chunks[product->chunk_count++] =
                    (struct fv_chunk){first + begin, end - begin, length, k + begin * length};
            }
        }
        k += run_segments * length;
        first = run;
    }
    return FV_OK;
}

/* The weights of a block of panels, a chunk deep, take half of the second-level cache, the outputs of a block of rows a
 * quarter. Few rows share their panels among more tasks, so that several threads have work; panels stand for several
 * that one visit to the inputs serves. The cut depends on shape and caches alone. */
static void set_blocking(const struct fv_context *context, const struct fv_node *node, struct fv_product *product) {
    const struct fv_kernels *kernels = context->kernels;
    const size_t most = chunk_depth(node, product), depth = most < product->depth ? most : product->depth;
    size_t panels = 0;
    for (size_t v = 0; v < product->part_vectors; v += fv_panel_vectors(context, product, product->part_vectors - v)) {
        panels++;
    }
    const size_t panel_floats = kernels->tile_vectors * kernels->width;
    const size_t tiles = (product->rows + kernels->tile_rows - 1) / kernels->tile_rows;
    size_t block = fv_level2_bytes(context) / 2 / (depth * panel_floats * sizeof(float));
    block = block > 1 ? block : 1;
    size_t blocks = (panels + block - 1) / block;
    while (blocks * tiles * product->parts < TASKS && panels / (blocks + 1) >= LEAST_PANELS) {
        blocks++;
    }
    block = (panels + blocks - 1) / blocks;
    product->vector_block = block * kernels->tile_vectors;
    product->vector_blocks = (panels + block - 1) / block;
    size_t rows = fv_level2_bytes(context) / 4 / (product->vector_block * kernels->width * sizeof(float));
    rows = rows < MOST_ROWS ? rows : MOST_ROWS;
    rows = rows > 1 ? rows : 1;
    product->row_block = fv_round_up(rows < product->rows ? rows : product->rows, kernels->tile_rows);
}

enum fv_product_kind fv_product_kind(const struct fv_context *context, const struct fv_node *node) {
    if (node->operation == &fv_operator_transposed_convolution) {
        return FV_PRODUCT_TRANSPOSED;
    }
    return input_view(context, node)->shape.kind == FV_TOKENS ? FV_PRODUCT_LINEAR : FV_PRODUCT_CONVOLUTION;
}

enum fv_status fv_product_create(const struct fv_context *context, const struct fv_node *node,
                                 enum fv_product_kind kind, enum fv_weight_order order, struct fv_product **product,
                                 struct fv_error *error) {
    struct fv_product *result = fv_allocate_zero(1, sizeof *result);
    *product = NULL;
    if (result == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    result->kind = kind;
    result->last_vectors =
        order == FV_WEIGHTS_WIDE_PANELS ? context->kernels->last_vectors : context->kernels->tile_vectors;
    set_parts(context, node, result);
    enum fv_status status = make_segments(context, node, result, error);
    if (status == FV_OK) {
        status = make_chunks(node, result, error);
    }
    if (status == FV_OK) {
        set_blocking(context, node, result);
        status = fv_product_pack(context, node, result, order, error);
    }
    if (status != FV_OK) {
        fv_product_release(result);
        return status;
    }
    *product = result;
    return FV_OK;
}

void fv_product_release(struct fv_product *product) {
    if (product != NULL) {
        fv_release(product->chunks);
        fv_release(product->segments);
        fv_release(product->weights);
        fv_release(product->bias);
        fv_release(product);
    }
}
