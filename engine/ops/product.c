/* The addresses of a matrix product's rows. */
#include "ops/product.h"

/* What a tap in the padding reads. */
static const float zeros[FV_MAX_WIDTH];

static void token_inputs(const struct fv_view *input, const struct fv_product *product, const struct fv_chunk *chunk,
                         size_t first_row, size_t rows, size_t row_stride, const float **pointers) {
    for (size_t s = 0; s < chunk->segments; s++) {
        const float *base = input->block[0] + product->segments[chunk->first_segment + s].offset;
        for (size_t r = 0; r < rows; r++) {
            pointers[s * row_stride + r] = base + (first_row + r) * input->stride;
        }
    }
}

/* Top-left input coordinates of the window of each row, and whether all windows lie inside the input. */
struct windows {
    ptrdiff_t y[FV_MAX_TILE_ROWS], x[FV_MAX_TILE_ROWS];
    bool inside;
};

static struct windows find_windows(const struct fv_node *node, const struct fv_product *product, struct fv_shape input,
                                   struct fv_shape output, size_t first_row, size_t rows) {
    struct windows windows = {.inside = true};
    if (product->kind == FV_PRODUCT_TRANSPOSED) {
        for (size_t r = 0; r < rows; r++) {
            windows.y[r] = (ptrdiff_t)((first_row + r) / input.width);
            windows.x[r] = (ptrdiff_t)((first_row + r) % input.width);
        }
        return windows;
    }
    const ptrdiff_t bottom = (ptrdiff_t)input.height - (ptrdiff_t)node->options.convolution.kernel_y;
    const ptrdiff_t right = (ptrdiff_t)input.width - (ptrdiff_t)node->options.convolution.kernel_x;
    size_t y = first_row / output.width, x = first_row % output.width;
    for (size_t r = 0; r < rows; r++) {
        windows.y[r] =
            (ptrdiff_t)(y * node->options.convolution.stride_y) - (ptrdiff_t)node->options.convolution.padding.top;
        windows.x[r] =
            (ptrdiff_t)(x * node->options.convolution.stride_x) - (ptrdiff_t)node->options.convolution.padding.left;
        windows.inside =
            windows.inside && windows.y[r] >= 0 && windows.x[r] >= 0 && windows.y[r] <= bottom && windows.x[r] <= right;
        if (++x == output.width) {
            x = 0;
            y++;
        }
    }
    return windows;
}

void fv_product_inputs(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                       const struct fv_chunk *chunk, size_t part, size_t first_row, size_t rows, size_t row_stride,
                       const float **pointers) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    if (product->kind == FV_PRODUCT_LINEAR) {
        token_inputs(input, product, chunk, first_row, rows, row_stride, pointers);
        return;
    }
    const ptrdiff_t width = (ptrdiff_t)context->kernels->width;
    const ptrdiff_t columns = (ptrdiff_t)input->shape.width, lines = (ptrdiff_t)input->shape.height;
    const size_t first_block = product->kind == FV_PRODUCT_TRANSPOSED ? 0 : part * product->part_blocks;
    const struct windows windows =
        find_windows(node, product, input->shape, context->views[node->output].shape, first_row, rows);
    for (size_t s = 0; s < chunk->segments; s++) {
        const struct fv_segment *segment = &product->segments[chunk->first_segment + s];
        const float *block = input->block[first_block + segment->block];
        const ptrdiff_t tap_y = (ptrdiff_t)segment->tap_y, tap_x = (ptrdiff_t)segment->tap_x;
        const float **row = pointers + s * row_stride;
        if (windows.inside) {
            for (size_t r = 0; r < rows; r++) {
                row[r] = block + ((windows.y[r] + tap_y) * columns + windows.x[r] + tap_x) * width;
            }
            continue;
        }
        for (size_t r = 0; r < rows; r++) {
            const ptrdiff_t y = windows.y[r] + tap_y, x = windows.x[r] + tap_x;
            const bool inside = y >= 0 && y < lines && x >= 0 && x < columns;
            row[r] = inside ? block + (y * columns + x) * width : zeros;
        }
    }
}

size_t fv_product_rows(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                       const struct fv_view *view, size_t part, size_t first_row, size_t rows, float **pointers) {
    const size_t width = context->kernels->width;
    if (view->shape.kind == FV_TOKENS) {
        for (size_t r = 0; r < rows; r++) {
            pointers[r] = view->block[0] + (first_row + r) * view->stride + part * product->part_vectors * width;
        }
        return width;
    }
    const size_t pixels = fv_pixels(view->shape);
    if (product->kind == FV_PRODUCT_TRANSPOSED) {
        const struct fv_shape input = context->views[node->inputs[0]].shape;
        const size_t kernel_x = node->options.convolution.kernel_x, kernel_y = node->options.convolution.kernel_y;
        for (size_t r = 0; r < rows; r++) {
            const size_t y = (first_row + r) / input.width * kernel_y + part / kernel_x;
            const size_t x = (first_row + r) % input.width * kernel_x + part % kernel_x;
            pointers[r] = view->block[0] + (y * view->shape.width + x) * width;
        }
        return pixels * width;
    }
    float *base = view->block[part * product->part_vectors];
    for (size_t r = 0; r < rows; r++) {
        pointers[r] = base + (first_row + r) * width;
    }
    return pixels * width;
}
