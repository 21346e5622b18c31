/* Tables of separated values, read as RFC 4180 says and as programs write them.
 *
 * The separator is the first of comma, semicolon and tab that the first line holds outside quotes. Lines end in \n,
 * \r\n or \r; a byte order mark of UTF-8 is dropped; lines without any byte hold no record. Quoted fields may hold
 * separators, line breaks and doubled quotes.
 *
 * Thread safety: a table may be read by any number of threads. */
#ifndef FOVEA_APPS_CSV_H
#define FOVEA_APPS_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

struct fovea_csv_record {
    size_t line;         /* where it begins; the first is 1 */
    size_t first, count; /* its fields */
    const char *problem; /* what is malformed in it, as a static text; NULL: nothing */
};

/* A zeroed struct is an empty table. */
struct fovea_csv {
    struct fovea_csv_record *records;
    size_t count;
    const char **fields; /* of all records; each zero-terminated */
    size_t field_count;
    char separator;
    char *text; /* holds the fields */
};

/* Parses `size` bytes; `name` goes into messages. Records with text around a quoted field or a quote inside a plain one
 * are kept and say so in `problem`. Errors: FV_ERROR_FORMAT (a zero byte, as in UTF-16; a quoted field that is never
 * closed; the message names the line), FV_ERROR_MEMORY. On failure *table is empty; on success the caller gives it back
 * with fovea_csv_clear. */
enum fv_status fovea_csv_parse(const char *name, const uint8_t *bytes, size_t size, struct fovea_csv *table,
                               struct fv_error *error);

/* Field `column` of `record`, which has it. */
const char *fovea_csv_field(const struct fovea_csv *table, const struct fovea_csv_record *record, size_t column);

/* Frees the table; it is empty again. */
void fovea_csv_clear(struct fovea_csv *table);

#endif
