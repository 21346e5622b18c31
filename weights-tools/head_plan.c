#include "head_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module_check.h"
#include "value.h"

enum { NAME_SIZE = 160 };

static bool has_linear(struct plan *plan, const char *name, uint32_t index) {
    return plan_look(plan, "%s.%u.weight", name, index) != NULL;
}

bool head_exists(struct plan *plan, const char *name) {
    bool exists = plan_look(plan, "%s.weight", name) != NULL;
    for (uint32_t i = 0; i < HEAD_CHILDREN && !exists; i++) {
        exists = has_linear(plan, name, i);
    }
    return exists;
}

static void add_linear(struct plan *plan, struct head *head, uint32_t index, bool relu) {
    if (head->count == HEAD_LINEARS) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: the head %s has more than %d linear layers", plan->checkpoint->path,
                  head->name, HEAD_LINEARS);
        return;
    }
    head->index[head->count] = index;
    head->relu[head->count++] = relu;
}

static void refuse_child(struct plan *plan, const struct head *head, const char *child, const char *class,
                         const char *why) {
    plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s.%s is a %s%s", plan->checkpoint->path, head->name, child,
              class, why);
}

/* One child of a Sequential; `relu` tells whether a ReLU came since the last linear layer. */
static void take_child(struct plan *plan, struct head *head, const char *name, const char *class, bool *relu) {
    if (strcmp(class, "Dropout") == 0 || strcmp(class, "Identity") == 0) {
        return;
    }
    if (strcmp(class, "ReLU") == 0) {
        if (head->count == 0) {
            refuse_child(plan, head, name, class, " before the first linear layer");
        }
        *relu = true;
    } else if (strcmp(class, "Linear") == 0) {
        char *end;
        unsigned long index = strtoul(name, &end, 10);
        if (name[0] < '0' || name[0] > '9' || *end != '\0' || index >= HEAD_CHILDREN) {
            refuse_child(plan, head, name, class, ", whose name is no index");
            return;
        }
        add_linear(plan, head, (uint32_t)index, *relu);
        *relu = false;
    } else {
        refuse_child(plan, head, name, class, ", expected Linear, ReLU or Dropout");
    }
}

/* What the pickled Sequential is made of, in its order. */
static void read_sequential(struct plan *plan, struct head *head, const struct value *children) {
    bool relu = false;
    for (size_t i = 0; i + 1 < children->items.count && plan->status == FV_OK; i += 2) {
        const char *name = value_string(children->items.at[i]);
        const struct value *child = children->items.at[i + 1];
        if (name != NULL && child->type == VALUE_RECORD) {
            take_child(plan, head, name, child->record.class->name, &relu);
        }
    }
    if (relu) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s has a ReLU after its last linear layer",
                  plan->checkpoint->path, head->name);
    }
}

static void find_linears(struct plan *plan, struct head *head) {
    for (uint32_t i = 0; i < HEAD_CHILDREN; i++) {
        if (has_linear(plan, head->name, i)) {
            add_linear(plan, head, i, false);
        }
    }
    if (head->count > 1) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED,
                  "%s: the head %s has %zu linear layers, %s.%u and so on; tensors do not tell what lies between them: "
                  "convert the whole module, saved with torch.save(model)",
                  plan->checkpoint->path, head->name, head->count, head->name, head->index[0]);
    }
}

void head_infer(struct plan *plan, struct head *head, const char *name) {
    *head = (struct head){.name = name};
    const struct fv_checkpoint_tensor *last = plan_look(plan, "%s.weight", name);
    const char *class = module_class(plan, "%s", name);
    const struct value *children = module_attribute(plan, "_modules", "%s", name);
    if (last != NULL) {
        head->count = 1;
        if (class != NULL && strcmp(class, "Linear") != 0) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s is a %s, expected Linear or Sequential",
                      plan->checkpoint->path, name, class);
        }
    } else {
        head->sequential = true;
        if (class != NULL && strcmp(class, "Sequential") == 0 && children != NULL &&
            children->type == VALUE_DICTIONARY) {
            read_sequential(plan, head, children);
        } else if (class != NULL) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s is a %s, expected Linear or Sequential",
                      plan->checkpoint->path, name, class);
        } else {
            find_linears(plan, head);
        }
        if (head->count > 0) {
            last = plan_look(plan, "%s.%u.weight", name, head->index[head->count - 1]);
        }
    }
    plan->classes = plan_dimension(last, 0);
}

/* Weight and bias of one layer. */
static void take_linear(struct plan *plan, size_t outputs, size_t inputs, const char *target, const char *source) {
    char to[NAME_SIZE];
    char from[NAME_SIZE];
    snprintf(to, sizeof to, "%s.weight", target);
    snprintf(from, sizeof from, "%s.weight", source);
    plan_take_as(plan, PLAN_WEIGHT, SHAPE(outputs, inputs), to, from);
    snprintf(to, sizeof to, "%s.bias", target);
    snprintf(from, sizeof from, "%s.bias", source);
    plan_take_as(plan, PLAN_VECTOR, SHAPE(outputs), to, from);
}

/* The metadata that tells the network of several layers. */
static void describe(struct plan *plan, const struct head *head) {
    char key[NAME_SIZE];
    const char *activations[HEAD_LINEARS];
    for (size_t i = 1; i < head->count; i++) {
        activations[i - 1] = head->relu[i] ? "relu" : "none";
    }
    snprintf(key, sizeof key, "%s.head_linears", plan->architecture);
    const char *linears_key = fv_pool_text(&plan->pool, key, strlen(key));
    snprintf(key, sizeof key, "%s.head_activations", plan->architecture);
    const char *activations_key = fv_pool_text(&plan->pool, key, strlen(key));
    if (linears_key == NULL || activations_key == NULL) {
        plan_fail(plan, FV_ERROR_MEMORY, "%s: out of memory", plan->checkpoint->path);
        return;
    }
    plan_set_u32s(plan, linears_key, head->index, head->count);
    plan_set_strings(plan, activations_key, activations, head->count - 1);
}

void head_take(struct plan *plan, const struct head *head, size_t features, const char *target) {
    char source[NAME_SIZE];
    char name[NAME_SIZE];
    if (head->count <= 1) {
        if (head->sequential && head->count == 1) {
            snprintf(source, sizeof source, "%s.%u", head->name, head->index[0]);
        } else {
            snprintf(source, sizeof source, "%s", head->name);
        }
        take_linear(plan, plan->classes, features, target, source);
        return;
    }
    for (size_t i = 0; i < head->count; i++) {
        size_t outputs = plan_dimension(plan_look(plan, "%s.%u.weight", head->name, head->index[i]), 0);
        snprintf(source, sizeof source, "%s.%u", head->name, head->index[i]);
        snprintf(name, sizeof name, "%s.%u", target, head->index[i]);
        take_linear(plan, outputs, features, name, source);
        features = outputs;
    }
    describe(plan, head);
}
