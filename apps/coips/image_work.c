#include "coips/image_work.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "coips/layout.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "image/nifti.h"
#include "image/overlay.h"
#include "image/published.h"
#include "pipeline/thumbnail.h"

enum { CHANNELS_MOST = 4 }; /* of a PNG file as scikit-image reads it */

/* An image on its way through the stages. */
struct coips_job {
    const struct coips_work *work;
    const struct coips_image *image;
    struct fovea_result *result;
    enum fovea_quality grade; /* in whose folders it lies */
    uint8_t *png;             /* the file in the published folders; owned */
    size_t png_size;
    bool changed; /* it is not what an earlier run had put there */
    uint8_t *old; /* what that was; NULL: nothing; owned */
    size_t old_size;
    struct fovea_image decoded; /* as scikit-image reads it, once it is to be segmented */
    struct fovea_image labels;
    struct fovea_planes planes;      /* for the segmenter */
    void *block;                     /* holds them; owned */
    char *label_path;                /* owned */
    struct fv_error *error, failure; /* the first points to the second */
};

static const char *name_of(const struct coips_job *job) {
    return job->image->input.name;
}

static const char *project_of(const struct coips_job *job) {
    return job->work->options->project;
}

static enum fv_status out_of_memory(struct coips_job *job) {
    return fv_error_set(job->error, FV_ERROR_MEMORY, "%s: out of memory", name_of(job));
}

/* A copy of a whole file. Where there is none: FV_OK and *bytes NULL, if it is `optional`. */
static enum fv_status read_file(const char *path, bool optional, uint8_t **bytes, size_t *size,
                                struct fv_error *error) {
    *bytes = NULL;
    *size = 0;
    if (optional && access(path, F_OK) != 0 && errno == ENOENT) {
        return FV_OK;
    }
    struct fv_mapping file;
    enum fv_status status = fv_file_map(path, &file, error);
    if (status == FV_OK && file.size > FOVEA_IMAGE_MAX_BYTES) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a file of %zu bytes, the limit is %zu", path, file.size,
                              FOVEA_IMAGE_MAX_BYTES);
    }
    if (status == FV_OK) {
        *bytes = fv_allocate(file.size, 1);
        *size = file.size;
        if (*bytes == NULL) {
            status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
        } else {
            memcpy(*bytes, file.bytes, file.size);
        }
    }
    fv_file_unmap(&file);
    return status;
}

static enum fv_status write_file(const char *path, const uint8_t *bytes, size_t size, struct fv_error *error) {
    struct fv_output *output;
    enum fv_status status = fv_output_create(path, &output, error);
    if (status != FV_OK) {
        return status;
    }
    status = fv_output_write(output, bytes, size, error);
    if (status != FV_OK) {
        fv_output_abandon(output);
        return status;
    }
    return fv_output_finish(output, error);
}

/* Makes job->png of an image that is no PNG by its name: what cv2.imread and cv2.imwrite would make of it. */
static enum fv_status convert(struct coips_job *job, const uint8_t *bytes, size_t size) {
    struct fovea_image image;
    enum fv_status status = fovea_image_decode(name_of(job), bytes, size, &image, job->error);
    status = status != FV_OK ? status : fovea_image_to_opencv(name_of(job), &image, job->error);
    status = status != FV_OK ? status : fovea_image_encode_png(&image, &job->png, &job->png_size, job->error);
    fovea_image_release(&image);
    return status;
}

/* Reads the original into job->png. */
static enum fv_status read_original(struct coips_job *job) {
    uint8_t *bytes;
    size_t size;
    enum fv_status status = read_file(job->image->input.path, false, &bytes, &size, job->error);
    if (status == FV_OK && job->image->convert) {
        status = convert(job, bytes, size);
        fv_release(bytes);
    } else if (status == FV_OK) {
        job->png = bytes;
        job->png_size = size;
    }
    return status;
}

/* The PNG as decoded; the caller releases it. */
static enum fv_status decode(const struct coips_job *job, struct fovea_image *image) {
    enum fv_status status = fovea_image_decode(name_of(job), job->png, job->png_size, image, job->error);
    if (status == FV_OK && image->format != FOVEA_IMAGE_PNG) {
        status = fv_error_set(job->error, FV_ERROR_UNSUPPORTED, "%s: is named .png and holds %s", name_of(job),
                              fovea_image_format_name(image->format));
        fovea_image_release(image);
    }
    return status;
}

