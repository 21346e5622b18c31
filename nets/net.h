/* Private to the nets room: what every net's file offers and uses. */
#ifndef FOVEA_NETS_NET_H
#define FOVEA_NETS_NET_H

#include "fovea/nets.h"

enum { KEY_SIZE = 128, MAX_STAGES = 16 };

/* A key made from a format, for example key("layers.%zu.norm", i). Lives until the end of the full expression's block.
 */
struct net_key {
    char text[KEY_SIZE];
};
struct net_key net_key(const char *format, ...) FV_PRINTF(1, 2);

/* Reads an array of sizes, each 1 .. limit, at most MAX_STAGES x 2 of them. Errors: FV_ERROR_MODEL. */
enum fv_status net_sizes(const struct fv_model *model, const char *key, size_t limit, size_t *values, size_t *count,
                         struct fv_error *error);

/* The input's height and width: the options', or the ones at `fallback` in the model (an integer, or an array of two).
 * Errors: FV_ERROR_ARGUMENT if neither gives a size, or it is above 16384. */
enum fv_status net_input_size(const struct fv_model *model, const struct fv_net_options *options, const char *fallback,
                              size_t *height, size_t *width, struct fv_error *error);

/* Adds the head `name` to the features `x`: one linear layer, or those that ARCHITECTURE.head_linears lists, with the
 * activations between them of ARCHITECTURE.head_activations. Returns the logits. */
fv_value net_head(struct fv_graph *graph, const struct fv_model *model, fv_value x, const char *architecture,
                  const char *name);

/* Each adds its net to an empty graph and returns the output's handle; failures go into the graph or `error`. */
enum fv_status net_swin(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph *graph,
                        fv_value *output, struct fv_error *error);
enum fv_status net_resnet(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph *graph,
                          fv_value *output, struct fv_error *error);
enum fv_status net_inception_v3(const struct fv_model *model, const struct fv_net_options *options,
                                struct fv_graph *graph, fv_value *output, struct fv_error *error);
enum fv_status net_efficientnet(const struct fv_model *model, const struct fv_net_options *options,
                                struct fv_graph *graph, fv_value *output, struct fv_error *error);
enum fv_status net_unet(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph *graph,
                        fv_value *output, struct fv_error *error);

#endif
