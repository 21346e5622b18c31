/* Instruction sets, caches and the machine's measured peak. */
#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/cpu.h"
#include "fovea/machine.h"
#include "suite.h"

/* Chooses with FOVEA_ISA set to `name` (NULL: not set). */
static enum fv_status select_with(const char *name, enum fv_isa *isa, struct fv_error *error) {
    if (name != NULL) {
        setenv("FOVEA_ISA", name, 1);
    } else {
        unsetenv("FOVEA_ISA");
    }
    return fv_isa_select(isa, error);
}

START_TEST(every_instruction_set_has_a_name) {
    for (int i = 0; i < FV_ISA_COUNT; i++) {
        ck_assert_str_ne(fv_isa_name((enum fv_isa)i), "unknown");
    }
    ck_assert_str_eq(fv_isa_name(FV_ISA_COUNT), "unknown");
}
END_TEST

START_TEST(scalar_is_always_supported) {
    ck_assert(fv_isa_supported(FV_ISA_SCALAR));
    ck_assert(!fv_isa_supported(FV_ISA_COUNT));
}
END_TEST

START_TEST(the_best_supported_set_is_the_default) {
    enum fv_isa chosen = FV_ISA_SCALAR;
    ck_assert_int_eq(select_with(NULL, &chosen, NULL), FV_OK);
    ck_assert(fv_isa_supported(chosen));
    for (int i = (int)chosen + 1; i < FV_ISA_COUNT; i++) {
        ck_assert(!fv_isa_supported((enum fv_isa)i));
    }
    enum fv_isa with_empty = FV_ISA_SCALAR;
    ck_assert_int_eq(select_with("", &with_empty, NULL), FV_OK);
    ck_assert_int_eq(with_empty, chosen);
}
END_TEST

START_TEST(each_set_is_chosen_by_name_or_refused) {
    const enum fv_isa isa = (enum fv_isa)_i;
    enum fv_isa chosen = FV_ISA_COUNT;
    struct fv_error error = {0};
    const enum fv_status status = select_with(fv_isa_name(isa), &chosen, &error);
    if (fv_isa_supported(isa)) {
        ck_assert_int_eq(status, FV_OK);
        ck_assert_int_eq(chosen, isa);
    } else {
        ck_assert_int_eq(status, FV_ERROR_UNSUPPORTED);
        ck_assert_int_eq(chosen, FV_ISA_COUNT);
        ck_assert_ptr_nonnull(strstr(error.message, fv_isa_name(isa)));
    }
}
END_TEST

START_TEST(an_unknown_name_is_an_error) {
    enum fv_isa chosen = FV_ISA_COUNT;
    struct fv_error error = {0};
    ck_assert_int_eq(select_with("avx3", &chosen, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(chosen, FV_ISA_COUNT);
    ck_assert_ptr_nonnull(strstr(error.message, "avx3"));
}
END_TEST

START_TEST(caches_grow_with_their_level) {
    const struct fv_caches caches = fv_cpu_caches();
    ck_assert(caches.level2 == 0 || caches.level1 <= caches.level2);
    ck_assert(caches.level3 == 0 || caches.level2 <= caches.level3);
}
END_TEST

START_TEST(the_processor_has_a_printable_name) {
    char name[FV_CPU_NAME_SIZE], again[FV_CPU_NAME_SIZE];
    memset(name, 1, sizeof name);
    fv_cpu_name(name);
    fv_cpu_name(again);
    ck_assert_str_eq(name, again);
    ck_assert_uint_gt(strlen(name), 0);
    for (const char *c = name; *c != '\0'; c++) {
        ck_assert(isprint((unsigned char)*c));
    }
    ck_assert(name[0] != ' ' && name[strlen(name) - 1] != ' ');
}
END_TEST

START_TEST(the_peak_is_measured_or_refused) {
    const enum fv_isa isa = (enum fv_isa)_i;
    struct fv_machine_peak peak = {0};
    struct fv_error error = {0};
    const enum fv_status status = fv_machine_measure(isa, 0.02, &peak, &error);
    if (fv_isa_supported(isa)) {
        ck_assert_int_eq(status, FV_OK);
        ck_assert_double_gt(peak.flops, 0);
        ck_assert_double_gt(peak.bytes_per_second, 0);
    } else {
        ck_assert_int_eq(status, FV_ERROR_UNSUPPORTED);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cpu");
    TCase *tests = tcase_create("cpu");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_instruction_set_has_a_name);
    tcase_add_test(tests, scalar_is_always_supported);
    tcase_add_test(tests, the_best_supported_set_is_the_default);
    tcase_add_loop_test(tests, each_set_is_chosen_by_name_or_refused, 0, FV_ISA_COUNT);
    tcase_add_test(tests, an_unknown_name_is_an_error);
    tcase_add_test(tests, caches_grow_with_their_level);
    tcase_add_test(tests, the_processor_has_a_printable_name);
    tcase_add_loop_test(tests, the_peak_is_measured_or_refused, 0, FV_ISA_COUNT);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
