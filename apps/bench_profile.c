/* Where the time of a pass goes. */
#include "bench_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "fovea/memory.h"

/* What a pass consists of beside its nodes, and the pass. */
enum part { PART_INPUT, PART_OUTPUT, PART_BETWEEN, PART_PASS, PART_COUNT };

/* A node, or all nodes of one operation and algorithm. */
struct row {
    const char *operation, *algorithm;
    size_t nodes;
    double seconds, multiply_adds, bytes;
};

struct fovea_profile {
    const struct fv_session *session;
    size_t nodes, passes, capacity;
    double *samples;        /* [nodes + PART_COUNT][capacity] */
    double *medians;        /* [nodes + PART_COUNT] */
    struct row *operations; /* [operation_count], longest first; room for `nodes` */
    size_t operation_count;
    double flops, sum; /* the peak; seconds of all nodes */
};

enum fv_status fovea_profile_create(const struct fv_session *session, size_t capacity, struct fovea_profile **profile,
                                    struct fv_error *error) {
    const size_t nodes = fv_session_info(session).nodes, rows = nodes + PART_COUNT;
    size_t samples;
    struct fovea_profile *result = fv_allocate_zero(1, sizeof *result);
    *profile = result;
    if (result != NULL && fv_multiply(rows, capacity, &samples)) {
        result->session = session;
        result->nodes = nodes;
        result->capacity = capacity;
        result->samples = fv_allocate(samples, sizeof *result->samples);
        result->medians = fv_allocate_zero(rows, sizeof *result->medians);
        result->operations = fv_allocate_zero(nodes, sizeof *result->operations);
        if (result->samples != NULL && result->medians != NULL && result->operations != NULL) {
            return FV_OK;
        }
    }
    fovea_profile_destroy(result);
    *profile = NULL;
    return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the profile of %zu nodes", nodes);
}

void fovea_profile_destroy(struct fovea_profile *profile) {
    if (profile != NULL) {
        fv_release(profile->samples);
        fv_release(profile->medians);
        fv_release(profile->operations);
        fv_release(profile);
    }
}

void fovea_profile_add(struct fovea_profile *profile, double seconds) {
    if (profile->passes == profile->capacity) {
        return;
    }
    const struct fv_session_info info = fv_session_info(profile->session);
    double *sample = profile->samples + profile->passes++;
    double between = seconds - info.input_seconds - info.output_seconds;
    for (size_t n = 0; n < profile->nodes; n++, sample += profile->capacity) {
        *sample = fv_session_node(profile->session, n).seconds;
        between -= *sample;
    }
    sample[PART_INPUT * profile->capacity] = info.input_seconds;
    sample[PART_OUTPUT * profile->capacity] = info.output_seconds;
    sample[PART_BETWEEN * profile->capacity] = between;
    sample[PART_PASS * profile->capacity] = seconds;
}

static int compare_rows(const void *a, const void *b) {
    const struct row *left = a, *right = b;
    return (left->seconds < right->seconds) - (left->seconds > right->seconds);
}

static struct row node_row(const struct fovea_profile *profile, size_t index) {
    const struct fv_node_info node = fv_session_node(profile->session, index);
    return (struct row){node.operation,          node.algorithm,     1,
                        profile->medians[index], node.multiply_adds, (double)node.bytes};
}

/* The sum of `row`'s operation and algorithm, begun if there is none. */
static struct row *find_operation(struct fovea_profile *profile, const struct row *row) {
    for (size_t i = 0; i < profile->operation_count; i++) {
        struct row *sum = &profile->operations[i];
        if (strcmp(sum->operation, row->operation) == 0 && strcmp(sum->algorithm, row->algorithm) == 0) {
            return sum;
        }
    }
    struct row *sum = &profile->operations[profile->operation_count++];
    *sum = (struct row){.operation = row->operation, .algorithm = row->algorithm};
    return sum;
}

void fovea_profile_finish(struct fovea_profile *profile, double flops) {
    profile->flops = flops;
    for (size_t i = 0; i < profile->nodes + PART_COUNT; i++) {
        double *samples = profile->samples + i * profile->capacity;
        fovea_sort_numbers(samples, profile->passes);
        profile->medians[i] = fovea_quantile(samples, profile->passes, 0.5);
    }
    for (size_t n = 0; n < profile->nodes; n++) {
        const struct row row = node_row(profile, n);
        if (row.bytes == 0) {
            continue; /* nothing to do: the input, or a concatenation */
        }
        struct row *sum = find_operation(profile, &row);
        sum->nodes++;
        sum->seconds += row.seconds;
        sum->multiply_adds += row.multiply_adds;
        sum->bytes += row.bytes;
        profile->sum += row.seconds;
    }
    qsort(profile->operations, profile->operation_count, sizeof *profile->operations, compare_rows);
}

/* What an amount makes in the row's time, 0 for a row that takes none. */
static double rate(const struct row *row, double amount) {
    return row->seconds > 0 ? amount / row->seconds : 0;
}

static double part_seconds(const struct fovea_profile *profile, enum part part) {
    return profile->medians[profile->nodes + part];
}

/* What the median of the pass has beyond the sum of its parts' medians. */
static double spread_seconds(const struct fovea_profile *profile) {
    return part_seconds(profile, PART_PASS) - profile->sum - part_seconds(profile, PART_INPUT) -
           part_seconds(profile, PART_OUTPUT) - part_seconds(profile, PART_BETWEEN);
}

static double pass_share(const struct fovea_profile *profile, double seconds) {
    return seconds / part_seconds(profile, PART_PASS);
}

