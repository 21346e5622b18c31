#include "scan/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/suggestion.h"
#include "fovea/file.h"
#include "fovea/memory.h"

enum column {
    FILE_NAME,
    FOV,
    FOV_X,
    FOV_Y,
    SPACING,
    EYE,
    LAYER,
    AXIAL_LENGTH,
    SUBJECT,
    VISIT,
    PAGE,
    COLUMN_COUNT,
};

static const char *const column_names[COLUMN_COUNT] = {
    "file",  "fov_mm",          "fov_x_mm", "fov_y_mm", "pixel_spacing_mm", "eye",
    "layer", "axial_length_mm", "subject",  "visit",    "page_number",
};

/* What reading one table needs. */
struct reading {
    struct fovea_csv csv;
    struct fovea_scan_table *table;
    size_t places[COLUMN_COUNT]; /* 1 + the field where a column is; 0: nowhere */
    struct fv_error *error;
};

static enum fv_status out_of_memory(const struct fovea_scan_table *table, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", table->name);
}

/* `text` without the blanks around it, in the table's pool; NULL if memory is exhausted. */
static const char *trim(const char *text, struct fovea_scan_table *table) {
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        length--;
    }
    return fv_pool_text(&table->texts, text, length);
}

/* Refuses a column that may have been meant to carry a number; else notes it as not used. */
static enum fv_status pass_over(const struct reading *reading, const char *name, struct fovea_buffer *unused) {
    static const char *const beginnings[] = {"fov", "pixel", "axial"};
    const char *meant = fovea_suggestion(name, column_names, COLUMN_COUNT);
    bool near = meant != NULL;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        near = near || strncasecmp(name, beginnings[i], strlen(beginnings[i])) == 0;
    }
    if (near) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s, line %zu: there is no column '%s'%s%s%s",
                            reading->table->name, reading->csv.records[0].line, name,
                            meant != NULL ? "; did you mean '"
                                          : ": expected fov_mm, fov_x_mm, fov_y_mm, "
                                            "pixel_spacing_mm or axial_length_mm",
                            meant != NULL ? meant : "", meant != NULL ? "'?" : "");
    }
    fovea_buffer_format(unused, "%s%s", unused->size > 0 ? ", " : "", name);
    return FV_OK;
}

/* Notes what column `index` is. */
static enum fv_status take_column(struct reading *reading, size_t index, struct fovea_buffer *unused) {
    const struct fovea_csv_record *header = &reading->csv.records[0];
    const char *name = trim(fovea_csv_field(&reading->csv, header, index), reading->table);
    if (name == NULL) {
        return out_of_memory(reading->table, reading->error);
    }
    for (size_t column = 0; column < COLUMN_COUNT; column++) {
        if (strcasecmp(name, column_names[column]) != 0) {
            continue;
        }
        if (reading->places[column] != 0) {
            return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s, line %zu: the column '%s' is there twice",
                                reading->table->name, header->line, column_names[column]);
        }
        reading->places[column] = index + 1;
        return FV_OK;
    }
    return pass_over(reading, name, unused);
}

static enum fv_status read_header(struct reading *reading) {
    struct fovea_scan_table *table = reading->table;
    struct fovea_buffer unused = {0};
    enum fv_status status = FV_OK;
    for (size_t i = 0; reading->csv.count > 0 && i < reading->csv.records[0].count && status == FV_OK; i++) {
        status = take_column(reading, i, &unused);
    }
    if (status == FV_OK && unused.size > 0) {
        table->unused = fv_pool_text(&table->texts, unused.bytes, unused.size);
    }
    bool complete = !unused.failed && (unused.size == 0 || table->unused != NULL);
    fovea_buffer_clear(&unused);
    if (status == FV_OK && !complete) {
        return out_of_memory(table, reading->error);
    }
    if (status == FV_OK && reading->places[FILE_NAME] == 0) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT,
                            "%s, line 1: expected a header with the column file, and perhaps fov_mm, eye, layer, "
                            "axial_length_mm, subject, visit",
                            table->name);
    }
    return status;
}

