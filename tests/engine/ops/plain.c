/* Products, norms and functions of one value; what moves values about is in plain_windows.c. */
#include "plain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double unit = 0x1p-24, steepest = 1.2;

struct plain plain_new(struct fv_shape shape) {
    struct plain array = {.shape = shape, .count = shape.channels * shape.height * shape.width};
    array.values = check_allocate(array.count, sizeof *array.values);
    array.bounds = check_allocate(array.count, sizeof *array.bounds);
    return array;
}

void plain_free(struct plain *array) {
    free(array->values);
    free(array->bounds);
    *array = (struct plain){0};
}

size_t plain_at(const struct plain *array, size_t channel, size_t y, size_t x) {
    const struct fv_shape *shape = &array->shape;
    return shape->kind == FV_TOKENS ? (y * shape->width + x) * shape->channels + channel
                                    : (channel * shape->height + y) * shape->width + x;
}

/* The tensor's values; NULL for no name. Freed by the caller. */
static float *read(const struct fv_model *model, const char *name, const char *suffix, size_t *shape) {
    if (name == NULL) {
        return NULL;
    }
    char key[96];
    snprintf(key, sizeof key, "%s%s", name, suffix);
    const struct fv_tensor *tensor = fv_model_tensor(model, key);
    ck_assert_msg(tensor != NULL, "the model has no %s", key);
    float *values = check_allocate(tensor->elements, sizeof *values);
    struct fv_error error = {0};
    check_success(fv_tensor_read(tensor, values, &error), &error);
    if (shape != NULL) {
        memcpy(shape, tensor->shape, sizeof tensor->shape);
    }
    return values;
}

struct plain plain_tokens(const struct plain *planes) {
    struct plain tokens =
        plain_new((struct fv_shape){FV_TOKENS, planes->shape.channels, planes->shape.height, planes->shape.width});
    const size_t pixels = planes->shape.height * planes->shape.width;
    for (size_t i = 0; i < planes->count; i++) {
        const size_t target = i % pixels * planes->shape.channels + i / pixels;
        tokens.values[target] = planes->values[i];
        tokens.bounds[target] = planes->bounds[i];
    }
    return tokens;
}

/* A sum of products under way. */
struct sum {
    double value, magnitude, carried; /* carried: bounds of the factors */
    size_t terms;
};

static void multiply_add(struct sum *sum, const struct plain *input, size_t at, float weight) {
    const double product = input->values[at] * (double)weight;
    sum->value += product;
    sum->magnitude += fabs(product);
    sum->carried += input->bounds[at] * fabs((double)weight);
    sum->terms++;
}

static void store(struct plain *output, size_t at, const struct sum *sum, double bias) {
    output->values[at] = sum->value + bias;
    output->bounds[at] = (double)(sum->terms + 4) * unit * (sum->magnitude + sum->carried + fabs(bias)) + sum->carried;
}

static size_t or_one(size_t value) {
    return value != 0 ? value : 1;
}

/* One output of a convolution; `shape` is the weight's. */
static struct sum convolve(const struct plain *input, const float *weight, const size_t *shape,
                           const struct fv_convolution *options, size_t o, size_t y, size_t x) {
    struct sum sum = {0};
    const size_t group = o / (shape[0] / or_one(options->groups));
    for (size_t i = 0; i < shape[1]; i++) {
        for (size_t a = 0; a < shape[2]; a++) {
            for (size_t b = 0; b < shape[3]; b++) {
                const size_t row = y * or_one(options->stride_y) + a, column = x * or_one(options->stride_x) + b;
                if (row >= options->padding.top && row - options->padding.top < input->shape.height &&
                    column >= options->padding.left && column - options->padding.left < input->shape.width) {
                    const size_t at = plain_at(input, group * shape[1] + i, row - options->padding.top,
                                               column - options->padding.left);
                    multiply_add(&sum, input, at, weight[((o * shape[1] + i) * shape[2] + a) * shape[3] + b]);
                }
            }
        }
    }
    return sum;
}

