/* The summary at the head of a report. Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_REPORT_SUMMARY_H
#define FOVEA_APPS_REPORT_SUMMARY_H

#include "report/overview.h"

/* Counts of states and grades, reasons, warnings, distributions by layer. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_report_summary(struct fovea_buffer *text, const struct fovea_results *results,
                                    const struct fovea_report_overview *overview, struct fv_error *error);

#endif
