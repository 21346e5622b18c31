/* Densities by counting, distances by trying every pair. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "measure/density.h"
#include "measure/distance.h"
#include "measure/measure.h"
#include "shapes.h"

enum { SIDE = 300 };

/* A map of vessels of one's own: every pixel by chance, lengths too. */
static struct fovea_vessels make_vessels(void) {
    struct fovea_vessels vessels = {.width = SIDE, .height = SIDE};
    vessels.map = check_allocate(SIDE * SIDE, 1);
    vessels.length = check_allocate(SIDE * SIDE, sizeof *vessels.length);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        vessels.map[i] = (uint8_t)(3.0 * shape_random());
        vessels.length[i] = vessels.map[i] == FOVEA_VESSEL_LINE ? (float)(0.5 + shape_random()) : 0.0F;
    }
    return vessels;
}

static void free_vessels(struct fovea_vessels *vessels) {
    free(vessels->map);
    free(vessels->length);
}

/* What an area holds, told by distances and angles in mm. */
struct wedge {
    enum fovea_area area;
    double from, to;        /* mm */
    double least, greatest; /* degrees from the right towards the lower edge, around 0; all if equal */
    double expected_mm2;
};

static bool wedge_holds(const struct wedge *wedge, double dx, double dy) {
    double distance = hypot(dx, dy), angle = atan2(dy, dx) * 180.0 / SHAPES_PI;
    bool turned = wedge->least > wedge->greatest && (angle >= wedge->least || angle <= wedge->greatest);
    bool between = angle >= wedge->least && angle <= wedge->greatest;
    return distance > wedge->from && distance <= wedge->to && (wedge->least == wedge->greatest || turned || between);
}

static const struct wedge wedges[] = {
    {FOVEA_AREA_CIRCLE_1MM, -1.0, 0.5, 0, 0, 0.25 * SHAPES_PI},
    {FOVEA_AREA_CIRCLE_3MM, -1.0, 1.5, 0, 0, 2.25 * SHAPES_PI},
    {FOVEA_AREA_CIRCLE_6MM, -1.0, 3.0, 0, 0, 9.0 * SHAPES_PI},
    {FOVEA_AREA_INNER, 0.5, 1.5, 0, 0, 2.0 * SHAPES_PI},
    {FOVEA_AREA_INNER_SUPERIOR, 0.5, 1.5, -135, -45, 0.5 * SHAPES_PI},
    {FOVEA_AREA_INNER_INFERIOR, 0.5, 1.5, 45, 135, 0.5 * SHAPES_PI},
    {FOVEA_AREA_INNER_LEFT, 0.5, 1.5, 135, -135, 0.5 * SHAPES_PI},
    {FOVEA_AREA_INNER_RIGHT, 0.5, 1.5, -45, 45, 0.5 * SHAPES_PI},
    {FOVEA_AREA_OUTER, 1.5, 3.0, 0, 0, 6.75 * SHAPES_PI},
    {FOVEA_AREA_OUTER_SUPERIOR, 1.5, 3.0, -135, -45, 6.75 / 4 * SHAPES_PI},
    {FOVEA_AREA_OUTER_INFERIOR, 1.5, 3.0, 45, 135, 6.75 / 4 * SHAPES_PI},
    {FOVEA_AREA_OUTER_LEFT, 1.5, 3.0, 135, -135, 6.75 / 4 * SHAPES_PI},
    {FOVEA_AREA_OUTER_RIGHT, 1.5, 3.0, -45, 45, 6.75 / 4 * SHAPES_PI},
};

