#include "checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seeded.h"
#include "suite.h"

/* Seconds that one test may take under sanitizers on a slow machine. */
enum { TEST_TIMEOUT = 300, PATH_SIZE = 64 };

int check_run(const char *suite, const struct check_case *cases, size_t count) {
    Suite *tests = suite_create(suite);
    for (size_t i = 0; i < count; i++) {
        TCase *test = tcase_create(cases[i].name);
        tcase_set_timeout(test, TEST_TIMEOUT);
        if (cases[i].last > 0) {
            tcase_add_loop_test(test, cases[i].function, 0, cases[i].last);
        } else {
            tcase_add_test(test, cases[i].function);
        }
        suite_add_tcase(tests, test);
    }
    return suite_run(tests);
}

void check_success(enum fv_status status, const struct fv_error *error) {
    ck_assert_msg(status == FV_OK, "failed (%s): %s", fv_status_name(status), error->message);
}

void check_failure(enum fv_status status, const struct fv_error *error, enum fv_status expected, const char *part) {
    ck_assert_msg(status == expected, "status %s, expected %s: %s", fv_status_name(status), fv_status_name(expected),
                  error->message);
    ck_assert_msg(error->status == expected, "the error holds status %s", fv_status_name(error->status));
    ck_assert_msg(strstr(error->message, part) != NULL, "the message \"%s\" does not say \"%s\"", error->message, part);
}

static void temporary_path(char path[PATH_SIZE]) {
    snprintf(path, PATH_SIZE, "test-%ld.gguf", (long)getpid());
}

static struct fv_model *open_and_unlink(const char *path) {
    struct fv_error error = {0};
    struct fv_model *model = NULL;
    const enum fv_status status = fv_model_open(path, &model, &error);
    unlink(path);
    check_success(status, &error);
    return model;
}

struct fv_model *check_random_model(const struct model_description *description) {
    char path[PATH_SIZE];
    temporary_path(path);
    struct fv_error error = {0};
    check_success(random_model_write(description, path, &error), &error);
    return open_and_unlink(path);
}

static void write_tensor(struct fv_writer *writer, const struct check_tensor *tensor) {
    size_t elements = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        elements *= tensor->shape[i];
    }
    float *seeded = check_allocate(elements, sizeof *seeded);
    seeded_tensor(tensor->name, tensor->shape, tensor->rank, seeded);
    struct fv_error error = {0};
    check_success(fv_writer_tensor(writer, tensor->values != NULL ? tensor->values : seeded, elements, &error), &error);
    free(seeded);
}

struct fv_model *check_model(const struct check_tensor *tensors, size_t count) {
    char path[PATH_SIZE];
    temporary_path(path);
    struct fv_error error = {0};
    struct fv_writer *writer = NULL;
    check_success(fv_writer_create(path, &writer, &error), &error);
    for (size_t i = 0; i < count; i++) {
        check_success(
            fv_writer_declare(writer, tensors[i].name, FV_TYPE_F32, tensors[i].shape, tensors[i].rank, &error), &error);
    }
    check_success(fv_writer_begin(writer, &error), &error);
    for (size_t i = 0; i < count; i++) {
        write_tensor(writer, &tensors[i]);
    }
    check_success(fv_writer_finish(writer, &error), &error);
    return open_and_unlink(path);
}

size_t check_settings(struct check_setting settings[CHECK_MAX_SETTINGS]) {
    static char asked[16]; /* FOVEA_ISA before check_use changed it */
    static bool looked;
    if (!looked && getenv("FOVEA_ISA") != NULL) {
        snprintf(asked, sizeof asked, "%s", getenv("FOVEA_ISA"));
    }
    looked = true;
    size_t count = 0;
#if defined(__SANITIZE_ADDRESS__)
    const enum fv_isa first = asked[0] != '\0' ? FV_ISA_SCALAR : FV_ISA_SCALAR + 1; /* as wide as the next, and slow */
#else
    const enum fv_isa first = FV_ISA_SCALAR;
#endif
    for (enum fv_isa isa = first; isa < FV_ISA_COUNT; isa++) {
        if (!fv_isa_supported(isa) || (asked[0] != '\0' && strcmp(asked, fv_isa_name(isa)) != 0)) {
            continue;
        }
        settings[count++] = (struct check_setting){isa, FV_GEMM_OWN, "own"};
#if FOVEA_OPENBLAS && !defined(__SANITIZE_ADDRESS__) /* which would not look into the library */
        settings[count++] = (struct check_setting){isa, FV_GEMM_OPENBLAS, "openblas"};
#endif
    }
    return count;
}

void check_use(const struct check_setting *setting) {
    setenv("FOVEA_ISA", fv_isa_name(setting->isa), 1);
    setenv("FOVEA_GEMM", setting->gemm_name, 1);
}

void *check_allocate(size_t count, size_t size) {
    void *block = calloc(count != 0 ? count : 1, size);
    ck_assert_msg(block != NULL, "out of memory");
    return block;
}
