/* From a pickled object to named tensors: state dicts, training dicts that hold one, and whole modules. */
#include <string.h>

#include "fovea/memory.h"
#include "torch.h"

enum {
    MOST_VISITS = 1 << 16,
    MOST_STEPS = 1 << 26, /* attributes looked at: a small file may name one huge module again and again */
};

/* A list of names and tensors before their common prefix is known. */
struct collector {
    struct torch_reader *reader;
    struct fv_checkpoint_tensor *tensors;
    size_t count;
    size_t capacity;
    size_t visits; /* modules seen: a file may name one module under many paths */
    size_t steps;
};

static enum fv_status out_of_memory(const struct collector *collector) {
    return checkpoint_out_of_memory(collector->reader->checkpoint, collector->reader->error);
}

/* "path.name" in the pool; "name" where the path is empty. */
static char *join(const struct collector *collector, const char *path, const char *name) {
    size_t length = strlen(path) + 1 + strlen(name);
    char *joined = fv_pool_take(&collector->reader->checkpoint->pool, length + 1, 1);
    if (joined != NULL) {
        strcat(joined, path);
        strcat(joined, path[0] == '\0' ? "" : ".");
        strcat(joined, name);
    }
    return joined;
}

static enum fv_status add(struct collector *collector, const char *name, const struct tensor *tensor) {
    if (collector->count == MOST_TENSORS) {
        return fv_error_set(collector->reader->error, FV_ERROR_UNSUPPORTED, "%s: more than %d tensors",
                            collector->reader->file->path, MOST_TENSORS);
    }
    if (collector->count == collector->capacity) {
        size_t capacity = collector->capacity == 0 ? 256 : 2 * collector->capacity;
        struct fv_checkpoint_tensor *grown =
            fv_reallocate(collector->tensors, collector->count, capacity, sizeof *grown);
        if (grown == NULL) {
            return out_of_memory(collector);
        }
        collector->tensors = grown;
        collector->capacity = capacity;
    }
    const struct storage *storage = tensor->storage;
    struct fv_checkpoint_tensor *added = &collector->tensors[collector->count++];
    *added = (struct fv_checkpoint_tensor){.name = name, .element = storage->element, .rank = tensor->rank};
    added->elements = 1;
    for (uint32_t i = 0; i < FV_CHECKPOINT_MAX_RANK; i++) {
        added->shape[i] = i < tensor->rank ? tensor->shape[i] : 1;
        added->strides[i] = i < tensor->rank ? tensor->strides[i] : 0;
        /* A dimension of 0 ends the check of the others, so that this product may overflow; it is 0 in the end. */
        added->elements *= added->shape[i];
    }
    const struct storage *root = storage->parent == NULL ? storage : storage->parent;
    added->data = root->bytes;
    if (added->elements > 0) {
        added->data += (storage->parent_offset + tensor->offset) * fv_element_size(storage->element);
    }
    return FV_OK;
}

/* A flat dictionary of tensors. */
static enum fv_status collect_dictionary(struct collector *collector, const struct value *dictionary) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i + 1 < dictionary->items.count && status == FV_OK; i += 2) {
        const char *name = value_string(dictionary->items.at[i]);
        const struct value *value = dictionary->items.at[i + 1];
        if (name == NULL || value->type != VALUE_TENSOR) {
            return fv_error_set(collector->reader->error, FV_ERROR_UNSUPPORTED,
                                "%s: not a state dict: entry %s is %s, expected a tensor",
                                collector->reader->file->path,
                                name == NULL ? value_type_name(dictionary->items.at[i]) : name, value_type_name(value));
        }
        status = add(collector, name, value->tensor);
    }
    return status;
}

/* A module still to be looked at. */
struct visit {
    const struct value *module;
    const char *path;
    unsigned depth;
};

/* The dictionary that a module has under this name, within the budget of steps. */
static enum fv_status take_dictionary(struct collector *collector, const struct visit *visit, const char *attribute,
                                      const struct value **dictionary) {
    const char *path = visit->path[0] == '\0' ? "(root)" : visit->path;
    const struct value *state = visit->module->record.state;
    *dictionary = value_get(visit->module, attribute);
    if (*dictionary == NULL || (*dictionary)->type != VALUE_DICTIONARY) {
        return fv_error_set(collector->reader->error, FV_ERROR_FORMAT, "%s: module %s has no dict %s",
                            collector->reader->file->path, path, attribute);
    }
    collector->steps += state->items.count + (*dictionary)->items.count;
    if (collector->steps > MOST_STEPS) {
        return fv_error_set(collector->reader->error, FV_ERROR_UNSUPPORTED,
                            "%s: module %s: the modules have more than %d attributes", collector->reader->file->path,
                            path, MOST_STEPS);
    }
    return FV_OK;
}

