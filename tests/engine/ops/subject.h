/* One graph under test: made once, run at every setting, compared with plain loops.
 *
 * Thread safety: Check's own; one test at a time. */
#ifndef FOVEA_TESTS_SUBJECT_H
#define FOVEA_TESTS_SUBJECT_H

#include "plain.h"

struct subject {
    const char *name;
    struct fv_model *model;
    struct fv_graph *graph;
    fv_value input;
    struct plain picture;
    float *values; /* of the picture */
};

/* A graph over `tensors` whose input holds seeded values in [-gain, gain); `gain` is a power of two. */
struct subject subject_start(const char *name, const struct check_tensor *tensors, size_t count, size_t channels,
                             size_t height, size_t width, float gain);

/* The input as tokens, exactly: a convolution with the unit matrix, which must be among the tensors (subject_unit). */
fv_value subject_tokens(struct subject *subject);
struct check_tensor subject_unit(size_t channels);

/* Finishes the graph, runs it at every setting and compares with `expected`, which is freed; ends the subject. */
void subject_check(struct subject *subject, fv_value output, struct plain expected);

#endif