/* Off the centre by an odd amount, so that no pixel lies on a limit; scans of 3 and of 6.4 mm. */
START_TEST(areas_by_counting) {
    struct fovea_vessels vessels = make_vessels();
    double pixel = (_i == 0 ? 3.0 : 6.4) / SIDE, x = 152.317, y = 147.723;
    struct fovea_densities densities;
    fovea_densities_measure(&vessels, pixel, x, y, &densities);
    for (size_t k = 0; k < sizeof wedges / sizeof *wedges; k++) {
        size_t count = 0, perfused = 0;
        double length = 0.0;
        for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
            if (wedge_holds(&wedges[k], ((double)(i % SIDE) - x) * pixel, ((double)(i / SIDE) - y) * pixel)) {
                count++;
                perfused += vessels.map[i] != FOVEA_VESSEL_NONE;
                length += (double)vessels.length[i] * pixel;
            }
        }
        double area = (double)count * pixel * pixel;
        const struct fovea_density *density = &densities.area[wedges[k].area];
        if (area < wedges[k].expected_mm2 / 2.0) {
            ck_assert_double_nan(density->perfusion);
            ck_assert_double_nan(density->vessel_per_mm);
        } else {
            ck_assert_double_eq_tol(density->perfusion, (double)perfused / (double)count, 1e-12);
            ck_assert_double_eq_tol(density->vessel_per_mm, length / area, 1e-9);
        }
        double fraction = fmin(area / wedges[k].expected_mm2, 1.0);
        if (wedges[k].area == FOVEA_AREA_INNER) {
            ck_assert_double_eq_tol(densities.ring_1_3mm_fraction, fraction, 0.003);
        } else if (wedges[k].area == FOVEA_AREA_OUTER) {
            ck_assert_double_eq_tol(densities.ring_3_6mm_fraction, fraction, 0.003);
        }
    }
    ck_assert(densities.circle_1mm_fraction == 1.0);
    ck_assert(_i == 0 ? densities.ring_1_3mm_fraction < 1.0 : densities.ring_3_6mm_fraction == 1.0);
    ck_assert_double_nan(densities.area[FOVEA_AREA_INNER_NASAL].perfusion);
    free_vessels(&vessels);
}
END_TEST

/* Whole circles of 100 pixels a mm, whose limits are whole numbers of pixels: those on them belong to the inside. */
START_TEST(limits_belong_to_the_inside) {
    struct fovea_vessels vessels = make_vessels();
    memset(vessels.map, 0, (size_t)SIDE * SIDE);
    vessels.map[150 * SIDE + 200] = FOVEA_VESSEL_BODY; /* 0.5 mm to the right */
    vessels.map[100 * SIDE + 150] = FOVEA_VESSEL_BODY; /* 0.5 mm above */
    struct fovea_densities densities;
    fovea_densities_measure(&vessels, 3.0 / SIDE, 150.0, 150.0, &densities);
    ck_assert_double_eq_tol(densities.area[FOVEA_AREA_CIRCLE_1MM].perfusion, 2.0 / 7845.0, 1e-12); /* N(50), Gauss */
    ck_assert(densities.area[FOVEA_AREA_INNER].perfusion == 0.0);
    free_vessels(&vessels);
}
END_TEST

static uint64_t nearest(const uint8_t *mask, uint32_t width, uint32_t height, int64_t x, int64_t y) {
    uint64_t least = UINT64_MAX;
    for (int64_t v = 0; v < height; v++) {
        for (int64_t u = 0; u < width; u++) {
            uint64_t square = (uint64_t)((u - x) * (u - x) + (v - y) * (v - y));
            least = mask[v * width + u] != 0 && square < least ? square : least;
        }
    }
    return least;
}

START_TEST(distances_are_exact) {
    static const uint32_t sides[][2] = {{37, 29}, {1, 50}, {50, 1}, {41, 41}, {23, 40}, {1, 1}};
    uint32_t width = sides[_i][0], height = sides[_i][1];
    uint8_t mask[41 * 41] = {0};
    uint64_t squares[41 * 41];
    struct fv_error error;
    for (uint32_t k = 0; k < width * height; k++) {
        mask[k] = shape_random() < (_i == 3 ? 0.0 : 0.02);
    }
    mask[width * height / 3] = 1;
    check_success(fovea_distance_squares(mask, width, height, squares, &error), &error);
    for (uint32_t k = 0; k < width * height; k++) {
        ck_assert_uint_eq(squares[k], nearest(mask, width, height, k % width, k / width));
    }
    check_failure(fovea_distance_squares(mask, 0, 4, squares, &error), &error, FV_ERROR_ARGUMENT, "0 x 4");
}
END_TEST

/* FD-300 of shapes against all pairs, in the middle and clipped by a corner of the image; of a mask that is full there
 * is none. */
