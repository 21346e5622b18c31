#include "pipeline/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "commands.h"
#include "fovea/cpu.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/nets.h"
#include "fovea/text.h"
#include "pipeline/announce.h"
#include "pipeline/batch.h"
#include "pipeline/folders.h"
#include "pipeline/image_stages.h"
#include "pipeline/json_lines.h"
#include "pipeline/outputs.h"
#include "pipeline/partners.h"
#include "pipeline/progress.h"
#include "pipeline/scans.h"
#include "store/run_folder.h"
#include "store/snapshot.h"

/* All that a run owns. */
struct run {
    const struct fovea_pipeline_options *options;
    struct fovea_scan wanted; /* the field of view and the layer that models are chosen for */
    bool graded;              /* some image is not deep, and is graded */
    struct fovea_inputs inputs;
    struct fovea_inputs images; /* of the masks */
    struct fovea_models models;
    struct fovea_model *grader_model, *segmenter_model; /* NULL: not used */
    struct fovea_model_about grader, segmenter;
    size_t *folds; /* of the segmenter */
    struct fv_threads *threads;
    struct fovea_work work;
    bool loaded;         /* the models are ready */
    double load_seconds; /* of the segmenter's first fold */
    struct fovea_results results;
    struct fovea_run_folder folder;
    struct fovea_plan plan;
    struct fovea_partners partners; /* of deep images */
    size_t *todo;                   /* inputs that are left to do */
    size_t todo_count;
    struct fovea_summary summary;
    bool summed; /* `summary` is filled */
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
    if (options->stages.grade) {
        status = fovea_partners_find(&run->inputs, &run->error);
    }
    if (status != FV_OK) {
        return status;
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

static int compare_stems(const void *left, const void *right) {
    const struct fovea_input *const *a = left, *const *b = right;
    return strcmp((*a)->stem, (*b)->stem);
}

/* Gives each mask the image whose output would have the same name, if there is one. */
static enum fv_status find_images(struct run *run) {
    const struct fovea_input **sorted = fv_allocate(run->images.count, sizeof *sorted);
    if (sorted == NULL) {
        return fv_error_set(&run->error, FV_ERROR_MEMORY, "%zu images: out of memory", run->images.count);
    }
    for (size_t i = 0; i < run->images.count; i++) {
        sorted[i] = &run->images.items[i];
    }
    qsort(sorted, run->images.count, sizeof *sorted, compare_stems);
    for (size_t i = 0; i < run->inputs.count; i++) {
        const struct fovea_input *input = &run->inputs.items[i];
        const struct fovea_input **found = bsearch(&input, sorted, run->images.count, sizeof *sorted, compare_stems);
        run->inputs.items[i].image = found != NULL ? (*found)->path : NULL;
    }
    fv_release(sorted);
    return FV_OK;
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
    return status != FV_OK ? status : find_images(run);
}

/* Chooses the model for a task and describes it. */
static enum fv_status choose(struct run *run, enum fovea_task task, enum fovea_layer layer, struct fovea_model **model,
                             struct fovea_model_about *about) {
    enum fv_status status = fovea_models_choose(&run->models, task, run->wanted.field_x_mm, layer, model, &run->error);
    status = status != FV_OK ? status : fovea_model_identify(*model, &run->error);
    return status != FV_OK ? status : fovea_model_describe(*model, about, &run->error);
}

static struct fovea_segmenter_options segmenter_options(const struct run *run) {
    const struct fovea_pipeline_options *options = run->options;
    return (struct fovea_segmenter_options){run->threads, options->mirror, options->folds, options->fold_count,
                                            options->planning};
}

/* Chooses the models that the stages need, without loading them, and describes the run. */
static enum fv_status choose_models(struct run *run) {
    const struct fovea_stages *stages = &run->options->stages;
    struct fovea_results *results = &run->results;
    if (!run->graded && !stages->segment) {
        return FV_OK;
    }
    enum fv_status status = fovea_models_open(run->options->models, &run->models, &run->error);
    results->shipped = run->models.shipped;
    if (status == FV_OK && run->graded) {
        status = choose(run, FOVEA_TASK_QUALITY, FOVEA_LAYER_SUPERFICIAL, &run->grader_model, &run->grader);
        results->grader = &run->grader;
        run->work.grader_model = run->grader_model;
    }
    if (status == FV_OK && stages->segment) {
        status = choose(run, FOVEA_TASK_SEGMENTATION, run->wanted.layer, &run->segmenter_model, &run->segmenter);
        results->segmenter = &run->segmenter;
        run->work.segmenter_model = run->segmenter_model;
        if (status == FV_OK) {
            const struct fovea_segmenter_options options = segmenter_options(run);
            status = fovea_segmenter_choose_folds(run->segmenter_model->file, &options, NULL, &run->folds,
                                                  &results->fold_count, &run->error);
            results->folds = run->folds;
            results->folds_most = fv_net_members(run->segmenter_model->file);
        }
    }
    return status;
}

/* Plans the models that were chosen. */
static enum fv_status load_models(struct run *run) {
    const struct fovea_pipeline_options *options = run->options;
    if (run->loaded || (run->grader_model == NULL && run->segmenter_model == NULL)) {
        return FV_OK;
    }
    enum fv_isa isa = FV_ISA_SCALAR;
    enum fv_status status = fv_isa_select(&isa, &run->error);
    run->work.instruction_set = fv_isa_name(isa);
    status = status != FV_OK ? status : fv_threads_create(options->threads, &run->threads, &run->error);
    if (status == FV_OK && run->grader_model != NULL) {
        status = fovea_grader_create(run->grader_model->file, run->threads, &options->planning, &run->work.grader,
                                     &run->error);
    }
    if (status == FV_OK && run->segmenter_model != NULL) {
        const struct fovea_segmenter_options choice = segmenter_options(run);
        const double start = fovea_progress_clock();
        status = fovea_segmenter_create(run->segmenter_model->file, &choice, &run->work.segmenter, &run->error);
        run->load_seconds = fovea_progress_clock() - start;
    }
    run->loaded = status == FV_OK;
    return status;
}

static struct fovea_run_request make_request(const struct run *run) {
    return (struct fovea_run_request){&run->results, run->options->share, &run->inputs, run->options->overwrite};
}

/* Says what would be done; returns the exit status. */
static enum fv_status run_dry(struct run *run) {
    const struct fovea_pipeline_options *options = run->options;
    const struct fovea_run_request request = make_request(run);
    struct fovea_snapshot snapshot;
    bool reset;
    enum fv_status status = fovea_snapshot_open(options->output, &snapshot, &run->error);
    if (status == FV_OK) {
        status = fovea_run_request_check(snapshot.store, snapshot.output, options->output, &request, &reset, &run->plan,
                                         &run->error);
    }
    if (status == FV_OK) {
        fovea_announce_plan(options, &run->inputs, &run->plan);
        fovea_announce_dry_run(options, &run->results, &run->inputs, &run->plan, reset);
    }
    fovea_snapshot_close(&snapshot);
    return status;
}

/* Makes the folders of the files and proves that the exports can be written. */
static enum fv_status make_folders(struct run *run) {
    const char *output = run->folder.path;
    size_t folders = run->options->save_probability ? FOVEA_FOLDER_COUNT : FOVEA_FOLDER_PROBABILITY;
    enum fv_status status = FV_OK;
    for (size_t i = 0; status == FV_OK && run->options->stages.segment && i < folders; i++) {
        char *path = fv_text_format("%s/%s", output, fovea_folder_names[i]);
        status = path != NULL ? fovea_folder_make(path, &run->error)
                              : fv_error_set(&run->error, FV_ERROR_MEMORY, "%s: out of memory", output);
        fv_release(path);
    }
    char *probe = fv_text_format("%s/results.csv", output);
    struct fv_output *file = NULL;
    if (status == FV_OK) {
        status = probe != NULL ? fv_output_create(probe, &file, &run->error)
                               : fv_error_set(&run->error, FV_ERROR_MEMORY, "%s: out of memory", output);
    }
    fv_output_abandon(file);
    fv_release(probe);
    return status;
}

/* Opens the run folder and lists what is left to do. */
static enum fv_status plan(struct run *run) {
    const struct fovea_run_request request = make_request(run);
    enum fv_status status = fovea_run_folder_open(run->options->output, true, &run->folder, &run->error);
    if (status == FV_OK && run->options->stages.segment) {
        status = fovea_outputs_check(run->folder.path, &run->inputs, &run->error);
    }
    status = status != FV_OK ? status : fovea_run_folder_plan(&run->folder, &request, &run->plan, &run->error);
    if (status != FV_OK) {
        return status;
    }
    run->work.output = run->folder.path;
    run->work.staging = run->folder.staging;
    fovea_announce_plan(run->options, &run->inputs, &run->plan);
    run->todo = fv_allocate(run->inputs.count, sizeof *run->todo);
    if (run->todo == NULL) {
        return fv_error_set(&run->error, FV_ERROR_MEMORY, "%zu images: out of memory", run->inputs.count);
    }
    for (size_t i = 0; i < run->inputs.count; i++) {
        if (run->plan.fates[i] != FOVEA_FATE_DONE) {
            run->todo[run->todo_count++] = i;
        }
    }
    return run->options->json_lines
               ? fovea_json_lines_start(run->options, run->inputs.count, run->todo_count, &run->error)
               : FV_OK;
}

/* Makes the grades that deep images take ready, with those that are in the folder. */
static enum fv_status open_partners(struct run *run) {
    const struct fovea_results *results;
    bool *done = fv_allocate(run->inputs.count, sizeof *done), some = false;
    if (done == NULL) {
        return fv_error_set(&run->error, FV_ERROR_MEMORY, "%zu images: out of memory", run->inputs.count);
    }
    for (size_t i = 0; i < run->inputs.count; i++) {
        done[i] = run->plan.fates[i] == FOVEA_FATE_DONE;
        some = some || run->inputs.items[i].partner > 0;
    }
    enum fv_status status = some ? fovea_store_results(run->folder.store, &results, &run->error) : FV_OK;
    if (some && status == FV_OK) {
        status = fovea_partners_open(&run->inputs, &results->source, done, &run->partners, &run->error);
        run->work.partners = status == FV_OK ? &run->partners : NULL;
    }
    fv_release(done);
    return status;
}

static void *begin_image(void *context, size_t index, struct fovea_segment_task *task, struct fovea_result *result) {
    const struct run *run = context;
    return fovea_image_begin(&run->work, index + 1, &run->inputs.items[run->todo[index]], task, result);
}

static void end_image(void *job, const struct fovea_segment_task *task) {
    fovea_image_end(job, task);
}

static void drop_image(void *job) {
    fovea_image_drop(job);
}

static enum fv_status take_result(void *context, size_t index, struct fovea_result *result, struct fv_error *error) {
    struct run *run = context;
    if (result->unwritten != FV_OK) {
        return fv_error_set(error, result->unwritten, "%s: %s", run->options->output,
                            result->reason != NULL ? result->reason : "cannot be written");
    }
    enum fv_status status = fovea_run_folder_keep(&run->folder, result, result->untouched ? 0 : index + 1, error);
    if (status == FV_OK && run->options->json_lines) {
        status = fovea_json_lines_image(result, error);
        status = status != FV_OK ? status : fovea_json_lines_progress(run->work.progress, error);
    }
    return status;
}

static enum fv_status commit_results(void *context, struct fv_error *error) {
    struct run *run = context;
    return fovea_run_folder_commit(&run->folder, false, error);
}

static const struct fovea_input *input_at(const void *context, size_t index) {
    const struct run *run = context;
    return &run->inputs.items[run->todo[index]];
}

static enum fv_status work_through(struct run *run) {
    struct fovea_progress progress;
    run->work.progress = &progress;
    const struct fovea_batch batch = {.command = run->options->command,
                                      .context = run,
                                      .count = run->todo_count,
                                      .segmenter = run->work.segmenter,
                                      .graded = run->work.grader != NULL,
                                      .load_seconds = run->load_seconds,
                                      .progress = &progress,
                                      .input = input_at,
                                      .begin = begin_image,
                                      .end = end_image,
                                      .drop = drop_image,
                                      .take = take_result,
                                      .pause = commit_results};
    size_t finished;
    enum fv_status status = fovea_batch_run(&batch, &finished, &run->error);
    struct fv_error second; /* the first failure is the one to tell */
    enum fv_status kept = fovea_run_folder_commit(&run->folder, true, status == FV_OK ? &run->error : &second);
    return status != FV_OK ? status : kept;
}

/* Does what is left to do and writes the exports. */
static enum fv_status work_in_folder(struct run *run) {
    const bool fresh = !fovea_run_folder_exists(run->options->output);
    if (fresh && run->options->go_on) {
        return fv_error_set(&run->error, FV_ERROR_FILE, "%s: nothing to continue: it holds no " FOVEA_STORE_NAME,
                            run->options->output);
    }
    enum fv_status status = fresh ? load_models(run) : FV_OK; /* nothing is made for models that cannot be used */
    status = status != FV_OK ? status : plan(run);
    if (status == FV_OK && run->todo_count > 0) {
        status = load_models(run);
        status = status != FV_OK ? status : make_folders(run);
        status = status != FV_OK ? status : open_partners(run);
        status = status != FV_OK ? status : work_through(run);
    }
    status = status != FV_OK ? status : fovea_run_folder_settle(&run->folder, &run->error);
    return status != FV_OK ? status : fovea_run_folder_export(&run->folder, false, NULL, &run->error);
}

/* Says what came out; *code becomes the exit status. */
static enum fv_status summarise(struct run *run, int *code) {
    struct fovea_summary *summary = &run->summary;
    enum fv_status status =
        fovea_announce_results(run->options, run->folder.store, run->todo_count == 0, summary, &run->error);
    if (status != FV_OK) {
        return status;
    }
    run->summed = true;
    const size_t planned = run->inputs.count + run->plan.vanished_count;
    *code = summary->states[FOVEA_STATE_FAILED] > 0 ? FOVEA_EXIT_SOME_FAILED : FOVEA_EXIT_DONE;
    if (summary->count < planned) {
        fprintf(stderr, "fovea %s: interrupted after %zu of %zu images; the same command goes on\n",
                run->options->command, summary->count, planned);
        *code = FOVEA_EXIT_INTERRUPTED;
    }
    return FV_OK;
}

/* The last line of JSON, also where the command came to nothing. */
static int end_lines(struct run *run, enum fv_status status, int code) {
    struct fv_error error;
    if (fovea_json_lines_end(run->options, run->summed ? &run->summary : NULL,
                             status != FV_OK ? run->error.message : NULL, code, &error) == FV_OK) {
        return code;
    }
    fovea_announce_failure(run->options->command, error.message);
    return code == FOVEA_EXIT_DONE ? FOVEA_EXIT_UNUSABLE : code;
}

static void release(struct run *run) {
    fovea_plan_release(&run->plan);
    fovea_partners_release(&run->partners);
    fv_release(run->todo);
    fovea_run_folder_close(&run->folder);
    fovea_grader_destroy(run->work.grader);
    fovea_segmenter_destroy(run->work.segmenter);
    fv_threads_destroy(run->threads);
    fovea_model_about_release(&run->grader);
    fovea_model_about_release(&run->segmenter);
    fv_release(run->folds);
    fovea_models_close(&run->models);
    fovea_inputs_clear(&run->inputs);
    fovea_inputs_clear(&run->images);
}

/* What the options say of the results. */
static struct fovea_results describe_options(const struct fovea_pipeline_options *options) {
    return (struct fovea_results){.command = options->command,
                                  .version = FOVEA_VERSION,
                                  .field_mm = options->field_mm,
                                  .layer = options->has_layer ? fovea_layer_names[options->layer] : "",
                                  .mirrored = options->mirror,
                                  .planning = options->planning,
                                  .probability = options->save_probability,
                                  .images = options->images != NULL,
                                  .require_grade = options->require_grade,
                                  .reference_axial_length_mm = options->reference_axial_length_mm};
}

int fovea_pipeline_run(const struct fovea_pipeline_options *options) {
    struct run run = {.options = options, .results = describe_options(options)};
    run.work.options = options;
    int code = FOVEA_EXIT_NO_IMAGE;
    enum fv_status status = collect(&run);
    status = status != FV_OK ? status : collect_images(&run);
    status = status != FV_OK ? status : describe(&run, &code);
    status = status != FV_OK ? status : fovea_inputs_keep_share(&run.inputs, options->share, &run.error);
    if (status == FV_OK) {
        code = FOVEA_EXIT_UNUSABLE;
        status = choose_models(&run);
    }
    if (status == FV_OK && options->dry) {
        status = run_dry(&run);
        code = status == FV_OK ? FOVEA_EXIT_DONE : code;
    } else if (status == FV_OK) {
        status = work_in_folder(&run);
        status = status != FV_OK ? status : summarise(&run, &code);
    }
    if (status != FV_OK) {
        fovea_announce_failure(options->command, run.error.message);
    }
    code = options->json_lines ? end_lines(&run, status, code) : code;
    release(&run);
    return code;
}
