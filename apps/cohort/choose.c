/* Which columns are measures and which are covariates. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/suggestion.h"
#include "cohort/cohort.h"
#include "pipeline/results.h"

/* What papers on the FAZ report, where the results have numbers of it. */
static const char *const default_measures[] = {
    "faz_area_mm2", "faz_area_mm2_al_corrected", "perimeter_mm", "perimeter_crofton_mm",
    "circularity",  "acircularity_index",        "axial_ratio",  "fd300_percent",
};

/* Numbers in results.csv that measure nothing of the eye's vessels. */
static const char *const technical[] = {
    "fov_mm",
    "width_px",
    "height_px",
    "folds",
    "axial_length_mm",
    "reference_axial_length_mm",
    "page",
    "line",
    "magnification_factor",
};

static bool listed(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool ends_with(const char *name, const char *end) {
    size_t length = strlen(name), own = strlen(end);
    return length >= own && strcasecmp(name + length - own, end) == 0;
}

/* Directions have no mean: 179 and 1 degrees are nearly one. */
static bool is_direction(const char *name) {
    return ends_with(name, "_degrees") || ends_with(name, "_deg");
}

/* A name for people: that of the report of a run, or the column's with its unit behind a comma. */
static const char *label_of(struct fovea_cohort *cohort, const char *name) {
    static const struct {
        const char *suffix, *unit;
    } units[] = {
        {"_mm2", "mm\xc2\xb2"}, {"_per_mm", "mm\xe2\x81\xbb\xc2\xb9"}, {"_mm", "mm"}, {"_px", "px"}, {"_percent", "%"},
        {"_years", "years"},
    };
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        if (strcmp(fovea_measure_columns[i].name, name) == 0) {
            return fovea_measure_columns[i].label;
        }
    }
    char label[256];
    const char *unit = "";
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof units / sizeof *units && unit[0] == '\0'; i++) {
        if (ends_with(name, units[i].suffix) && length > strlen(units[i].suffix)) {
            length -= strlen(units[i].suffix);
            unit = units[i].unit;
        }
    }
    snprintf(label, sizeof label, "%.*s%s%s", (int)(length < 200 ? length : 200), name, unit[0] != '\0' ? ", " : "",
             unit);
    for (char *letter = label; *letter != '\0'; letter++) {
        *letter = *letter == '_' ? ' ' : *letter;
    }
    return fv_pool_text(&cohort->texts, label, strlen(label));
}

static enum fv_status add_variable(struct fovea_cohort *cohort, const char *name, bool covariate,
                                   struct fv_error *error) {
    for (size_t i = 0; i < cohort->variable_count; i++) {
        if (cohort->variables[i].covariate == covariate && strcasecmp(cohort->variables[i].name, name) == 0) {
            return FV_OK;
        }
    }
    if (cohort->variable_count == FOVEA_COHORT_MOST_VARIABLES) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "more than %d measures and covariates: choose some with "
                            "--measure and --covariate",
                            FOVEA_COHORT_MOST_VARIABLES);
    }
    struct fovea_cohort_variable *variable = &cohort->variables[cohort->variable_count];
    *variable = (struct fovea_cohort_variable){.covariate = covariate};
    variable->column = covariate ? fovea_table_column(&cohort->subjects, name) : FOVEA_TABLE_ABSENT;
    for (size_t i = 0; i < cohort->source_count; i++) {
        variable->result_columns[i] = fovea_table_column(&cohort->sources[i].table, name);
    }
    variable->name = fv_pool_text(&cohort->texts, name, strlen(name));
    variable->label = label_of(cohort, name);
    if (variable->name == NULL || variable->label == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the names of the measures");
    }
    cohort->variable_count++;
    return FV_OK;
}

/* How many fields of a column are numbers, and how many are something else. */
static void count_numbers(const struct fovea_table *table, size_t column, size_t *numbers, size_t *others) {
    *numbers = *others = 0;
    for (size_t row = 0; row < fovea_table_rows(table); row++) {
        char reason[2];
        double value;
        if (!fovea_table_broken(table, row, reason, sizeof reason)) {
            enum fovea_number_kind kind = fovea_table_number(fovea_table_field(table, row, (long)column), &value);
            *numbers += kind == FOVEA_NUMBER_GOOD || kind == FOVEA_NUMBER_COMMA;
            *others += kind == FOVEA_NUMBER_BAD;
        }
    }
}

/* Whether most of what a column holds are numbers. */
static bool is_numeric(const struct fovea_table *table, size_t column) {
    size_t numbers, others;
    count_numbers(table, column, &numbers, &others);
    return numbers > 0 && numbers >= others;
}

/* Whether a column says whose an image is, or which of theirs. */
static bool is_taken(const struct fovea_cohort_columns *columns, size_t column) {
    const long taken[] = {columns->file, columns->run,    columns->subject, columns->group,
                          columns->eye,  columns->repeat, columns->visit,   columns->layer};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (taken[i] == (long)column) {
            return true;
        }
    }
    return false;
}

/* Whether a column of the results is a measure, if it is a number at all. */
static bool may_be_measure(const struct fovea_cohort_source *source, size_t column) {
    const char *name = fovea_table_column_name(&source->table, column);
    return !is_taken(&source->columns, column) && !listed(name, technical, sizeof technical / sizeof *technical) &&
           is_numeric(&source->table, column);
}

