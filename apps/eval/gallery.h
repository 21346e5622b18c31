/* The segmentations of a set, worst first: with both outlines on the image where the images are given, as in Figures 6
 * and 7 of Wang et al. 2021, else as a table.
 *
 * Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_EVAL_GALLERY_H
#define FOVEA_APPS_EVAL_GALLERY_H

#include "base/buffer.h"
#include "eval/eval.h"

/* Appends them as HTML. A picture that cannot be drawn is replaced by the reason. Errors: FV_ERROR_FILE (the folder of
 * images cannot be read), FV_ERROR_MEMORY. */
enum fv_status fovea_gallery_add(struct fovea_buffer *text, const struct fovea_eval_options *options,
                                 const struct fovea_eval_set *set, struct fv_error *error);

#endif
