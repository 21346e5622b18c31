/* The pages of images of a large report: OUT/pages/page-0001.html and so on, in the order of the results.
 *
 * Thread safety: reentrant; two calls must not work on one folder. */
#ifndef FOVEA_APPS_REPORT_PAGES_H
#define FOVEA_APPS_REPORT_PAGES_H

#include "pipeline/results.h"

/* A report of more images than FOVEA_REPORT_SINGLE has pages, of FOVEA_REPORT_PER_PAGE each. */
enum { FOVEA_REPORT_SINGLE = 200, FOVEA_REPORT_PER_PAGE = 50 };

/* "pages" */
extern const char fovea_report_pages_folder[];

/* How many pages the report of so many images has. */
size_t fovea_report_page_count(size_t images);

/* The page, from 1, of the image `number`, from 1. */
size_t fovea_report_page_of(size_t number);

/* Appends pages/page-NNNN.html. */
void fovea_report_page_name(struct fovea_buffer *text, size_t page);

/* Writes all pages into the folder `pages`, which is made if need be; each is complete or not at all. Nothing if the
 * report has none. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY, those of the source. */
enum fv_status fovea_report_pages_write(const struct fovea_results *results, const char *pages, struct fv_error *error);

/* Removes pages of numbers above `keep` from the folder `pages`, and the folder if it becomes empty. Allocates nothing
 * of the program's memory. Errors: FV_ERROR_FILE. */
enum fv_status fovea_report_pages_trim(const char *pages, size_t keep, struct fv_error *error);

/* Whether the run folder `output` has all pages of a report of so many images. */
bool fovea_report_pages_exist(const char *output, size_t images);

#endif
