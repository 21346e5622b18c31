/* The nets whose layers are measured: those of tests/support/catalogue.c, with random weights. */
#ifndef FOVEA_BENCHMARKS_NET_H
#define FOVEA_BENCHMARKS_NET_H

#include <stdbool.h>

#include "fovea/machine.h"
#include "graph/session.h"

enum { BENCH_LAYER_TEXT = 128 };

/* Nodes of a plan that are alike. */
struct bench_layer {
    char text[BENCH_LAYER_TEXT]; /* all that makes it distinct but its operation and algorithm */
    size_t node, count;          /* the first of them, how many */
};

struct bench_net {
    const char *name;
    struct fv_model *model;
    struct fv_graph *graph;
    /* From bench_net_plan on: */
    struct fv_session *session;
    struct fv_session_info info;
    struct fv_machine_peak peak;
    struct bench_layer *layers; /* [layer_count], in the order of the plan */
    size_t layer_count;
};

/* Makes the session, measures the machine and finds the distinct layers. Errors: those of fv_session_create and
 * fv_machine_measure. */
enum fv_status bench_net_plan(struct bench_net *net, const struct fv_session_options *options, struct fv_error *error);

/* What is measured of an open net. */
typedef enum fv_status (*bench_net_function)(struct bench_net *net, struct fv_error *error);

/* Calls `measure` for each net that is named in `names` ("A,B", or "all": every published one). After a mistake, a
 * message to the standard error and false. */
bool bench_each_net(const char *names, bench_net_function measure);

#endif
