#include "store/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "fovea/cpu.h"
#include "fovea/memory.h"
#include "measure/warnings.h"
#include "scan/columns.h"
#include "store/database.h"

void fovea_row_clear(struct fovea_row *row) {
    fv_release((void *)(uintptr_t)row->input.name);
    fv_release((void *)(uintptr_t)row->input.stem);
    fv_release((void *)(uintptr_t)row->result.scan_fingerprint);
    fovea_result_clear(&row->result);
    fv_pool_clear(&row->texts);
    *row = (struct fovea_row){0};
}

static char *read_text(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    char *text = fovea_database_copy_text(statement, column);
    row->lost = row->lost || (text == NULL && sqlite3_column_type(statement, column) != SQLITE_NULL);
    return text;
}

static bool bind_file(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->input->name);
}

static void read_file(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->input.name = read_text(statement, column, row);
}

static bool bind_copy(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return sqlite3_bind_int64(statement, index, (sqlite3_int64)result->input->copy) == SQLITE_OK;
}

static void read_copy(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->input.copy = (size_t)sqlite3_column_int64(statement, column);
}

static bool bind_output(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->input->stem);
}

static void read_output(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->input.stem = read_text(statement, column, row);
}

static bool bind_digest(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->digest[0] != '\0' ? result->digest : NULL);
}

static void copy_digest(sqlite3_stmt *statement, int column, char digest[FOVEA_DIGEST_SIZE]) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (text != NULL && strlen(text) < FOVEA_DIGEST_SIZE) {
        strcpy(digest, text);
    }
}

static void read_digest(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    copy_digest(statement, column, row->result.digest);
}

static void read_companion(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    copy_digest(statement, column, row->result.image_digest);
}

static bool bind_status(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, fovea_state_names[result->state]);
}

/* The index of the text among `count` names; 0 if it is none of them. */
static int find_name(sqlite3_stmt *statement, int column, const char *const *names, int count) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    for (int i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    return 0;
}

static void read_status(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.state = (enum fovea_state)find_name(statement, column, fovea_state_names, FOVEA_STATE_COUNT);
}

static bool bind_reason(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->reason);
}

static void read_reason(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.reason = read_text(statement, column, row);
}

static bool bind_remarks(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->remarks);
}

static void read_remarks(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.remarks = read_text(statement, column, row);
}

/* A text that SQLite copies. */
static bool bind_copied(sqlite3_stmt *statement, int index, const struct fovea_buffer *text) {
    return !text->failed && sqlite3_bind_text64(statement, index, text->bytes != NULL ? text->bytes : "", text->size,
                                                SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
}

/* The fingerprint `made`, else that of `scan`; NULL if there is neither. */
static bool bind_fingerprint(sqlite3_stmt *statement, int index, const char *made, const struct fovea_scan *scan) {
    struct fovea_buffer text = {0};
    if (made != NULL || scan == NULL) {
        return fovea_database_bind_text(statement, index, made);
    }
    fovea_scan_fingerprint(scan, &text);
    const bool bound = bind_copied(statement, index, &text);
    fovea_buffer_clear(&text);
    return bound;
}

static bool bind_scan(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return bind_fingerprint(statement, index, result->scan_fingerprint, &result->scan);
}

static void read_scan(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.scan_fingerprint = read_text(statement, column, row);
}

static bool bind_companion(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->image_digest[0] != '\0' ? result->image_digest : NULL);
}

static bool bind_passing(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return sqlite3_bind_int(statement, index, result->passing) == SQLITE_OK;
}

static void read_passing(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.passing = sqlite3_column_int(statement, column) != 0;
}

static bool bind_size(sqlite3_stmt *statement, int index, uint32_t size) {
    return (size > 0 ? sqlite3_bind_int64(statement, index, size) : sqlite3_bind_null(statement, index)) == SQLITE_OK;
}

static bool bind_width(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return bind_size(statement, index, result->width);
}

static void read_width(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.width = (uint32_t)sqlite3_column_int64(statement, column);
}

