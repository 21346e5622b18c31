/* How well a mask agrees with its reference: Wang et al. 2021, eq. 6 to 13.
 *
 * Masks hold a byte a pixel, 0 background and anything else FAZ. TP, FP, FN and TN count pixels: FAZ in both, in the
 * prediction only, in the reference only, in neither. NaN stands for what is undefined (nothing by nothing) or was not
 * asked for.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_EVAL_SEGMENTATION_H
#define FOVEA_APPS_EVAL_SEGMENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/npy.h"
#include "fovea/status.h"

struct fovea_overlap {
    size_t true_positives, false_positives, false_negatives, true_negatives;
};

/* What is known of each image, in the order in which it is reported. */
enum fovea_mask_figure {
    FOVEA_MASK_DICE,
    FOVEA_MASK_DICE_SMOOTHED,
    FOVEA_MASK_JACCARD,
    FOVEA_MASK_PRECISION,
    FOVEA_MASK_RECALL,
    FOVEA_MASK_DICE_LOSS,
    FOVEA_MASK_OVERLAP_FIGURES, /* those before follow from the overlap alone and can be pooled */
    FOVEA_MASK_CROSS_ENTROPY = FOVEA_MASK_OVERLAP_FIGURES, /* those from here on need probabilities */
    FOVEA_MASK_CROSS_ENTROPY_PRINTED,
    FOVEA_MASK_SOFT_DICE_LOSS,
    FOVEA_MASK_COMBINED_LOSS,
    FOVEA_MASK_PREDICTED_AREA, /* those from here on need the field of view */
    FOVEA_MASK_REFERENCE_AREA,
    FOVEA_MASK_AREA_ERROR,
    FOVEA_MASK_FIGURES,
};

struct fovea_mask_figure_text {
    const char *name; /* ends in the unit, where there is one */
    const char *label;
    const char *formula;
};
extern const struct fovea_mask_figure_text fovea_mask_figure_texts[FOVEA_MASK_FIGURES];

/* Counts `pixels` pixels. */
struct fovea_overlap fovea_overlap_count(const uint8_t *predicted, const uint8_t *reference, size_t pixels);

/* The figures of the overlap; figures[0 .. FOVEA_MASK_OVERLAP_FIGURES - 1] are set. If `empty_is_one`, the Dice
 * coefficient, Jaccard index, precision and recall of two empty masks are 1 and not undefined. */
void fovea_overlap_score(const struct fovea_overlap *overlap, bool empty_is_one, double *figures);

/* The losses of a map of probabilities against `reference` (height x width): figures[FOVEA_MASK_CROSS_ENTROPY] to
 * figures[FOVEA_MASK_COMBINED_LOSS] are set; the last needs figures[FOVEA_MASK_DICE_LOSS]. `map` holds
 * [classes][height] [width], class 0 the background, or [height][width], the probability of the FAZ. An infinite
 * cross-entropy (a probability of 0 where the reference says otherwise) gives NaN. Errors, naming `name`:
 * FV_ERROR_FORMAT (another shape, a value that is no probability). */
enum fv_status fovea_mask_losses(const char *name, const struct fv_npy *map, const uint8_t *reference, uint32_t width,
                                 uint32_t height, double *figures, struct fv_error *error);

/* The areas of a square image of `side` pixels over `field_mm` (eq. 10); the last three figures are set. */
void fovea_mask_areas(const struct fovea_overlap *overlap, uint32_t side, double field_mm, double *figures);

#endif
