/* Describing a net: each call adds one operation and returns a handle to its result, so that a net reads like its
 * paper.
 *
 * A graph serves one image (batch 1). Values are *planes* (channels x height x width) or *tokens* (height*width rows of
 * `channels`, in row-major grid order). Physical layouts are the engine's own business. Parameters are named by their
 * keys in the model file, behind the graph's prefix.
 *
 * Errors are sticky: the first failure (a missing or misshapen tensor, shapes that do not fit, memory) is kept, later
 * calls do nothing and return FV_NO_VALUE, and fv_graph_finish reports it.
 *
 * Thread safety: a graph belongs to one thread. */
#ifndef FOVEA_GRAPH_H
#define FOVEA_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/model.h"
#include "fovea/status.h"

struct fv_graph;

/* A handle to the result of an operation. */
typedef uint32_t fv_value;
#define FV_NO_VALUE UINT32_MAX

enum { FV_MAX_AFFINE_CHANNELS = 4 };

enum fv_kind { FV_PLANES, FV_TOKENS };

struct fv_shape {
    enum fv_kind kind;
    size_t channels, height, width; /* tokens: height x width rows */
};

enum fv_activation_kind {
    FV_RELU,       /* max(x, 0) */
    FV_LEAKY_RELU, /* x >= 0 ? x : slope x */
    FV_SILU,       /* x sigmoid(x) */
    FV_SIGMOID,    /* 1 / (1 + exp(-x)) */
    FV_GELU,       /* x (1 + erf(x / sqrt 2)) / 2 */
};

struct fv_padding {
    size_t top, left, bottom, right;
};

/* y[o] = sum x * weight[o] + bias[o] (cross-correlation, PyTorch's Conv2d). `weight` names a tensor [O, I/groups, kh,
 * kw], `bias` one of [O], or NULL. Output side: floor((n + pads - k) / stride) + 1. */
struct fv_convolution {
    const char *weight, *bias;
    size_t stride_y, stride_x; /* 0 counts as 1 */
    struct fv_padding padding;
    size_t groups;  /* 0 counts as 1 */
    bool to_tokens; /* the result is tokens [oh*ow][O] */
};

/* PyTorch's ConvTranspose2d without padding: weight [I, O, kh, kw]; y[o][s*i + a][...] += x[i] * weight. The stride
 * must equal the kernel (FV_ERROR_UNSUPPORTED otherwise). */
struct fv_transposed_convolution {
    const char *weight, *bias;
    size_t stride_y, stride_x;
};

struct fv_pooling {
    size_t kernel_y, kernel_x, stride_y, stride_x;
    struct fv_padding padding;
    bool ceil_mode;       /* output side rounded up, PyTorch's rule (the last window starts inside the input or its left
                             padding) */
    bool include_padding; /* average: divide by kernel size (PyTorch's count_include_pad) */
};

/* Multi-head attention inside windows (Swin, arXiv:2103.14030). Input: tokens of 3C channels, [3][heads][C/heads]. The
 * grid is rolled by (-shift, -shift), cut into window x window squares; per window and head
 * softmax(q k^T / sqrt(d) + bias(p, q) + mask) v; then cut and roll are undone. `table` names the relative position
 * bias
 * [(2 table_window - 1)^2, heads]. Grid sides must be multiples of `window`. Mask: -100 between tokens that were not
 * neighbours before the roll. */
struct fv_window_attention {
    const char *table;
    size_t heads, window, shift;
};

/* Starts a graph over `model`, which must stay open as long as the graph and every session made from it.
 * Errors: FV_ERROR_MEMORY. */
enum fv_status fv_graph_create(const struct fv_model *model, struct fv_graph **graph, struct fv_error *error);
void fv_graph_destroy(struct fv_graph *graph);

/* Puts `prefix` before every key named from here on ("" at the start). */
void fv_graph_prefix(struct fv_graph *graph, const char *prefix);

/* Names the operations without parameters that follow, in traces, plans and messages: scope "layer1.0" makes
 * "layer1.0.relu". An operation with parameters has the name of the module that holds them in any case: its weight's
 * key without ".weight", and without the prefix. Where a name comes again it gets _1, _2, ... behind it. The text is
 * copied. */
void fv_graph_scope(struct fv_graph *graph, const char *format, ...) FV_PRINTF(2, 3);

/* The net's only input: planes. */
fv_value fv_graph_input(struct fv_graph *graph, size_t channels, size_t height, size_t width);

fv_value fv_graph_convolution(struct fv_graph *graph, fv_value input, const struct fv_convolution *options);
fv_value fv_graph_transposed_convolution(struct fv_graph *graph, fv_value input,
                                         const struct fv_transposed_convolution *options);
/* Tokens or a 1x1 map: y = x weight^T + bias, weight [O, I]; `bias` may be NULL. */
fv_value fv_graph_linear(struct fv_graph *graph, fv_value input, const char *weight, const char *bias);
/* y = (x - running_mean) / sqrt(running_var + epsilon) * weight + bias, keys `name`.weight and so on. Folded into the
 * convolution before it, in double. */
fv_value fv_graph_batch_norm(struct fv_graph *graph, fv_value input, const char *name, float epsilon);
/* Statistics over each channel's plane (biased variance); keys `name`.weight, `name`.bias. */
fv_value fv_graph_instance_norm(struct fv_graph *graph, fv_value input, const char *name, float epsilon);
/* Statistics over each token's channels. */
fv_value fv_graph_layer_norm(struct fv_graph *graph, fv_value input, const char *name, float epsilon);
fv_value fv_graph_activation(struct fv_graph *graph, fv_value input, enum fv_activation_kind kind, float slope);
fv_value fv_graph_window_attention(struct fv_graph *graph, fv_value qkv, const struct fv_window_attention *options);
/* Swin's patch merging without its norm: tokens [h*w][C] to [(h/2)*(w/2)][4C], neighbours (dy,dx) in the order (0,0),
 * (1,0), (0,1), (1,1). */
