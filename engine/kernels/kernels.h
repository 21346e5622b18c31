/* The kernel table: one function per job, one table per instruction set.
 *
 * Layouts. A *plane block* holds `width` channels of an image: [pixels][width], row-major pixels, channel fastest. A
 * feature map of C channels is ceil(C / width) plane blocks (nChw8c and the like); lanes beyond C are zero, after
 * a sigmoid 1/2, and reach no channel: weights, biases, scales and shifts of those lanes are zero. *Tokens* are
 * row-major [tokens][stride], stride being at least C rounded up to FV_TOKEN_ALIGNMENT floats; what lies in columns
 * beyond C reaches no other column. All sizes and strides are in elements (floats). Buffers are engine-owned and padded
 * as said here; a kernel reads and writes nothing beyond.
 *
 * Each family has a scalar source (the reference: plain loops that sum in double) and a vector source, written once
 * over vector.h and compiled once per instruction set. Tables of every width also exist compiled for the baseline of
 * the architecture, so that each width is tested on each machine.
 *
 * Thread safety: kernels are pure functions of their arguments. */
#ifndef FOVEA_KERNELS_KERNELS_H
#define FOVEA_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/cpu.h"

enum { FV_MAX_WIDTH = 16, FV_TOKEN_ALIGNMENT = 16, FV_MAX_TILE_ROWS = 16, FV_MAX_TILE_VECTORS = 4 };

enum { FV_FMA_CHAINS = 12 };

enum fv_activation {
    FV_ACTIVATION_NONE,
    FV_ACTIVATION_RELU,       /* max(x, 0) */
    FV_ACTIVATION_LEAKY_RELU, /* x >= 0 ? x : slope x */
    FV_ACTIVATION_SILU,       /* x / (1 + exp(-x)) */
    FV_ACTIVATION_SIGMOID,    /* 1 / (1 + exp(-x)) */
    FV_ACTIVATION_GELU,       /* x (1 + erf(x / sqrt 2)) / 2 */
};

/* What happens to a finished sum before it is stored: y = activation(sum + bias + residual). */
struct fv_epilogue {
    const float *bias;            /* [vectors][width], or NULL */
    const float *const *residual; /* [rows] pointers laid out like the outputs, or NULL */
    size_t residual_offset;       /* vector v of row r is at residual[r] + residual_offset + v * residual_stride */
    size_t residual_stride;
    enum fv_activation activation;
    float slope;
};

/* A register tile of an indirect matrix product:
 *   y[r][v] (+)= sum over segments s and k < length of inputs[s][r][k] * weights[s][k][v]
 * for rows r < rows and vectors v < vectors of `width` outputs each. */
struct fv_gemm_tile {
    size_t rows;                /* 1 .. table->tile_rows */
    size_t vectors;             /* 1 .. table->last_vectors */
    size_t segments, length;    /* >= 1 */
    const float *const *inputs; /* [segments][table->tile_rows]: each points to `length` floats; entries from `rows` on
                                   are not read */
    const float *weights;       /* [segments][length][vectors][width] */
    float *const *outputs;      /* [rows] */
    size_t output_offset;       /* vector v of row r is at outputs[r] + output_offset + v * output_stride */
    size_t output_stride;
    bool accumulate;                    /* add the stored outputs to the sum */
    const struct fv_epilogue *epilogue; /* NULL while further segments follow */
};

/* Geometry of a sliding window over one plane block. Taps outside the input count as zero for convolution and sum,
 * and as absent for maximum. */
struct fv_window {
    size_t input_height, input_width, output_height, output_width;
    size_t kernel_height, kernel_width, stride_y, stride_x;
    size_t pad_top, pad_left; /* the padding at the end follows from the output size */
};

/* A grouped 3 x 3 convolution of one plane block that holds whole groups, each of `group` inputs and as many outputs:
 *   y[p][o] = activation(sum over taps t and i < group of x[p, t][o - o % group + i] * weights[t][i][o]
 *                        + bias[o] + residual[p][o])
 */
struct fv_grouped {
    struct fv_window window; /* kernel 3 x 3, both strides 1 or both 2 */
    size_t group;            /* divides width */
    const float *input;
    const float *weights;  /* [9][group][width] */
    const float *bias;     /* [width] */
    const float *residual; /* a plane block like the output, or NULL */
    enum fv_activation activation;
    float slope;
    float *output;
};

