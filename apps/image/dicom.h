/* Private to this room: DICOM files, through a library whose language is C++.
 *
 * dicom.cpp implements this with dcmtk; a build without it (meson option `dicom`) has dicom_absent.c, where opening
 * fails. No exception leaves dicom.cpp, dcmtk prints nothing, and no value of a file's patient group is read.
 *
 * Read are the images of which an en-face angiogram can be one: Ophthalmic OCT En Face, Ophthalmic Photography of 8 and
 * 16 bits, Secondary Capture. Attributes: PS3.3, C.7.6.3 (pixels), C.11.1 and C.11.2 (rescaling and window), C.8.17.14
 * (en face); PS3.5, A.4 (encapsulation).
 *
 * Thread safety: different files may be read by different threads; a struct belongs to one at a time. */
#ifndef FOVEA_APPS_IMAGE_DICOM_H
#define FOVEA_APPS_IMAGE_DICOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

/* How the pixels of a frame are stored. */
enum fovea_dicom_coding { FOVEA_DICOM_PLAIN, FOVEA_DICOM_RLE, FOVEA_DICOM_JPEG };

/* What a file says about its pixels and the eye. */
struct fovea_dicom_content {
    enum fovea_dicom_coding coding;
    uint32_t columns, rows, frames;
    uint32_t samples;    /* per pixel: 1, or 3 for RGB */
    uint32_t allocated;  /* bits of a sample in memory: 8 or 16 */
    uint32_t stored;     /* of them used, 1 .. allocated; */
    uint32_t high;       /* the highest of these, from 0 */
    bool inverted;       /* MONOCHROME1: the least value is white */
    bool planar;         /* RGB: one plane after the other */
    double slope;        /* rescaled value = slope x stored value + intercept; */
    double intercept;    /* slope is not 0 */
    bool windowed;       /* the file says how rescaled values are shown: */
    double window_level; /* its first window, */
    double window_width; /* at least 1 */
    bool window_unusual; /* it has a table or a function that is not linear, which is not applied */

    double spacing_x_mm, spacing_y_mm; /* between centres of pixels; 0: not said */
    bool spacing_unclear;              /* it is said in several ways that differ, or is no positive number */
    char laterality;                   /* 'R', 'L'; 0: not said, or both */
    bool laterality_unclear;           /* it is said in several ways that differ */
    bool burnt_in;                     /* the pixels hold text: BurnedInAnnotation is YES */
};

struct fovea_dicom;

/* Whether this build reads DICOM. */
bool fovea_dicom_is_built(void);
/* The library that reads it and its version, for example "dcmtk 3.6.7"; "none". A static text. */
const char *fovea_dicom_library(void);

/* Parses the file in memory, which must stay, and stores what it says. Errors, naming `name`: FV_ERROR_FORMAT
 * (damaged), FV_ERROR_UNSUPPORTED (another kind of object, another transfer syntax: the message names it; pixels that a
 * vendor has scrambled; signed or palette pixels), FV_ERROR_MEMORY. On failure *file is NULL; the caller gives it back
 * with fovea_dicom_close. */
enum fv_status fovea_dicom_open(const char *name, const uint8_t *bytes, size_t size, struct fovea_dicom **file,
                                struct fovea_dicom_content *content, struct fv_error *error);

/* The bytes of frame `frame` (from 0): rows x columns x samples of `allocated` bits in native byte order, or the RLE
 * segments or the JPEG file that they are stored as. The caller gives *bytes back with fv_release. Errors, naming
 * `name`: FV_ERROR_FORMAT (missing or damaged pixels), FV_ERROR_UNSUPPORTED (a frame beyond the limits of image.h),
 * FV_ERROR_MEMORY. On failure *bytes is NULL. */
enum fv_status fovea_dicom_take_frame(struct fovea_dicom *file, const char *name, uint32_t frame, uint8_t **bytes,
                                      size_t *size, struct fv_error *error);

/* Decodes a frame of RLE Lossless (PS3.5 annex G: up to 15 segments, each the bytes of one significance of one sample,
 * most significant first, packed as PackBits) into `planes`, which holds `count` bytes for each of the `segments` that
 * there must be. Errors, naming `name`: FV_ERROR_FORMAT. */
enum fv_status fovea_dicom_unpack(const char *name, const uint8_t *bytes, size_t size, uint32_t segments, size_t count,
                                  uint8_t *planes, struct fv_error *error);

/* NULL is allowed. */
void fovea_dicom_close(struct fovea_dicom *file);

#endif
