/* Private to this room: what makes an image gradable or ungradable.
 *
 * The bounds are those by which the shipped graders were trained and are judged (pixels of an image of 320 x 320, and
 * in proportion): see degrade.c. */
#ifndef FOVEA_APPS_DEGRADE_H
#define FOVEA_APPS_DEGRADE_H

#include <stdbool.h>

#include "phantom/phantom.h"
#include "phantom/plane.h"

struct shadow {
    double x, y, radius, stretch, depth; /* in shares of the side; the share of light lost */
};

enum { MAX_SHADOWS = 3 };

/* All zeros but gain and contrast 1: no degradation. */
struct degradation {
    double gain;     /* on all light */
    double contrast; /* around the mean */
    double blur;     /* deviation */
    double noise;    /* deviation in grey values */
    uint32_t stripes;
    double stripe_low, stripe_high; /* share of light lost in one */
    uint32_t shifts;
    double shift_low, shift_high;
    uint32_t shadow_count;
    struct shadow shadows[MAX_SHADOWS];
    double off_x, off_y; /* the fovea's distance from the middle, in shares of the side */
    const char *name;    /* of the kind, in static storage */
};

/* Chooses a degradation of the grade by chance. */
struct degradation degradation_choose(enum fovea_phantom_grade grade, struct random *random);

/* Applies it to grey values (clipped by the caller) and, where pixels move, to the mask (0 and 255). The centre's move
 * is not applied: the scene is made so. Errors: FV_ERROR_MEMORY. */
enum fv_status degradation_apply(const struct degradation *degradation, struct random *random, struct plane *image,
                                 uint8_t *mask, struct fv_error *error);

#endif