static enum fv_status refuse(const struct reading *reading, const struct fovea_csv_record *record, enum column column,
                             const char *expected, const char *found) {
    return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s, line %zu: %s: expected %s, found '%s'",
                        reading->table->name, record->line, column_names[column], expected, found);
}

/* The field of `column` without blanks around it; NULL if it is blank or there is no such column. */
static enum fv_status get_field(const struct reading *reading, const struct fovea_csv_record *record,
                                enum column column, const char **text) {
    *text = NULL;
    if (reading->places[column] == 0) {
        return FV_OK;
    }
    const char *trimmed = trim(fovea_csv_field(&reading->csv, record, reading->places[column] - 1), reading->table);
    if (trimmed == NULL) {
        return out_of_memory(reading->table, reading->error);
    }
    *text = trimmed[0] != '\0' ? trimmed : NULL;
    return FV_OK;
}

/* A number from `low` to `high`; stays 0 if the field is blank. */
static enum fv_status get_number(const struct reading *reading, const struct fovea_csv_record *record,
                                 enum column column, double low, double high, const char *expected, double *number) {
    const char *text;
    enum fv_status status = get_field(reading, record, column, &text);
    if (status != FV_OK || text == NULL) {
        return status;
    }
    char *end;
    *number = strtod(text, &end);
    bool good = end != text && *end == '\0' && *number >= low && *number <= high;
    return good ? FV_OK : refuse(reading, record, column, expected, text);
}

/* The index of the field in `words`, which end with NULL; stays as it is if it is blank. */
static enum fv_status get_word(const struct reading *reading, const struct fovea_csv_record *record, enum column column,
                               const char *const *words, const char *expected, long *index) {
    const char *text;
    enum fv_status status = get_field(reading, record, column, &text);
    if (status != FV_OK || text == NULL) {
        return status;
    }
    for (long i = 0; words[i] != NULL; i++) {
        if (strcasecmp(words[i], text) == 0) {
            *index = i;
            return FV_OK;
        }
    }
    return refuse(reading, record, column, expected, text);
}

/* The field of view, said in one way or in none. */
static enum fv_status get_field_of_view(const struct reading *reading, const struct fovea_csv_record *record,
                                        struct fovea_scan_row *row) {
    static const char expected[] = "millimetres from 0.1 to 100";
    double side = 0, x = 0, y = 0;
    enum fv_status status = get_number(reading, record, FOV, 0.1, 100, expected, &side);
    status = status != FV_OK ? status : get_number(reading, record, FOV_X, 0.1, 100, expected, &x);
    status = status != FV_OK ? status : get_number(reading, record, FOV_Y, 0.1, 100, expected, &y);
    status = status != FV_OK ? status
                             : get_number(reading, record, SPACING, FOVEA_SPACING_LEAST_MM, FOVEA_SPACING_MOST_MM,
                                          "millimetres from 0.00001 to 1", &row->spacing_mm);
    if (status != FV_OK) {
        return status;
    }
    if ((x > 0) != (y > 0)) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s, line %zu: fov_x_mm and fov_y_mm: one is blank",
                            reading->table->name, record->line);
    }
    if ((side > 0) + (x > 0) + (row->spacing_mm > 0) > 1) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT,
                            "%s, line %zu: the field of view is said in two ways: fov_mm, fov_x_mm with fov_y_mm and "
                            "pixel_spacing_mm exclude each other",
                            reading->table->name, record->line);
    }
    row->field_is_side = side > 0;
    row->field_x_mm = side > 0 ? side : x;
    row->field_y_mm = side > 0 ? side : y;
    return FV_OK;
}

