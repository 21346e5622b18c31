/* nnU-Net v1 model folders made here: their pickles, as plans.pkl and model_best.model.pkl hold them. */
#ifndef FOVEA_TESTS_MADE_NNUNET_H
#define FOVEA_TESTS_MADE_NNUNET_H

#include "made.h"

/* The plans of an nnU-Net, as far as cases change them. Lists end with -1. */
struct made_plans {
    int modalities, classes, features;
    int patch[4];
    int pools[8];   /* pairs */
    int kernels[8]; /* pairs */
    int transpose[4];
    const char *scheme;
    const char *preprocessor;
    const char *trainer;
    bool without_lists; /* neither pools nor kernels: num_pool_per_axis says it */
    int counts[3];
    bool numpy; /* numbers as numpy writes them: patch_size an array, num_classes a scalar, current_spacing too */
};

/* Plans that made_unet() has been trained with: two modalities, two classes and the background, one pooling. */
struct made_plans made_plans(void);

/* plans.pkl. */
struct bytes made_plans_pickle(const struct made_plans *plans);

/* fold_K/model_best.model.pkl. */
struct bytes made_fold_pickle(const struct made_plans *plans);

#endif
