/* compare-models PARENT NEW: the names of the tensors whose types, shapes or bytes differ, a line each. Fails if one of
 * the models lacks a tensor or a metadata key of the parent's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/model.h"

static bool equal(const struct fv_tensor *a, const struct fv_tensor *b) {
    return a->type == b->type && a->rank == b->rank && memcmp(a->shape, b->shape, sizeof a->shape) == 0 &&
           a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0;
}

int main(int count, char **arguments) {
    struct fv_model *parent = NULL, *new = NULL;
    struct fv_error error = {0};
    if (count != 3 || fv_model_open(arguments[1], &parent, &error) != FV_OK ||
        fv_model_open(arguments[2], &new, &error) != FV_OK) {
        fprintf(stderr, "compare-models: %s\n", error.message);
        return EXIT_FAILURE;
    }
    int result = fv_model_tensor_count(parent) == fv_model_tensor_count(new) ? EXIT_SUCCESS : EXIT_FAILURE;
    for (size_t i = 0; i < fv_model_tensor_count(parent); i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(parent, i), *other = fv_model_tensor(new, tensor->name);
        if (other == NULL) {
            result = EXIT_FAILURE;
        } else if (!equal(tensor, other)) {
            puts(tensor->name);
        }
    }
    for (size_t i = 0; i < fv_model_key_count(parent); i++) {
        if (!fv_model_has(new, fv_model_key_at(parent, i))) {
            fprintf(stderr, "compare-models: no key %s\n", fv_model_key_at(parent, i));
            result = EXIT_FAILURE;
        }
    }
    fv_model_close(parent);
    fv_model_close(new);
    return result;
}