static bool same_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
    return a != NULL && b != NULL && a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* Whether the earlier file holds the pixels of this one, written by another program: then it is the same image. */
static bool same_pixels(const struct coips_job *job) {
    struct fovea_image before, after;
    if (job->old == NULL || fovea_image_decode(name_of(job), job->old, job->old_size, &before, NULL) != FV_OK) {
        return false;
    }
    bool same = false;
    if (fovea_image_decode(name_of(job), job->png, job->png_size, &after, NULL) == FV_OK) {
        same = before.width == after.width && before.height == after.height && before.channels == after.channels &&
               before.bits == after.bits &&
               memcmp(before.pixels.bytes, after.pixels.bytes,
                      (size_t)after.width * after.height * after.channels * (after.bits / 8)) == 0;
        fovea_image_release(&after);
    }
    fovea_image_release(&before);
    return same;
}

/* Removes the results that the image had under a grade. */
static void remove_products(const struct coips_job *job, enum fovea_quality grade) {
    for (size_t product = 0; grade != FOVEA_UNGRADABLE && product < COIPS_PRODUCT_COUNT; product++) {
        for (unsigned channel = 0; channel < (product == COIPS_NIFTI ? CHANNELS_MOST : 1); channel++) {
            char *path =
                coips_product_path(project_of(job), grade, (enum coips_product)product, job->image->stem, channel);
            if (path != NULL) {
                unlink(path);
            }
            fv_release(path);
        }
    }
}

/* Puts the image where grading takes it from: processed_OCTA_images, or for deep images, which are not graded, where
 * segmenting does. */
static enum fv_status stage(struct coips_job *job) {
    bool deep = job->work->options->layer == FOVEA_LAYER_DEEP;
    char *path =
        coips_path(project_of(job), deep ? coips_grade_folders[FOVEA_GRADABLE] : COIPS_PROCESSED, job->image->png);
    if (path == NULL) {
        return out_of_memory(job);
    }
    enum fv_status status = read_file(path, true, &job->old, &job->old_size, job->error);
    if (status == FV_OK) {
        job->changed =
            !same_bytes(job->png, job->png_size, job->old, job->old_size) && !(job->image->convert && same_pixels(job));
    }
    if (status == FV_OK && job->changed) {
        remove_products(job, FOVEA_GRADABLE); /* first: a label that is there belongs to the image that is there */
        remove_products(job, FOVEA_OUTSTANDING);
        status = write_file(path, job->png, job->png_size, job->error);
    }
    fv_release(path);
    return status;
}

/* Makes an RGB image whose channels are equal a grey one, which every grader takes. */
static void collapse(struct fovea_image *view) {
    size_t pixels = (size_t)view->width * view->height;
    uint8_t *samples = view->pixels.u8;
    for (size_t i = 0; i < pixels; i++) {
        if (samples[3 * i] != samples[3 * i + 1] || samples[3 * i] != samples[3 * i + 2]) {
            return;
        }
    }
    for (size_t i = 0; i < pixels; i++) {
        samples[i] = samples[3 * i];
    }
    view->channels = 1;
}

static enum fv_status grade(struct coips_job *job, const struct fovea_image *decoded) {
    struct fovea_image view = *decoded;
    view.pixels.bytes = fv_allocate((size_t)view.width * view.height * view.channels, view.bits / 8);
    if (view.pixels.bytes == NULL) {
        return out_of_memory(job);
    }
    memcpy(view.pixels.bytes, decoded->pixels.bytes,
           (size_t)view.width * view.height * view.channels * (view.bits / 8));
    enum fv_status status = fovea_image_to_pillow(name_of(job), &view, job->error);
    if (status == FV_OK) {
        collapse(&view);
        status = fovea_grader_run(job->work->grader, name_of(job), &view, &job->result->grade, job->error);
        job->result->graded = status == FV_OK;
    }
    fovea_image_release(&view);
    return status;
}

/* There is an image of this name that no earlier run can have put there: it may be the only copy. */
static enum fv_status refuse_other(const struct coips_job *job, enum fovea_quality grade) {
    return fv_error_set(job->error, FV_ERROR_FILE, "%s: %s holds another image of that name; move it away",
                        name_of(job), coips_grade_folders[grade]);
}

