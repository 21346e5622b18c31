/* The table of scans: what a study knows of each of its images, a row an image.
 *
 * A table of separated values (base/csv.h) with a header. Columns, in any order and among others; all but `file` may be
 * missing, and every field but that of `file` may be blank:
 *   file              the image, as results name it, or its last part alone where only one image has it
 *   fov_mm            side of the scanned square; for square images only
 *   fov_x_mm fov_y_mm width and height of the field; both or none
 *   pixel_spacing_mm  distance of pixels in both directions
 *   eye               OD, OS, R, L, RE, LE, right or left, in any case
 *   layer             superficial, SCP, SVC, deep, DCP, DVC or ICP, in any case
 *   axial_length_mm   of the eye, 14 to 40
 *   subject, visit    texts
 *   page_number       of a TIFF or DICOM file of several, from 1
 * A row says the field of view in one way. Numbers have a decimal point. A column whose name nearly is one of these, or
 * begins as one that carries a number does (fov, pixel, axial), is refused, lest a number be lost without a word; other
 * columns are listed and not used.
 *
 * Thread safety: a table may be read by any number of threads. */
#ifndef FOVEA_APPS_SCAN_TABLE_H
#define FOVEA_APPS_SCAN_TABLE_H

#include "base/csv.h"
#include "fovea/pool.h"
#include "fovea/status.h"
#include "scan/scan.h"

/* What one row says; zero and NULL where it is blank. Texts belong to the table. */
struct fovea_scan_row {
    size_t line;
    const char *file;
    double field_x_mm, field_y_mm;
    bool field_is_side;
    double spacing_mm;
    enum fovea_eye eye;
    bool has_layer;
    enum fovea_layer layer;
    double axial_length_mm;
    const char *subject, *visit;
    uint32_t page;
};

/* A zeroed struct is an empty table. */
struct fovea_scan_table {
    const char *name; /* as it was given; not owned */
    struct fovea_scan_row *rows;
    size_t count;
    const char *unused; /* names of columns that mean nothing here, joined by ", "; NULL: none */
    struct fv_pool texts;
};

/* Reads `size` bytes; `name` goes into messages and must outlive the table. Errors, naming line, column and what was
 * found: FV_ERROR_FORMAT (no column `file`, a column twice or nearly known, a row with another number of fields, a
 * field that is not understood, a field of view in two ways), FV_ERROR_MEMORY. On failure *table is empty; the caller
 * gives it back with fovea_scan_table_clear. */
enum fv_status fovea_scan_table_parse(const char *name, const uint8_t *bytes, size_t size,
                                      struct fovea_scan_table *table, struct fv_error *error);

/* The same for the file at `path`. Errors: also FV_ERROR_FILE. */
enum fv_status fovea_scan_table_read(const char *path, struct fovea_scan_table *table, struct fv_error *error);

/* Finds the image of each row: rows_of[i] becomes the row of the image called names[i], or NULL. Errors, naming the
 * lines: FV_ERROR_FORMAT (a row whose image is not among the names, or could be several; two rows of one image),
 * FV_ERROR_MEMORY. */
enum fv_status fovea_scan_table_match(const struct fovea_scan_table *table, const char *const *names, size_t count,
                                      const struct fovea_scan_row **rows_of, struct fv_error *error);

void fovea_scan_table_clear(struct fovea_scan_table *table);

#endif
