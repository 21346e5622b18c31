/* The capillary bed.
 *
 * Lines start at random places that are free, follow a field of directions (across the vessels beside them, towards or
 * around the FAZ near it), and end where they meet another line, which makes a mesh. None enters the FAZ; a ring of
 * terminal capillaries runs around it. */
#include <math.h>

#include "fovea/memory.h"
#include "phantom/scene.h"

enum { FIELD_CELLS = 48, MAX_STEPS = 400 };

/* Directions without sign, as doubled angles: cos 2a and sin 2a, on a coarse grid. */
struct field {
    double cosine[FIELD_CELLS * FIELD_CELLS], sine[FIELD_CELLS * FIELD_CELLS];
};

/* One kind of line. */
struct weave {
    double spacing;           /* free space that a start needs */
    double shortest, longest; /* length */
    double radius;            /* half width */
    double faintest, brightest;
    double wander;    /* deviation of the direction, per step */
    double obedience; /* to the field, 0 .. 1 */
    double beading;   /* share of the brightness that varies along the line */
    double outset;    /* keeps this far from the FAZ */
    uint32_t tries;
};

struct bed {
    struct scene *scene;
    struct random random;
    struct field *field;
    struct plane brightness; /* slow changes */
};

static double cell_centre(const struct scene *scene, int cell) {
    return (cell + 0.5) * scene->side / FIELD_CELLS - 0.5;
}

/* Across the vessels nearby, near ones first. */
static void add_vessels(const struct scene *scene, double x, double y, double *cosine, double *sine) {
    double reach = 0.16 * scene->scale, near = reach * reach;
    for (size_t i = 0; i < scene->node_count; i++) {
        const struct vessel_node *node = &scene->nodes[i];
        double distance = (node->x - x) * (node->x - x) + (node->y - y) * (node->y - y);
        double weight = near * near / ((near + distance) * (near + distance)) * 0.25;
        *cosine -= weight * (node->along_x * node->along_x - node->along_y * node->along_y);
        *sine -= weight * 2.0 * node->along_x * node->along_y;
    }
}

/* Near the FAZ: outwards or around, by slow chance. */
static void add_fovea(const struct scene *scene, double x, double y, double choice, double *cosine, double *sine) {
    double dx = x - scene->outline.x, dy = y - scene->outline.y, square = dx * dx + dy * dy;
    if (square < 1.0) {
        return;
    }
    double away = fmax(outline_away(&scene->outline, x, y), 0.0) / (0.35 * scene->scale);
    double weight = 1.4 * choice * portable_exp(-fmin(away * away, 100.0));
    *cosine += weight * (dx * dx - dy * dy) / square;
    *sine += weight * 2.0 * dx * dy / square;
}

static enum fv_status make_field(struct bed *bed, struct fv_error *error) {
    struct plane noise[3] = {{0}};
    enum fv_status status = FV_OK;
    for (int i = 0; i < 3 && status == FV_OK; i++) {
        status = plane_create(FIELD_CELLS, &noise[i], error);
        if (status == FV_OK) {
            status = plane_fill_noise(&noise[i], 3 * bed->scene->request->field_mm, &bed->random, error);
        }
    }
    for (int cell = 0; cell < FIELD_CELLS * FIELD_CELLS && status == FV_OK; cell++) {
        double x = cell_centre(bed->scene, cell % FIELD_CELLS), y = cell_centre(bed->scene, cell / FIELD_CELLS);
        double cosine = 0.35 * (double)noise[0].values[cell], sine = 0.35 * (double)noise[1].values[cell];
        add_vessels(bed->scene, x, y, &cosine, &sine);
        add_fovea(bed->scene, x, y, 0.5 + (double)noise[2].values[cell], &cosine, &sine);
        bed->field->cosine[cell] = cosine;
        bed->field->sine[cell] = sine;
    }
    for (int i = 0; i < 3; i++) {
        plane_release(&noise[i]);
    }
    return status;
}

