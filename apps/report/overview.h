/* What the summary of a report says of all results together, gathered one after the other.
 *
 * Errors: FV_ERROR_MEMORY. Thread safety: an overview belongs to one thread. */
#ifndef FOVEA_APPS_REPORT_OVERVIEW_H
#define FOVEA_APPS_REPORT_OVERVIEW_H

#include "fovea/names.h"
#include "measure/warnings.h"
#include "pipeline/results.h"

/* The measures whose distributions are drawn, by the names of their columns. */
enum { FOVEA_REPORT_MEASURES = 6 };
extern const char *const fovea_report_measures[FOVEA_REPORT_MEASURES];

/* The layers of enum fovea_layer, and the unknown one. */
enum { FOVEA_REPORT_LAYERS = FOVEA_LAYER_COUNT + 1 };
/* "superficial layer", "deep layer", "layer not known". */
extern const char *const fovea_report_layers[FOVEA_REPORT_LAYERS];

struct fovea_report_values {
    double *items; /* owned */
    size_t count, capacity;
};

/* Images that failed, or were left with a remark, for the same reason: texts that differ in numbers are the same. */
struct fovea_report_reason {
    char *kind;  /* the reason with # for each number; owned */
    char *first; /* the reason of the first; owned */
    enum fovea_state state;
    size_t count;
};

/* A zeroed struct is the overview of nothing. */
struct fovea_report_overview {
    size_t states[FOVEA_STATE_COUNT], grades[FOVEA_QUALITY_COUNT], ungraded;
    size_t warnings[FOVEA_WARNING_COUNT], warned; /* images with each, and with any */
    size_t measured;
    bool layer, eye, subject, visit, densities; /* known of any image */
    struct fovea_report_values values[FOVEA_REPORT_MEASURES][FOVEA_REPORT_LAYERS];
    struct fovea_report_reason *reasons; /* owned */
    size_t reason_count, reason_capacity;
    struct fv_names kinds; /* of the reasons, by their numbers */
};

/* Adds a result; a fovea_result_visit whose visitor is the overview. */
fovea_result_visit fovea_report_overview_add;

/* Nothing is added any more: sorts the reasons, failures first, then the most frequent. */
void fovea_report_overview_end(struct fovea_report_overview *overview);

/* Frees it. */
void fovea_report_overview_clear(struct fovea_report_overview *overview);

#endif