START_TEST(fd300_by_trying_all) {
    static const struct {
        struct shape shape;
        double field;
    } rows[] = {
        {{SHAPE_ELLIPSE, 150.3, 146.2, 40, 25, 30}, 3.0},
        {{SHAPE_LOBED, 160, 140, 30, 0.3, 10}, 3.0},
        {{SHAPE_ELLIPSE, 6, 290, 30, 30, 0}, 3.0},
        {{SHAPE_SQUARE, 150, 150, 20, 20, 20}, 6.0},
    };
    uint8_t *mask = shape_draw(&rows[_i].shape, SIDE);
    struct fovea_vessels vessels = make_vessels();
    const struct fovea_measure_request request = {.name = "mask",
                                                  .mask = mask,
                                                  .width = SIDE,
                                                  .height = SIDE,
                                                  .field_mm = rows[_i].field,
                                                  .vessels = &vessels,
                                                  .eye = FOVEA_EYE_LEFT};
    struct fovea_measures measures;
    struct fv_error error;
    check_success(fovea_measure(&request, &measures, &error), &error);
    enum { REACH = 35 };
    size_t within = 0, outside = 0, perfused = 0;
    double limit = pow(0.3 / (rows[_i].field / SIDE), 2.0) + 1e-6;
    for (int64_t y = -REACH; y < SIDE + REACH; y++) {
        for (int64_t x = -REACH; x < SIDE + REACH; x++) {
            bool close = false, inside = x >= 0 && y >= 0 && x < SIDE && y < SIDE;
            if (inside && mask[y * SIDE + x] != 0) {
                continue;
            }
            for (int64_t v = y < REACH ? 0 : y - REACH; v < SIDE && v <= y + REACH && !close; v++) {
                for (int64_t u = x < REACH ? 0 : x - REACH; u < SIDE && u <= x + REACH && !close; u++) {
                    close = mask[v * SIDE + u] != 0 && (double)((u - x) * (u - x) + (v - y) * (v - y)) <= limit;
                }
            }
            within += close && inside;
            outside += close && !inside;
            perfused += close && inside && vessels.map[y * SIDE + x] != FOVEA_VESSEL_NONE;
        }
    }
    ck_assert_double_eq_tol(measures.fd300_percent, 100.0 * (double)perfused / (double)within, 1e-9);
    ck_assert_double_eq_tol(measures.fd300_ring_fraction, (double)within / (double)(within + outside), 1e-12);
    ck_assert(_i == 2 ? outside > 1000 : outside == 0);
    ck_assert_str_eq(measures.density_centre, "faz-centroid");
    ck_assert_str_eq(measures.vessel_method, FOVEA_VESSEL_METHOD);
    /* The nose of a left eye is on the left. */
    const struct fovea_density *density = measures.density;
    ck_assert(_i == 2 || density[FOVEA_AREA_INNER_NASAL].perfusion == density[FOVEA_AREA_INNER_LEFT].perfusion);
    ck_assert(_i == 2 || density[FOVEA_AREA_INNER_TEMPORAL].perfusion == density[FOVEA_AREA_INNER_RIGHT].perfusion);
    free_vessels(&vessels);
    free(mask);
}
END_TEST

/* Without a FAZ areas are around the centre of the image, and there is no ring; nor where the mask fills the image. */
START_TEST(no_faz_and_nothing_but_faz) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    struct fovea_vessels vessels = make_vessels();
    const struct fovea_measure_request request = {
        .name = "mask", .mask = mask, .width = SIDE, .height = SIDE, .field_mm = 3.0, .vessels = &vessels};
    struct fovea_measures measures;
    struct fv_error error;
    check_success(fovea_measure(&request, &measures, &error), &error);
    ck_assert_str_eq(measures.density_centre, "image-centre");
    ck_assert_double_nan(measures.fd300_percent);
    ck_assert(measures.circle_1mm_fraction == 1.0 && measures.ring_1_3mm_fraction == 1.0);
    size_t perfused = 0;
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        perfused += vessels.map[i] != FOVEA_VESSEL_NONE;
    }
    ck_assert_double_eq_tol(measures.density[FOVEA_AREA_IMAGE].perfusion, (double)perfused / (SIDE * SIDE), 1e-12);
    memset(mask, 1, (size_t)SIDE * SIDE);
    check_success(fovea_measure(&request, &measures, &error), &error);
    ck_assert_double_nan(measures.fd300_percent);
    ck_assert(measures.fd300_ring_fraction == 0.0);
    free_vessels(&vessels);
    free(mask);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"areas", areas_by_counting, 2},
        {"limits", limits_belong_to_the_inside, 0},
        {"distances", distances_are_exact, 6},
        {"fd300", fd300_by_trying_all, 4},
        {"no ring", no_faz_and_nothing_but_faz, 0},
    };
    return check_run("densities", cases, sizeof cases / sizeof cases[0]);
}
