/* Cross-checks with the attributes that a whole-module pickle carries. Private to weights-tools.
 *
 * Tensors' names and shapes do not tell strides, paddings or epsilons; a pickled module does. Each function compares
 * what the module `name` says with what the converter assumes, and makes a difference the plan's error
 * (FV_ERROR_UNSUPPORTED). Without a pickled module, and for attributes that older versions of torch did not write, they
 * do nothing. */
#ifndef FOVEA_WEIGHTS_MODULE_CHECK_H
#define FOVEA_WEIGHTS_MODULE_CHECK_H

#include "plan.h"
#include "value.h"

/* A convolution without dilation, padded with zeros. */
void module_check_convolution(struct plan *plan, int64_t stride, int64_t padding, int64_t groups, const char *format,
                              ...) FV_PRINTF(5, 6);

/* The same with paddings of rows and of columns that may differ. */
void module_check_padded(struct plan *plan, int64_t stride, const int64_t padding[2], int64_t groups,
                         const char *format, ...) FV_PRINTF(5, 6);

/* A norm's epsilon. */
void module_check_norm(struct plan *plan, double epsilon, const char *format, ...) FV_PRINTF(3, 4);

/* A pooling layer of 3 x 3 with stride 2; does nothing if there is no module of that name. */
void module_check_stem_pool(struct plan *plan, int64_t padding, bool ceil_mode, const char *name);

/* If there is a module of that name, the last part of its class's name must be `class`. */
void module_check_class(struct plan *plan, const char *class, const char *format, ...) FV_PRINTF(3, 4);

/* The last part of the name of a module's class; NULL if there is no such module. The module that holds all others is
 * called "". */
const char *module_class(const struct plan *plan, const char *format, ...) FV_PRINTF(2, 3);

/* A module's attribute; NULL if it has none of that name or there is no such module. */
const struct value *module_attribute(const struct plan *plan, const char *attribute, const char *format, ...)
    FV_PRINTF(3, 4);

/* If the module has this attribute, it must be the string `expected`. */
void module_check_string(struct plan *plan, const char *name, const char *attribute, const char *expected);

#endif