static bool bind_height(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return bind_size(statement, index, result->height);
}

static void read_height(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.height = (uint32_t)sqlite3_column_int64(statement, column);
}

static bool bind_grade(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index,
                                    result->graded ? fovea_quality_names[result->grade.quality] : NULL);
}

static void read_grade(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.graded = sqlite3_column_type(statement, column) != SQLITE_NULL;
    row->result.grade.quality =
        (enum fovea_quality)find_name(statement, column, fovea_quality_names, FOVEA_QUALITY_COUNT);
}

/* A number, or NULL where there is none: SQLite has no NaN. */
static bool bind_number(sqlite3_stmt *statement, int index, bool known, double number) {
    return (known && !isnan(number) ? sqlite3_bind_double(statement, index, number)
                                    : sqlite3_bind_null(statement, index)) == SQLITE_OK;
}

static double read_number(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}

#define CHANCE(name, quality)                                                                                          \
    static bool bind_##name(sqlite3_stmt *statement, int index, const struct fovea_result *result) {                   \
        return bind_number(statement, index, result->graded, result->grade.probability[quality]);                      \
    }                                                                                                                  \
    static void read_##name(sqlite3_stmt *statement, int column, struct fovea_row *row) {                              \
        row->result.grade.probability[quality] = read_number(statement, column);                                       \
    }
CHANCE(ungradable, FOVEA_UNGRADABLE)
CHANCE(gradable, FOVEA_GRADABLE)
CHANCE(outstanding, FOVEA_OUTSTANDING)

static bool bind_source(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->graded ? fovea_result_grade_source(result) : NULL);
}

/* It follows from the others. */
static void read_source(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    (void)statement;
    (void)column;
    (void)row;
}

/* A text that lies with the row's others. */
static const char *read_kept(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    char *text = read_text(statement, column, row);
    const char *kept = text != NULL ? fv_pool_text(&row->texts, text, strlen(text)) : NULL;
    row->lost = row->lost || (text != NULL && kept == NULL);
    fv_release(text);
    return kept;
}

static bool bind_partner(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->grade_partner);
}

static void read_partner(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.grade_partner = read_kept(statement, column, row);
}

static bool bind_partner_digest(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index,
                                    result->partner_digest[0] != '\0' ? result->partner_digest : NULL);
}

static bool bind_partner_scan(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return bind_fingerprint(statement, index, result->partner_fingerprint, result->partner_scan);
}

static void read_partner_scan(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.partner_fingerprint = read_kept(statement, column, row);
}

static void read_partner_digest(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    copy_digest(statement, column, row->result.partner_digest);
}

static bool bind_unpaired(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->unpaired);
}

static void read_unpaired(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.unpaired = read_kept(statement, column, row);
}

static bool bind_set(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return fovea_database_bind_text(statement, index, result->instruction_set);
}

static void read_set(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    for (int i = 0; text != NULL && i < FV_ISA_COUNT; i++) {
        if (strcmp(text, fv_isa_name((enum fv_isa)i)) == 0) {
            row->result.instruction_set = fv_isa_name((enum fv_isa)i);
        }
    }
}

static bool bind_measured(sqlite3_stmt *statement, int index, const struct fovea_result *result) {
    return sqlite3_bind_int(statement, index, result->measured) == SQLITE_OK;
}

static void read_measured(sqlite3_stmt *statement, int column, struct fovea_row *row) {
    row->result.measured = sqlite3_column_int(statement, column) != 0;
}

