/* The same bits for any number of threads, run after run. */
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "checks.h"
#include "fovea/nets.h"
#include "seeded.h"

static int small_nets(void) {
    int count = 0;
    while (catalogue_small[count].name != NULL) {
        count++;
    }
    return count;
}

struct workload {
    const struct model_description *net;
    struct fv_graph *graph;
    float *picture;
    size_t outputs;
};

static struct fv_session *create(const struct workload *workload, bool exact, struct fv_threads *threads) {
    struct fv_session *session = NULL;
    struct fv_error error = {0};
    const struct fv_session_options options = {.threads = threads, .exact = exact};
    check_success(fv_session_create(workload->graph, &options, &session, &error), &error);
    return session;
}

static void check_bits(const struct workload *workload, bool exact, const struct check_setting *setting) {
    static const size_t counts[] = {2, 3, 5};
    check_use(setting);
    float *expected = check_allocate(workload->outputs, sizeof *expected);
    float *actual = check_allocate(workload->outputs, sizeof *actual);
    struct fv_session *session = create(workload, exact, NULL);
    fv_session_run(session, workload->picture, expected);
    fv_session_run(session, workload->picture, actual);
    ck_assert_msg(memcmp(actual, expected, workload->outputs * sizeof *actual) == 0,
                  "%s, %s, gemm %s: a second run differs", workload->net->name, fv_isa_name(setting->isa),
                  setting->gemm_name);
    fv_session_destroy(session);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct fv_error error = {0};
        struct fv_threads *threads = NULL;
        check_success(fv_threads_create(counts[i], &threads, &error), &error);
        session = create(workload, exact, threads);
        for (int pass = 0; pass < 2; pass++) {
            memset(actual, 0, workload->outputs * sizeof *actual);
            fv_session_run(session, workload->picture, actual);
            ck_assert_msg(memcmp(actual, expected, workload->outputs * sizeof *actual) == 0,
                          "%s, %s, gemm %s: pass %d with %zu threads differs from one thread", workload->net->name,
                          fv_isa_name(setting->isa), setting->gemm_name, pass, counts[i]);
        }
        fv_session_destroy(session);
        fv_threads_destroy(threads);
    }
    free(expected);
    free(actual);
}

START_TEST(any_number_of_threads_gives_the_same_bits) {
    struct workload workload = {.net = &catalogue_small[_i]};
    struct fv_model *model = check_random_model(workload.net);
    struct fv_error error = {0};
    const struct fv_net_options options = {.height = workload.net->height, .width = workload.net->width};
    check_success(fv_net_build(model, &options, &workload.graph, &error), &error);
    const size_t inputs = (size_t)workload.net->channels * workload.net->height * workload.net->width;
    workload.picture = check_allocate(inputs, sizeof *workload.picture);
    seeded_picture(inputs, workload.picture);
    workload.outputs = workload.net->classes;
    if (workload.net->architecture == MODEL_UNET) {
        workload.outputs *= (size_t)workload.net->height * workload.net->width;
    }
    struct check_setting settings[CHECK_MAX_SETTINGS];
    const size_t count = check_settings(settings);
    for (size_t i = 0; i < count; i++) {
        check_bits(&workload, true, &settings[i]);
        if (settings[i].gemm == FV_GEMM_OWN) {
            check_bits(&workload, false, &settings[i]);
        }
    }
    fv_graph_destroy(workload.graph);
    fv_model_close(model);
    free(workload.picture);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"any_number_of_threads_gives_the_same_bits", any_number_of_threads_gives_the_same_bits, small_nets()},
    };
    return check_run("bits", cases, sizeof cases / sizeof *cases);
}
