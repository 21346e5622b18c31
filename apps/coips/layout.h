/* The folders of the published program below its base_dir.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_COIPS_LAYOUT_H
#define FOVEA_APPS_COIPS_LAYOUT_H

#include "fovea/status.h"
#include "pipeline/grade.h"

#define COIPS_RAW "raw_OCTA_images"
#define COIPS_PROCESSED "processed_OCTA_images/0"
#define COIPS_REPORT "report"
#define COIPS_FOVEA "fovea"

/* quality_assessment/GRADE of each grade. */
extern const char *const coips_grade_folders[FOVEA_QUALITY_COUNT];

/* Folders below FAZ_segmentation/GRADE. */
enum coips_product { COIPS_NIFTI, COIPS_LABEL, COIPS_MASK, COIPS_PRODUCT_COUNT };

/* Makes every folder that the published program makes, and our own. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status coips_layout_make(const char *project, struct fv_error *error);

/* "PROJECT/FOLDER/NAME" as Python's os.path.join writes it. NULL if memory is exhausted; the caller releases it. */
char *coips_path(const char *project, const char *folder, const char *name);

/* Where a product of the image `stem` goes, for the grades gradable and outstanding: the label, the picture of the
 * mask, the NIfTI file of channel `channel` (0 for the others). NULL if memory is exhausted; the caller releases it. */
char *coips_product_path(const char *project, enum fovea_quality grade, enum coips_product product, const char *stem,
                         unsigned channel);

#endif
