/* Stages: the intermediate values of a net by the names of its modules and operations. */
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "graph/internal.h"

enum { NEAR_SHOWN = 4 };

/* Whether `name` is that of an operation inside the module of the first `length` bytes of `module`. */
static bool is_inside(const char *name, const char *module, size_t length) {
    return strncmp(name, module, length) == 0 && name[length] == '.';
}

fv_value fv_graph_find(const struct fv_graph *graph, const char *stage) {
    size_t value = FV_NO_VALUE;
    if (fv_names_find(&graph->names, stage, &value)) {
        return (fv_value)value;
    }
    const size_t length = strlen(stage);
    for (size_t n = graph->node_count; n-- > 0 && length > 0;) {
        if (is_inside(graph->nodes[n].name, stage, length)) {
            return graph->nodes[n].output;
        }
    }
    return FV_NO_VALUE;
}

/* A mean over the grid, and the layers after it, make one vector an image. */
static bool is_vector(const struct fv_graph *graph, fv_value value) {
    const struct fv_node *node = &graph->nodes[value];
    if (fv_pixels(graph->shapes[value]) != 1) {
        return false;
    }
    if (graph->shapes[value].kind == FV_PLANES) {
        return node->operation == &fv_operator_linear;
    }
    while (node->operation != &fv_operator_global_mean && node->input_count == 1) {
        node = &graph->nodes[node->inputs[0]];
    }
    return node->operation == &fv_operator_global_mean;
}

static struct fv_stage describe(const struct fv_graph *graph, fv_value value, const char *name) {
    const struct fv_node *node = &graph->nodes[value];
    const bool planes =
        graph->shapes[value].kind == FV_PLANES || node->operation == &fv_operator_convolution; /* before flattening */
    return (struct fv_stage){
        .name = name,
        .operation = node->operation->name,
        .value = value,
        .shape = graph->shapes[value],
        .layout = is_vector(graph, value) ? FV_LAYOUT_VECTOR
                  : planes                ? FV_LAYOUT_PLANES
                                          : FV_LAYOUT_TOKENS,
    };
}

struct fv_stage fv_graph_stage(const struct fv_graph *graph, fv_value value) {
    return value < graph->node_count ? describe(graph, value, graph->nodes[value].name)
                                     : (struct fv_stage){.name = "", .operation = "", .value = FV_NO_VALUE};
}

/* Whether node `n` is the last one inside the module of the first `length` bytes of its name, and no operation has the
 * module's name. */
static bool ends_module(const struct fv_graph *graph, size_t n, size_t length) {
    const char *name = graph->nodes[n].name;
    for (size_t later = n + 1; later < graph->node_count; later++) {
        if (is_inside(graph->nodes[later].name, name, length)) {
            return false;
        }
    }
    for (size_t other = 0; other < graph->node_count; other++) {
        const char *whole = graph->nodes[other].name;
        if (strncmp(whole, name, length) == 0 && whole[length] == '\0') {
            return false;
        }
    }
    return true;
}

/* Calls `visit` for every stage: each operation in order, and after the last of a module the module, inner ones first.
 * Stops with false as soon as `visit` does. */
static bool visit_stages(const struct fv_graph *graph, bool (*visit)(void *context, fv_value value, const char *name),
                         void *context) {
    char module[2 * FV_NAME_SIZE];
    for (size_t n = 0; n < graph->node_count; n++) {
        const char *name = graph->nodes[n].name;
        if (!visit(context, (fv_value)n, name)) {
            return false;
        }
        snprintf(module, sizeof module, "%s", name);
        for (char *dot = strrchr(module, '.'); dot != NULL; dot = strrchr(module, '.')) {
            *dot = '\0';
            if (ends_module(graph, n, strlen(module)) && !visit(context, (fv_value)n, module)) {
                return false;
            }
        }
    }
    return true;
}

/* A list that grows. */
struct listing {
    const struct fv_graph *graph;
    struct fv_stages *stages;
    size_t capacity;
};

