/* The order of an adaptation: check everything that can be checked, compute, train, write. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapt/adapt.h"
#include "base/folder.h"
#include "commands.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/interrupt.h"

enum { PROBLEMS_SHOWN = 20 };

/* The day, in UTC, or that of SOURCE_DATE_EPOCH, which makes builds repeatable. */
static void find_date(char date[FOVEA_ADAPT_DATE_SIZE]) {
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char *end = NULL;
    long long seconds = epoch != NULL ? strtoll(epoch, &end, 10) : 0;
    time_t when = epoch != NULL && end != epoch && *end == '\0' ? (time_t)seconds : time(NULL);
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL || strftime(date, FOVEA_ADAPT_DATE_SIZE, "%Y-%m-%d", &parts) == 0) {
        snprintf(date, FOVEA_ADAPT_DATE_SIZE, "unknown");
    }
}

/* The folder of the report; NULL if memory is exhausted. */
static char *report_folder(const struct fovea_adapt_options *options) {
    if (options->report != NULL) {
        return fv_duplicate(options->report);
    }
    const char *dot = strrchr(fv_path_basename(options->output), '.');
    bool suffix = dot != NULL && dot != fv_path_basename(options->output);
    size_t length = suffix ? (size_t)(dot - options->output) : strlen(options->output);
    return fv_text_format("%.*s-report", (int)length, options->output);
}

/* The model must be a fresh file: neither the parent under another name nor anything else is replaced. The report must
 * not replace the labels. */
static enum fv_status check_outputs(const struct fovea_adapt_options *options, const char *folder,
                                    struct fv_error *error) {
    struct stat information;
    if (stat(options->model, &information) != 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be opened: %s", options->model, strerror(errno));
    }
    if (lstat(options->output, &information) == 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: %s; the adapted model needs a name of its own", options->output,
                            fovea_same_place(options->output, options->model) ? "is the parent" : "exists already");
    }
    struct fv_output *output; /* made and given up, to see before the long work that it can be */
    enum fv_status status = fv_output_create(options->output, &output, error);
    if (status != FV_OK) {
        return status;
    }
    fv_output_abandon(output);
    char *rows = fv_text_format("%s/adapt.csv", folder);
    if (rows == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", folder);
    }
    bool labels = fovea_same_place(rows, options->table);
    fv_release(rows);
    if (stat(folder, &information) == 0 && !S_ISDIR(information.st_mode)) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: is no folder; the report needs one", folder);
    }
    return labels ? fv_error_set(error, FV_ERROR_FILE,
                                 "%s/adapt.csv: holds the labels; the report needs another folder", folder)
                  : FV_OK;
}

static void print_failures(const struct fovea_failures *failures) {
    for (size_t i = 0; i < failures->count && i < PROBLEMS_SHOWN; i++) {
        const struct fovea_failure *failure = &failures->items[i];
        fprintf(stderr, "fovea adapt: %s, line %zu: %s%s%s\n", failure->file, failure->line, failure->image,
                failure->image[0] != '\0' ? ": " : "", failure->reason);
    }
    if (failures->count > PROBLEMS_SHOWN) {
        fprintf(stderr, "fovea adapt: and %zu more\n", failures->count - PROBLEMS_SHOWN);
    }
}

static enum fv_status read_labels(struct fovea_adapt *adapt, struct fv_error *error) {
    const struct fovea_adapt_options *options = adapt->options;
    enum fv_status status = fovea_labels_read(options->table, options->images, &adapt->labels, &adapt->problems, error);
    if (status == FV_OK && adapt->problems.count > 0) {
        print_failures(&adapt->problems);
        status = fv_error_set(error, FV_ERROR_FORMAT, "%s: %zu of its lines cannot be used; nothing was written",
                              adapt->labels.file, adapt->problems.count);
    }
    return status;
}

static enum fv_status compute(struct fovea_adapt *adapt, struct fv_error *error) {
    enum fv_status status = fovea_adapt_compute_features(adapt, error);
    print_failures(&adapt->failures);
    status = status != FV_OK ? status : fovea_adapt_split(adapt, error);
    status = status != FV_OK ? status : fovea_adapt_train(adapt, error);
    return status == FV_OK && fovea_interrupted()
               ? fv_error_set(error, FV_ERROR_CANCELLED, "interrupted; nothing was written")
               : status;
}

/* Writes "FOLDER/`name`" through one of the writers. */
static enum fv_status write_reports(const struct fovea_adapt *adapt, const char *folder, bool written,
                                    struct fv_error *error) {
    char *html = fv_text_format("%s/adapt.html", folder), *json = fv_text_format("%s/adapt.json", folder);
    char *rows = fv_text_format("%s/adapt.csv", folder);
    enum fv_status status = html != NULL && json != NULL && rows != NULL
                                ? fovea_folder_make(folder, error)
                                : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", folder);
    status = status != FV_OK ? status : fovea_adapt_write_rows(adapt, rows, error);
    status = status != FV_OK ? status : fovea_adapt_write_json(adapt, written, json, error);
    status = status != FV_OK ? status : fovea_adapt_write_report(adapt, written, html, error);
    fv_release(html);
    fv_release(json);
    fv_release(rows);
    return status;
}