/* The field's direction at a point, with the sign that fits (along_x, along_y). */
static void follow(const struct bed *bed, double x, double y, double along_x, double along_y, double direction[2]) {
    double cells = (double)FIELD_CELLS / bed->scene->side;
    int column = (int)fmin(fmax((x + 0.5) * cells, 0.0), FIELD_CELLS - 1);
    int row = (int)fmin(fmax((y + 0.5) * cells, 0.0), FIELD_CELLS - 1);
    double cosine = bed->field->cosine[row * FIELD_CELLS + column];
    double sine = bed->field->sine[row * FIELD_CELLS + column];
    double length = sqrt(cosine * cosine + sine * sine);
    if (length < 1e-9) {
        direction[0] = along_x;
        direction[1] = along_y;
        return;
    }
    direction[0] = sqrt(fmax(0.0, (1.0 + cosine / length) / 2.0));
    direction[1] = sqrt(fmax(0.0, (1.0 - cosine / length) / 2.0)) * (sine < 0.0 ? -1.0 : 1.0);
    if (direction[0] * along_x + direction[1] * along_y < 0.0) {
        direction[0] = -direction[0];
        direction[1] = -direction[1];
    }
}

/* Walks from (x, y) until the length is used up, the line meets another or the FAZ, or the image ends. */
static void walk(struct bed *bed, const struct weave *weave, double x, double y, double along_x, double along_y,
                 double length, double value, uint32_t line) {
    struct scene *scene = bed->scene;
    double step = fmax(0.8, 0.012 * scene->scale), wander = 0.0, bead = 0.5;
    for (int i = 0; i < MAX_STEPS && i * step < length; i++) {
        double direction[2], found[2];
        follow(bed, x, y, along_x, along_y, direction);
        along_x += weave->obedience * direction[0];
        along_y += weave->obedience * direction[1];
        wander = 0.7 * wander + random_normal(&bed->random, 0.0, weave->wander);
        double cosine = portable_cosine(wander), sine = portable_sine(wander);
        double turned = along_x * cosine - along_y * sine;
        along_y = along_x * sine + along_y * cosine;
        double norm = sqrt(turned * turned + along_y * along_y);
        along_x = turned / norm;
        along_y /= norm;
        double from[2] = {x, y}, to[2] = {x + step * along_x, y + step * along_y};
        size_t index;
        if (!plane_index(scene->side, to[0], to[1], &index) || scene->away.values[index] < (float)weave->outset) {
            return;
        }
        double fade = fmin(1.0, (length - i * step) / (0.25 * length));
        double slow = fmax(0.45, 1.0 + 0.2 * (double)bed->brightness.values[index]);
        bead = 0.5 * bead + 0.5 * random_between(&bed->random, 0.0, 1.0);
        double bright = fmin(value * slow * (0.6 + 0.4 * fade) * (1.0 - weave->beading * bead), 1.0);
        if (scene_find_owner(scene, to[0], to[1], 1.2, line, found) != 0) {
            plane_draw_line(&scene->capillaries, from, found, weave->radius, bright);
            return;
        }
        plane_draw_line(&scene->capillaries, from, to, weave->radius, bright);
        scene_claim(scene, from, to, weave->radius, line);
        x = to[0];
        y = to[1];
    }
}

static void fill(struct bed *bed, const struct weave *weave) {
    struct scene *scene = bed->scene;
    struct random *random = &bed->random;
    for (uint32_t i = 0; i < weave->tries; i++) {
        double x = random_between(random, -0.5, scene->side - 0.5), y = random_between(random, -0.5, scene->side - 0.5);
        double found[2];
        size_t index;
        if (!plane_index(scene->side, x, y, &index) || scene->away.values[index] < (float)weave->outset ||
            scene_find_owner(scene, x, y, weave->spacing, 0, found) != 0) {
            continue;
        }
        uint32_t line = ++scene->lines;
        double angle = random_between(random, 0.0, 2.0 * PORTABLE_PI);
        double along[2] = {portable_cosine(angle), portable_sine(angle)}, direction[2];
        follow(bed, x, y, along[0], along[1], direction);
        for (int axis = 0; axis < 2; axis++) {
            along[axis] = (1.0 - weave->obedience) * along[axis] + 3.0 * weave->obedience * direction[axis];
        }
        double value = random_between(random, weave->faintest, weave->brightest);
        double length = random_between(random, weave->shortest, weave->longest) / 2.0;
        walk(bed, weave, x, y, along[0], along[1], length, value, line);
        walk(bed, weave, x, y, -along[0], -along[1], length, value, line);
    }
}

