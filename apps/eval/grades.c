/* A set of grades. */
#include <string.h>

#include "eval/eval.h"
#include "eval/grade_table.h"
#include "fovea/memory.h"

/* Copies the pairs, which outlive the tables. */
static enum fv_status take_pairs(struct fovea_eval_set *set, const struct fovea_grade_table *predicted,
                                 const struct fovea_grade_table *reference, const struct fovea_match_pair *pairs,
                                 size_t count, struct fv_error *error) {
    set->grades = fv_allocate(count, sizeof *set->grades);
    if (set->grades == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", set->reference);
    }
    for (size_t i = 0; i < count; i++) {
        const struct fovea_grade_row *row = &predicted->rows[pairs[i].predicted];
        const char *name = fovea_match_shown(reference->entries[pairs[i].reference].name);
        struct fovea_eval_grade *grade = &set->grades[i];
        *grade = (struct fovea_eval_grade){
            .name = fv_pool_text(&set->texts, name, strlen(name)),
            .pair = {.truth = reference->rows[pairs[i].reference].grade, .predicted = row->grade},
        };
        memcpy(grade->pair.probability, row->probability, sizeof row->probability);
        if (grade->name == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", set->reference);
        }
        set->count++;
    }
    return FV_OK;
}

static enum fv_status classify(struct fovea_eval_set *set, bool probabilities, struct fv_error *error) {
    struct fovea_graded_pair *pairs = fv_allocate(set->count, sizeof *pairs);
    if (pairs == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", set->reference);
    }
    for (size_t i = 0; i < set->count; i++) {
        pairs[i] = set->grades[i].pair;
    }
    enum fv_status status = fovea_classify(pairs, set->count, probabilities, &set->classification, error);
    fv_release(pairs);
    return status;
}

/* Says what could not be computed and why. */
static enum fv_status add_notes(struct fovea_eval_set *set, struct fv_error *error) {
    const struct fovea_classification *result = &set->classification;
    enum fv_status status = FV_OK;
    if (!result->probabilities) {
        status =
            fovea_failures_add(&set->notes, "", set->predicted, 0, error,
                               "it has no probabilities (p_ungradable, p_gradable, p_outstanding): AUC, ROC curves "
                               "and cross-entropy cannot be computed");
    }
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT && status == FV_OK; k++) {
        const struct fovea_class_scores *scores = &result->classes[k];
        if (scores->support == 0) {
            status = fovea_failures_add(&set->notes, "", set->reference, 0, error,
                                        "no image is %s by its label: the recall, weight and AUC of that class are "
                                        "undefined, and means are over the other classes",
                                        fovea_quality_names[k]);
        } else if (scores->predicted == 0) {
            status = fovea_failures_add(&set->notes, "", set->predicted, 0, error,
                                        "no image was predicted as %s: the precision of that class is undefined, and "
                                        "means are over the other classes",
                                        fovea_quality_names[k]);
        }
    }
    if (status == FV_OK && result->zero_probabilities > 0) {
        status =
            fovea_failures_add(&set->notes, "", set->predicted, 0, error,
                               "%zu of %zu images give their true class a probability of 0: the cross-entropies are "
                               "infinite and left out",
                               result->zero_probabilities, result->count);
    }
    if (status == FV_OK && result->unlikely_grades > 0) {
        status =
            fovea_failures_add(&set->notes, "", set->predicted, 0, error,
                               "%zu of %zu grades are not those of the greatest probability; the grade was taken as "
                               "given",
                               result->unlikely_grades, result->count);
    }
    return status;
}

static enum fv_status pair_tables(const struct fovea_eval_options *options, struct fovea_eval_set *set,
                                  struct fovea_grade_table *predicted, struct fovea_grade_table *reference,
                                  struct fv_error *error) {
    bool published = predicted->published || reference->published;
    set->match = options->match_given ? options->match : published ? FOVEA_MATCH_BASE : FOVEA_MATCH_PATH;
    struct fovea_match_side sides[2];
    struct fovea_match_pair *pairs = NULL;
    size_t count = 0;
    enum fv_status status = fovea_grade_table_side(predicted, set->match, &sides[0], error);
    status = status != FV_OK ? status : fovea_grade_table_side(reference, set->match, &sides[1], error);
    status = status != FV_OK ? status : fovea_match(&sides[0], &sides[1], &pairs, &count, &set->failures, error);
    status = status != FV_OK ? status : take_pairs(set, predicted, reference, pairs, count, error);
    fv_release(pairs);
    return status;
}

enum fv_status fovea_eval_grades(const struct fovea_eval_options *options, const struct fovea_eval_source *source,
                                 struct fovea_eval_set *set, struct fv_error *error) {
    *set = (struct fovea_eval_set){.source = source};
    struct fovea_grade_table predicted = {0}, reference = {0};
    enum fv_status status = fovea_grade_table_read(source->predicted, true, &predicted, &set->failures, error);
    if (status == FV_OK) {
        status = fovea_grade_table_read(source->reference, false, &reference, &set->failures, error);
    }
    if (status == FV_OK) {
        set->predicted = fv_pool_text(&set->texts, predicted.file, strlen(predicted.file));
        set->reference = fv_pool_text(&set->texts, reference.file, strlen(reference.file));
        status = set->predicted == NULL || set->reference == NULL
                     ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", source->name)
                     : pair_tables(options, set, &predicted, &reference, error);
    }
    status = status != FV_OK ? status : classify(set, predicted.probabilities, error);
    status = status != FV_OK ? status : add_notes(set, error);
    fovea_grade_table_clear(&predicted);
    fovea_grade_table_clear(&reference);
    return status;
}
