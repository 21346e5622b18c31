#include "eval/grade_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"

enum { CLASSES = FOVEA_QUALITY_COUNT, ABSENT = -1 };

static const double SUM_SLACK = 1e-3; /* by which printed probabilities may miss a sum of 1 */

/* Where a table with a header has what. */
struct columns {
    long file, grade, status, reason, subject, probability[CLASSES]; /* ABSENT: nowhere */
    size_t count;
};

/* What reading one table needs. */
struct reading {
    const struct fovea_csv *csv;
    struct columns columns;
    struct fovea_grade_table *table;
    struct fovea_failures *failures;
    struct fv_error *error;
};

/* `text` without the blanks around it, in `texts`; NULL if memory is exhausted. */
static const char *trim(const char *text, struct fv_pool *texts) {
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        length--;
    }
    return fv_pool_text(texts, text, length);
}

/* Whether `text` is a grade, as a word or a number. */
static bool parse_grade(const char *text, size_t *grade) {
    for (size_t k = 0; k < CLASSES; k++) {
        if (strcasecmp(text, fovea_quality_names[k]) == 0) {
            *grade = k;
            return true;
        }
    }
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number == 0.0 || number == 1.0 || number == 2.0)) {
        return false;
    }
    *grade = (size_t)number;
    return true;
}

static bool parse_probability(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= 0.0 && *value <= 1.0;
}

static enum fv_status out_of_memory(const struct reading *reading) {
    return fv_error_set(reading->error, FV_ERROR_MEMORY, "%s: out of memory", reading->table->file);
}

/* Whether `field` is `name` but for case and the blanks around it. */
static bool names_column(const char *field, const char *name) {
    size_t length = strlen(name);
    field += strspn(field, " \t");
    return strncasecmp(field, name, length) == 0 && field[length + strspn(field + length, " \t")] == '\0';
}

/* Notes where the column `name` is; false after a message if it is there twice. */
static bool find_column(const struct reading *reading, const char *name, long *column) {
    const struct fovea_csv_record *header = &reading->csv->records[0];
    for (size_t i = 0; i < header->count; i++) {
        if (!names_column(fovea_csv_field(reading->csv, header, i), name)) {
            continue;
        }
        if (*column != ABSENT) {
            fv_error_set(reading->error, FV_ERROR_FORMAT, "%s, line %zu: the column '%s' is there twice",
                         reading->table->file, header->line, name);
            return false;
        }
        *column = (long)i;
    }
    return true;
}

static enum fv_status lacking(const struct reading *reading, const char *column) {
    return fv_error_set(reading->error, FV_ERROR_FORMAT,
                        "%s, line %zu: expected a header with the columns file and grade, or rows PATH, LABEL as the "
                        "published program writes them; there is no column '%s'",
                        reading->table->file, reading->csv->records[0].line, column);
}

/* Tells the two kinds of table apart and finds the columns. */
static enum fv_status read_header(struct reading *reading, bool predictions) {
    struct columns *columns = &reading->columns;
    *columns = (struct columns){
        ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, {ABSENT, ABSENT, ABSENT}, reading->csv->records[0].count};
    long label = ABSENT;
    static const char *const names[CLASSES] = {"p_ungradable", "p_gradable", "p_outstanding"};
    bool found = find_column(reading, "file", &columns->file) && find_column(reading, "grade", &columns->grade) &&
                 find_column(reading, "label", &label) && find_column(reading, "status", &columns->status) &&
                 find_column(reading, "reason", &columns->reason) && find_column(reading, "subject", &columns->subject);
    size_t probabilities = 0;
    for (size_t k = 0; k < CLASSES && predictions && found; k++) {
        found = find_column(reading, names[k], &columns->probability[k]);
        probabilities += columns->probability[k] != ABSENT;
    }
    if (!found) {
        return FV_ERROR_FORMAT;
    }
    if (columns->file == ABSENT) {
        const struct fovea_csv_record *first = &reading->csv->records[0];
        const char *last = trim(fovea_csv_field(reading->csv, first, first->count - 1), &reading->table->texts);
        size_t grade;
        if (last == NULL) {
            return out_of_memory(reading);
        }
        reading->table->published = first->count >= 2 && parse_grade(last, &grade);
        return reading->table->published ? FV_OK : lacking(reading, "file");
    }
    columns->grade = columns->grade != ABSENT ? columns->grade : label;
    if (columns->grade == ABSENT) {
        return lacking(reading, "grade");
    }
    for (size_t k = 0; k < CLASSES && probabilities > 0; k++) {
        if (columns->probability[k] == ABSENT) {
            return lacking(reading, names[k]);
        }
    }
    reading->table->subjects = columns->subject != ABSENT;
    reading->table->probabilities = probabilities > 0;
    return FV_OK;
}

