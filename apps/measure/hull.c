#include "measure/hull.h"

#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

static int compare_points(const void *a, const void *b) {
    const struct fovea_point *left = a, *right = b;
    if (left->x != right->x) {
        return left->x < right->x ? -1 : 1;
    }
    return (left->y > right->y) - (left->y < right->y);
}

/* Twice the area of the triangle, positive for a turn from x to y. */
static double turn(const struct fovea_point *a, const struct fovea_point *b, const struct fovea_point *c) {
    return (b->x - a->x) * (c->y - a->y) - (b->y - a->y) * (c->x - a->x);
}

/* Adds a corner to the chain that begins at `start`, dropping those that it makes needless. */
static size_t add(struct fovea_point *hull, size_t start, size_t count, const struct fovea_point *point) {
    while (count >= start + 2 && turn(&hull[count - 2], &hull[count - 1], point) <= 0.0) {
        count--;
    }
    hull[count] = *point;
    return count + 1;
}

size_t fovea_hull(struct fovea_point *points, size_t count, struct fovea_point *hull) {
    qsort(points, count, sizeof *points, compare_points);
    size_t corners = 0;
    for (size_t i = 0; i < count; i++) {
        corners = add(hull, 0, corners, &points[i]);
    }
    size_t start = corners - 1; /* the last point begins the way back */
    for (size_t i = count - 1; i-- > 0;) {
        corners = add(hull, start, corners, &points[i]);
    }
    while (corners > 1 && compare_points(&hull[corners - 1], &hull[0]) == 0) {
        corners--; /* the way back ends where it began */
    }
    return corners;
}

double fovea_hull_area(const struct fovea_point *hull, size_t count) {
    double twice = 0.0;
    for (size_t i = 1; i + 1 < count; i++) {
        twice += turn(&hull[0], &hull[i], &hull[i + 1]);
    }
    return twice / 2.0;
}

static double distance(const struct fovea_point *a, const struct fovea_point *b) {
    return hypot(b->x - a->x, b->y - a->y);
}

double fovea_hull_perimeter(const struct fovea_point *hull, size_t count) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += distance(&hull[i], &hull[(i + 1) % count]);
    }
    return sum;
}

static double direction(const struct fovea_point *a, const struct fovea_point *b) {
    double angle = atan2(b->y - a->y, b->x - a->x) * 180.0 / PI;
    return angle <= -90.0 ? angle + 180.0 : angle > 90.0 ? angle - 180.0 : angle;
}

static void offer_diameter(const struct fovea_point *a, const struct fovea_point *b, struct fovea_feret *feret) {
    double length = distance(a, b);
    if (length > feret->greatest) {
        feret->greatest = length;
        feret->angle_degrees = direction(a, b);
    }
}

struct fovea_feret fovea_hull_feret(const struct fovea_point *hull, size_t count) {
    struct fovea_feret feret = {0.0, count < 3 ? 0.0 : HUGE_VAL, 0.0};
    if (count < 3) {
        offer_diameter(&hull[0], &hull[count - 1], &feret);
        return feret;
    }
    size_t far = 1;
    for (size_t i = 0; i < count; i++) {
        const struct fovea_point *from = &hull[i], *to = &hull[(i + 1) % count];
        offer_diameter(from, &hull[far], &feret);
        while (turn(from, to, &hull[(far + 1) % count]) > turn(from, to, &hull[far])) {
            far = (far + 1) % count;
            offer_diameter(from, &hull[far], &feret);
        }
        feret.least = fmin(feret.least, turn(from, to, &hull[far]) / distance(from, to));
    }
    return feret;
}
