#include <string.h>

#include "fovea/memory.h"
#include "pipeline/nnunet.h"
#include "pipeline/segmenter.h"

/* The prediction of one image by one member. */
struct canvas {
    size_t height, width; /* at least a patch */
    size_t top, left;     /* where the image lies on it */
    size_t tiles_down, tiles_across;
    float *input;  /* channels x canvas */
    float *sum;    /* classes x canvas */
    float *weight; /* canvas: what the tiles that cover a pixel weigh there */
};

static bool canvas_create(const struct fovea_segmenter *segmenter, const float *input, size_t height, size_t width,
                          struct canvas *canvas) {
    size_t pixels, patch_height = segmenter->patch_height, patch_width = segmenter->patch_width;
    *canvas = (struct canvas){.height = height > patch_height ? height : patch_height,
                              .width = width > patch_width ? width : patch_width};
    if (!fv_multiply(canvas->height, canvas->width, &pixels)) {
        return false;
    }
    canvas->top = (canvas->height - height) / 2;
    canvas->left = (canvas->width - width) / 2;
    canvas->tiles_down = fovea_nnunet_tiles(canvas->height, patch_height, segmenter->tile_step);
    canvas->tiles_across = fovea_nnunet_tiles(canvas->width, patch_width, segmenter->tile_step);
    canvas->input = fv_allocate_zero(pixels, segmenter->channels * sizeof(float));
    canvas->sum = fv_allocate(pixels, segmenter->classes * sizeof(float));
    canvas->weight = fv_allocate(pixels, sizeof(float));
    if (canvas->input == NULL || canvas->sum == NULL || canvas->weight == NULL) {
        return false;
    }
    for (size_t line = 0; line < segmenter->channels * height; line++) {
        size_t row = line / height * canvas->height + canvas->top + line % height;
        memcpy(canvas->input + row * canvas->width + canvas->left, input + line * width, width * sizeof(float));
    }
    return true;
}

static void canvas_release(struct canvas *canvas) {
    fv_release(canvas->input);
    fv_release(canvas->sum);
    fv_release(canvas->weight);
}

/* segmenter->sum = the mean over the mirrored views of the net's answer to segmenter->tile, in the order of nnU-Net: as
 * it is, left to right, top to bottom, both. */
static void predict_tile(struct fovea_segmenter *segmenter, struct fv_session *session) {
    size_t height = segmenter->patch_height, width = segmenter->patch_width;
    bool vertical = segmenter->mirror_vertical, horizontal = segmenter->mirror_horizontal;
    float share = 1.0f / (float)((vertical ? 2 : 1) * (horizontal ? 2 : 1));
    memset(segmenter->sum, 0, segmenter->classes * height * width * sizeof(float));
    for (unsigned view = 0; view < 4; view++) {
        bool flip_horizontal = (view & 1) != 0, flip_vertical = (view & 2) != 0;
        if ((flip_horizontal && !horizontal) || (flip_vertical && !vertical)) {
            continue;
        }
        fovea_nnunet_flip(segmenter->tile, segmenter->channels, height, width, flip_vertical, flip_horizontal,
                          segmenter->flipped);
        fv_session_run(session, segmenter->flipped, segmenter->output);
        fovea_nnunet_add_flipped(segmenter->output, segmenter->classes, height, width, flip_vertical, flip_horizontal,
                                 share, segmenter->sum);
    }
}

static void cut_tile(const struct fovea_segmenter *segmenter, const struct canvas *canvas, size_t top, size_t left) {
    size_t height = segmenter->patch_height, width = segmenter->patch_width;
    for (size_t line = 0; line < segmenter->channels * height; line++) {
        size_t row = line / height * canvas->height + top + line % height;
        memcpy(segmenter->tile + line * width, canvas->input + row * canvas->width + left, width * sizeof(float));
    }
}

/* Adds the tile's prediction to the canvas, weighted if there are several tiles. */
static void place_tile(const struct fovea_segmenter *segmenter, struct canvas *canvas, size_t top, size_t left,
                       bool weighted) {
    size_t height = segmenter->patch_height, width = segmenter->patch_width;
    for (size_t line = 0; line < segmenter->classes * height; line++) {
        size_t y = line % height, row = line / height * canvas->height + top + y;
        const float *weights = segmenter->weights + y * width, *from = segmenter->sum + line * width;
        float *to = canvas->sum + row * canvas->width + left;
        for (size_t x = 0; x < width; x++) {
            to[x] += weighted ? from[x] * weights[x] : from[x];
        }
    }
    for (size_t y = 0; y < height; y++) {
        const float *weights = segmenter->weights + y * width;
        float *to = canvas->weight + (top + y) * canvas->width + left;
        for (size_t x = 0; x < width; x++) {
            to[x] += weighted ? weights[x] : 1.0f;
        }
    }
}

static void predict_member(struct fovea_segmenter *segmenter, size_t member, struct canvas *canvas) {
    size_t pixels = canvas->height * canvas->width;
    memset(canvas->sum, 0, segmenter->classes * pixels * sizeof(float));
    memset(canvas->weight, 0, pixels * sizeof(float));
    bool weighted = canvas->tiles_down * canvas->tiles_across > 1;
    for (size_t i = 0; i < canvas->tiles_down; i++) {
        size_t top = fovea_nnunet_tile_start(canvas->height, segmenter->patch_height, canvas->tiles_down, i);
        for (size_t j = 0; j < canvas->tiles_across; j++) {
            size_t left = fovea_nnunet_tile_start(canvas->width, segmenter->patch_width, canvas->tiles_across, j);
            cut_tile(segmenter, canvas, top, left);
            predict_tile(segmenter, segmenter->sessions[member]);
            place_tile(segmenter, canvas, top, left, weighted);
        }
    }
}

/* probability (+)= the canvas without its padding. */
static void collect(const struct fovea_segmenter *segmenter, const struct canvas *canvas, size_t height, size_t width,
                    bool add, float *probability) {
    for (size_t line = 0; line < segmenter->classes * height; line++) {
        size_t y = canvas->top + line % height;
        const float *sum = canvas->sum + (line / height * canvas->height + y) * canvas->width + canvas->left;
        const float *weight = canvas->weight + y * canvas->width + canvas->left;
        float *to = probability + line * width;
        for (size_t x = 0; x < width; x++) {
            float value = sum[x] / weight[x];
            to[x] = add ? to[x] + value : value;
        }
    }
}

enum fv_status fovea_segmenter_predict(struct fovea_segmenter *segmenter, const float *input, size_t height,
                                       size_t width, size_t first, size_t count, float *probability,
                                       struct fv_error *error) {
    struct canvas canvas;
    if (!canvas_create(segmenter, input, height, width, &canvas)) {
        canvas_release(&canvas);
        return fv_error_set(error, FV_ERROR_MEMORY, "segmenting %zu x %zu pixels: out of memory", width, height);
    }
    for (size_t member = first; member < first + count; member++) {
        predict_member(segmenter, member, &canvas);
        collect(segmenter, &canvas, height, width, member > first, probability);
    }
    if (count > 1) {
        for (size_t i = 0; i < segmenter->classes * height * width; i++) {
            probability[i] /= (float)count;
        }
    }
    canvas_release(&canvas);
    return FV_OK;
}
