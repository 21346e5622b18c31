#include "pipeline/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/folder.h"
#include "commands.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/batch.h"
#include "pipeline/folders.h"
#include "pipeline/image_stages.h"
#include "pipeline/progress.h"
#include "pipeline/scans.h"

/* All that a run owns. */
struct run {
    const struct fovea_pipeline_options *options;
    struct fovea_scan wanted; /* the field of view and the layer that models are chosen for */
    bool graded;              /* some image is not deep, and is graded */
    struct fovea_inputs inputs;
    struct fovea_inputs images; /* of the masks */
    struct fovea_models models;
    struct fv_threads *threads;
    struct fovea_work work;
    double load_seconds; /* of the segmenter's first fold */
    char *output;        /* canonical path of the output folder; made by the C library */
    struct fovea_results results;
    struct fv_error error;
};

static enum fv_status collect(struct run *run) {
    const struct fovea_pipeline_options *options = run->options;
    enum fv_status status = fovea_inputs_collect(options->operands, options->operand_count, options->list,
                                                 options->output, &run->inputs, &run->error);
    if (status != FV_OK) {
        return status;
    }
    size_t present = 0;
    for (size_t i = 0; i < run->inputs.count; i++) {
        present += !run->inputs.items[i].missing;
    }
    if (present == 0) {
        const struct fovea_input *first = run->inputs.items;
        return fv_error_set(&run->error, FV_ERROR_FILE, "no image found: %s%s", first != NULL ? first->path : "",
                            first != NULL ? ": no such file"
                                          : "expected PNG, JPEG, TIFF, BMP or DICOM files, or folders that hold some");
    }
    run->results.planned = run->inputs.count;
    run->results.ignored = run->inputs.ignored;
    return FV_OK;
}

/* Notes what models are chosen for: what the command line says, else what the first image is that says it. */
static void want(struct run *run) {
    const struct fovea_pipeline_options *options = run->options;
    run->wanted = fovea_scan_of_option(options->field_mm, options->layer);
    run->wanted.has_layer = options->has_layer;
    for (size_t i = 0; i < run->inputs.count; i++) {
        const struct fovea_scan *scan = &run->inputs.items[i].scan;
        if (run->wanted.field_x_mm <= 0) {
            run->wanted.field_x_mm = scan->field_x_mm;
        }
        if (!run->wanted.has_layer) {
            run->wanted.has_layer = scan->has_layer;
            run->wanted.layer = scan->layer;
        }
        run->graded = run->graded || !scan->has_layer || scan->layer != FOVEA_LAYER_DEEP;
    }
    run->graded = run->graded && options->stages.grade;
}

/* Settles what is known of each scan. *code becomes the exit status if that fails. */
static enum fv_status describe(struct run *run, int *code) {
    const struct fovea_pipeline_options *options = run->options;
    const struct fovea_scan_defaults defaults = {options->field_mm, options->has_layer, options->layer, options->scans};
    const char *unused;
    *code = FOVEA_EXIT_UNUSABLE;
    enum fv_status status = fovea_scans_describe(&run->inputs, &defaults, &unused, &run->error);
    if (status != FV_OK) {
        return status;
    }
    if (unused != NULL) {
        fprintf(stderr, "fovea %s: %s: columns that are not used: %s\n", options->command, options->scans, unused);
    }
    want(run);
    bool field = run->wanted.field_x_mm > 0, layer = run->wanted.has_layer || options->stages.masks;
    if (field && layer) {
        return FV_OK;
    }
    *code = FOVEA_EXIT_USAGE;
    return fv_error_set(
        &run->error, FV_ERROR_ARGUMENT, "--%s is required: %s", field ? "layer LAYER" : "fov MM",
        field ? "superficial or deep; no table of scans and no file's name tells it"
              : "side of the scanned square in millimetres; no table of scans and no DICOM file tells it");
}

/* Lists the images that belong to masks. */
static enum fv_status collect_images(struct run *run) {
    const char *images = run->options->images;
    if (images == NULL) {
        return FV_OK;
    }
    run->work.images = &run->images;
    enum fv_status status = fovea_inputs_collect(&images, 1, NULL, run->options->output, &run->images, &run->error);
    if (status == FV_OK && (run->images.count == 0 || run->images.items[0].missing)) {
        status = fv_error_set(&run->error, FV_ERROR_FILE, "--images: no image found in %s", images);
    }
    return status;
}

/* Makes the output's folders and proves that they can be written. */
static enum fv_status open_output(struct run *run) {
    const char *output = run->options->output;
    enum fv_status status = fovea_folder_make(output, &run->error);
    size_t folders = run->options->save_probability ? FOVEA_FOLDER_COUNT : FOVEA_FOLDER_PROBABILITY;
    for (size_t i = 0; status == FV_OK && run->options->stages.segment && i < folders; i++) {
        char *path = fv_text_format("%s/%s", output, fovea_folder_names[i]);
        status = path != NULL ? fovea_folder_make(path, &run->error)
                              : fv_error_set(&run->error, FV_ERROR_MEMORY, "%s: out of memory", output);
        fv_release(path);
    }
    if (status == FV_OK) {
        run->output = realpath(output, NULL);
        char *probe = run->output == NULL ? NULL : fv_text_format("%s/results.csv", run->output);
        struct fv_output *file = NULL;
        status = probe != NULL ? fv_output_create(probe, &file, &run->error)
                               : fv_error_set(&run->error, FV_ERROR_FILE, "%s: cannot be resolved", output);
        fv_output_abandon(file);
        fv_release(probe);
    }
    return status;
}

