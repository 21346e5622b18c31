/* How values lie in memory: blocks and lanes, lifetimes, the arena, addresses. */
#include <string.h>

#include "fovea/memory.h"
#include "graph/session.h"

static bool is_concat(const struct fv_node *node) {
    return node->operation == &fv_operator_concat;
}

/* The lanes of an output follow its first input's where channels keep their place. */
static bool keeps_lanes(const struct fv_node *node) {
    return node->operation == &fv_operator_activation || node->operation == &fv_operator_add ||
           node->operation == &fv_operator_scale || node->operation == &fv_operator_batch_norm ||
           node->operation == &fv_operator_instance_norm || node->operation == &fv_operator_max_pool ||
           node->operation == &fv_operator_average_pool || node->operation == &fv_operator_upsample ||
           node->operation == &fv_operator_softmax || node->operation == &fv_operator_global_mean;
}

static size_t count_blocks(const struct fv_session *session, const struct fv_node *node) {
    const struct fv_view *view = &session->views[node->output];
    if (view->shape.kind == FV_TOKENS) {
        return 1;
    }
    size_t blocks = 0;
    if (is_concat(node)) {
        for (size_t i = 0; i < node->input_count; i++) {
            blocks += session->views[node->inputs[i]].blocks;
        }
        return blocks;
    }
    if (keeps_lanes(node)) {
        return session->views[node->inputs[0]].blocks;
    }
    return (view->shape.channels + session->context.kernels->width - 1) / session->context.kernels->width;
}

static void fill_lanes(const struct fv_session *session, const struct fv_node *node, struct fv_lanes *lanes) {
    const struct fv_view *view = &session->views[node->output];
    const size_t width = session->context.kernels->width;
    if (is_concat(node)) {
        size_t channel = 0;
        for (size_t i = 0; i < node->input_count; i++) {
            const struct fv_view *input = &session->views[node->inputs[i]];
            for (size_t b = 0; b < input->blocks; b++) {
                *lanes++ = (struct fv_lanes){channel + input->lanes[b].first, input->lanes[b].count};
            }
            channel += input->shape.channels;
        }
        return;
    }
    for (size_t b = 0; b < view->blocks; b++) {
        const size_t left = view->shape.channels - b * width;
        lanes[b] = keeps_lanes(node) ? session->views[node->inputs[0]].lanes[b]
                                     : (struct fv_lanes){b * width, left < width ? left : width};
    }
}

/* Whether all blocks but the last are full, or there is no such value. */
static bool has_usual_lanes(const struct fv_session *session, fv_value value) {
    const struct fv_view *view = value != FV_NO_VALUE ? &session->views[value] : NULL;
    for (size_t b = 0; view != NULL && view->shape.kind == FV_PLANES && b + 1 < view->blocks; b++) {
        if (view->lanes[b].count != session->context.kernels->width) {
            return false;
        }
    }
    return true;
}

/* Operations on two values, or on groups of channels, need the usual order of channels. */
static enum fv_status check_lanes(const struct fv_session *session, const struct fv_node *node,
                                  struct fv_error *error) {
    const bool grouped = node->operation == &fv_operator_convolution && node->options.convolution.groups > 1;
    const bool paired = node->operation == &fv_operator_add || node->operation == &fv_operator_scale ||
                        node->residual != FV_NO_VALUE || node->gate != FV_NO_VALUE;
    bool usual = true;
    for (size_t i = 0; (grouped || paired) && i < node->input_count; i++) {
        usual = usual && has_usual_lanes(session, node->inputs[i]);
    }
    usual = usual && has_usual_lanes(session, node->residual) && has_usual_lanes(session, node->gate);
    if (!usual) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: %s after a concatenation whose parts are no multiples of %zu channels", node->name,
                            node->operation->name, session->context.kernels->width);
    }
    return FV_OK;
}

enum fv_status fv_session_lay_out(struct fv_session *session, struct fv_error *error) {
    size_t total = 0;
    for (size_t n = 0; n < session->node_count; n++) {
        struct fv_view *view = &session->views[session->nodes[n].output];
        view->blocks = count_blocks(session, &session->nodes[n]);
        view->stride = fv_token_stride(view->shape);
        if (!fv_add(total, view->blocks, &total)) {
            return fv_error_set(error, FV_ERROR_MEMORY, "too many channels");
        }
    }
    session->lanes = fv_allocate_zero(total, sizeof *session->lanes);
    session->blocks = fv_allocate_zero(total, sizeof *session->blocks);
    if (session->lanes == NULL || session->blocks == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu channel blocks", total);
    }
    size_t first = 0;
    for (size_t n = 0; n < session->node_count; n++) {
        struct fv_view *view = &session->views[session->nodes[n].output];
        view->lanes = session->lanes + first;
        view->block = session->blocks + first;
        fill_lanes(session, &session->nodes[n], session->lanes + first);
        first += view->blocks;
    }
    for (size_t n = 0; n < session->node_count; n++) {
        const enum fv_status status = check_lanes(session, &session->nodes[n], error);
        if (status != FV_OK) {
            return status;
        }
    }
    return FV_OK;
}

