/* Weights of models and checkpoints as safetensors files, one for each fold of an ensemble. */
#include "fovea/export.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "safetensors_write.h"

enum { MOST_FOLDS = 16 };

/* A tensor to be written; one of the two sources is set. */
struct item {
    struct safetensors_entry entry;
    size_t fold;
    const struct fv_tensor *stored;
    const struct fv_checkpoint_tensor *source;
};

struct output {
    char *path;
    struct fv_output *file;
};

struct export {
    const char *path;                       /* of the source, for messages */
    const struct fv_checkpoint *checkpoint; /* NULL for a model */
    bool ensemble;
    struct item *items;
    size_t count;
    size_t folds[MOST_FOLDS]; /* to write; one of any number for what is no ensemble */
    size_t fold_count;
    struct safetensors_note notes[3];
    size_t note_count;
    struct output outputs[MOST_FOLDS];
    struct fv_export_summary summary;
    struct fv_error *error;
};

static enum fv_status out_of_memory(const struct export *export) {
    return fv_error_set(export->error, FV_ERROR_MEMORY, "%s: out of memory", export->path);
}

/* The part of `name` behind "fold_K.", and K; the whole name where it does not begin so. */
static const char *split_fold(const char *name, size_t *fold) {
    static const char prefix[] = "fold_";
    char *end;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return name;
    }
    const unsigned long number = strtoul(name + sizeof prefix - 1, &end, 10);
    if (end == name + sizeof prefix - 1 || *end != '.') {
        return name;
    }
    *fold = number;
    return end + 1;
}

/* Puts the fold's number, and the name without it, into an item of an ensemble. */
static enum fv_status take_fold(struct export *export, struct item *item) {
    if (!export->ensemble) {
        return FV_OK;
    }
    item->entry.name = split_fold(item->entry.name, &item->fold);
    for (size_t i = 0; i < export->fold_count; i++) {
        if (export->folds[i] == item->fold) {
            return FV_OK;
        }
    }
    if (export->fold_count == MOST_FOLDS) {
        return fv_error_set(export->error, FV_ERROR_MODEL, "%s: more than %d folds", export->path, MOST_FOLDS);
    }
    export->folds[export->fold_count++] = item->fold;
    return FV_OK;
}

/* Leaves only the fold that is asked for. */
static enum fv_status choose_folds(struct export *export, size_t fold) {
    if (!export->ensemble) {
        export->fold_count = 1;
        return fold == FV_ALL_FOLDS
                   ? FV_OK
                   : fv_error_set(export->error, FV_ERROR_ARGUMENT, "%s: is no ensemble, so --fold %zu picks nothing",
                                  export->path, fold);
    }
    if (fold == FV_ALL_FOLDS) {
        return FV_OK;
    }
    char known[MOST_FOLDS * 24] = "";
    for (size_t i = 0; i < export->fold_count; i++) {
        if (export->folds[i] == fold) {
            export->folds[0] = fold;
            export->fold_count = 1;
            return FV_OK;
        }
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%zu", i == 0 ? "" : ", ", export->folds[i]);
    }
    return fv_error_set(export->error, FV_ERROR_ARGUMENT, "%s: has no fold %zu; it has %s", export->path, fold, known);
}

/* "NAME.fold_K.safetensors" for one of several folds, else the path as it is. */
static char *output_path(const struct export *export, const char *path, size_t fold) {
    static const char suffix[] = ".safetensors";
    const size_t length = strlen(path), cut = sizeof suffix - 1;
    if (export->fold_count == 1) {
        return fv_duplicate(path);
    }
    const bool has_suffix = length > cut && strcmp(path + length - cut, suffix) == 0;
    return fv_text_format("%.*s.fold_%zu%s", (int)(has_suffix ? length - cut : length), path, fold,
                          has_suffix ? suffix : "");
}

