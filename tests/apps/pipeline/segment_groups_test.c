/* Several images segmented together: the bits that each gets alone, whatever interrupts or fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "checks.h"
#include "fovea/memory.h"
#include "pipeline/segment.h"
#include "support.h"

enum {
    IMAGES = 10,
    SIDE_MAX = 56,
    PIXELS_MAX = SIDE_MAX * SIDE_MAX,
    PATH_SIZE = 4096,
    CLASSES = 2,
    FOLDS = 3,
    SEED = 20260102
};

/* Images of noise, of sizes below and above a tile of 24 x 40, and what comes out for each. */
struct scene {
    char folder[PATH_SIZE], path[PATH_SIZE]; /* of the model */
    struct fv_model *model;
    struct fovea_segmenter *segmenter;
    struct fovea_planes planes[IMAGES];
    struct fovea_segment_task tasks[IMAGES];
    uint8_t samples[IMAGES][PIXELS_MAX], labels[IMAGES][PIXELS_MAX];
    float probability[IMAGES][CLASSES * PIXELS_MAX];
};

static void open_segmenter(struct scene *scene) {
    struct fv_error error;
    const struct fovea_segmenter_options options = {.mirror = true};
    check_success(fv_model_open(scene->path, &scene->model, &error), &error);
    check_success(fovea_segmenter_create(scene->model, &options, &scene->segmenter, &error), &error);
    ck_assert_uint_eq(fovea_segmenter_members(scene->segmenter), FOLDS);
    ck_assert_uint_eq(fovea_segmenter_classes(scene->segmenter), CLASSES);
}

static void make_images(struct scene *scene) {
    uint64_t state = SEED;
    for (size_t i = 0; i < IMAGES; i++) {
        const uint32_t width = 20 + 4 * (uint32_t)i, height = 44 - 3 * (uint32_t)i;
        for (size_t j = 0; j < (size_t)width * height; j++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            scene->samples[i][j] = (uint8_t)(1 + (state >> 40) % 255);
        }
        scene->planes[i] = (struct fovea_planes){.count = 1, .width = width, .height = height, .bits = 8};
        scene->planes[i].samples[0] = scene->samples[i];
    }
}

static struct scene *open_scene(void) {
    struct scene *scene = check_allocate(1, sizeof *scene);
    struct fv_error error;
    snprintf(scene->folder, sizeof scene->folder, "%s", support_make_folder());
    snprintf(scene->path, sizeof scene->path, "%s", support_path(scene->folder, "model.gguf"));
    struct model_description model = *catalogue_find("unet_two_poolings");
    model.channels = 1;
    model.parameters.unet.members = FOLDS;
    check_success(random_model_write(&model, scene->path, &error), &error);
    open_segmenter(scene);
    make_images(scene);
    return scene;
}

static void close_segmenter(struct scene *scene) {
    fovea_segmenter_destroy(scene->segmenter);
    fv_model_close(scene->model);
}

static void close_scene(struct scene *scene) {
    close_segmenter(scene);
    support_remove_folder(scene->folder);
    free(scene);
}

/* Sets the tasks anew and empties what they fill. */
static void reset(struct scene *scene) {
    memset(scene->labels, 0xff, sizeof scene->labels);
    memset(scene->probability, 0xff, sizeof scene->probability);
    for (size_t i = 0; i < IMAGES; i++) {
        scene->tasks[i] = (struct fovea_segment_task){.name = "image",
                                                      .planes = &scene->planes[i],
                                                      .labels = scene->labels[i],
                                                      .probability = scene->probability[i]};
    }
}

/* Runs all in groups of at most `most`, in their order. */
static void run(struct scene *scene, size_t most) {
    reset(scene);
    for (size_t first = 0; first < IMAGES; first += most) {
        const size_t count = IMAGES - first < most ? IMAGES - first : most;
        ck_assert_uint_eq(fovea_segmenter_run_all(scene->segmenter, scene->tasks + first, count, NULL), count);
    }
}

static void check_same(const struct scene *one, const struct scene *other, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(one->tasks[i].status, FV_OK);
        ck_assert_int_eq(other->tasks[i].status, FV_OK);
        ck_assert_mem_eq(one->labels[i], other->labels[i], sizeof one->labels[i]);
        ck_assert_mem_eq(one->probability[i], other->probability[i], sizeof one->probability[i]);
    }
}

/* What each image gives alone. */
static struct scene *open_reference(void) {
    struct scene *scene = open_scene();
    run(scene, 1);
    return scene;
}

START_TEST(groups_of_any_size_give_the_same_bits) {
    static const size_t sizes[] = {2, 3, FOVEA_SEGMENT_MOST};
    struct scene *reference = open_reference(), *scene = open_scene();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        run(scene, sizes[i]);
        check_same(reference, scene, IMAGES);
    }
    close_scene(scene);
    close_scene(reference);
}
END_TEST

/* Steps until the hurry, and those that were announced and seen. */
struct watched {
    size_t until, planned, loads, passes;
};

static void begin(void *context, size_t passes) {
    struct watched *watched = context;
    watched->planned = passes;
}

