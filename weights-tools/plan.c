/* Lists of tensors and metadata for the converter. */
#include "plan.h"

#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"

enum { NAME_SIZE = 256, SHAPE_SIZE = 128, DECISION_SIZE = 512 };

void plan_fail(struct plan *plan, enum fv_status status, const char *format, ...) {
    if (plan->status == FV_OK) {
        va_list arguments;
        va_start(arguments, format);
        plan->status = fv_error_set_list(plan->error, status, format, arguments);
        va_end(arguments);
    }
}

static void out_of_memory(struct plan *plan) {
    plan_fail(plan, FV_ERROR_MEMORY, "%s: out of memory", plan->checkpoint->path);
}

/* Prints the prefix and the name; names that do not fit can be no tensor's. */
static void print_name(const struct plan *plan, char name[NAME_SIZE], const char *format, va_list arguments)
    FV_PRINTF(3, 0);

static void print_name(const struct plan *plan, char name[NAME_SIZE], const char *format, va_list arguments) {
    int length = snprintf(name, NAME_SIZE, "%s", plan->prefix);
    vsnprintf(name + length, NAME_SIZE - (size_t)length, format, arguments);
}

static void print_shape(char text[SHAPE_SIZE], const size_t *shape, uint32_t rank) {
    size_t length = 0;
    text[length++] = '[';
    for (uint32_t i = 0; i < rank; i++) {
        length += (size_t)snprintf(text + length, SHAPE_SIZE - length, "%s%zu", i == 0 ? "" : ", ", shape[i]);
        if (length > SHAPE_SIZE - 32) {
            break;
        }
    }
    snprintf(text + length, SHAPE_SIZE - length, "]");
}

const struct fv_checkpoint_tensor *plan_look(struct plan *plan, const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    print_name(plan, name, format, arguments);
    va_end(arguments);
    return fv_checkpoint_tensor(plan->checkpoint, name);
}

size_t plan_dimension(const struct fv_checkpoint_tensor *tensor, uint32_t axis) {
    return tensor != NULL && axis < tensor->rank ? tensor->shape[axis] : 0;
}

/* Whether the tensor has the shape; otherwise that is the plan's error. */
static bool check_shape(struct plan *plan, const struct fv_checkpoint_tensor *tensor, const size_t *shape,
                        uint32_t rank) {
    bool equal = tensor->rank == rank;
    for (uint32_t i = 0; equal && i < rank; i++) {
        equal = tensor->shape[i] == shape[i];
    }
    if (!equal) {
        char found[SHAPE_SIZE];
        char expected[SHAPE_SIZE];
        print_shape(found, tensor->shape, tensor->rank);
        print_shape(expected, shape, rank);
        plan_fail(plan, FV_ERROR_MODEL, "%s: tensor %s has shape %s, expected %s", plan->checkpoint->path, tensor->name,
                  found, expected);
    }
    return equal;
}

static bool is_floating(enum fv_element element) {
    return element == FV_ELEMENT_F64 || element == FV_ELEMENT_F32 || element == FV_ELEMENT_F16 ||
           element == FV_ELEMENT_BF16;
}

/* Counts the tensor as used. */
static void use(struct plan *plan, const struct fv_checkpoint_tensor *tensor) {
    if (!fv_names_find(&plan->used, tensor->name, NULL) && !fv_names_add(&plan->used, tensor->name, 0)) {
        out_of_memory(plan);
    }
}

static void add_tensor(struct plan *plan, const struct plan_tensor *tensor) {
    if (plan->tensor_count == plan->tensor_capacity) {
        size_t capacity = plan->tensor_capacity == 0 ? 256 : 2 * plan->tensor_capacity;
        struct plan_tensor *grown = fv_reallocate(plan->tensors, plan->tensor_count, capacity, sizeof *grown);
        if (grown == NULL) {
            out_of_memory(plan);
            return;
        }
        plan->tensors = grown;
        plan->tensor_capacity = capacity;
    }
    plan->tensors[plan->tensor_count++] = *tensor;
}

