/* Attention, and operators that move, choose or average values. */
#include <math.h>
#include <stdlib.h>

#include "plain.h"

static const double unit = 0x1p-24;

/* A window of attention: its tokens' places in the grid before the roll. */
struct window {
    size_t tokens, *rows; /* [tokens] */
    unsigned *regions;    /* [tokens]: those of different regions do not see each other */
};

static unsigned region(size_t rolled, size_t side, size_t window, size_t shift) {
    return shift == 0 || rolled < side - window ? 0 : rolled < side - shift ? 1 : 2;
}

static void find_window(const struct plain *qkv, const struct fv_window_attention *options, size_t window_y,
                        size_t window_x, struct window *window) {
    const size_t side = options->window, shift = options->shift;
    for (size_t t = 0; t < window->tokens; t++) {
        const size_t y = window_y * side + t / side, x = window_x * side + t % side;
        window->rows[t] = (y + shift) % qkv->shape.height * qkv->shape.width + (x + shift) % qkv->shape.width;
        window->regions[t] = 3 * region(y, qkv->shape.height, side, shift) + region(x, qkv->shape.width, side, shift);
    }
}

/* One query of one head. A score of d products is off by (d + 8) u of the magnitudes, which moves a probability by
 * twice that; softmax itself and the sum over n values add 2 n + 16 roundings. */
static void attend(const struct plain *qkv, const struct fv_window_attention *options, const float *table,
                   const struct window *window, size_t head, size_t query, double *scores, struct plain *output) {
    const size_t channels = qkv->shape.channels / 3, depth = channels / options->heads, side = options->window;
    const double *rows = qkv->values + head * depth;
    double maximum = -INFINITY, magnitude = 0, sum = 0;
    for (size_t key = 0; key < window->tokens; key++) {
        double score = 0, size = 0;
        for (size_t d = 0; d < depth; d++) {
            const double product = rows[window->rows[query] * 3 * channels + d] *
                                   rows[window->rows[key] * 3 * channels + channels + d] / sqrt((double)depth);
            score += product;
            size += fabs(product);
        }
        const size_t dy = query / side + side - 1 - key / side, dx = query % side + side - 1 - key % side;
        const double bias = (double)table[(dy * (2 * side - 1) + dx) * options->heads + head];
        scores[key] = score + bias + (window->regions[query] == window->regions[key] ? 0 : -100);
        magnitude = fmax(magnitude, size + fabs(bias) + fabs(scores[key]));
        maximum = fmax(maximum, scores[key]);
    }
    for (size_t key = 0; key < window->tokens; key++) {
        scores[key] = exp(scores[key] - maximum);
        sum += scores[key];
    }
    for (size_t d = 0; d < depth; d++) {
        double value = 0, size = 0;
        for (size_t key = 0; key < window->tokens; key++) {
            const double product = scores[key] / sum * rows[window->rows[key] * 3 * channels + 2 * channels + d];
            value += product;
            size += fabs(product);
        }
        const size_t at = window->rows[query] * channels + head * depth + d;
        output->values[at] = value;
        output->bounds[at] = unit * size * (2 * (double)(depth + 8) * magnitude + 2 * (double)window->tokens + 16);
    }
}

struct plain plain_attention(const struct fv_model *model, const struct plain *qkv,
                             const struct fv_window_attention *options) {
    const struct fv_tensor *tensor = fv_model_tensor(model, options->table);
    float *table = check_allocate(tensor->elements, sizeof *table);
    struct fv_error error = {0};
    check_success(fv_tensor_read(tensor, table, &error), &error);
    struct plain output =
        plain_new((struct fv_shape){FV_TOKENS, qkv->shape.channels / 3, qkv->shape.height, qkv->shape.width});
    struct window window = {.tokens = options->window * options->window};
    window.rows = check_allocate(window.tokens, sizeof *window.rows);
    window.regions = check_allocate(window.tokens, sizeof *window.regions);
    double *scores = check_allocate(window.tokens, sizeof *scores);
    const size_t columns = qkv->shape.width / options->window, rows = qkv->shape.height / options->window;
    for (size_t w = 0; w < rows * columns; w++) {
        find_window(qkv, options, w / columns, w % columns, &window);
        for (size_t i = 0; i < options->heads * window.tokens; i++) {
            attend(qkv, options, table, &window, i / window.tokens, i % window.tokens, scores, &output);
        }
    }
    free(window.rows);
    free(window.regions);
    free(scores);
    free(table);
    return output;
}

struct plain plain_merge(const struct plain *input) {
    struct plain output = plain_new(
        (struct fv_shape){FV_TOKENS, 4 * input->shape.channels, input->shape.height / 2, input->shape.width / 2});
    for (size_t c = 0; c < output.shape.channels; c++) {
        const size_t neighbour = c / input->shape.channels, dy = neighbour % 2, dx = neighbour / 2;
        for (size_t y = 0; y < output.shape.height; y++) {
            for (size_t x = 0; x < output.shape.width; x++) {
                const size_t from = plain_at(input, c % input->shape.channels, 2 * y + dy, 2 * x + dx);
                output.values[plain_at(&output, c, y, x)] = input->values[from];
            }
        }
    }
    return output;
}

struct plain plain_add(const struct plain *a, const struct plain *b) {
    struct plain output = plain_new(a->shape);
    for (size_t i = 0; i < a->count; i++) {
        output.values[i] = a->values[i] + b->values[i];
        output.bounds[i] = a->bounds[i] + b->bounds[i] + unit * (fabs(a->values[i]) + fabs(b->values[i]));
    }
    return output;
}

