#include "pipeline/batch.h"

#include <stdio.h>

#include "fovea/memory.h"
#include "image/image.h"
#include "pipeline/estimate.h"
#include "pipeline/interrupt.h"

/* What an image was planned to take. */
struct share {
    double pixels, passes;
};

/* How many images are in work at most: those that are segmented together, and those between them that are not. */
enum { WINDOW = 64 };

/* Images that are segmented together. */
struct group {
    size_t count, bytes;
    size_t indices[FOVEA_SEGMENT_MOST];
    void *jobs[FOVEA_SEGMENT_MOST];
    struct fovea_segment_task tasks[FOVEA_SEGMENT_MOST];
};

struct run {
    const struct fovea_batch *batch;
    struct share *shares;        /* one an image */
    struct fovea_result *window; /* what came out for those in work */
    size_t finished;             /* images whose result was taken */
    struct group group;
    struct fovea_cost cost;
    bool told;
};

/* How often a fold will be loaded if all images are segmented: for each group all of them, but the first at first. */
static size_t count_loads(const struct fovea_segmenter *segmenter, size_t groups) {
    size_t members = fovea_segmenter_members(segmenter);
    return members > 1 ? groups * members - 1 : 0;
}

/* Takes the images as large as their files say; those that say nothing will fail. */
static void plan(struct run *run) {
    const struct fovea_batch *batch = run->batch;
    struct fovea_pace *pace = &batch->progress->pace;
    size_t groups = 0, images = 0, bytes = 0;
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t width, height;
        const struct fovea_input *input = batch->input(batch->context, i);
        if (input->missing || !fovea_image_read_size(input->path, &width, &height)) {
            continue;
        }
        run->shares[i].pixels = (double)width * height;
        fovea_pace_plan(pace, FOVEA_PACE_REST, run->shares[i].pixels);
        fovea_pace_plan(pace, FOVEA_PACE_GRADE, batch->graded ? 1 : 0);
        if (batch->segmenter == NULL) {
            continue;
        }
        size_t tiles = fovea_segmenter_tiles(batch->segmenter, width, height);
        run->cost.images++;
        run->cost.tiles += tiles;
        run->shares[i].passes = (double)(tiles * run->cost.views * run->cost.folds);
        fovea_pace_plan(pace, FOVEA_PACE_PASS, run->shares[i].passes);
        bool joins = groups > 0 && fovea_segmenter_takes_more(batch->segmenter, images, bytes);
        groups += !joins;
        images = joins ? images + 1 : 1;
        bytes = (joins ? bytes : 0) + fovea_segmenter_room(batch->segmenter, width, height);
    }
    if (groups > 0) {
        run->cost.loads = count_loads(batch->segmenter, groups);
        fovea_pace_plan(pace, FOVEA_PACE_LOAD, (double)run->cost.loads);
        fovea_pace_learn(pace, FOVEA_PACE_LOAD, 1, batch->load_seconds);
    }
}

/* What a long run will take, and what the choice of views and folds saves or would save. */
static void tell_cost(struct run *run) {
    const struct fovea_batch *batch = run->batch;
    char text[FOVEA_COST_SIZE];
    run->told = true;
    run->cost.pass_seconds = fovea_pace_seconds(&batch->progress->pace, FOVEA_PACE_PASS, 1);
    run->cost.load_seconds = fovea_pace_seconds(&batch->progress->pace, FOVEA_PACE_LOAD, 1);
    if (fovea_cost_describe(&run->cost, text)) {
        fovea_progress_end(batch->progress);
        fprintf(stderr, "fovea %s: %s\n", batch->command, text);
    }
}

static void watch_begin(void *context, size_t passes) {
    const struct run *run = context;
    double planned = 0;
    for (size_t j = 0; j < run->group.count; j++) {
        planned += run->shares[run->group.indices[j]].passes;
    }
    fovea_pace_settle(&run->batch->progress->pace, FOVEA_PACE_PASS, planned, (double)passes);
    fovea_progress_lap(run->batch->progress, FOVEA_PACE_REST, 0); /* preparing is no part of the first pass */
}

static void watch_done(void *context, enum fovea_segment_step step) {
    struct run *run = context;
    fovea_progress_lap(run->batch->progress, step == FOVEA_SEGMENT_LOAD ? FOVEA_PACE_LOAD : FOVEA_PACE_PASS, 1);
    if (!run->told && fovea_pace_knows_passes(&run->batch->progress->pace)) {
        tell_cost(run);
    }
}

static bool watch_hurry(void *context) {
    (void)context;
    return fovea_interrupted();
}

/* The image is over: nothing of what was planned for it is left. */
static void close_share(const struct run *run, size_t index) {
    const struct share *share = &run->shares[index];
    fovea_pace_settle(&run->batch->progress->pace, FOVEA_PACE_REST, share->pixels, share->pixels);
    fovea_progress_lap(run->batch->progress, FOVEA_PACE_REST, share->pixels);
}

