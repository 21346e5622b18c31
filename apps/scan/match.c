/* Which image a row of the table of scans is about. */
#include <string.h>

#include "fovea/memory.h"
#include "fovea/names.h"
#include "fovea/text.h"
#include "scan/table.h"

/* The images under one kind of name. */
struct index {
    struct fv_names names; /* to the first image of that name */
    size_t *shared;        /* how many images have the name of image i, counted at the first of them */
};

static bool build(const char *const *names, size_t count, bool last_part, struct index *index) {
    index->shared = fv_allocate_zero(count, sizeof *index->shared);
    for (size_t i = 0; i < count && index->shared != NULL; i++) {
        const char *name = last_part ? fv_path_basename(names[i]) : names[i];
        size_t first = i;
        if (!fv_names_find(&index->names, name, &first) && !fv_names_add(&index->names, name, i)) {
            return false;
        }
        index->shared[first]++;
    }
    return index->shared != NULL;
}

static void clear(struct index *index) {
    fv_names_clear(&index->names);
    fv_release(index->shared);
}

/* The image of `row`: by its whole name, else by its last part. */
static enum fv_status find(const struct fovea_scan_table *table, const struct fovea_scan_row *row,
                           const struct index *whole, const struct index *last, size_t *image, struct fv_error *error) {
    const char *file = strncmp(row->file, "./", 2) == 0 ? row->file + 2 : row->file;
    const struct index *index = fv_names_find(&whole->names, file, image)                               ? whole
                                : strchr(file, '/') == NULL && fv_names_find(&last->names, file, image) ? last
                                                                                                        : NULL;
    if (index == NULL) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s, line %zu: no input is called '%s'", table->name, row->line,
                            row->file);
    }
    if (index->shared[*image] > 1) {
        return fv_error_set(error, FV_ERROR_FORMAT,
                            "%s, line %zu: %zu inputs are called '%s'; give its folder too, as results name it",
                            table->name, row->line, index->shared[*image], row->file);
    }
    return FV_OK;
}

enum fv_status fovea_scan_table_match(const struct fovea_scan_table *table, const char *const *names, size_t count,
                                      const struct fovea_scan_row **rows_of, struct fv_error *error) {
    struct index whole = {0}, last = {0};
    memset(rows_of, 0, count * sizeof *rows_of);
    enum fv_status status = build(names, count, false, &whole) && build(names, count, true, &last)
                                ? FV_OK
                                : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", table->name);
    for (size_t i = 0; i < table->count && status == FV_OK; i++) {
        size_t image = 0;
        status = find(table, &table->rows[i], &whole, &last, &image, error);
        if (status == FV_OK && rows_of[image] != NULL) {
            status = fv_error_set(error, FV_ERROR_FORMAT, "%s: lines %zu and %zu are both about '%s'", table->name,
                                  rows_of[image]->line, table->rows[i].line, names[image]);
        } else if (status == FV_OK) {
            rows_of[image] = &table->rows[i];
        }
    }
    clear(&whole);
    clear(&last);
    return status;
}
