#include "adapt/augment.h"

#include "base/portable_math.h"

static const double MOST_DEGREES = 15.0, MIRROR_PROBABILITY = 0.5;

struct fovea_augmentation fovea_augmentation_draw(uint64_t seed, uint64_t image, uint64_t copy) {
    struct random random;
    if (copy == 0) {
        return (struct fovea_augmentation){false, 0.0};
    }
    random_start(&random, seed, image, copy);
    bool mirror = random_chance(&random, MIRROR_PROBABILITY) != 0;
    return (struct fovea_augmentation){mirror, random_between(&random, -MOST_DEGREES, MOST_DEGREES)};
}

/* The pixel in column x and row y, 0 outside. */
static double pixel(const struct fovea_image *image, long x, long y) {
    bool inside = x >= 0 && y >= 0 && x < (long)image->width && y < (long)image->height;
    return inside ? (double)image->pixels.u8[(size_t)y * image->width + (size_t)x] : 0.0;
}

/* The bilinear value at a place that is at most one image side outside. */
static uint8_t sample(const struct fovea_image *image, double x, double y) {
    const double side = (double)image->width + (double)image->height;
    long left = (long)(x + side) - (long)side, top = (long)(y + side) - (long)side; /* floors */
    double right = x - (double)left, below = y - (double)top;
    double upper = pixel(image, left, top) * (1.0 - right) + pixel(image, left + 1, top) * right;
    double lower = pixel(image, left, top + 1) * (1.0 - right) + pixel(image, left + 1, top + 1) * right;
    return (uint8_t)(upper * (1.0 - below) + lower * below + 0.5);
}

enum fv_status fovea_augment(const struct fovea_image *source, struct fovea_augmentation augmentation,
                             struct fovea_image *result, struct fv_error *error) {
    *result = (struct fovea_image){0};
    if (source->channels != 1 || source->bits != 8) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "augmenting takes 1 channel of 8 bits, found %u of %u",
                            source->channels, source->bits);
    }
    enum fv_status status = fovea_image_create(source->width, source->height, 1, 8, result, error);
    if (status != FV_OK) {
        return status;
    }
    const double radians = augmentation.degrees * PORTABLE_PI / 180.0;
    const double cosine = portable_cosine(radians), sine = portable_sine(radians);
    const double middle_x = (source->width - 1) / 2.0, middle_y = (source->height - 1) / 2.0;
    for (uint32_t y = 0; y < source->height; y++) {
        for (uint32_t x = 0; x < source->width; x++) {
            double dx = x - middle_x, dy = y - middle_y;
            double from_x = cosine * dx - sine * dy, from_y = sine * dx + cosine * dy;
            from_x = augmentation.mirror ? -from_x : from_x;
            result->pixels.u8[(size_t)y * source->width + x] = sample(source, middle_x + from_x, middle_y + from_y);
        }
    }
    return FV_OK;
}
