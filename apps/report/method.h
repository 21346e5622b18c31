/* How results were made: models, options, formulas. Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_REPORT_METHOD_H
#define FOVEA_APPS_REPORT_METHOD_H

#include "pipeline/results.h"

/* The models with what is said of them, how they were used, and what each measure is. */
void fovea_report_method(struct fovea_buffer *text, const struct fovea_results *results);

#endif
