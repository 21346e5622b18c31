#include "pipeline/announce.h"

#include <stdio.h>

#include "base/print_clean.h"
#include "commands.h"
#include "fovea/memory.h"

enum { NAMES_SHOWN = 10 };

void fovea_announce_failure(const char *command, const char *message) {
    fprintf(stderr, "fovea %s: ", command);
    fovea_print_clean(stderr, message, -1);
    fprintf(stderr, "\n");
}

static const char *plural(size_t count) {
    return count == 1 ? "" : "s";
}

static void announce_again(const char *command, const struct fovea_inputs *inputs, const struct fovea_plan *plan) {
    size_t shown = 0;
    const size_t all = plan->counts[FOVEA_FATE_AGAIN] + plan->counts[FOVEA_FATE_CHANGED];
    for (size_t i = 0; i < inputs->count && shown < all && shown < NAMES_SHOWN; i++) {
        if (plan->fates[i] == FOVEA_FATE_AGAIN || plan->fates[i] == FOVEA_FATE_CHANGED) {
            fprintf(stderr, "fovea %s: done again: ", command);
            fovea_print_clean(stderr, inputs->items[i].name, -1);
            fprintf(stderr, ": %s\n", plan->reasons[i] != NULL ? plan->reasons[i] : "");
            shown++;
        }
    }
    if (all > shown) {
        fprintf(stderr, "fovea %s: done again: %zu more\n", command, all - shown);
    }
}

void fovea_announce_plan(const struct fovea_pipeline_options *options, const struct fovea_inputs *inputs,
                         const struct fovea_plan *plan) {
    const size_t done = plan->counts[FOVEA_FATE_DONE];
    if (done > 0 && done < inputs->count) {
        fprintf(stderr, "fovea %s: going on: %zu of %zu image%s done already\n", options->command, done, inputs->count,
                inputs->count == 1 ? " is" : "s are");
    }
    announce_again(options->command, inputs, plan);
    if (plan->vanished_count > 0) {
        fprintf(stderr, "fovea %s: %zu image%s of %s %s not among the inputs any more (", options->command,
                plan->vanished_count, plural(plan->vanished_count), options->output,
                plan->vanished_count == 1 ? "is" : "are");
        fovea_print_clean(stderr, plan->vanished_name, -1);
        fprintf(stderr, "%s); the results stay\n", plan->vanished_count > 1 ? ", ..." : "");
    }
    if (plan->unreadable > 0) {
        fprintf(stderr, "fovea %s: %zu image%s cannot be read any more; the results stay\n", options->command,
                plan->unreadable, plural(plan->unreadable));
    }
}

static void print_model(const char *use, const struct fovea_model_about *model) {
    if (model != NULL) {
        printf("%s: ", use);
        fovea_print_clean(stdout, model->file_name, -1);
        printf(" (");
        fovea_print_clean(stdout, model->name, -1);
        printf("), SHA-256 %s\n", model->sha256);
    }
}

void fovea_announce_dry_run(const struct fovea_pipeline_options *options, const struct fovea_results *results,
                            const struct fovea_inputs *inputs, const struct fovea_plan *plan, bool reset) {
    static const char *const words[FOVEA_FATE_COUNT] = {[FOVEA_FATE_NEW] = "to do",
                                                        [FOVEA_FATE_DONE] = "done",
                                                        [FOVEA_FATE_AGAIN] = "again",
                                                        [FOVEA_FATE_CHANGED] = "again"};
    print_model("grader", results->grader);
    print_model("segmenter", results->segmenter);
    if (reset) {
        printf("all results in %s would be done again\n", options->output);
    }
    for (size_t i = 0; i < inputs->count; i++) {
        const enum fovea_fate fate = reset ? FOVEA_FATE_NEW : (enum fovea_fate)plan->fates[i];
        printf("%s: ", words[fate]);
        fovea_print_clean(stdout, inputs->items[i].name, -1);
        printf("%s%s\n", fate != FOVEA_FATE_NEW && plan->reasons[i] != NULL ? ": " : "",
               fate != FOVEA_FATE_NEW && plan->reasons[i] != NULL ? plan->reasons[i] : "");
    }
    const size_t done = reset ? 0 : plan->counts[FOVEA_FATE_DONE];
    printf("%zu image%s: %zu to do, %zu done already; this was a dry run\n", inputs->count, plural(inputs->count),
           inputs->count - done, done);
}

/* Fills *summary. */
static enum fv_status sum_up(const struct fovea_pipeline_options *options, struct fovea_store *store,
                             struct fovea_summary *summary, struct fv_error *error) {
    const struct fovea_results *results;
    *summary = (struct fovea_summary){0};
    enum fv_status status = fovea_store_results(store, &results, error);
    status = status != FV_OK ? status : fovea_store_count(store, summary->states, error);
    if (status == FV_OK && options->stages.grade) {
        status = fovea_store_count_ungraded(store, &summary->ungraded, error);
    }
    if (status == FV_OK) {
        summary->count = results->count;
        summary->planned = results->planned;
        summary->shipped = results->shipped;
    }
    return status;
}

static void print_summary(const struct fovea_pipeline_options *options, bool idle,
                          const struct fovea_summary *summary) {
    const size_t *states = summary->states;
    printf("%s%zu of %zu images: %zu ok", idle ? "all done already: " : "", summary->count, summary->planned,
           states[FOVEA_STATE_OK]);
    if (summary->ungraded > 0) {
        printf(" (%zu not graded)", summary->ungraded);
    }
    if (options->stages.grade) {
        printf(", %zu ungradable", states[FOVEA_STATE_UNGRADABLE]);
    }
    printf(", %zu failed\n", states[FOVEA_STATE_FAILED]);
    if (summary->shipped) {
        printf("made with the small demo models that come with fovea\n");
    }
    printf("%s\n%s/report.html\n", FOVEA_NOTICE, options->output);
}

enum fv_status fovea_announce_results(const struct fovea_pipeline_options *options, struct fovea_store *store,
                                      bool idle, struct fovea_summary *summary, struct fv_error *error) {
    char *sets = NULL;
    enum fv_status status = sum_up(options, store, summary, error);
    status = status != FV_OK ? status : fovea_store_mixed_sets(store, &sets, error);
    if (status != FV_OK) {
        return status;
    }
    if (sets != NULL) {
        fprintf(stderr, "fovea %s: the nets ran with several instruction sets (%s): results may differ by rounding\n",
                options->command, sets);
        fv_release(sets);
    }
    if (!options->json_lines) {
        print_summary(options, idle, summary);
    }
    return FV_OK;
}
