/* The table of images. Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_REPORT_TABLE_H
#define FOVEA_APPS_REPORT_TABLE_H

#include "report/overview.h"

/* What a row needs beside its result. */
struct fovea_report_table {
    const struct fovea_results *results;
    const struct fovea_report_overview *overview; /* tells which columns there are */
    bool light;                                   /* no pictures, and the details are in pages/ */
};

/* Up to the body, with the place of the controls. */
void fovea_report_table_begin(struct fovea_buffer *text, const struct fovea_report_table *table);

/* The row of the image `number`, from 1. */
void fovea_report_table_row(struct fovea_buffer *text, const struct fovea_report_table *table,
                            const struct fovea_result *result, size_t number);

/* The end, and the script. */
void fovea_report_table_end(struct fovea_buffer *text);

#endif
