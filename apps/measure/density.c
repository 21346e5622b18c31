#include "measure/density.h"

#include <math.h>

#include "fovea/memory.h"
#include "measure/distance.h"

static const double PI = 3.14159265358979323846;

/* Radii of the circles in mm, and what they part the plane into. */
static const double radii_mm[] = {0.5, 1.5, 3.0};
enum { CIRCLE, INNER, OUTER, BEYOND, BANDS };
enum { SUPERIOR, INFERIOR, LEFT, RIGHT, SECTORS };

/* Limits on squared distances hold although sizes like 3 / 300 mm have no exact number. */
static const double TOLERANCE = 1e-9;

static const double LEAST_FRACTION = 0.5;

/* An area as far as it lies in the image. */
struct count {
    size_t pixels, vessels;
    double length;
    double fraction; /* of the whole area */
};

struct grid {
    double x, y;           /* centre, px */
    double width, height;  /* of the image */
    double limits[BEYOND]; /* squares of the radii, px^2 */
    struct count counts[BANDS][SECTORS];
};

static struct count *find_count(struct grid *grid, double x, double y) {
    double dx = x - grid->x, dy = y - grid->y, square = dx * dx + dy * dy;
    int band = CIRCLE;
    while (band < BEYOND && square > grid->limits[band]) {
        band++;
    }
    int sector = fabs(dy) > fabs(dx) ? (dy < 0.0 ? SUPERIOR : INFERIOR) : dx < 0.0 ? LEFT : RIGHT;
    return &grid->counts[band][sector];
}

static void count_within(const struct fovea_vessels *vessels, struct grid *grid) {
    for (uint32_t y = 0; y < vessels->height; y++) {
        for (uint32_t x = 0; x < vessels->width; x++) {
            size_t i = (size_t)y * vessels->width + x;
            struct count *count = find_count(grid, x, y);
            count->pixels++;
            count->vessels += vessels->map[i] != FOVEA_VESSEL_NONE;
            count->length += (double)vessels->length[i];
        }
    }
}

/* The part of the bands within some sectors that the image holds: 1 if it holds the circle around them, else what was
 * counted by what would be, which differs from whole pixels by their corners. */
static double find_fraction(const struct grid *grid, size_t pixels, int first_band, int last_band, int sectors) {
    double outer = sqrt(grid->limits[last_band]), inner = first_band > 0 ? grid->limits[first_band - 1] : 0.0;
    double reach = outer - TOLERANCE * grid->width;
    if (grid->x - reach >= -0.5 && grid->y - reach >= -0.5 && grid->x + reach <= grid->width - 0.5 &&
        grid->y + reach <= grid->height - 0.5) {
        return 1.0;
    }
    double area = PI * (grid->limits[last_band] - inner) * sectors / SECTORS;
    return fmin((double)pixels / area, 1.0);
}

static struct count sum_counts(const struct grid *grid, int first_band, int last_band, int first_sector,
                               int last_sector) {
    struct count sum = {0};
    for (int band = first_band; band <= last_band; band++) {
        for (int sector = first_sector; sector <= last_sector; sector++) {
            const struct count *count = &grid->counts[band][sector];
            sum.pixels += count->pixels;
            sum.vessels += count->vessels;
            sum.length += count->length;
        }
    }
    if (last_band < BEYOND) {
        sum.fraction = find_fraction(grid, sum.pixels, first_band, last_band, last_sector - first_sector + 1);
    }
    return sum;
}

static struct fovea_density find_density(const struct count *count, double pixel_mm) {
    if (count->pixels == 0 || count->fraction < LEAST_FRACTION) {
        return (struct fovea_density){NAN, NAN};
    }
    double pixels = (double)count->pixels;
    return (struct fovea_density){(double)count->vessels / pixels, count->length / (pixels * pixel_mm)};
}

