/* Writes what a plan lists, one tensor at a time. */
#include "fovea/convert.h"

#include <stdio.h>
#include <string.h>

#include "checksum.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "plan.h"

struct fv_recognition {
    struct plan plan;
    struct fv_error problem; /* of a survey; status FV_OK: none */
};

void fv_convert_options_default(struct fv_convert_options *options) {
    *options = (struct fv_convert_options){.weights = FV_TYPE_F32};
}

static enum fv_status write_value(struct fv_writer *writer, const struct plan_value *value, struct fv_error *error) {
    switch (value->type) {
    case PLAN_STRING:
        return fv_writer_set_string(writer, value->key, value->strings[0], error);
    case PLAN_STRINGS:
        return fv_writer_set_strings(writer, value->key, (const char *const *)value->strings, value->count, error);
    case PLAN_U32:
        return fv_writer_set_u32(writer, value->key, value->integers[0], error);
    case PLAN_U32S:
        return fv_writer_set_u32s(writer, value->key, value->integers, value->count, error);
    case PLAN_F32:
        return fv_writer_set_f32(writer, value->key, value->numbers[0], error);
    case PLAN_F32S:
        return fv_writer_set_f32s(writer, value->key, value->numbers, value->count, error);
    case PLAN_BOOL:
        break;
    }
    return fv_writer_set_bool(writer, value->key, value->boolean, error);
}

/* The tensors that the checkpoint calls otherwise, as MODEL_NAME=CHECKPOINT_NAME, so that the weights can be given back
 * under their own names. */
static enum fv_status write_renamed(struct fv_writer *writer, const struct plan *plan) {
    const char **pairs = fv_allocate_zero(plan->tensor_count, sizeof *pairs);
    size_t count = 0;
    bool complete = pairs != NULL;
    for (size_t i = 0; i < plan->tensor_count && complete; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        if (strcmp(tensor->name, tensor->source->name) != 0) {
            pairs[count] = fv_text_format("%s=%s", tensor->name, tensor->source->name);
            complete = pairs[count] != NULL;
            count += complete;
        }
    }
    enum fv_status status = complete ? FV_OK : checkpoint_out_of_memory(plan->checkpoint, plan->error);
    if (status == FV_OK && count > 0) {
        status = fv_writer_set_strings(writer, "fovea.renamed", pairs, count, plan->error);
    }
    for (size_t i = 0; i < count; i++) {
        fv_release((void *)(uintptr_t)pairs[i]);
    }
    fv_release(pairs);
    return status;
}

/* Where the model comes from: the file's hash and its name without the folders, which are nobody's business. */
static enum fv_status write_origin(struct fv_writer *writer, const struct plan *plan) {
    const struct fv_checkpoint *checkpoint = plan->checkpoint;
    struct fv_error *error = plan->error;
    char digest[65];
    char *path = fv_duplicate(checkpoint->path);
    if (path == NULL) {
        return checkpoint_out_of_memory(checkpoint, error);
    }
    for (size_t length = strlen(path); length > 1 && path[length - 1] == '/'; length--) {
        path[length - 1] = '\0';
    }
    fv_checkpoint_sha256(checkpoint, digest);
    const char *name = fv_path_basename(path);
    bool printable = fv_utf8_valid(name, strlen(name));
    enum fv_status status = fv_writer_set_string(writer, "fovea.source_sha256", digest, error);
    if (status == FV_OK) {
        status = fv_writer_set_string(writer, "fovea.source_name", printable ? name : "(not UTF-8)", error);
    }
    if (status == FV_OK) {
        status = fv_writer_set_string(writer, "fovea.source_container", checkpoint->container, error);
    }
    if (status == FV_OK) {
        status = fv_writer_set_string(writer, "fovea.source_naming", plan->naming, error);
    }
    if (status == FV_OK) {
        status = write_renamed(writer, plan);
    }
    fv_release(path);
    return status;
}