struct plain plain_concat(const struct plain *inputs, size_t count) {
    struct fv_shape shape = inputs[0].shape;
    for (size_t i = 1; i < count; i++) {
        shape.channels += inputs[i].shape.channels;
    }
    struct plain output = plain_new(shape);
    for (size_t i = 0, at = 0; i < count; i++) {
        for (size_t j = 0; j < inputs[i].count; j++, at++) {
            output.values[at] = inputs[i].values[j];
            output.bounds[at] = inputs[i].bounds[j];
        }
    }
    return output;
}

struct plain plain_scale(const struct plain *input, const struct plain *gate) {
    struct plain output = plain_new(input->shape);
    const size_t pixels = input->shape.height * input->shape.width;
    for (size_t i = 0; i < input->count; i++) {
        const double factor = gate->values[i / pixels], error = gate->bounds[i / pixels];
        output.values[i] = input->values[i] * factor;
        output.bounds[i] =
            fabs(input->values[i]) * error + input->bounds[i] * (fabs(factor) + error) + unit * fabs(output.values[i]);
    }
    return output;
}

/* The kernels promise about one rounding whatever the number of values: 4 u of the mean magnitude are allowed. */
struct plain plain_mean(const struct plain *input) {
    struct plain output = plain_new((struct fv_shape){input->shape.kind, input->shape.channels, 1, 1});
    const double pixels = (double)(input->shape.height * input->shape.width);
    for (size_t c = 0; c < input->shape.channels; c++) {
        for (size_t y = 0; y < input->shape.height; y++) {
            for (size_t x = 0; x < input->shape.width; x++) {
                const size_t at = plain_at(input, c, y, x);
                output.values[c] += input->values[at] / pixels;
                output.bounds[c] += (input->bounds[at] + 4 * unit * fabs(input->values[at])) / pixels;
            }
        }
    }
    return output;
}

static size_t or_one(size_t value) {
    return value != 0 ? value : 1;
}

/* PyTorch's rule, by trying: with ceil_mode a further window counts if it starts inside the input or its padding
 * before. */
static size_t pooled(size_t side, size_t before, size_t after, size_t kernel, size_t stride, bool ceil_mode) {
    size_t count = 0;
    for (size_t start = 0;; start += stride, count++) {
        const bool whole = start + kernel <= side + before + after;
        const bool begun = ceil_mode && start < side + before && start + kernel < side + before + after + stride;
        if (!whole && !begun) {
            return count;
        }
    }
}

struct plain plain_pool(const struct plain *input, const struct fv_pooling *options, bool maximum) {
    const struct fv_padding *pad = &options->padding;
    const size_t kernel_y = or_one(options->kernel_y), kernel_x = or_one(options->kernel_x);
    const size_t stride_y = or_one(options->stride_y), stride_x = or_one(options->stride_x);
    struct plain output = plain_new(
        (struct fv_shape){FV_PLANES, input->shape.channels,
                          pooled(input->shape.height, pad->top, pad->bottom, kernel_y, stride_y, options->ceil_mode),
                          pooled(input->shape.width, pad->left, pad->right, kernel_x, stride_x, options->ceil_mode)});
    for (size_t i = 0; i < output.count; i++) {
        const size_t x = i % output.shape.width, y = i / output.shape.width % output.shape.height;
        double sum = 0, size = 0, largest = -INFINITY, inside = 0;
        for (size_t tap = 0; tap < kernel_y * kernel_x; tap++) {
            const size_t row = y * stride_y + tap / kernel_x, column = x * stride_x + tap % kernel_x;
            if (row >= pad->top && row - pad->top < input->shape.height && column >= pad->left &&
                column - pad->left < input->shape.width) {
                const double value = input->values[plain_at(input, i / output.shape.width / output.shape.height,
                                                            row - pad->top, column - pad->left)];
                sum += value;
                size += fabs(value);
                largest = fmax(largest, value);
                inside++;
            }
        }
        const double taps = (double)(kernel_y * kernel_x), parts = options->include_padding ? taps : inside;
        output.values[i] = maximum ? largest : sum / parts;
        output.bounds[i] = maximum ? 0 : (taps + 2) * unit * size / parts;
    }
    return output;
}

/* Source coordinate of a target pixel: half-pixel centres, clamped. */
static double source(size_t target, size_t factor, size_t side) {
    const double at = ((double)target + 0.5) / (double)factor - 0.5;
    return fmin(fmax(at, 0), (double)(side - 1));
}

/* Bilinear: the coordinate's fraction is rounded (u of the side), then 4 products and 3 sums. */
struct plain plain_upsample(const struct plain *input, size_t factor_y, size_t factor_x, bool bilinear) {
    const struct fv_shape *from = &input->shape;
    struct plain output =
        plain_new((struct fv_shape){FV_PLANES, from->channels, from->height * factor_y, from->width * factor_x});
    for (size_t i = 0; i < output.count; i++) {
        const size_t x = i % output.shape.width, y = i / output.shape.width % output.shape.height;
        const size_t c = i / output.shape.width / output.shape.height;
        if (!bilinear) {
            output.values[i] = input->values[plain_at(input, c, y / factor_y, x / factor_x)];
            continue;
        }
        const double at_y = source(y, factor_y, from->height), at_x = source(x, factor_x, from->width);
        for (size_t corner = 0; corner < 4; corner++) {
            const size_t row = (size_t)at_y + corner / 2, column = (size_t)at_x + corner % 2;
            const double share_y = 1 - fabs(at_y - (double)row), share_x = 1 - fabs(at_x - (double)column);
            if (row < from->height && column < from->width) {
                const double value = input->values[plain_at(input, c, row, column)];
                output.values[i] += value * share_y * share_x;
                output.bounds[i] += fabs(value) * unit * (8 + 2 * (double)(from->height + from->width));
            }
        }
    }
    return output;
}
