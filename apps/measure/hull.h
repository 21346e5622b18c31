/* The convex hull of points of the plane, and its diameters.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_HULL_H
#define FOVEA_APPS_MEASURE_HULL_H

#include <stddef.h>

struct fovea_point {
    double x, y;
};

/* Writes the corners of the convex hull of `points` (at least one; they are sorted in place) to `hull`, room for count
 * + 1 points, in the order of a positive turn from x to y and without points on its edges. Returns how many they are: 1
 * or 2 where all points coincide or lie on a line. Andrew's monotone chain (1979); exact for small whole coordinates.
 */
size_t fovea_hull(struct fovea_point *points, size_t count, struct fovea_point *hull);

double fovea_hull_area(const struct fovea_point *hull, size_t count);
double fovea_hull_perimeter(const struct fovea_point *hull, size_t count);

/* Feret's diameters: the greatest distance of two corners and its direction, degrees from the x axis towards +y in
 * (-90, 90] (the first found of equals), and the least width between parallel lines. Rotating calipers (Shamos 1978):
 * the corner farthest from an edge moves on as the edge does, and every greatest distance is between such a pair. */
struct fovea_feret {
    double greatest, least, angle_degrees;
};
struct fovea_feret fovea_hull_feret(const struct fovea_point *hull, size_t count);

#endif
