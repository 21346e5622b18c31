#include "phantom/degrade.h"

#include <math.h>
#include <string.h>

#include "fovea/memory.h"

static const double REFERENCE_SIDE = 320.0;

static void add_shadow(struct degradation *degradation, struct random *random, double low, double high, bool wide) {
    struct shadow *shadow = &degradation->shadows[degradation->shadow_count++];
    shadow->x = random_between(random, 0.1, 0.9);
    shadow->y = random_between(random, 0.1, 0.9);
    shadow->radius = wide ? random_between(random, 0.3, 0.6) : random_between(random, 0.12, 0.35);
    shadow->stretch = random_between(random, 0.5, 2.0);
    shadow->depth = random_between(random, low, high);
}

/* Gradable: blur of 1 to 2; or 5 to 20 stripes of up to 40 % with a few shifts of up to 6; or a shadow of up to 50 %
 * with slight blur and noise of up to 15. The macula stays clear. */
static void choose_gradable(struct degradation *degradation, struct random *random) {
    switch (random_below(random, 3)) {
    case 0:
        degradation->name = "blur";
        degradation->blur = random_between(random, 1.15, 1.9);
        break;
    case 1:
        degradation->name = "stripes and shifts";
        degradation->stripes = 7 + random_below(random, 13);
        degradation->stripe_low = 0.15;
        degradation->stripe_high = 0.4;
        degradation->shifts = 1 + random_below(random, 4);
        degradation->shift_low = 1.0;
        degradation->shift_high = 6.0;
        break;
    default:
        degradation->name = "shadow, slight blur and noise";
        add_shadow(degradation, random, 0.3, 0.5, random_chance(random, 0.5));
        degradation->blur = random_between(random, 0.5, 1.0);
        degradation->noise = random_between(random, 7.0, 15.0);
    }
}

/* Ungradable: blur of 3.5 and more; or 30 strong stripes and more with many shifts of tens of pixels; or less than half
 * the signal with heavy shadows and noise of 25 and more; or the macula off-centre by a third of the width and more; or
 * a quarter of the contrast with blur and noise. */
static void choose_ungradable(struct degradation *degradation, struct random *random) {
    switch (random_below(random, 5)) {
    case 0:
        degradation->name = "heavy blur";
        degradation->blur = random_between(random, 3.6, 6.5);
        break;
    case 1:
        degradation->name = "strong stripes and shifts";
        degradation->stripes = 35 + random_below(random, 40);
        degradation->stripe_low = 0.4;
        degradation->stripe_high = 0.85;
        degradation->shifts = 10 + random_below(random, 20);
        degradation->shift_low = 10.0;
        degradation->shift_high = 50.0;
        break;
    case 2: {
        degradation->name = "low signal, shadows and noise";
        degradation->gain = random_between(random, 0.2, 0.45);
        uint32_t count = 1 + random_below(random, MAX_SHADOWS);
        for (uint32_t i = 0; i < count; i++) {
            add_shadow(degradation, random, 0.6, 0.9, true);
        }
        degradation->noise = random_between(random, 26.0, 40.0);
        break;
    }
    case 3: {
        degradation->name = "off centre";
        double distance = random_between(random, 0.40, 0.47);
        double angle = PORTABLE_PI / 2.0 * random_below(random, 4) + random_between(random, -0.35, 0.35);
        degradation->off_x = distance * portable_cosine(angle);
        degradation->off_y = distance * portable_sine(angle);
        break;
    }
    default:
        degradation->name = "low contrast, blur and noise";
        degradation->contrast = random_between(random, 0.15, 0.25);
        degradation->blur = random_between(random, 1.2, 3.0);
        degradation->noise = random_between(random, 8.0, 22.0);
    }
}

struct degradation degradation_choose(enum fovea_phantom_grade grade, struct random *random) {
    struct degradation degradation = {.gain = 1.0, .contrast = 1.0, .name = "none"};
    if (grade == FOVEA_PHANTOM_GRADABLE) {
        choose_gradable(&degradation, random);
    } else if (grade == FOVEA_PHANTOM_UNGRADABLE) {
        choose_ungradable(&degradation, random);
    } else if (random_chance(random, 0.4)) {
        degradation.name = "one or two faint stripes";
        degradation.stripes = 1 + random_below(random, 2);
        degradation.stripe_low = 0.05;
        degradation.stripe_high = 0.18;
    }
    return degradation;
}

