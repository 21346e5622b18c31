/* Working in the folders of the published program (COIPS, Wang et al. 2021), so that a study that began with it can go
 * on.
 *
 * Reads PROJECT/raw_OCTA_images and what lies in PROJECT/processed_OCTA_images/0 already, and writes the published
 * folders, tables, masks and overlays with the published pixel values. Where the published program loses or doubles
 * something this does not:
 * - inputs stay where they are; the published program moves PNG files out of raw_OCTA_images;
 * - tables are written whole and afresh, a row an image; the published program appends, and repeats rows of earlier
 * runs;
 * - a comma, quote or line break in a path is quoted as in RFC 4180; an apostrophe stays;
 * - images whose names are equal up to the first dot are refused; the published program overwrites one with the other;
 * - a label is kept without --overwrite only if the image is still the same;
 * - an image whose grade changed leaves the folder of its former grade;
 * - rows are in the order of names;
 * - one image that cannot be used does not stop the others, and each that the published program would skip or stop at
 * is a failure with its reason. What the run found out, with failures and models, is also in PROJECT/fovea, as
 * results.csv, results.json and report.html.
 *
 * Thread safety: for the main thread; it watches signals and prints. */
#ifndef FOVEA_APPS_COIPS_H
#define FOVEA_APPS_COIPS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/models.h"

struct fovea_coips_options {
    const char *command;      /* for messages */
    const char *project;      /* the published base_dir */
    const char *models;       /* a folder or file; NULL: the shipped ones */
    const char *project_name; /* how the tables' names begin; NULL: "3x3" or "6x6", by the field of view */
    double field_mm;          /* 3 or 6 */
    enum fovea_layer layer;
    bool overwrite; /* segment again what has a label already */
    size_t threads; /* 0: what the machine gives */
};

/* Does it all and prints progress, failures and a summary. Returns the program's exit status; interrupted, it leaves
 * the tables as they were. */
int fovea_coips_run(const struct fovea_coips_options *options);

#endif
