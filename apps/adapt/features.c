/* The parent, and what it makes of every copy of every image before its last layer. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapt/adapt.h"
#include "adapt/augment.h"
#include "eval/mask_file.h"
#include "fovea/memory.h"
#include "pipeline/interrupt.h"
#include "pipeline/progress.h"

/* The published rates: Adam for convolutional nets, AdamW for Swin. The decay is PyTorch's default for AdamW; the paper
 * gives none. Swin's 20 epochs of warm-up protect a whole transformer, and are left out for one linear layer. */
static const double ADAM_RATE = 1e-3, ADAMW_RATE = 5e-4, ADAMW_DECAY = 0.01;

enum { BATCH = 32, PATIENCE = 20, PERIOD = 5 };

static void choose_training(struct fovea_adapt *adapt) {
    const struct fovea_adapt_options *options = adapt->options;
    const char *architecture = "";
    fv_model_string(adapt->parent->file, "general.architecture", &architecture);
    adapt->decoupled = strcmp(architecture, "swin") == 0;
    adapt->training = (struct fovea_training_options){
        .rate = options->rate >= 0.0 ? options->rate
                : adapt->decoupled   ? ADAMW_RATE
                                     : ADAM_RATE,
        .decay = options->decay >= 0.0 ? options->decay
                 : adapt->decoupled    ? ADAMW_DECAY
                                       : 0.0,
        .epochs = options->epochs,
        .patience = PATIENCE,
        .batch = BATCH,
        .period = PERIOD,
        .seed = options->seed,
    };
}

enum fv_status fovea_adapt_open_parent(struct fovea_adapt *adapt, struct fv_error *error) {
    struct stat information;
    const char *path = adapt->options->model;
    if (stat(path, &information) == 0 && S_ISDIR(information.st_mode)) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: is a folder, expected one model file", path);
    }
    enum fv_status status = fovea_models_open(path, &adapt->models, error);
    if (status != FV_OK) {
        return status;
    }
    adapt->parent = &adapt->models.items[0];
    if (adapt->parent->task != FOVEA_TASK_QUALITY) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: is for %s, expected a grader (fovea.task quality)", path,
                            fovea_task_names[adapt->parent->task]);
    }
    choose_training(adapt);
    return fovea_model_identify(adapt->parent, error);
}

