/* What Winograd's transforms cost in rounding, against the sum in double and beside the direct sum.
 *
 * Inputs are normal numbers through LeakyReLU, weights are scaled so that the outputs have unit variance, as between
 * the layers of a trained net. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seeded.h"
#include "subject.h"

static const struct { size_t channels, outputs, side; } cases[] = {{32, 32, 40}, {128, 64, 28}, {480, 32, 20}};
enum { CASES = sizeof cases / sizeof *cases };

/* Twelve uniform numbers make a normal one. */
static float *normal(const char *name, size_t count) {
    float *uniform = check_allocate(12 * count, sizeof(float)), *values = check_allocate(count, sizeof(float));
    seeded_uniform(name, 12 * count, uniform);
    for (size_t i = 0; i < 12 * count; i++) {
        values[i / 12] += uniform[i] / 2; /* uniform in [-1, 1): variance 1/3 */
    }
    free(uniform);
    return values;
}

/* Limits of rms and greatest error, twice and about twice what was measured. */
static const struct {
    const char *algorithm;
    double rms, most;
} limits[] = {{"winograd_2x2", 3e-7, 3e-6}, {"winograd_4x4", 7.8e-7, 6e-6}, {"indirect_product", 6e-7, 6e-6}};
enum { LIMITS = sizeof limits / sizeof *limits };

static const char *algorithm_of(const struct fv_session *session) {
    const size_t nodes = fv_session_info(session).nodes;
    return fv_session_node(session, nodes - 1).algorithm;
}

static void check_error(const struct plain *expected, const float *actual, const char *algorithm) {
    size_t limit = 0;
    while (limit + 1 < LIMITS && strcmp(limits[limit].algorithm, algorithm) != 0) {
        limit++;
    }
    const double rms = limits[limit].rms, most = limits[limit].most;
    double sum = 0, greatest = 0;
    for (size_t i = 0; i < expected->count; i++) {
        const double error = fabs((double)actual[i] - expected->values[i]);
        sum += error * error;
        greatest = fmax(greatest, error);
    }
    sum = sqrt(sum / (double)expected->count);
    printf("rms %.2g of %.2g, greatest %.2g of %.2g\n", sum, rms, greatest, most);
    ck_assert_msg(sum <= rms && greatest <= most, "rms %.3g (limit %.3g), greatest error %.3g (limit %.3g)", sum, rms,
                  greatest, most);
}

START_TEST(rounding_stays_near_that_of_the_direct_sum) {
    const size_t channels = cases[_i].channels, outputs = cases[_i].outputs, side = cases[_i].side;
    char name[64];
    snprintf(name, sizeof name, "winograd weights %d", _i);
    float *weights = normal(name, outputs * channels * 9);
    for (size_t i = 0; i < outputs * channels * 9; i++) {
        weights[i] /= sqrtf((float)channels * 9 / 2);
    }
    const struct check_tensor tensor = {"c.weight", 4, {outputs, channels, 3, 3}, weights};
    struct subject subject = subject_start("winograd", &tensor, 1, channels, side, side, 1);
    float *picture = normal("winograd picture", subject.picture.count);
    for (size_t i = 0; i < subject.picture.count; i++) {
        subject.values[i] = picture[i] < 0 ? 0.01F * picture[i] : picture[i];
        subject.picture.values[i] = (double)subject.values[i];
    }
    const struct fv_convolution options = {.weight = "c.weight", .stride_y = 1, .stride_x = 1, .padding = {1, 1, 1, 1}};
    struct plain expected = plain_convolution(subject.model, &subject.picture, &options);
    struct fv_error error = {0};
    check_success(fv_graph_finish(subject.graph, fv_graph_convolution(subject.graph, subject.input, &options), &error),
                  &error);
    struct check_setting settings[CHECK_MAX_SETTINGS];
    const size_t count = check_settings(settings);
    float *actual = check_allocate(expected.count, sizeof(float));
    for (size_t i = 0; i < 2 * count; i++) {
        const bool exact = i >= count;
        const struct check_setting *setting = &settings[i % count];
        const struct fv_session_options session_options = {.exact = exact};
        struct fv_session *session;
        if (setting->gemm == FV_GEMM_OPENBLAS) {
            continue;
        }
        check_use(setting);
        check_success(fv_session_create(subject.graph, &session_options, &session, &error), &error);
        const char *algorithm = algorithm_of(session);
        ck_assert((strcmp(algorithm, "indirect_product") == 0) == exact);
        /* With few channels F(4x4) would round too much more than the direct sum. */
        ck_assert(exact || channels > 32 || strcmp(algorithm, "winograd_2x2") == 0);
        fv_session_run(session, subject.values, actual);
        printf("%zu channels, %s, %s: ", channels, fv_isa_name(setting->isa), algorithm);
        check_error(&expected, actual, algorithm);
        fv_session_destroy(session);
    }
    free(actual);
    free(picture);
    free(weights);
    plain_free(&expected);
    plain_free(&subject.picture);
    free(subject.values);
    fv_graph_destroy(subject.graph);
    fv_model_close(subject.model);
}
END_TEST

/* inputs, outputs, groups, kernel, stride, side; part of the reason */
static const struct {
    size_t inputs, outputs, groups, kernel, stride, side;
    const char *reason;
} refused[] = {
    {16, 16, 1, 5, 1, 16, "kernel 5 x 5"}, {16, 16, 1, 3, 2, 16, "stride 2 x 2"}, {64, 64, 2, 3, 1, 16, "grouped"},
    {8, 16, 1, 3, 1, 16, "8 channels"},    {480, 480, 1, 3, 1, 4, "would cost"},
};
enum { REFUSED = sizeof refused / sizeof *refused };

START_TEST(what_does_not_suit_is_refused_with_the_reason) {
    const size_t kernel = refused[_i].kernel, pad = kernel / 2;
    const struct check_tensor tensor = {
        "c.weight", 4, {refused[_i].outputs, refused[_i].inputs / refused[_i].groups, kernel, kernel}, NULL};
    struct subject subject =
        subject_start("refused", &tensor, 1, refused[_i].inputs, refused[_i].side, refused[_i].side, 1);
    const struct fv_convolution options = {.weight = "c.weight",
                                           .stride_y = refused[_i].stride,
                                           .stride_x = refused[_i].stride,
                                           .padding = {pad, pad, pad, pad},
                                           .groups = refused[_i].groups};
    struct fv_error error = {0};
    struct fv_session *session;
    unsetenv("FOVEA_GEMM");
    check_success(fv_graph_finish(subject.graph, fv_graph_convolution(subject.graph, subject.input, &options), &error),
                  &error);
    check_success(fv_session_create(subject.graph, NULL, &session, &error), &error);
    const struct fv_node_info node = fv_session_node(session, fv_session_info(session).nodes - 1);
    ck_assert_str_eq(node.algorithm, "indirect_product");
    ck_assert_msg(strstr(node.refusals, refused[_i].reason) != NULL, "refusals: %s", node.refusals);
    fv_session_destroy(session);
    plain_free(&subject.picture);
    free(subject.values);
    fv_graph_destroy(subject.graph);
    fv_model_close(subject.model);
}
END_TEST

int main(void) {
    const struct check_case tests[] = {
        {"rounding_stays_near_that_of_the_direct_sum", rounding_stays_near_that_of_the_direct_sum, CASES},
        {"what_does_not_suit_is_refused_with_the_reason", what_does_not_suit_is_refused_with_the_reason, REFUSED},
    };
    return check_run("winograd", tests, sizeof tests / sizeof *tests);
}
