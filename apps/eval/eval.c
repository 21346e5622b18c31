/* All of an evaluation, from the sets to the files. */
#include "eval/eval.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/folder.h"
#include "base/print_clean.h"
#include "commands.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/interrupt.h"

enum { FAILURES_SHOWN = 20 }; /* a set, on the standard error; the files list all */

void fovea_eval_set_clear(struct fovea_eval_set *set) {
    fv_release(set->grades);
    fv_release(set->masks);
    fovea_classification_clear(&set->classification);
    fovea_mask_folder_clear(&set->predicted_folder);
    fovea_mask_folder_clear(&set->reference_folder);
    fovea_failures_clear(&set->failures);
    fovea_failures_clear(&set->notes);
    fv_pool_clear(&set->texts);
    *set = (struct fovea_eval_set){0};
}

static void print_failures(const struct fovea_eval_set *set) {
    for (size_t i = 0; i < set->failures.count && i < FAILURES_SHOWN; i++) {
        const struct fovea_failure *failure = &set->failures.items[i];
        fprintf(stderr, "fovea eval: %s: ", set->source->name);
        fovea_print_clean(stderr, failure->file, -1);
        if (failure->line > 0) {
            fprintf(stderr, ", line %zu", failure->line);
        }
        fprintf(stderr, ": ");
        if (failure->image[0] != '\0' && failure->line > 0) {
            fovea_print_clean(stderr, failure->image, -1);
            fprintf(stderr, ": ");
        }
        fovea_print_clean(stderr, failure->reason, -1);
        fprintf(stderr, "\n");
    }
    if (set->failures.count > FAILURES_SHOWN) {
        fprintf(stderr, "fovea eval: %s: and %zu more failures\n", set->source->name,
                set->failures.count - FAILURES_SHOWN);
    }
}

typedef enum fv_status write_function(const struct fovea_eval *eval, const char *path, struct fv_error *error);

static enum fv_status write_file(const struct fovea_eval *eval, const char *name, write_function *write,
                                 struct fv_error *error) {
    char *path = fv_text_format("%s/%s", eval->options->output, name);
    enum fv_status status =
        path == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name) : write(eval, path, error);
    fv_release(path);
    return status;
}

static enum fv_status write_all(const struct fovea_eval *eval, struct fv_error *error) {
    static const struct {
        const char *name;
        write_function *write;
        bool grades_only;
    } files[] = {
        {"eval.csv", fovea_eval_write_rows, false},      {"eval_summary.csv", fovea_eval_write_summary, false},
        {"eval_roc.csv", fovea_eval_write_curves, true}, {"eval.json", fovea_eval_write_json, false},
        {"eval.html", fovea_eval_write_report, false},
    };
    enum fv_status status = fovea_folder_make(eval->options->output, error);
    for (size_t i = 0; i < sizeof files / sizeof *files && status == FV_OK; i++) {
        if (!files[i].grades_only || eval->options->kind == FOVEA_EVAL_GRADES) {
            status = write_file(eval, files[i].name, files[i].write, error);
        }
    }
    return status;
}

/* The figures that a terminal shows. */
static void print_summary(const struct fovea_eval *eval) {
    for (size_t i = 0; i < eval->count; i++) {
        const struct fovea_eval_set *set = &eval->sets[i];
        printf("%s: %zu evaluated, %zu failed", set->source->name, set->count, set->failures.count);
        if (eval->options->kind == FOVEA_EVAL_GRADES) {
            printf(", accuracy %.4f, weighted F1 %.4f", set->classification.accuracy, set->classification.weighted_f1);
            if (!isnan(set->classification.macro_auc)) {
                printf(", macro AUC %.4f", set->classification.macro_auc);
            }
        } else {
            printf(", mean Dice %.4f, mean Jaccard %.4f", set->spreads[FOVEA_MASK_DICE].mean,
                   set->spreads[FOVEA_MASK_JACCARD].mean);
        }
        printf("\n");
    }
}

static int exit_status(const struct fovea_eval *eval, enum fv_status status, const struct fv_error *error) {
    size_t failed = 0, evaluated = 0;
    for (size_t i = 0; i < eval->count; i++) {
        failed += eval->sets[i].failures.count;
        evaluated += eval->sets[i].count;
    }
    if (status != FV_OK) {
        fprintf(stderr, "fovea eval: %s\n", error->message);
        return status == FV_ERROR_CANCELLED ? FOVEA_EXIT_INTERRUPTED : FOVEA_EXIT_UNUSABLE;
    }
    if (evaluated == 0) {
        fprintf(stderr, "fovea eval: no prediction has a reference: nothing was evaluated%s\n",
                eval->options->strict && failed > 0 ? " and nothing written" : "");
        return FOVEA_EXIT_NO_IMAGE;
    }
    return failed > 0 ? FOVEA_EXIT_SOME_FAILED : FOVEA_EXIT_DONE;
}

static enum fv_status evaluate_sets(struct fovea_eval *eval, struct fv_error *error) {
    const struct fovea_eval_options *options = eval->options;
    struct fv_threads *threads = NULL;
    enum fv_status status = fv_threads_create(options->threads, &threads, error);
    for (size_t i = 0; i < options->source_count && status == FV_OK; i++) {
        const struct fovea_eval_source *source = &options->sources[i];
        eval->count = i + 1;
        status = options->kind == FOVEA_EVAL_GRADES ? fovea_eval_grades(options, source, &eval->sets[i], error)
                                                    : fovea_eval_masks(options, source, threads, &eval->sets[i], error);
        print_failures(&eval->sets[i]);
    }
    fv_threads_destroy(threads);
    return status;
}

int fovea_eval_run(const struct fovea_eval_options *options) {
    struct fovea_eval *eval = fv_allocate_zero(1, sizeof *eval);
    if (eval == NULL) {
        fprintf(stderr, "fovea eval: out of memory\n");
        return FOVEA_EXIT_UNUSABLE;
    }
    eval->options = options;
    fovea_interrupt_watch();
    struct fv_error error = {0};
    enum fv_status status = evaluate_sets(eval, &error);
    size_t failed = 0;
    for (size_t i = 0; i < eval->count; i++) {
        failed += eval->sets[i].failures.count;
    }
    if (status == FV_OK && options->strict && failed > 0) {
        status = fv_error_set(&error, FV_ERROR_FORMAT, "%zu failures, and --strict: nothing was written", failed);
    }
    if (status == FV_OK) {
        status = write_all(eval, &error);
    }
    if (status == FV_OK) {
        print_summary(eval);
    }
    int code = exit_status(eval, status, &error);
    for (size_t i = 0; i < eval->count; i++) {
        fovea_eval_set_clear(&eval->sets[i]);
    }
    fv_release(eval);
    return code;
}
