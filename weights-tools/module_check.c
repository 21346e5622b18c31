/* Attributes of pickled modules against the converter's assumptions. */
#include "module_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "value.h"

enum { NAME_SIZE = 128 };

/* The module of that dotted name, below DataParallel's wrapper; NULL if there is none. */
static const struct value *find_module(const struct plan *plan, const char *name) {
    const struct value *module = plan->checkpoint->module;
    if (module != NULL && strcmp(module->record.class->name, "DataParallel") == 0) {
        module = value_get(value_get(module, "_modules"), "module");
    }
    while (module != NULL && *name != '\0') {
        char part[NAME_SIZE];
        size_t length = strcspn(name, ".");
        if (length >= sizeof part) {
            return NULL;
        }
        memcpy(part, name, length);
        part[length] = '\0';
        module = value_get(value_get(module, "_modules"), part);
        name += name[length] == '.' ? length + 1 : length;
    }
    return module != NULL && module->type == VALUE_RECORD ? module : NULL;
}

/* A number, or a pair of equal ones. */
static bool read_side(const struct value *value, int64_t *side) {
    int64_t other;
    if (value_length(value) == 2) {
        return value_element_integer(value, 0, side) && value_element_integer(value, 1, &other) && *side == other;
    }
    return value_integer(value, side);
}

static void check_side(struct plan *plan, const struct value *module, const char *name, const char *attribute,
                       int64_t expected) {
    const struct value *value = value_get(module, attribute);
    int64_t found;
    if (value == NULL) {
        return;
    }
    if (!read_side(value, &found)) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s: %s is not %" PRId64 " in both directions",
                  plan->checkpoint->path, name, attribute, expected);
    } else if (found != expected) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s: %s is %" PRId64 ", expected %" PRId64,
                  plan->checkpoint->path, name, attribute, found, expected);
    }
}

/* A pair whose parts may differ, rows before columns. */
static void check_pair(struct plan *plan, const struct value *module, const char *name, const char *attribute,
                       int64_t expected_y, int64_t expected_x) {
    const struct value *value = value_get(module, attribute);
    int64_t y, x;
    if (value == NULL || expected_y == expected_x) {
        check_side(plan, module, name, attribute, expected_y);
    } else if (value_length(value) != 2 || !value_element_integer(value, 0, &y) ||
               !value_element_integer(value, 1, &x) || y != expected_y || x != expected_x) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s: %s is not (%" PRId64 ", %" PRId64 ")",
                  plan->checkpoint->path, name, attribute, expected_y, expected_x);
    }
}

/* All of a convolution but its padding. */
static void check_convolution(struct plan *plan, const struct value *module, const char *name, int64_t stride,
                              int64_t groups) {
    check_side(plan, module, name, "stride", stride);
    check_side(plan, module, name, "dilation", 1);
    check_side(plan, module, name, "groups", groups);
    module_check_string(plan, name, "padding_mode", "zeros");
}

void module_check_string(struct plan *plan, const char *name, const char *attribute, const char *expected) {
    const struct value *value = value_get(find_module(plan, name), attribute);
    if (value != NULL && !value_is_string(value, expected)) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s: %s is %s, expected %s", plan->checkpoint->path, name,
                  attribute, value_string(value) == NULL ? value_type_name(value) : value_string(value), expected);
    }
}

void module_check_convolution(struct plan *plan, int64_t stride, int64_t padding, int64_t groups, const char *format,
                              ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const struct value *module = find_module(plan, name);
    check_side(plan, module, name, "padding", padding);
    check_convolution(plan, module, name, stride, groups);
}

void module_check_padded(struct plan *plan, int64_t stride, const int64_t padding[2], int64_t groups,
                         const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const struct value *module = find_module(plan, name);
    check_pair(plan, module, name, "padding", padding[0], padding[1]);
    check_convolution(plan, module, name, stride, groups);
}

void module_check_norm(struct plan *plan, double epsilon, const char *format, ...) {
    char name[NAME_SIZE];
    double found;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    if (value_number(value_get(find_module(plan, name), "eps"), &found) && fabs(found - epsilon) > 1e-9 * epsilon) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s: eps is %g, expected %g", plan->checkpoint->path, name,
                  found, epsilon);
    }
}

void module_check_stem_pool(struct plan *plan, int64_t padding, bool ceil_mode, const char *name) {
    const struct value *module = find_module(plan, name);
    check_side(plan, module, name, "kernel_size", 3);
    check_side(plan, module, name, "stride", 2);
    check_side(plan, module, name, "padding", padding);
    check_side(plan, module, name, "dilation", 1);
    check_side(plan, module, name, "ceil_mode", ceil_mode ? 1 : 0);
}

const char *module_class(const struct plan *plan, const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const struct value *module = find_module(plan, name);
    return module != NULL ? module->record.class->name : NULL;
}

const struct value *module_attribute(const struct plan *plan, const char *attribute, const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return value_get(find_module(plan, name), attribute);
}

void module_check_class(struct plan *plan, const char *class, const char *format, ...) {
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const struct value *module = find_module(plan, name);
    if (module != NULL && strcmp(module->record.class->name, class) != 0) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s is a %s, expected a %s", plan->checkpoint->path, name,
                  module->record.class->name, class);
    }
}
