#include "subject.h"

#include <math.h>
#include <stdlib.h>

#include "seeded.h"

enum { MAX_UNIT = 256 };

struct subject subject_start(const char *name, const struct check_tensor *tensors, size_t count, size_t channels,
                             size_t height, size_t width, float gain) {
    struct subject subject = {.name = name, .model = check_model(tensors, count)};
    struct fv_error error = {0};
    check_success(fv_graph_create(subject.model, &subject.graph, &error), &error);
    subject.input = fv_graph_input(subject.graph, channels, height, width);
    subject.picture = plain_new((struct fv_shape){FV_PLANES, channels, height, width});
    subject.values = check_allocate(subject.picture.count, sizeof *subject.values);
    seeded_uniform(name, subject.picture.count, subject.values);
    for (size_t i = 0; i < subject.picture.count; i++) {
        subject.values[i] *= gain;
        subject.picture.values[i] = (double)subject.values[i];
    }
    return subject;
}

struct check_tensor subject_unit(size_t channels) {
    static float matrix[MAX_UNIT * MAX_UNIT];
    ck_assert_uint_le(channels, MAX_UNIT);
    for (size_t i = 0; i < channels * channels; i++) {
        matrix[i] = i % (channels + 1) == 0 ? 1 : 0;
    }
    return (struct check_tensor){"unit.weight", 4, {channels, channels, 1, 1}, matrix};
}

fv_value subject_tokens(struct subject *subject) {
    const struct fv_convolution options = {.weight = "unit.weight", .to_tokens = true};
    return fv_graph_convolution(subject->graph, subject->input, &options);
}

static void compare(const struct subject *subject, const struct check_setting *setting, const struct plain *expected,
                    const float *actual) {
    for (size_t i = 0; i < expected->count; i++) {
        const double error = fabs((double)actual[i] - expected->values[i]);
        ck_assert_msg(error <= expected->bounds[i],
                      "%s, %s, gemm %s: value %zu of %zu is %.9g, expected %.9g within %.3g", subject->name,
                      fv_isa_name(setting->isa), setting->gemm_name, i, expected->count, (double)actual[i],
                      expected->values[i], expected->bounds[i]);
    }
}

static void run(const struct subject *subject, bool exact, const struct check_setting *setting,
                const struct plain *expected) {
    struct fv_error error = {0};
    struct fv_session *session = NULL;
    const struct fv_session_options options = {.exact = exact};
    check_use(setting);
    const enum fv_status status = fv_session_create(subject->graph, &options, &session, &error);
    ck_assert_msg(status == FV_OK, "%s, %s: %s", subject->name, fv_isa_name(setting->isa), error.message);
    const struct fv_shape shape = fv_session_output_shape(session);
    ck_assert_msg(shape.kind == expected->shape.kind && shape.channels == expected->shape.channels &&
                      shape.height == expected->shape.height && shape.width == expected->shape.width,
                  "%s: the result has %zu x %zu x %zu values, expected %zu x %zu x %zu", subject->name, shape.channels,
                  shape.height, shape.width, expected->shape.channels, expected->shape.height, expected->shape.width);
    float *actual = check_allocate(expected->count, sizeof *actual);
    fv_session_run(session, subject->values, actual);
    compare(subject, setting, expected, actual);
    free(actual);
    fv_session_destroy(session);
}

void subject_check(struct subject *subject, fv_value output, struct plain expected) {
    struct fv_error error = {0};
    const enum fv_status status = fv_graph_finish(subject->graph, output, &error);
    ck_assert_msg(status == FV_OK, "%s: %s", subject->name, error.message);
    struct check_setting settings[CHECK_MAX_SETTINGS];
    const size_t count = check_settings(settings);
    for (size_t i = 0; i < count; i++) {
        run(subject, true, &settings[i], &expected);
        if (settings[i].gemm == FV_GEMM_OWN) {
            run(subject, false, &settings[i], &expected);
        }
    }
    plain_free(&expected);
    plain_free(&subject->picture);
    free(subject->values);
    fv_graph_destroy(subject->graph);
    fv_model_close(subject->model);
}