/* The columns that every row has. */
static void print_figures(const struct fovea_profile *profile, const struct row *row) {
    printf(" %10.2f %8.2f %9.3f %7.1f %9.2f %7.1f %7.2f\n", row->multiply_adds * 1e-6, row->bytes * 1e-6,
           row->seconds * 1e3, 100 * pass_share(profile, row->seconds), rate(row, 2e-9 * row->multiply_adds),
           100 * rate(row, 2 * row->multiply_adds) / profile->flops, rate(row, 1e-9 * row->bytes));
}

static void print_heading(void) {
    printf(" %10s %8s %9s %7s %9s %7s %7s\n", "Mmul-add", "MB", "ms", "pass %", "GFLOP/s", "peak %", "GB/s");
}

static void print_account(const struct fovea_profile *profile) {
    const struct {
        const char *name;
        double seconds;
    } lines[] = {
        {"nodes", profile->sum},
        {"input", part_seconds(profile, PART_INPUT)},
        {"output", part_seconds(profile, PART_OUTPUT)},
        {"between", part_seconds(profile, PART_BETWEEN)},
        {"spread", spread_seconds(profile)},
    };
    printf("\nsum           ");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        printf(" %s%s %.3f", i > 0 ? "+ " : "", lines[i].name, lines[i].seconds * 1e3);
    }
    printf(" = pass %.3f ms\n", part_seconds(profile, PART_PASS) * 1e3);
    printf(
        "               (input, output: change of layout; between: around the nodes; spread: medians of parts do not "
        "add up to\n               the median of passes)\n");
}

void fovea_profile_print(const struct fovea_profile *profile) {
    printf("\n%-22s %-22s %6s", "operation", "algorithm", "nodes");
    print_heading();
    for (size_t i = 0; i < profile->operation_count; i++) {
        const struct row *row = &profile->operations[i];
        printf("%-22s %-22s %6zu", row->operation, row->algorithm, row->nodes);
        print_figures(profile, row);
    }
    printf("\n%-36s %-22s %-22s %14s", "node", "operation", "algorithm", "output");
    print_heading();
    for (size_t n = 0; n < profile->nodes; n++) {
        const struct row row = node_row(profile, n);
        const struct fv_node_info node = fv_session_node(profile->session, n);
        char shape[64];
        snprintf(shape, sizeof shape, "%zux%zux%zu", node.output.channels, node.output.height, node.output.width);
        printf("%-36s %-22s %-22s %14s", node.name, node.operation, node.algorithm, shape);
        print_figures(profile, &row);
    }
    print_account(profile);
}

static bool add_number(cJSON *object, const char *key, double number) {
    return cJSON_AddNumberToObject(object, key, number) != NULL;
}

/* A new object at the end of `array` with what every row has; NULL if memory ran out. */
static cJSON *add_row(const struct fovea_profile *profile, const struct row *row, cJSON *array) {
    cJSON *entry = cJSON_CreateObject();
    if (entry == NULL || !cJSON_AddItemToArray(array, entry)) {
        cJSON_Delete(entry);
        return NULL;
    }
    const bool complete = cJSON_AddStringToObject(entry, "operation", row->operation) != NULL &&
                          cJSON_AddStringToObject(entry, "algorithm", row->algorithm) != NULL &&
                          add_number(entry, "multiply_adds", row->multiply_adds) &&
                          add_number(entry, "bytes", row->bytes) && add_number(entry, "seconds", row->seconds) &&
                          add_number(entry, "share_of_pass", pass_share(profile, row->seconds)) &&
                          add_number(entry, "gflops", rate(row, 2e-9 * row->multiply_adds)) &&
                          add_number(entry, "share_of_peak", rate(row, 2 * row->multiply_adds) / profile->flops) &&
                          add_number(entry, "gb_per_s", rate(row, 1e-9 * row->bytes));
    return complete ? entry : NULL;
}

bool fovea_profile_add_json(const struct fovea_profile *profile, cJSON *object) {
    cJSON *operations = cJSON_AddArrayToObject(object, "operations");
    cJSON *nodes = cJSON_AddArrayToObject(object, "nodes");
    cJSON *account = cJSON_AddObjectToObject(object, "account");
    bool complete = operations != NULL && nodes != NULL && account != NULL;
    for (size_t i = 0; complete && i < profile->operation_count; i++) {
        cJSON *entry = add_row(profile, &profile->operations[i], operations);
        complete = entry != NULL && add_number(entry, "nodes", (double)profile->operations[i].nodes);
    }
    for (size_t n = 0; complete && n < profile->nodes; n++) {
        const struct row row = node_row(profile, n);
        const struct fv_node_info node = fv_session_node(profile->session, n);
        char shape[64];
        snprintf(shape, sizeof shape, "%zux%zux%zu", node.output.channels, node.output.height, node.output.width);
        cJSON *entry = add_row(profile, &row, nodes);
        complete = entry != NULL && cJSON_AddStringToObject(entry, "name", node.name) != NULL &&
                   cJSON_AddStringToObject(entry, "output", shape) != NULL;
    }
    return complete && add_number(account, "nodes_s", profile->sum) &&
           add_number(account, "input_s", part_seconds(profile, PART_INPUT)) &&
           add_number(account, "output_s", part_seconds(profile, PART_OUTPUT)) &&
           add_number(account, "between_s", part_seconds(profile, PART_BETWEEN)) &&
           add_number(account, "spread_s", spread_seconds(profile)) &&
           add_number(account, "pass_s", part_seconds(profile, PART_PASS));
}
