/* All of a cohort, from the tables to the files. */
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

#include "base/folder.h"
#include "base/print_clean.h"
#include "cohort/cohort.h"
#include "commands.h"
#include "fovea/memory.h"
#include "fovea/text.h"

enum { FAILURES_SHOWN = 20 }; /* on the standard error; the files list all */

void fovea_cohort_clear(struct fovea_cohort *cohort) {
    fovea_table_close(&cohort->subjects);
    for (size_t i = 0; i < cohort->source_count; i++) {
        fovea_table_close(&cohort->sources[i].table);
    }
    fv_release(cohort->rows);
    fv_release(cohort->images);
    fv_release(cohort->observations);
    fovea_analyses_clear(&cohort->analyses);
    fovea_failures_clear(&cohort->failures);
    fovea_failures_clear(&cohort->notes);
    fv_pool_clear(&cohort->texts);
    *cohort = (struct fovea_cohort){0};
}

static void print_failures(const struct fovea_failures *failures) {
    for (size_t i = 0; i < failures->count && i < FAILURES_SHOWN; i++) {
        const struct fovea_failure *failure = &failures->items[i];
        fprintf(stderr, "fovea cohort: ");
        fovea_print_clean(stderr, failure->file, -1);
        fprintf(stderr, ", line %zu: ", failure->line);
        if (failure->image[0] != '\0') {
            fovea_print_clean(stderr, failure->image, -1);
            fprintf(stderr, ": ");
        }
        fovea_print_clean(stderr, failure->reason, -1);
        fprintf(stderr, "\n");
    }
    if (failures->count > FAILURES_SHOWN) {
        fprintf(stderr, "fovea cohort: and %zu more\n", failures->count - FAILURES_SHOWN);
    }
}

typedef enum fv_status write_function(const struct fovea_cohort *cohort, const char *path, struct fv_error *error);

static const struct {
    const char *name;
    write_function *write;
} outputs[] = {
    {"cohort.csv", fovea_cohort_write_csv},
    {"cohort.json", fovea_cohort_write_json},
    {"cohort.html", fovea_cohort_write_report},
};
enum { OUTPUTS = sizeof outputs / sizeof *outputs };

/* No table that is read may be replaced by a result. */
static enum fv_status check_outputs(const struct fovea_cohort_options *options, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < OUTPUTS && status == FV_OK; i++) {
        char *path = fv_text_format("%s/%s", options->output, outputs[i].name);
        if (path == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", outputs[i].name);
        }
        bool same = fovea_same_place(path, options->subjects);
        for (size_t k = 0; k < options->result_count; k++) {
            same = same || fovea_same_place(path, options->results[k]);
        }
        if (same) {
            status = fv_error_set(error, FV_ERROR_ARGUMENT, "%s is read and would be replaced by a result", path);
        }
        fv_release(path);
    }
    return status;
}

static enum fv_status write_all(const struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = fovea_folder_make(cohort->options->output, error);
    for (size_t i = 0; i < OUTPUTS && status == FV_OK; i++) {
        char *path = fv_text_format("%s/%s", cohort->options->output, outputs[i].name);
        status = path == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", outputs[i].name)
                              : outputs[i].write(cohort, path, error);
        fv_release(path);
    }
    return status;
}

static void print_summary(const struct fovea_cohort *cohort) {
    struct fovea_cohort_group totals = fovea_cohort_totals(cohort);
    printf("%zu images of %zu %s in %zu %s (%s); %zu ungradable and %zu failed images left out; %zu "
           "problems\n",
           totals.images[FOVEA_COHORT_OK], totals.subjects, totals.subjects == 1 ? "subject" : "subjects",
           cohort->group_count, cohort->group_count == 1 ? "group" : "groups",
           cohort->options->per == FOVEA_COHORT_PER_EYE ? "every eye counts" : "every subject counts once",
           totals.images[FOVEA_COHORT_UNGRADABLE], totals.images[FOVEA_COHORT_FAILED], cohort->failures.count);
    for (size_t i = 0; i < cohort->notes.count; i++) {
        fprintf(stderr, "fovea cohort: note: ");
        fovea_print_clean(stderr, cohort->notes.items[i].reason, -1);
        fprintf(stderr, "\n");
    }
    printf("report: %s/cohort.html\n", cohort->options->output);
}

/* Everything up to the files. */
static enum fv_status compute(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = check_outputs(cohort->options, error);
    status = status != FV_OK ? status : fovea_cohort_read(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_choose(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_join(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_select(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_gather(cohort, error);
    return status != FV_OK ? status : fovea_cohort_analyse(cohort, error);
}

static int finish(const struct fovea_cohort *cohort, struct fv_error *error) {
    print_failures(&cohort->failures);
    if (cohort->observation_count == 0) {
        fprintf(stderr, "fovea cohort: no image can be used: nothing was written\n");
        return FOVEA_EXIT_NO_IMAGE;
    }
    if (cohort->options->strict && cohort->failures.count > 0) {
        fprintf(stderr, "fovea cohort: %zu problems, and --strict: nothing was written\n", cohort->failures.count);
        return FOVEA_EXIT_UNUSABLE;
    }
    if (write_all(cohort, error) != FV_OK) {
        fprintf(stderr, "fovea cohort: %s\n", error->message);
        return FOVEA_EXIT_UNUSABLE;
    }
    print_summary(cohort);
    return cohort->failures.count > 0 ? FOVEA_EXIT_SOME_FAILED : FOVEA_EXIT_DONE;
}

int fovea_cohort_run(const struct fovea_cohort_options *options) {
    struct fovea_cohort *cohort = fv_allocate_zero(1, sizeof *cohort);
    if (cohort == NULL) {
        fprintf(stderr, "fovea cohort: out of memory\n");
        return FOVEA_EXIT_UNUSABLE;
    }
    gsl_error_handler_t *handler = gsl_set_error_handler_off(); /* GSL's own ends the program */
    cohort->options = options;
    struct fv_error error = {0};
    enum fv_status status = compute(cohort, &error);
    int code = FOVEA_EXIT_UNUSABLE;
    if (status == FV_OK) {
        code = finish(cohort, &error);
    } else {
        fprintf(stderr, "fovea cohort: ");
        fovea_print_clean(stderr, error.message, -1);
        fprintf(stderr, "\n");
        code = status == FV_ERROR_ARGUMENT ? FOVEA_EXIT_USAGE : FOVEA_EXIT_UNUSABLE;
    }
    fovea_cohort_clear(cohort);
    fv_release(cohort);
    gsl_set_error_handler(handler);
    return code;
}
