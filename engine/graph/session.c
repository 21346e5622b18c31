/* Making and running a session. */
#include "graph/session.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fovea/memory.h"
#include "ops/statistics.h"

enum { PAGE_BYTES = 4096 };

#if FOVEA_OPENBLAS
#include <cblas.h>
#endif

static enum fv_status choose_gemm(enum fv_gemm asked, enum fv_gemm *gemm, struct fv_error *error) {
    *gemm = asked;
    const char *name = getenv("FOVEA_GEMM");
    if (asked == FV_GEMM_DEFAULT) {
        *gemm = FV_GEMM_OWN;
        if (name != NULL && strcmp(name, "openblas") == 0) {
            *gemm = FV_GEMM_OPENBLAS;
        } else if (name != NULL && strcmp(name, "own") != 0) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "FOVEA_GEMM is %s, expected own or openblas", name);
        }
    }
    if (*gemm == FV_GEMM_OPENBLAS) {
#if FOVEA_OPENBLAS
        openblas_set_num_threads(1);
#else
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "this build has no OpenBLAS");
#endif
    }
    return FV_OK;
}

static enum fv_status set_context(struct fv_session *session, enum fv_gemm gemm, struct fv_error *error) {
    enum fv_isa isa;
    enum fv_status status = fv_isa_select(&isa, error);
    if (status == FV_OK) {
        status = choose_gemm(gemm, &session->context.gemm, error);
    }
    if (status == FV_OK) {
        session->context.kernels = fv_kernels_for(isa);
        session->context.caches = fv_cpu_caches();
        session->context.views = session->views;
    }
    return status;
}

/* Copies and fuses the nodes, drops the absorbed ones and those that the output does not need. */
static enum fv_status take_nodes(struct fv_session *session, const struct fv_graph *graph, struct fv_error *error) {
    enum fv_status status = fv_nodes_copy(graph, &session->nodes, error);
    if (status != FV_OK) {
        return status;
    }
    session->node_count = graph->node_count;
    fv_nodes_prune(session->nodes, graph->node_count, graph->output);
    fv_nodes_fuse(session->nodes, graph->node_count, graph->output);
    size_t kept = 0;
    for (size_t n = 0; n < graph->node_count; n++) {
        if (session->nodes[n].operation != NULL) {
            session->nodes[kept++] = session->nodes[n];
        } else {
            fv_release(session->nodes[n].name);
        }
    }
    session->node_count = kept;
    session->seconds = fv_allocate_zero(kept, sizeof *session->seconds);
    session->views = fv_allocate_zero(graph->node_count, sizeof *session->views);
    if (session->seconds == NULL || session->views == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu values", graph->node_count);
    }
    session->value_count = graph->node_count;
    session->output = graph->output;
    for (size_t v = 0; v < graph->node_count; v++) {
        session->views[v].shape = graph->shapes[v];
    }
    return FV_OK;
}

/* The preparation of all nodes on several threads: each takes the next node until none is left or it fails. */
struct preparation {
    struct fv_session *session;
    atomic_size_t next;
    struct fv_error *errors; /* [threads]: of the node where each thread failed */
    size_t *failed;          /* [threads]: that node's number, or node_count */
};

/* Nodes are taken in order, so the first that fails is reached whatever the others do. */
static void prepare_nodes(void *context, size_t part, size_t thread) {
    struct preparation *preparation = context;
    struct fv_session *session = preparation->session;
    (void)thread;
    while (preparation->failed[part] == session->node_count) {
        const size_t n = atomic_fetch_add(&preparation->next, 1);
        if (n >= session->node_count) {
            return;
        }
        struct fv_node *node = &session->nodes[n];
        if (node->algorithm != NULL &&
            node->algorithm->prepare(&session->context, node, &preparation->errors[part]) != FV_OK) {
            preparation->failed[part] = n;
        }
    }
}

