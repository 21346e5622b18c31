/* fovea-random-model NAME [--folds N] -o FILE.gguf: a model file with seeded weights of any net of
 * tests/support/catalogue.c, a U-Net also as an ensemble of N, for `fovea bench` and `fovea segment`. Speed does not
 * depend on what the weights are. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"

static void list(const struct model_description *models) {
    for (; models->name != NULL; models++) {
        fprintf(stderr, "  %s\n", models->name);
    }
}

static int explain(void) {
    fprintf(stderr, "usage: fovea-random-model NAME [--folds N] -o FILE.gguf, with a name of\n");
    list(catalogue_full);
    list(catalogue_small);
    fprintf(stderr, "and N from 1 to %d, for U-Nets only\n", MODEL_MAX_FOLDS);
    return 2;
}

int main(int count, char **arguments) {
    const bool ensemble = count == 6 && strcmp(arguments[2], "--folds") == 0;
    if ((count != 4 && !ensemble) || strcmp(arguments[count - 2], "-o") != 0) {
        return explain();
    }
    const struct model_description *found = catalogue_find(arguments[1]);
    if (found == NULL) {
        fprintf(stderr, "fovea-random-model: no net is named %s\n", arguments[1]);
        return 2;
    }
    struct model_description model = *found;
    if (ensemble) {
        const unsigned long folds = strtoul(arguments[3], NULL, 10);
        if (model.architecture != MODEL_UNET || folds < 1 || folds > MODEL_MAX_FOLDS) {
            return explain();
        }
        model.parameters.unet.members = (uint32_t)folds;
    }
    struct fv_error error = {0};
    if (random_model_write(&model, arguments[count - 1], &error) != FV_OK) {
        fprintf(stderr, "fovea-random-model: %s\n", error.message);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
