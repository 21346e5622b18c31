/* From a checkpoint to a model file of Fovea's (GGUF).
 *
 * The network is recognised by the names and shapes of its tensors; every tensor that the network has must be there
 * with its shape, and nothing else but buffers that follow from the network. Options say only what the checkpoint
 * cannot; one that contradicts it is an error. Thread safety: all functions are reentrant. */
#ifndef FOVEA_CONVERT_H
#define FOVEA_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/checkpoint.h"
#include "fovea/model.h"
#include "fovea/status.h"

/* What a checkpoint does not say. Zeroed members are not given; fv_convert_options_default gives a start. Strings and
 * arrays belong to the caller. */
struct fv_convert_options {
    enum fv_type weights;        /* FV_TYPE_F32, or FV_TYPE_F16 for the weights of rank 2 and more */
    const char *preset;          /* "coips-3x3" or "coips-6x6": what the published program does, for all that the other
                                    members leave open; they win, and the model says so. A preset's size that is not
                                    the network's own is an error */
    uint32_t image_size;         /* side of a classifier's input */
    const char *variant;         /* "tf" or "plain": which of timm's EfficientNets */
    const char *transform_input; /* "yes" or "no": whether an Inception-V3 normalises its input again */
    const char *task;            /* "quality" or "segmentation" */
    const char *const *classes;  /* names, in the order of the outputs */
    size_t class_count;
    const char *resize;   /* "bilinear", "bicubic" or "none" */
    uint32_t resize_size; /* side that images are resized to before the network */
    bool zscore;          /* each image is normalised by its own mean and deviation */
    const float *mean;    /* else fixed: one number for all channels, or one a channel */
    const float *deviation;
    size_t mean_count;   /* of both */
    const float *fields; /* of view, in mm, that the model serves */
    size_t field_count;
    const char *const *layers; /* "superficial", "deep" */
    size_t layer_count;
    const char *name;
    const char *licence;
    const char *attribution;
    const char *note; /* printed in every report */
    bool strict;      /* what is doubtful of the file is an error: a wrong CRC-32 of a zip entry that is read */
    void (*warn)(void *context, const char *message); /* else called for each doubt; NULL: nobody listens. The model
                                                         lists them as fovea.warnings in any case */
    void *warn_context;
};

/* 32-bit weights and nothing else. */
void fv_convert_options_default(struct fv_convert_options *options);

/* Writes the model of `checkpoint` to `path`, which appears complete or not at all. Memory: one tensor at a time.
 * Errors: FV_ERROR_MODEL (unknown network; a tensor missing, superfluous, misshapen or not finite; the message names
 * it), FV_ERROR_FORMAT (with `strict`, a doubtful file), FV_ERROR_ARGUMENT (an option missing, impossible or
 * contradicting the checkpoint; the message names it), FV_ERROR_UNSUPPORTED (a relative of a known network with other
 * arithmetic), FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fv_convert(const struct fv_checkpoint *checkpoint, const char *path,
                          const struct fv_convert_options *options, struct fv_error *error);

/* What a conversion would write, for listing: the metadata as text, without looking at tensor data. */
struct fv_recognition;

/* Recognises the network. Errors as fv_convert. On failure *recognition is NULL. The caller frees it with
 * fv_recognition_close, before the checkpoint. */
enum fv_status fv_recognize(const struct fv_checkpoint *checkpoint, const struct fv_convert_options *options,
                            struct fv_recognition **recognition, struct fv_error *error);

/* As fv_recognize, but a checkpoint that cannot be converted as it stands is an answer, too: what could be read of the
 * network before the problem is there to be listed. Errors: FV_ERROR_MEMORY. On failure *recognition is NULL. */
enum fv_status fv_survey(const struct fv_checkpoint *checkpoint, const struct fv_convert_options *options,
                         struct fv_recognition **recognition, struct fv_error *error);

/* The error that a conversion would end with, or NULL: FV_ERROR_ARGUMENT where an option, which the message names,
 * would settle it. */
const struct fv_error *fv_recognition_problem(const struct fv_recognition *recognition);

/* "swin", "resnet", "inception_v3", "efficientnet", "unet"; "unknown" in a survey that did not get so far. */
const char *fv_recognition_architecture(const struct fv_recognition *recognition);

/* Whose names the tensors have: "authors", "timm", "legacy" ... */
const char *fv_recognition_naming(const struct fv_recognition *recognition);

/* Number of values of all tensors that would be written. */
size_t fv_recognition_parameters(const struct fv_recognition *recognition);

/* Decision `index`, in words: what was chosen and why; NULL from the end on. */
const char *fv_recognition_decision(const struct fv_recognition *recognition, size_t index);

/* Metadata entry `index`: its key, and its value as text in `text` (cut to `size` bytes); NULL from the end on. */
const char *fv_recognition_metadata(const struct fv_recognition *recognition, size_t index, char *text, size_t size);

void fv_recognition_close(struct fv_recognition *recognition);

#endif
