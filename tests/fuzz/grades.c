/* Tables of grades, and with them the reader of separated values. */
#include "eval/grade_table.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fovea_grade_table table;
    struct fovea_failures failures = {0};
    struct fv_error error;
    if (fovea_grade_table_read(fuzz_file(data, size), true, &table, &failures, &error) == FV_OK) {
        struct fovea_match_side side;
        (void)fovea_grade_table_side(&table, FOVEA_MATCH_BASE, &side, &error);
        fovea_grade_table_clear(&table);
    }
    fovea_failures_clear(&failures);
    return 0;
}