/* Takes the image out of the folder of another grade, if it is the same image. */
static enum fv_status leave_folder(struct coips_job *job, enum fovea_quality grade) {
    char *path = coips_path(project_of(job), coips_grade_folders[grade], job->image->png);
    if (path == NULL) {
        return out_of_memory(job);
    }
    uint8_t *bytes;
    size_t size;
    enum fv_status status = read_file(path, true, &bytes, &size, job->error);
    if (status == FV_OK && bytes != NULL) {
        if (same_bytes(bytes, size, job->png, job->png_size) || same_bytes(bytes, size, job->old, job->old_size)) {
            remove_products(job, grade);
            unlink(path);
        } else {
            status = refuse_other(job, grade);
        }
    }
    fv_release(bytes);
    fv_release(path);
    return status;
}

/* Puts the image into the folder of its grade, and into no other. */
static enum fv_status file_by_grade(struct coips_job *job) {
    enum fv_status status = FV_OK;
    for (size_t grade = 0; grade < FOVEA_QUALITY_COUNT && status == FV_OK; grade++) {
        if (grade != (size_t)job->grade) {
            status = leave_folder(job, (enum fovea_quality)grade);
        }
    }
    if (status != FV_OK || job->work->options->layer == FOVEA_LAYER_DEEP) {
        return status; /* deep images lie there already */
    }
    char *path = coips_path(project_of(job), coips_grade_folders[job->grade], job->image->png);
    uint8_t *bytes = NULL;
    size_t size;
    status = path == NULL ? out_of_memory(job) : read_file(path, true, &bytes, &size, job->error);
    bool keep = !job->changed && job->old != NULL; /* the staged file may have come from another writer of PNG */
    const uint8_t *staged = keep ? job->old : job->png;
    size_t staged_size = keep ? job->old_size : job->png_size;
    if (status == FV_OK && !same_bytes(bytes, size, staged, staged_size)) {
        bool other = bytes != NULL && !same_bytes(bytes, size, job->old, job->old_size);
        status = other ? refuse_other(job, job->grade) : write_file(path, staged, staged_size, job->error);
    }
    fv_release(bytes);
    fv_release(path);
    return status;
}

static enum fv_status write_channels(struct coips_job *job, const struct fovea_image *view) {
    enum fv_status status = FV_OK;
    for (unsigned channel = 0; channel < CHANNELS_MOST && status == FV_OK; channel++) {
        char *path = coips_product_path(project_of(job), job->grade, COIPS_NIFTI, job->image->stem, channel);
        if (path == NULL) {
            return out_of_memory(job);
        }
        if (channel < view->channels) {
            status = fovea_nifti_write(path, view, channel, job->error);
        } else {
            unlink(path); /* of an image that had more */
        }
        fv_release(path);
    }
    return status;
}

/* The channels as planes of their own, in one block that the caller releases; NULL if memory is exhausted. */
static void *separate(const struct fovea_image *view, struct fovea_planes *planes) {
    size_t pixels = (size_t)view->width * view->height, sample = view->bits / 8;
    uint8_t *block = fv_allocate(pixels * view->channels, sample);
    *planes = (struct fovea_planes){view->channels, view->width, view->height, view->bits, {NULL}};
    for (size_t c = 0; block != NULL && c < view->channels; c++) {
        uint8_t *plane = block + c * pixels * sample;
        planes->samples[c] = plane;
        for (size_t i = 0; i < pixels; i++) {
            memcpy(plane + i * sample, view->pixels.u8 + (i * view->channels + c) * sample, sample);
        }
    }
    return block;
}

/* Makes room for labels and describes what is to be segmented. */
static enum fv_status prepare_segmentation(struct coips_job *job, struct fovea_segment_task *task) {
    const struct fovea_image *view = &job->decoded;
    enum fv_status status = fovea_image_create(view->width, view->height, 1, 8, &job->labels, job->error);
    if (status != FV_OK) {
        return status;
    }
    job->block = separate(view, &job->planes);
    *task = (struct fovea_segment_task){.name = name_of(job), .planes = &job->planes, .labels = job->labels.pixels.u8};
    return job->block != NULL ? FV_OK : out_of_memory(job);
}

