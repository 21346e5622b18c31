/* The parts of nnU-Net's (version 1) inference around the network: cropping, normalising, padding, tiles, their weights
 * and mirroring, as the published program does them, bit for bit where the arithmetic is float32.
 *
 * Planes are row-major. Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_NNUNET_H
#define FOVEA_APPS_NNUNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A rectangle of pixels. */
struct fovea_box {
    size_t top, left, height, width;
};

enum { FOVEA_PLANES_MAX = 8 };

/* The channels of an image, each a plane of its own; the same plane may stand several times. */
struct fovea_planes {
    size_t count;
    uint32_t width, height;
    uint32_t bits;                         /* per sample: 8 or 16 (native byte order) */
    const void *samples[FOVEA_PLANES_MAX]; /* height x width of uint8_t or uint16_t */
};

/* The smallest box around the pixels that are not zero in all planes. False if all are zero. */
bool fovea_nnunet_crop(const struct fovea_planes *planes, struct fovea_box *box);

/* result[c] = (plane[c] - mean) / (deviation + 1e-8) inside `box`, in double, then cast to float32; mean and
 * population deviation over the box, or where masked[c] over those of its pixels that are not zero in all planes, the
 * others becoming 0. `result` holds planes->count x box->height x box->width floats. */
void fovea_nnunet_normalise(const struct fovea_planes *planes, const struct fovea_box *box, const bool *masked,
                            float *result);

/* How many tiles of `patch` pixels cover `length` (at least `patch`) in steps of at most `step` patches, and where tile
 * `index` of them begins: at round(index * (length - patch) / (tiles - 1)), halves to even. */
size_t fovea_nnunet_tiles(size_t length, size_t patch, double step);
size_t fovea_nnunet_tile_start(size_t length, size_t patch, size_t tiles, size_t index);

/* The weight of each pixel of a tile where several overlap: a Gaussian (SciPy's gaussian_filter of a unit impulse at
 * patch / 2, sigma an eighth of the patch, truncated at 4 sigma), divided by its maximum; `weights` holds height x
 * width floats, of which none is zero. `row` is scratch of width doubles, `column` of height. */
void fovea_nnunet_gaussian(size_t height, size_t width, double *column, double *row, float *weights);

/* Where a rectangle lies in planes that may be larger than it: `stride` floats from row to row, `plane` from plane to
 * plane. */
struct fovea_layout {
    size_t stride, plane;
};

/* Copies `planes` planes of height x width, which begin at `source` and lie there as `layout` says, into dense ones,
 * flipped top to bottom or left to right or both. */
void fovea_nnunet_flip(const float *source, struct fovea_layout layout, size_t planes, size_t height, size_t width,
                       bool vertical, bool horizontal, float *result);

/* sum += share * p, where p are the `planes` planes flipped back. */
void fovea_nnunet_add_flipped(const float *source, size_t planes, size_t height, size_t width, bool vertical,
                              bool horizontal, float share, float *sum);

#endif