/* The path of a row without a header: all fields but the last, since the published program quotes nothing. */
static const char *published_path(const struct reading *reading, const struct fovea_csv_record *record) {
    char *joined = fv_duplicate(fovea_csv_field(reading->csv, record, 0));
    for (size_t i = 1; joined != NULL && i + 1 < record->count; i++) {
        char *longer =
            fv_text_format("%s%c%s", joined, reading->csv->separator, fovea_csv_field(reading->csv, record, i));
        fv_release(joined);
        joined = longer;
    }
    const char *path = joined != NULL ? trim(joined, &reading->table->texts) : NULL;
    fv_release(joined);
    return path;
}

/* The trimmed field of a column; "" if there is no such column; NULL if memory is exhausted. */
static const char *field_of(const struct reading *reading, const struct fovea_csv_record *record, long column) {
    return column == ABSENT ? "" : trim(fovea_csv_field(reading->csv, record, (size_t)column), &reading->table->texts);
}

/* Takes the probabilities of a row; false after a failure was added to the list or memory was exhausted. */
static bool take_probabilities(const struct reading *reading, const struct fovea_csv_record *record,
                               const struct fovea_match_entry *entry, struct fovea_grade_row *row,
                               enum fv_status *status) {
    double sum = 0.0;
    for (size_t k = 0; k < CLASSES; k++) {
        const char *text = field_of(reading, record, reading->columns.probability[k]);
        if (text == NULL) {
            *status = out_of_memory(reading);
            return false;
        }
        if (!parse_probability(text, &row->probability[k])) {
            *status = fovea_failures_add(reading->failures, entry->name, entry->file, entry->line, reading->error,
                                         "the probability of %s is '%s', expected a number from 0 to 1",
                                         fovea_quality_names[k], text);
            return false;
        }
        sum += row->probability[k];
    }
    if (fabs(sum - 1.0) > SUM_SLACK) {
        *status = fovea_failures_add(reading->failures, entry->name, entry->file, entry->line, reading->error,
                                     "the probabilities add up to %g, expected 1", sum);
        return false;
    }
    return true;
}

/* Takes grade and probabilities of a row whose name is known. */
static enum fv_status take_values(const struct reading *reading, const struct fovea_csv_record *record,
                                  struct fovea_match_entry *entry, struct fovea_grade_row *row) {
    bool published = reading->table->published;
    const char *grade = published
                            ? trim(fovea_csv_field(reading->csv, record, record->count - 1), &reading->table->texts)
                            : field_of(reading, record, reading->columns.grade);
    const char *state = published ? "" : field_of(reading, record, reading->columns.status);
    const char *reason = published ? "" : field_of(reading, record, reading->columns.reason);
    row->subject = published ? "" : field_of(reading, record, reading->columns.subject);
    if (grade == NULL || state == NULL || reason == NULL || row->subject == NULL) {
        return out_of_memory(reading);
    }
    if (grade[0] == '\0') {
        return fovea_failures_add(reading->failures, entry->name, entry->file, entry->line, reading->error,
                                  "it has no grade%s%s%s%s", state[0] != '\0' ? "; its status is " : "", state,
                                  reason[0] != '\0' ? ": " : "", reason);
    }
    if (!parse_grade(grade, &row->grade)) {
        return fovea_failures_add(reading->failures, entry->name, entry->file, entry->line, reading->error,
                                  "the grade is '%s', expected ungradable, gradable or outstanding, or 0, 1 or 2",
                                  grade);
    }
    enum fv_status status = FV_OK;
    entry->usable = !reading->table->probabilities || take_probabilities(reading, record, entry, row, &status);
    return status;
}