static enum fv_status choose(struct run *run, enum fovea_task task, enum fovea_layer layer,
                             struct fovea_model **model) {
    enum fv_status status = fovea_models_choose(&run->models, task, run->wanted.field_x_mm, layer, model, &run->error);
    return status != FV_OK ? status : fovea_model_identify(*model, &run->error);
}

/* Opens and plans the models that the stages need. */
static enum fv_status open_models(struct run *run) {
    const struct fovea_pipeline_options *options = run->options;
    if (!options->stages.grade && !options->stages.segment) {
        return FV_OK;
    }
    enum fv_status status = fovea_models_open(options->models, &run->models, &run->error);
    status = status != FV_OK ? status : fv_threads_create(options->threads, &run->threads, &run->error);
    run->results.shipped = run->models.shipped;
    struct fovea_model *model;
    if (status == FV_OK && run->graded) {
        status = choose(run, FOVEA_TASK_QUALITY, FOVEA_LAYER_SUPERFICIAL, &model);
        if (status == FV_OK) {
            run->results.grader = run->work.grader_model = model;
            status = fovea_grader_create(model->file, run->threads, &options->planning, &run->work.grader, &run->error);
        }
    }
    if (status == FV_OK && options->stages.segment) {
        status = choose(run, FOVEA_TASK_SEGMENTATION, run->wanted.layer, &model);
        if (status == FV_OK) {
            run->results.segmenter = run->work.segmenter_model = model;
            const struct fovea_segmenter_options choice = {run->threads, options->mirror, options->folds,
                                                           options->fold_count, options->planning};
            const double start = fovea_progress_clock();
            status = fovea_segmenter_create(model->file, &choice, &run->work.segmenter, &run->error);
            run->load_seconds = fovea_progress_clock() - start;
        }
    }
    if (status == FV_OK && run->work.segmenter != NULL) {
        run->results.folds = fovea_segmenter_folds(run->work.segmenter);
        run->results.fold_count = fovea_segmenter_members(run->work.segmenter);
        run->results.folds_most = fovea_segmenter_members_most(run->work.segmenter);
    }
    return status;
}

static void *begin_image(void *context, size_t index, struct fovea_segment_task *task, struct fovea_result *result) {
    const struct run *run = context;
    return fovea_image_begin(&run->work, &run->inputs.items[index], task, result);
}

static void end_image(void *job, const struct fovea_segment_task *task) {
    fovea_image_end(job, task);
}

static void drop_image(void *job) {
    fovea_image_drop(job);
}

static const struct fovea_input *input_at(const void *context, size_t index) {
    const struct run *run = context;
    return &run->inputs.items[index];
}

static enum fv_status work_through(struct run *run) {
    struct fovea_progress progress;
    run->work.progress = &progress;
    const struct fovea_batch batch = {.command = run->options->command,
                                      .context = run,
                                      .count = run->inputs.count,
                                      .segmenter = run->work.segmenter,
                                      .graded = run->work.grader != NULL,
                                      .load_seconds = run->load_seconds,
                                      .progress = &progress,
                                      .input = input_at,
                                      .begin = begin_image,
                                      .end = end_image,
                                      .drop = drop_image};
    return fovea_batch_run(&batch, &run->results, &run->error);
}

/* Prints what came out; returns the exit status. */
static int summarise(const struct run *run) {
    size_t states[FOVEA_STATE_COUNT] = {0};
    for (size_t i = 0; i < run->results.count; i++) {
        states[run->results.items[i].state]++;
    }
    printf("%zu of %zu images: %zu ok", run->results.count, run->results.planned, states[FOVEA_STATE_OK]);
    if (run->graded) {
        printf(", %zu ungradable", states[FOVEA_STATE_UNGRADABLE]);
    }
    printf(", %zu failed\n", states[FOVEA_STATE_FAILED]);
    if (run->results.shipped) {
        printf("made with the small demo models that come with fovea\n");
    }
    printf("%s\n%s/report.html\n", FOVEA_NOTICE, run->options->output);
    if (run->results.count < run->results.planned) {
        fprintf(stderr, "fovea %s: interrupted after %zu of %zu images\n", run->options->command, run->results.count,
                run->results.planned);
        return FOVEA_EXIT_INTERRUPTED;
    }
    return states[FOVEA_STATE_FAILED] > 0 ? FOVEA_EXIT_SOME_FAILED : FOVEA_EXIT_DONE;
}

static void release(struct run *run) {
    fovea_results_clear(&run->results);
    fovea_grader_destroy(run->work.grader);
    fovea_segmenter_destroy(run->work.segmenter);
    fv_threads_destroy(run->threads);
    fovea_models_close(&run->models);
    fovea_inputs_clear(&run->inputs);
    fovea_inputs_clear(&run->images);
    free(run->output);
}

int fovea_pipeline_run(const struct fovea_pipeline_options *options) {
    struct run run = {.options = options};
    run.work.options = options;
    run.results.command = options->command;
    run.results.field_mm = options->field_mm;
    run.results.layer = options->has_layer ? fovea_layer_names[options->layer] : "";
    run.results.mirrored = options->mirror;
    run.results.planning = options->planning;
    int code = FOVEA_EXIT_NO_IMAGE;
    enum fv_status status = collect(&run);
    status = status != FV_OK ? status : collect_images(&run);
    status = status != FV_OK ? status : describe(&run, &code);
    status = status != FV_OK ? status : open_models(&run);
    status = status != FV_OK ? status : open_output(&run);
    run.work.output = run.output;
    if (status == FV_OK) {
        status = work_through(&run);
    }
    status = status != FV_OK ? status : fovea_results_write(&run.results, run.output, &run.error);
    if (status == FV_OK) {
        code = summarise(&run);
    } else {
        fprintf(stderr, "fovea %s: %s\n", options->command, run.error.message);
    }
    release(&run);
    return code;
}
