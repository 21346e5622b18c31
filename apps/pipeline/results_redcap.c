#include <string.h>

#include "fovea/memory.h"
#include "fovea/names.h"
#include "pipeline/results_table.h"

/* The records of a REDCap table so far. */
struct records {
    struct fv_pool texts;
    struct fv_names names; /* to their places in `rows` */
    size_t *rows;          /* of each record */
    size_t capacity;
};

struct table {
    struct fovea_export export;
    const struct fovea_results *results;
    struct records records;
};

/* The number of the next row of the record; 0 if memory is exhausted. */
static size_t count_row(struct records *records, const char *record) {
    size_t place = records->names.count;
    if (fv_names_find(&records->names, record, &place)) {
        return ++records->rows[place];
    }
    if (place == records->capacity) {
        const size_t capacity = records->capacity == 0 ? 64 : 2 * records->capacity;
        size_t *rows = fv_reallocate(records->rows, records->capacity, capacity, sizeof *rows);
        if (rows == NULL) {
            return 0;
        }
        records->rows = rows;
        records->capacity = capacity;
    }
    const char *name = fv_pool_text(&records->texts, record, strlen(record));
    if (name == NULL || !fv_names_add(&records->names, name, place)) {
        return 0;
    }
    return records->rows[place] = 1;
}

static enum fv_status visit_record(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct table *table = visitor;
    struct fovea_buffer record = {0}, row = {0}, *text = &table->export.text;
    fovea_buffer_utf8(&record, result->scan.subject != NULL ? result->scan.subject : result->input->stem);
    const size_t number = record.failed || record.bytes == NULL ? 0 : count_row(&table->records, record.bytes);
    if (number > 0) {
        fovea_buffer_csv(text, record.bytes);
        fovea_buffer_format(text, ",fovea,%zu,", number);
        fovea_results_add_row(&row, table->results, result);
        fovea_buffer_utf8(text, row.bytes != NULL ? row.bytes : "");
        fovea_buffer_format(text, ",%d\n", result->state == FOVEA_STATE_FAILED ? 0 : 2);
    }
    text->failed = text->failed || row.failed || number == 0;
    fovea_buffer_clear(&record);
    fovea_buffer_clear(&row);
    return fovea_export_flush(&table->export, error);
}

enum fv_status fovea_results_write_redcap(const struct fovea_results *results, const char *path,
                                          struct fv_error *error) {
    struct table table = {.results = results};
    enum fv_status status = fovea_export_begin(&table.export, path, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_buffer_text(&table.export.text, "record_id,redcap_repeat_instrument,redcap_repeat_instance,");
    fovea_results_add_header(&table.export.text);
    fovea_buffer_text(&table.export.text, ",fovea_complete\n");
    status = results->source.each(results->source.context, false, visit_record, &table, error);
    status = fovea_export_end(&table.export, status, error);
    fv_names_clear(&table.records.names);
    fv_pool_clear(&table.records.texts);
    fv_release(table.records.rows);
    return status;
}
