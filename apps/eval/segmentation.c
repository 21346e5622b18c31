#include "eval/segmentation.h"

#include <math.h>

static const double SMOOTHING = 1.0; /* of eq. 6 */
static const double SLACK = 1e-4;    /* by which a probability in float32 may leave 0 .. 1 */

const struct fovea_mask_figure_text fovea_mask_figure_texts[FOVEA_MASK_FIGURES] = {
    {"dice", "Dice", "2 TP / (2 TP + FP + FN)"},
    {"dice_smoothed", "Dice, smoothed",
     "(2 TP + 1) / (2 TP + FP + FN + 1) (Wang et al. 2021, eq. 6); 1 for two empty masks"},
    {"jaccard", "Jaccard", "TP / (TP + FP + FN) (eq. 11)"},
    {"precision", "Precision", "TP / (TP + FP) (eq. 12)"},
    {"recall", "Recall", "TP / (TP + FN) (eq. 13)"},
    {"dice_loss", "Dice loss", "1 \xe2\x88\x92 smoothed Dice (eq. 7)"},
    {"cross_entropy", "Cross-entropy",
     "mean over pixels of \xe2\x88\x92log of the probability of the reference's class, FAZ and background"},
    {"cross_entropy_printed", "Cross-entropy, eq. 8 as printed",
     "\xe2\x88\x92\xce\xa3 R log S over the pixels of the FAZ only, a sum"},
    {"soft_dice_loss", "Dice loss, soft",
     "1 \xe2\x88\x92 (2 \xce\xa3 RS + 1) / (\xce\xa3 R + \xce\xa3 S + 1), S the probability of the FAZ"},
    {"combined_loss", "Combined loss", "0.5 cross-entropy + 0.5 Dice loss (eq. 9)"},
    {"predicted_area_mm2", "Predicted area, mm\xc2\xb2",
     "N a\xc2\xb2 / z\xc2\xb2: N pixels, a the field of view, z the pixels a side (eq. 10)"},
    {"reference_area_mm2", "Reference area, mm\xc2\xb2", "the same of the reference"},
    {"area_error_mm2", "Area error, mm\xc2\xb2", "predicted \xe2\x88\x92 reference area"},
};

struct fovea_overlap fovea_overlap_count(const uint8_t *predicted, const uint8_t *reference, size_t pixels) {
    size_t predicted_pixels = 0, reference_pixels = 0, both = 0;
    for (size_t i = 0; i < pixels; i++) {
        predicted_pixels += predicted[i] != 0;
        reference_pixels += reference[i] != 0;
        both += (predicted[i] != 0) & (reference[i] != 0);
    }
    return (struct fovea_overlap){both, predicted_pixels - both, reference_pixels - both,
                                  pixels - predicted_pixels - reference_pixels + both};
}

static double ratio(double part, double whole) {
    return whole > 0.0 ? part / whole : NAN;
}

void fovea_overlap_score(const struct fovea_overlap *overlap, bool empty_is_one, double *figures) {
    double hits = (double)overlap->true_positives, alarms = (double)overlap->false_positives,
           misses = (double)overlap->false_negatives;
    figures[FOVEA_MASK_DICE] = ratio(2.0 * hits, 2.0 * hits + alarms + misses);
    figures[FOVEA_MASK_DICE_SMOOTHED] = (2.0 * hits + SMOOTHING) / (2.0 * hits + alarms + misses + SMOOTHING);
    figures[FOVEA_MASK_JACCARD] = ratio(hits, hits + alarms + misses);
    figures[FOVEA_MASK_PRECISION] = ratio(hits, hits + alarms);
    figures[FOVEA_MASK_RECALL] = ratio(hits, hits + misses);
    figures[FOVEA_MASK_DICE_LOSS] = 1.0 - figures[FOVEA_MASK_DICE_SMOOTHED];
    if (empty_is_one && hits + alarms + misses == 0.0) {
        figures[FOVEA_MASK_DICE] = figures[FOVEA_MASK_JACCARD] = 1.0;
        figures[FOVEA_MASK_PRECISION] = figures[FOVEA_MASK_RECALL] = 1.0;
    }
}