static const struct fv_node *producer(const struct fv_session *session, fv_value value) {
    return fv_nodes_producer(session->nodes, session->node_count, value);
}

/* Whether the value of the node is nowhere in memory as such: it is that of its inputs, or a later node computes it. */
static bool has_no_storage(const struct fv_node *node) {
    return is_concat(node) || node->deferred;
}

/* `value`, or what it concatenates or is to be computed from, is needed at `step`. */
static void extend(struct fv_session *session, fv_value value, size_t step) {
    const struct fv_node *node = producer(session, value);
    if (has_no_storage(node)) {
        for (size_t i = 0; i < node->input_count; i++) {
            extend(session, node->inputs[i], step);
        }
        return;
    }
    struct fv_lifetime *lifetime = &session->lifetimes[session->storage[value]];
    lifetime->last = step > lifetime->last ? step : lifetime->last;
}

static void find_lifetimes(struct fv_session *session) {
    for (size_t n = 0; n < session->node_count; n++) {
        session->lifetimes[session->nodes[n].output].first = n;
        session->lifetimes[session->nodes[n].output].last = n;
    }
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *node = &session->nodes[n];
        for (size_t i = 0; i < node->input_count && !is_concat(node); i++) {
            extend(session, node->inputs[i], n);
        }
        if (node->residual != FV_NO_VALUE) {
            extend(session, node->residual, n);
        }
        if (node->gate != FV_NO_VALUE) {
            extend(session, node->gate, n);
        }
    }
    extend(session, session->output, session->node_count);
}

/* A node that may work in place takes over the storage of an input that dies with it. */
static void share_storage(struct fv_session *session) {
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *node = &session->nodes[n];
        if (node->algorithm == NULL || !node->algorithm->in_place || is_concat(producer(session, node->inputs[0]))) {
            continue;
        }
        const size_t target = session->storage[node->inputs[0]];
        struct fv_lifetime *input = &session->lifetimes[target], *output = &session->lifetimes[node->output];
        if (input->last == n && input->bytes == output->bytes) {
            input->last = output->last;
            session->storage[node->output] = target;
            output->bytes = 0;
        }
    }
}

static enum fv_status find_sizes(struct fv_session *session, struct fv_error *error) {
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *node = &session->nodes[n];
        const struct fv_view *view = &session->views[node->output];
        const size_t row = view->shape.kind == FV_TOKENS ? view->stride : session->context.kernels->width;
        size_t bytes = 0;
        if (!fv_multiply(view->shape.height, view->shape.width, &bytes) || !fv_multiply(bytes, view->blocks, &bytes) ||
            !fv_multiply(bytes, row * sizeof(float), &bytes)) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: %zu x %zu x %zu values do not fit into memory", node->name,
                                view->shape.channels, view->shape.height, view->shape.width);
        }
        session->lifetimes[node->output].bytes = has_no_storage(node) ? 0 : bytes;
    }
    return FV_OK;
}

/* Values of one storage in arena order; blocks of a value one after the other. */
static void bind(struct fv_session *session) {
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *node = &session->nodes[n];
        const struct fv_view *view = &session->views[node->output];
        float **blocks = session->blocks + (view->block - session->blocks);
        if (is_concat(node)) {
            for (size_t i = 0; i < node->input_count; i++) {
                const struct fv_view *input = &session->views[node->inputs[i]];
                memcpy(blocks, input->block, input->blocks * sizeof *blocks);
                blocks += input->blocks;
            }
            continue;
        }
        if (node->deferred) {
            continue;
        }
        float *base = (float *)(void *)(session->arena + session->lifetimes[session->storage[node->output]].offset);
        for (size_t b = 0; b < view->blocks; b++) {
            blocks[b] = base + b * fv_pixels(view->shape) * session->context.kernels->width;
        }
    }
}

enum fv_status fv_session_place(struct fv_session *session, struct fv_error *error) {
    session->storage = fv_allocate(session->value_count, sizeof *session->storage);
    session->lifetimes = fv_allocate_zero(session->value_count, sizeof *session->lifetimes);
    if (session->storage == NULL || session->lifetimes == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the plan");
    }
    for (size_t v = 0; v < session->value_count; v++) {
        session->storage[v] = v;
    }
    enum fv_status status = find_sizes(session, error);
    if (status != FV_OK) {
        return status;
    }
    find_lifetimes(session);
    share_storage(session);
    status = fv_plan_offsets(session->lifetimes, session->value_count, &session->arena_bytes, error);
    if (status != FV_OK) {
        return status;
    }
    session->arena = fv_allocate(session->arena_bytes, 1);
    if (session->arena == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for an arena of %zu bytes", session->arena_bytes);
    }
    bind(session);
    return FV_OK;
}
