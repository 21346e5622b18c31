/* Measuring the algorithms of every node. */
#include "fovea/tune.h"

#include <math.h>

#include "fovea/memory.h"
#include "graph/session.h"

enum { LEAST_PASSES = 3, MOST_PASSES = 100 };

struct measuring {
    const struct fv_graph *graph;
    struct fv_session_options options;
    double seconds; /* for each rank */
    struct fv_tuning *tuning;
    size_t ranks; /* the greatest number of algorithms that accept a node */
};

static size_t values_of(struct fv_shape shape) {
    return shape.channels * fv_pixels(shape);
}

/* Repeatable numbers of about the spread of a normalised image. */
static void fill(float *values, size_t count) {
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525U + 1013904223U;
        values[i] = (float)(state >> 8) * (3.0F / 8388608.0F) - 3.0F;
    }
}

/* Runs passes and leaves each node's least time in `least`. */
static void run_passes(struct fv_session *session, const float *input, float *output, double seconds, double *least) {
    fv_session_run(session, input, output);
    for (size_t n = 0; n < session->node_count; n++) {
        least[n] = HUGE_VAL;
    }
    const double end = fv_session_clock() + seconds;
    for (size_t pass = 0; pass < LEAST_PASSES || (pass < MOST_PASSES && fv_session_clock() < end); pass++) {
        fv_session_run(session, input, output);
        for (size_t n = 0; n < session->node_count; n++) {
            least[n] = fmin(least[n], session->seconds[n]);
        }
    }
}

/* Keeps the times of nodes that have an algorithm of this rank beside others. */
static enum fv_status keep(struct measuring *measuring, const struct fv_session *session, const double *least,
                           struct fv_error *error) {
    struct fv_tuning *tuning = measuring->tuning;
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *node = &session->nodes[n];
        if (node->accepted < 2 || session->rank >= node->accepted) {
            continue;
        }
        struct fv_measurement *measurement = &tuning->measurements[tuning->count++];
        *measurement = (struct fv_measurement){fv_duplicate(node->name), fv_duplicate(node->algorithm->name),
                                               fmax(least[n], 1e-9)};
        if (measurement->node == NULL || measurement->algorithm == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for a measurement", node->name);
        }
    }
    return FV_OK;
}

/* Makes room for the measurements of all ranks, which the first session knows. */
static enum fv_status make_room(struct measuring *measuring, const struct fv_session *session, struct fv_error *error) {
    size_t count = 0;
    for (size_t n = 0; n < session->node_count; n++) {
        const size_t accepted = session->nodes[n].accepted;
        count += accepted > 1 ? accepted : 0;
        measuring->ranks = accepted > measuring->ranks ? accepted : measuring->ranks;
    }
    measuring->tuning->measurements = count > 0 ? fv_allocate_zero(count, sizeof(struct fv_measurement)) : NULL;
    return count == 0 || measuring->tuning->measurements != NULL
               ? FV_OK
               : fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu measurements", count);
}

static enum fv_status measure(struct measuring *measuring, struct fv_session *session, struct fv_error *error) {
    const size_t inputs = values_of(fv_session_input_shape(session));
    float *input = fv_allocate(inputs, sizeof *input);
    float *output = fv_allocate(values_of(fv_session_output_shape(session)), sizeof *output);
    double *least = fv_allocate(session->node_count, sizeof *least);
    enum fv_status status = FV_OK;
    if (input == NULL || output == NULL || least == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for an input and an output");
    } else {
        fill(input, inputs);
        run_passes(session, input, output, measuring->seconds, least);
        status = keep(measuring, session, least, error);
    }
    fv_release(input);
    fv_release(output);
    fv_release(least);
    return status;
}

static enum fv_status measure_rank(struct measuring *measuring, size_t rank, struct fv_error *error) {
    struct fv_session *session;
    enum fv_status status = fv_session_make(measuring->graph, &measuring->options, rank, &session, error);
    if (status == FV_OK && rank == 0) {
        status = make_room(measuring, session, error);
    }
    if (status == FV_OK && measuring->ranks > 1) {
        status = measure(measuring, session, error);
    }
    fv_session_destroy(session);
    return status;
}

enum fv_status fv_tune(const struct fv_graph *graph, const struct fv_session_options *options, double seconds,
                       struct fv_tuning *tuning, struct fv_error *error) {
    struct measuring measuring = {.graph = graph, .seconds = seconds, .tuning = tuning};
    *tuning = (struct fv_tuning){0};
    if (options != NULL) {
        measuring.options = *options;
    }
    measuring.options.profile = true;
    measuring.options.measurements = NULL;
    measuring.options.measurement_count = 0;
    enum fv_status status = measure_rank(&measuring, 0, error);
    for (size_t rank = 1; rank < measuring.ranks && status == FV_OK; rank++) {
        status = measure_rank(&measuring, rank, error);
    }
    if (status != FV_OK) {
        fv_tuning_clear(tuning);
    }
    return status;
}

void fv_tuning_clear(struct fv_tuning *tuning) {
    for (size_t m = 0; m < tuning->count; m++) {
        fv_release((char *)tuning->measurements[m].node);
        fv_release((char *)tuning->measurements[m].algorithm);
    }
    fv_release(tuning->measurements);
    *tuning = (struct fv_tuning){0};
}