/* Winograd's convolutions over one plane block. For 3 x 3 the output is cut into tiles of outputs x outputs, numbered
 * row by row, tiles_x to a row; those at the end may hang over. Each takes side x side inputs, is transformed into as
 * many points, and multiplied by filters, which several points may share.
 *
 * A convolution along one axis is cut into tiles of 3 outputs, numbered line by line, tiles_x to a line. Its taps are
 * two groups, the first four and the rest, each transformed into six points, 6 g + i being point i of group g; the
 * products of both groups at point i go into one sum. */
enum fv_winograd_form {
    FV_WINOGRAD_2X2,          /* F(2x2, 3x3) */
    FV_WINOGRAD_4X4,          /* F(4x4, 3x3) */
    FV_WINOGRAD_3X3_STRIDE_2, /* 3 x 3 outputs of a convolution of 3 x 3 and stride 2 */
    FV_WINOGRAD_LINE,         /* 3 outputs of 5 to 8 taps along one axis: F(3, 4) twice */
    FV_WINOGRAD_FORMS,
};
enum { FV_WINOGRAD_MOST_OUTPUTS = 4, FV_WINOGRAD_MOST_SIDE = 7, FV_WINOGRAD_MOST_POINTS = 49 };
enum { FV_WINOGRAD_LINE_TAPS = 8, FV_WINOGRAD_LINE_POINTS = 6 };

static inline size_t fv_winograd_outputs(enum fv_winograd_form form) {
    return form == FV_WINOGRAD_2X2 ? 2 : form == FV_WINOGRAD_4X4 ? 4 : 3;
}

static inline size_t fv_winograd_stride(enum fv_winograd_form form) {
    return form == FV_WINOGRAD_3X3_STRIDE_2 ? 2 : 1;
}

/* Inputs, and points, in a line of a square tile. */
static inline size_t fv_winograd_side(enum fv_winograd_form form) {
    return (fv_winograd_outputs(form) - 1) * fv_winograd_stride(form) + 3;
}

static inline size_t fv_winograd_points(enum fv_winograd_form form) {
    return form == FV_WINOGRAD_LINE ? (size_t)2 * FV_WINOGRAD_LINE_POINTS
                                    : fv_winograd_side(form) * fv_winograd_side(form);
}

/* Sums of a tile; the products at point p belong to sum p modulo this. */
static inline size_t fv_winograd_sums(enum fv_winograd_form form) {
    return form == FV_WINOGRAD_LINE ? FV_WINOGRAD_LINE_POINTS : fv_winograd_points(form);
}

/* Filters in a line of a square tile: of stride 2, the last three points share one. */
static inline size_t fv_winograd_filter_side(enum fv_winograd_form form) {
    return form == FV_WINOGRAD_3X3_STRIDE_2 ? 5 : fv_winograd_side(form);
}

static inline size_t fv_winograd_filters(enum fv_winograd_form form) {
    return form == FV_WINOGRAD_LINE ? fv_winograd_points(form)
                                    : fv_winograd_filter_side(form) * fv_winograd_filter_side(form);
}

/* The filter of a point. */
static inline size_t fv_winograd_filter(enum fv_winograd_form form, size_t point) {
    if (form == FV_WINOGRAD_LINE) {
        return point;
    }
    const size_t side = fv_winograd_side(form), last = fv_winograd_filter_side(form) - 1;
    const size_t row = point / side, column = point % side;
    return (row < last ? row : last) * (last + 1) + (column < last ? column : last);
}

struct fv_winograd {
    enum fv_winograd_form form;
    size_t input_height, input_width, output_height, output_width;
    size_t pad_top, pad_left; /* the padding at the end follows from the output size */
    size_t tiles_x;
    size_t taps;   /* along one axis */
    bool vertical; /* which */
};

/* The product at one point. Its sums are made of runs of at most FV_WINOGRAD_RUN channels that are added up with
 * compensation, so that it rounds about as a sum of FV_WINOGRAD_RUN terms, however many channels there are. */
enum { FV_WINOGRAD_RUN = 8 };

struct fv_winograd_product {
    size_t rows, row_stride; /* tiles, and the distance between them in the transformed input */
    size_t channels, vectors;
    bool accumulate; /* add to the stored sums, without compensation */
};

/* As fv_epilogue, for one plane block. */
struct fv_winograd_epilogue {
    const float *bias;     /* [width] */
    const float *residual; /* a plane block like the output, or NULL */
    enum fv_activation activation;
    float slope;
};

