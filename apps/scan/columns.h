/* What results tell of a scan, as columns of text: for tables, and for stores that give it back.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_SCAN_COLUMNS_H
#define FOVEA_APPS_SCAN_COLUMNS_H

#include "base/buffer.h"
#include "fovea/pool.h"
#include "scan/scan.h"

struct fovea_scan_column {
    const char *name;
    bool number; /* else a word or text */
};

/* In the order of results.csv: fov_mm (blank if width and height differ), fov_x_mm, fov_y_mm, fov_source, layer,
 * layer_source, eye, eye_source, name_size_mm, subject, visit. */
extern const struct fovea_scan_column fovea_scan_columns[];
extern const size_t fovea_scan_column_count;

/* Appends the value of column `index`, plainly; nothing if it is unknown. */
void fovea_scan_column_add(const struct fovea_scan *scan, size_t index, struct fovea_buffer *text);

/* Appends all that is known of the scan beforehand, also what no column tells, so that two scans have the same text
 * just if the same would come of them. */
void fovea_scan_fingerprint(const struct fovea_scan *scan, struct fovea_buffer *text);

/* Sets what column `index` tells from a text that fovea_scan_column_add made ("": unknown); texts are copied into
 * `texts`. False, and nothing is set, if it could not be made so or memory is exhausted. All columns given back in
 * their order make a scan that has the same columns. */
bool fovea_scan_column_take(struct fovea_scan *scan, size_t index, const char *value, struct fv_pool *texts);

#endif
