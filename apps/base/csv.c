#include "base/csv.h"

#include <stdbool.h>
#include <string.h>

#include "fovea/memory.h"

/* Fields are unquoted in place: what is written never overtakes what is read. */
struct cursor {
    char *read, *write;
    const char *end;
    size_t line;
    char separator;
};

static char find_separator(const char *text, const char *end) {
    static const char known[] = {',', ';', '\t'};
    bool seen[sizeof known] = {false}, quoted = false;
    for (; text < end && (quoted || (*text != '\n' && *text != '\r')); text++) {
        quoted = quoted != (*text == '"');
        for (size_t i = 0; i < sizeof known && !quoted; i++) {
            seen[i] = seen[i] || *text == known[i];
        }
    }
    for (size_t i = 0; i < sizeof known; i++) {
        if (seen[i]) {
            return known[i];
        }
    }
    return ',';
}

static bool at_line_end(const struct cursor *cursor) {
    return cursor->read == cursor->end || *cursor->read == '\n' || *cursor->read == '\r';
}

/* Moves behind \n, \r\n or \r. */
static void skip_line_end(struct cursor *cursor) {
    if (cursor->read < cursor->end) {
        bool pair = *cursor->read == '\r' && cursor->read + 1 < cursor->end && cursor->read[1] == '\n';
        cursor->read += pair ? 2 : 1;
        cursor->line++;
    }
}

/* The inside of a quoted field; the cursor is behind its first quote. False if it is never closed. */
static bool take_quoted(struct cursor *cursor) {
    for (; cursor->read < cursor->end; *cursor->write++ = *cursor->read++) {
        if (*cursor->read == '"') {
            cursor->read++;
            if (cursor->read == cursor->end || *cursor->read != '"') {
                return true;
            }
        }
        bool ends = *cursor->read == '\n' ||
                    (*cursor->read == '\r' && (cursor->read + 1 == cursor->end || cursor->read[1] != '\n'));
        cursor->line += ends;
    }
    return false;
}

/* Takes one field and what ends it. *last tells whether it was the record's last. */
static bool take_field(struct cursor *cursor, bool *last, const char **problem) {
    bool quoted = cursor->read < cursor->end && *cursor->read == '"';
    if (quoted) {
        cursor->read++;
        if (!take_quoted(cursor)) {
            return false;
        }
    }
    while (!at_line_end(cursor) && *cursor->read != cursor->separator) {
        if (quoted) {
            *problem = "text follows a quoted field";
        } else if (*cursor->read == '"') {
            *problem = "a quote stands inside a field that does not begin with one";
        }
        *cursor->write++ = *cursor->read++;
    }
    *last = at_line_end(cursor);
    char *end = cursor->write++;
    if (*last) {
        skip_line_end(cursor);
    } else {
        cursor->read++;
    }
    *end = '\0';
    return true;
}

/* Room for all that the text can hold: a field ends at each separator, a record at each line end, and one of both at
 * the end. */
static bool reserve(const struct cursor *cursor, struct fovea_csv *table) {
    size_t fields = 1, records = 1;
    for (const char *byte = cursor->read; byte < cursor->end; byte++) {
        bool ends = *byte == '\n' || *byte == '\r';
        records += ends;
        fields += ends || *byte == cursor->separator;
    }
    table->records = fv_allocate(records, sizeof *table->records);
    table->fields = fv_allocate(fields, sizeof *table->fields);
    return table->records != NULL && table->fields != NULL;
}

static enum fv_status take_record(const char *name, struct cursor *cursor, struct fovea_csv *table,
                                  struct fv_error *error) {
    struct fovea_csv_record record = {.line = cursor->line, .first = table->field_count};
    for (bool last = false; !last;) {
        const char *field = cursor->write;
        size_t line = cursor->line;
        if (!take_field(cursor, &last, &record.problem)) {
            return fv_error_set(error, FV_ERROR_FORMAT, "%s, line %zu: a quoted field begins here and is never closed",
                                name, line);
        }
        table->fields[table->field_count++] = field;
    }
    record.count = table->field_count - record.first;
    table->records[table->count++] = record;
    return FV_OK;
}

enum fv_status fovea_csv_parse(const char *name, const uint8_t *bytes, size_t size, struct fovea_csv *table,
                               struct fv_error *error) {
    *table = (struct fovea_csv){0};
    const uint8_t *zero = memchr(bytes, 0, size);
    if (zero != NULL) {
        return fv_error_set(error, FV_ERROR_FORMAT,
                            "%s: expected text in UTF-8, found a zero byte at offset %zu (a table in UTF-16?)", name,
                            (size_t)(zero - bytes));
    }
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        size -= 3;
    }
    table->text = size < SIZE_MAX ? fv_allocate(size + 1, 1) : NULL;
    if (table->text == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu bytes", name, size);
    }
    memcpy(table->text, bytes, size);
    struct cursor cursor = {table->text, table->text, table->text + size, 1, 0};
    cursor.separator = table->separator = find_separator(cursor.read, cursor.end);
    enum fv_status status =
        reserve(&cursor, table) ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    while (cursor.read < cursor.end && status == FV_OK) {
        if (at_line_end(&cursor)) {
            skip_line_end(&cursor);
        } else {
            status = take_record(name, &cursor, table, error);
        }
    }
    if (status != FV_OK) {
        fovea_csv_clear(table);
    }
    return status;
}

const char *fovea_csv_field(const struct fovea_csv *table, const struct fovea_csv_record *record, size_t column) {
    return table->fields[record->first + column];
}

void fovea_csv_clear(struct fovea_csv *table) {
    fv_release(table->records);
    fv_release(table->fields);
    fv_release(table->text);
    *table = (struct fovea_csv){0};
}