static bool append(void *context, fv_value value, const char *name) {
    struct listing *listing = context;
    struct fv_stages *stages = listing->stages;
    if (stages->count == listing->capacity) {
        const size_t capacity = listing->capacity == 0 ? 256 : 2 * listing->capacity;
        struct fv_stage *grown = fv_reallocate(stages->items, stages->count, capacity, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        stages->items = grown;
        listing->capacity = capacity;
    }
    const char *copy = fv_duplicate(name);
    if (copy == NULL) {
        return false;
    }
    stages->items[stages->count++] = describe(listing->graph, value, copy);
    return true;
}

enum fv_status fv_graph_stages(const struct fv_graph *graph, struct fv_stages *stages, struct fv_error *error) {
    *stages = (struct fv_stages){0};
    struct listing listing = {.graph = graph, .stages = stages};
    if (!visit_stages(graph, append, &listing)) {
        fv_stages_clear(stages);
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the list of stages");
    }
    return FV_OK;
}

void fv_stages_clear(struct fv_stages *stages) {
    for (size_t i = 0; i < stages->count; i++) {
        fv_release((void *)(uintptr_t)stages->items[i].name);
    }
    fv_release(stages->items);
    *stages = (struct fv_stages){0};
}

/* How many letters must be inserted, deleted or replaced (Levenshtein); names of 2 FV_NAME_SIZE and more are cut. */
static size_t edit_distance(const char *a, const char *b) {
    size_t row[2 * FV_NAME_SIZE];
    const size_t length = strnlen(b, 2 * FV_NAME_SIZE - 1);
    for (size_t j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            const size_t replaced = diagonal + (a[i] != b[j] ? 1 : 0);
            const size_t shorter = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[length];
}

/* The stages nearest to a word, nearest first. */
struct nearest {
    const char *word;
    size_t count;
    size_t distances[NEAR_SHOWN];
    char names[NEAR_SHOWN][2 * FV_NAME_SIZE];
};

static bool consider(void *context, fv_value value, const char *name) {
    struct nearest *nearest = context;
    const size_t distance = edit_distance(nearest->word, name);
    (void)value;
    size_t place = nearest->count;
    while (place > 0 && distance < nearest->distances[place - 1]) {
        place--;
    }
    if (place == NEAR_SHOWN) {
        return true;
    }
    nearest->count += nearest->count < NEAR_SHOWN ? 1 : 0;
    for (size_t i = nearest->count - 1; i > place; i--) {
        nearest->distances[i] = nearest->distances[i - 1];
        memcpy(nearest->names[i], nearest->names[i - 1], sizeof nearest->names[i]);
    }
    nearest->distances[place] = distance;
    snprintf(nearest->names[place], sizeof nearest->names[place], "%s", name);
    return true;
}

static enum fv_status unknown_stage(const struct fv_graph *graph, const char *stage, struct fv_error *error) {
    struct nearest nearest = {.word = stage};
    char text[NEAR_SHOWN * 64] = "";
    visit_stages(graph, consider, &nearest);
    for (size_t i = 0; i < nearest.count; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? ", " : "", nearest.names[i]);
    }
    return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: no stage is called '%s'; the nearest names are %s",
                        fv_model_path(graph->model), stage, text);
}

struct fv_shape fv_graph_input_shape(const struct fv_graph *graph) {
    for (size_t n = 0; n < graph->node_count; n++) {
        if (graph->nodes[n].operation == &fv_operator_input) {
            return graph->shapes[graph->nodes[n].output];
        }
    }
    return (struct fv_shape){0};
}

enum fv_status fv_graph_choose(struct fv_graph *graph, const char *stage, struct fv_stage *chosen,
                               struct fv_error *error) {
    if (!graph->finished) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "the graph is not finished");
    }
    const fv_value value = fv_graph_find(graph, stage);
    if (value == FV_NO_VALUE) {
        return unknown_stage(graph, stage, error);
    }
    graph->output = value;
    if (chosen != NULL) {
        *chosen = fv_graph_stage(graph, value);
    }
    return FV_OK;
}

fv_value fv_graph_output(const struct fv_graph *graph) {
    return graph->output;
}

enum fv_status fv_graph_head(const struct fv_graph *graph, struct fv_head *head, struct fv_error *error) {
    const struct fv_node *node = graph->finished ? &graph->nodes[graph->result] : NULL;
    if (node == NULL || node->operation != &fv_operator_linear || fv_pixels(graph->shapes[node->inputs[0]]) != 1) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: the net does not end in a linear layer of one vector",
                            fv_model_path(graph->model));
    }
    *head = (struct fv_head){
        .input_stage = graph->nodes[node->inputs[0]].name,
        .features = graph->shapes[node->inputs[0]].channels,
        .outputs = graph->shapes[node->output].channels,
        .weight = node->weight,
        .bias = node->bias,
    };
    return FV_OK;
}
