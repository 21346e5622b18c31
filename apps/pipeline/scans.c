#include "pipeline/scans.h"

#include <string.h>

#include "fovea/memory.h"
#include "image/image.h"
#include "scan/resolve.h"

/* Rows of the table by input; all NULL without a table. */
static enum fv_status match(const struct fovea_scan_table *table, const struct fovea_inputs *inputs,
                            const struct fovea_scan_row **rows, struct fv_error *error) {
    const char **names = fv_allocate(inputs->count, sizeof *names);
    if (names == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", table->name);
    }
    for (size_t i = 0; i < inputs->count; i++) {
        names[i] = inputs->items[i].name;
    }
    enum fv_status status = fovea_scan_table_match(table, names, inputs->count, rows, error);
    fv_release(names);
    return status;
}

static enum fv_status describe(struct fovea_input *input, const struct fovea_scan_defaults *defaults,
                               const struct fovea_scan_row *row, struct fv_pool *texts, struct fv_error *error) {
    struct fovea_image_facts facts;
    const bool known = !input->missing && fovea_image_read_facts(input->path, &facts);
    const struct fovea_scan_claims claims = {.option_field_mm = defaults->field_mm,
                                             .option_has_layer = defaults->has_layer,
                                             .option_layer = defaults->layer,
                                             .row = row,
                                             .facts = known ? &facts : NULL,
                                             .name = input->name};
    return fovea_scan_resolve(&claims, texts, &input->scan, error);
}

enum fv_status fovea_scans_describe(struct fovea_inputs *inputs, const struct fovea_scan_defaults *defaults,
                                    const char **unused, struct fv_error *error) {
    struct fovea_scan_table table = {0};
    const struct fovea_scan_row **rows = fv_allocate_zero(inputs->count, sizeof *rows);
    enum fv_status status =
        rows != NULL ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%zu inputs: out of memory", inputs->count);
    *unused = NULL;
    if (status == FV_OK && defaults->table != NULL) {
        status = fovea_scan_table_read(defaults->table, &table, error);
        status = status != FV_OK ? status : match(&table, inputs, rows, error);
    }
    for (size_t i = 0; i < inputs->count && status == FV_OK; i++) {
        status = describe(&inputs->items[i], defaults, rows[i], &inputs->texts, error);
    }
    if (status == FV_OK && table.unused != NULL) {
        *unused = fv_pool_text(&inputs->texts, table.unused, strlen(table.unused));
    }
    fovea_scan_table_clear(&table);
    fv_release(rows);
    return status;
}
