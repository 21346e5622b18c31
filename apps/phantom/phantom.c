#include "phantom/phantom.h"

#include <math.h>
#include <stdio.h>

#include "fovea/memory.h"
#include "image/resize.h"
#include "phantom/degrade.h"
#include "phantom/scene.h"

/* Devices scan about 300 x 300 points and export other sizes by interpolation. */
enum { SCAN_SIDE = 320, FINEST_SCAN_SIDE = 420 };

const char *fovea_phantom_layer_name(enum fovea_phantom_layer layer) {
    return layer == FOVEA_PHANTOM_DEEP ? "deep" : "superficial";
}

const char *fovea_phantom_grade_name(enum fovea_phantom_grade grade) {
    static const char *const names[] = {"ungradable", "gradable", "outstanding"};
    return names[grade];
}

static uint32_t scan_side(const struct fovea_phantom_request *request) {
    if (request->layer == FOVEA_PHANTOM_DEEP && request->side > FINEST_SCAN_SIDE) {
        return FINEST_SCAN_SIDE; /* the deep plexus is finer grained in exports than 320 points would give */
    }
    return request->side >= 256 && request->side <= FINEST_SCAN_SIDE ? request->side : SCAN_SIDE;
}

static void release_scene(struct scene *scene) {
    plane_release(&scene->away);
    plane_release(&scene->vessels);
    plane_release(&scene->capillaries);
    plane_release(&scene->tone);
    fv_release(scene->owners);
    fv_release(scene->nodes);
}

static enum fv_status create_scene(const struct fovea_phantom_request *request, struct scene *scene,
                                   struct fv_error *error) {
    uint32_t side = scan_side(request);
    *scene = (struct scene){.request = request, .side = side, .scale = (double)side / request->field_mm};
    scene->owners = fv_allocate_zero((size_t)side * side, sizeof *scene->owners);
    scene->nodes = fv_allocate(SCENE_MAX_NODES, sizeof *scene->nodes);
    if (scene->owners == NULL || scene->nodes == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a phantom of %u x %u pixels", side, side);
    }
    struct plane *const planes[] = {&scene->away, &scene->vessels, &scene->capillaries, &scene->tone};
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < 4 && status == FV_OK; i++) {
        status = plane_create(side, planes[i], error);
    }
    return status;
}

/* The scan in grey values, interpolated to the size asked for. */
static enum fv_status render(struct scene *scene, struct plane *image, struct fv_error *error) {
    enum fv_status status = scene_grow_vessels(scene, error);
    if (status == FV_OK) {
        status = scene_grow_capillaries(scene, error);
    }
    if (status == FV_OK) {
        status = scene_develop(scene, error);
    }
    if (status == FV_OK) {
        status = fovea_resize_plane(scene->tone.values, scene->side, scene->side, image->values, image->side,
                                    image->side, error);
    }
    return status;
}

/* Pixels whose centre is inside the outline, at the size asked for. */
static void draw_mask(const struct scene *scene, struct fovea_phantom *phantom) {
    uint32_t side = phantom->mask.width;
    double ratio = (double)scene->side / side;
    for (uint32_t y = 0; y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            double away = outline_away(&scene->outline, (x + 0.5) * ratio - 0.5, (y + 0.5) * ratio - 0.5);
            phantom->mask.pixels.u8[(size_t)y * side + x] = away < 0.0 ? 255 : 0;
        }
    }
    phantom->centre_x_px = (scene->outline.x + 0.5) / ratio - 0.5;
    phantom->centre_y_px = (scene->outline.y + 0.5) / ratio - 0.5;
}

static void round_greys(const struct plane *plane, struct fovea_image *image) {
    size_t pixels = (size_t)plane->side * plane->side;
    for (size_t i = 0; i < pixels; i++) {
        double value = floor((double)plane->values[i] + 0.5);
        image->pixels.u8[i] = (uint8_t)fmin(fmax(value, 0.0), 255.0);
    }
}

/* Everything after the allocations of the results. */
static enum fv_status make(const struct fovea_phantom_request *request, struct scene *scene, struct plane *image,
                           struct fovea_phantom *phantom, struct fv_error *error) {
    struct random random;
    random_start(&random, request->seed, request->index, STAGE_PLAN);
    struct degradation degradation = degradation_choose(request->grade, &random);
    double centre_mm[2] = {
        random_normal(&random, 0.0, 0.09) + degradation.off_x * request->field_mm,
        random_normal(&random, 0.0, 0.09) + degradation.off_y * request->field_mm,
    };
    scene_make_outline(scene, centre_mm);
    draw_mask(scene, phantom);
    enum fv_status status = render(scene, image, error);
    if (status == FV_OK) {
        random_start(&random, request->seed, request->index, STAGE_DEGRADE);
        status = degradation_apply(&degradation, &random, image, phantom->mask.pixels.u8, error);
    }
    if (status == FV_OK) {
        round_greys(image, &phantom->image);
        snprintf(phantom->degradation, sizeof phantom->degradation, "%s", degradation.name);
    }
    return status;
}

enum fv_status fovea_phantom_make(const struct fovea_phantom_request *request, struct fovea_phantom *phantom,
                                  struct fv_error *error) {
    *phantom = (struct fovea_phantom){0};
    if (request->side < FOVEA_PHANTOM_MIN_SIDE || request->side > FOVEA_PHANTOM_MAX_SIDE ||
        (request->field_mm != 3 && request->field_mm != 6)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "a phantom has %d to %d pixels a side and 3 or 6 mm, not %u pixels and %u mm",
                            FOVEA_PHANTOM_MIN_SIDE, FOVEA_PHANTOM_MAX_SIDE, request->side, request->field_mm);
    }
    struct plane image = {0};
    struct scene scene = {0};
    enum fv_status status = fovea_image_create(request->side, request->side, 1, 8, &phantom->image, error);
    if (status == FV_OK) {
        status = fovea_image_create(request->side, request->side, 1, 8, &phantom->mask, error);
    }
    if (status == FV_OK) {
        status = plane_create(request->side, &image, error);
    }
    if (status == FV_OK) {
        status = create_scene(request, &scene, error);
    }
    if (status == FV_OK) {
        status = make(request, &scene, &image, phantom, error);
    }
    release_scene(&scene);
    plane_release(&image);
    if (status != FV_OK) {
        fovea_phantom_release(phantom);
    }
    return status;
}

void fovea_phantom_release(struct fovea_phantom *phantom) {
    fovea_image_release(&phantom->image);
    fovea_image_release(&phantom->mask);
    *phantom = (struct fovea_phantom){0};
}
