#include <string.h>

#include "fovea/memory.h"
#include "pipeline/nnunet.h"
#include "pipeline/segmenter.h"

bool fovea_canvas_create(const struct fovea_segmenter *segmenter, const float *input, size_t height, size_t width,
                         struct fovea_canvas *canvas) {
    size_t pixels, patch_height = segmenter->patch_height, patch_width = segmenter->patch_width;
    *canvas = (struct fovea_canvas){.image_height = height,
                                    .image_width = width,
                                    .height = height > patch_height ? height : patch_height,
                                    .width = width > patch_width ? width : patch_width};
    if (!fv_multiply(canvas->height, canvas->width, &pixels)) {
        return false;
    }
    canvas->top = (canvas->height - height) / 2;
    canvas->left = (canvas->width - width) / 2;
    canvas->tiles_down = fovea_nnunet_tiles(canvas->height, patch_height, segmenter->tile_step);
    canvas->tiles_across = fovea_nnunet_tiles(canvas->width, patch_width, segmenter->tile_step);
    canvas->input = fv_allocate_zero(pixels, segmenter->channels * sizeof(float));
    if (canvas->input == NULL) {
        return false;
    }
    for (size_t line = 0; line < segmenter->channels * height; line++) {
        size_t row = line / height * canvas->height + canvas->top + line % height;
        memcpy(canvas->input + row * canvas->width + canvas->left, input + line * width, width * sizeof(float));
    }
    return true;
}

void fovea_canvas_release(struct fovea_canvas *canvas) {
    fv_release(canvas->input);
    *canvas = (struct fovea_canvas){0};
}

/* What the tiles have said so far about a canvas. */
struct tally {
    float *sum;    /* classes x canvas */
    float *weight; /* canvas: what the tiles that cover a pixel weigh there */
};

/* segmenter->sum = the mean over the mirrored views of the net's answer to the tile at `top`, `left`, in the order of
 * nnU-Net: as it is, left to right, top to bottom, both. A view is read from the canvas, and its answer added, flipped.
 */
static void predict_tile(struct fovea_segmenter *segmenter, const struct fovea_canvas *canvas, size_t top, size_t left,
                         const struct fovea_segment_watch *watch) {
    size_t height = segmenter->patch_height, width = segmenter->patch_width;
    bool vertical = segmenter->mirror_vertical, horizontal = segmenter->mirror_horizontal;
    float share = 1.0f / (float)((vertical ? 2 : 1) * (horizontal ? 2 : 1));
    const struct fovea_layout layout = {canvas->width, canvas->height * canvas->width};
    memset(segmenter->sum, 0, segmenter->classes * height * width * sizeof(float));
    for (unsigned view = 0; view < 4; view++) {
        bool flip_horizontal = (view & 1) != 0, flip_vertical = (view & 2) != 0;
        if ((flip_horizontal && !horizontal) || (flip_vertical && !vertical)) {
            continue;
        }
        fovea_nnunet_flip(canvas->input + top * canvas->width + left, layout, segmenter->channels, height, width,
                          flip_vertical, flip_horizontal, segmenter->tile);
        fv_session_run(segmenter->session, segmenter->tile, segmenter->output);
        fovea_nnunet_add_flipped(segmenter->output, segmenter->classes, height, width, flip_vertical, flip_horizontal,
                                 share, segmenter->sum);
        if (watch != NULL) {
            watch->done(watch->context, FOVEA_SEGMENT_PASS);
        }
    }
}

/* Adds the tile's prediction, weighted if there are several tiles. */
static void place_tile(const struct fovea_segmenter *segmenter, const struct fovea_canvas *canvas, size_t top,
                       size_t left, bool weighted, struct tally *tally) {
    size_t height = segmenter->patch_height, width = segmenter->patch_width;
    for (size_t line = 0; line < segmenter->classes * height; line++) {
        size_t y = line % height, row = line / height * canvas->height + top + y;
        const float *weights = segmenter->weights + y * width, *from = segmenter->sum + line * width;
        float *to = tally->sum + row * canvas->width + left;
        for (size_t x = 0; x < width; x++) {
            to[x] += weighted ? from[x] * weights[x] : from[x];
        }
    }
    for (size_t y = 0; y < height; y++) {
        const float *weights = segmenter->weights + y * width;
        float *to = tally->weight + (top + y) * canvas->width + left;
        for (size_t x = 0; x < width; x++) {
            to[x] += weighted ? weights[x] : 1.0f;
        }
    }
}

