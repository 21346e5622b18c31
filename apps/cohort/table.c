#include "cohort/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fovea/file.h"
#include "fovea/memory.h"

/* Cuts the blanks around every field, in place: the fields lie in csv->text. */
static void trim_fields(struct fovea_csv *csv) {
    static const char blanks[] = " \t\r\n";
    for (size_t i = 0; i < csv->field_count; i++) {
        size_t start = (size_t)(csv->fields[i] - csv->text);
        start += strspn(csv->text + start, blanks);
        size_t end = start + strlen(csv->text + start);
        while (end > start && strchr(blanks, csv->text[end - 1]) != NULL) {
            end--;
        }
        csv->text[end] = '\0';
        csv->fields[i] = csv->text + start;
    }
}

static enum fv_status check_header(struct fovea_table *table, struct fv_error *error) {
    if (table->csv.count == 0) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the table is empty", table->name);
    }
    const struct fovea_csv_record *header = &table->csv.records[0];
    table->columns = header->count;
    if (header->problem != NULL) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s, line %zu: %s", table->name, header->line, header->problem);
    }
    for (size_t i = 0; i < header->count; i++) {
        const char *name = fovea_table_column_name(table, i);
        if (name[0] != '\0' && fovea_table_column(table, name) != (long)i) {
            return fv_error_set(error, FV_ERROR_FORMAT, "%s, line %zu: the column '%s' is there twice", table->name,
                                header->line, name);
        }
    }
    return FV_OK;
}

enum fv_status fovea_table_open(const char *path, const char *name, struct fovea_table *table, struct fv_error *error) {
    *table = (struct fovea_table){.name = fv_duplicate(name)};
    if (table->name == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    }
    struct fv_mapping file;
    enum fv_status status = fv_file_map(path, &file, error);
    if (status == FV_OK) {
        status = fovea_csv_parse(name, file.bytes, file.size, &table->csv, error);
    }
    fv_file_unmap(&file);
    if (status == FV_OK) {
        trim_fields(&table->csv);
        status = check_header(table, error);
    }
    if (status != FV_OK) {
        fovea_table_close(table);
    }
    return status;
}

void fovea_table_close(struct fovea_table *table) {
    fovea_csv_clear(&table->csv);
    fv_release(table->name);
    *table = (struct fovea_table){0};
}

long fovea_table_column(const struct fovea_table *table, const char *name) {
    for (size_t i = 0; i < table->columns; i++) {
        if (strcasecmp(fovea_table_column_name(table, i), name) == 0) {
            return (long)i;
        }
    }
    return FOVEA_TABLE_ABSENT;
}

const char *fovea_table_column_name(const struct fovea_table *table, size_t column) {
    return fovea_csv_field(&table->csv, &table->csv.records[0], column);
}

size_t fovea_table_rows(const struct fovea_table *table) {
    return table->csv.count - 1;
}

size_t fovea_table_line(const struct fovea_table *table, size_t row) {
    return table->csv.records[row + 1].line;
}

bool fovea_table_broken(const struct fovea_table *table, size_t row, char *reason, size_t size) {
    const struct fovea_csv_record *record = &table->csv.records[row + 1];
    if (record->problem != NULL) {
        snprintf(reason, size, "%s", record->problem);
        return true;
    }
    if (record->count != table->columns) {
        snprintf(reason, size, "expected %zu fields, found %zu", table->columns, record->count);
        return true;
    }
    return false;
}

const char *fovea_table_field(const struct fovea_table *table, size_t row, long column) {
    return column == FOVEA_TABLE_ABSENT ? ""
                                        : fovea_csv_field(&table->csv, &table->csv.records[row + 1], (size_t)column);
}

static const double GREATEST = 1e100; /* no measure is as great, and squares of it still fit into double */

/* Whether all of `text` is a decimal number; strtod alone would take hexadecimal ones and words. */
static bool parse_decimal(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    bool decimal = end != text && *end == '\0' && text[strspn(text, "+-.0123456789eE")] == '\0';
    decimal = decimal && fabs(*value) <= GREATEST;
    *value = decimal ? *value : NAN;
    return decimal;
}

enum fovea_number_kind fovea_table_number(const char *text, double *value) {
    static const char *const missing[] = {"nan", "na", "n/a", "null", "none", "."};
    *value = NAN;
    if (text[0] == '\0') {
        return FOVEA_NUMBER_BLANK;
    }
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        if (strcasecmp(text, missing[i]) == 0) {
            return FOVEA_NUMBER_MISSING;
        }
    }
    if (parse_decimal(text, value)) {
        return FOVEA_NUMBER_GOOD;
    }
    char point[64];
    const char *comma = strchr(text, ',');
    if (comma != NULL && strlen(text) < sizeof point) {
        memcpy(point, text, strlen(text) + 1);
        point[comma - text] = '.';
        double ignored;
        return parse_decimal(point, &ignored) ? FOVEA_NUMBER_COMMA : FOVEA_NUMBER_BAD;
    }
    return FOVEA_NUMBER_BAD;
}
