#include "pipeline/nnunet.h"

#include <math.h>
#include <string.h>

static uint32_t sample(const struct fovea_planes *planes, size_t channel, size_t index) {
    return planes->bits == 16 ? ((const uint16_t *)planes->samples[channel])[index]
                              : ((const uint8_t *)planes->samples[channel])[index];
}

static bool is_empty(const struct fovea_planes *planes, size_t index) {
    for (size_t c = 0; c < planes->count; c++) {
        if (sample(planes, c, index) != 0) {
            return false;
        }
    }
    return true;
}

bool fovea_nnunet_crop(const struct fovea_planes *planes, struct fovea_box *box) {
    size_t width = planes->width, height = planes->height;
    size_t top = height, bottom = 0, left = width, right = 0;
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            if (!is_empty(planes, y * width + x)) {
                top = y < top ? y : top;
                bottom = y + 1;
                left = x < left ? x : left;
                right = x + 1 > right ? x + 1 : right;
            }
        }
    }
    if (bottom == 0) {
        return false;
    }
    *box = (struct fovea_box){top, left, bottom - top, right - left};
    return true;
}

/* Mean and population deviation of the pixels of `box` that count. Sums of whole numbers are exact in double. */
static void statistics(const struct fovea_planes *planes, size_t channel, const struct fovea_box *box, bool masked,
                       double *mean, double *deviation) {
    double sum = 0, squares = 0;
    size_t count = 0;
    for (size_t y = 0; y < box->height; y++) {
        for (size_t x = 0; x < box->width; x++) {
            size_t index = (box->top + y) * planes->width + box->left + x;
            if (!masked || !is_empty(planes, index)) {
                sum += sample(planes, channel, index);
                count++;
            }
        }
    }
    *mean = sum / (double)count;
    for (size_t y = 0; y < box->height; y++) {
        for (size_t x = 0; x < box->width; x++) {
            size_t index = (box->top + y) * planes->width + box->left + x;
            if (!masked || !is_empty(planes, index)) {
                double difference = sample(planes, channel, index) - *mean;
                squares += difference * difference;
            }
        }
    }
    *deviation = sqrt(squares / (double)count);
}

void fovea_nnunet_normalise(const struct fovea_planes *planes, const struct fovea_box *box, const bool *masked,
                            float *result) {
    for (size_t c = 0; c < planes->count; c++) {
        double mean, deviation;
        statistics(planes, c, box, masked[c], &mean, &deviation);
        for (size_t y = 0; y < box->height; y++) {
            for (size_t x = 0; x < box->width; x++) {
                size_t index = (box->top + y) * planes->width + box->left + x;
                bool outside = masked[c] && is_empty(planes, index);
                *result++ = outside ? 0.0f : (float)((sample(planes, c, index) - mean) / (deviation + 1e-8));
            }
        }
    }
}

size_t fovea_nnunet_tiles(size_t length, size_t patch, double step) {
    return (size_t)ceil((double)(length - patch) / ((double)patch * step)) + 1;
}

size_t fovea_nnunet_tile_start(size_t length, size_t patch, size_t tiles, size_t index) {
    double step = tiles > 1 ? (double)(length - patch) / (double)(tiles - 1) : 0;
    return (size_t)nearbyint(step * (double)index);
}

/* The filter's answer along one axis to an impulse at size / 2. */
static void impulse_answer(size_t size, double *answer) {
    double sigma = (double)size * (1.0 / 8.0);
    long radius = (long)(4.0 * sigma + 0.5), centre = (long)(size / 2);
    double sum = 0;
    for (long x = -radius; x <= radius; x++) {
        sum += exp(-0.5 / (sigma * sigma) * (double)(x * x));
    }
    for (long i = 0; i < (long)size; i++) {
        long x = i - centre;
        bool inside = x >= -radius && x <= radius;
        answer[i] = inside ? exp(-0.5 / (sigma * sigma) * (double)(x * x)) / sum : 0;
    }
}

void fovea_nnunet_gaussian(size_t height, size_t width, double *column, double *row, float *weights) {
    impulse_answer(height, column);
    impulse_answer(width, row);
    double most = column[height / 2] * row[width / 2];
    float least = 1;
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            float weight = (float)(column[y] * row[x] / most);
            weights[y * width + x] = weight;
            least = weight > 0 && weight < least ? weight : least;
        }
    }
    for (size_t i = 0; i < height * width; i++) {
        weights[i] = weights[i] > 0 ? weights[i] : least;
    }
}

void fovea_nnunet_flip(const float *source, struct fovea_layout layout, size_t planes, size_t height, size_t width,
                       bool vertical, bool horizontal, float *result) {
    for (size_t line = 0; line < planes * height; line++) {
        size_t plane = line / height, y = line % height;
        const float *from = source + plane * layout.plane + (vertical ? height - 1 - y : y) * layout.stride;
        float *to = result + line * width;
        if (!horizontal) {
            memcpy(to, from, width * sizeof *to);
            continue;
        }
        for (size_t x = 0; x < width; x++) {
            to[x] = from[width - 1 - x];
        }
    }
}

void fovea_nnunet_add_flipped(const float *source, size_t planes, size_t height, size_t width, bool vertical,
                              bool horizontal, float share, float *sum) {
    for (size_t line = 0; line < planes * height; line++) {
        size_t plane = line / height, y = line % height;
        const float *from = source + (plane * height + (vertical ? height - 1 - y : y)) * width;
        float *to = sum + line * width;
        if (horizontal) {
            for (size_t x = 0; x < width; x++) {
                to[x] += share * from[width - 1 - x];
            }
        } else {
            for (size_t x = 0; x < width; x++) {
                to[x] += share * from[x];
            }
        }
    }
}