/* Attention of one head among the tokens of a window. Scores are in base 2, that is natural ones times log2(e):
 *   score[p][q]  = scale * queries[p] . keys[q] + bias[p][q] + mask[p][q]
 *   outputs[p]   = sum over q of 2^score[p][q] values[q] / sum over q of 2^score[p][q]
 * Scores that lie 125 or more below a row's greatest count as 125 below. */
struct fv_attention {
    size_t tokens, head; /* of the window; channels of the head; >= 1 */
    float scale;
    const float *const *queries; /* [tokens], as keys and values: each points to `head` floats */
    const float *const *keys;
    const float *const *values;
    float *const *outputs; /* [tokens] */
    const float *bias;     /* [tokens][fv_attention_stride(tokens)], minus infinity from column `tokens` on */
    const float *mask;     /* the same with 0 there, or NULL */
    float *scratch;        /* fv_attention_scratch(tokens, head) floats, aligned to FV_ALIGNMENT for speed */
};

/* Distance between rows of bias and mask. */
static inline size_t fv_attention_stride(size_t tokens) {
    return (tokens + FV_TOKEN_ALIGNMENT - 1) / FV_TOKEN_ALIGNMENT * FV_TOKEN_ALIGNMENT;
}

/* Floats: panels of keys and values; scores and products of a tile of queries. */
static inline size_t fv_attention_scratch(size_t tokens, size_t head) {
    const size_t columns = (tokens + FV_MAX_WIDTH - 1) / FV_MAX_WIDTH * FV_MAX_WIDTH;
    const size_t channels = (head + FV_MAX_WIDTH - 1) / FV_MAX_WIDTH * FV_MAX_WIDTH;
    return columns * head + tokens * channels + FV_MAX_TILE_ROWS * (columns + channels);
}

struct fv_kernels {
    enum fv_isa isa;
    size_t width;        /* floats in a vector, channels in a plane block */
    size_t tile_rows;    /* rows of the largest matrix tile, at most FV_MAX_TILE_ROWS */
    size_t tile_vectors; /* vectors of a matrix tile that keeps the multiply-adds busiest */
    size_t last_vectors; /* vectors of the largest matrix tile, at most FV_MAX_TILE_VECTORS: tile_vectors, or one more
                            to take in a vector that would be left alone */
    size_t winograd_run; /* channels of a run of winograd_product, at most FV_WINOGRAD_RUN */

    void (*gemm_tile)(const struct fv_gemm_tile *tile);

    /* Depthwise convolution of output rows first_row .. last_row-1 of one plane block:
     * y = activation(sum over taps of x * weights[tap] + bias); weights [kernel_height][kernel_width][width], bias
     * [width]. */
    void (*depthwise)(const struct fv_window *window, const float *input, const float *weights, const float *bias,
                      enum fv_activation activation, float slope, size_t first_row, size_t last_row, float *output);

    /* Output rows first_row .. last_row-1 of a grouped convolution. */
    void (*grouped)(const struct fv_grouped *convolution, size_t first_row, size_t last_row);

    /* Winograd's convolution, whose matrices A, B and G kernels/winograd/winograd.h gives; point i * side + j
     * of a square tile is element (i, j) of the transformed matrix.
     *  - Input: B^T d B of tiles first .. first+count-1, as transformed[point * point_stride + (tile - first) *
     *    tile_stride + lane]; inputs in the padding are zero.
     *  - Weights: G g G^T of `count` filters (a multiple of width), tap t = 3 y + x, or t along the axis, of
     *    filter i at weights[t * tap_stride + i], as transformed[filter * filter_stride + i].
     *  - Product: sums[row][v][lane] (+)= sum over c < channels of inputs[row * row_stride + c] * weights[c][v][lane].
     *  - Output: y = activation(A^T m A + bias + residual) of the products m, laid out as the transformed input. */
    void (*winograd_input)(const struct fv_winograd *geometry, const float *input, size_t first, size_t count,
                           float *transformed, size_t point_stride, size_t tile_stride);
    void (*winograd_weights)(const struct fv_winograd *geometry, const float *weights, size_t tap_stride, size_t count,
                             float *transformed, size_t filter_stride);
    void (*winograd_product)(const struct fv_winograd_product *product, const float *inputs, const float *weights,
                             float *sums);
    void (*winograd_output)(const struct fv_winograd *geometry, const float *products, size_t point_stride,
                            size_t tile_stride, const struct fv_winograd_epilogue *epilogue, size_t first, size_t count,
                            float *output);

