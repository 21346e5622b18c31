/* Private to the graph room: a planned net. */
#ifndef FOVEA_GRAPH_SESSION_H
#define FOVEA_GRAPH_SESSION_H

#include "graph/internal.h"

struct fv_session {
    struct fv_context context;
    struct fv_threads *threads;
    bool profile;
    const struct fv_measurement *measurements; /* [measurement_count], the caller's; only while the session is made */
    size_t measurement_count;
    size_t rank;           /* 0: each node by its best algorithm, 1: by the second best, if it has as many, ... */
    struct fv_node *nodes; /* in the order of execution */
    double *seconds;       /* [node_count], of the last pass */
    double input_seconds, output_seconds; /* likewise */
    size_t node_count, value_count;
    fv_value input, output;
    struct fv_view *views;            /* [value_count] */
    struct fv_lanes *lanes;           /* of all views, one after the other */
    float **blocks;                   /* likewise */
    struct fv_statistics *statistics; /* [value_count], of the values whose writers gather some */
    size_t *storage;                  /* [value_count]: which lifetime holds the value; values may share one */
    struct fv_lifetime *lifetimes;    /* [value_count] */
    unsigned char *arena, *scratch;
    size_t arena_bytes, scratch_bytes; /* scratch_bytes: of one thread */
};

/* Makes a session as fv_session_create does, but for its rank. */
enum fv_status fv_session_make(const struct fv_graph *graph, const struct fv_session_options *options, size_t rank,
                               struct fv_session **session, struct fv_error *error);

/* Sets a node's algorithm, how many accept it, and why the others do not serve. Errors: FV_ERROR_UNSUPPORTED (no
 * algorithm accepts), FV_ERROR_MEMORY. */
enum fv_status fv_session_choose(const struct fv_session *session, struct fv_node *node, struct fv_error *error);

/* Lets nodes whose algorithms are chosen do the work of the node before them, where that keeps a large map out of
 * memory. Errors: FV_ERROR_MEMORY. */
enum fv_status fv_session_defer(struct fv_session *session, struct fv_error *error);

/* Lets the writers of values gather what their readers want to know of them, where both can; `pieces` and moments are
 * set after the algorithms are prepared. Errors: FV_ERROR_MEMORY. */
enum fv_status fv_session_ask_for_statistics(struct fv_session *session, struct fv_error *error);
enum fv_status fv_session_allocate_statistics(struct fv_session *session, struct fv_error *error);

/* Fills views' blocks, lanes and strides from the shapes. Errors: FV_ERROR_MEMORY, FV_ERROR_UNSUPPORTED. */
enum fv_status fv_session_lay_out(struct fv_session *session, struct fv_error *error);

/* Lifetimes, shared storage for nodes that work in place, arena, and the addresses of every view. */
enum fv_status fv_session_place(struct fv_session *session, struct fv_error *error);

/* Seconds on a clock that never jumps. */
double fv_session_clock(void);

/* Runs node `index` alone on what its inputs hold; a node without work returns at once. */
void fv_session_run_node(const struct fv_session *session, size_t index);

#endif
