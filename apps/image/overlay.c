#include "image/overlay.h"

#include <math.h>

#include "fovea/memory.h"

static const float RIM_DARKNESS = 0.7F;

static enum fv_status expect_8_bits(const struct fovea_image *image, struct fv_error *error) {
    if (image->bits != 8 || (image->channels != 1 && image->channels != 3)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "an overlay needs an image of 8 bits and 1 or 3 channels, found %u bits and %u channels",
                            image->bits, image->channels);
    }
    return FV_OK;
}

static uint8_t blend(uint8_t image, uint8_t mask) {
    /* float32 throughout: double differs in the last step for some bytes. */
    float difference = (float)((int)mask - (int)image);
    float weighted = 0.15F * difference;
    return (uint8_t)((float)image + weighted);
}

enum fv_status fovea_overlay_blend(const struct fovea_image *image, const uint8_t *mask, struct fovea_image *result,
                                   struct fv_error *error) {
    *result = (struct fovea_image){0};
    enum fv_status status = image->channels == 4 && image->bits == 8 ? FV_OK : expect_8_bits(image, error);
    if (status == FV_OK) {
        status = fovea_image_create(image->width, image->height, 4, 8, result, error);
    }
    if (status != FV_OK) {
        return status;
    }
    size_t pixels = (size_t)image->width * image->height;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *source = image->pixels.u8 + i * image->channels;
        uint8_t *target = result->pixels.u8 + i * 4;
        size_t step = image->channels == 1 ? 0 : 1;
        target[0] = blend(source[0], mask[i] != 0 ? 255 : 0);
        target[1] = blend(source[step], 0);
        target[2] = blend(source[2 * step], 0);
        target[3] = blend(image->channels == 4 ? source[3] : 255, 255);
    }
    return FV_OK;
}

/* The outline runs between pixel centres (marching squares at one half): every region, even of one pixel, has one. */
struct line {
    float *nearest; /* squared distance of each pixel's centre to the outline; FAR where it does not matter */
    uint32_t width, height;
    float reach; /* pixels */
};

static const float FAR = 1e30F;

static float squared_distance(float x, float y, const float from[2], const float to[2]) {
    float along[2] = {to[0] - from[0], to[1] - from[1]};
    float length = along[0] * along[0] + along[1] * along[1];
    float t = ((x - from[0]) * along[0] + (y - from[1]) * along[1]) / length;
    t = fminf(fmaxf(t, 0.0F), 1.0F);
    float apart[2] = {x - from[0] - t * along[0], y - from[1] - t * along[1]};
    return apart[0] * apart[0] + apart[1] * apart[1];
}

/* Lowers the distances around one segment, which is at most a pixel long. */
static void add_segment(struct line *line, const float from[2], const float to[2]) {
    float low[2], high[2];
    for (int axis = 0; axis < 2; axis++) {
        float last = (float)(axis == 0 ? line->width : line->height) - 1.0F;
        low[axis] = fmaxf(floorf(fminf(from[axis], to[axis]) - line->reach), 0.0F);
        high[axis] = fminf(ceilf(fmaxf(from[axis], to[axis]) + line->reach), last);
    }
    for (float y = low[1]; y <= high[1]; y += 1.0F) {
        for (float x = low[0]; x <= high[0]; x += 1.0F) {
            float *nearest = &line->nearest[(size_t)y * line->width + (size_t)x];
            *nearest = fminf(*nearest, squared_distance(x, y, from, to));
        }
    }
}

static bool inside(const uint8_t *mask, const struct line *line, int64_t x, int64_t y) {
    return x >= 0 && y >= 0 && x < line->width && y < line->height && mask[(size_t)y * line->width + (size_t)x] != 0;
}

/* The segments of one cell of 2 x 2 pixel centres, as pairs of edges (0 top, 1 right, 2 bottom, 3 left; -1 none), by
 * which corners are inside (1 top left, 2 top right, 4 bottom right, 8 bottom left). The two ambiguous cases keep
 * diagonal neighbours apart, as 4-connected regions are. */
static const int8_t cell_segments[16][4] = {
    {-1, -1, -1, -1}, {3, 0, -1, -1}, {0, 1, -1, -1}, {3, 1, -1, -1},   {1, 2, -1, -1}, {3, 0, 1, 2},
    {0, 2, -1, -1},   {3, 2, -1, -1}, {2, 3, -1, -1}, {0, 2, -1, -1},   {0, 1, 2, 3},   {1, 2, -1, -1},
    {1, 3, -1, -1},   {0, 1, -1, -1}, {3, 0, -1, -1}, {-1, -1, -1, -1},
};

