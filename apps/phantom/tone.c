/* From geometry to grey values: tissue, vessels, the scanner's speckle and rows, and a device's contrast. */
#include <math.h>

#include "fovea/memory.h"
#include "phantom/scene.h"

enum { KNOTS = 10, LEVELS = 8192 };

/* What share of the pixels of a real image lies below a grey value. Means over real images of COIPS (superficial 3 mm;
 * deep, of two devices) and ROSSA (6 mm). */
static const double shares[KNOTS] = {0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0};
static const double superficial_3mm[2][KNOTS] = {
    {0, 3, 11, 31, 49, 71, 104, 141, 222, 255},
    {0, 4, 16, 43, 68, 99, 137, 168, 230, 255},
};
static const double superficial_6mm[2][KNOTS] = {
    {0, 0, 4, 24, 64, 131, 205, 232, 254, 255},
    {0, 3, 14, 50, 93, 147, 211, 235, 254, 255},
};
static const double deep[2][KNOTS] = {
    {4, 17, 28, 49, 71, 98, 126, 143, 174, 235},
    {0, 6, 22, 63, 101, 142, 180, 202, 226, 250},
};

struct looks {
    double row_noise, speckle, floor, streak;
    double grain;        /* size of a speckle, in pixels */
    double trunk_shadow; /* deep: how vessels above show; negative: dark */
};

static void choose_knots(const struct scene *scene, struct random *random, double *knots) {
    const double(*pair)[KNOTS] = scene->request->layer == FOVEA_PHANTOM_DEEP ? deep
                                 : scene->request->field_mm == 3             ? superficial_3mm
                                                                             : superficial_6mm;
    double mix = random_between(random, -0.1, 1.1);
    for (int i = 0; i < KNOTS; i++) {
        knots[i] = fmin(fmax(pair[0][i] + mix * (pair[1][i] - pair[0][i]), 0.0), 255.0);
    }
}

/* Brightness of the bed by the distance from the FAZ in mm: real images brighten slowly outwards. */
static double ramp(const struct fovea_phantom_request *request, double away) {
    bool is_wide = request->field_mm == 6;
    if (request->layer == FOVEA_PHANTOM_DEEP) {
        double t = fmin(fmax((away + 0.18) / (is_wide ? 0.24 : 0.34), 0.0), 1.0);
        return t * t * (3.0 - 2.0 * t);
    }
    return away < 0.0 ? 0.22 + 0.4 * portable_exp(away / 0.035)
                      : 1.0 - (is_wide ? 0.12 : 0.36) * portable_exp(-away / 0.36);
}

/* Light without noise: tissue, the bed on it, the vessels over both. */
static void mix_layers(struct scene *scene, const struct plane *slow, const struct looks *looks) {
    bool is_deep = scene->request->layer == FOVEA_PHANTOM_DEEP;
    size_t pixels = (size_t)scene->side * scene->side;
    for (size_t i = 0; i < pixels; i++) {
        double around = ramp(scene->request, (double)scene->away.values[i] / scene->scale);
        double gain = around * fmax(0.4, 1.0 + (is_deep ? 0.22 : 0.09) * (double)slow->values[i]);
        double bed = scene->capillaries.values[i], vessel = scene->vessels.values[i];
        double tissue = looks->floor + (is_deep ? 0.16 : 0.14) * gain;
        double light = tissue + (is_deep ? 0.75 : 0.6) * gain * bed;
        if (is_deep) {
            light *= fmax(0.05, 1.0 + looks->trunk_shadow * vessel);
        } else {
            light += (1.2 - light) * vessel * (0.5 + 0.5 * vessel);
        }
        scene->tone.values[i] = (float)light;
    }
}

