/* What the published program does with a model: presets of the converter. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_PRESET_H
#define FOVEA_WEIGHTS_PRESET_H

#include "fovea/convert.h"

struct preset {
    const char *name;
    struct fv_convert_options grader;    /* of a classifier */
    struct fv_convert_options segmenter; /* of an nnU-Net folder */
    const char *trained;                 /* which images the published segmenter was trained on */
};

/* The preset of that name, or NULL. */
const struct preset *preset_find(const char *name);

#endif
