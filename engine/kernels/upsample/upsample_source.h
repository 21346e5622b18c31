/* Where bilinear enlarging reads from. */
#ifndef FOVEA_KERNELS_UPSAMPLE_SOURCE_H
#define FOVEA_KERNELS_UPSAMPLE_SOURCE_H

#include <stddef.h>

/* Between elements `low` and `high` of the input, `weight` parts of the latter. */
struct upsample_source {
    size_t low, high;
    float weight;
};

/* Source coordinate (i + 0.5) / factor - 0.5 = (2 i + 1 - factor) / (2 factor), clamped to 0 .. size-1. */
static inline struct upsample_source upsample_source_at(size_t i, size_t factor, size_t size) {
    const size_t position = 2 * i + 1 > factor ? 2 * i + 1 - factor : 0;
    struct upsample_source source;
    source.low = position / (2 * factor);
    source.high = source.low + 1 < size ? source.low + 1 : source.low;
    source.weight = (float)(position % (2 * factor)) / (float)(2 * factor);
    return source;
}

#endif
