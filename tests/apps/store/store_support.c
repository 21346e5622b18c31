#include "store_support.h"

#include <check.h>
#include <stdio.h>

#include "support.h"

const char *store_folder;

struct fovea_results store_results(size_t count) {
    static const char *const lineage[] = {"the last", "the first"};
    static const struct fovea_model_about grader = {.name = "Grader \xff",
                                                    .file_name = "g.gguf",
                                                    .sha256 = "1234",
                                                    .note = "note",
                                                    .lineage = lineage,
                                                    .lineage_count = 2};
    static const struct fovea_model_about segmenter = {.name = "S", .file_name = "s.gguf", .sha256 = "5678"};
    static const size_t folds[] = {0, 3, 12};
    return (struct fovea_results){.command = "run",
                                  .version = "0.1",
                                  .field_mm = 2.9,
                                  .layer = "deep",
                                  .grader = &grader,
                                  .segmenter = &segmenter,
                                  .shipped = true,
                                  .mirrored = true,
                                  .planning = {.tune = true},
                                  .folds = folds,
                                  .fold_count = 3,
                                  .folds_most = 13,
                                  .planned = count,
                                  .ignored = 2,
                                  .count = count};
}

const char *store_place(const char *name) {
    return support_path(store_folder, name);
}

void store_write_text(const char *name, const char *text) {
    FILE *file = fopen(store_place(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}
