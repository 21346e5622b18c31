/* The published tables. Thread safety: reentrant. */
#ifndef FOVEA_APPS_COIPS_TABLES_H
#define FOVEA_APPS_COIPS_TABLES_H

#include "coips/coips.h"
#include "coips/listing.h"
#include "pipeline/results.h"

/* Writes report/NAME_quality_assessment.csv ("PATH, GRADE", the path being that in processed_OCTA_images as Python
 * joins it; not for deep images, which are not graded) and report/NAME_FAZ_area_GRADE.csv ("STEM,AREA" as Python's repr
 * writes it) for the two grades that are segmented, from the results of the listing's images in its order. A table
 * without rows is not made; if it was there already, it becomes empty. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status coips_tables_write(const struct fovea_coips_options *options, const struct coips_listing *listing,
                                  const struct fovea_result_list *results, struct fv_error *error);

#endif