static enum fv_status check_shape(const char *name, const struct fv_npy *map, uint32_t width, uint32_t height,
                                  struct fv_error *error) {
    bool plane = map->rank == 2 && map->shape[0] == height && map->shape[1] == width;
    bool classes = map->rank == 3 && map->shape[0] >= 2 && map->shape[1] == height && map->shape[2] == width;
    if (!plane && !classes) {
        return fv_error_set(error, FV_ERROR_FORMAT,
                            "%s: expected probabilities of shape classes x %u x %u, found %u dimensions: %zu x %zu x "
                            "%zu",
                            name, height, width, map->rank, map->shape[0], map->shape[1], map->shape[2]);
    }
    for (size_t i = 0; i < map->elements; i++) {
        double value = map->values[i];
        if (!(value >= -SLACK && value <= 1.0 + SLACK)) {
            return fv_error_set(error, FV_ERROR_FORMAT, "%s: expected probabilities, found %g at element %zu", name,
                                value, i);
        }
    }
    return FV_OK;
}

/* The probabilities of the two classes at a pixel; the FAZ's is that of all classes but the background. */
static void two_classes(const struct fv_npy *map, size_t pixels, size_t pixel, double *background, double *foreground) {
    if (map->rank == 2) {
        *foreground = map->values[pixel];
        *background = 1.0 - *foreground;
        return;
    }
    *background = map->values[pixel];
    *foreground = 0.0;
    for (size_t k = 1; k < map->shape[0]; k++) {
        *foreground += map->values[k * pixels + pixel];
    }
}

static double finite_or_nan(double value) {
    return isfinite(value) ? value : NAN;
}

enum fv_status fovea_mask_losses(const char *name, const struct fv_npy *map, const uint8_t *reference, uint32_t width,
                                 uint32_t height, double *figures, struct fv_error *error) {
    enum fv_status status = check_shape(name, map, width, height, error);
    if (status != FV_OK) {
        return status;
    }
    size_t pixels = (size_t)width * height;
    double printed = 0.0, other = 0.0, both = 0.0, sums = 0.0;
    for (size_t i = 0; i < pixels; i++) {
        double background, foreground;
        two_classes(map, pixels, i, &background, &foreground);
        bool inside = reference[i] != 0;
        printed -= inside ? log(fmax(foreground, 0.0)) : 0.0;
        other -= inside ? 0.0 : log(fmax(background, 0.0));
        both += inside ? foreground : 0.0;
        sums += foreground + (inside ? 1.0 : 0.0);
    }
    figures[FOVEA_MASK_CROSS_ENTROPY] = finite_or_nan((printed + other) / (double)pixels);
    figures[FOVEA_MASK_CROSS_ENTROPY_PRINTED] = finite_or_nan(printed);
    figures[FOVEA_MASK_SOFT_DICE_LOSS] = 1.0 - (2.0 * both + SMOOTHING) / (sums + SMOOTHING);
    figures[FOVEA_MASK_COMBINED_LOSS] = 0.5 * figures[FOVEA_MASK_CROSS_ENTROPY] + 0.5 * figures[FOVEA_MASK_DICE_LOSS];
    return FV_OK;
}

void fovea_mask_areas(const struct fovea_overlap *overlap, uint32_t side, double field_mm, double *figures) {
    double pixel_mm2 = (field_mm * field_mm) / ((double)side * (double)side);
    figures[FOVEA_MASK_PREDICTED_AREA] = pixel_mm2 * (double)(overlap->true_positives + overlap->false_positives);
    figures[FOVEA_MASK_REFERENCE_AREA] = pixel_mm2 * (double)(overlap->true_positives + overlap->false_negatives);
    figures[FOVEA_MASK_AREA_ERROR] = figures[FOVEA_MASK_PREDICTED_AREA] - figures[FOVEA_MASK_REFERENCE_AREA];
}
