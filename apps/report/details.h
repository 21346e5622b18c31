/* All that is known of one image. Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_REPORT_DETAILS_H
#define FOVEA_APPS_REPORT_DETAILS_H

#include "pipeline/results.h"

/* A section with the id image-NUMBER: pictures, state, grade, scan and where it came from, remarks, warnings, files,
 * measures in groups. `report`: the URL of the table and the formulas, "" if they are in the same page, which then
 * holds the picture of the image under its number already. */
void fovea_report_details(struct fovea_buffer *text, const struct fovea_result *result, size_t number,
                          const char *report);

#endif
