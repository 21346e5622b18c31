/* Model files with seeded weights for any hyper-parameters of the five architectures.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_TESTS_RANDOM_MODEL_H
#define FOVEA_TESTS_RANDOM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { MODEL_MAX_STAGES = 8, MODEL_MAX_FOLDS = 5, MODEL_MAX_CHANNELS = 8 };

enum model_architecture { MODEL_SWIN, MODEL_RESNET, MODEL_UNET, MODEL_INCEPTION_V3, MODEL_EFFICIENTNET };

/* Lists end with their first zero. */
struct swin_parameters {
    uint32_t embed, depths[MODEL_MAX_STAGES], heads[MODEL_MAX_STAGES], window, patch;
};

struct resnet_parameters {
    uint32_t depths[MODEL_MAX_STAGES];
    uint32_t widths[MODEL_MAX_STAGES];  /* channels of the 3x3 convolutions */
    uint32_t outputs[MODEL_MAX_STAGES]; /* channels of the layers */
    uint32_t hidden[MODEL_MAX_STAGES];  /* of squeeze-and-excitation; all zero: none */
    uint32_t stem, groups;
    bool legacy; /* Cadene's naming, pool in ceil mode */
};

struct unet_parameters {
    uint32_t features[MODEL_MAX_STAGES];   /* of levels 0 .. P */
    uint32_t pools[MODEL_MAX_STAGES][2];   /* [P] */
    uint32_t kernels[MODEL_MAX_STAGES][2]; /* [P + 1]; all zero: 3 x 3 */
    uint32_t convolutions;                 /* 0: 2 */
    uint32_t members;                      /* folds 0, 1, ...; 0: one */
};

struct inception_parameters {
    uint32_t divisor; /* of the published numbers of channels: 1, 2, 4, 8 or 16 */
    bool transform_input;
};

/* Seven stages with the kernels, strides and expansion of all EfficientNets. */
struct efficientnet_parameters {
    uint32_t stem, head;
    uint32_t repeats[MODEL_MAX_STAGES];
    uint32_t outputs[MODEL_MAX_STAGES]; /* channels of the stages; the stem's and these are multiples of 4 */
    const char *padding;                /* "same", "symmetric" or "static"; static goes with lukemelas' names */
    uint32_t image_size;                /* of static padding */
};

struct model_description {
    const char *name;
    enum model_architecture architecture;
    uint32_t channels, height, width, classes;
    union {
        struct swin_parameters swin;
        struct resnet_parameters resnet;
        struct unet_parameters unet;
        struct inception_parameters inception;
        struct efficientnet_parameters efficientnet;
    } parameters;
    const char *without; /* this tensor is left out, or NULL */
    const char *extra;   /* and this one, of shape [3], is added, or NULL: together they make a misshapen one */
};

/* Writes the model to `path`. Errors: those of the model writer. */
enum fv_status random_model_write(const struct model_description *model, const char *path, struct fv_error *error);

#endif
