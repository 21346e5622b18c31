/* What Winograd's transforms and direct sums cost in rounding, against the sum in double: what the model says by which
 * sessions choose between them.
 *
 * Inputs are normal numbers through LeakyReLU, weights are scaled so that the outputs have unit variance, as between
 * the layers of a trained net. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/winograd_rounding.h"
#include "seeded.h"
#include "subject.h"

static const struct {
    size_t channels, outputs, side, kernel_y, kernel_x, stride;
} cases[] = {
    {32, 32, 40, 3, 3, 1},  {128, 64, 28, 3, 3, 1}, {480, 32, 20, 3, 3, 1}, {32, 32, 40, 3, 3, 2},
    {480, 32, 20, 3, 3, 2}, {160, 64, 17, 1, 7, 1}, {192, 64, 17, 7, 1, 1},
};
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

/* The rms of one rounding over the number that is rounded, uniform errors of half an ulp on numbers of any exponent. */
static const double ROUNDING = 2.4e-8;
/* What the model of ops/winograd_rounding.h may be off by: it was within 0.87 and 1.09 of what was measured. */
static const double LEAST_RATIO = 0.85, MOST_RATIO = 1.15;
/* The greatest of some ten thousand errors over their rms: outputs of larger terms round more. Measured at most 8.5. */
static const double GREATEST_RATIO = 10;

static const char *algorithm_of(const struct fv_session *session) {
    const size_t nodes = fv_session_info(session).nodes;
    return fv_session_node(session, nodes - 1).algorithm;
}

/* The rms error that the model expects of an algorithm. */
static double expected_error(const struct fv_kernels *kernels, const char *algorithm, size_t channels, size_t taps) {
    static const char *const names[] = {[FV_WINOGRAD_2X2] = "winograd_2x2",
                                        [FV_WINOGRAD_4X4] = "winograd_4x4",
                                        [FV_WINOGRAD_3X3_STRIDE_2] = "winograd_3x3_stride_2",
                                        [FV_WINOGRAD_LINE] = "winograd_line"};
    for (size_t form = 0; form < FV_WINOGRAD_FORMS; form++) {
        if (strcmp(algorithm, names[form]) == 0) {
            return ROUNDING * fv_winograd_rounding(kernels, (enum fv_winograd_form)form, channels);
        }
    }
    return ROUNDING * fv_direct_rounding(taps * channels);
}

/* `in_double`: the sums of the table are, so that less is rounded than the model says. */
static void check_error(const struct plain *expected, const float *actual, double model, bool in_double) {
    double sum = 0, greatest = 0;
    for (size_t i = 0; i < expected->count; i++) {
        const double error = fabs((double)actual[i] - expected->values[i]);
        sum += error * error;
        greatest = fmax(greatest, error);
    }
    const double rms = sqrt(sum / (double)expected->count);
    printf("rms %.2g, %.2f of the model's, greatest %.2g\n", rms, rms / model, greatest);
    ck_assert_msg(rms <= MOST_RATIO * model && (in_double || rms >= LEAST_RATIO * model) &&
                      greatest <= GREATEST_RATIO * model,
                  "rms %.3g, greatest error %.3g, the model says %.3g", rms, greatest, model);
}

START_TEST(rounding_is_what_the_model_says) {
    const size_t channels = cases[_i].channels, outputs = cases[_i].outputs, side = cases[_i].side;
    const size_t kernel_y = cases[_i].kernel_y, kernel_x = cases[_i].kernel_x, taps = kernel_y * kernel_x;
    const size_t pad_y = kernel_y / 2, pad_x = kernel_x / 2;
    char name[64];
    snprintf(name, sizeof name, "winograd weights %d", _i);
    float *weights = normal(name, outputs * channels * taps);
    for (size_t i = 0; i < outputs * channels * taps; i++) {
        weights[i] /= sqrtf((float)(channels * taps) / 2);
    }
    const struct check_tensor tensor = {"c.weight", 4, {outputs, channels, kernel_y, kernel_x}, weights};
    struct subject subject = subject_start("winograd", &tensor, 1, channels, side, side, 1);
    float *picture = normal("winograd picture", subject.picture.count);
    for (size_t i = 0; i < subject.picture.count; i++) {
        subject.values[i] = picture[i] < 0 ? 0.01F * picture[i] : picture[i];
        subject.picture.values[i] = (double)subject.values[i];
    }
    const struct fv_convolution options = {.weight = "c.weight",
                                           .stride_y = cases[_i].stride,
                                           .stride_x = cases[_i].stride,
                                           .padding = {pad_y, pad_x, pad_y, pad_x}};
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
        /* Where the direct sum would be faster, measurements say otherwise. */
        const struct fv_measurement measurements[] = {
            {"c", "winograd_3x3_stride_2", 1}, {"c", "winograd_line", 1}, {"c", "indirect_product", 2}};
        const struct fv_session_options session_options = {
            .exact = exact, .measurements = measurements, .measurement_count = 3};
        struct fv_session *session;
        if (setting->gemm == FV_GEMM_OPENBLAS) {
            continue;
        }
        check_use(setting);
        check_success(fv_session_create(subject.graph, &session_options, &session, &error), &error);
        const char *algorithm = algorithm_of(session);
        ck_assert((strcmp(algorithm, "indirect_product") == 0) == exact);
        fv_session_run(session, subject.values, actual);
        printf("%zu channels, %s, %s: ", channels, fv_isa_name(setting->isa), algorithm);
        const struct fv_kernels *kernels = fv_kernels_for(setting->isa);
        const double more = fv_winograd_rounding(kernels, FV_WINOGRAD_4X4, channels) / fv_direct_rounding(9 * channels);
        ck_assert(exact || cases[_i].stride == 2 || taps != 9 ||
                  (strcmp(algorithm, "winograd_4x4") == 0) == (more <= FV_WINOGRAD_ROUNDING_LIMIT));
        check_error(&expected, actual, expected_error(kernels, algorithm, channels, taps),
                    setting->isa == FV_ISA_SCALAR);
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
    {16, 16, 1, 5, 1, 16, "kernel 5 x 5"}, {16, 16, 1, 3, 3, 16, "stride 3 x 3"}, {64, 64, 2, 3, 1, 16, "grouped"},
    {8, 16, 1, 3, 1, 16, "8 channels"},    {480, 480, 1, 3, 1, 4, "would take"},
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
        {"rounding_is_what_the_model_says", rounding_is_what_the_model_says, CASES},
        {"what_does_not_suit_is_refused_with_the_reason", what_does_not_suit_is_refused_with_the_reason, REFUSED},
    };
    return check_run("winograd", tests, sizeof tests / sizeof *tests);
}