/* Begins images from `next` on until enough are to be segmented; returns the first that was not begun. */
static size_t gather(struct run *run, size_t next) {
    const struct fovea_batch *batch = run->batch;
    struct group *group = &run->group;
    group->count = group->bytes = 0;
    size_t first = next;
    while (next < batch->count && next - first < WINDOW && (next == first || !fovea_interrupted())) {
        struct fovea_segment_task *task = &group->tasks[group->count];
        *task = (struct fovea_segment_task){0};
        fovea_progress_next(batch->progress, batch->input(batch->context, next));
        void *job = batch->begin(batch->context, next, task, &run->window[next - first]);
        if (job == NULL) {
            fovea_pace_settle(&batch->progress->pace, FOVEA_PACE_PASS, run->shares[next].passes, 0);
            close_share(run, next);
        } else {
            group->indices[group->count] = next;
            group->jobs[group->count++] = job;
            group->bytes += fovea_segmenter_room(batch->segmenter, task->planes->width, task->planes->height);
            fovea_progress_lap(batch->progress, FOVEA_PACE_REST, 0);
        }
        next++;
        if (group->count == 0 || !fovea_segmenter_takes_more(batch->segmenter, group->count, group->bytes)) {
            break;
        }
    }
    return next;
}

/* Segments the group and ends its jobs; returns the first image whose result is not final, at most `next`. */
static size_t finish(struct run *run, size_t next, enum fv_status *status, struct fv_error *error) {
    const struct fovea_batch *batch = run->batch;
    struct group *group = &run->group;
    if (group->count == 0) {
        return next;
    }
    const struct fovea_segment_watch watch = {run, watch_begin, watch_done, watch_hurry};
    size_t worked = fovea_segmenter_run_all(batch->segmenter, group->tasks, group->count, &watch);
    size_t limit = worked < group->count ? group->indices[worked] : next;
    for (size_t j = 0; j < group->count; j++) {
        if (j >= worked) {
            batch->drop(group->jobs[j]);
            continue;
        }
        if (group->tasks[j].status == FV_ERROR_MODEL && *status == FV_OK) {
            *status = fv_error_set(error, FV_ERROR_MODEL, "%s", group->tasks[j].error.message);
        }
        batch->end(group->jobs[j], &group->tasks[j]);
        close_share(run, group->indices[j]);
    }
    return limit;
}

/* Hands over what came out for the images before `limit`, and forgets the others before `begun`. */
static enum fv_status hand_over(struct run *run, size_t limit, size_t begun, enum fv_status status,
                                struct fv_error *error) {
    const struct fovea_batch *batch = run->batch;
    const size_t first = run->finished;
    for (size_t i = first; i < begun; i++) {
        struct fovea_result *result = &run->window[i - first];
        if (i < limit && status == FV_OK && result->unwritten == FV_OK) {
            fovea_progress_result(batch->progress, result);
        }
        if (i < limit && status == FV_OK) {
            status = batch->take(batch->context, i, result, error);
            run->finished += status == FV_OK;
        }
        fovea_result_clear(result);
    }
    return status == FV_OK && batch->pause != NULL ? batch->pause(batch->context, error) : status;
}

static enum fv_status work(struct run *run, struct fv_error *error) {
    const struct fovea_batch *batch = run->batch;
    enum fv_status status = FV_OK;
    fovea_progress_begin(batch->progress, batch->count);
    plan(run);
    fovea_interrupt_watch();
    fovea_progress_start(batch->progress);
    while (status == FV_OK && run->finished < batch->count && !fovea_interrupted()) {
        size_t begun = gather(run, run->finished), limit = finish(run, begun, &status, error);
        status = hand_over(run, limit, begun, status, error);
    }
    fovea_progress_end(batch->progress);
    return status;
}

enum fv_status fovea_batch_run(const struct fovea_batch *batch, size_t *finished, struct fv_error *error) {
    struct run run = {.batch = batch, .cost = {.fixed = batch->fixed}};
    *finished = 0;
    run.shares = fv_allocate_zero(batch->count, sizeof *run.shares);
    run.window = fv_allocate_zero(WINDOW, sizeof *run.window);
    if (run.shares == NULL || run.window == NULL) {
        fv_release(run.shares);
        fv_release(run.window);
        return fv_error_set(error, FV_ERROR_MEMORY, "%zu images: out of memory", batch->count);
    }
    if (batch->segmenter != NULL) {
        run.cost.views = fovea_segmenter_views(batch->segmenter);
        run.cost.views_most = fovea_segmenter_views_most(batch->segmenter);
        run.cost.folds = fovea_segmenter_members(batch->segmenter);
        run.cost.folds_most = fovea_segmenter_members_most(batch->segmenter);
    }
    enum fv_status status = work(&run, error);
    *finished = run.finished;
    fv_release(run.shares);
    fv_release(run.window);
    return status;
}