/* Prepares all nodes; of several that fail, the first one's error is told. */
static enum fv_status prepare_all(struct fv_session *session, struct fv_error *error) {
    const size_t threads = fv_threads_count(session->threads);
    struct preparation preparation = {.session = session,
                                      .errors = fv_allocate_zero(threads, sizeof *preparation.errors),
                                      .failed = fv_allocate(threads, sizeof *preparation.failed)};
    enum fv_status status = FV_OK;
    if (preparation.errors == NULL || preparation.failed == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory to prepare on %zu threads", threads);
    } else {
        for (size_t t = 0; t < threads; t++) {
            preparation.failed[t] = session->node_count;
        }
        fv_threads_run(session->threads, prepare_nodes, &preparation, threads);
        size_t first = session->node_count;
        for (size_t t = 0; t < threads; t++) {
            if (preparation.failed[t] < first) {
                first = preparation.failed[t];
                status = fv_error_set(error, preparation.errors[t].status, "%s", preparation.errors[t].message);
            }
        }
    }
    fv_release(preparation.errors);
    fv_release(preparation.failed);
    return status;
}

static enum fv_status prepare(struct fv_session *session, struct fv_error *error) {
    for (size_t n = 0; n < session->node_count; n++) {
        struct fv_node *node = &session->nodes[n];
        if (node->operation->algorithms == NULL) {
            session->input = node->operation == &fv_operator_input ? node->output : session->input;
            continue;
        }
        const enum fv_status status = fv_session_choose(session, node, error);
        if (status != FV_OK) {
            return status;
        }
    }
    enum fv_status status = fv_session_defer(session, error);
    status = status == FV_OK ? fv_session_ask_for_statistics(session, error) : status;
    status = status == FV_OK ? prepare_all(session, error) : status;
    status = status == FV_OK ? fv_session_allocate_statistics(session, error) : status;
    if (status != FV_OK) {
        return status;
    }
    for (size_t n = 0; n < session->node_count; n++) {
        const size_t scratch = session->nodes[n].scratch;
        session->scratch_bytes = scratch > session->scratch_bytes ? scratch : session->scratch_bytes;
    }
    session->scratch_bytes = fv_round_up(session->scratch_bytes, FV_ALIGNMENT);
    session->scratch = fv_allocate(session->scratch_bytes, fv_threads_count(session->threads));
    if (session->scratch == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu bytes of scratch", session->scratch_bytes);
    }
    return FV_OK;
}

static enum fv_status check_measurements(const struct fv_session_options *options, struct fv_error *error) {
    for (size_t m = 0; m < options->measurement_count; m++) {
        const struct fv_measurement *measurement = &options->measurements[m];
        if (!(measurement->seconds > 0 && measurement->seconds < HUGE_VAL)) {
            return fv_error_set(error, FV_ERROR_ARGUMENT,
                                "%s by %s: measured as %g seconds, expected a positive number", measurement->node,
                                measurement->algorithm, measurement->seconds);
        }
    }
    return FV_OK;
}

/* Touches every page of the arena and the scratch, thread by thread: the system gives pages when they are touched,
 * which takes a large net as long as half a pass. So the first pass takes about as long as any other. */
static void touch_pages(void *context, size_t part, size_t thread) {
    const struct fv_session *session = context;
    const size_t threads = fv_threads_count(session->threads);
    size_t first, last;
    (void)thread;
    fv_split((session->arena_bytes + PAGE_BYTES - 1) / PAGE_BYTES, threads, part, &first, &last);
    for (size_t page = first; page < last; page++) {
        session->arena[page * PAGE_BYTES] = 0;
    }
    for (size_t byte = 0; byte < session->scratch_bytes; byte += PAGE_BYTES) {
        session->scratch[part * session->scratch_bytes + byte] = 0;
    }
}

