/* Model files: the container, its metadata and tensors, and the networks that are built from them. */
#include "fovea/model.h"
#include "fovea/nets.h"
#include "fuzz.h"

enum { MOST_ELEMENTS = 1 << 16 };

/* Every metadata value by every getter that may fit it. */
static void look_at(const struct fv_model *model) {
    for (size_t i = 0; i < fv_model_key_count(model); i++) {
        const char *key = fv_model_key_at(model, i);
        const char *text;
        int64_t integer;
        double number;
        bool boolean;
        long length = fv_model_array_length(model, key);
        (void)fv_model_string(model, key, &text);
        (void)fv_model_integer(model, key, &integer);
        (void)fv_model_number(model, key, &number);
        (void)fv_model_boolean(model, key, &boolean);
        for (long j = 0; j < length && j < 64; j++) {
            (void)fv_model_array_string(model, key, (size_t)j, &text);
            (void)fv_model_array_integer(model, key, (size_t)j, &integer);
            (void)fv_model_array_number(model, key, (size_t)j, &number);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static float values[MOST_ELEMENTS];
    struct fv_model *model;
    struct fv_graph *graph;
    struct fv_error error;
    if (fv_model_open(fuzz_file(data, size), &model, &error) != FV_OK) {
        return 0;
    }
    look_at(model);
    for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(model, i);
        if (tensor->elements <= MOST_ELEMENTS) {
            (void)fv_tensor_read(tensor, values, &error);
        }
    }
    const struct fv_net_options options = {.height = 32, .width = 32};
    if (fv_net_build(model, &options, &graph, &error) == FV_OK) {
        fv_graph_destroy(graph);
    }
    fv_model_close(model);
    return 0;
}