static enum fv_status take_row(const struct reading *reading, const struct fovea_csv_record *record) {
    struct fovea_grade_table *table = reading->table;
    struct fovea_match_entry *entry = &table->entries[table->count];
    struct fovea_grade_row *row = &table->rows[table->count];
    *entry = (struct fovea_match_entry){.name = "", .file = table->file, .line = record->line};
    *row = (struct fovea_grade_row){.subject = ""};
    table->count++;
    bool whole = table->published ? record->count >= 2 : record->count == reading->columns.count;
    if (record->problem != NULL) {
        return fovea_failures_add(reading->failures, "", table->file, record->line, reading->error, "%s",
                                  record->problem);
    }
    if (!whole) {
        return fovea_failures_add(reading->failures, "", table->file, record->line, reading->error,
                                  "expected %zu fields, found %zu",
                                  table->published ? (size_t)2 : reading->columns.count, record->count);
    }
    entry->name = table->published ? published_path(reading, record) : field_of(reading, record, reading->columns.file);
    if (entry->name == NULL) {
        return out_of_memory(reading);
    }
    if (entry->name[0] == '\0') {
        return fovea_failures_add(reading->failures, "", table->file, record->line, reading->error,
                                  "the name of the image is blank");
    }
    return take_values(reading, record, entry, row);
}

static enum fv_status take_rows(struct reading *reading, bool predictions) {
    struct fovea_grade_table *table = reading->table;
    const struct fovea_csv *csv = reading->csv;
    if (csv->count == 0) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s: the table is empty", table->file);
    }
    enum fv_status status = read_header(reading, predictions);
    table->rows = fv_allocate(csv->count, sizeof *table->rows);
    table->entries = fv_allocate(csv->count, sizeof *table->entries);
    if (status == FV_OK && (table->rows == NULL || table->entries == NULL)) {
        status = out_of_memory(reading);
    }
    for (size_t i = table->published ? 0 : 1; i < csv->count && status == FV_OK; i++) {
        status = take_row(reading, &csv->records[i]);
    }
    return status;
}

enum fv_status fovea_grade_table_read(const char *path, bool predictions, struct fovea_grade_table *table,
                                      struct fovea_failures *failures, struct fv_error *error) {
    *table = (struct fovea_grade_table){.file = ""};
    struct fv_mapping file;
    struct fovea_csv csv = {0};
    const char *base = fv_path_basename(path);
    enum fv_status status = fv_file_map(path, &file, error);
    if (status == FV_OK) {
        status = fovea_csv_parse(base, file.bytes, file.size, &csv, error);
    }
    fv_file_unmap(&file);
    if (status == FV_OK) {
        table->file = fv_pool_text(&table->texts, base, strlen(base));
        struct reading reading = {.csv = &csv, .table = table, .failures = failures, .error = error};
        status = table->file != NULL ? take_rows(&reading, predictions)
                                     : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", base);
    }
    fovea_csv_clear(&csv);
    if (status != FV_OK) {
        fovea_grade_table_clear(table);
    }
    return status;
}

static bool same_rows(const void *context, size_t a, size_t b) {
    const struct fovea_grade_table *table = context;
    const struct fovea_grade_row *left = &table->rows[a], *right = &table->rows[b];
    bool same = left->grade == right->grade;
    for (size_t k = 0; k < CLASSES; k++) {
        same = same && left->probability[k] == right->probability[k];
    }
    return same;
}

enum fv_status fovea_grade_table_side(struct fovea_grade_table *table, enum fovea_match_rule rule,
                                      struct fovea_match_side *side, struct fv_error *error) {
    *side = (struct fovea_match_side){table->file, table->entries, table->count, same_rows, table};
    for (size_t i = 0; i < table->count; i++) {
        struct fovea_match_entry *entry = &table->entries[i];
        if (entry->name[0] != '\0') {
            entry->key = fovea_match_key(rule, entry->name, &table->texts);
            if (entry->key == NULL) {
                return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", table->file);
            }
        }
    }
    return FV_OK;
}

void fovea_grade_table_clear(struct fovea_grade_table *table) {
    fv_release(table->rows);
    fv_release(table->entries);
    fv_pool_clear(&table->texts);
    *table = (struct fovea_grade_table){0};
}
