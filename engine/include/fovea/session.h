/* Running a net: a session holds the plan, the packed weights and the memory of one graph.
 *
 * Creation infers, fuses (batch norm, bias, activation, residual, gates), chooses for each node among the algorithms
 * that accept it the one that should take the least time (by a model of costs, or by measurements), packs the weights
 * for it, and places every intermediate value in one arena by liveness and best fit. Running allocates nothing and
 * cannot fail. The result is the same bits for any number of threads and on every run on the same instruction set.
 *
 * Thread safety: a session is used by one thread at a time; different sessions are independent unless they share a
 * thread pool. */
#ifndef FOVEA_SESSION_H
#define FOVEA_SESSION_H

#include "fovea/cpu.h"
#include "fovea/graph.h"
#include "fovea/threads.h"

enum fv_gemm {
    FV_GEMM_DEFAULT,  /* what the environment variable FOVEA_GEMM names ("own" or "openblas"), else own */
    FV_GEMM_OWN,      /* the packed kernels of the engine */
    FV_GEMM_OPENBLAS, /* OpenBLAS sgemm, one thread a call; FV_ERROR_UNSUPPORTED if the build has none */
};

/* How long a node took with an algorithm. fv_tune measures (fovea/tune.h). */
struct fv_measurement {
    const char *node, *algorithm; /* as in struct fv_node_info */
    double seconds;
};

struct fv_session_options {
    struct fv_threads *threads; /* not owned; NULL runs on the calling thread */
    enum fv_gemm gemm;
    bool exact;   /* direct sums for all convolutions. Otherwise some may be transformed: those of 3 x 3 and stride 1 by
                     Winograd's F(4x4, 3x3), a quarter of the multiplications, or F(2x2, 3x3), four ninths, of stride 2
                     by a form with three fifths, those of 5 to 8 taps along one axis by F(3, 4) twice, four sevenths
                     for 7; each has at most 1.6 times the expected rounding error of the direct sum */
    bool profile; /* measure the time of every node and of converting input and output */
    /* For nodes of several algorithms that accept: the one that took the least time, where they were measured, is
     * chosen instead of the one that should; a difference of less than 3 % counts as noise. In any order; read while
     * the session is made. */
    const struct fv_measurement *measurements;
    size_t measurement_count;
};

struct fv_session;

/* Plans, packs and allocates for `graph`, which must be finished; the session keeps no pointer to the graph, but names
 * and weights of the model stay in use, so the model must stay open. `options` may be NULL (all zero).
 * Errors: FV_ERROR_MEMORY, FV_ERROR_MODEL (non-finite weights; the message names the tensor), FV_ERROR_UNSUPPORTED (no
 * algorithm accepts a node; the message lists the reasons), FV_ERROR_ARGUMENT (FOVEA_ISA or FOVEA_GEMM; a measurement
 * that is not a positive number of seconds). */
enum fv_status fv_session_create(const struct fv_graph *graph, const struct fv_session_options *options,
                                 struct fv_session **session, struct fv_error *error);
void fv_session_destroy(struct fv_session *session);

struct fv_shape fv_session_input_shape(const struct fv_session *session);
struct fv_shape fv_session_output_shape(const struct fv_session *session);

/* One pass. `input` [channels][height][width] and `output` (planes: [channels][height][width]; tokens:
 * [rows][channels]) are dense float32 arrays of the caller's. */
void fv_session_run(struct fv_session *session, const float *input, float *output);

/* What the plan costs. */
struct fv_session_info {
    enum fv_isa isa;
    size_t nodes;
    size_t arena_bytes;                   /* all intermediate values */
    size_t scratch_bytes;                 /* all threads' scratch */
    size_t weight_bytes;                  /* packed weights */
    double multiply_adds;                 /* of one pass, counted directly (without zero padding of channels) */
    double input_seconds, output_seconds; /* converting the layout of input and output in the last pass if profiling,
                                             else 0 */
};
struct fv_session_info fv_session_info(const struct fv_session *session);

/* One node of the plan. Strings belong to the session. */
struct fv_node_info {
    const char *name;      /* for example "layer1.0.conv2" */
    const char *operation; /* for example "convolution" */
    const char *algorithm; /* for example "indirect_product"; "none" for a node without work of its own */
    const char *refusals;  /* why each other algorithm of the operation does not serve: what it cannot do, or how many
                              times as long it would take; or which node does its work; "" if there is nothing to say */
    struct fv_shape input, output;
    double multiply_adds;
    size_t bytes;        /* read and written once, without padding: inputs as far as they are used, residual,
                            parameters (norms folded), output; 0 for a node without work, such as a concatenation */
    size_t arena_offset; /* of the output, in bytes */
    double seconds;      /* of the last pass if profiling, else 0 */
};
struct fv_node_info fv_session_node(const struct fv_session *session, size_t index);

#endif
