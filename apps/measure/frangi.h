/* Multi-scale vesselness in two dimensions: A. F. Frangi et al., Multiscale vessel enhancement filtering, MICCAI 1998,
 * equations 12 and 15, for bright vessels.
 *
 * Thread safety: reentrant. The same bits on every machine. */
#ifndef FOVEA_APPS_MEASURE_FRANGI_H
#define FOVEA_APPS_MEASURE_FRANGI_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { FOVEA_FRANGI_SCALES_MAX = 16, FOVEA_FRANGI_SIGMA_MOST = 64 /* pixels */ };
#define FOVEA_FRANGI_SIGMA_LEAST 0.5
#define FOVEA_FRANGI_ROUNDING 1e-6 /* a scale with gamma 0 and no S above this / sigma^2 is flat and adds nothing */

struct fovea_frangi {
    double sigma_px[FOVEA_FRANGI_SCALES_MAX];
    size_t scales;
    double beta;  /* how much a blob is a vessel; 0.5 in the paper */
    double gamma; /* what structure is told from noise; 0: at each scale half of the greatest S that is 3 sigma from the
                     border */
};

/* vesselness (height x width) = the greatest over the scales of exp(-(R / beta)^2 / 2) (1 - exp(-(S / gamma)^2 / 2)),
 * R = |l1| / l2, S = sqrt(l1^2 + l2^2), with l1, l2 the eigenvalues of the negated Hessian, |l1| <= |l2|; 0 where l2 is
 * negative. `image` (height x width, bytes) counts as 0 to 1 and as reflected at its borders (d c b a | a b c d); a
 * vessel that leaves the image makes a crease with its reflection, whose S does not set gamma.
 *
 * The Hessian is that of scikit-image's hessian_matrix(use_gaussian_derivatives=True): two first derivatives of
 * Gaussians of sigma / sqrt(2) each, sampled, here as one filter of radius 5 sigma. The results equal those of
 * scikit-image's frangi(black_ridges=False) for the same gamma, but near the border, where that reflects a gradient
 * without turning it. With gamma=None scikit-image keeps the first scale's gamma for all, which leaves hardly anything
 * of wide vessels; the paper does not. Sums are single precision.
 *
 * Errors: FV_ERROR_ARGUMENT (no scale or too many, one outside the above, a zero side), FV_ERROR_MEMORY. */
enum fv_status fovea_frangi_filter(const struct fovea_frangi *frangi, const uint8_t *image, uint32_t width,
                                   uint32_t height, float *vesselness, struct fv_error *error);

#endif