/* Takes the label of an earlier run, which must fit. */
static enum fv_status take_label(struct coips_job *job, const struct fovea_image *view, const char *path) {
    enum fv_status status = fovea_nifti_read(path, &job->labels, job->error);
    if (status == FV_OK && (job->labels.width != view->width || job->labels.height != view->height)) {
        status = fv_error_set(job->error, FV_ERROR_FORMAT,
                              "%s: %u x %u labels for an image of %u x %u pixels; --overwrite makes them afresh", path,
                              job->labels.width, job->labels.height, view->width, view->height);
    }
    return status;
}

/* Fills job->labels from an earlier run, or describes what is to be segmented; *wanted tells which. */
static enum fv_status segment(struct coips_job *job, struct fovea_segment_task *task, bool *wanted) {
    struct fovea_image *view = &job->decoded;
    enum fv_status status = fovea_image_to_skimage(name_of(job), view, job->error);
    size_t channels = fovea_segmenter_channels(job->work->segmenter);
    if (status == FV_OK && view->channels != channels) {
        status = fv_error_set(job->error, FV_ERROR_UNSUPPORTED,
                              "%s: %u channels as scikit-image reads it; the segmenter takes %zu", name_of(job),
                              view->channels, channels);
    }
    status = status != FV_OK ? status : write_channels(job, view);
    job->label_path = coips_product_path(project_of(job), job->grade, COIPS_LABEL, job->image->stem, 0);
    if (job->label_path == NULL) {
        return out_of_memory(job);
    }
    if (status == FV_OK) {
        *wanted = job->work->options->overwrite || job->changed || access(job->label_path, F_OK) != 0;
        status = *wanted ? prepare_segmentation(job, task) : take_label(job, view, job->label_path);
    }
    return status;
}

/* Draws label_mask/mask_STEM.png. */
static enum fv_status draw(struct coips_job *job) {
    struct fovea_image view, blend = {0};
    enum fv_status status = decode(job, &view);
    if (status != FV_OK) {
        return status;
    }
    status = fovea_image_to_pillow_rgba(name_of(job), &view, job->error);
    status = status != FV_OK ? status : fovea_overlay_blend(&view, job->labels.pixels.u8, &blend, job->error);
    char *path = coips_product_path(project_of(job), job->grade, COIPS_MASK, job->image->stem, 0);
    if (status == FV_OK) {
        status = path != NULL ? fovea_image_write_png(path, &blend, job->error) : out_of_memory(job);
    }
    fv_release(path);
    fovea_image_release(&blend);
    fovea_image_release(&view);
    return status;
}

/* Measures, and makes the picture of our own report: the first channel with the outline. */
static enum fv_status finish(struct coips_job *job) {
    struct fovea_result *result = job->result;
    const struct fovea_image *view = &job->decoded;
    const struct fovea_coips_options *options = job->work->options;
    const struct fovea_measure_request request = {
        .name = name_of(job),
        .mask = job->labels.pixels.u8,
        .width = job->labels.width,
        .height = job->labels.height,
        .field_mm = options->field_mm,
        .has_layer = true,
        .layer = options->layer,
    };
    enum fv_status status = fovea_measure(&request, &result->measures, job->error);
    result->measured = status == FV_OK;
    if (status == FV_OK && result->measures.faz_pixels == 0) {
        result->reason = fv_duplicate("no FAZ was found");
    }
    struct fovea_image grey;
    status = status != FV_OK ? status : fovea_image_create(view->width, view->height, 1, 8, &grey, job->error);
    if (status == FV_OK) {
        for (size_t i = 0; i < (size_t)view->width * view->height; i++) {
            grey.pixels.u8[i] = view->bits == 8 ? view->pixels.u8[i * view->channels]
                                                : (uint8_t)(view->pixels.u16[i * view->channels] >> 8);
        }
        status =
            fovea_thumbnail_make(&grey, job->labels.pixels.u8, &result->thumbnail, &result->thumbnail_size, job->error);
        fovea_image_release(&grey);
    }
    return status;
}

