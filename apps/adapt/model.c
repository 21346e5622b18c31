/* The adapted model: the parent's file but for its last layer, its name and its lineage. */
#include <string.h>

#include "adapt/adapt.h"
#include "fovea/memory.h"

enum { CLASSES = FOVEA_QUALITY_COUNT, LINEAGE_MAX = 1024 };

#define PREFIX "fovea.adapt."

/* What a writer is given, and what is still missing. */
struct output {
    const struct fovea_adapt *adapt;
    const struct fv_model *parent;
    struct fv_writer *writer;
    float *values; /* of the last layer, as it is written */
    struct fv_error *error;
};

void fovea_adapt_add_name(const struct fovea_adapt *adapt, struct fovea_buffer *text) {
    const char *name = adapt->options->name;
    fovea_buffer_text(text, name != NULL ? name : adapt->parent->name);
    fovea_buffer_text(text, name != NULL ? "" : ", adapted");
}

void fovea_adapt_describe(const struct fovea_adapt *adapt, struct fovea_buffer *text) {
    fovea_buffer_format(text, "adapted on %s from %s (SHA-256 %s) to", adapt->date, adapt->parent->name,
                        adapt->parent->sha256);
    for (size_t k = 0; k < CLASSES; k++) {
        fovea_buffer_format(text, "%s %zu %s",
                            k == 0            ? ""
                            : k + 1 < CLASSES ? ","
                                              : " and",
                            adapt->counts[k], fovea_quality_names[k]);
    }
    fovea_buffer_format(text, " images; cross-validated accuracy %.3f, of the parent %.3f", adapt->after.accuracy,
                        adapt->before.accuracy);
}

/* Whether the adapted model has its own value for a key of the parent's. */
static bool replaces(const char *key) {
    return strcmp(key, "general.name") == 0 || strcmp(key, "fovea.lineage") == 0 ||
           strncmp(key, PREFIX, strlen(PREFIX)) == 0;
}

static enum fv_status copy_keys(const struct output *output) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < fv_model_key_count(output->parent) && status == FV_OK; i++) {
        const char *key = fv_model_key_at(output->parent, i);
        status = replaces(key) ? FV_OK : fv_writer_copy_key(output->writer, output->parent, key, output->error);
    }
    return status;
}

/* The name, and who the ancestors are, the nearest first. */
static enum fv_status set_lineage(const struct output *output) {
    struct fovea_buffer name = {0}, text = {0};
    const char *lines[LINEAGE_MAX];
    long older = fv_model_array_length(output->parent, "fovea.lineage");
    size_t count = 1;
    fovea_adapt_add_name(output->adapt, &name);
    fovea_adapt_describe(output->adapt, &text);
    lines[0] = text.bytes;
    while (count <= (size_t)(older > 0 ? older : 0) && count < LINEAGE_MAX &&
           fv_model_array_string(output->parent, "fovea.lineage", count - 1, &lines[count])) {
        count++;
    }
    enum fv_status status = FV_OK;
    if (name.failed || text.failed) {
        status = fv_error_set(output->error, FV_ERROR_MEMORY, "%s: out of memory", output->adapt->options->output);
    }
    status = status != FV_OK ? status : fv_writer_set_string(output->writer, "general.name", name.bytes, output->error);
    status =
        status != FV_OK ? status : fv_writer_set_strings(output->writer, "fovea.lineage", lines, count, output->error);
    fovea_buffer_clear(&name);
    fovea_buffer_clear(&text);
    return status;
}