static enum fv_status get_eye_and_layer(const struct reading *reading, const struct fovea_csv_record *record,
                                        struct fovea_scan_row *row) {
    static const char *const eyes[] = {"OD", "R", "RE", "right", "OS", "L", "LE", "left", NULL};
    static const char *const layers[] = {"superficial", "SCP", "SVC", "deep", "DCP", "DVC", "ICP", NULL};
    long eye = -1, layer = -1;
    enum fv_status status = get_word(reading, record, EYE, eyes, "OD, OS, R, L, RE, LE, right or left", &eye);
    status = status != FV_OK
                 ? status
                 : get_word(reading, record, LAYER, layers, "superficial, SCP, SVC, deep, DCP, DVC or ICP", &layer);
    row->eye = eye < 0 ? FOVEA_EYE_UNKNOWN : eye < 4 ? FOVEA_EYE_RIGHT : FOVEA_EYE_LEFT;
    row->has_layer = layer >= 0;
    row->layer = layer < 3 ? FOVEA_LAYER_SUPERFICIAL : FOVEA_LAYER_DEEP;
    return status;
}

static enum fv_status read_row(const struct reading *reading, const struct fovea_csv_record *record,
                               struct fovea_scan_row *row) {
    const struct fovea_csv_record *header = &reading->csv.records[0];
    if (record->problem != NULL || record->count != header->count) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s, line %zu: expected %zu fields, found %zu%s%s",
                            reading->table->name, record->line, header->count, record->count,
                            record->problem != NULL ? "; " : "", record->problem != NULL ? record->problem : "");
    }
    double page = 0;
    row->line = record->line;
    enum fv_status status = get_field(reading, record, FILE_NAME, &row->file);
    if (status == FV_OK && row->file == NULL) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s, line %zu: the file is blank", reading->table->name,
                            record->line);
    }
    status = status != FV_OK ? status : get_field_of_view(reading, record, row);
    status = status != FV_OK ? status : get_eye_and_layer(reading, record, row);
    status = status != FV_OK
                 ? status
                 : get_number(reading, record, AXIAL_LENGTH, FOVEA_AXIAL_LENGTH_LEAST_MM, FOVEA_AXIAL_LENGTH_MOST_MM,
                              "millimetres from 14 to 40", &row->axial_length_mm);
    status = status != FV_OK ? status : get_field(reading, record, SUBJECT, &row->subject);
    status = status != FV_OK ? status : get_field(reading, record, VISIT, &row->visit);
    status = status != FV_OK ? status : get_number(reading, record, PAGE, 1, 65535, "a page from 1 to 65535", &page);
    if (status == FV_OK && page != floor(page)) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT,
                            "%s, line %zu: page_number: expected a whole number, found %g", reading->table->name,
                            record->line, page);
    }
    row->page = status == FV_OK ? (uint32_t)page : 0; /* a number that was refused may be any */
    return status;
}

enum fv_status fovea_scan_table_parse(const char *name, const uint8_t *bytes, size_t size,
                                      struct fovea_scan_table *table, struct fv_error *error) {
    *table = (struct fovea_scan_table){.name = name};
    struct reading reading = {.table = table, .error = error};
    enum fv_status status = fovea_csv_parse(name, bytes, size, &reading.csv, error);
    status = status != FV_OK ? status : read_header(&reading);
    if (status == FV_OK) {
        table->rows = fv_allocate_zero(reading.csv.count, sizeof *table->rows);
        status = table->rows != NULL ? FV_OK : out_of_memory(table, error);
    }
    for (size_t i = 1; i < reading.csv.count && status == FV_OK; i++) {
        status = read_row(&reading, &reading.csv.records[i], &table->rows[table->count]);
        table->count += status == FV_OK;
    }
    fovea_csv_clear(&reading.csv);
    if (status != FV_OK) {
        fovea_scan_table_clear(table);
    }
    return status;
}

enum fv_status fovea_scan_table_read(const char *path, struct fovea_scan_table *table, struct fv_error *error) {
    struct fv_mapping file;
    *table = (struct fovea_scan_table){0};
    enum fv_status status = fv_file_map(path, &file, error);
    if (status == FV_OK) {
        status = fovea_scan_table_parse(path, file.bytes, file.size, table, error);
    }
    fv_file_unmap(&file);
    return status;
}

void fovea_scan_table_clear(struct fovea_scan_table *table) {
    fv_release(table->rows);
    fv_pool_clear(&table->texts);
    *table = (struct fovea_scan_table){0};
}
