/* Runs the kernel checks under Check: one test case a check, one loop turn a table. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks.h"
#include "suite.h"

enum { CAPACITY = 16, TIMEOUT_SECONDS = 300 };

static const struct fv_kernels *tables[CAPACITY];
static const char *names[CAPACITY];

static void run(check_function *function, int table) {
    struct check check;
    if (!check_run(&check, function, tables[table], check_seed())) {
        ck_abort_msg("%s (seed %" PRIu64 "): %s", names[table], check.seed, check.message);
    }
}

#define FV_DEFINE_TEST(name)                                                                                           \
    START_TEST(test_##name) {                                                                                          \
        run(check_##name, _i);                                                                                         \
    }                                                                                                                  \
    END_TEST
FV_KERNEL_CHECKS(FV_DEFINE_TEST)
#undef FV_DEFINE_TEST

START_TEST(every_table_is_complete) {
    const struct fv_kernels *table = tables[_i];
    ck_assert(table->width == 4 || table->width == 8 || table->width == 16);
    ck_assert_uint_le(table->tile_rows, FV_MAX_TILE_ROWS);
    ck_assert_uint_le(table->tile_vectors, FV_MAX_TILE_VECTORS);
    ck_assert_ptr_nonnull(fv_kernels_reference(table->width));
    ck_assert_ptr_nonnull(fv_kernels_for(table->isa));
}
END_TEST

START_TEST(unknown_tables_are_null) {
    ck_assert_ptr_null(fv_kernels_reference(5));
    ck_assert_ptr_null(fv_kernels_for(FV_ISA_COUNT));
}
END_TEST

static void add_case(Suite *suite, const char *name, const TTest *test, int tables_count) {
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, TIMEOUT_SECONDS);
    tcase_add_loop_test(tests, test, 0, tables_count);
    suite_add_tcase(suite, tests);
}

int main(void) {
    const int count = (int)fv_kernels_list(tables, names, CAPACITY);
    Suite *suite = suite_create("kernels");
    add_case(suite, "tables", every_table_is_complete, count);
    add_case(suite, "unknown", unknown_tables_are_null, 1);
#define FV_ADD_CASE(name) add_case(suite, #name, test_##name, count);
    FV_KERNEL_CHECKS(FV_ADD_CASE)
#undef FV_ADD_CASE
    printf("seed %" PRIu64 " (FOVEA_TEST_SEED), tables:", check_seed());
    for (int i = 0; i < count; i++) {
        printf(" %s", names[i]);
    }
    putchar('\n');
    fflush(stdout);
    return suite_run(suite);
}