enum fv_status fv_session_make(const struct fv_graph *graph, const struct fv_session_options *options, size_t rank,
                               struct fv_session **session, struct fv_error *error) {
    const struct fv_session_options none = {0};
    options = options != NULL ? options : &none;
    *session = NULL;
    if (!graph->finished) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "the graph is not finished");
    }
    struct fv_session *result = fv_allocate_zero(1, sizeof *result);
    if (result == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a session");
    }
    result->threads = options->threads;
    result->profile = options->profile;
    result->context.exact = options->exact;
    result->rank = rank;
    result->measurements = options->measurements;
    result->measurement_count = options->measurement_count;
    enum fv_status status = check_measurements(options, error);
    if (status == FV_OK) {
        status = take_nodes(result, graph, error);
    }
    if (status == FV_OK) {
        status = set_context(result, options->gemm, error);
    }
    if (status == FV_OK) {
        status = fv_session_lay_out(result, error);
    }
    if (status == FV_OK) {
        status = prepare(result, error);
    }
    if (status == FV_OK) {
        status = fv_session_place(result, error);
    }
    if (status != FV_OK) {
        fv_session_destroy(result);
        return status;
    }
    fv_threads_run(result->threads, touch_pages, result, fv_threads_count(result->threads));
    result->measurements = NULL;
    result->measurement_count = 0;
    *session = result;
    return FV_OK;
}

enum fv_status fv_session_create(const struct fv_graph *graph, const struct fv_session_options *options,
                                 struct fv_session **session, struct fv_error *error) {
    return fv_session_make(graph, options, 0, session, error);
}

void fv_session_destroy(struct fv_session *session) {
    if (session == NULL) {
        return;
    }
    for (size_t n = 0; n < session->node_count; n++) {
        if (session->nodes[n].algorithm != NULL) {
            session->nodes[n].algorithm->release(&session->nodes[n]);
        }
        fv_release(session->nodes[n].refusals);
        fv_release(session->nodes[n].name);
    }
    for (size_t v = 0; session->statistics != NULL && v < session->value_count; v++) {
        fv_release(session->statistics[v].moments);
    }
    fv_release(session->statistics);
    fv_release(session->nodes);
    fv_release(session->seconds);
    fv_release(session->views);
    fv_release(session->lanes);
    fv_release(session->blocks);
    fv_release(session->storage);
    fv_release(session->lifetimes);
    fv_release(session->arena);
    fv_release(session->scratch);
    fv_release(session);
}

struct fv_shape fv_session_input_shape(const struct fv_session *session) {
    return session->views[session->input].shape;
}

struct fv_shape fv_session_output_shape(const struct fv_session *session) {
    return session->views[session->output].shape;
}

static void load_input(const struct fv_session *session, const float *input) {
    const struct fv_view *view = &session->views[session->input];
    const size_t pixels = fv_pixels(view->shape);
    for (size_t b = 0; b < view->blocks; b++) {
        session->context.kernels->planar_to_block(input + view->lanes[b].first * pixels, pixels, view->lanes[b].count,
                                                  pixels, view->block[b]);
    }
}

static void store_output(const struct fv_session *session, float *output) {
    const struct fv_view *view = &session->views[session->output];
    const size_t pixels = fv_pixels(view->shape);
    if (view->shape.kind == FV_TOKENS) {
        for (size_t t = 0; t < pixels; t++) {
            memcpy(output + t * view->shape.channels, view->block[0] + t * view->stride,
                   view->shape.channels * sizeof(float));
        }
        return;
    }
    for (size_t b = 0; b < view->blocks; b++) {
        session->context.kernels->block_to_planar(view->block[b], view->lanes[b].count, pixels,
                                                  output + view->lanes[b].first * pixels, pixels);
    }
}

double fv_session_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Thread `thread`'s part of a node's tasks: as many as any other's, give or take one. */
static void run_part(const struct fv_session *session, const struct fv_node *node, size_t thread) {
    void *scratch = session->scratch + thread * session->scratch_bytes;
    size_t first, last;
    fv_split(node->tasks, fv_threads_count(session->threads), thread, &first, &last);
    if (first < last && node->algorithm->run_range != NULL) {
        node->algorithm->run_range(&session->context, node, first, last, scratch);
        return;
    }
    for (size_t task = first; task < last; task++) {
        node->algorithm->run(&session->context, node, task, scratch);
    }
}

/* Nodes `first` to `last`, each of them by all threads together. */
struct pass {
    const struct fv_session *session;
    size_t first, last;
};

