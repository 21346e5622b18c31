#include "shapes.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "checks.h"

enum { LOBES = 5, STEPS = 200000 };

static double lobed_radius(const struct shape *shape, double angle) {
    return shape->size * (1.0 + shape->other * cos(LOBES * angle));
}

static bool holds(const struct shape *shape, double x, double y) {
    double angle = shape->angle * SHAPES_PI / 180.0, cosine = cos(angle), sine = sin(angle);
    double dx = x - shape->x, dy = y - shape->y;
    double along = dx * cosine + dy * sine, across = dy * cosine - dx * sine;
    switch (shape->kind) {
    case SHAPE_ELLIPSE:
        return along * along / (shape->size * shape->size) + across * across / (shape->other * shape->other) <= 1.0;
    case SHAPE_LOBED:
        return hypot(along, across) <= lobed_radius(shape, atan2(across, along));
    case SHAPE_SQUARE:
        break;
    }
    return fabs(along) <= shape->size && fabs(across) <= shape->size;
}

uint8_t *shape_draw(const struct shape *shape, uint32_t side) {
    uint8_t *mask = check_allocate((size_t)side * side, 1);
    for (size_t i = 0; i < (size_t)side * side; i++) {
        mask[i] = holds(shape, (double)(i % side), (double)(i / side)) ? 255 : 0;
    }
    return mask;
}

double shape_perimeter(const struct shape *shape) {
    if (shape->kind == SHAPE_SQUARE) {
        return 8.0 * shape->size;
    }
    double sum = 0.0, before[2] = {0.0, 0.0};
    for (int k = 0; k <= STEPS; k++) {
        double angle = 2.0 * SHAPES_PI * k / STEPS;
        double radius = shape->kind == SHAPE_LOBED ? lobed_radius(shape, angle) : shape->size;
        double other = shape->kind == SHAPE_LOBED ? radius : shape->other;
        double here[2] = {radius * cos(angle), other * sin(angle)};
        sum += k > 0 ? hypot(here[0] - before[0], here[1] - before[1]) : 0.0;
        before[0] = here[0];
        before[1] = here[1];
    }
    return sum;
}

double shape_area(const struct shape *shape) {
    switch (shape->kind) {
    case SHAPE_ELLIPSE:
        return SHAPES_PI * shape->size * shape->other;
    case SHAPE_LOBED:
        return SHAPES_PI * shape->size * shape->size * (1.0 + shape->other * shape->other / 2.0);
    case SHAPE_SQUARE:
        break;
    }
    return 4.0 * shape->size * shape->size;
}

double shape_random(void) {
    static uint64_t state = 20211;
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (double)(state >> 11) / 9007199254740992.0;
}