    /* Maximum over the taps that lie inside the input (at least one does). */
    void (*max_pool)(const struct fv_window *window, const float *input, size_t first_row, size_t last_row,
                     float *output);
    /* Mean over the taps; include_padding divides by the kernel's size, else by the number of taps inside. */
    void (*average_pool)(const struct fv_window *window, const float *input, bool include_padding, size_t first_row,
                         size_t last_row, float *output);

    /* y[p] = activation(x[p] * scale + shift + residual[p]); scale and shift are [width], NULL for 1 and 0; residual is
     * [pixels][width] or NULL. Output may be the input or the residual. */
    void (*affine)(const float *input, const float *scale, const float *shift, const float *residual,
                   enum fv_activation activation, float slope, size_t pixels, float *output);

    /* mean[l] and biased variance[l] over the pixels of each lane, accumulated so that the relative error stays near
     * one rounding of float whatever the number of pixels (sums of short runs in float, runs in double). */
    void (*moments)(const float *input, size_t pixels, float *mean, float *variance);
    /* mean[l] alone, the same way. */
    void (*mean)(const float *input, size_t pixels, float *mean);

    /* Enlarges one plane block by whole factors. Bilinear: half-pixel centres (PyTorch's align_corners=False): source
     * coordinate (i + 0.5) / factor - 0.5, clamped at the edges. Rows first_row .. last_row-1 of the output. */
    void (*upsample_nearest)(const float *input, size_t height, size_t width, size_t factor_y, size_t factor_x,
                             size_t first_row, size_t last_row, float *output);
    void (*upsample_bilinear)(const float *input, size_t height, size_t width, size_t factor_y, size_t factor_x,
                              size_t first_row, size_t last_row, float *output);

    /* Planar [channels][pixels] (channel stride channel_stride) to one plane block, channels 1 .. width, and back. */
    void (*planar_to_block)(const float *planar, size_t channel_stride, size_t channels, size_t pixels, float *block);
    void (*block_to_planar)(const float *block, size_t channels, size_t pixels, float *planar, size_t channel_stride);

    /* Softmax over `channels` (1 .. width) lanes of each pixel of one block; the other lanes become zero. */
    void (*softmax_block)(const float *input, size_t channels, size_t pixels, float *output);

    /* Layer norm of one token: y = (x - mean) / sqrt(variance + epsilon) * weight + bias over `channels`; all rows have
     * FV_TOKEN_ALIGNMENT padding, of which the output's is set to zero. Output may be the input. */
    void (*layer_norm)(const float *input, size_t channels, const float *weight, const float *bias, float epsilon,
                       float *output);

    void (*attention)(const struct fv_attention *attention);

    /* y[i] = activation(x[i] + residual[i]) for `count` floats, a multiple of FV_TOKEN_ALIGNMENT; residual may be NULL.
     * Output may be either input. */
    void (*activate)(const float *input, const float *residual, enum fv_activation activation, float slope,
                     size_t count, float *output);

    /* y[r][i] = x[r][i] * factors[r] for rows of `count` floats, a multiple of width, one after the other. Output may
     * be the input. */
    void (*scale_rows)(const float *input, const float *factors, size_t rows, size_t count, float *output);

    /* Fills weight panels: columns[c][0 .. count-1] of a row-major [rows][stride] matrix transposed, as
     * output[k][lane] = input[lane][k] for lane < lanes, zero for lane >= lanes up to `padded`. */
    void (*transpose_panel)(const float *const *input, size_t lanes, size_t count, size_t padded, float *output);

    /* `steps` times FV_FMA_CHAINS independent multiply-adds of one vector (2 * FV_FMA_CHAINS * width operations a
     * step), to measure the machine's peak. result[width] depends on all of them. */
    void (*fma_loop)(size_t steps, float *result);
};

/* Whether the table's kernels multiply and add with one rounding. */
static inline bool fv_kernels_fuse(const struct fv_kernels *kernels) {
    return kernels->isa != FV_ISA_SSE && kernels->isa != FV_ISA_SCALAR;
}

/* The table of an instruction set that this build has, or NULL. */
const struct fv_kernels *fv_kernels_for(enum fv_isa isa);

/* Every table in this build that this machine can run, for tests and benchmarks: the instruction sets' own tables and
 * the baseline builds of every width. Returns the number; `tables` holds at most `capacity`, `names` (may be NULL) gets
 * static names such as "avx2" or "baseline16". */
size_t fv_kernels_list(const struct fv_kernels **tables, const char **names, size_t capacity);

/* The scalar table whose blocks have `width` channels (4, 8 or 16): the reference for tables of that width. */
const struct fv_kernels *fv_kernels_reference(size_t width);

#endif
