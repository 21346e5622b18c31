/* Means and moments that the tasks of a convolution gather for the norm or the mean after it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/cpu.h"
#include "seeded.h"

/* The convolution that writes the map, one for each algorithm; where a session does not choose it, another serves. */
static const struct writer {
    size_t inputs, outputs, kernel, stride, groups;
    bool exact, transposed;
} writers[] = {
    {32, 40, 3, 1, 1, false, false},  /* Winograd's forms */
    {32, 40, 3, 2, 1, false, false},  /* of stride 2 */
    {20, 40, 3, 1, 1, true, false},   /* indirect product */
    {24, 70, 1, 1, 1, false, false},  /* several panels */
    {1, 40, 3, 1, 1, false, false},   /* compact product */
    {40, 40, 3, 1, 40, false, false}, /* depthwise */
    {64, 64, 3, 1, 16, false, false}, /* grouped */
    {24, 40, 2, 2, 1, false, true},   /* transposed, which gathers nothing */
};
enum { WRITERS = sizeof writers / sizeof *writers };

struct net {
    struct fv_model *model;
    struct fv_graph *graph;
    fv_value written, mean, normal;
};

static struct net start(const struct writer *writer, size_t height, size_t width) {
    const size_t kernel = writer->kernel;
    const struct check_tensor tensors[] = {
        {"conv.weight", 4, {writer->outputs, writer->inputs / writer->groups, kernel, kernel}, NULL},
        {"up.weight", 4, {writer->inputs, writer->outputs, kernel, kernel}, NULL},
        {"conv.bias", 1, {writer->outputs}, NULL},
        {"norm.weight", 1, {writer->outputs}, NULL},
        {"norm.bias", 1, {writer->outputs}, NULL},
    };
    struct net net = {.model = check_model(tensors, sizeof tensors / sizeof *tensors)};
    struct fv_error error = {0};
    check_success(fv_graph_create(net.model, &net.graph, &error), &error);
    const size_t pad = kernel / 2;
    const fv_value input = fv_graph_input(net.graph, writer->inputs, height, width);
    net.written = writer->transposed
                      ? fv_graph_transposed_convolution(net.graph, input,
                                                        &(struct fv_transposed_convolution){.weight = "up.weight",
                                                                                            .stride_y = writer->stride,
                                                                                            .stride_x = writer->stride})
                      : fv_graph_convolution(net.graph, input,
                                             &(struct fv_convolution){.weight = "conv.weight",
                                                                      .bias = "conv.bias",
                                                                      .stride_y = writer->stride,
                                                                      .stride_x = writer->stride,
                                                                      .padding = {pad, pad, pad, pad},
                                                                      .groups = writer->groups});
    net.mean = fv_graph_global_mean(net.graph, net.written);
    net.normal = fv_graph_instance_norm(net.graph, net.written, "norm", 1e-5F);
    return net;
}

/* The value of `output` for `input`, in new memory. */
static float *run(struct net *net, fv_value output, bool exact, const float *input, size_t threads) {
    struct fv_error error = {0};
    struct fv_session_options options = {.exact = exact};
    struct fv_session *session = NULL;
    check_success(fv_threads_create(threads, &options.threads, &error), &error);
    check_success(fv_graph_finish(net->graph, output, &error), &error);
    check_success(fv_session_create(net->graph, &options, &session, &error), &error);
    const struct fv_shape shape = fv_session_output_shape(session);
    float *result = check_allocate(shape.channels * shape.height * shape.width, sizeof(float));
    fv_session_run(session, input, result);
    fv_session_run(session, input, result); /* what the first pass left must not matter */
    fv_session_destroy(session);
    fv_threads_destroy(options.threads);
    return result;
}

/* Mean, standard deviation and greatest magnitude of one channel, in double. */
struct channel {
    double mean, deviation, most;
};

static struct channel look(const float *values, size_t count) {
    struct channel channel = {0};
    for (size_t i = 0; i < count; i++) {
        channel.mean += values[i] / (double)count;
        channel.most = fmax(channel.most, fabs((double)values[i]));
    }
    for (size_t i = 0; i < count; i++) {
        channel.deviation += (values[i] - channel.mean) * (values[i] - channel.mean) / (double)count;
    }
    channel.deviation = sqrt(channel.deviation + 1e-5);
    return channel;
}

/* A run of 64 pixels in 4 chains rounds each sum at most 18 times, of magnitudes up to `most`; its mean and variance
 * are rounded once more. The result y = (x - mean) / deviation * weight + bias takes on the error of the mean, twice
 * that of the deviation, and some roundings of its own. */
static const double UNIT = 0x1p-24;
enum { SUM_ROUNDINGS = 20, RESULT_ROUNDINGS = 8 };

static void check_channel(const float *values, const float *normal, float mean, size_t count, float weight,
                          float bias) {
    const struct channel channel = look(values, count);
    const double mean_error = SUM_ROUNDINGS * UNIT * channel.most;
    ck_assert_msg(fabs(mean - channel.mean) <= mean_error, "mean %.9g, expected %.9g", (double)mean, channel.mean);
    for (size_t i = 0; i < count; i++) {
        const double part = (values[i] - channel.mean) / channel.deviation * weight;
        const double bound = fabs(weight) * mean_error / channel.deviation + 2 * SUM_ROUNDINGS * UNIT * fabs(part) +
                             RESULT_ROUNDINGS * UNIT *
                                 (fabs(part) + fabs((double)bias) + fabs(channel.mean / channel.deviation * weight));
        ck_assert_msg(fabs(normal[i] - (part + bias)) <= bound, "pixel %zu: %.9g, expected %.9g within %.3g", i,
                      (double)normal[i], part + bias, bound);
    }
}

static void check_writer(const struct writer *writer) {
    const size_t cache = fv_cpu_caches().level2;
    const double pixels = (double)(cache != 0 ? cache : 262144) / (double)(writer->outputs * sizeof(float));
    const size_t side = ((size_t)sqrt(pixels) + 5) * writer->stride, floats = writer->inputs * side * (side + 3);
    float *input = check_allocate(floats, sizeof(float));
    seeded_uniform("input", floats, input);
    struct net net = start(writer, side, side + 3);
    const struct fv_shape shape = fv_graph_shape(net.graph, net.written);
    const size_t count = shape.height * shape.width, outputs = shape.channels * count;
    float *written = run(&net, net.written, writer->exact, input, 1);
    float *mean = run(&net, net.mean, writer->exact, input, 1);
    float *normal = run(&net, net.normal, writer->exact, input, 1);
    float *normal_threaded = run(&net, net.normal, writer->exact, input, 3);
    ck_assert_msg(memcmp(normal, normal_threaded, outputs * sizeof(float)) == 0, "norm: other bits");
    float weight[128], bias[128];
    seeded_tensor("norm.weight", &shape.channels, 1, weight);
    seeded_tensor("norm.bias", &shape.channels, 1, bias);
    for (size_t c = 0; c < shape.channels; c++) {
        check_channel(written + c * count, normal + c * count, mean[c], count, weight[c], bias[c]);
    }
    free(input);
    free(written);
    free(mean);
    free(normal);
    free(normal_threaded);
    fv_graph_destroy(net.graph);
    fv_model_close(net.model);
}

/* At the instruction set that FOVEA_ISA names: tests/run names each. */
START_TEST(gathered_moments_are_those_of_the_map) {
    check_writer(&writers[_i]);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"gathered_moments_are_those_of_the_map", gathered_moments_are_those_of_the_map, WRITERS},
    };
    return check_run("statistics", cases, sizeof cases / sizeof *cases);
}
