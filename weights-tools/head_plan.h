/* The classifier's head: a linear layer, or a Sequential of linear layers with ReLU between them and Dropout anywhere.
 * Private to weights-tools.
 *
 * A Sequential with one linear layer is that layer, whatever index it has. What lies between several ones, tensors do
 * not tell: they are read from whole modules only. */
#ifndef FOVEA_WEIGHTS_HEAD_PLAN_H
#define FOVEA_WEIGHTS_HEAD_PLAN_H

#include "plan.h"

enum { HEAD_LINEARS = 8, HEAD_CHILDREN = 64 };

struct head {
    const char *name; /* "fc", "head.fc" ... as in the checkpoint */
    bool sequential;
    size_t count; /* linear layers; 0: there is no head of that name */
    uint32_t index[HEAD_LINEARS];
    bool relu[HEAD_LINEARS]; /* before this layer */
};

/* Whether the checkpoint has a head of that name. */
bool head_exists(struct plan *plan, const char *name);

/* Looks for the head of that name and sets plan->classes to its outputs (0 if there is none). What a whole module says
 * of it and Fovea cannot do is the plan's error. */
void head_infer(struct plan *plan, struct head *head, const char *name);

/* Takes the head's tensors, for `features` inputs. A single layer is called `target` in the model; several keep their
 * names below `target`, and ARCHITECTURE.head_linears and head_activations list them. */
void head_take(struct plan *plan, const struct head *head, size_t features, const char *target);

#endif