/* The common part of plan_take and plan_take_as; both names are complete. */
static void take(struct plan *plan, enum plan_role role, const size_t *shape, uint32_t rank, const char *target,
                 const char *source) {
    if (plan->status != FV_OK) {
        return;
    }
    const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor(plan->checkpoint, source);
    if (tensor == NULL) {
        plan_fail(plan, FV_ERROR_MODEL, "%s: tensor %s is missing (network: %s, naming: %s)", plan->checkpoint->path,
                  source, plan->architecture, plan->naming);
        return;
    }
    if (!check_shape(plan, tensor, shape, rank)) {
        return;
    }
    if (!is_floating(tensor->element)) {
        plan_fail(plan, FV_ERROR_MODEL, "%s: tensor %s holds %s, expected floating-point numbers",
                  plan->checkpoint->path, source, fv_element_name(tensor->element));
        return;
    }
    struct plan_tensor planned = {.source = tensor, .role = role};
    planned.name = fv_pool_text(&plan->pool, target, strlen(target));
    if (planned.name == NULL) {
        out_of_memory(plan);
        return;
    }
    use(plan, tensor);
    add_tensor(plan, &planned);
}

void plan_take(struct plan *plan, enum plan_role role, const size_t *shape, uint32_t rank, const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    print_name(plan, name, format, arguments);
    va_end(arguments);
    take(plan, role, shape, rank, name, name);
}

void plan_take_as(struct plan *plan, enum plan_role role, const size_t *shape, uint32_t rank, const char *target,
                  const char *source) {
    take(plan, role, shape, rank, target, source);
}

const struct fv_checkpoint_tensor *plan_skip(struct plan *plan, const size_t *shape, uint32_t rank, const char *format,
                                             ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    print_name(plan, name, format, arguments);
    va_end(arguments);
    const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor(plan->checkpoint, name);
    if (plan->status != FV_OK || tensor == NULL || !check_shape(plan, tensor, shape, rank)) {
        return NULL;
    }
    use(plan, tensor);
    return tensor;
}

void plan_norm(struct plan *plan, size_t channels, const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    plan_take(plan, PLAN_VECTOR, SHAPE(channels), "%s.weight", name);
    plan_take(plan, PLAN_VECTOR, SHAPE(channels), "%s.bias", name);
}

void plan_batch_norm(struct plan *plan, size_t channels, const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    plan_norm(plan, channels, "%s", name);
    plan_take(plan, PLAN_VECTOR, SHAPE(channels), "%s.running_mean", name);
    plan_take(plan, PLAN_VARIANCE, SHAPE(channels), "%s.running_var", name);
    plan_skip(plan, NULL, 0, "%s.num_batches_tracked", name);
}

void plan_check_unused(struct plan *plan) {
    for (size_t i = 0; i < plan->checkpoint->tensor_count && plan->status == FV_OK; i++) {
        const struct fv_checkpoint_tensor *tensor = &plan->checkpoint->tensors[i];
        if (!fv_names_find(&plan->used, tensor->name, NULL)) {
            char shape[SHAPE_SIZE];
            print_shape(shape, tensor->shape, tensor->rank);
            plan_fail(plan, FV_ERROR_MODEL, "%s: tensor %s of shape %s is not expected (network: %s, naming: %s)",
                      plan->checkpoint->path, tensor->name, shape, plan->architecture, plan->naming);
        }
    }
}

