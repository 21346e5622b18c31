#include "coips/coips.h"

#include <stdio.h>

#include "coips/image_work.h"
#include "coips/layout.h"
#include "coips/tables.h"
#include "commands.h"
#include "fovea/memory.h"
#include "pipeline/batch.h"

/* All that a run owns. */
struct run {
    struct fovea_coips_options options;
    struct coips_listing listing;
    struct fovea_models models;
    struct fv_threads *threads;
    double load_seconds; /* of the segmenter's first fold */
    struct coips_work work;
    struct fovea_model_about grader, segmenter;
    struct fovea_result_list list; /* what came out */
    struct fovea_results results;
    struct fv_error error;
};

static enum fv_status choose(struct run *run, enum fovea_task task, struct fovea_model **model,
                             struct fovea_model_about *about) {
    enum fv_status status =
        fovea_models_choose(&run->models, task, run->options.field_mm, run->options.layer, model, &run->error);
    status = status != FV_OK ? status : fovea_model_identify(*model, &run->error);
    return status != FV_OK ? status : fovea_model_describe(*model, about, &run->error);
}

static enum fv_status open_segmenter(struct run *run) {
    struct fovea_model *model;
    enum fv_status status = choose(run, FOVEA_TASK_SEGMENTATION, &model, &run->segmenter);
    if (status != FV_OK) {
        return status;
    }
    run->results.segmenter = &run->segmenter;
    const struct fovea_segmenter_options choice = {
        .threads = run->threads, .mirror = true, .planning = run->results.planning};
    const double start = fovea_progress_clock();
    status = fovea_segmenter_create(model->file, &choice, &run->work.segmenter, &run->error);
    run->load_seconds = fovea_progress_clock() - start;
    if (status != FV_OK) {
        return status;
    }
    run->results.mirrored = true;
    run->results.folds = fovea_segmenter_folds(run->work.segmenter);
    run->results.fold_count = fovea_segmenter_members(run->work.segmenter);
    run->results.folds_most = run->results.fold_count;
    size_t classes = fovea_segmenter_classes(run->work.segmenter), faz = fovea_segmenter_faz_class(run->work.segmenter);
    if (classes != 2 || faz != 1) {
        return fv_error_set(&run->error, FV_ERROR_MODEL,
                            "%s: %zu classes, the FAZ being number %zu; the published program has background and FAZ",
                            model->file_name, classes, faz);
    }
    return FV_OK;
}

/* Opens and plans the models. */
static enum fv_status open_models(struct run *run) {
    enum fv_status status = fovea_models_open(run->options.models, &run->models, &run->error);
    status = status != FV_OK ? status : fv_threads_create(run->options.threads, &run->threads, &run->error);
    run->results.shipped = run->models.shipped;
    run->results.planning.exact = true;
    if (status == FV_OK && run->options.layer == FOVEA_LAYER_SUPERFICIAL) {
        struct fovea_model *model;
        status = choose(run, FOVEA_TASK_QUALITY, &model, &run->grader);
        if (status == FV_OK) {
            run->results.grader = &run->grader;
            status =
                fovea_grader_create(model->file, run->threads, &run->results.planning, &run->work.grader, &run->error);
        }
    }
    return status != FV_OK ? status : open_segmenter(run);
}

static const struct fovea_input *input_at(const void *context, size_t index) {
    const struct run *run = context;
    return &run->listing.items[index].input;
}

static void *begin_image(void *context, size_t index, struct fovea_segment_task *task, struct fovea_result *result) {
    const struct run *run = context;
    return coips_image_begin(&run->work, &run->listing.items[index], task, result);
}

static void end_image(void *job, const struct fovea_segment_task *task) {
    coips_image_end(job, task);
}

static void drop_image(void *job) {
    coips_image_drop(job);
}

/* The list has room for all. */
static enum fv_status take_result(void *context, size_t index, struct fovea_result *result, struct fv_error *error) {
    struct run *run = context;
    (void)error;
    run->list.items[index] = *result;
    run->list.count = run->results.count = index + 1;
    *result = (struct fovea_result){0};
    return FV_OK;
}

