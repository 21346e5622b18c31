/* Runs the kernel checks without a test framework: cross builds under an emulator have none. Prints one line a table;
 * exit status 1 if a check fails. */
#include <inttypes.h>
#include <stdio.h>

#include "checks.h"

int main(void) {
#define FV_CHECK_ROW(name) {#name, check_##name},
    static const struct {
        const char *name;
        check_function *function;
    } checks[] = {FV_KERNEL_CHECKS(FV_CHECK_ROW)};
#undef FV_CHECK_ROW
    const struct fv_kernels *tables[16];
    const char *names[16];
    const size_t count = fv_kernels_list(tables, names, 16);
    const uint64_t seed = check_seed();
    int failures = 0;
    printf("seed %" PRIu64 "\n", seed);
    for (size_t t = 0; t < count; t++) {
        int failed = 0;
        for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
            struct check check;
            if (!check_run(&check, checks[i].function, tables[t], seed)) {
                printf("%s, %s: %s\n", names[t], checks[i].name, check.message);
                failed++;
            }
        }
        printf("%s: %d of %zu checks failed\n", names[t], failed, sizeof checks / sizeof checks[0]);
        failures += failed;
    }
    return failures != 0;
}