static bool some_source_has(const struct fovea_cohort *cohort, const char *name) {
    for (size_t i = 0; i < cohort->source_count; i++) {
        if (fovea_table_column(&cohort->sources[i].table, name) != FOVEA_TABLE_ABSENT) {
            return true;
        }
    }
    return false;
}

/* Says that no results have a column, and which they have. */
static enum fv_status unknown_measure(const struct fovea_cohort *cohort, const char *option, const char *name,
                                      struct fv_error *error) {
    enum { MOST = 256 };
    const struct fovea_table *table = &cohort->sources[0].table;
    const char *names[MOST];
    char known[FV_MESSAGE_SIZE / 2] = "";
    size_t count = 0;
    for (size_t i = 0; i < table->columns && count < MOST; i++) {
        if (may_be_measure(&cohort->sources[0], i)) {
            const char *column = names[count++] = fovea_table_column_name(table, i);
            size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", column);
        }
    }
    const char *meant = fovea_suggestion(name, names, count);
    if (meant != NULL) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "--%s: there is no column '%s'; did you mean '%s'?", option, name,
                            meant);
    }
    return fv_error_set(error, FV_ERROR_ARGUMENT, "--%s: there is no column '%s'; numbers in %s: %s", option, name,
                        table->name, known[0] != '\0' ? known : "none");
}

static enum fv_status choose_all(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t s = 0; s < cohort->source_count; s++) {
        const struct fovea_cohort_source *source = &cohort->sources[s];
        for (size_t i = 0; i < source->table.columns && status == FV_OK; i++) {
            const char *name = fovea_table_column_name(&source->table, i);
            if (may_be_measure(source, i) && !is_direction(name)) {
                status = add_variable(cohort, name, false, error);
            }
        }
    }
    return status;
}

/* Whether some results have numbers in the column. */
static bool some_source_has_numbers(const struct fovea_cohort *cohort, const char *name) {
    for (size_t i = 0; i < cohort->source_count; i++) {
        long column = fovea_table_column(&cohort->sources[i].table, name);
        if (column != FOVEA_TABLE_ABSENT && is_numeric(&cohort->sources[i].table, (size_t)column)) {
            return true;
        }
    }
    return false;
}

static enum fv_status choose_defaults(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = FV_OK;
    bool perimeter = some_source_has_numbers(cohort, "perimeter_mm"); /* then one perimeter is enough */
    for (size_t i = 0; i < sizeof default_measures / sizeof *default_measures && status == FV_OK; i++) {
        const char *name = default_measures[i];
        if (some_source_has_numbers(cohort, name) && !(perimeter && strcmp(name, "perimeter_crofton_mm") == 0)) {
            status = add_variable(cohort, name, false, error);
        }
    }
    return status;
}

static enum fv_status choose_measures(struct fovea_cohort *cohort, struct fv_error *error) {
    const struct fovea_cohort_options *options = cohort->options;
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < options->measure_count && status == FV_OK; i++) {
        const char *name = options->measures[i];
        if (strcmp(name, "all") == 0) {
            status = choose_all(cohort, error);
        } else if (!some_source_has(cohort, name)) {
            status = unknown_measure(cohort, "measure", name, error);
        } else if (is_direction(name)) {
            status = fv_error_set(error, FV_ERROR_ARGUMENT,
                                  "--measure: '%s' is a direction, which has no mean and no rank", name);
        } else {
            status = add_variable(cohort, name, false, error);
        }
    }
    status = status == FV_OK && options->measure_count == 0 ? choose_defaults(cohort, error) : status;
    cohort->measure_count = cohort->variable_count;
    if (status == FV_OK && cohort->measure_count == 0) {
        return unknown_measure(cohort, "measure", default_measures[0], error);
    }
    return status;
}

/* Whether a column of the subjects may be a covariate by itself: a number that is no name. */
static bool may_be_covariate(const struct fovea_cohort *cohort, size_t column) {
    static const char *const names[] = {"id", "record_id", "mrn", "study_id", "redcap_repeat_instance", "sha256"};
    const char *name = fovea_table_column_name(&cohort->subjects, column);
    return !is_taken(&cohort->columns, column) && name[0] != '\0' && strcasecmp(name, "visit") != 0 &&
           strcasecmp(name, "repeat") != 0 && !ends_with(name, "_id") &&
           !listed(name, names, sizeof names / sizeof *names) && is_numeric(&cohort->subjects, column);
}

static enum fv_status choose_covariates(struct fovea_cohort *cohort, struct fv_error *error) {
    const struct fovea_cohort_options *options = cohort->options;
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < options->covariate_count && status == FV_OK; i++) {
        const char *name = options->covariates[i];
        if (strcmp(name, "none") == 0) {
            continue;
        }
        bool known = fovea_table_column(&cohort->subjects, name) != FOVEA_TABLE_ABSENT || some_source_has(cohort, name);
        status = known ? add_variable(cohort, name, true, error) : unknown_measure(cohort, "covariate", name, error);
    }
    for (size_t i = 0; i < cohort->subjects.columns && options->covariate_count == 0 && status == FV_OK; i++) {
        if (may_be_covariate(cohort, i)) {
            status = add_variable(cohort, fovea_table_column_name(&cohort->subjects, i), true, error);
        }
    }
    return status;
}

enum fv_status fovea_cohort_choose(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = choose_measures(cohort, error);
    return status == FV_OK ? choose_covariates(cohort, error) : status;
}
