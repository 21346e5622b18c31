#include <stdbool.h>

#include "fovea/memory.h"
#include "measure/measure.h"

/* Merging of provisional labels (union-find with path halving; the smaller label wins, so that numbers follow reading
 * order). */
static uint32_t find_root(uint32_t *parents, uint32_t label) {
    while (parents[label] != label) {
        parents[label] = parents[parents[label]];
        label = parents[label];
    }
    return label;
}

static void join(uint32_t *parents, uint32_t a, uint32_t b) {
    a = find_root(parents, a);
    b = find_root(parents, b);
    if (a < b) {
        parents[b] = a;
    } else {
        parents[a] = b;
    }
}

/* First pass: a label from the left or upper neighbour, or a new one. Returns the number of provisional labels. */
static uint32_t label_provisionally(const uint8_t *mask, uint32_t width, uint32_t height, uint32_t *labels,
                                    uint32_t *parents) {
    uint32_t count = 0;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            size_t i = (size_t)y * width + x;
            uint32_t left = x > 0 ? labels[i - 1] : 0;
            uint32_t above = y > 0 ? labels[i - width] : 0;
            if (mask[i] == 0) {
                labels[i] = 0;
            } else if (left == 0 && above == 0) {
                labels[i] = ++count;
                parents[count] = count;
            } else {
                labels[i] = left != 0 ? left : above;
                if (left != 0 && above != 0) {
                    join(parents, left, above);
                }
            }
        }
    }
    return count;
}

enum fv_status fovea_label_regions(const uint8_t *mask, uint32_t width, uint32_t height, uint32_t *labels,
                                   uint32_t *count, struct fv_error *error) {
    size_t pixels = (size_t)width * height;
    /* A new label needs a pixel without left and upper neighbours: at most every second one. */
    uint32_t *parents = fv_allocate(pixels / 2 + 2, sizeof *parents);
    if (parents == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a mask of %u x %u pixels", width, height);
    }
    uint32_t provisional = label_provisionally(mask, width, height, labels, parents);
    *count = 0;
    parents[0] = 0;
    /* A root is the smallest of its region and comes first: final numbers can overwrite the parents on the way. */
    for (uint32_t label = 1; label <= provisional; label++) {
        parents[label] = parents[label] == label ? ++*count : parents[parents[label]];
    }
    for (size_t i = 0; i < pixels; i++) {
        labels[i] = parents[labels[i]];
    }
    fv_release(parents);
    return FV_OK;
}

/* The most frequent label but 0; the smallest of equals; 0 if there is none. */
static enum fv_status most_frequent(const uint32_t *labels, size_t pixels, uint32_t count, uint32_t *largest,
                                    struct fv_error *error) {
    size_t *sizes = fv_allocate_zero((size_t)count + 1, sizeof *sizes);
    if (sizes == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %u regions", count);
    }
    for (size_t i = 0; i < pixels; i++) {
        sizes[labels[i]]++;
    }
    *largest = count == 0 ? 0 : 1;
    for (uint32_t label = 2; label <= count; label++) {
        if (sizes[label] > sizes[*largest]) {
            *largest = label;
        }
    }
    fv_release(sizes);
    return FV_OK;
}

/* Marks in `touches` the labels that occur on the border of the image. */
static void mark_border(const uint32_t *labels, uint32_t width, uint32_t height, uint8_t *touches) {
    size_t last_row = (size_t)(height - 1) * width;
    for (uint32_t x = 0; x < width; x++) {
        touches[labels[x]] = 1;
        touches[labels[last_row + x]] = 1;
    }
    for (uint32_t y = 0; y < height; y++) {
        touches[labels[(size_t)y * width]] = 1;
        touches[labels[(size_t)y * width + width - 1]] = 1;
    }
}

/* Fills the holes of the region of ones in `region`. */
static enum fv_status fill_holes(uint8_t *region, uint32_t width, uint32_t height, uint32_t *labels,
                                 struct fovea_holes *holes, struct fv_error *error) {
    size_t pixels = (size_t)width * height;
    for (size_t i = 0; i < pixels; i++) {
        region[i] ^= 1;
    }
    uint32_t count;
    enum fv_status status = fovea_label_regions(region, width, height, labels, &count, error);
    if (status != FV_OK) {
        return status;
    }
    uint8_t *touches = fv_allocate_zero((size_t)count + 1, 1);
    if (touches == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %u regions", count);
    }
    mark_border(labels, width, height, touches);
    for (uint32_t label = 1; label <= count; label++) {
        holes->count += !touches[label];
    }
    for (size_t i = 0; i < pixels; i++) {
        bool hole = labels[i] != 0 && !touches[labels[i]];
        holes->pixels += hole;
        region[i] = labels[i] == 0 || hole;
    }
    fv_release(touches);
    return FV_OK;
}

enum fv_status fovea_largest_region(const uint8_t *mask, uint32_t width, uint32_t height, uint8_t *result,
                                    struct fovea_holes *holes, struct fv_error *error) {
    size_t pixels = (size_t)width * height;
    struct fovea_holes found = {0};
    uint32_t *labels = fv_allocate(pixels, sizeof *labels);
    if (labels == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a mask of %u x %u pixels", width, height);
    }
    uint32_t count, largest = 0;
    enum fv_status status = fovea_label_regions(mask, width, height, labels, &count, error);
    if (status == FV_OK) {
        status = most_frequent(labels, pixels, count, &largest, error);
    }
    if (status == FV_OK) {
        for (size_t i = 0; i < pixels; i++) {
            result[i] = largest != 0 && labels[i] == largest;
        }
        if (largest != 0) {
            status = fill_holes(result, width, height, labels, &found, error);
        }
    }
    fv_release(labels);
    if (holes != NULL) {
        *holes = found;
    }
    return status;
}
