/* The results as tables: a row an image, the summary, and the points of the ROC curves. */
#include <math.h>

#include "base/buffer.h"
#include "eval/eval.h"

static void add_names(struct fovea_buffer *text, const struct fovea_eval_set *set, const char *image) {
    fovea_buffer_csv(text, set->source->name);
    fovea_buffer_text(text, ",");
    fovea_buffer_csv(text, image);
}

static void add_grade_row(struct fovea_buffer *text, const struct fovea_eval_set *set, size_t i) {
    const struct fovea_graded_pair *pair = &set->grades[i].pair;
    add_names(text, set, set->grades[i].name);
    fovea_buffer_format(text, ",ok,,,,%s,%s,%d", fovea_quality_names[pair->truth], fovea_quality_names[pair->predicted],
                        pair->truth == pair->predicted);
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        fovea_buffer_text(text, ",");
        fovea_eval_add_number(text, set->classification.probabilities ? pair->probability[k] : NAN);
    }
    fovea_buffer_text(text, "\n");
}

static void add_mask_row(struct fovea_buffer *text, const struct fovea_eval_set *set, size_t i) {
    const struct fovea_eval_mask *mask = &set->masks[i];
    add_names(text, set, mask->name);
    fovea_buffer_format(text, ",ok,,,,%u,%u,%zu,%zu,%zu,%zu", mask->width, mask->height, mask->overlap.true_positives,
                        mask->overlap.false_positives, mask->overlap.false_negatives, mask->overlap.true_negatives);
    for (size_t k = 0; k < FOVEA_MASK_FIGURES; k++) {
        fovea_buffer_text(text, ",");
        fovea_eval_add_number(text, mask->figures[k]);
    }
    fovea_buffer_text(text, "\n");
}

static void add_failure_row(struct fovea_buffer *text, const struct fovea_eval_set *set,
                            const struct fovea_failure *failure, size_t blanks) {
    add_names(text, set, failure->image);
    fovea_buffer_text(text, ",failed,");
    fovea_buffer_csv(text, failure->file);
    fovea_buffer_text(text, ",");
    if (failure->line > 0) {
        fovea_buffer_format(text, "%zu", failure->line);
    }
    fovea_buffer_text(text, ",");
    fovea_buffer_csv(text, failure->reason);
    for (size_t i = 0; i < blanks; i++) {
        fovea_buffer_text(text, ",");
    }
    fovea_buffer_text(text, "\n");
}

enum fv_status fovea_eval_write_rows(const struct fovea_eval *eval, const char *path, struct fv_error *error) {
    enum { GRADE_COLUMNS = 3 + FOVEA_QUALITY_COUNT, MASK_COLUMNS = 6 + FOVEA_MASK_FIGURES };
    bool grades = eval->options->kind == FOVEA_EVAL_GRADES;
    struct fovea_buffer text = {0};
    fovea_buffer_text(&text, "set,image,status,file,line,reason");
    if (grades) {
        fovea_buffer_text(&text, ",label,predicted,right,p_ungradable,p_gradable,p_outstanding");
    } else {
        fovea_buffer_text(&text, ",width_px,height_px,tp_px,fp_px,fn_px,tn_px");
        for (size_t k = 0; k < FOVEA_MASK_FIGURES; k++) {
            fovea_buffer_format(&text, ",%s", fovea_mask_figure_texts[k].name);
        }
    }
    fovea_buffer_text(&text, "\n");
    for (size_t s = 0; s < eval->count; s++) {
        const struct fovea_eval_set *set = &eval->sets[s];
        for (size_t i = 0; i < set->count; i++) {
            if (grades) {
                add_grade_row(&text, set, i);
            } else {
                add_mask_row(&text, set, i);
            }
        }
        for (size_t i = 0; i < set->failures.count; i++) {
            add_failure_row(&text, set, &set->failures.items[i], grades ? GRADE_COLUMNS : MASK_COLUMNS);
        }
    }
    enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}

/* A line of whole numbers that have no mean. */
static void add_counts(struct fovea_buffer *text, const struct fovea_eval *eval, const char *name, bool failed) {
    fovea_buffer_format(text, "%s,count", name);
    for (size_t i = 0; i < eval->count; i++) {
        fovea_buffer_format(text, ",%zu", failed ? eval->sets[i].failures.count : eval->sets[i].count);
    }
    fovea_buffer_text(text, ",\n");
}

enum fv_status fovea_eval_write_summary(const struct fovea_eval *eval, const char *path, struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_buffer_text(&text, "figure,statistic");
    for (size_t i = 0; i < eval->count; i++) {
        fovea_buffer_text(&text, ",");
        fovea_buffer_csv(&text, eval->sets[i].source->name);
    }
    fovea_buffer_text(&text, ",mean_of_sets\n");
    add_counts(&text, eval, "evaluated", false);
    add_counts(&text, eval, "failed", true);
    size_t count = fovea_eval_figure_count(eval);
    for (size_t i = 0; i < count; i++) {
        struct fovea_eval_figure figure;
        fovea_eval_figure_get(eval, i, &figure);
        fovea_buffer_format(&text, "%s,%s", figure.name, figure.statistic);
        for (size_t s = 0; s < eval->count; s++) {
            fovea_buffer_text(&text, ",");
            fovea_eval_add_number(&text, figure.values[s]);
        }
        fovea_buffer_text(&text, ",");
        fovea_eval_add_number(&text, figure.mean);
        fovea_buffer_text(&text, "\n");
    }
    enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}

enum fv_status fovea_eval_write_curves(const struct fovea_eval *eval, const char *path, struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_buffer_text(&text, "set,class,threshold,false_positive_rate,true_positive_rate\n");
    for (size_t s = 0; s < eval->count; s++) {
        const struct fovea_eval_set *set = &eval->sets[s];
        for (size_t k = 0; k < FOVEA_ROC_COUNT; k++) {
            const struct fovea_roc *roc = &set->classification.rocs[k];
            for (size_t i = 0; i < roc->count; i++) {
                fovea_buffer_csv(&text, set->source->name);
                fovea_buffer_format(&text, ",%s,", k < FOVEA_QUALITY_COUNT ? fovea_quality_names[k] : "micro");
                fovea_eval_add_number(&text, roc->points[i].threshold);
                fovea_buffer_text(&text, ",");
                fovea_eval_add_number(&text, roc->points[i].false_positive_rate);
                fovea_buffer_text(&text, ",");
                fovea_eval_add_number(&text, roc->points[i].true_positive_rate);
                fovea_buffer_text(&text, "\n");
            }
        }
    }
    enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}
