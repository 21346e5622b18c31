/* What is known of each input beside its pixels, before work on it begins.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_SCANS_H
#define FOVEA_APPS_SCANS_H

#include "pipeline/inputs.h"
#include "scan/scan.h"

/* What the command line says for all of them. */
struct fovea_scan_defaults {
    double field_mm; /* 0: nothing */
    bool has_layer;
    enum fovea_layer layer;
    const char *table; /* path of the table of scans; NULL: none */
};

/* Settles the scan of every input (scan/resolve.h) from the table, the head of its file, its name and the defaults.
 * *unused receives the names of the table's columns that mean nothing, to be told, or NULL; it lies in the inputs.
 * Errors: those of fovea_scan_table_read and fovea_scan_table_match, FV_ERROR_MEMORY. */
enum fv_status fovea_scans_describe(struct fovea_inputs *inputs, const struct fovea_scan_defaults *defaults,
                                    const char **unused, struct fv_error *error);

#endif
