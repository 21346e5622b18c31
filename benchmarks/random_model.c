/* fovea-random-model NAME -o FILE.gguf: a model file with seeded weights of any net of tests/support/catalogue.c, for
 * `fovea bench`. Speed does not depend on what the weights are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"

static void list(const struct model_description *models) {
    for (; models->name != NULL; models++) {
        fprintf(stderr, "  %s\n", models->name);
    }
}

int main(int count, char **arguments) {
    if (count != 4 || strcmp(arguments[2], "-o") != 0) {
        fprintf(stderr, "usage: fovea-random-model NAME -o FILE.gguf, with a name of\n");
        list(catalogue_full);
        list(catalogue_small);
        return 2;
    }
    const struct model_description *model = catalogue_find(arguments[1]);
    if (model == NULL) {
        fprintf(stderr, "fovea-random-model: no net is named %s\n", arguments[1]);
        return 2;
    }
    struct fv_error error = {0};
    if (random_model_write(model, arguments[3], &error) != FV_OK) {
        fprintf(stderr, "fovea-random-model: %s\n", error.message);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
