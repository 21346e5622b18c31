/* The pickle machine's stack, marks, memo and containers, with their budgets. */
#include <inttypes.h>
#include <string.h>

#include "fovea/memory.h"
#include "pickle_machine.h"

enum {
    MOST_OBJECTS = 1 << 22,
    MOST_ITEMS = 1 << 23,
    MOST_MEMO = 1 << 22,
    MEMO_SLACK = 4096, /* memo indices are dense in real files */
    MOST_STACK = 1 << 20,
};

enum fv_status pickle_out_of_memory(struct pickle *pickle) {
    return fv_error_set(pickle->error, FV_ERROR_MEMORY, "%s: out of memory", pickle->path);
}

/* Doubles an array of value pointers. */
static enum fv_status grow(struct pickle *pickle, struct value ***array, size_t *capacity, size_t needed) {
    size_t wanted = *capacity < 64 ? 64 : 2 * *capacity;
    wanted = wanted < needed ? needed : wanted;
    struct value **grown = fv_reallocate(*array, *capacity, wanted, sizeof **array);
    if (grown == NULL) {
        return pickle_out_of_memory(pickle);
    }
    memset(grown + *capacity, 0, (wanted - *capacity) * sizeof *grown);
    *array = grown;
    *capacity = wanted;
    return FV_OK;
}

enum fv_status pickle_push(struct pickle *pickle, struct value *value) {
    if (pickle->stack_count == MOST_STACK) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "more than %d values on the stack", MOST_STACK);
    }
    if (pickle->stack_count == pickle->stack_capacity) {
        enum fv_status status = grow(pickle, &pickle->stack, &pickle->stack_capacity, 0);
        if (status != FV_OK) {
            return status;
        }
    }
    pickle->stack[pickle->stack_count++] = value;
    return FV_OK;
}

/* The stack below the topmost mark is out of reach. */
size_t pickle_reachable(const struct pickle *pickle) {
    size_t floor = pickle->mark_count > 0 ? pickle->marks[pickle->mark_count - 1] : 0;
    return pickle->stack_count - floor;
}

enum fv_status pickle_pop(struct pickle *pickle, struct value **value) {
    if (pickle_reachable(pickle) == 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    }
    *value = pickle->stack[--pickle->stack_count];
    return FV_OK;
}

enum fv_status pickle_top(struct pickle *pickle, struct value **value) {
    if (pickle_reachable(pickle) == 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    }
    *value = pickle->stack[pickle->stack_count - 1];
    return FV_OK;
}

enum fv_status pickle_value(struct pickle *pickle, enum value_type type, struct value **value) {
    if (pickle->objects == MOST_OBJECTS) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "more than %d objects", MOST_OBJECTS);
    }
    pickle->objects++;
    *value = fv_pool_take(pickle->pool, 1, sizeof **value);
    if (*value == NULL) {
        return pickle_out_of_memory(pickle);
    }
    (*value)->type = type;
    return FV_OK;
}

enum fv_status pickle_append(struct pickle *pickle, struct value *container, struct value *item) {
    if (pickle->items == MOST_ITEMS) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "more than %d items", MOST_ITEMS);
    }
    pickle->items++;
    if (container->items.count == container->items.capacity) {
        size_t capacity = container->items.capacity == 0 ? 4 : 2 * container->items.capacity;
        struct value **grown = fv_pool_take(pickle->pool, capacity, sizeof *grown);
        if (grown == NULL) {
            return pickle_out_of_memory(pickle);
        }
        if (container->items.count > 0) {
            memcpy(grown, container->items.at, container->items.count * sizeof *grown);
        }
        container->items.at = grown;
        container->items.capacity = capacity;
    }
    container->items.at[container->items.count++] = item;
    return FV_OK;
}

enum fv_status pickle_push_new(struct pickle *pickle, enum value_type type, struct value **value) {
    enum fv_status status = pickle_value(pickle, type, value);
    return status == FV_OK ? pickle_push(pickle, *value) : status;
}

