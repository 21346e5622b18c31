#include "measure/thin.h"

#include <stdbool.h>
#include <string.h>

#include "fovea/memory.h"

/* A neighbourhood as bits: bit k is neighbour k of east, north-east, north, north-west, west, south-west, south,
 * south-east, which are x1 to x8 of the paper. */
enum { NEIGHBOURS = 8, NEIGHBOURHOODS = 1 << NEIGHBOURS };

static bool has(unsigned neighbourhood, unsigned k) {
    return (neighbourhood >> k % NEIGHBOURS & 1U) != 0;
}

/* Whether a pixel with that neighbourhood goes in the first or the second subiteration (conditions G1 to G3). */
static bool is_removed(unsigned around, bool second) {
    unsigned joined = 0, pairs = 0, shifted = 0;
    for (unsigned k = 0; k < NEIGHBOURS; k += 2) {
        joined += !has(around, k) && (has(around, k + 1) || has(around, k + 2));
        pairs += has(around, k) || has(around, k + 1);
        shifted += has(around, k + 1) || has(around, k + 2);
    }
    unsigned least = pairs < shifted ? pairs : shifted, turn = second ? 4 : 0;
    bool inner = (has(around, turn + 1) || has(around, turn + 2) || !has(around, turn + 7)) && has(around, turn);
    return joined == 1 && (least == 2 || least == 3) && !inner;
}

/* The mask while it is thinned: with a border of background, and the neighbourhood of every pixel kept up to date. */
struct thinning {
    uint8_t *around;             /* neighbourhoods */
    size_t *pixels, *removed;    /* indices of what is left, and of what goes in a subiteration */
    size_t count;                /* left */
    int64_t offsets[NEIGHBOURS]; /* to the neighbours */
    uint8_t goes[2][NEIGHBOURHOODS];
};

/* One subiteration: all pixels are judged before any is removed. Whether any was. */
static bool thin_once(struct thinning *thinning, int turn) {
    const uint8_t *goes = thinning->goes[turn];
    size_t kept = 0, removed = 0;
    for (size_t i = 0; i < thinning->count; i++) {
        size_t pixel = thinning->pixels[i];
        if (goes[thinning->around[pixel]]) {
            thinning->removed[removed++] = pixel;
        } else {
            thinning->pixels[kept++] = pixel;
        }
    }
    for (size_t i = 0; i < removed; i++) {
        for (unsigned k = 0; k < NEIGHBOURS; k++) {
            size_t neighbour = (size_t)((int64_t)thinning->removed[i] + thinning->offsets[k]);
            thinning->around[neighbour] &= (uint8_t) ~(1U << (k + NEIGHBOURS / 2) % NEIGHBOURS);
        }
    }
    thinning->count = kept;
    return removed > 0;
}

/* Lists the pixels and their neighbourhoods. */
static void start(struct thinning *thinning, const uint8_t *mask, uint32_t width, uint32_t height) {
    const int64_t stride = (int64_t)width + 2;
    const int64_t offsets[NEIGHBOURS] = {1, 1 - stride, -stride, -1 - stride, -1, stride - 1, stride, stride + 1};
    memcpy(thinning->offsets, offsets, sizeof offsets);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            if (mask[(size_t)y * width + x] != 0) {
                size_t pixel = ((size_t)y + 1) * (size_t)stride + x + 1;
                thinning->pixels[thinning->count++] = pixel;
                for (unsigned k = 0; k < NEIGHBOURS; k++) {
                    size_t neighbour = (size_t)((int64_t)pixel + offsets[k]);
                    thinning->around[neighbour] |= (uint8_t)(1U << (k + NEIGHBOURS / 2) % NEIGHBOURS);
                }
            }
        }
    }
    for (unsigned around = 0; around < NEIGHBOURHOODS; around++) {
        thinning->goes[0][around] = is_removed(around, false);
        thinning->goes[1][around] = is_removed(around, true);
    }
}

static size_t count_pixels(const uint8_t *mask, size_t pixels) {
    size_t count = 0;
    for (size_t i = 0; i < pixels; i++) {
        count += mask[i] != 0;
    }
    return count;
}

enum fv_status fovea_thin(const uint8_t *mask, uint32_t width, uint32_t height, uint8_t *result,
                          struct fv_error *error) {
    size_t count = count_pixels(mask, (size_t)width * height), stride = (size_t)width + 2;
    struct thinning *thinning = fv_allocate_zero(1, sizeof *thinning);
    bool complete = thinning != NULL;
    if (complete) {
        thinning->around = fv_allocate_zero((size_t)height + 2, stride);
        thinning->pixels = fv_allocate(count, sizeof *thinning->pixels);
        thinning->removed = fv_allocate(count, sizeof *thinning->removed);
        complete = thinning->around != NULL && thinning->pixels != NULL && thinning->removed != NULL;
    }
    if (complete) {
        start(thinning, mask, width, height);
        bool changed;
        do {
            changed = thin_once(thinning, 0);
            changed = thin_once(thinning, 1) || changed;
        } while (changed);
        memset(result, 0, (size_t)width * height);
        for (size_t i = 0; i < thinning->count; i++) {
            size_t pixel = thinning->pixels[i];
            result[(pixel / stride - 1) * width + pixel % stride - 1] = 1;
        }
    }
    if (thinning != NULL) {
        fv_release(thinning->around);
        fv_release(thinning->pixels);
        fv_release(thinning->removed);
    }
    fv_release(thinning);
    return complete ? FV_OK
                    : fv_error_set(error, FV_ERROR_MEMORY, "thinning %u x %u pixels: out of memory", width, height);
}

static bool is_line(const uint8_t *lines, uint32_t width, uint32_t height, int64_t x, int64_t y) {
    return x >= 0 && y >= 0 && x < width && y < height && lines[(size_t)y * width + (size_t)x] != 0;
}

double fovea_line_length(const uint8_t *lines, uint32_t width, uint32_t height, uint32_t x, uint32_t y) {
    static const int steps[5][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}, {1, 0}};
    static const double straight_link = 0.980, diagonal_link = 1.406, corner = 0.091;
    if (!is_line(lines, width, height, x, y)) {
        return 0.0;
    }
    bool beside[5];
    for (int k = 0; k < 5; k++) {
        beside[k] = is_line(lines, width, height, (int64_t)x + steps[k][0], (int64_t)y + steps[k][1]);
    }
    int straight = 0, diagonal = 0;
    for (int k = 0; k < 4; k++) {
        straight += beside[k];
        diagonal += !beside[k] && !beside[k + 1] &&
                    is_line(lines, width, height, (int64_t)x + steps[k][0] + steps[k + 1][0],
                            (int64_t)y + steps[k][1] + steps[k + 1][1]);
    }
    double length = 0.5 * (straight_link * straight + diagonal_link * diagonal);
    return straight == 1 && diagonal == 1 ? length - corner : length;
}