const struct fovea_image_column fovea_image_columns[] = {
    {"file", "NOT NULL", bind_file, read_file},
    {"copy", "INTEGER NOT NULL", bind_copy, read_copy},
    {"output", "NOT NULL", bind_output, read_output},
    {"input_sha256", "TEXT", bind_digest, read_digest},
    {"status", "TEXT NOT NULL", bind_status, read_status},
    {"reason", "", bind_reason, read_reason},
    {"remarks", "", bind_remarks, read_remarks},
    {"scan", "NOT NULL", bind_scan, read_scan},
    {"image_sha256", "TEXT", bind_companion, read_companion},
    {"passing", "INTEGER NOT NULL", bind_passing, read_passing},
    {"width_px", "INTEGER", bind_width, read_width},
    {"height_px", "INTEGER", bind_height, read_height},
    {"grade", "TEXT", bind_grade, read_grade},
    {"p_ungradable", "REAL", bind_ungradable, read_ungradable},
    {"p_gradable", "REAL", bind_gradable, read_gradable},
    {"p_outstanding", "REAL", bind_outstanding, read_outstanding},
    {"grade_source", "TEXT", bind_source, read_source},
    {"grade_partner", "", bind_partner, read_partner},
    {"grade_partner_sha256", "TEXT", bind_partner_digest, read_partner_digest},
    {"grade_partner_scan", "", bind_partner_scan, read_partner_scan},
    {"unpaired", "TEXT", bind_unpaired, read_unpaired},
    {"instruction_set", "TEXT", bind_set, read_set},
    {"measured", "INTEGER NOT NULL", bind_measured, read_measured},
};
const size_t fovea_image_column_count = sizeof fovea_image_columns / sizeof *fovea_image_columns;

void fovea_columns_define(struct fovea_buffer *text) {
    static const char *const types[] = {[FOVEA_MEASURE_WHOLE] = "INTEGER",
                                        [FOVEA_MEASURE_REAL] = "REAL",
                                        [FOVEA_MEASURE_TEXT] = "TEXT",
                                        [FOVEA_MEASURE_WARNINGS] = "TEXT"};
    for (size_t i = 0; i < fovea_image_column_count; i++) {
        fovea_buffer_format(text, ",\n  %s %s", fovea_image_columns[i].name, fovea_image_columns[i].type);
    }
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        fovea_buffer_format(text, ",\n  %s %s", fovea_scan_columns[i].name, fovea_scan_columns[i].number ? "REAL" : "");
    }
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        fovea_buffer_format(text, ",\n  \"%s\" %s", fovea_measure_columns[i].name,
                            types[fovea_measure_columns[i].kind]);
    }
}

void fovea_columns_list(struct fovea_buffer *text, const bool *missing) {
    for (size_t i = 0; i < fovea_image_column_count; i++) {
        fovea_buffer_format(text, "%s%s", i > 0 ? ", " : "", fovea_image_columns[i].name);
    }
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        fovea_buffer_format(text, ", %s", fovea_scan_columns[i].name);
    }
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        if (missing != NULL && missing[i]) {
            fovea_buffer_text(text, ", NULL");
        } else {
            fovea_buffer_format(text, ", \"%s\"", fovea_measure_columns[i].name);
        }
    }
}

void fovea_columns_mark(struct fovea_buffer *text) {
    const size_t count = fovea_image_column_count + fovea_scan_column_count + fovea_measure_column_count;
    for (size_t i = 0; i < count; i++) {
        fovea_buffer_text(text, i > 0 ? ", ?" : "?");
    }
}

static bool bind_of_scan(sqlite3_stmt *statement, int index, const struct fovea_scan *scan, size_t column) {
    struct fovea_buffer text = {0};
    fovea_scan_column_add(scan, column, &text);
    bool bound;
    if (text.failed || text.size == 0) {
        bound = !text.failed && sqlite3_bind_null(statement, index) == SQLITE_OK;
    } else if (fovea_scan_columns[column].number) {
        bound = bind_number(statement, index, true, strtod(text.bytes, NULL));
    } else {
        bound = bind_copied(statement, index, &text);
    }
    fovea_buffer_clear(&text);
    return bound;
}

static void read_of_scan(sqlite3_stmt *statement, int index, size_t column, struct fovea_row *row) {
    char number[FOVEA_NUMBER_SIZE];
    const char *value = (const char *)sqlite3_column_text(statement, index);
    if (value != NULL && fovea_scan_columns[column].number) {
        fovea_format_shortest(sqlite3_column_double(statement, index), number);
        value = number;
    }
    row->lost |= !fovea_scan_column_take(&row->result.scan, column, value != NULL ? value : "", &row->texts);
}