static void cast_shadows(const struct degradation *degradation, struct plane *image) {
    for (uint32_t s = 0; s < degradation->shadow_count; s++) {
        const struct shadow *shadow = &degradation->shadows[s];
        for (uint32_t y = 0; y < image->side; y++) {
            for (uint32_t x = 0; x < image->side; x++) {
                double dx = ((double)x / image->side - shadow->x) / shadow->radius;
                double dy = ((double)y / image->side - shadow->y) / shadow->radius;
                double square = dx * dx * shadow->stretch + dy * dy / shadow->stretch;
                double lost = shadow->depth * portable_exp(-0.5 * fmin(square, 200.0));
                float *pixel = &image->values[(size_t)y * image->side + x];
                *pixel = (float)((double)*pixel * (1.0 - lost));
            }
        }
    }
}

static void reduce_contrast(const struct degradation *degradation, struct plane *image) {
    size_t pixels = (size_t)image->side * image->side;
    double sum = 0.0;
    for (size_t i = 0; i < pixels; i++) {
        sum += (double)image->values[i];
    }
    double mean = sum / (double)pixels;
    for (size_t i = 0; i < pixels; i++) {
        double value = mean + degradation->contrast * ((double)image->values[i] - mean);
        image->values[i] = (float)(value * degradation->gain);
    }
}

static void add_noise(double deviation, struct random *random, struct plane *image) {
    size_t pixels = (size_t)image->side * image->side;
    for (size_t i = 0; i < pixels; i++) {
        image->values[i] += (float)random_normal(random, 0.0, deviation);
    }
}

/* Lines along the fast scan that lose light, or a few that gain it, over one to four rows. */
static void add_stripes(const struct degradation *degradation, struct random *random, struct plane *image) {
    double unit = image->side / REFERENCE_SIDE;
    for (uint32_t i = 0; i < degradation->stripes; i++) {
        uint32_t first = random_below(random, image->side);
        uint32_t rows = (uint32_t)fmax(1.0, random_between(random, 0.8, 4.0) * unit);
        double share = random_between(random, degradation->stripe_low, degradation->stripe_high);
        double factor = 1.0 + (random_chance(random, 0.75) ? -share : share);
        for (uint32_t y = first; y < first + rows && y < image->side; y++) {
            for (uint32_t x = 0; x < image->side; x++) {
                image->values[(size_t)y * image->side + x] *= (float)factor;
            }
        }
    }
}

/* Turns a row of `count` items of `size` bytes round by `shift` items to the right. */
static void rotate_row(void *row, size_t count, size_t size, size_t shift, uint8_t *scratch) {
    uint8_t *bytes = row;
    memcpy(scratch, bytes, count * size);
    memcpy(bytes + shift * size, scratch, (count - shift) * size);
    memcpy(bytes, scratch + (count - shift) * size, shift * size);
}

/* Eye movements: bands of rows, or all rows from one on, moved sideways. */
static enum fv_status add_shifts(const struct degradation *degradation, struct random *random, struct plane *image,
                                 uint8_t *mask, struct fv_error *error) {
    size_t side = image->side;
    double unit = (double)side / REFERENCE_SIDE;
    uint8_t *scratch = fv_allocate(side, sizeof(float));
    if (scratch == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a phantom");
    }
    for (uint32_t i = 0; i < degradation->shifts; i++) {
        size_t first = random_below(random, image->side);
        size_t rows = random_chance(random, 0.3) ? side : 1 + (size_t)(random_between(random, 3.0, 40.0) * unit);
        size_t shift = (size_t)(random_between(random, degradation->shift_low, degradation->shift_high) * unit + 0.5);
        shift = random_chance(random, 0.5) ? side - shift : shift;
        for (size_t y = first; y < first + rows && y < side; y++) {
            rotate_row(image->values + y * side, side, sizeof(float), shift, scratch);
            rotate_row(mask + y * side, side, 1, shift, scratch);
        }
    }
    fv_release(scratch);
    return FV_OK;
}

enum fv_status degradation_apply(const struct degradation *degradation, struct random *random, struct plane *image,
                                 uint8_t *mask, struct fv_error *error) {
    double sigma = degradation->blur * image->side / REFERENCE_SIDE;
    reduce_contrast(degradation, image);
    cast_shadows(degradation, image);
    enum fv_status status = plane_blur(image, sigma, sigma, error);
    if (status == FV_OK && degradation->noise > 0.0) {
        add_noise(degradation->noise, random, image);
    }
    if (status == FV_OK) {
        add_stripes(degradation, random, image);
        status = add_shifts(degradation, random, image, mask, error);
    }
    return status;
}
