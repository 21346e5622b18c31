/* A mask or label image as it lies on disk: PNG, TIFF, BMP or NIfTI, recognised by content.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_EVAL_MASK_FILE_H
#define FOVEA_APPS_EVAL_MASK_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/status.h"

/* Which pixels are FAZ. */
enum fovea_foreground_kind {
    FOVEA_FOREGROUND_ONLY,  /* those of the only value beside 0 */
    FOVEA_FOREGROUND_ANY,   /* all but 0 */
    FOVEA_FOREGROUND_VALUE, /* those of one value */
};

struct fovea_foreground {
    enum fovea_foreground_kind kind;
    uint32_t value; /* 1 .. 65535, where a value is given */
};

struct fovea_mask {
    uint8_t *pixels; /* height x width, 0 or 1; owned */
    uint32_t width, height;
    bool other; /* a value was asked for, and the file holds only others beside 0 */
};

/* Reads the file at `path`; messages call it `name`. Colour files with three equal channels count as grey, alpha is
 * dropped, the orientation is applied, samples of 16 bits keep their values. Errors: FV_ERROR_FILE, FV_ERROR_FORMAT
 * (none of the formats, damaged, several values beside 0 with FOVEA_FOREGROUND_ONLY), FV_ERROR_UNSUPPORTED (JPEG, whose
 * compression changes labels; true colour; several pages), FV_ERROR_MEMORY. On failure *mask is empty; on success the
 * caller gives it back with fovea_mask_release. */
enum fv_status fovea_mask_read(const char *path, const char *name, const struct fovea_foreground *foreground,
                               struct fovea_mask *mask, struct fv_error *error);

void fovea_mask_release(struct fovea_mask *mask);

/* Puts `name` in the place of `path` where the message of `error` begins with it, so that reports show no folders of
 * this machine. */
void fovea_shorten_message(struct fv_error *error, const char *path, const char *name);

#endif