static bool bind_measure(sqlite3_stmt *statement, int index, const struct fovea_result *result,
                         const struct fovea_measure_column *column) {
    if (!fovea_result_has(result, column)) {
        return sqlite3_bind_null(statement, index) == SQLITE_OK;
    }
    if (column->kind == FOVEA_MEASURE_WHOLE) {
        const double number = fovea_measure_number(&result->measures, column);
        return sqlite3_bind_int64(statement, index, (sqlite3_int64)number) == SQLITE_OK;
    }
    if (column->kind == FOVEA_MEASURE_REAL) {
        return bind_number(statement, index, true, fovea_measure_number(&result->measures, column));
    }
    struct fovea_buffer text = {0};
    fovea_measure_add(&result->measures, column, &text);
    const bool bound = bind_copied(statement, index, &text);
    fovea_buffer_clear(&text);
    return bound;
}

/* The warnings whose texts stand in `text`. */
static uint32_t find_warnings(const char *text) {
    uint32_t warnings = 0;
    for (unsigned w = 0; w < FOVEA_WARNING_COUNT; w++) {
        const size_t length = strlen(fovea_warning_texts[w]);
        for (const char *at = text; (at = strstr(at, fovea_warning_texts[w])) != NULL; at += length) {
            const bool begins = at == text || (at >= text + 2 && memcmp(at - 2, "; ", 2) == 0);
            const bool ends = at[length] == '\0' || strncmp(at + length, "; ", 2) == 0;
            warnings |= begins && ends ? 1U << w : 0;
        }
    }
    return warnings;
}

static void read_measure(sqlite3_stmt *statement, int index, const struct fovea_measure_column *column,
                         struct fovea_row *row) {
    char *field = (char *)&row->result.measures + column->offset;
    const char *text = NULL;
    switch (column->kind) {
    case FOVEA_MEASURE_WHOLE:
        *(size_t *)(void *)field = (size_t)sqlite3_column_int64(statement, index);
        break;
    case FOVEA_MEASURE_REAL:
        *(double *)(void *)field = read_number(statement, index);
        break;
    case FOVEA_MEASURE_TEXT:
        text = (const char *)sqlite3_column_text(statement, index);
        *(const char **)(void *)field = text == NULL ? NULL : fv_pool_text(&row->texts, text, strlen(text));
        row->lost |= text != NULL && *(const char **)(void *)field == NULL;
        break;
    case FOVEA_MEASURE_WARNINGS:
        text = (const char *)sqlite3_column_text(statement, index);
        *(uint32_t *)(void *)field = text == NULL ? 0 : find_warnings(text);
        break;
    }
}

bool fovea_columns_bind(sqlite3_stmt *statement, int first, const struct fovea_result *result) {
    bool bound = true;
    for (size_t i = 0; i < fovea_image_column_count && bound; i++) {
        bound = fovea_image_columns[i].bind(statement, first++, result);
    }
    for (size_t i = 0; i < fovea_scan_column_count && bound; i++) {
        bound = bind_of_scan(statement, first++, &result->scan, i);
    }
    for (size_t i = 0; i < fovea_measure_column_count && bound; i++) {
        bound = bind_measure(statement, first++, result, &fovea_measure_columns[i]);
    }
    return bound;
}

bool fovea_columns_read(sqlite3_stmt *statement, int first, struct fovea_row *row) {
    for (size_t i = 0; i < fovea_image_column_count; i++) {
        fovea_image_columns[i].read(statement, first++, row);
    }
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        read_of_scan(statement, first++, i, row);
    }
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        read_measure(statement, first++, &fovea_measure_columns[i], row);
    }
    row->result.input = &row->input;
    return !row->lost && row->input.name != NULL && row->input.stem != NULL && row->result.scan_fingerprint != NULL;
}