struct plain plain_convolution(const struct fv_model *model, const struct plain *input,
                               const struct fv_convolution *options) {
    size_t shape[FV_MAX_RANK];
    float *weight = read(model, options->weight, "", shape), *bias = read(model, options->bias, "", NULL);
    const struct fv_padding *padding = &options->padding;
    struct plain output = plain_new((struct fv_shape){
        options->to_tokens ? FV_TOKENS : FV_PLANES, shape[0],
        (input->shape.height + padding->top + padding->bottom - shape[2]) / or_one(options->stride_y) + 1,
        (input->shape.width + padding->left + padding->right - shape[3]) / or_one(options->stride_x) + 1});
    for (size_t o = 0; o < shape[0]; o++) {
        for (size_t y = 0; y < output.shape.height; y++) {
            for (size_t x = 0; x < output.shape.width; x++) {
                const struct sum sum = convolve(input, weight, shape, options, o, y, x);
                store(&output, plain_at(&output, o, y, x), &sum, bias != NULL ? (double)bias[o] : 0);
            }
        }
    }
    free(weight);
    free(bias);
    return output;
}

struct plain plain_transposed(const struct fv_model *model, const struct plain *input,
                              const struct fv_transposed_convolution *options) {
    size_t shape[FV_MAX_RANK];
    float *weight = read(model, options->weight, "", shape), *bias = read(model, options->bias, "", NULL);
    struct plain output = plain_new(
        (struct fv_shape){FV_PLANES, shape[1], input->shape.height * shape[2], input->shape.width * shape[3]});
    for (size_t o = 0; o < shape[1]; o++) {
        for (size_t y = 0; y < output.shape.height; y++) {
            for (size_t x = 0; x < output.shape.width; x++) {
                struct sum sum = {0};
                for (size_t i = 0; i < shape[0]; i++) {
                    const size_t tap = ((i * shape[1] + o) * shape[2] + y % shape[2]) * shape[3] + x % shape[3];
                    multiply_add(&sum, input, plain_at(input, i, y / shape[2], x / shape[3]), weight[tap]);
                }
                store(&output, plain_at(&output, o, y, x), &sum, bias != NULL ? (double)bias[o] : 0);
            }
        }
    }
    free(weight);
    free(bias);
    return output;
}

struct plain plain_linear(const struct fv_model *model, const struct plain *input, const char *weight,
                          const char *bias) {
    size_t shape[FV_MAX_RANK];
    float *factors = read(model, weight, "", shape), *offsets = read(model, bias, "", NULL);
    struct plain output =
        plain_new((struct fv_shape){input->shape.kind, shape[0], input->shape.height, input->shape.width});
    for (size_t row = 0; row < input->shape.height * input->shape.width; row++) {
        for (size_t o = 0; o < shape[0]; o++) {
            struct sum sum = {0};
            for (size_t i = 0; i < shape[1]; i++) {
                multiply_add(&sum, input, row * shape[1] + i, factors[o * shape[1] + i]);
            }
            store(&output, row * shape[0] + o, &sum, offsets != NULL ? (double)offsets[o] : 0);
        }
    }
    free(factors);
    free(offsets);
    return output;
}

/* The channel of value `i`. */
static size_t channel_of(const struct plain *array, size_t i) {
    return array->shape.kind == FV_TOKENS ? i % array->shape.channels : i / (array->shape.height * array->shape.width);
}

/* y = (x - mean) * factor + bias in 4 roundings of the largest term. */
static void normalise(const struct plain *input, struct plain *output, size_t i, double mean, double factor,
                      double bias) {
    output->values[i] = (input->values[i] - mean) * factor + bias;
    output->bounds[i] = fabs(factor) * input->bounds[i] +
                        8 * unit * (fabs(factor) * (fabs(input->values[i]) + fabs(mean)) + fabs(bias));
}

