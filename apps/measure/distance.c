#include "measure/distance.h"

#include <stddef.h>

#include "fovea/memory.h"

/* squares = distance along y to the nearest pixel of the mask in the same column; `none` where there is none. */
static void measure_columns(const uint8_t *mask, uint32_t width, uint32_t height, uint64_t none, uint64_t *squares) {
    for (size_t x = 0; x < width; x++) {
        squares[x] = mask[x] != 0 ? 0 : none;
    }
    for (size_t y = 1; y < height; y++) {
        const uint64_t *above = squares + (y - 1) * width;
        for (size_t x = 0; x < width; x++) {
            squares[y * width + x] = mask[y * width + x] != 0 ? 0 : above[x] < none ? above[x] + 1 : none;
        }
    }
    for (size_t y = height - 1; y-- > 0;) {
        const uint64_t *below = squares + (y + 1) * width;
        for (size_t x = 0; x < width; x++) {
            uint64_t *here = squares + y * width + x;
            *here = below[x] + 1 < *here ? below[x] + 1 : *here;
        }
    }
}

/* The last column where the parabola over `left` is not above that over `right`; left < right. */
static int64_t meet(const uint64_t *column, int64_t left, int64_t right) {
    int64_t g = (int64_t)column[left], h = (int64_t)column[right];
    int64_t top = right * right - left * left + h * h - g * g, under = 2 * (right - left);
    return top >= 0 ? top / under : -((-top + under - 1) / under);
}

/* One row: `column` is the distances along y; `tops` and `starts` hold the parabolas of the envelope. */
static void measure_row(const uint64_t *column, uint32_t width, int64_t *tops, int64_t *starts, uint64_t *squares) {
    size_t last = 0;
    tops[0] = starts[0] = 0;
    for (int64_t x = 1; x < width; x++) {
        int64_t start = meet(column, tops[last], x) + 1;
        while (last > 0 && start <= starts[last]) {
            last--;
            start = meet(column, tops[last], x) + 1;
        }
        if (start <= 0) {
            tops[last] = x;
        } else if (start < width) {
            last++;
            tops[last] = x;
            starts[last] = start;
        }
    }
    for (int64_t x = (int64_t)width - 1; x >= 0; x--) {
        int64_t apart = x - tops[last], g = (int64_t)column[tops[last]];
        squares[x] = (uint64_t)(apart * apart + g * g);
        last -= x == starts[last] && last > 0;
    }
}

enum fv_status fovea_distance_squares(const uint8_t *mask, uint32_t width, uint32_t height, uint64_t *squares,
                                      struct fv_error *error) {
    if (width == 0 || height == 0 || width > FOVEA_DISTANCE_SIDE_MAX || height > FOVEA_DISTANCE_SIDE_MAX) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "distances: expected sides of 1 to %d pixels, found %u x %u",
                            FOVEA_DISTANCE_SIDE_MAX, width, height);
    }
    uint64_t *column = fv_allocate(width, sizeof *column);
    int64_t *tops = fv_allocate(width, sizeof *tops), *starts = fv_allocate(width, sizeof *starts);
    enum fv_status status = column != NULL && tops != NULL && starts != NULL
                                ? FV_OK
                                : fv_error_set(error, FV_ERROR_MEMORY, "distances: out of memory");
    if (status == FV_OK) {
        measure_columns(mask, width, height, (uint64_t)width + height, squares);
        for (size_t y = 0; y < height; y++) {
            uint64_t *row = squares + y * width;
            for (size_t x = 0; x < width; x++) {
                column[x] = row[x];
            }
            measure_row(column, width, tops, starts, row);
        }
    }
    fv_release(column);
    fv_release(tops);
    fv_release(starts);
    return status;
}