/* How it was made, for programs. */
static enum fv_status set_numbers(const struct output *output) {
    const struct fovea_adapt *adapt = output->adapt;
    struct fv_writer *writer = output->writer;
    struct fv_error *error = output->error;
    const struct {
        const char *key, *value;
    } texts[] = {
        {PREFIX "parent_sha256", adapt->parent->sha256},
        {PREFIX "parent_name", adapt->parent->name},
        {PREFIX "labels_sha256", adapt->labels.sha256},
        {PREFIX "date", adapt->date},
        {PREFIX "optimizer", adapt->decoupled ? "adamw" : "adam"},
    };
    const struct {
        const char *key;
        size_t value;
    } counts[] = {
        {PREFIX "seed", adapt->options->seed},   {PREFIX "copies", adapt->options->copies},
        {PREFIX "folds", adapt->options->folds}, {PREFIX "subjects", adapt->subjects},
        {PREFIX "epochs", adapt->chosen},
    };
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {PREFIX "learning_rate", adapt->training.rate},     {PREFIX "weight_decay", adapt->training.decay},
        {PREFIX "accuracy_before", adapt->before.accuracy}, {PREFIX "accuracy", adapt->after.accuracy},
        {PREFIX "macro_f1_before", adapt->before.macro_f1}, {PREFIX "macro_f1", adapt->after.macro_f1},
    };
    uint32_t images[CLASSES];
    for (size_t k = 0; k < CLASSES; k++) {
        images[k] = (uint32_t)adapt->counts[k];
    }
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == FV_OK; i++) {
        status = fv_writer_set_string(writer, texts[i].key, texts[i].value, error);
    }
    status = status != FV_OK ? status : fv_writer_set_u32s(writer, PREFIX "images", images, CLASSES, error);
    for (size_t i = 0; i < sizeof counts / sizeof *counts && status == FV_OK; i++) {
        status = fv_writer_set_u32(writer, counts[i].key, (uint32_t)counts[i].value, error);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && status == FV_OK; i++) {
        status = fv_writer_set_f32(writer, numbers[i].key, (float)numbers[i].value, error);
    }
    return status;
}

static bool is_weight(const struct output *output, const struct fv_tensor *tensor) {
    return strcmp(tensor->name, output->adapt->head_weight) == 0;
}

static bool is_bias(const struct output *output, const struct fv_tensor *tensor) {
    return strcmp(tensor->name, output->adapt->head_bias) == 0;
}

static enum fv_status declare_tensors(const struct output *output) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < fv_model_tensor_count(output->parent) && status == FV_OK; i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(output->parent, i);
        status = is_weight(output, tensor) || is_bias(output, tensor)
                     ? fv_writer_declare(output->writer, tensor->name, FV_TYPE_F32, tensor->shape, tensor->rank,
                                         output->error)
                     : fv_writer_declare_copy(output->writer, tensor, output->error);
    }
    return status;
}

static enum fv_status write_tensors(const struct output *output) {
    const size_t weights = CLASSES * output->adapt->start.features;
    enum fv_status status = fv_writer_begin(output->writer, output->error);
    for (size_t i = 0; i < fv_model_tensor_count(output->parent) && status == FV_OK; i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(output->parent, i);
        if (is_weight(output, tensor)) {
            status = fv_writer_tensor(output->writer, output->values, weights, output->error);
        } else if (is_bias(output, tensor)) {
            status = fv_writer_tensor(output->writer, output->values + weights, CLASSES, output->error);
        } else {
            status = fv_writer_copy_tensor(output->writer, tensor, output->error);
        }
    }
    return status;
}

/* The trained layer in the precision of the file. */
static float *round_layer(const struct fovea_linear *layer) {
    size_t size = fovea_linear_size(layer);
    float *values = fv_allocate(size, sizeof *values);
    for (size_t i = 0; values != NULL && i < size; i++) {
        values[i] = (float)layer->values[i];
    }
    return values;
}

enum fv_status fovea_adapt_write_model(const struct fovea_adapt *adapt, struct fv_error *error) {
    struct output output = {.adapt = adapt, .parent = adapt->parent->file, .error = error};
    output.values = round_layer(&adapt->final.layer);
    if (output.values == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", adapt->options->output);
    }
    enum fv_status status = fv_writer_create(adapt->options->output, &output.writer, error);
    status = status != FV_OK ? status : copy_keys(&output);
    status = status != FV_OK ? status : set_lineage(&output);
    status = status != FV_OK ? status : set_numbers(&output);
    status = status != FV_OK ? status : declare_tensors(&output);
    status = status != FV_OK ? status : write_tensors(&output);
    if (status == FV_OK) {
        status = fv_writer_finish(output.writer, error);
    } else {
        fv_writer_abandon(output.writer);
    }
    fv_release(output.values);
    return status;
}
