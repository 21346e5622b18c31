/* COIPS (Wang et al. 2021): the graders' preparation and classes, and which segmenter serves which field of view. The
 * published program chooses the segmenter by the field of view alone, so each serves both layers. */
#include "preset.h"

#include <string.h>

static const char *const grades[] = {"ungradable", "gradable", "outstanding"};
static const char *const regions[] = {"background", "FAZ"};
static const char *const graded_layers[] = {"superficial"};
static const char *const segmented_layers[] = {"superficial", "deep"};
static const float imagenet_mean[] = {0.485f, 0.456f, 0.406f}, imagenet_deviation[] = {0.229f, 0.224f, 0.225f};
static const float half[] = {0.5f};
static const float small_field[] = {3}, large_field[] = {6};

static const struct preset presets[] = {
    {
        .name = "coips-3x3",
        .grader = {.task = "quality",
                   .classes = grades,
                   .class_count = 3,
                   .resize = "bicubic",
                   .resize_size = 384,
                   .mean = imagenet_mean,
                   .deviation = imagenet_deviation,
                   .mean_count = 3,
                   .fields = small_field,
                   .field_count = 1,
                   .layers = graded_layers,
                   .layer_count = 1},
        .segmenter = {.task = "segmentation",
                      .classes = regions,
                      .class_count = 2,
                      .fields = small_field,
                      .field_count = 1,
                      .layers = segmented_layers,
                      .layer_count = 2},
        .trained = "superficial",
    },
    {
        .name = "coips-6x6",
        .grader = {.task = "quality",
                   .classes = grades,
                   .class_count = 3,
                   .resize = "bilinear",
                   .resize_size = 224,
                   .mean = half,
                   .deviation = half,
                   .mean_count = 1,
                   .fields = large_field,
                   .field_count = 1,
                   .layers = graded_layers,
                   .layer_count = 1},
        .segmenter = {.task = "segmentation",
                      .classes = regions,
                      .class_count = 2,
                      .fields = large_field,
                      .field_count = 1,
                      .layers = segmented_layers,
                      .layer_count = 2},
        .trained = "deep",
    },
};

const struct preset *preset_find(const char *name) {
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            return &presets[i];
        }
    }
    return NULL;
}