/* The parameters or buffers of one module; None where it has none of that name. */
static enum fv_status collect_own(struct collector *collector, const struct visit *visit, const char *attribute) {
    const struct value *own;
    enum fv_status status = take_dictionary(collector, visit, attribute, &own);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i + 1 < own->items.count && status == FV_OK; i += 2) {
        const char *name = value_string(own->items.at[i]);
        const struct value *value = own->items.at[i + 1];
        if (name == NULL || (value->type != VALUE_TENSOR && value->type != VALUE_NONE)) {
            return fv_error_set(collector->reader->error, FV_ERROR_FORMAT, "%s: module %s: %s holds %s",
                                collector->reader->file->path, visit->path, attribute, value_type_name(value));
        }
        if (value->type == VALUE_TENSOR) {
            char *joined = join(collector, visit->path, name);
            status = joined == NULL ? out_of_memory(collector) : add(collector, joined, value->tensor);
        }
    }
    return status;
}

/* Puts the children of a module on the stack, the last one first, so that they come off in order. */
static enum fv_status push_children(struct collector *collector, struct visit visit, struct visit *stack,
                                    size_t *stack_count) {
    const char *path = collector->reader->file->path;
    const struct value *children;
    enum fv_status status = take_dictionary(collector, &visit, "_modules", &children);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = children->items.count; i >= 2; i -= 2) {
        const char *name = value_string(children->items.at[i - 2]);
        const struct value *child = children->items.at[i - 1];
        if (child->type == VALUE_NONE) {
            continue;
        }
        if (name == NULL || child->type != VALUE_RECORD || visit.depth == VALUE_DEPTH ||
            ++collector->visits == MOST_VISITS) {
            return fv_error_set(collector->reader->error, FV_ERROR_FORMAT,
                                "%s: module %s: a child is no module, or modules are nested without end", path,
                                visit.path);
        }
        char *joined = join(collector, visit.path, name);
        if (joined == NULL) {
            return out_of_memory(collector);
        }
        stack[(*stack_count)++] = (struct visit){.module = child, .path = joined, .depth = visit.depth + 1};
    }
    return FV_OK;
}

/* The parameters and buffers of a module and of all modules in it. */
static enum fv_status collect_module(struct collector *collector, const struct value *module) {
    struct visit *stack = fv_allocate(MOST_VISITS, sizeof *stack);
    if (stack == NULL) {
        return out_of_memory(collector);
    }
    size_t count = 0;
    stack[count++] = (struct visit){.module = module, .path = ""};
    enum fv_status status = FV_OK;
    while (count > 0 && status == FV_OK) {
        struct visit visit = stack[--count];
        status = collect_own(collector, &visit, "_parameters");
        if (status == FV_OK) {
            status = collect_own(collector, &visit, "_buffers");
        }
        if (status == FV_OK) {
            status = push_children(collector, visit, stack, &count);
        }
    }
    fv_release(stack);
    return status;
}

/* Hands the tensors over; "module.", with which DataParallel begins every name, is cut off. */
static enum fv_status hand_over(struct collector *collector, const char *prefix) {
    static const char wrapper[] = "module.";
    struct fv_checkpoint *checkpoint = collector->reader->checkpoint;
    size_t wrapped = 0;
    for (size_t i = 0; i < collector->count; i++) {
        wrapped += strncmp(collector->tensors[i].name, wrapper, sizeof wrapper - 1) == 0;
    }
    size_t skip = wrapped == collector->count ? sizeof wrapper - 1 : 0;
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < collector->count && status == FV_OK; i++) {
        struct fv_checkpoint_tensor *tensor = &collector->tensors[i];
        const char *name = tensor->name + skip;
        size_t length = strlen(prefix) + strlen(name);
        char *full = fv_pool_take(&checkpoint->pool, length + 1, 1);
        if (full == NULL) {
            return out_of_memory(collector);
        }
        strcat(strcat(full, prefix), name);
        tensor->name = full;
        status = checkpoint_add_tensor(checkpoint, collector->reader->file->path, tensor, collector->reader->error);
    }
    return status;
}

/* Finds what holds the weights in `root`, and what `root` is. */
static const struct value *unwrap(const struct value *root, const char **kind) {
    static const char *const keys[] = {"state_dict", "model"};
    static const char *const kinds[] = {"dict with \"state_dict\"", "dict with \"model\""};
    for (size_t i = 0; i < 2 && root->type == VALUE_DICTIONARY; i++) {
        const struct value *inner = value_get(root, keys[i]);
        if (inner != NULL && (inner->type == VALUE_DICTIONARY || inner->type == VALUE_RECORD)) {
            *kind = kinds[i];
            return inner;
        }
    }
    *kind = root->type == VALUE_RECORD ? "whole module" : "state dict";
    return root;
}

enum fv_status torch_state_collect(struct torch_reader *reader, const struct value *root, const char *prefix,
                                   const char **kind) {
    struct collector collector = {.reader = reader};
    const struct value *holder = unwrap(root, kind);
    enum fv_status status;
    if (holder->type == VALUE_RECORD) {
        reader->checkpoint->module = holder;
        status = collect_module(&collector, holder);
    } else if (holder->type == VALUE_DICTIONARY) {
        status = collect_dictionary(&collector, holder);
    } else {
        status = fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: holds %s, expected a state dict or a module",
                              reader->file->path, value_type_name(holder));
    }
    if (status == FV_OK && collector.count == 0) {
        status = fv_error_set(reader->error, FV_ERROR_MODEL, "%s: holds no tensors", reader->file->path);
    }
    if (status == FV_OK) {
        status = hand_over(&collector, prefix);
    }
    fv_release(collector.tensors);
    return status;
}
