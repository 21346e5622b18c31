/* The head of a classifier: one linear layer, or several with ReLU between them, which ARCHITECTURE.head_linears lists
 * by their indices in the checkpoint's Sequential. */
#include <inttypes.h>
#include <string.h>

#include "net.h"

fv_value net_head(struct fv_graph *graph, const struct fv_model *model, fv_value x, const char *architecture,
                  const char *name) {
    const struct net_key linears = net_key("%s.head_linears", architecture);
    const struct net_key activations = net_key("%s.head_activations", architecture);
    const long count = fv_model_array_length(model, linears.text);
    if (count < 0) {
        return fv_graph_linear(graph, x, net_key("%s.weight", name).text, net_key("%s.bias", name).text);
    }
    for (long i = 0; i == 0 || i < count; i++) {
        int64_t index;
        const char *activation = "none";
        if (!fv_model_array_integer(model, linears.text, (size_t)i, &index) ||
            (i > 0 && !fv_model_array_string(model, activations.text, (size_t)i - 1, &activation)) ||
            (strcmp(activation, "relu") != 0 && strcmp(activation, "none") != 0)) {
            fv_graph_fail(graph, FV_ERROR_MODEL,
                          "%s: metadata %s and %s: expected indices, and relu or none between each two",
                          fv_model_path(model), linears.text, activations.text);
            return FV_NO_VALUE;
        }
        if (strcmp(activation, "relu") == 0) {
            x = fv_graph_activation(graph, x, FV_RELU, 0);
        }
        x = fv_graph_linear(graph, x, net_key("%s.%" PRId64 ".weight", name, index).text,
                            net_key("%s.%" PRId64 ".bias", name, index).text);
    }
    return x;
}
