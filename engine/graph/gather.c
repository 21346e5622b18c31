/* Statistics that the writer of a value gathers for its readers. */
#include "fovea/memory.h"
#include "graph/session.h"
#include "ops/statistics.h"

/* Whether the value is planes that do not fit the second-level cache: others are read again in less time than many
 * small pieces take. */
static bool is_large(const struct fv_session *session, const struct fv_view *view) {
    return view->shape.kind == FV_PLANES &&
           fv_plane_bytes(&session->context, view) > fv_level2_bytes(&session->context);
}

enum fv_status fv_session_ask_for_statistics(struct fv_session *session, struct fv_error *error) {
    session->statistics = fv_allocate_zero(session->value_count, sizeof *session->statistics);
    if (session->statistics == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for statistics of %zu values", session->value_count);
    }
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *reader = &session->nodes[n];
        if (reader->algorithm == NULL || reader->algorithm->wanted == FV_GATHER_NOTHING) {
            continue;
        }
        const fv_value value = reader->inputs[0];
        struct fv_node *writer = fv_nodes_producer(session->nodes, session->node_count, value);
        if (writer->operation != &fv_operator_convolution || writer->algorithm == NULL || !writer->algorithm->gathers ||
            !is_large(session, &session->views[value])) {
            continue;
        }
        const enum fv_gather wanted = reader->algorithm->wanted;
        writer->gather = wanted > writer->gather ? wanted : writer->gather;
        session->views[value].statistics = &session->statistics[value];
    }
    return FV_OK;
}

enum fv_status fv_session_allocate_statistics(struct fv_session *session, struct fv_error *error) {
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *writer = &session->nodes[n];
        struct fv_statistics *statistics = session->views[writer->output].statistics;
        size_t count = 0;
        if (statistics == NULL) {
            continue;
        }
        statistics->pieces = writer->pieces;
        if (fv_multiply(session->views[writer->output].blocks, writer->pieces, &count)) {
            statistics->moments = fv_allocate_zero(count, sizeof *statistics->moments);
        }
        if (statistics->moments == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for statistics in %zu pieces", writer->name,
                                writer->pieces);
        }
    }
    return FV_OK;
}