/* What each area consists of. */
static const struct {
    enum fovea_area area;
    int first_band, last_band, first_sector, last_sector;
} parts[] = {
    {FOVEA_AREA_CIRCLE_1MM, CIRCLE, CIRCLE, SUPERIOR, RIGHT},
    {FOVEA_AREA_CIRCLE_3MM, CIRCLE, INNER, SUPERIOR, RIGHT},
    {FOVEA_AREA_CIRCLE_6MM, CIRCLE, OUTER, SUPERIOR, RIGHT},
    {FOVEA_AREA_INNER, INNER, INNER, SUPERIOR, RIGHT},
    {FOVEA_AREA_INNER_SUPERIOR, INNER, INNER, SUPERIOR, SUPERIOR},
    {FOVEA_AREA_INNER_INFERIOR, INNER, INNER, INFERIOR, INFERIOR},
    {FOVEA_AREA_INNER_LEFT, INNER, INNER, LEFT, LEFT},
    {FOVEA_AREA_INNER_RIGHT, INNER, INNER, RIGHT, RIGHT},
    {FOVEA_AREA_OUTER, OUTER, OUTER, SUPERIOR, RIGHT},
    {FOVEA_AREA_OUTER_SUPERIOR, OUTER, OUTER, SUPERIOR, SUPERIOR},
    {FOVEA_AREA_OUTER_INFERIOR, OUTER, OUTER, INFERIOR, INFERIOR},
    {FOVEA_AREA_OUTER_LEFT, OUTER, OUTER, LEFT, LEFT},
    {FOVEA_AREA_OUTER_RIGHT, OUTER, OUTER, RIGHT, RIGHT},
};

void fovea_densities_measure(const struct fovea_vessels *vessels, double pixel_mm, double x, double y,
                             struct fovea_densities *densities) {
    struct grid grid = {.x = x, .y = y, .width = vessels->width, .height = vessels->height};
    for (int k = 0; k < BEYOND; k++) {
        double radius = radii_mm[k] / pixel_mm;
        grid.limits[k] = radius * radius * (1.0 + TOLERANCE);
    }
    count_within(vessels, &grid);
    for (int area = 0; area < FOVEA_AREA_COUNT; area++) {
        densities->area[area] = (struct fovea_density){NAN, NAN};
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct count count =
            sum_counts(&grid, parts[i].first_band, parts[i].last_band, parts[i].first_sector, parts[i].last_sector);
        densities->area[parts[i].area] = find_density(&count, pixel_mm);
    }
    struct count image = sum_counts(&grid, CIRCLE, BEYOND, SUPERIOR, RIGHT);
    image.fraction = 1.0;
    densities->area[FOVEA_AREA_IMAGE] = find_density(&image, pixel_mm);
    densities->circle_1mm_fraction = sum_counts(&grid, CIRCLE, CIRCLE, SUPERIOR, RIGHT).fraction;
    densities->ring_1_3mm_fraction = sum_counts(&grid, INNER, INNER, SUPERIOR, RIGHT).fraction;
    densities->ring_3_6mm_fraction = sum_counts(&grid, OUTER, OUTER, SUPERIOR, RIGHT).fraction;
}

uint32_t fovea_fd_margin(double pixel_mm) {
    return (uint32_t)fmin(FOVEA_FD_RADIUS_MM / pixel_mm, FOVEA_DISTANCE_SIDE_MAX) + 1;
}

enum fv_status fovea_fd_measure(const struct fovea_region *region, const struct fovea_vessels *vessels, double pixel_mm,
                                double *percent, double *fraction, struct fv_error *error) {
    uint64_t *squares = fv_allocate((size_t)region->width * region->height, sizeof *squares);
    enum fv_status status = squares != NULL
                                ? fovea_distance_squares(region->pixels, region->width, region->height, squares, error)
                                : fv_error_set(error, FV_ERROR_MEMORY, "the ring around the FAZ: out of memory");
    size_t within = 0, outside = 0, perfused = 0;
    double radius = FOVEA_FD_RADIUS_MM / pixel_mm, limit = radius * radius * (1.0 + TOLERANCE);
    for (uint32_t y = 0; status == FV_OK && y < region->height; y++) {
        for (uint32_t x = 0; x < region->width; x++) {
            uint64_t square = squares[(size_t)y * region->width + x];
            int64_t u = region->left + x, v = region->top + y;
            if (square == 0 || (double)square > limit) {
                continue;
            }
            if (u < 0 || v < 0 || u >= vessels->width || v >= vessels->height) {
                outside++;
            } else {
                within++;
                perfused += vessels->map[(size_t)v * vessels->width + (size_t)u] != FOVEA_VESSEL_NONE;
            }
        }
    }
    fv_release(squares);
    *percent = within > 0 ? 100.0 * (double)perfused / (double)within : (double)NAN;
    *fraction = within + outside > 0 ? (double)within / (double)(within + outside) : (double)NAN;
    return status;
}
