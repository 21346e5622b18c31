#include <math.h>

#include "phantom/scene.h"

enum { HARMONICS = 5, CORNERS = 15 };

/* Areas of healthy eyes: Shiihara 2017, Linderman 2017, Falavarjani 2018 and the outlines that experts drew on COIPS
 * images (superficial 0.26 to 0.38 mm2, deep larger); deviations as there. */
static double draw_area(struct random *random, enum fovea_phantom_layer layer) {
    double mean = layer == FOVEA_PHANTOM_SUPERFICIAL ? 0.33 : 0.42;
    double deviation = layer == FOVEA_PHANTOM_SUPERFICIAL ? 0.10 : 0.12;
    double area;
    do {
        area = random_normal(random, mean, deviation);
    } while (area < 0.12 || area > 0.75);
    return area;
}

double outline_radius(const struct outline *outline, double angle) {
    double turns = angle / (2.0 * PORTABLE_PI);
    double position = (turns - floor(turns)) * OUTLINE_ANGLES;
    int before = (int)position;
    double share = position - before;
    return outline->radii[before % OUTLINE_ANGLES] * (1.0 - share) +
           outline->radii[(before + 1) % OUTLINE_ANGLES] * share;
}

double outline_away(const struct outline *outline, double x, double y) {
    double dx = x - outline->x, dy = y - outline->y;
    return sqrt(dx * dx + dy * dy) - outline_radius(outline, portable_angle(dy, dx));
}

/* An ellipse times a few long waves, and times a ragged line through corners: terminal capillaries meet at angles. */
static void draw_shape(struct random *random, double *radii) {
    double ratio = random_between(random, 1.0, 1.3), tilt = random_between(random, 0.0, PORTABLE_PI);
    double amplitudes[HARMONICS + 1], phases[HARMONICS + 1], corners[CORNERS];
    for (int k = 2; k <= HARMONICS; k++) {
        amplitudes[k] = random_normal(random, 0.0, 0.10 / k);
        phases[k] = random_between(random, 0.0, 2.0 * PORTABLE_PI);
    }
    for (int k = 0; k < CORNERS; k++) {
        corners[k] = random_normal(random, 1.0, 0.065);
    }
    double shift = random_between(random, 0.0, 1.0), swing = random_between(random, 0.0, 2.0 * PORTABLE_PI);
    for (int i = 0; i < OUTLINE_ANGLES; i++) {
        double angle = 2.0 * PORTABLE_PI * i / OUTLINE_ANGLES;
        double across = portable_cosine(angle - tilt) / ratio, up = portable_sine(angle - tilt);
        double wave = 1.0;
        for (int k = 2; k <= HARMONICS; k++) {
            wave += amplitudes[k] * portable_cosine(k * angle + phases[k]);
        }
        /* Corners at uneven angles: the position runs faster on one side than on the other. */
        double position = CORNERS * ((double)i / OUTLINE_ANGLES) + 0.9 * portable_sine(angle + swing) + shift + CORNERS;
        int before = (int)position;
        double share = position - before;
        double ragged = corners[before % CORNERS] * (1.0 - share) + corners[(before + 1) % CORNERS] * share;
        radii[i] = wave * ragged / sqrt(across * across + up * up);
    }
}

void scene_make_outline(struct scene *scene, const double centre_mm[2]) {
    struct random random;
    random_start(&random, scene->request->seed, scene->request->index, STAGE_OUTLINE);
    struct outline *outline = &scene->outline;
    outline->x = (scene->side - 1) / 2.0 + centre_mm[0] * scene->scale;
    outline->y = (scene->side - 1) / 2.0 + centre_mm[1] * scene->scale;
    double area = draw_area(&random, scene->request->layer);
    draw_shape(&random, outline->radii);
    double drawn = 0.0; /* half the integral of the squared radius */
    for (int i = 0; i < OUTLINE_ANGLES; i++) {
        drawn += outline->radii[i] * outline->radii[i] * PORTABLE_PI / OUTLINE_ANGLES;
    }
    double factor = sqrt(area / drawn) * scene->scale;
    for (int i = 0; i < OUTLINE_ANGLES; i++) {
        outline->radii[i] *= factor;
    }
    for (uint32_t y = 0; y < scene->side; y++) {
        for (uint32_t x = 0; x < scene->side; x++) {
            scene->away.values[(size_t)y * scene->side + x] = (float)outline_away(outline, x, y);
        }
    }
}