/* What is doubtful of the checkpoint's file goes into the model and to the caller, or is an error. */
static enum fv_status write_warnings(struct fv_writer *writer, struct plan *plan) {
    const struct fv_convert_options *options = plan->options;
    const char *const *doubts;
    size_t count;
    enum fv_status status = checksum_doubts(plan, &doubts, &count);
    if (status == FV_OK && count > 0 && options->strict) {
        return fv_error_set(plan->error, FV_ERROR_FORMAT, "%s: refused by --strict: %s", plan->checkpoint->path,
                            doubts[0]);
    }
    if (status == FV_OK && count > 0) {
        status = fv_writer_set_strings(writer, "fovea.warnings", doubts, count, plan->error);
    }
    for (size_t i = 0; status == FV_OK && options->warn != NULL && i < count; i++) {
        options->warn(options->warn_context, doubts[i]);
    }
    return status;
}

static enum fv_status write_metadata(struct fv_writer *writer, struct plan *plan) {
    struct fv_error *error = plan->error;
    enum fv_status status = fv_writer_set_string(writer, "general.architecture", plan->architecture, error);
    for (size_t i = 0; i < plan->value_count && status == FV_OK; i++) {
        status = write_value(writer, &plan->values[i], error);
    }
    if (status == FV_OK) {
        status = write_origin(writer, plan);
    }
    if (status == FV_OK) {
        status = write_warnings(writer, plan);
    }
    if (status == FV_OK) {
        status = fv_writer_set_string(writer, "fovea.converter", "fovea " FOVEA_VERSION, error);
    }
    return status;
}

static enum fv_status declare_tensors(struct fv_writer *writer, const struct plan *plan, size_t *most_elements) {
    *most_elements = 0;
    for (size_t i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        const struct fv_checkpoint_tensor *source = tensor->source;
        enum fv_type type = tensor->role == PLAN_WEIGHT ? plan->options->weights : FV_TYPE_F32;
        enum fv_status status = fv_writer_declare(writer, tensor->name, type, source->shape, source->rank, plan->error);
        if (status != FV_OK) {
            return status;
        }
        if (source->elements > *most_elements) {
            *most_elements = source->elements;
        }
    }
    return FV_OK;
}

static enum fv_status write_tensor(struct fv_writer *writer, const struct plan *plan, const struct plan_tensor *tensor,
                                   float *values) {
    const struct fv_checkpoint_tensor *source = tensor->source;
    enum fv_status status = fv_checkpoint_read(plan->checkpoint, source, values, plan->error);
    for (size_t i = 0; status == FV_OK && tensor->role == PLAN_VARIANCE && i < source->elements; i++) {
        if (values[i] < 0) {
            return fv_error_set(plan->error, FV_ERROR_MODEL,
                                "%s: tensor %s: element %zu is %g; a variance is not negative", plan->checkpoint->path,
                                source->name, i, (double)values[i]);
        }
    }
    return status == FV_OK ? fv_writer_tensor(writer, values, source->elements, plan->error) : status;
}

static enum fv_status write_model(struct fv_writer *writer, struct plan *plan) {
    size_t most_elements;
    enum fv_status status = write_metadata(writer, plan);
    if (status == FV_OK) {
        status = declare_tensors(writer, plan, &most_elements);
    }
    if (status == FV_OK) {
        status = fv_writer_begin(writer, plan->error);
    }
    if (status != FV_OK) {
        return status;
    }
    float *values = fv_allocate(most_elements, sizeof *values);
    if (values == NULL) {
        return checkpoint_out_of_memory(plan->checkpoint, plan->error);
    }
    for (size_t i = 0; i < plan->tensor_count && status == FV_OK; i++) {
        status = write_tensor(writer, plan, &plan->tensors[i], values);
    }
    fv_release(values);
    return status;
}