/* Copies the parent's last layer. */
static enum fv_status read_layer(struct fovea_adapt *adapt, const struct fovea_grader_head *head,
                                 struct fv_error *error) {
    adapt->start = (struct fovea_linear){FOVEA_QUALITY_COUNT, head->features, NULL};
    adapt->head_weight = head->weight->name;
    adapt->head_bias = head->bias->name;
    size_t weights = FOVEA_QUALITY_COUNT * head->features;
    float *values = fv_allocate_zero(weights + FOVEA_QUALITY_COUNT, sizeof *values);
    adapt->start.values = fv_allocate(weights + FOVEA_QUALITY_COUNT, sizeof *adapt->start.values);
    enum fv_status status = values != NULL && adapt->start.values != NULL
                                ? fv_tensor_read(head->weight, values, error)
                                : fv_error_set(error, FV_ERROR_MEMORY, "the last layer: out of memory");
    status = status != FV_OK ? status : fv_tensor_read(head->bias, values + weights, error);
    for (size_t i = 0; status == FV_OK && i < weights + FOVEA_QUALITY_COUNT; i++) {
        adapt->start.values[i] = (double)values[i];
    }
    fv_release(values);
    return status;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Tells how far the work is: on a terminal on one line. */
static void show_progress(size_t done, size_t total, double start) {
    if (isatty(STDERR_FILENO) != 0) {
        char left[FOVEA_TIME_SIZE] = "";
        fovea_format_time(done > 0 ? (now() - start) / (double)done * (double)(total - done) : 0.0, left);
        fprintf(stderr, "\r\033[Kfeatures of image %zu of %zu%s%s", done, total, done > 0 ? ", left: " : "",
                done > 0 ? left : "");
        if (done == total) {
            fputs("\r\033[K", stderr);
        }
    }
}

/* The features of all copies of one image, in the rows of the next place. Failures to read it go to the list. */
static enum fv_status take_image(struct fovea_adapt *adapt, struct fovea_grader *grader, size_t index,
                                 struct fv_error *error) {
    const struct fovea_labelled *item = &adapt->labels.items[index];
    const size_t width = adapt->start.features, copies = adapt->options->copies;
    struct fovea_image image, copy;
    struct fv_error why = {0};
    enum fv_status status = fovea_image_read_grey(item->path, &image, &why);
    for (size_t c = 0; status == FV_OK && c < copies; c++) {
        float *row = adapt->features + (adapt->count * copies + c) * width;
        if (c == 0) {
            status = fovea_features_run(grader, item->name, &image, row, &why);
            continue;
        }
        status = fovea_augment(&image, fovea_augmentation_draw(adapt->options->seed, index, c), &copy, &why);
        if (status == FV_OK) {
            status = fovea_features_run(grader, item->name, &copy, row, &why);
            fovea_image_release(&copy);
        }
    }
    fovea_image_release(&image);
    if (status == FV_OK) {
        for (size_t c = 0; c < copies; c++) {
            adapt->row_labels[adapt->count * copies + c] = item->label;
        }
        adapt->counts[item->label]++;
        adapt->images[adapt->count++] = (struct fovea_adapt_image){.labelled = item};
        return FV_OK;
    }
    if (status == FV_ERROR_MEMORY) {
        return fv_error_set(error, status, "%s", why.message);
    }
    fovea_shorten_message(&why, item->path, item->name);
    size_t length = strlen(item->name); /* which the list has, too */
    bool named = strncmp(why.message, item->name, length) == 0 && strncmp(why.message + length, ": ", 2) == 0;
    return fovea_failures_add(&adapt->failures, item->name, adapt->labels.file, item->line, error, "%s",
                              why.message + (named ? length + 2 : 0));
}

static enum fv_status make_room(struct fovea_adapt *adapt, struct fv_error *error) {
    size_t rows = 0, width = 0;
    bool fits = fv_multiply(adapt->labels.count, adapt->options->copies, &rows) &&
                fv_multiply(adapt->start.features, sizeof *adapt->features, &width);
    adapt->images = fits ? fv_allocate(adapt->labels.count, sizeof *adapt->images) : NULL;
    adapt->features = fits ? fv_allocate(rows, width) : NULL;
    adapt->row_labels = fits ? fv_allocate(rows, sizeof *adapt->row_labels) : NULL;
    return adapt->images != NULL && adapt->features != NULL && adapt->row_labels != NULL
               ? FV_OK
               : fv_error_set(error, FV_ERROR_MEMORY, "features of %zu images: out of memory", adapt->labels.count);
}

enum fv_status fovea_adapt_compute_features(struct fovea_adapt *adapt, struct fv_error *error) {
    struct fovea_grader *grader;
    struct fovea_grader_head head;
    enum fv_status status = fovea_features_create(adapt->parent->file, adapt->threads, &grader, &head, error);
    if (status != FV_OK) {
        return status;
    }
    if (head.bias == NULL) {
        fovea_grader_destroy(grader);
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: the last layer has no bias, expected one",
                            adapt->options->model);
    }
    status = read_layer(adapt, &head, error);
    status = status != FV_OK ? status : make_room(adapt, error);
    const double start = now();
    for (size_t i = 0; i < adapt->labels.count && status == FV_OK; i++) {
        show_progress(i, adapt->labels.count, start);
        status = fovea_interrupted() ? fv_error_set(error, FV_ERROR_CANCELLED, "interrupted; nothing was written")
                                     : take_image(adapt, grader, i, error);
    }
    if (status == FV_OK) {
        show_progress(adapt->labels.count, adapt->labels.count, start);
    }
    fovea_grader_destroy(grader);
    return status;
}