struct plain plain_batch_norm(const struct fv_model *model, const struct plain *input, const char *name,
                              double epsilon) {
    float *weight = read(model, name, ".weight", NULL), *bias = read(model, name, ".bias", NULL);
    float *mean = read(model, name, ".running_mean", NULL), *variance = read(model, name, ".running_var", NULL);
    struct plain output = plain_new(input->shape);
    for (size_t i = 0; i < input->count; i++) {
        const size_t c = channel_of(input, i);
        normalise(input, &output, i, (double)mean[c], (double)weight[c] / sqrt((double)variance[c] + epsilon),
                  (double)bias[c]);
    }
    free(weight);
    free(bias);
    free(mean);
    free(variance);
    return output;
}

struct plain plain_affine(const struct plain *input, const float *scale, const float *shift) {
    struct plain output = plain_new(input->shape);
    for (size_t i = 0; i < input->count; i++) {
        const size_t c = channel_of(input, i);
        normalise(input, &output, i, 0, (double)scale[c], (double)shift[c]);
    }
    return output;
}

/* The statistics are computed from values that are exact: their roundings are within those of normalise(). */
struct plain plain_norm(const struct fv_model *model, const struct plain *input, const char *name, double epsilon) {
    float *weight = read(model, name, ".weight", NULL), *bias = read(model, name, ".bias", NULL);
    struct plain output = plain_new(input->shape);
    const bool tokens = input->shape.kind == FV_TOKENS;
    const size_t pixels = input->shape.height * input->shape.width;
    const size_t run = tokens ? input->shape.channels : pixels;
    for (size_t first = 0; first < input->count; first += run) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < run; i++) {
            mean += input->values[first + i] / (double)run;
        }
        for (size_t i = 0; i < run; i++) {
            variance += (input->values[first + i] - mean) * (input->values[first + i] - mean) / (double)run;
        }
        for (size_t i = first; i < first + run; i++) {
            const size_t c = channel_of(input, i);
            normalise(input, &output, i, mean, (double)weight[c] / sqrt(variance + epsilon), (double)bias[c]);
        }
    }
    free(weight);
    free(bias);
    return output;
}

static double activate(double x, enum fv_activation_kind kind, double slope) {
    switch (kind) {
    case FV_RELU:
        return x > 0 ? x : 0;
    case FV_LEAKY_RELU:
        return x >= 0 ? x : slope * x;
    case FV_SILU:
        return x / (1 + exp(-x));
    case FV_SIGMOID:
        return 1 / (1 + exp(-x));
    default:
        return x * (1 + erf(x / sqrt(2))) / 2;
    }
}

/* GELU's far negative tail vanishes against 8 u |x|: its bound is absolute. */
struct plain plain_activation(const struct plain *input, enum fv_activation_kind kind, double slope) {
    struct plain output = plain_new(input->shape);
    for (size_t i = 0; i < input->count; i++) {
        output.values[i] = activate(input->values[i], kind, slope);
        const double size = kind == FV_GELU ? fabs(input->values[i]) : fabs(output.values[i]);
        output.bounds[i] = steepest * input->bounds[i] + 8 * unit * size;
    }
    return output;
}

/* exp(x - m) carries the rounding of x - m, at most u |x - m|, and 4 ulp of its own; the sum of n such terms and the
 * division add n + 2 roundings. Exponentials below 2^-126 become that. */
struct plain plain_softmax(const struct plain *input) {
    struct plain output = plain_new(input->shape);
    const size_t channels = input->shape.channels;
    for (size_t y = 0; y < input->shape.height; y++) {
        for (size_t x = 0; x < input->shape.width; x++) {
            double maximum = -INFINITY, sum = 0, widest = 0;
            for (size_t c = 0; c < channels; c++) {
                maximum = fmax(maximum, input->values[plain_at(input, c, y, x)]);
            }
            for (size_t c = 0; c < channels; c++) {
                const double distance = maximum - input->values[plain_at(input, c, y, x)];
                widest = fmax(widest, exp(-distance) * distance);
                sum += exp(-distance);
            }
            for (size_t c = 0; c < channels; c++) {
                const size_t at = plain_at(input, c, y, x);
                const double distance = maximum - input->values[at];
                output.values[at] = exp(-distance) / sum;
                output.bounds[at] =
                    output.values[at] * unit * (distance + (double)channels * (widest + 1) + 16) + 0x1.0001p-126;
            }
        }
    }
    return output;
}