static bool hashable(const struct value *value) {
    switch (value->type) {
    case VALUE_NONE:
    case VALUE_BOOLEAN:
    case VALUE_INTEGER:
    case VALUE_NUMBER:
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_TUPLE:
        return true;
    default:
        return false;
    }
}

/* Moves the values from stack position `begin` on into `container`. */
static enum fv_status move_items(struct pickle *pickle, struct value *container, size_t begin) {
    enum fv_status status = FV_OK;
    size_t count = pickle->stack_count - begin;
    if (container->type == VALUE_DICTIONARY && count % 2 != 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "an odd number of keys and values for a dict");
    }
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        struct value *item = pickle->stack[begin + i];
        bool is_key = container->type == VALUE_SET || (container->type == VALUE_DICTIONARY && i % 2 == 0);
        if (is_key && !hashable(item)) {
            return pickle_fail(pickle, FV_ERROR_FORMAT, "%s cannot be a key", value_type_name(item));
        }
        status = pickle_append(pickle, container, item);
    }
    pickle->stack_count = begin;
    return status;
}

/* Takes the topmost mark off; *begin is the stack position that it marked. */
enum fv_status pickle_pop_mark(struct pickle *pickle, size_t *begin) {
    if (pickle->mark_count == 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "there is no mark");
    }
    *begin = pickle->marks[--pickle->mark_count];
    return FV_OK;
}

/* Puts the values from the mark on (`count` < 0) or the topmost `count` ones into a fresh tuple or set. */
enum fv_status pickle_collect(struct pickle *pickle, enum value_type type, int count) {
    size_t begin = 0;
    struct value *value = NULL;
    enum fv_status status = FV_OK;
    if (count < 0) {
        status = pickle_pop_mark(pickle, &begin);
    } else if (pickle_reachable(pickle) < (size_t)count) {
        status = pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    } else {
        begin = pickle->stack_count - (size_t)count;
    }
    if (status == FV_OK) {
        status = pickle_value(pickle, type, &value);
    }
    if (status == FV_OK) {
        status = move_items(pickle, value, begin);
    }
    return status == FV_OK ? pickle_push(pickle, value) : status;
}

/* Adds the values from the mark on (`count` < 0) or the topmost `count` ones to the container below them. */
enum fv_status pickle_extend(struct pickle *pickle, enum value_type type, int count) {
    size_t begin = 0;
    enum fv_status status = FV_OK;
    if (count < 0) {
        status = pickle_pop_mark(pickle, &begin);
    } else if (pickle_reachable(pickle) <= (size_t)count) {
        status = pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    } else {
        begin = pickle->stack_count - (size_t)count;
    }
    if (status != FV_OK) {
        return status;
    }
    size_t floor = pickle->mark_count > 0 ? pickle->marks[pickle->mark_count - 1] : 0;
    if (begin <= floor) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "there is nothing to add to");
    }
    struct value *container = pickle->stack[begin - 1];
    if (container->type != type) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "items are added to %s", value_type_name(container));
    }
    return move_items(pickle, container, begin);
}

enum fv_status pickle_memo_put(struct pickle *pickle, uint64_t index) {
    struct value *value = NULL;
    enum fv_status status = pickle_top(pickle, &value);
    if (status != FV_OK) {
        return status;
    }
    if (index >= MOST_MEMO || index > pickle->puts + MEMO_SLACK) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "memo index %" PRIu64 " after %zu entries", index,
                           pickle->puts);
    }
    if (index >= pickle->memo_capacity) {
        status = grow(pickle, &pickle->memo, &pickle->memo_capacity, (size_t)index + 1);
        if (status != FV_OK) {
            return status;
        }
    }
    pickle->memo[index] = value;
    pickle->puts++;
    if (index >= pickle->memo_count) {
        pickle->memo_count = (size_t)index + 1;
    }
    return FV_OK;
}

enum fv_status pickle_memo_get(struct pickle *pickle, uint64_t index) {
    if (index >= pickle->memo_capacity || pickle->memo[index] == NULL) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "memo entry %" PRIu64 " was never set", index);
    }
    return pickle_push(pickle, pickle->memo[index]);
}