enum fv_status fv_convert(const struct fv_checkpoint *checkpoint, const char *path,
                          const struct fv_convert_options *options, struct fv_error *error) {
    struct plan plan;
    struct fv_writer *writer = NULL;
    enum fv_status status = plan_build(&plan, checkpoint, options, error);
    if (status == FV_OK && options->weights != FV_TYPE_F32 && options->weights != FV_TYPE_F16) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT, "weights are stored as f32 or f16");
    }
    if (status == FV_OK) {
        status = fv_writer_create(path, &writer, error);
    }
    if (status == FV_OK) {
        status = write_model(writer, &plan);
        if (status == FV_OK) {
            status = fv_writer_finish(writer, error);
        } else {
            fv_writer_abandon(writer);
        }
    }
    plan_clear(&plan);
    return status;
}

enum fv_status fv_recognize(const struct fv_checkpoint *checkpoint, const struct fv_convert_options *options,
                            struct fv_recognition **recognition, struct fv_error *error) {
    *recognition = NULL;
    struct fv_recognition *made = fv_allocate_zero(1, sizeof *made);
    if (made == NULL) {
        return checkpoint_out_of_memory(checkpoint, error);
    }
    enum fv_status status = plan_build(&made->plan, checkpoint, options, error);
    if (status != FV_OK) {
        fv_recognition_close(made);
        return status;
    }
    *recognition = made;
    return FV_OK;
}

enum fv_status fv_survey(const struct fv_checkpoint *checkpoint, const struct fv_convert_options *options,
                         struct fv_recognition **recognition, struct fv_error *error) {
    *recognition = NULL;
    struct fv_recognition *made = fv_allocate_zero(1, sizeof *made);
    if (made == NULL) {
        return checkpoint_out_of_memory(checkpoint, error);
    }
    if (plan_build(&made->plan, checkpoint, options, &made->problem) == FV_ERROR_MEMORY) {
        fv_recognition_close(made);
        return checkpoint_out_of_memory(checkpoint, error);
    }
    *recognition = made;
    return FV_OK;
}

const struct fv_error *fv_recognition_problem(const struct fv_recognition *recognition) {
    return recognition->problem.status == FV_OK ? NULL : &recognition->problem;
}

const char *fv_recognition_architecture(const struct fv_recognition *recognition) {
    return recognition->plan.architecture;
}

const char *fv_recognition_naming(const struct fv_recognition *recognition) {
    return recognition->plan.naming;
}

size_t fv_recognition_parameters(const struct fv_recognition *recognition) {
    size_t sum = 0;
    for (size_t i = 0; i < recognition->plan.tensor_count; i++) {
        sum += recognition->plan.tensors[i].source->elements;
    }
    return sum;
}

const char *fv_recognition_decision(const struct fv_recognition *recognition, size_t index) {
    return index < recognition->plan.decision_count ? recognition->plan.decisions[index] : NULL;
}

/* Prints element `index` of a value. */
static int print_element(const struct plan_value *value, size_t index, char *text, size_t size) {
    switch (value->type) {
    case PLAN_STRING:
    case PLAN_STRINGS:
        return snprintf(text, size, "%s", value->strings[index]);
    case PLAN_U32:
    case PLAN_U32S:
        return snprintf(text, size, "%u", value->integers[index]);
    case PLAN_F32:
    case PLAN_F32S:
        return snprintf(text, size, "%g", (double)value->numbers[index]);
    case PLAN_BOOL:
        break;
    }
    return snprintf(text, size, "%s", value->boolean ? "yes" : "no");
}

const char *fv_recognition_metadata(const struct fv_recognition *recognition, size_t index, char *text, size_t size) {
    if (index >= recognition->plan.value_count) {
        return NULL;
    }
    const struct plan_value *value = &recognition->plan.values[index];
    size_t count = value->type == PLAN_BOOL ? 1 : value->count;
    size_t length = 0;
    for (size_t i = 0; i < count && length < size; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s", i == 0 ? "" : ", ");
        if (length < size) {
            length += (size_t)print_element(value, i, text + length, size - length);
        }
    }
    return value->key;
}

void fv_recognition_close(struct fv_recognition *recognition) {
    if (recognition != NULL) {
        plan_clear(&recognition->plan);
        fv_release(recognition);
    }
}
