#include "report/overview.h"

#include <stdlib.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/text.h"

enum { VALUES_FIRST = 256, REASONS_FIRST = 16 };

const char *const fovea_report_measures[FOVEA_REPORT_MEASURES] = {"faz_area_mm2", "circularity",   "acircularity_index",
                                                                  "axial_ratio",  "fd300_percent", "mean_confidence"};
const char *const fovea_report_layers[FOVEA_REPORT_LAYERS] = {"superficial layer", "deep layer", "layer not known"};

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "the summary of the report: out of memory");
}

static bool add_value(struct fovea_report_values *values, double value) {
    if (values->count == values->capacity) {
        const size_t capacity = values->capacity == 0 ? VALUES_FIRST : 2 * values->capacity;
        double *grown = fv_reallocate(values->items, values->capacity, capacity, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        values->items = grown;
        values->capacity = capacity;
    }
    values->items[values->count++] = value;
    return true;
}

/* The reason with # for each of its numbers; NULL if memory is exhausted. */
static char *find_kind(enum fovea_state state, const char *reason) {
    static const char digits[] = "0123456789";
    char *kind = fv_text_format("%d%s", (int)state, reason), *to = kind;
    for (const char *from = kind != NULL ? kind + 1 : NULL; from != NULL && *from != '\0';) {
        const size_t length = strspn(from, digits);
        *++to = length > 0 ? '#' : *from;
        from += length > 0 ? length : 1;
    }
    if (kind != NULL) {
        to[1] = '\0';
    }
    return kind;
}

static bool grow_reasons(struct fovea_report_overview *overview) {
    if (overview->reason_count < overview->reason_capacity) {
        return true;
    }
    const size_t capacity = overview->reason_capacity == 0 ? REASONS_FIRST : 2 * overview->reason_capacity;
    struct fovea_report_reason *grown =
        fv_reallocate(overview->reasons, overview->reason_capacity, capacity, sizeof *grown);
    if (grown != NULL) {
        overview->reasons = grown;
        overview->reason_capacity = capacity;
    }
    return grown != NULL;
}

static bool add_reason(struct fovea_report_overview *overview, enum fovea_state state, const char *reason) {
    size_t number;
    char *kind = find_kind(state, reason);
    if (kind != NULL && fv_names_find(&overview->kinds, kind, &number)) {
        overview->reasons[number].count++;
        fv_release(kind);
        return true;
    }
    char *first = kind != NULL ? fv_duplicate(reason) : NULL;
    if (first == NULL || !grow_reasons(overview) || !fv_names_add(&overview->kinds, kind, overview->reason_count)) {
        fv_release(kind);
        fv_release(first);
        return false;
    }
    overview->reasons[overview->reason_count++] = (struct fovea_report_reason){kind, first, state, 1};
    return true;
}

static bool add_measures(struct fovea_report_overview *overview, const struct fovea_result *result) {
    const size_t layer = result->scan.has_layer ? (size_t)result->scan.layer : FOVEA_LAYER_COUNT;
    for (size_t i = 0; i < FOVEA_REPORT_MEASURES; i++) {
        const struct fovea_measure_column *column = fovea_measure_find(fovea_report_measures[i]);
        if (fovea_result_has(result, column) &&
            !add_value(&overview->values[i][layer], fovea_measure_number(&result->measures, column))) {
            return false;
        }
    }
    for (unsigned w = 0; w < FOVEA_WARNING_COUNT; w++) {
        overview->warnings[w] += result->measures.warnings >> w & 1;
    }
    overview->warned += result->measures.warnings != 0;
    overview->measured++;
    overview->densities =
        overview->densities || fovea_result_has(result, fovea_measure_find("perfusion_density_image"));
    return true;
}

enum fv_status fovea_report_overview_add(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct fovea_report_overview *overview = visitor;
    overview->states[result->state]++;
    if (result->graded && result->state != FOVEA_STATE_FAILED) {
        overview->grades[result->grade.quality]++;
    } else if (result->state != FOVEA_STATE_FAILED) {
        overview->ungraded++;
    }
    overview->layer = overview->layer || result->scan.has_layer;
    overview->eye = overview->eye || result->scan.eye != FOVEA_EYE_UNKNOWN;
    overview->subject = overview->subject || result->scan.subject != NULL;
    overview->visit = overview->visit || result->scan.visit != NULL;
    if ((result->measured && !add_measures(overview, result)) ||
        (result->reason != NULL && !add_reason(overview, result->state, result->reason))) {
        return out_of_memory(error);
    }
    return FV_OK;
}

static int compare_reasons(const void *a, const void *b) {
    const struct fovea_report_reason *left = a, *right = b;
    if (left->state != right->state) {
        return (left->state < right->state) - (left->state > right->state);
    }
    if (left->count != right->count) {
        return (left->count < right->count) - (left->count > right->count);
    }
    return strcmp(left->kind, right->kind);
}

void fovea_report_overview_end(struct fovea_report_overview *overview) {
    fv_names_clear(&overview->kinds);
    if (overview->reason_count > 0) {
        qsort(overview->reasons, overview->reason_count, sizeof *overview->reasons, compare_reasons);
    }
}

void fovea_report_overview_clear(struct fovea_report_overview *overview) {
    for (size_t i = 0; i < FOVEA_REPORT_MEASURES; i++) {
        for (size_t k = 0; k < FOVEA_REPORT_LAYERS; k++) {
            fv_release(overview->values[i][k].items);
        }
    }
    for (size_t i = 0; i < overview->reason_count; i++) {
        fv_release(overview->reasons[i].kind);
        fv_release(overview->reasons[i].first);
    }
    fv_release(overview->reasons);
    fv_names_clear(&overview->kinds);
    *overview = (struct fovea_report_overview){0};
}
