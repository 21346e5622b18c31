/* Private to this room: the parts of a phantom while it is made.
 *
 * Lengths are in pixels of the scene's own grid, as coarse as a device's scan; `scale` turns millimetres into them. */
#ifndef FOVEA_APPS_SCENE_H
#define FOVEA_APPS_SCENE_H

#include <stdbool.h>

#include "phantom/phantom.h"
#include "phantom/plane.h"

enum { OUTLINE_ANGLES = 720, SCENE_MAX_NODES = 6000 };

/* The stages, each with random numbers of its own. */
enum scene_stage { STAGE_PLAN, STAGE_OUTLINE, STAGE_VESSELS, STAGE_CAPILLARIES, STAGE_TONE, STAGE_DEGRADE };

/* The edge of the FAZ: its distance from the centre at OUTLINE_ANGLES equal angles from the x axis towards +y. */
struct outline {
    double x, y; /* centre */
    double radii[OUTLINE_ANGLES];
};

/* A point on a vessel, its unit direction and half width. */
struct vessel_node {
    double x, y, along_x, along_y, radius;
};

struct scene {
    const struct fovea_phantom_request *request;
    uint32_t side;
    double scale; /* pixels per millimetre */
    struct outline outline;
    struct plane away;        /* distance of each pixel from the outline along its radius; negative inside the FAZ */
    struct plane vessels;     /* brightness 0 .. 1 */
    struct plane capillaries; /* brightness 0 .. 1 */
    struct plane tone;        /* all of it, and in the end grey values 0 .. 255 */
    uint32_t *owners;         /* which line runs through a pixel; 0: none */
    uint32_t lines;           /* numbers given so far */
    struct vessel_node *nodes;
    size_t node_count;
};

/* Distance of a point from the outline along its radius, negative inside; and the outline's radius in a direction. */
double outline_away(const struct outline *outline, double x, double y);
double outline_radius(const struct outline *outline, double angle);

/* Draws the outline's shape and size by chance; its centre is `centre_mm` away from the image's. */
void scene_make_outline(struct scene *scene, const double centre_mm[2]);

/* Fill scene->vessels, ->nodes and ->owners; ->capillaries; ->tone. Each in this order. Errors: FV_ERROR_MEMORY. */
enum fv_status scene_grow_vessels(struct scene *scene, struct fv_error *error);
enum fv_status scene_grow_capillaries(struct scene *scene, struct fv_error *error);
enum fv_status scene_develop(struct scene *scene, struct fv_error *error);

/* Marks the pixels along a line as belonging to `owner`. */
void scene_claim(struct scene *scene, const double from[2], const double to[2], double radius, uint32_t owner);

/* A line other than `own` within `reach` of (x, y), or 0. `found` receives the pixel. */
uint32_t scene_find_owner(const struct scene *scene, double x, double y, double reach, uint32_t own, double found[2]);

#endif
