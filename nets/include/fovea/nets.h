/* The nets that Fovea runs: from a model file's metadata to a graph.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_NETS_H
#define FOVEA_NETS_H

#include "fovea/graph.h"

struct fv_net_options {
    size_t height,
        width;     /* of the input; 0: the size that the model fixes, or its fovea.input_size or fovea.patch_size */
    size_t member; /* of an ensemble, 0 .. fv_net_members()-1 */
};

/* How many members the model's ensemble has; 1 if it is none. */
size_t fv_net_members(const struct fv_model *model);

/* The number (nnU-Net's fold number) of member `index`; 0 if the model is no ensemble. */
size_t fv_net_member_number(const struct fv_model *model, size_t index);

/* Builds and finishes the graph of `model` by its general.architecture: "swin", "resnet", "inception_v3",
 * "efficientnet" or "unet". A classifier's output is its logits, a segmenter's its softmax (planes). Errors:
 * FV_ERROR_MODEL (a field or tensor is missing, extra or misshapen), FV_ERROR_UNSUPPORTED (unknown architecture; the
 * message lists the known), FV_ERROR_ARGUMENT (a size that the net does not take, no such member), FV_ERROR_MEMORY. On
 * failure *graph is NULL. */
enum fv_status fv_net_build(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph **graph,
                            struct fv_error *error);

#endif
