/* The layers of the published nets, one by one. */
#include "layers.h"

#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "net.h"
#include "timing.h"

enum { PASSES = 3 };

static size_t floats_of(struct fv_shape shape) {
    return shape.channels * shape.height * shape.width;
}

/* Seconds of the fastest pass. */
static double time_pass(const struct bench_net *net) {
    float *input = bench_random_floats(floats_of(fv_session_input_shape(net->session)));
    float *output = bench_random_floats(floats_of(fv_session_output_shape(net->session)));
    double best = 1e30;
    for (int i = 0; i <= PASSES; i++) {
        const double start = bench_now();
        fv_session_run(net->session, input, output);
        const double time = bench_now() - start;
        best = i > 0 && time < best ? time : best;
    }
    fv_release(input);
    fv_release(output);
    return best;
}

static void fill_value(const struct fv_session *session, fv_value value) {
    const struct fv_view *view = &session->views[value];
    const size_t pixels = fv_pixels(view->shape);
    for (size_t b = 0; b < view->blocks; b++) {
        bench_fill(view->block[b],
                   pixels * (view->shape.kind == FV_TOKENS ? view->stride : session->context.kernels->width));
    }
}

/* Fills what the node reads, so that no time depends on what other nodes left there. */
static void fill_inputs(const struct fv_session *session, const struct fv_node *node) {
    const struct fv_node *reader = node->expansion != NULL ? node->expansion : node;
    for (size_t i = 0; i < reader->input_count; i++) {
        fill_value(session, reader->inputs[i]);
    }
    if (node->residual != FV_NO_VALUE) {
        fill_value(session, node->residual);
    }
    if (node->gate != FV_NO_VALUE) {
        fill_value(session, node->gate);
    }
}

/* Seconds of the fastest run. A node that works in place gets its input anew each time, lest it drift away. */
static double best_time(const struct fv_session *session, size_t index) {
    const struct fv_node *node = &session->nodes[index];
    const bool in_place = session->storage[node->output] == session->storage[node->inputs[0]];
    fill_inputs(session, node);
    fv_session_run_node(session, index);
    const double end = bench_now() + bench_seconds;
    double best = 1e30;
    for (int runs = 0; runs < PASSES || bench_now() < end; runs++) {
        if (in_place) {
            fill_value(session, node->inputs[0]);
        }
        const double start = bench_now();
        fv_session_run_node(session, index);
        const double time = bench_now() - start;
        best = time < best ? time : best;
    }
    return best;
}

/* OpenBLAS on the same product, if the layer is one of a matrix with a matrix; else 0. */
static double openblas_rate(const struct fv_session *session, const struct fv_node *node) {
    const struct fv_shape input = session->views[node->inputs[0]].shape, output = session->views[node->output].shape;
    const bool pointwise = node->operation == &fv_operator_convolution && node->options.convolution.kernel_y == 1 &&
                           node->options.convolution.kernel_x == 1 && node->options.convolution.groups <= 1;
    if (node->operation != &fv_operator_linear && !pointwise) {
        return 0;
    }
    return bench_openblas_rate(fv_pixels(output), output.channels, input.channels);
}

/* Prints one layer of a net whose pass takes `pass` seconds; returns the time of all its nodes. */
static double print_layer(const struct bench_net *net, const struct bench_layer *layer, double pass) {
    const struct fv_node_info node = fv_session_node(net->session, layer->node);
    const double time = best_time(net->session, layer->node), sum = time * (double)layer->count;
    const double rate = 2 * node.multiply_adds / time;
    const double openblas = openblas_rate(net->session, &net->session->nodes[layer->node]);
    printf("%4zu %-22s %-20s %-62s %9.4f %6.1f %8.2f %6.1f %7.2f", layer->count, node.operation, node.algorithm,
           layer->text, 1e3 * time, 100 * sum / pass, 1e-9 * rate, 100 * rate / net->peak.flops,
           1e-9 * (double)node.bytes / time);
    if (openblas > 0) {
        printf(" %8.2f %6.1f", 1e-9 * openblas, 100 * openblas / net->peak.flops);
    }
    putchar('\n');
    return sum;
}

static enum fv_status measure_layers(struct bench_net *net, const struct fv_session_options *options,
                                     struct fv_error *error) {
    const enum fv_status status = bench_net_plan(net, options, error);
    if (status != FV_OK) {
        return status;
    }
    const double pass = time_pass(net);
    printf("\n%s: %s, one thread, pass %.3f ms, peak %.1f GFLOP/s, memory %.1f GB/s\n", net->name,
           fv_isa_name(net->info.isa), 1e3 * pass, 1e-9 * net->peak.flops, 1e-9 * net->peak.bytes_per_second);
    printf("%4s %-22s %-20s %-62s %9s %6s %8s %6s %7s %8s %6s\n", "n", "operation", "algorithm", "shapes", "ms",
           "pass %", "GFLOP/s", "peak %", "GB/s", "OpenBLAS", "peak %");
    double sum = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        sum += print_layer(net, &net->layers[i], pass);
        fflush(stdout);
    }
    printf("all layers, each n times: %.3f ms, %.1f %% of the pass\n", 1e3 * sum, 100 * sum / pass);
    return FV_OK;
}

static enum fv_status measure(struct bench_net *net, struct fv_error *error) {
    return measure_layers(net, NULL, error);
}

static enum fv_status measure_exact(struct bench_net *net, struct fv_error *error) {
    return measure_layers(net, &(struct fv_session_options){.exact = true}, error);
}

bool bench_layers(const char *names, bool exact) {
    return bench_each_net(names, exact ? measure_exact : measure);
}
