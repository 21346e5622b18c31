/* Images as the libraries of the published program (COIPS) see them: other rules for the second step of reading, beside
 * fovea_image_to_grey.
 *
 * Each takes an image as fovea_image_read decoded it and turns it, in place, into what that library returns for the
 * same file: byte for byte with OpenCV 4.6, Pillow 9.4 and scikit-image 0.19 (on imageio) for every file that
 * fovea_image_read takes, but DICOM, which they do not read. Errors of all, naming `name`: FV_ERROR_MEMORY, and where
 * said FV_ERROR_UNSUPPORTED; on failure the image is unchanged.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_IMAGE_PUBLISHED_H
#define FOVEA_APPS_IMAGE_PUBLISHED_H

#include "image/image.h"

/* cv2.imread: RGB of 8 bits (OpenCV's order is BGR), upright by its orientation, grey repeated. Alpha is dropped, after
 * the colours of a TIFF were multiplied by it; 16 bits give their high byte, but colour TIFF (v + 128) / 257.
 * FV_ERROR_UNSUPPORTED: a DICOM image. */
enum fv_status fovea_image_to_opencv(const char *name, struct fovea_image *image, struct fv_error *error);

/* Pillow's convert("RGB"): RGB of 8 bits, not turned, alpha dropped, grey repeated. 16 bits give their high byte, but
 * grey is cut at 255. */
enum fv_status fovea_image_to_pillow(const char *name, struct fovea_image *image, struct fv_error *error);

/* Pillow's convert("RGBA"): the same with alpha, 255 where there is none. FV_ERROR_UNSUPPORTED: 16 bit grey with a
 * transparent colour. */
enum fv_status fovea_image_to_pillow_rgba(const char *name, struct fovea_image *image, struct fv_error *error);

/* skimage.io.imread of a PNG file: grey stays 1 channel of 8 or 16 bits, as do palettes of greys; other palettes and
 * grey with alpha become RGBA; RGB and RGBA stay, with the high byte of 16 bits. A transparent colour that is no
 * palette entry is ignored. */
enum fv_status fovea_image_to_skimage(const char *name, struct fovea_image *image, struct fv_error *error);

#endif