static void trace(const uint8_t *mask, struct line *line) {
    static const float middles[4][2] = {{0.5F, 0.0F}, {1.0F, 0.5F}, {0.5F, 1.0F}, {0.0F, 0.5F}};
    for (int64_t y = -1; y < line->height; y++) {
        for (int64_t x = -1; x < line->width; x++) {
            int corners = inside(mask, line, x, y) | inside(mask, line, x + 1, y) << 1 |
                          inside(mask, line, x + 1, y + 1) << 2 | inside(mask, line, x, y + 1) << 3;
            const int8_t *edges = cell_segments[corners];
            for (int i = 0; i < 4 && edges[i] >= 0; i += 2) {
                const float *first = middles[edges[i]], *second = middles[edges[i + 1]];
                float from[2] = {(float)x + first[0], (float)y + first[1]};
                float to[2] = {(float)x + second[0], (float)y + second[1]};
                add_segment(line, from, to);
            }
        }
    }
}

/* How much of a pixel at `distance` from the middle of a line a line of that half width covers. */
static float coverage(float distance, float half_width) {
    return fminf(fmaxf(half_width + 0.5F - distance, 0.0F), 1.0F);
}

/* How a line is drawn. */
struct pen {
    float half_width;   /* pixels */
    float rim_darkness; /* 0: without a rim */
    uint8_t colour[3];
};

/* Draws the line on a picture of RGB. */
static void paint(const struct line *line, const struct pen *pen, struct fovea_image *picture) {
    size_t pixels = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < pixels; i++) {
        float distance = sqrtf(line->nearest[i]);
        float rim = pen->rim_darkness * coverage(distance, line->reach - 0.5F);
        float core = coverage(distance, pen->half_width);
        for (size_t c = 0; c < 3; c++) {
            float value = picture->pixels.u8[i * 3 + c];
            value *= 1.0F - rim;
            value += core * ((float)pen->colour[c] - value);
            picture->pixels.u8[i * 3 + c] = (uint8_t)(value + 0.5F);
        }
    }
}

static enum fv_status outline(const uint8_t *mask, const struct pen *pen, struct fovea_image *picture,
                              struct fv_error *error) {
    size_t pixels = (size_t)picture->width * picture->height;
    struct line line = {.width = picture->width, .height = picture->height, .reach = 2.0F * pen->half_width + 0.5F};
    line.nearest = fv_allocate(pixels, sizeof *line.nearest);
    if (line.nearest == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for an overlay");
    }
    for (size_t i = 0; i < pixels; i++) {
        line.nearest[i] = FAR;
    }
    trace(mask, &line);
    paint(&line, pen, picture);
    fv_release(line.nearest);
    return FV_OK;
}

/* A copy of `image` in RGB. */
static enum fv_status to_rgb(const struct fovea_image *image, struct fovea_image *result, struct fv_error *error) {
    *result = (struct fovea_image){0};
    enum fv_status status = expect_8_bits(image, error);
    if (status == FV_OK) {
        status = fovea_image_create(image->width, image->height, 3, 8, result, error);
    }
    size_t samples = status == FV_OK ? (size_t)image->width * image->height * 3 : 0;
    for (size_t i = 0; i < samples; i++) {
        result->pixels.u8[i] = image->pixels.u8[image->channels == 1 ? i / 3 : i];
    }
    return status;
}

static struct pen yellow_pen(const struct fovea_image *image) {
    return (struct pen){fmaxf(0.75F, (float)image->width / 400.0F), RIM_DARKNESS, {255, 221, 0}};
}

enum fv_status fovea_overlay_contour(const struct fovea_image *image, const uint8_t *mask, struct fovea_image *result,
                                     struct fv_error *error) {
    struct pen pen = yellow_pen(image);
    enum fv_status status = to_rgb(image, result, error);
    if (status == FV_OK) {
        status = outline(mask, &pen, result, error);
    }
    if (status != FV_OK) {
        fovea_image_release(result);
    }
    return status;
}

enum fv_status fovea_overlay_compare(const struct fovea_image *image, const uint8_t *reference,
                                     const uint8_t *predicted, struct fovea_image *result, struct fv_error *error) {
    struct pen broad = yellow_pen(image), narrow = {1.3F * broad.half_width, 0.0F, {50, 180, 255}};
    broad.half_width *= 2.6F;
    enum fv_status status = to_rgb(image, result, error);
    if (status == FV_OK) {
        status = outline(reference, &broad, result, error);
    }
    if (status == FV_OK) {
        status = outline(predicted, &narrow, result, error);
    }
    if (status != FV_OK) {
        fovea_image_release(result);
    }
    return status;
}