/* Terminal capillaries run along the outline, in pieces of varying brightness, some a little further out. */
static void draw_ring(struct bed *bed, double radius, double brightest) {
    struct scene *scene = bed->scene;
    const struct outline *outline = &scene->outline;
    double outset = 0.0, bright = 0.8, last[2] = {0};
    uint32_t line = ++scene->lines;
    int start = (int)random_below(&bed->random, OUTLINE_ANGLES);
    for (int i = 0; i <= OUTLINE_ANGLES; i++) {
        int angle = (start + i) % OUTLINE_ANGLES;
        double turn = 2.0 * PORTABLE_PI * angle / OUTLINE_ANGLES;
        outset = fmin(fmax(0.97 * outset + random_normal(&bed->random, 0.0, 0.0012), 0.0), 0.03);
        bright = fmin(fmax(0.96 * bright + 0.04 * 0.5 + random_normal(&bed->random, 0.0, 0.09), 0.0), 1.0);
        double distance = outline->radii[angle] + 0.4 * radius + outset * scene->scale;
        double here[2] = {outline->x + distance * portable_cosine(turn), outline->y + distance * portable_sine(turn)};
        if (i > 0) {
            plane_draw_line(&scene->capillaries, last, here, radius, fmin(brightest * bright, 1.0));
            scene_claim(scene, last, here, radius, line);
        }
        last[0] = here[0];
        last[1] = here[1];
    }
}

static void weave_superficial(struct bed *bed) {
    double mm = bed->scene->scale, thin = fmax(0.42, 0.0048 * mm);
    uint32_t area = bed->scene->request->field_mm * bed->scene->request->field_mm; /* mm2 */
    draw_ring(bed, 1.15 * thin, 1.25);
    const struct weave weaves[] = {
        /* feeders, seen as the finest branches */
        {0.055 * mm, 0.4 * mm, 1.1 * mm, thin * 1.15, 0.65, 1.0, 0.10, 0.12, 0.0, 0.01 * mm, 60 * area},
        /* the mesh */
        {0.030 * mm, 0.15 * mm, 0.5 * mm, thin, 0.35, 0.9, 0.13, 0.12, 0.3, 0.006 * mm, 900 * area},
        /* cross-links, and what is out of focus below */
        {0.018 * mm, 0.06 * mm, 0.2 * mm, thin, 0.25, 0.6, 0.25, 0.03, 0.3, 0.012 * mm, 900 * area},
    };
    for (size_t i = 0; i < sizeof weaves / sizeof weaves[0]; i++) {
        fill(bed, &weaves[i]);
    }
}

static void weave_deep(struct bed *bed) {
    double mm = bed->scene->scale, thin = fmax(0.5, 0.0062 * mm);
    uint32_t area = bed->scene->request->field_mm * bed->scene->request->field_mm;
    const struct weave weaves[] = {
        {0.045 * mm, 0.06 * mm, 0.30 * mm, thin, 0.7, 1.0, 0.09, 0.10, 0.9, 0.0, 120 * area},
        {0.026 * mm, 0.01 * mm, 0.09 * mm, thin, 0.2, 1.0, 0.12, 0.04, 0.8, 0.0, 2500 * area},
    };
    for (size_t i = 0; i < sizeof weaves / sizeof weaves[0]; i++) {
        fill(bed, &weaves[i]);
    }
}

enum fv_status scene_grow_capillaries(struct scene *scene, struct fv_error *error) {
    struct bed bed = {.scene = scene};
    random_start(&bed.random, scene->request->seed, scene->request->index, STAGE_CAPILLARIES);
    bed.field = fv_allocate(1, sizeof *bed.field);
    enum fv_status status = plane_create(scene->side, &bed.brightness, error);
    if (status == FV_OK && bed.field == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a phantom");
    }
    if (status == FV_OK) {
        status = plane_fill_noise(&bed.brightness, 4 * scene->request->field_mm, &bed.random, error);
    }
    if (status == FV_OK) {
        status = make_field(&bed, error);
    }
    if (status == FV_OK && scene->request->layer == FOVEA_PHANTOM_SUPERFICIAL) {
        weave_superficial(&bed);
    } else if (status == FV_OK) {
        weave_deep(&bed);
    }
    plane_release(&bed.brightness);
    fv_release(bed.field);
    return status;
}
