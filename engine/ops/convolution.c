/* Convolution, transposed convolution and linear layers: shape rules and algorithms. */
#include <stdio.h>

#include "ops/product.h"

enum fv_status fv_convolution_shape(const struct fv_node *node, struct fv_shape input, bool to_tokens,
                                    struct fv_shape *output, struct fv_error *error) {
    const struct fv_padding *padding = &node->options.convolution.padding;
    const size_t height = input.height + padding->top + padding->bottom;
    const size_t width = input.width + padding->left + padding->right;
    const size_t kernel_y = node->options.convolution.kernel_y, kernel_x = node->options.convolution.kernel_x;
    if (height < kernel_y || width < kernel_x) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "%s: a padded input of %zu x %zu is smaller than the kernel %zu x %zu", node->name, height,
                            width, kernel_y, kernel_x);
    }
    *output = (struct fv_shape){to_tokens ? FV_TOKENS : FV_PLANES, node->weight->shape[0],
                                (height - kernel_y) / node->options.convolution.stride_y + 1,
                                (width - kernel_x) / node->options.convolution.stride_x + 1};
    return FV_OK;
}

static const struct fv_algorithm *const convolution_algorithms[] = {
    &fv_algorithm_depthwise,        &fv_algorithm_grouped,
    &fv_algorithm_blas_product,     &fv_algorithm_compact_product,
    &fv_algorithm_winograd_4x4,     &fv_algorithm_winograd_2x2,
    &fv_algorithm_winograd_strided, &fv_algorithm_winograd_line,
    &fv_algorithm_indirect_product, NULL};
static const struct fv_algorithm *const product_algorithms[] = {&fv_algorithm_blas_product,
                                                                &fv_algorithm_indirect_product, NULL};

const struct fv_operator fv_operator_convolution = {"convolution", convolution_algorithms};
const struct fv_operator fv_operator_transposed_convolution = {"transposed_convolution", product_algorithms};
const struct fv_operator fv_operator_linear = {"linear", product_algorithms};