/* Writes the elements; `room` holds the largest tensor that cannot be written as it lies in the file. */
static enum fv_status write_data(struct export *export, struct fv_output *output, const struct item *item, void *room) {
    enum fv_status status;
    if (item->source != NULL) {
        fv_checkpoint_copy(export->checkpoint, item->source, room);
        return fv_output_write(output, room, item->entry.bytes, export->error);
    }
    if (item->stored->type == FV_TYPE_Q8_0) {
        status = fv_tensor_read(item->stored, room, export->error);
        if (status != FV_OK) {
            return status;
        }
        status = fv_output_write(output, room, item->entry.bytes, export->error);
    } else {
        status = fv_output_write(output, item->stored->data, item->entry.bytes, export->error);
    }
    fv_tensor_evict(item->stored);
    return status;
}

/* Header and data of one file. */
static enum fv_status write_file(struct export *export, size_t fold, struct fv_output *output) {
    struct safetensors_entry *entries = fv_allocate(export->count, sizeof *entries);
    size_t count = 0, largest = 0;
    for (size_t i = 0; entries != NULL && i < export->count; i++) {
        const struct item *item = &export->items[i];
        if (!export->ensemble || item->fold == fold) {
            entries[count++] = item->entry;
            const bool copied = item->source != NULL || item->stored->type == FV_TYPE_Q8_0;
            largest = copied && item->entry.bytes > largest ? item->entry.bytes : largest;
        }
    }
    void *room = fv_allocate(largest, 1);
    enum fv_status status = entries == NULL || room == NULL ? out_of_memory(export) : FV_OK;
    if (status == FV_OK) {
        status = safetensors_write_header(output, export->path, entries, count, export->notes, export->note_count,
                                          export->error);
    }
    for (size_t i = 0; status == FV_OK && i < export->count; i++) {
        if (!export->ensemble || export->items[i].fold == fold) {
            status = write_data(export, output, &export->items[i], room);
            export->summary.tensors++;
            export->summary.parameters +=
                export->items[i].entry.bytes / fv_element_size(export->items[i].entry.element);
        }
    }
    fv_release(room);
    fv_release(entries);
    return status;
}

/* Gives every file its name; if one cannot have it, those before it are removed. */
static enum fv_status finish_files(struct export *export) {
    for (size_t i = 0; i < export->fold_count; i++) {
        const enum fv_status status = fv_output_finish(export->outputs[i].file, export->error);
        export->outputs[i].file = NULL;
        if (status != FV_OK) {
            while (i-- > 0) {
                unlink(export->outputs[i].path);
            }
            return status;
        }
        export->summary.files++;
    }
    return FV_OK;
}

static enum fv_status write_files(struct export *export, const char *path) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < export->fold_count && status == FV_OK; i++) {
        struct output *output = &export->outputs[i];
        output->path = output_path(export, path, export->folds[i]);
        status =
            output->path == NULL ? out_of_memory(export) : fv_output_create(output->path, &output->file, export->error);
        if (status == FV_OK) {
            status = write_file(export, export->folds[i], output->file);
        }
    }
    if (status == FV_OK) {
        status = finish_files(export);
    }
    for (size_t i = 0; i < export->fold_count; i++) {
        fv_output_abandon(export->outputs[i].file);
        fv_release(export->outputs[i].path);
    }
    return status;
}

/* Larger elements first, so that every tensor lies at a multiple of its element's size; else in the order they have. */
static enum fv_status order_items(struct export *export) {
    struct item *ordered = fv_allocate(export->count, sizeof *ordered);
    size_t placed = 0;
    if (ordered == NULL) {
        return out_of_memory(export);
    }
    for (size_t size = 8; size > 0; size /= 2) {
        for (size_t i = 0; i < export->count; i++) {
            if (fv_element_size(export->items[i].entry.element) == size) {
                ordered[placed++] = export->items[i];
            }
        }
    }
    fv_release(export->items);
    export->items = ordered;
    return FV_OK;
}