static enum fv_status work_through(struct run *run) {
    struct fovea_progress progress;
    run->work.progress = &progress;
    const struct fovea_batch batch = {.command = run->options.command,
                                      .context = run,
                                      .count = run->listing.count,
                                      .segmenter = run->work.segmenter,
                                      .graded = run->work.grader != NULL,
                                      .fixed = true,
                                      .load_seconds = run->load_seconds,
                                      .progress = &progress,
                                      .input = input_at,
                                      .begin = begin_image,
                                      .end = end_image,
                                      .drop = drop_image,
                                      .take = take_result};
    size_t finished;
    run->list.items = fv_allocate_zero(run->listing.count, sizeof *run->list.items);
    if (run->list.items == NULL) {
        return fv_error_set(&run->error, FV_ERROR_MEMORY, "%zu images: out of memory", run->listing.count);
    }
    run->results.source = fovea_result_list_source(&run->list);
    return fovea_batch_run(&batch, &finished, &run->error);
}

/* The published tables, and our own reports. */
static enum fv_status write_results(struct run *run) {
    enum fv_status status = coips_tables_write(&run->options, &run->listing, &run->list, &run->error);
    char *folder = coips_path(run->options.project, COIPS_FOVEA, "");
    if (status == FV_OK) {
        status = folder != NULL ? fovea_results_write(&run->results, folder, &run->error)
                                : fv_error_set(&run->error, FV_ERROR_MEMORY, "%s: out of memory", COIPS_FOVEA);
    }
    fv_release(folder);
    return status;
}

/* Prints what came out; returns the exit status. */
static int summarise(const struct run *run) {
    size_t states[FOVEA_STATE_COUNT] = {0};
    for (size_t i = 0; i < run->results.count; i++) {
        states[run->list.items[i].state]++;
    }
    printf("%zu of %zu images: %zu ok, %zu ungradable, %zu failed\n", run->results.count, run->results.planned,
           states[FOVEA_STATE_OK], states[FOVEA_STATE_UNGRADABLE], states[FOVEA_STATE_FAILED]);
    if (run->results.shipped) {
        printf("made with the small demo models that come with fovea\n");
    }
    printf("%s\n", FOVEA_NOTICE);
    if (run->results.count < run->results.planned) {
        fprintf(stderr, "fovea %s: interrupted after %zu of %zu images; the tables are those of before\n",
                run->options.command, run->results.count, run->results.planned);
        return FOVEA_EXIT_INTERRUPTED;
    }
    char *report = coips_path(run->options.project, COIPS_FOVEA, "report.html");
    printf("%s\n", report != NULL ? report : "");
    fv_release(report);
    return states[FOVEA_STATE_FAILED] > 0 ? FOVEA_EXIT_SOME_FAILED : FOVEA_EXIT_DONE;
}

static void release(struct run *run) {
    fovea_result_list_clear(&run->list);
    fovea_model_about_release(&run->grader);
    fovea_model_about_release(&run->segmenter);
    fovea_grader_destroy(run->work.grader);
    fovea_segmenter_destroy(run->work.segmenter);
    fv_threads_destroy(run->threads);
    fovea_models_close(&run->models);
    coips_listing_clear(&run->listing);
}

int fovea_coips_run(const struct fovea_coips_options *options) {
    struct run run = {.options = *options};
    if (run.options.project_name == NULL) {
        run.options.project_name = options->field_mm == 3 ? "3x3" : "6x6";
    }
    run.work.options = &run.options;
    run.results.command = options->command;
    run.results.version = FOVEA_VERSION;
    run.results.field_mm = options->field_mm;
    run.results.layer = fovea_layer_names[options->layer];
    int code = FOVEA_EXIT_NO_IMAGE;
    enum fv_status status = coips_list(options->project, options->layer, &run.listing, &run.error);
    if (status == FV_OK && run.listing.count == 0) {
        status =
            fv_error_set(&run.error, FV_ERROR_FILE, "no image found: %s: " COIPS_RAW " holds none", options->project);
    }
    if (status == FV_OK) {
        run.results.planned = run.listing.count;
        run.results.ignored = run.listing.ignored;
        code = FOVEA_EXIT_UNUSABLE;
        status = open_models(&run);
    }
    status = status != FV_OK ? status : coips_layout_make(options->project, &run.error);
    if (status == FV_OK) {
        status = work_through(&run);
    }
    if (status == FV_OK && run.results.count == run.results.planned) {
        status = write_results(&run);
    }
    if (status == FV_OK) {
        code = summarise(&run);
    } else {
        fprintf(stderr, "fovea %s: %s\n", options->command, run.error.message);
    }
    release(&run);
    return code;
}