/* Speckle: multiplicative grain, part of it drawn out along the fast scan, with gains that change from row to row. */
static enum fv_status add_speckle(struct scene *scene, struct random *random, const struct looks *looks,
                                  struct fv_error *error) {
    struct plane grain = {0}, streaks = {0};
    enum fv_status status = plane_create(scene->side, &grain, error);
    if (status == FV_OK) {
        status = plane_create(scene->side, &streaks, error);
    }
    size_t pixels = (size_t)scene->side * scene->side;
    for (size_t i = 0; i < pixels && status == FV_OK; i++) {
        grain.values[i] = (float)random_normal(random, 0.0, 1.0);
        streaks.values[i] = (float)random_normal(random, 0.0, 1.0);
    }
    if (status == FV_OK) {
        status = plane_blur(&grain, looks->grain, 0.9 * looks->grain, error);
    }
    if (status == FV_OK) {
        status = plane_blur(&streaks, 2.6, 0.35, error);
    }
    if (status == FV_OK) {
        plane_standardise(&grain);
        plane_standardise(&streaks);
        double row = 1.0;
        for (size_t i = 0; i < pixels; i++) {
            row = i % scene->side == 0 ? 1.0 + random_normal(random, 0.0, looks->row_noise) : row;
            double noise = (double)grain.values[i] + looks->streak * (double)streaks.values[i];
            double light = (double)scene->tone.values[i] * row;
            /* Exponential in the noise, so that speckle is skewed as intensities are. */
            light *= portable_exp(looks->speckle * noise * (1.0 - 0.8 * fmin(light, 1.0)));
            scene->tone.values[i] = (float)light;
        }
    }
    plane_release(&grain);
    plane_release(&streaks);
    return status;
}

static double grey_of_share(const double *knots, double share) {
    int k = 1;
    while (k < KNOTS - 1 && share > shares[k]) {
        k++;
    }
    double t = (share - shares[k - 1]) / (shares[k] - shares[k - 1]);
    return knots[k - 1] + t * (knots[k] - knots[k - 1]);
}

/* Maps the light monotonically so that the grey values are spread as in real images. */
static enum fv_status match_greys(struct scene *scene, const double *knots, struct fv_error *error) {
    size_t pixels = (size_t)scene->side * scene->side;
    double *below = fv_allocate_zero(LEVELS + 1, sizeof *below);
    if (below == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a phantom");
    }
    float high = 0.0F;
    for (size_t i = 0; i < pixels; i++) {
        high = fmaxf(high, scene->tone.values[i]);
    }
    double unit = high > 0.0F ? (LEVELS - 1) / sqrt((double)high) : 0.0; /* finer steps in the dark */
    for (size_t i = 0; i < pixels; i++) {
        below[(size_t)(unit * sqrt((double)scene->tone.values[i])) + 1] += 1.0 / (double)pixels;
    }
    for (size_t level = 1; level <= LEVELS; level++) {
        below[level] += below[level - 1];
    }
    for (size_t i = 0; i < pixels; i++) {
        double level = unit * sqrt((double)scene->tone.values[i]);
        size_t whole = (size_t)level;
        double share = below[whole] + (level - (double)whole) * (below[whole + 1] - below[whole]);
        scene->tone.values[i] = (float)grey_of_share(knots, fmin(share, 1.0));
    }
    fv_release(below);
    return FV_OK;
}

enum fv_status scene_develop(struct scene *scene, struct fv_error *error) {
    struct random random;
    random_start(&random, scene->request->seed, scene->request->index, STAGE_TONE);
    bool is_deep = scene->request->layer == FOVEA_PHANTOM_DEEP;
    struct looks looks = {
        .row_noise = random_between(&random, 0.01, 0.03),
        .speckle = is_deep ? random_between(&random, 0.55, 0.75) : random_between(&random, 0.30, 0.44),
        .floor = random_between(&random, 0.03, 0.05),
        .streak = is_deep ? random_between(&random, 0.0, 0.25) : random_between(&random, 0.2, 0.45),
        .grain = is_deep ? random_between(&random, 0.55, 0.75) : random_between(&random, 0.5, 0.65),
        .trunk_shadow =
            random_chance(&random, 0.5) ? random_between(&random, -0.8, -0.4) : random_between(&random, 0.0, 0.5),
    };
    double knots[KNOTS];
    choose_knots(scene, &random, knots);
    struct plane slow;
    enum fv_status status = plane_create(scene->side, &slow, error);
    if (status == FV_OK) {
        status = plane_fill_noise(&slow, is_deep ? 7 : 5, &random, error);
    }
    if (status == FV_OK) {
        mix_layers(scene, &slow, &looks);
        status = plane_blur(&scene->tone, 0.4, 0.4, error);
    }
    if (status == FV_OK) {
        status = add_speckle(scene, &random, &looks, error);
    }
    if (status == FV_OK) {
        status = match_greys(scene, knots, error);
    }
    plane_release(&slow);
    return status;
}