static void print_summary(const struct fovea_adapt *adapt, const char *folder, bool written) {
    printf("%zu images (", adapt->count);
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        printf("%s%zu %s", k > 0 ? ", " : "", adapt->counts[k], fovea_quality_names[k]);
    }
    printf("), %zu failed\naccuracy before: %.3f (parent)\naccuracy after:  %.3f (cross-validated, %zu folds, %zu "
           "epochs)\nwrong before and right after: %zu; right before and wrong after: %zu\n",
           adapt->failures.count, adapt->before.accuracy, adapt->after.accuracy, adapt->options->folds, adapt->chosen,
           adapt->mended, adapt->broken);
    if (written) {
        printf("model: %s\n", adapt->options->output);
    }
    printf("report: %s/adapt.html\n", folder);
}

/* Writes the model, unless it is no better, and the report; a model whose report cannot be written does not stay. */
static int write_all(const struct fovea_adapt *adapt, const char *folder, struct fv_error *error) {
    bool written = adapt->better || adapt->options->force;
    enum fv_status status = written ? fovea_adapt_write_model(adapt, error) : FV_OK;
    if (status == FV_OK) {
        status = write_reports(adapt, folder, written, error);
        if (status != FV_OK && written) {
            unlink(adapt->options->output);
        }
    }
    if (status == FV_OK) {
        print_summary(adapt, folder, written);
    }
    if (status == FV_OK && !adapt->better) {
        fprintf(stderr,
                "fovea adapt: warning: on images that it had not seen the adapted grader is right no more often than "
                "its parent (%.3f, parent %.3f); %s\n",
                adapt->after.accuracy, adapt->before.accuracy,
                written ? "written because of --force" : "the model was not written, --force writes it nonetheless");
    }
    if (status != FV_OK) {
        fprintf(stderr, "fovea adapt: %s\n", error->message);
        return FOVEA_EXIT_UNUSABLE;
    }
    if (!written) {
        return FOVEA_EXIT_UNUSABLE;
    }
    return adapt->failures.count > 0 ? FOVEA_EXIT_SOME_FAILED : FOVEA_EXIT_DONE;
}

static void clear(struct fovea_adapt *adapt) {
    for (size_t r = 0; r < FOVEA_ADAPT_MOST_FOLDS; r++) {
        fovea_training_clear(&adapt->rounds[r]);
    }
    fovea_training_clear(&adapt->final);
    fovea_classification_clear(&adapt->before);
    fovea_classification_clear(&adapt->after);
    fovea_failures_clear(&adapt->problems);
    fovea_failures_clear(&adapt->failures);
    fv_release(adapt->images);
    fv_release(adapt->features);
    fv_release(adapt->row_labels);
    fv_release(adapt->start.values);
    fovea_labels_clear(&adapt->labels);
    fv_threads_destroy(adapt->threads);
    fovea_models_close(&adapt->models);
}

/* All steps; the caller frees what they leave. */
static int run(struct fovea_adapt *adapt, const char *folder) {
    struct fv_error error = {0};
    enum fv_status status = check_outputs(adapt->options, folder, &error);
    status = status != FV_OK ? status : fv_threads_create(adapt->options->threads, &adapt->threads, &error);
    status = status != FV_OK ? status : fovea_adapt_open_parent(adapt, &error);
    status = status != FV_OK ? status : read_labels(adapt, &error);
    status = status != FV_OK ? status : compute(adapt, &error);
    if (status == FV_OK) {
        return write_all(adapt, folder, &error);
    }
    fprintf(stderr, "fovea adapt: %s\n", error.message);
    return status == FV_ERROR_CANCELLED ? FOVEA_EXIT_INTERRUPTED : FOVEA_EXIT_UNUSABLE;
}

int fovea_adapt_run(const struct fovea_adapt_options *options) {
    struct fovea_adapt *adapt = fv_allocate_zero(1, sizeof *adapt);
    char *folder = report_folder(options);
    int code = FOVEA_EXIT_UNUSABLE;
    if (adapt != NULL && folder != NULL) {
        adapt->options = options;
        find_date(adapt->date);
        fovea_interrupt_watch();
        code = run(adapt, folder);
        clear(adapt);
    } else {
        fprintf(stderr, "fovea adapt: out of memory\n");
    }
    fv_release(folder);
    fv_release(adapt);
    return code;
}
