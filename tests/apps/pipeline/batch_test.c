/* A list of images in groups: every image that was begun is ended or dropped, whatever interrupts or fails. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "checks.h"
#include "fovea/memory.h"
#include "pipeline/batch.h"
#include "support.h"

enum { IMAGES = 10, SIDE = 30, FOLDS = 2 };

/* Images that are all the same, and what was done with them. */
struct scene {
    const char *folder;
    struct fv_model *model;
    struct fovea_segmenter *segmenter;
    struct fovea_input inputs[IMAGES];
    uint8_t samples[SIDE * SIDE], labels[SIDE * SIDE];
    struct fovea_planes planes;
    size_t refused;      /* begin gives no job for this one */
    size_t interrupting; /* a signal comes while this one is begun */
    size_t refusing;     /* the result of this one cannot be kept */
    size_t failing;      /* memory is exhausted from this one on */
    size_t begun, ended, dropped, failed, taken, pauses;
};

static const struct fovea_input *input_at(const void *context, size_t index) {
    const struct scene *scene = context;
    return &scene->inputs[index];
}

static void *begin(void *context, size_t index, struct fovea_segment_task *task, struct fovea_result *result) {
    struct scene *scene = context;
    result->input = &scene->inputs[index];
    if (index == scene->interrupting) {
        raise(SIGINT);
    }
    if (index == scene->failing) {
        fv_memory_fail_after(0);
    }
    if (index == scene->refused) {
        return NULL;
    }
    *task = (struct fovea_segment_task){.name = "image", .planes = &scene->planes, .labels = scene->labels};
    scene->begun++;
    return scene;
}

static void end(void *job, const struct fovea_segment_task *task) {
    struct scene *scene = job;
    scene->ended++;
    scene->failed += task->status != FV_OK;
}

static void drop(void *job) {
    struct scene *scene = job;
    scene->dropped++;
}

/* Results come in the order of their images, each once. */
static enum fv_status take(void *context, size_t index, struct fovea_result *result, struct fv_error *error) {
    struct scene *scene = context;
    ck_assert_uint_eq(index, scene->taken);
    ck_assert_ptr_eq(result->input, &scene->inputs[index]);
    if (index == scene->refusing) {
        return fv_error_set(error, FV_ERROR_FILE, "full");
    }
    scene->taken++;
    return FV_OK;
}

static enum fv_status rest(void *context, struct fv_error *error) {
    struct scene *scene = context;
    (void)error;
    scene->pauses++;
    return FV_OK;
}

static struct scene *open_scene(void) {
    struct scene *scene = check_allocate(1, sizeof *scene);
    struct fv_error error;
    struct model_description model = *catalogue_find("unet_two_poolings");
    const struct fovea_segmenter_options options = {.mirror = true};
    model.channels = 1;
    model.parameters.unet.members = FOLDS;
    scene->folder = support_make_folder();
    scene->refused = scene->interrupting = scene->failing = scene->refusing = IMAGES;
    const char *path = support_path(scene->folder, "model.gguf");
    check_success(random_model_write(&model, path, &error), &error);
    check_success(fv_model_open(path, &scene->model, &error), &error);
    check_success(fovea_segmenter_create(scene->model, &options, &scene->segmenter, &error), &error);
    for (size_t i = 0; i < sizeof scene->samples; i++) {
        scene->samples[i] = (uint8_t)(1 + i * 7 % 255);
    }
    scene->planes = (struct fovea_planes){.count = 1, .width = SIDE, .height = SIDE, .bits = 8};
    scene->planes.samples[0] = scene->samples;
    for (size_t i = 0; i < IMAGES; i++) {
        scene->inputs[i] = (struct fovea_input){.path = "image", .name = "image", .missing = true};
    }
    return scene;
}

/* Works through the images; the number of results is what came out. */
static size_t work(struct scene *scene, enum fv_status expected) {
    struct fv_error error = {0};
    struct fovea_progress progress;
    const struct fovea_batch batch = {.command = "test",
                                      .context = scene,
                                      .count = IMAGES,
                                      .segmenter = scene->segmenter,
                                      .progress = &progress,
                                      .input = input_at,
                                      .begin = begin,
                                      .end = end,
                                      .drop = drop,
                                      .take = take,
                                      .pause = rest};
    size_t count;
    enum fv_status status = fovea_batch_run(&batch, &count, &error);
    fv_memory_fail_after(-1);
    ck_assert_msg(status == expected, "%s", error.message);
    ck_assert_uint_eq(scene->begun, scene->ended + scene->dropped);
    ck_assert_uint_eq(count, scene->taken);
    return count;
}

static void close_scene(struct scene *scene) {
    fovea_segmenter_destroy(scene->segmenter);
    fv_model_close(scene->model);
    support_remove_folder(scene->folder);
    free(scene);
}

START_TEST(all_are_ended) {
    struct scene *scene = open_scene();
    scene->refused = 3;
    ck_assert_uint_eq(work(scene, FV_OK), IMAGES);
    ck_assert_uint_eq(scene->ended, IMAGES - 1);
    ck_assert_uint_eq(scene->failed, 0);
    ck_assert_uint_eq(scene->pauses, 2); /* after eight of an ensemble that are segmented together, and the rest */
    close_scene(scene);
}
END_TEST

/* A result that cannot be kept ends the run: those before it were taken. */
START_TEST(refusal_ends_the_run) {
    struct scene *scene = open_scene();
    scene->refusing = 5;
    ck_assert_uint_eq(work(scene, FV_ERROR_FILE), 5);
    ck_assert_uint_eq(scene->pauses, 0);
    close_scene(scene);
}
END_TEST

/* Interrupted while the third is begun: the first is finished, the two others are forgotten. */
START_TEST(interruption_finishes_the_first) {
    struct scene *scene = open_scene();
    scene->interrupting = 2;
    ck_assert_uint_eq(work(scene, FV_OK), 1);
    ck_assert_uint_eq(scene->ended, 1);
    ck_assert_uint_eq(scene->dropped, 2);
    ck_assert_uint_eq(scene->failed, 0);
    close_scene(scene);
}
END_TEST

/* The images of the group fail, each for itself. */
START_TEST(exhausted_memory_fails_images) {
    struct scene *scene = open_scene();
    scene->failing = 0;
    ck_assert_uint_eq(work(scene, FV_OK), IMAGES);
    ck_assert_uint_eq(scene->ended, IMAGES);
    ck_assert_uint_eq(scene->failed, IMAGES);
    close_scene(scene);
}
END_TEST

START_TEST(exhausted_memory_before_the_first_begins_nothing) {
    struct scene *scene = open_scene();
    fv_memory_fail_after(0);
    ck_assert_uint_eq(work(scene, FV_ERROR_MEMORY), 0);
    ck_assert_uint_eq(scene->begun, 0);
    close_scene(scene);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"whole run", all_are_ended, 0},
        {"refusal", refusal_ends_the_run, 0},
        {"interruption", interruption_finishes_the_first, 0},
        {"memory of images", exhausted_memory_fails_images, 0},
        {"memory of the run", exhausted_memory_before_the_first_begins_nothing, 0},
    };
    return check_run("batch", cases, sizeof cases / sizeof cases[0]);
}
