/* Whether an image is one that this run can work on, by what is known of its scan.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_SCAN_CHECK_H
#define FOVEA_APPS_SCAN_CHECK_H

#include "image/image.h"
#include "pipeline/image_stages.h"

/* Whether the image of `scan` is graded by `work` itself: all but deep ones. */
bool fovea_scan_is_graded(const struct fovea_work *work, const struct fovea_scan *scan);

/* Checks that what the stages need of the scan is known, fits the image and is served by the run's models. Errors,
 * naming `name` and what would help: FV_ERROR_UNSUPPORTED. */
enum fv_status fovea_scan_check(const struct fovea_work *work, const char *name, const struct fovea_scan *scan,
                                const struct fovea_image *image, struct fv_error *error);

/* The part of it that grading alone needs. */
enum fv_status fovea_scan_check_grading(const struct fovea_work *work, const char *name, const struct fovea_scan *scan,
                                        struct fv_error *error);

/* What is to be known of the scan and its file, in words, or NULL if there is nothing or memory is exhausted; given
 * back with fv_release. `image` is empty if it could not be read; `ungraded` says why it has no grade (NULL: nothing is
 * to be said). */
char *fovea_scan_remarks(const struct fovea_scan *scan, const struct fovea_image *image, const char *ungraded);

#endif