/* probability (+)= the tally's mean without the canvas' padding. */
static void collect(const struct fovea_segmenter *segmenter, const struct fovea_canvas *canvas,
                    const struct tally *tally, bool add, float *probability) {
    size_t height = canvas->image_height, width = canvas->image_width;
    for (size_t line = 0; line < segmenter->classes * height; line++) {
        size_t y = canvas->top + line % height;
        const float *sum = tally->sum + (line / height * canvas->height + y) * canvas->width + canvas->left;
        const float *weight = tally->weight + y * canvas->width + canvas->left;
        float *to = probability + line * width;
        for (size_t x = 0; x < width; x++) {
            float value = sum[x] / weight[x];
            to[x] = add ? to[x] + value : value;
        }
    }
}

enum fv_status fovea_segmenter_predict_member(struct fovea_segmenter *segmenter, const struct fovea_canvas *canvas,
                                              const struct fovea_segment_watch *watch, bool add, float *probability,
                                              struct fv_error *error) {
    size_t pixels = canvas->height * canvas->width;
    struct tally tally = {fv_allocate_zero(pixels, segmenter->classes * sizeof(float)),
                          fv_allocate_zero(pixels, sizeof(float))};
    enum fv_status status = FV_OK;
    if (tally.sum == NULL || tally.weight == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "segmenting %zu x %zu pixels: out of memory", canvas->image_width,
                              canvas->image_height);
    }
    bool weighted = canvas->tiles_down * canvas->tiles_across > 1;
    for (size_t tile = 0; status == FV_OK && tile < canvas->tiles_down * canvas->tiles_across; tile++) {
        size_t top = fovea_nnunet_tile_start(canvas->height, segmenter->patch_height, canvas->tiles_down,
                                             tile / canvas->tiles_across);
        size_t left = fovea_nnunet_tile_start(canvas->width, segmenter->patch_width, canvas->tiles_across,
                                              tile % canvas->tiles_across);
        predict_tile(segmenter, canvas, top, left, watch);
        place_tile(segmenter, canvas, top, left, weighted, &tally);
    }
    if (status == FV_OK) {
        collect(segmenter, canvas, &tally, add, probability);
    }
    fv_release(tally.sum);
    fv_release(tally.weight);
    return status;
}

void fovea_segmenter_mean(const struct fovea_segmenter *segmenter, const struct fovea_canvas *canvas, size_t count,
                          float *probability) {
    for (size_t i = 0; count > 1 && i < segmenter->classes * canvas->image_height * canvas->image_width; i++) {
        probability[i] /= (float)count;
    }
}

enum fv_status fovea_segmenter_predict(struct fovea_segmenter *segmenter, const float *input, size_t height,
                                       size_t width, size_t first, size_t count, float *probability,
                                       struct fv_error *error) {
    struct fovea_canvas canvas;
    enum fv_status status = FV_OK;
    if (!fovea_canvas_create(segmenter, input, height, width, &canvas)) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "segmenting %zu x %zu pixels: out of memory", width, height);
    }
    for (size_t member = first; status == FV_OK && member < first + count; member++) {
        status = fovea_segmenter_load(segmenter, member, error);
        if (status == FV_OK) {
            status = fovea_segmenter_predict_member(segmenter, &canvas, NULL, member > first, probability, error);
        }
    }
    if (status == FV_OK) {
        fovea_segmenter_mean(segmenter, &canvas, count, probability);
    }
    fovea_canvas_release(&canvas);
    return status;
}
