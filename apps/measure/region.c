#include "measure/region.h"

#include <string.h>

#include "fovea/memory.h"

/* The smallest box that holds all ones: first and last column and row. */
struct box {
    uint32_t left, right, top, bottom;
};

static struct box find_box(const uint8_t *mask, uint32_t width, uint32_t height) {
    struct box box = {width, 0, height, 0};
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = mask + (size_t)y * width;
        const uint8_t *first = memchr(row, 1, width);
        if (first == NULL) {
            continue;
        }
        const uint8_t *last = memrchr(row, 1, width);
        uint32_t from = (uint32_t)(first - row), to = (uint32_t)(last - row);
        box.left = from < box.left ? from : box.left;
        box.right = to > box.right ? to : box.right;
        box.top = y < box.top ? y : box.top;
        box.bottom = y;
    }
    return box;
}

enum fv_status fovea_region_crop(const uint8_t *mask, uint32_t width, uint32_t height, uint32_t margin,
                                 struct fovea_region *region, struct fv_error *error) {
    *region = (struct fovea_region){.margin = margin};
    struct box box = find_box(mask, width, height);
    size_t columns = (size_t)(box.right - box.left) + 1 + 2 * (size_t)margin;
    size_t rows = (size_t)(box.bottom - box.top) + 1 + 2 * (size_t)margin;
    region->pixels = columns > UINT32_MAX || rows > UINT32_MAX ? NULL : fv_allocate_zero(rows, columns);
    if (region->pixels == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a region of %zu x %zu pixels", columns, rows);
    }
    region->width = (uint32_t)columns;
    region->height = (uint32_t)rows;
    region->left = (int64_t)box.left - margin;
    region->top = (int64_t)box.top - margin;
    size_t inner = columns - 2 * (size_t)margin;
    for (uint32_t y = box.top; y <= box.bottom; y++) {
        uint8_t *row = region->pixels + ((size_t)(y - box.top) + margin) * columns + margin;
        memcpy(row, mask + (size_t)y * width + box.left, inner);
        for (size_t x = 0; x < inner; x++) {
            region->count += row[x];
        }
    }
    return FV_OK;
}

void fovea_region_release(struct fovea_region *region) {
    fv_release(region->pixels);
    *region = (struct fovea_region){0};
}
