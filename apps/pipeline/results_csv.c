#include <string.h>

#include "base/buffer.h"
#include "base/number.h"
#include "fovea/memory.h"
#include "fovea/names.h"
#include "pipeline/results.h"
#include "scan/columns.h"

static void add_header(struct fovea_buffer *text) {
    fovea_buffer_text(text, "file,status,reason,remarks,grade,p_ungradable,p_gradable,p_outstanding,grade_source,"
                            "grade_partner");
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        fovea_buffer_format(text, ",%s", fovea_measure_columns[i].name);
    }
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        fovea_buffer_format(text, ",%s", fovea_scan_columns[i].name);
    }
    fovea_buffer_text(text, ",width_px,height_px,grader,grader_sha256,segmenter,segmenter_sha256,tta,folds,exact,tuned,"
                            "fovea_version");
}

static void add_grade(struct fovea_buffer *text, const struct fovea_result *result) {
    if (result->graded) {
        fovea_buffer_format(text, ",%s", fovea_quality_names[result->grade.quality]);
        for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
            fovea_buffer_format(text, ",%.6f", result->grade.probability[k]);
        }
    } else {
        fovea_buffer_text(text, ",,,,");
    }
    fovea_buffer_format(text, ",%s,", fovea_result_grade_source(result));
    fovea_buffer_csv(text, result->grade_partner != NULL ? result->grade_partner : "");
}

static void add_measures(struct fovea_buffer *text, const struct fovea_result *result) {
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        const struct fovea_measure_column *column = &fovea_measure_columns[i];
        fovea_buffer_text(text, ",");
        if (fovea_result_has(result, column)) {
            fovea_measure_add(&result->measures, column, text); /* no value holds what needs quotes */
        }
    }
}

static void add_scan(struct fovea_buffer *text, const struct fovea_scan *scan) {
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        struct fovea_buffer value = {0};
        fovea_scan_column_add(scan, i, &value);
        fovea_buffer_text(text, ",");
        fovea_buffer_csv(text, value.size > 0 ? value.bytes : "");
        text->failed = text->failed || value.failed;
        fovea_buffer_clear(&value);
    }
}

static void add_model(struct fovea_buffer *text, const struct fovea_model_about *model) {
    fovea_buffer_text(text, ",");
    fovea_buffer_csv(text, model != NULL ? model->name : "");
    fovea_buffer_format(text, ",%s", model != NULL ? model->sha256 : "");
}

/* Empty where the question does not arise. */
static void add_answer(struct fovea_buffer *text, bool asked, bool answer) {
    fovea_buffer_format(text, ",%s", !asked ? "" : answer ? "yes" : "no");
}

static void add_row(struct fovea_buffer *text, const struct fovea_results *results, const struct fovea_result *result) {
    fovea_buffer_csv(text, result->input->name);
    fovea_buffer_format(text, ",%s,", fovea_state_names[result->state]);
    fovea_buffer_csv(text, result->reason != NULL ? result->reason : "");
    fovea_buffer_text(text, ",");
    fovea_buffer_csv(text, result->remarks != NULL ? result->remarks : "");
    add_grade(text, result);
    add_measures(text, result);
    add_scan(text, &result->scan);
    fovea_buffer_text(text, ",");
    if (result->width > 0) {
        fovea_buffer_format(text, "%u,%u", result->width, result->height);
    } else {
        fovea_buffer_text(text, ",");
    }
    add_model(text, results->grader);
    add_model(text, results->segmenter);
    fovea_buffer_format(text, ",%s,", results->segmenter == NULL ? "" : results->mirrored ? "mirror" : "off");
    fovea_results_add_folds(results, text);
    const bool planned = results->grader != NULL || results->segmenter != NULL;
    add_answer(text, planned, results->planning.exact);
    add_answer(text, planned, results->planning.tune);
    fovea_buffer_format(text, ",%s", results->version);
}

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

static enum fv_status visit(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct table *table = visitor;
    add_row(&table->export.text, table->results, result);
    fovea_buffer_text(&table->export.text, "\n");
    return fovea_export_flush(&table->export, error);
}

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
        add_row(&row, table->results, result);
        fovea_buffer_utf8(text, row.bytes != NULL ? row.bytes : "");
        fovea_buffer_format(text, ",%d\n", result->state == FOVEA_STATE_FAILED ? 0 : 2);
    }
    text->failed = text->failed || row.failed || number == 0;
    fovea_buffer_clear(&record);
    fovea_buffer_clear(&row);
    return fovea_export_flush(&table->export, error);
}

enum fv_status fovea_results_write_csv(const struct fovea_results *results, const char *path, struct fv_error *error) {
    struct table table = {.results = results};
    enum fv_status status = fovea_export_begin(&table.export, path, error);
    if (status != FV_OK) {
        return status;
    }
    add_header(&table.export.text);
    fovea_buffer_text(&table.export.text, "\n");
    status = results->source.each(results->source.context, false, visit, &table, error);
    return fovea_export_end(&table.export, status, error);
}

enum fv_status fovea_results_write_redcap(const struct fovea_results *results, const char *path,
                                          struct fv_error *error) {
    struct table table = {.results = results};
    enum fv_status status = fovea_export_begin(&table.export, path, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_buffer_text(&table.export.text, "record_id,redcap_repeat_instrument,redcap_repeat_instance,");
    add_header(&table.export.text);
    fovea_buffer_text(&table.export.text, ",fovea_complete\n");
    status = results->source.each(results->source.context, false, visit_record, &table, error);
    status = fovea_export_end(&table.export, status, error);
    fv_names_clear(&table.records.names);
    fv_pool_clear(&table.records.texts);
    fv_release(table.records.rows);
    return status;
}