static void done(void *context, enum fovea_segment_step step) {
    struct watched *watched = context;
    *(step == FOVEA_SEGMENT_LOAD ? &watched->loads : &watched->passes) += 1;
}

static bool hurry(void *context) {
    const struct watched *watched = context;
    return watched->passes >= watched->until;
}

/* Whenever the hurry comes, the first image is finished with the bits that it always gets. */
START_TEST(interrupted_groups_finish_the_first_image) {
    enum { COUNT = 4 };
    struct scene *reference = open_reference(), *scene = open_scene();
    struct watched watched = {.until = SIZE_MAX};
    const struct fovea_segment_watch watch = {&watched, begin, done, hurry};
    reset(scene);
    ck_assert_uint_eq(fovea_segmenter_run_all(scene->segmenter, scene->tasks, COUNT, &watch), COUNT);
    ck_assert_uint_eq(watched.passes, watched.planned);
    ck_assert_uint_eq(watched.loads, FOLDS - 1); /* the first was there */
    check_same(reference, scene, COUNT);
    const size_t all = watched.passes;
    for (size_t until = 0; until < all; until += 7) {
        watched = (struct watched){.until = until};
        reset(scene);
        ck_assert_uint_eq(fovea_segmenter_run_all(scene->segmenter, scene->tasks, COUNT, &watch), 1);
        ck_assert_uint_le(watched.passes, all);
        check_same(reference, scene, 1);
    }
    close_scene(scene);
    close_scene(reference);
}
END_TEST

/* One image of zeros in the group fails alone. */
START_TEST(failed_image_leaves_the_others) {
    enum { COUNT = 3 };
    struct scene *reference = open_reference(), *scene = open_scene();
    memset(scene->samples[1], 0, sizeof scene->samples[1]);
    reset(scene);
    ck_assert_uint_eq(fovea_segmenter_run_all(scene->segmenter, scene->tasks, COUNT, NULL), COUNT);
    check_failure(scene->tasks[1].status, &scene->tasks[1].error, FV_ERROR_UNSUPPORTED, "all pixels are zero");
    check_same(reference, scene, 1);
    ck_assert_int_eq(scene->tasks[2].status, FV_OK);
    ck_assert_mem_eq(reference->labels[2], scene->labels[2], sizeof scene->labels[2]);
    close_scene(scene);
    close_scene(reference);
}
END_TEST

/* The last weights of the file are those of the last fold. */
static void spoil_last_weights(const char *path) {
    enum { SPOILT = 64 }; /* more than the padding that may follow them */
    uint8_t bytes[SPOILT];
    memset(bytes, 0xff, sizeof bytes); /* no number in any format of floating point */
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, -SPOILT, SEEK_END), 0);
    ck_assert_uint_eq(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(weights_of_a_later_fold_are_checked) {
    enum { COUNT = 3 };
    struct scene *scene = open_scene();
    close_segmenter(scene);
    spoil_last_weights(scene->path);
    open_segmenter(scene); /* looks at the first fold's weights only */
    reset(scene);
    ck_assert_uint_eq(fovea_segmenter_run_all(scene->segmenter, scene->tasks, COUNT, NULL), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        check_failure(scene->tasks[i].status, &scene->tasks[i].error, FV_ERROR_MODEL, "finite");
        ck_assert_uint_eq(scene->labels[i][0], 0xff); /* not filled */
    }
    close_scene(scene);
}
END_TEST

/* Allocations fail in turn, the first ones each, every 13th of the many that plan the folds: an error for each image
 * that lacks a result, and those that have one have its bits. */
START_TEST(every_allocation_may_fail) {
    enum { COUNT = 3, EACH = 40 };
    struct scene *reference = open_reference(), *scene = open_scene();
    bool complete = false;
    for (long successes = 0; !complete; successes += successes < EACH ? 1 : 13) {
        ck_assert_int_lt(successes, 100000);
        reset(scene);
        fv_memory_fail_after(successes);
        const size_t worked = fovea_segmenter_run_all(scene->segmenter, scene->tasks, COUNT, NULL);
        fv_memory_fail_after(-1);
        ck_assert_uint_eq(worked, COUNT);
        complete = true;
        for (size_t i = 0; i < COUNT; i++) {
            if (scene->tasks[i].status == FV_OK) {
                ck_assert_mem_eq(reference->labels[i], scene->labels[i], sizeof scene->labels[i]);
                continue;
            }
            check_failure(scene->tasks[i].status, &scene->tasks[i].error, FV_ERROR_MEMORY, "memory");
            complete = false;
        }
    }
    check_same(reference, scene, COUNT);
    close_scene(scene);
    close_scene(reference);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"groups", groups_of_any_size_give_the_same_bits, 0},
        {"interruption", interrupted_groups_finish_the_first_image, 0},
        {"failed image", failed_image_leaves_the_others, 0},
        {"not finite", weights_of_a_later_fold_are_checked, 0},
        {"allocations", every_allocation_may_fail, 0},
    };
    return check_run("segment groups", cases, sizeof cases / sizeof cases[0]);
}
