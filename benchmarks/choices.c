/* How well the cost model chooses between algorithms. */
#include "choices.h"

#include <stdio.h>
#include <string.h>

#include "fovea/tune.h"
#include "net.h"
#include "timing.h"

/* Times of the nodes of several algorithms, all together. */
struct totals {
    double chosen, fastest;
};

static double seconds_of(const struct fv_tuning *tuning, const char *node, const char *algorithm) {
    for (size_t m = 0; m < tuning->count; m++) {
        if (strcmp(tuning->measurements[m].node, node) == 0 &&
            strcmp(tuning->measurements[m].algorithm, algorithm) == 0) {
            return tuning->measurements[m].seconds;
        }
    }
    return 0;
}

/* A row for each algorithm of the layer. */
static void print_layer(const struct bench_net *net, const struct fv_tuning *tuning, const struct bench_layer *layer,
                        struct totals *totals) {
    const struct fv_session *session = net->session;
    const struct fv_node *node = &session->nodes[layer->node];
    const double chosen = seconds_of(tuning, node->name, node->algorithm->name), count = (double)layer->count;
    double fastest = chosen;
    for (const struct fv_algorithm *const *a = node->operation->algorithms; *a != NULL; a++) {
        const double measured = seconds_of(tuning, node->name, (*a)->name);
        if (measured <= 0) {
            continue;
        }
        const double flops = 2.0 * (double)session->context.kernels->width * (*a)->cost(&session->context, node);
        const double expected = flops / net->peak.flops;
        printf("%4zu %-62s %-20s %9.4f %9.4f %8.2f%s\n", layer->count, layer->text, (*a)->name, 1e3 * expected,
               1e3 * measured, measured / expected, *a == node->algorithm ? "  chosen" : "");
        fastest = measured < fastest ? measured : fastest;
    }
    totals->chosen += count * chosen;
    totals->fastest += count * fastest;
}

static enum fv_status measure(struct bench_net *net, struct fv_error *error) {
    struct fv_tuning tuning = {0};
    enum fv_status status = bench_net_plan(net, NULL, error);
    status = status != FV_OK ? status : fv_tune(net->graph, NULL, bench_seconds, &tuning, error);
    if (status != FV_OK) {
        return status;
    }
    struct totals totals = {0};
    printf("\n%s: %s, one thread, peak %.1f GFLOP/s\n", net->name, fv_isa_name(net->info.isa), 1e-9 * net->peak.flops);
    printf("%4s %-62s %-20s %9s %9s %8s\n", "n", "shapes", "algorithm", "model ms", "ms", "ratio");
    for (size_t i = 0; i < net->layer_count; i++) {
        if (net->session->nodes[net->layers[i].node].accepted > 1) {
            print_layer(net, &tuning, &net->layers[i], &totals);
        }
    }
    if (tuning.count == 0) {
        puts("every layer has one algorithm");
        return FV_OK;
    }
    printf("chosen by the model %.3f ms, by measurement %.3f ms: the model loses %.1f %%\n", 1e3 * totals.chosen,
           1e3 * totals.fastest, 100 * (totals.chosen / totals.fastest - 1));
    fv_tuning_clear(&tuning);
    return FV_OK;
}

bool bench_choices(const char *names) {
    return bench_each_net(names, measure);
}
