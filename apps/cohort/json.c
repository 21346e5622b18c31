/* The results for programs. */
#include "base/json_document.h"
#include "cohort/cohort.h"
#include "commands.h"

static void add_count(struct fovea_json *document, cJSON *object, const char *key, size_t count) {
    fovea_json_number(document, object, key, (double)count);
}

static void add_head(struct fovea_json *document, const struct fovea_cohort *cohort) {
    const struct fovea_cohort_options *options = cohort->options;
    cJSON *root = document->root;
    fovea_json_string(document, root, "program", "fovea");
    fovea_json_string(document, root, "version", FOVEA_VERSION);
    fovea_json_string(document, root, "notice", FOVEA_NOTICE);
    fovea_json_string(document, root, "command", "cohort");
    fovea_json_string(document, root, "subjects", cohort->subjects.name);
    fovea_json_string(document, root, "unit_of_analysis", fovea_cohort_unit_name(cohort));
    fovea_json_string(document, root, "group_column", cohort->group_column != NULL ? cohort->group_column : "");
    fovea_json_string(document, root, "repeat_column", cohort->repeat_column != NULL ? cohort->repeat_column : "");
    fovea_json_string(document, root, "visit", options->visit != NULL ? options->visit : "");
    fovea_json_string(document, root, "layer", options->layer != NULL ? options->layer : "");
    fovea_json_number(document, root, "confidence", 0.95);
}

static void add_group(struct fovea_json *document, cJSON *array, const struct fovea_cohort_group *group) {
    static const char *const names[FOVEA_COHORT_STATES] = {"images_used", "images_ungradable", "images_failed"};
    cJSON *item = fovea_json_append_object(document, array);
    if (item == NULL) {
        return;
    }
    fovea_json_string(document, item, "name", group->name);
    add_count(document, item, "subjects", group->subjects);
    add_count(document, item, "eyes", group->eyes);
    add_count(document, item, "observations", group->observations);
    for (size_t k = 0; k < FOVEA_COHORT_STATES; k++) {
        add_count(document, item, names[k], group->images[k]);
    }
}

static void add_variables(struct fovea_json *document, const struct fovea_cohort *cohort) {
    cJSON *array = fovea_json_array(document, document->root, "variables");
    for (size_t v = 0; v < cohort->variable_count && document->complete; v++) {
        cJSON *item = fovea_json_append_object(document, array);
        if (item != NULL) {
            fovea_json_string(document, item, "name", cohort->variables[v].name);
            fovea_json_string(document, item, "label", cohort->variables[v].label);
            fovea_json_string(document, item, "role", cohort->variables[v].covariate ? "covariate" : "measure");
        }
    }
}

static void add_text_if(struct fovea_json *document, cJSON *item, const char *key, const char *text) {
    if (text[0] != '\0') {
        fovea_json_string(document, item, key, text);
    }
}

static void add_analysis(struct fovea_json *document, cJSON *array, const struct fovea_cohort *cohort,
                         const struct fovea_analysis *analysis) {
    cJSON *item = fovea_json_append_object(document, array);
    if (item == NULL) {
        return;
    }
    fovea_json_string(document, item, "analysis", fovea_analysis_names[analysis->kind]);
    fovea_json_string(document, item, "measure", cohort->variables[analysis->variable].name);
    fovea_json_string(document, item, "group", analysis->group);
    add_text_if(document, item, "against", analysis->against);
    add_text_if(document, item, "method", analysis->method);
    add_text_if(document, item, "reason", analysis->reason);
    cJSON *figures = fovea_json_object(document, item, "figures");
    for (size_t i = 0; i < analysis->figure_count && document->complete; i++) {
        fovea_json_number(document, figures, analysis->figures[i].statistic, analysis->figures[i].value);
    }
}

static void add_failures(struct fovea_json *document, const struct fovea_failures *failures) {
    cJSON *array = fovea_json_array(document, document->root, "problems");
    for (size_t i = 0; i < failures->count && document->complete; i++) {
        const struct fovea_failure *failure = &failures->items[i];
        cJSON *item = fovea_json_append_object(document, array);
        if (item != NULL) {
            fovea_json_string(document, item, "file", failure->file);
            add_count(document, item, "line", failure->line);
            add_text_if(document, item, "name", failure->image);
            fovea_json_string(document, item, "reason", failure->reason);
        }
    }
}

static void add_notes(struct fovea_json *document, const struct fovea_failures *notes) {
    cJSON *array = fovea_json_array(document, document->root, "notes");
    for (size_t i = 0; i < notes->count && document->complete; i++) {
        fovea_json_append(document, array, cJSON_CreateString(notes->items[i].reason));
    }
}

enum fv_status fovea_cohort_write_json(const struct fovea_cohort *cohort, const char *path, struct fv_error *error) {
    struct fovea_json document;
    fovea_json_begin(&document);
    add_head(&document, cohort);
    cJSON *groups = fovea_json_array(&document, document.root, "groups");
    for (size_t g = 0; g < cohort->group_count && document.complete; g++) {
        add_group(&document, groups, &cohort->groups[g]);
    }
    add_variables(&document, cohort);
    cJSON *analyses = fovea_json_array(&document, document.root, "analyses");
    for (size_t i = 0; i < cohort->analyses.count && document.complete; i++) {
        add_analysis(&document, analyses, cohort, &cohort->analyses.items[i]);
    }
    add_notes(&document, &cohort->notes);
    add_failures(&document, &cohort->failures);
    return fovea_json_end(&document, path, error);
}