/* The stages before the segmentation. */
static enum fv_status run_first_stages(struct coips_job *job, struct fovea_segment_task *task, bool *wanted) {
    const struct fovea_image *image = &job->decoded;
    job->result->width = image->width;
    job->result->height = image->height;
    if (image->width != image->height) {
        return fv_error_set(job->error, FV_ERROR_UNSUPPORTED,
                            "%s: %u x %u pixels: the published program takes square images only", name_of(job),
                            image->width, image->height);
    }
    enum fv_status status = stage(job);
    job->grade = FOVEA_GRADABLE;
    if (status == FV_OK && job->work->grader != NULL) {
        fovea_progress_lap(job->work->progress, FOVEA_PACE_REST, 0);
        status = grade(job, image);
        fovea_progress_lap(job->work->progress, FOVEA_PACE_GRADE, 1);
        job->grade = job->result->grade.quality;
    }
    status = status != FV_OK ? status : file_by_grade(job);
    if (status == FV_OK && job->grade == FOVEA_UNGRADABLE) {
        job->result->state = FOVEA_STATE_UNGRADABLE;
        return FV_OK;
    }
    job->result->grade.quality = job->grade;
    return status != FV_OK ? status : segment(job, task, wanted);
}

/* The reason of a failure without the path of the project, which is where it is on this machine only. */
static char *plain_reason(const struct coips_job *job, const char *message) {
    const char *const prefixes[] = {job->image->input.path, name_of(job)};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t length = strlen(prefixes[i]);
        if (strncmp(message, prefixes[i], length) == 0 && strncmp(message + length, ": ", 2) == 0) {
            return fv_duplicate(message + length + 2);
        }
    }
    size_t length = strlen(project_of(job));
    bool project = strncmp(message, project_of(job), length) == 0;
    message += project ? length : 0;
    return fv_duplicate(message + (project && *message == '/'));
}

/* The stages after the segmentation, if there are labels. */
static enum fv_status run_last_stages(struct coips_job *job) {
    if (job->labels.pixels.bytes == NULL) {
        return FV_OK;
    }
    enum fv_status status = draw(job);
    return status != FV_OK ? status : finish(job);
}

static void release(struct coips_job *job) {
    fovea_image_release(&job->decoded);
    fovea_image_release(&job->labels);
    fv_release(job->block);
    fv_release(job->label_path);
    fv_release(job->png);
    fv_release(job->old);
    fv_release(job);
}

/* Settles the result of a job that came to `status`, and frees it. */
static void close_job(struct coips_job *job, enum fv_status status) {
    struct fovea_result *result = job->result;
    status = status != FV_OK ? status : run_last_stages(job);
    if (status != FV_OK) {
        fv_release(result->reason);
        result->reason = plain_reason(job, job->error->message);
        result->state = FOVEA_STATE_FAILED;
        result->measured = false;
    }
    release(job);
}

struct coips_job *coips_image_begin(const struct coips_work *work, const struct coips_image *image,
                                    struct fovea_segment_task *task, struct fovea_result *result) {
    *result = (struct fovea_result){.input = &image->input,
                                    .state = FOVEA_STATE_OK,
                                    .scan = fovea_scan_of_option(work->options->field_mm, work->options->layer)};
    struct coips_job *job = fv_allocate_zero(1, sizeof *job);
    if (job == NULL) {
        result->state = FOVEA_STATE_FAILED;
        result->reason = fv_duplicate("out of memory");
        return NULL;
    }
    job->work = work;
    job->image = image;
    job->result = result;
    job->error = &job->failure;
    enum fv_status status = FV_OK;
    bool wanted = false;
    if (image->refusal != NULL) {
        status = fv_error_set(job->error, FV_ERROR_UNSUPPORTED, "%s: %s", image->input.name, image->refusal);
    }
    status = status != FV_OK ? status : read_original(job);
    status = status != FV_OK ? status : decode(job, &job->decoded);
    status = status != FV_OK ? status : run_first_stages(job, task, &wanted);
    if (status == FV_OK && wanted) {
        return job;
    }
    close_job(job, status);
    return NULL;
}

void coips_image_end(struct coips_job *job, const struct fovea_segment_task *task) {
    enum fv_status status = task->status;
    if (status == FV_OK) {
        status = fovea_nifti_write(job->label_path, &job->labels, 0, job->error);
    } else {
        *job->error = task->error;
    }
    close_job(job, status);
}

void coips_image_drop(struct coips_job *job) {
    release(job);
}