/* What both sources have in common, after the items are collected. Frees them. */
static enum fv_status run(struct export *export, const char *path, size_t fold, struct fv_export_summary *summary,
                          enum fv_status status) {
    if (status == FV_OK) {
        status = choose_folds(export, fold);
    }
    if (status == FV_OK) {
        status = order_items(export);
    }
    if (status == FV_OK) {
        status = write_files(export, path);
    }
    if (status == FV_OK && summary != NULL) {
        *summary = export->summary;
    }
    fv_release(export->items);
    return status;
}

enum fv_status fv_export_checkpoint(const struct fv_checkpoint *checkpoint, const char *path, size_t fold,
                                    struct fv_export_summary *summary, struct fv_error *error) {
    char digest[65];
    struct export export = {
        .path = checkpoint->path,
        .checkpoint = checkpoint,
        .ensemble = checkpoint->plans != NULL,
        .items = fv_allocate_zero(checkpoint->tensor_count, sizeof *export.items),
        .notes = {{"format", "pt"}, {"converter", "fovea " FOVEA_VERSION}, {"source_sha256", digest}},
        .note_count = 3,
        .error = error,
    };
    enum fv_status status = export.items == NULL ? out_of_memory(&export) : FV_OK;
    fv_checkpoint_sha256(checkpoint, digest);
    for (size_t i = 0; i < checkpoint->tensor_count && status == FV_OK; i++) {
        const struct fv_checkpoint_tensor *tensor = &checkpoint->tensors[i];
        struct item *item = &export.items[export.count++];
        item->source = tensor;
        item->entry = (struct safetensors_entry){.name = tensor->name,
                                                 .element = tensor->element,
                                                 .rank = tensor->rank,
                                                 .shape = tensor->shape,
                                                 .bytes = tensor->elements * fv_element_size(tensor->element)};
        status = take_fold(&export, item);
    }
    return run(&export, path, fold, summary, status);
}

/* The element type in the file; q8_0 blocks become floats. */
static enum fv_element element_of(enum fv_type type) {
    switch (type) {
    case FV_TYPE_F16:
        return FV_ELEMENT_F16;
    case FV_TYPE_BF16:
        return FV_ELEMENT_BF16;
    case FV_TYPE_I32:
        return FV_ELEMENT_I32;
    case FV_TYPE_I64:
        return FV_ELEMENT_I64;
    case FV_TYPE_F32:
    case FV_TYPE_Q8_0:
        break;
    }
    return FV_ELEMENT_F32;
}

/* The name that the checkpoint has for a tensor, by the pairs MODEL_NAME=CHECKPOINT_NAME of fovea.renamed. */
static const char *original_name(const struct fv_model *model, const char *name) {
    const size_t length = strlen(name);
    const char *pair;
    for (size_t i = 0; fv_model_array_string(model, "fovea.renamed", i, &pair); i++) {
        if (strncmp(pair, name, length) == 0 && pair[length] == '=') {
            return pair + length + 1;
        }
    }
    return name;
}

enum fv_status fv_export_model(const struct fv_model *model, const char *path, size_t fold,
                               struct fv_export_summary *summary, struct fv_error *error) {
    const size_t count = fv_model_tensor_count(model);
    struct export export = {
        .path = fv_model_path(model),
        .ensemble = fv_model_array_length(model, "unet.folds") > 0,
        .items = fv_allocate_zero(count, sizeof *export.items),
        .notes = {{"format", "pt"}, {"converter", "fovea " FOVEA_VERSION}, {"source_sha256", ""}},
        .note_count = 2,
        .error = error,
    };
    export.note_count += fv_model_string(model, "fovea.source_sha256", &export.notes[2].value) ? 1 : 0;
    enum fv_status status = export.items == NULL ? out_of_memory(&export) : FV_OK;
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(model, i);
        struct item *item = &export.items[export.count++];
        const enum fv_element element = element_of(tensor->type);
        item->stored = tensor;
        item->entry = (struct safetensors_entry){.name = original_name(model, tensor->name),
                                                 .element = element,
                                                 .rank = tensor->rank,
                                                 .shape = tensor->shape,
                                                 .bytes = tensor->elements * fv_element_size(element)};
        status = take_fold(&export, item);
    }
    return run(&export, path, fold, summary, status);
}
