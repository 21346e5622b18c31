/* What the suites check again and again, and models made for one test.
 *
 * Failures end the test through Check. Models are written to the working folder and unlinked as soon as they are open.
 * Thread safety: Check's own; one test at a time. */
#ifndef FOVEA_TESTS_CHECKS_H
#define FOVEA_TESTS_CHECKS_H

#include <check.h>

#include "fovea/graph.h"
#include "fovea/model.h"
#include "fovea/session.h"
#include "random_model.h"

/* A test of one suite: a plain one if `last` is 0, else run for _i = 0 .. last-1. */
struct check_case {
    const char *name;
    const TTest *function;
    int last;
};

/* Runs the cases as one suite, each in a process of its own; the exit status for main. */
int check_run(const char *suite, const struct check_case *cases, size_t count);

/* The call succeeded; if not, the message is shown. */
void check_success(enum fv_status status, const struct fv_error *error);

/* The call failed as expected, with a message that contains `part`. */
void check_failure(enum fv_status status, const struct fv_error *error, enum fv_status expected, const char *part);

/* The seeded model of `description`, open. */
struct fv_model *check_random_model(const struct model_description *description);

/* A tensor of a model made for one test. */
struct check_tensor {
    const char *name;
    uint32_t rank;
    size_t shape[FV_MAX_RANK];
    const float *values; /* NULL: seeded by the name */
};

/* A model without metadata that holds `tensors`, open. */
struct fv_model *check_model(const struct check_tensor *tensors, size_t count);

/* One machine setting that a test runs under: instruction set and matrix product. */
struct check_setting {
    enum fv_isa isa;
    enum fv_gemm gemm;
    const char *gemm_name;
};

/* The settings that this machine and build have, best instruction set last; only those of the instruction set that
 * FOVEA_ISA names, if it does; under AddressSanitizer without OpenBLAS and,
 * unless FOVEA_ISA names it, without the scalar kernels. Returns their number. */
enum { CHECK_MAX_SETTINGS = 2 * FV_ISA_COUNT };
size_t check_settings(struct check_setting settings[CHECK_MAX_SETTINGS]);

/* Sets FOVEA_ISA and FOVEA_GEMM, which the sessions created from now on obey. */
void check_use(const struct check_setting *setting);

/* `count` x `size` bytes, zeroed; the test ends if there are none. Given back with free. */
void *check_allocate(size_t count, size_t size);

#endif
