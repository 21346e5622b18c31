/* Which algorithm serves a node: of those that accept, the one that costs least. */
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "graph/session.h"
#include "ops/in_block.h"

enum { MOST_ACCEPTED = 8, REASONS_SIZE = 1024 };

/* Measured differences below this share of the longer time are noise. */
static const double MEASURED_MARGIN = 0.03;

/* An algorithm that accepts. */
struct candidate {
    const struct fv_algorithm *algorithm;
    double cost, seconds; /* estimated; measured, or 0 */
};

struct choice {
    struct candidate candidates[MOST_ACCEPTED];
    size_t count;
    char slower[REASONS_SIZE], refusals[REASONS_SIZE]; /* why the others do not serve */
};

static void add_reason(char text[REASONS_SIZE], const char *algorithm, const char *reason) {
    const size_t used = strlen(text);
    snprintf(text + used, REASONS_SIZE - used, "%s%s: %s", used != 0 ? "; " : "", algorithm, reason);
}

static double measured_seconds(const struct fv_session *session, const char *node, const char *algorithm) {
    for (size_t m = 0; m < session->measurement_count; m++) {
        const struct fv_measurement *measurement = &session->measurements[m];
        if (strcmp(measurement->node, node) == 0 && strcmp(measurement->algorithm, algorithm) == 0) {
            return measurement->seconds;
        }
    }
    return 0;
}

/* Asks the algorithms in order. One without a cost ends the list. */
static void find_candidates(const struct fv_session *session, const struct fv_node *node, struct choice *choice) {
    for (const struct fv_algorithm *const *a = node->operation->algorithms; *a != NULL; a++) {
        char reason[FV_REASON_SIZE] = "";
        if (!(*a)->accept(&session->context, node, reason)) {
            add_reason(choice->refusals, (*a)->name, reason);
            continue;
        }
        struct candidate *candidate = &choice->candidates[choice->count++];
        *candidate = (struct candidate){.algorithm = *a};
        if ((*a)->cost == NULL || choice->count == MOST_ACCEPTED) {
            return;
        }
        candidate->cost = (*a)->cost(&session->context, node);
        candidate->seconds = measured_seconds(session, node->name, (*a)->name);
    }
}

/* Sorts by cost; equals keep their order. */
static void sort_by_cost(struct choice *choice) {
    for (size_t i = 1; i < choice->count; i++) {
        const struct candidate candidate = choice->candidates[i];
        size_t place = i;
        for (; place > 0 && choice->candidates[place - 1].cost > candidate.cost; place--) {
            choice->candidates[place] = choice->candidates[place - 1];
        }
        choice->candidates[place] = candidate;
    }
}

/* Where all were measured and one took clearly less time than the first, that one comes first. */
static void put_fastest_first(struct choice *choice) {
    size_t fastest = 0;
    for (size_t i = 0; i < choice->count; i++) {
        if (choice->candidates[i].seconds <= 0) {
            return;
        }
        fastest = choice->candidates[i].seconds < choice->candidates[fastest].seconds ? i : fastest;
    }
    const struct candidate best = choice->candidates[fastest];
    if (best.seconds < (1 - MEASURED_MARGIN) * choice->candidates[0].seconds) {
        memmove(&choice->candidates[1], &choice->candidates[0], fastest * sizeof best);
        choice->candidates[0] = best;
    }
}

static void explain_slower(struct choice *choice, size_t taken) {
    const struct candidate *best = &choice->candidates[taken];
    for (size_t i = 0; i < choice->count; i++) {
        const struct candidate *candidate = &choice->candidates[i];
        if (i == taken) {
            continue;
        }
        const bool measured = best->seconds > 0 && candidate->seconds > 0;
        char reason[FV_REASON_SIZE];
        snprintf(reason, sizeof reason, "%s %.2f times as long", measured ? "took" : "would take",
                 measured ? candidate->seconds / best->seconds : candidate->cost / best->cost);
        add_reason(choice->slower, candidate->algorithm->name, reason);
    }
}

/* Both texts in new memory, NULL if there is none. */
static char *join(const char *first, const char *second) {
    char text[2 * REASONS_SIZE];
    snprintf(text, sizeof text, "%s%s%s", first, first[0] != '\0' && second[0] != '\0' ? "; " : "", second);
    return fv_duplicate(text);
}

static size_t tensor_bytes(const struct fv_tensor *tensor) {
    return tensor != NULL ? tensor->elements * sizeof(float) : 0;
}

enum fv_status fv_session_choose(const struct fv_session *session, struct fv_node *node, struct fv_error *error) {
    struct choice choice = {.count = 0};
    find_candidates(session, node, &choice);
    if (choice.count == 0) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: no algorithm for %s: %s", node->name,
                            node->operation->name, choice.refusals);
    }
    sort_by_cost(&choice);
    put_fastest_first(&choice);
    const size_t taken = session->rank < choice.count ? session->rank : choice.count - 1;
    explain_slower(&choice, taken);
    node->accepted = choice.count;
    node->algorithm = choice.candidates[taken].algorithm;
    node->refusals = join(choice.slower, choice.refusals);
    if (node->refusals == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    /* A folded norm leaves its shift as the bias; a norm alone is a scale and a shift. */
    node->parameter_bytes = tensor_bytes(node->weight != NULL ? node->weight : node->norm_weight) +
                            tensor_bytes(node->bias != NULL ? node->bias : node->norm_bias);
    return FV_OK;
}

enum fv_status fv_session_defer(struct fv_session *session, struct fv_error *error) {
    for (size_t n = 0; n < session->node_count; n++) {
        struct fv_node *node = &session->nodes[n];
        struct fv_node *before = fv_nodes_producer(session->nodes, session->node_count, node->inputs[0]);
        if (node->algorithm == NULL || before == NULL || !fv_expansion_accept(&session->context, before, node) ||
            fv_nodes_users(session->nodes, session->node_count, session->output, before->output) != 1) {
            continue;
        }
        char reason[FV_REASON_SIZE];
        snprintf(reason, sizeof reason, "%s does it a few rows at a time", node->name);
        fv_release(before->refusals);
        before->refusals = fv_duplicate(reason);
        if (before->refusals == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", before->name);
        }
        before->algorithm = NULL;
        before->accepted = 0;
        before->deferred = true;
        node->algorithm = &fv_algorithm_expanded;
        node->accepted = 1;
        node->expansion = before;
        node->multiply_adds += before->multiply_adds;
        node->parameter_bytes += before->parameter_bytes;
        before->multiply_adds = 0;
        before->parameter_bytes = 0;
    }
    return FV_OK;
}
