/* What a conversion will write: tensors and metadata. The recognisers of the networks fill it. Private to
 * weights-tools.
 *
 * The first failure stays in `status`, and everything after it does nothing, so that a network reads as a plain list.
 */
#ifndef FOVEA_WEIGHTS_PLAN_H
#define FOVEA_WEIGHTS_PLAN_H

#include "checkpoint.h"
#include "fovea/convert.h"
#include "preset.h"

enum plan_role {
    PLAN_WEIGHT,   /* of a convolution or linear layer: may be stored in 16 bits */
    PLAN_VECTOR,   /* bias, norm, table: stays 32 bits */
    PLAN_VARIANCE, /* a vector that must not be negative */
};

struct plan_tensor {
    const struct fv_checkpoint_tensor *source;
    const char *name; /* in the model */
    enum plan_role role;
};

enum plan_type { PLAN_STRING, PLAN_STRINGS, PLAN_U32, PLAN_U32S, PLAN_F32, PLAN_F32S, PLAN_BOOL };

struct plan_value {
    const char *key;
    enum plan_type type;
    size_t count;
    union {
        char **strings;
        uint32_t *integers;
        float *numbers;
        bool boolean;
    };
};

struct plan {
    const struct fv_checkpoint *checkpoint;
    const struct fv_convert_options *options;
    struct fv_error *error;
    enum fv_status status;
    struct fv_pool pool;
    const char *prefix; /* in front of every name that is looked up and written: "" or "fold_K." */
    const char *architecture;
    const char *naming;
    size_t channels; /* of the input */
    size_t classes;  /* of the output */
    struct plan_tensor *tensors;
    size_t tensor_count;
    size_t tensor_capacity;
    struct fv_names used; /* names in the checkpoint that are accounted for */
    struct plan_value *values;
    size_t value_count;
    size_t value_capacity;
    const struct preset *preset; /* that the options name, or NULL */
    const char **decisions;      /* what was decided and why, for the model's metadata */
    size_t decision_count;
    size_t decision_capacity;
};

/* The error of a plan: stores status and message unless there is one already. */
void plan_fail(struct plan *plan, enum fv_status status, const char *format, ...) FV_PRINTF(3, 4);

/* The tensor whose name (after the prefix) is printed by `format`, or NULL: to look at, it does not count as used. */
const struct fv_checkpoint_tensor *plan_look(struct plan *plan, const char *format, ...) FV_PRINTF(2, 3);

/* Dimension `axis` of a tensor that a recogniser looked at; 0 if it is NULL or has fewer dimensions. */
size_t plan_dimension(const struct fv_checkpoint_tensor *tensor, uint32_t axis);

/* Demands the tensor named by `format`, of exactly this shape and of floating-point type, and plans to write it under
 * the same name. */
void plan_take(struct plan *plan, enum plan_role role, const size_t *shape, uint32_t rank, const char *format, ...)
    FV_PRINTF(5, 6);

/* The same for a tensor that the model calls `target` and the checkpoint `source`; both names are complete. */
void plan_take_as(struct plan *plan, enum plan_role role, const size_t *shape, uint32_t rank, const char *target,
                  const char *source);

/* Shapes as arguments: plan_take(plan, PLAN_VECTOR, SHAPE(64), "bn1.weight"). */
#define SHAPE(...) (const size_t[]){__VA_ARGS__}, (uint32_t)(sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t))

/* Counts a buffer that is not written as used, if it is there. Its shape must be as given. Returns it, or NULL. */
const struct fv_checkpoint_tensor *plan_skip(struct plan *plan, const size_t *shape, uint32_t rank, const char *format,
                                             ...) FV_PRINTF(4, 5);

/* A batch norm of `channels` channels: weight, bias, running_mean, running_var; num_batches_tracked is skipped. */
void plan_batch_norm(struct plan *plan, size_t channels, const char *format, ...) FV_PRINTF(3, 4);

/* Weight and bias of a norm of `channels` channels. */
void plan_norm(struct plan *plan, size_t channels, const char *format, ...) FV_PRINTF(3, 4);

/* Refuses the checkpoint if a tensor is left that nobody asked for. */
void plan_check_unused(struct plan *plan);

/* Metadata. Values are copied. */
void plan_set_string(struct plan *plan, const char *key, const char *value);
void plan_set_strings(struct plan *plan, const char *key, const char *const *values, size_t count);
void plan_set_u32(struct plan *plan, const char *key, size_t value);
void plan_set_u32s(struct plan *plan, const char *key, const uint32_t *values, size_t count);
void plan_set_f32(struct plan *plan, const char *key, float value);
void plan_set_f32s(struct plan *plan, const char *key, const float *values, size_t count);
void plan_set_bool(struct plan *plan, const char *key, bool value);

/* Writes down what was decided and why, in words: plan_decide(plan, "swin.image_size: 384, from the attention masks in
 * the file"). What names and shapes alone settle need not be told. */
void plan_decide(struct plan *plan, const char *format, ...) FV_PRINTF(2, 3);

/* plan_build.c: fills an empty plan from the checkpoint and the options; the caller clears it in any case. */
enum fv_status plan_build(struct plan *plan, const struct fv_checkpoint *checkpoint,
                          const struct fv_convert_options *options, struct fv_error *error);
void plan_clear(struct plan *plan);

/* The recognisers, one file a family. Each takes all tensors and sets the hyper-parameters. */
void swin_plan(struct plan *plan);
void inception_plan(struct plan *plan);
void efficientnet_plan(struct plan *plan);
void resnet_plan(struct plan *plan);
void unet_plan(struct plan *plan);

/* pipeline_plan.c: the fovea.* metadata that the options bring. */
void pipeline_plan(struct plan *plan);

#endif
