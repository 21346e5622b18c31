/* Shapes with known measures, drawn as masks: a pixel belongs to a shape if its centre does. */
#ifndef FOVEA_TESTS_APPS_MEASURE_SHAPES_H
#define FOVEA_TESTS_APPS_MEASURE_SHAPES_H

#include <stdint.h>

#define SHAPES_PI 3.14159265358979323846

enum shape_kind { SHAPE_ELLIPSE, SHAPE_LOBED, SHAPE_SQUARE };

/* Lengths in pixels, angles in degrees from the x axis towards +y. */
struct shape {
    enum shape_kind kind;
    double x, y;  /* centre */
    double size;  /* half of the major axis, mean radius, half of a side */
    double other; /* half of the minor axis; depth of the lobes as a part of the radius */
    double angle;
};

/* A mask of side x side, 0 and 255; given back with free. */
uint8_t *shape_draw(const struct shape *shape, uint32_t side);

/* The exact perimeter and area. */
double shape_perimeter(const struct shape *shape);
double shape_area(const struct shape *shape);

/* Uniform in [0, 1), a fixed sequence that begins anew with each test. */
double shape_random(void);

#endif