/* A fresh metadata entry with room for `count` values of `size` bytes; NULL after a failure. */
static struct plan_value *add_value(struct plan *plan, const char *key, enum plan_type type, size_t count,
                                    size_t size) {
    if (plan->status != FV_OK) {
        return NULL;
    }
    if (plan->value_count == plan->value_capacity) {
        size_t capacity = plan->value_capacity == 0 ? 64 : 2 * plan->value_capacity;
        struct plan_value *grown = fv_reallocate(plan->values, plan->value_count, capacity, sizeof *grown);
        if (grown == NULL) {
            out_of_memory(plan);
            return NULL;
        }
        plan->values = grown;
        plan->value_capacity = capacity;
    }
    void *room = fv_pool_take(&plan->pool, count, size);
    if (room == NULL) {
        out_of_memory(plan);
        return NULL;
    }
    struct plan_value *value = &plan->values[plan->value_count++];
    *value = (struct plan_value){.key = key, .type = type, .count = count, .strings = room};
    return value;
}

void plan_set_strings(struct plan *plan, const char *key, const char *const *values, size_t count) {
    struct plan_value *value = add_value(plan, key, PLAN_STRINGS, count, sizeof *value->strings);
    for (size_t i = 0; value != NULL && i < count; i++) {
        value->strings[i] = fv_pool_text(&plan->pool, values[i], strlen(values[i]));
        if (value->strings[i] == NULL) {
            out_of_memory(plan);
            return;
        }
    }
}

void plan_set_string(struct plan *plan, const char *key, const char *text) {
    size_t before = plan->value_count;
    plan_set_strings(plan, key, &text, 1);
    if (plan->value_count > before) {
        plan->values[before].type = PLAN_STRING;
    }
}

void plan_set_u32s(struct plan *plan, const char *key, const uint32_t *values, size_t count) {
    struct plan_value *value = add_value(plan, key, PLAN_U32S, count, sizeof *values);
    if (value != NULL) {
        value->integers = memcpy(value->integers, values, count * sizeof *values);
    }
}

void plan_set_u32(struct plan *plan, const char *key, size_t integer) {
    struct plan_value *value = add_value(plan, key, PLAN_U32, 1, sizeof *value->integers);
    if (value != NULL && integer > UINT32_MAX) {
        plan_fail(plan, FV_ERROR_MODEL, "%s: %s is %zu, too large", plan->checkpoint->path, key, integer);
    } else if (value != NULL) {
        value->integers[0] = (uint32_t)integer;
    }
}

void plan_set_f32s(struct plan *plan, const char *key, const float *values, size_t count) {
    struct plan_value *value = add_value(plan, key, PLAN_F32S, count, sizeof *values);
    if (value != NULL) {
        memcpy(value->numbers, values, count * sizeof *values);
    }
}

void plan_set_f32(struct plan *plan, const char *key, float number) {
    struct plan_value *value = add_value(plan, key, PLAN_F32, 1, sizeof number);
    if (value != NULL) {
        value->numbers[0] = number;
    }
}

void plan_set_bool(struct plan *plan, const char *key, bool boolean) {
    struct plan_value *value = add_value(plan, key, PLAN_BOOL, 0, 1);
    if (value != NULL) {
        value->boolean = boolean;
    }
}

void plan_decide(struct plan *plan, const char *format, ...) {
    char text[DECISION_SIZE];
    va_list arguments;
    if (plan->status != FV_OK) {
        return;
    }
    if (plan->decision_count == plan->decision_capacity) {
        size_t capacity = plan->decision_capacity == 0 ? 16 : 2 * plan->decision_capacity;
        const char **grown = fv_reallocate(plan->decisions, plan->decision_count, capacity, sizeof *grown);
        if (grown == NULL) {
            out_of_memory(plan);
            return;
        }
        plan->decisions = grown;
        plan->decision_capacity = capacity;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    plan->decisions[plan->decision_count] = fv_pool_text(&plan->pool, text, strlen(text));
    if (plan->decisions[plan->decision_count] == NULL) {
        out_of_memory(plan);
        return;
    }
    plan->decision_count++;
}

void plan_clear(struct plan *plan) {
    fv_release(plan->decisions);
    fv_release(plan->tensors);
    fv_release(plan->values);
    fv_names_clear(&plan->used);
    fv_pool_clear(&plan->pool);
    *plan = (struct plan){0};
}