fv_value fv_graph_patch_merge(struct fv_graph *graph, fv_value input);
fv_value fv_graph_add(struct fv_graph *graph, fv_value a, fv_value b);
/* Planes one after the other along the channels. */
fv_value fv_graph_concat(struct fv_graph *graph, const fv_value *inputs, size_t count);
/* y[c] = x[c] * gate[c]; the gate is a 1x1 map of as many channels. */
fv_value fv_graph_scale(struct fv_graph *graph, fv_value input, fv_value gate);
/* y[c] = x[c] * scale[c] + shift[c] by constants of the net itself, such as another normalization of the input's
 * colours; planes of at most FV_MAX_AFFINE_CHANNELS channels, one number each (FV_ERROR_ARGUMENT otherwise). The
 * numbers are copied. */
fv_value fv_graph_affine(struct fv_graph *graph, fv_value input, const float *scale, const float *shift, size_t count);
/* Mean over height and width (planes or tokens): a 1x1 map, or one token. */
fv_value fv_graph_global_mean(struct fv_graph *graph, fv_value input);
fv_value fv_graph_max_pool(struct fv_graph *graph, fv_value input, const struct fv_pooling *options);
fv_value fv_graph_average_pool(struct fv_graph *graph, fv_value input, const struct fv_pooling *options);
/* Whole factors; bilinear with half-pixel centres (align_corners=False), or nearest. */
fv_value fv_graph_upsample(struct fv_graph *graph, fv_value input, size_t factor_y, size_t factor_x, bool bilinear);
/* Over the channels. */
fv_value fv_graph_softmax(struct fv_graph *graph, fv_value input);

/* The shape of a value; all zero for FV_NO_VALUE. */
struct fv_shape fv_graph_shape(const struct fv_graph *graph, fv_value value);

/* Whether an operation of the graph has `tensor` as a parameter. */
bool fv_graph_uses(const struct fv_graph *graph, const struct fv_tensor *tensor);

/* Records a failure of the net's own checks, as if an operation had failed. */
void fv_graph_fail(struct fv_graph *graph, enum fv_status status, const char *format, ...) FV_PRINTF(3, 4);

/* Ends the description; `output` is the net's result. Returns the first failure of any call since fv_graph_create. */
enum fv_status fv_graph_finish(struct fv_graph *graph, fv_value output, struct fv_error *error);

/* The value that sessions made from now on give: that of fv_graph_finish, or of the last fv_graph_choose. FV_NO_VALUE
 * before fv_graph_finish. */
fv_value fv_graph_output(const struct fv_graph *graph);

/* The shape of the input; all zero before there is one. */
struct fv_shape fv_graph_input_shape(const struct fv_graph *graph);

/* Stages: every intermediate value has a name. A stage is an operation, or a module: all operations whose names begin
 * with the module's and a dot, for example "layer1.0"; its value is that of the last of them. */

/* The value of a stage; FV_NO_VALUE if there is none of that name. An operation goes before a module. */
fv_value fv_graph_find(const struct fv_graph *graph, const char *stage);

/* How PyTorch holds a value for N images: [N, C, H, W], [N, T, C] or [N, C]. */
enum fv_layout { FV_LAYOUT_PLANES, FV_LAYOUT_TOKENS, FV_LAYOUT_VECTOR };

struct fv_stage {
    const char *name;      /* "layer1.0.conv2" */
    const char *operation; /* "convolution": the operation, or a module's last one */
    fv_value value;
    struct fv_shape
        shape; /* as sessions give it; FV_TOKENS with FV_LAYOUT_PLANES: a convolution to tokens, transposed */
    enum fv_layout layout;
};

/* The operation that makes `value`; an empty name for a value that is none. The strings belong to the graph. */
struct fv_stage fv_graph_stage(const struct fv_graph *graph, fv_value value);

/* A list of stages, which owns their names. A zeroed struct is empty. */
struct fv_stages {
    struct fv_stage *items;
    size_t count;
};

/* Lists every stage in the order of execution, a module after its last operation. Errors: FV_ERROR_MEMORY; then
 * *stages is empty. The caller gives the list back with fv_stages_clear, before the graph. */
enum fv_status fv_graph_stages(const struct fv_graph *graph, struct fv_stages *stages, struct fv_error *error);
void fv_stages_clear(struct fv_stages *stages);

/* Makes a stage the result: sessions made from now on end there, so that nothing after it is computed and nothing is
 * fused over it. `chosen`, which may be NULL, receives the operation that makes the value. Errors: FV_ERROR_ARGUMENT
 * (no such stage: the message lists the nearest names; the graph is not finished). */
enum fv_status fv_graph_choose(struct fv_graph *graph, const char *stage, struct fv_stage *chosen,
                               struct fv_error *error);

/* The linear layer at the end of a classifier: output = weight x input + bias. */
struct fv_head {
    const char *input_stage;               /* the stage that makes the layer's input, for fv_graph_choose */
    size_t features, outputs;              /* values of its input and of its output */
    const struct fv_tensor *weight, *bias; /* [outputs, features] and [outputs] of the model; the bias may be NULL */
};

/* Finds the layer that makes the output of a finished graph, whatever fv_graph_choose chose. The strings belong to the
 * graph. Errors: FV_ERROR_UNSUPPORTED (the net does not end in a linear layer with one vector as input). */
enum fv_status fv_graph_head(const struct fv_graph *graph, struct fv_head *head, struct fv_error *error);

#endif