/* One thread's parts of a pass. The first thread measures a node until all threads have done it. */
static void run_pass(void *context, size_t part, size_t thread) {
    const struct pass *pass = context;
    const struct fv_session *session = pass->session;
    (void)part; /* there are as many as threads */
    for (size_t n = pass->first; n < pass->last; n++) {
        const struct fv_node *node = &session->nodes[n];
        if (node->algorithm == NULL) {
            continue;
        }
        const bool watch = session->profile && thread == 0;
        const double start = watch ? fv_session_clock() : 0;
        run_part(session, node, thread);
        fv_threads_barrier(session->threads);
        if (watch) {
            session->seconds[n] = fv_session_clock() - start;
        }
    }
}

static void run_nodes(const struct fv_session *session, size_t first, size_t last) {
    struct pass pass = {session, first, last};
    fv_threads_run(session->threads, run_pass, &pass, fv_threads_count(session->threads));
}

void fv_session_run_node(const struct fv_session *session, size_t index) {
    run_nodes(session, index, index + 1);
}

void fv_session_run(struct fv_session *session, const float *input, float *output) {
    const bool watch = session->profile;
    const double begin = watch ? fv_session_clock() : 0;
    load_input(session, input);
    const double loaded = watch ? fv_session_clock() : 0;
    run_nodes(session, 0, session->node_count);
    const double done = watch ? fv_session_clock() : 0;
    store_output(session, output);
    session->input_seconds = loaded - begin;
    session->output_seconds = watch ? fv_session_clock() - done : 0;
}

struct fv_session_info fv_session_info(const struct fv_session *session) {
    struct fv_session_info info = {.isa = session->context.kernels->isa,
                                   .nodes = session->node_count,
                                   .arena_bytes = session->arena_bytes,
                                   .scratch_bytes = session->scratch_bytes * fv_threads_count(session->threads),
                                   .input_seconds = session->input_seconds,
                                   .output_seconds = session->output_seconds};
    for (size_t n = 0; n < session->node_count; n++) {
        info.weight_bytes += session->nodes[n].state_bytes;
        info.multiply_adds += session->nodes[n].multiply_adds;
    }
    return info;
}

static size_t value_bytes(struct fv_shape shape) {
    return shape.channels * fv_pixels(shape) * sizeof(float);
}

/* Bytes of the first input that the node reads: a convolution whose stride is longer than its kernel skips the rest. */
static size_t input_bytes(const struct fv_node *node, struct fv_shape input, struct fv_shape output) {
    if (node->operation == &fv_operator_convolution) {
        const size_t height = output.height * node->options.convolution.kernel_y;
        const size_t width = output.width * node->options.convolution.kernel_x;
        input.height = height < input.height ? height : input.height;
        input.width = width < input.width ? width : input.width;
    }
    return value_bytes(input);
}

struct fv_node_info fv_session_node(const struct fv_session *session, size_t index) {
    const struct fv_node *node = &session->nodes[index];
    struct fv_node_info info = {.name = node->name,
                                .operation = node->operation->name,
                                .algorithm = node->algorithm != NULL ? node->algorithm->name : "none",
                                .refusals = node->refusals != NULL ? node->refusals : "",
                                .output = session->views[node->output].shape,
                                .multiply_adds = node->multiply_adds,
                                .bytes = node->parameter_bytes,
                                .arena_offset = session->lifetimes[session->storage[node->output]].offset,
                                .seconds = session->seconds[index]};
    info.input = node->input_count != 0 ? session->views[node->inputs[0]].shape : info.output;
    if (node->algorithm == NULL) {
        return info;
    }
    const struct fv_node *reader = node->expansion != NULL ? node->expansion : node;
    info.bytes += input_bytes(reader, session->views[reader->inputs[0]].shape, session->views[reader->output].shape) +
                  value_bytes(info.output);
    for (size_t i = 1; i < node->input_count; i++) {
        info.bytes += value_bytes(session->views[node->inputs[i]].shape);
    }
    info.bytes += node->residual != FV_NO_VALUE ? value_bytes(session->views[node->residual].shape) : 0;
    info.bytes += node->gate != FV_NO_VALUE ? value_bytes(session->views[node->gate].shape) : 0;
    return info;
}
