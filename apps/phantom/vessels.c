/* Arcades and their branches.
 *
 * Walkers draw them: each goes on in its direction, wanders, is drawn towards a goal, thins out and sends off branches.
 * Trunks run above and below the fovea; branches of them, and vessels from the nasal and temporal sides, converge on
 * the fovea and end before its edge. */
#include <math.h>

#include "fovea/memory.h"
#include "phantom/scene.h"

enum { MAX_WALKERS = 700, MAX_PATH = 2000 };

struct walker {
    double x, y, heading_x, heading_y; /* the heading without the wander */
    double radius, end_radius, length; /* the radius falls from the first to the second over the length */
    double goal_turn;                  /* cosine and sine of how far off the fovea it aims */
    double pull;                       /* strength of the goal, per step */
    double stop_away;                  /* ends this far from the FAZ */
    double next_branch;
    double sense;   /* of a trunk: -1 runs to the left, 1 to the right */
    int generation; /* 0: trunk */
    uint32_t parent;
};

struct growth {
    struct scene *scene;
    struct random random;
    struct walker *queue;
    struct vessel_node *path;
    size_t waiting, done;
    int generations;     /* that send branches */
    double step, margin; /* of a walk; how far outside the image it may go */
};

void scene_claim(struct scene *scene, const double from[2], const double to[2], double radius, uint32_t owner) {
    double reach = fmax(radius, 0.75), last = scene->side - 1.0;
    double left = fmax(floor(fmin(from[0], to[0]) - reach), 0.0), right = fmin(fmax(from[0], to[0]) + reach, last);
    double top = fmax(floor(fmin(from[1], to[1]) - reach), 0.0), bottom = fmin(fmax(from[1], to[1]) + reach, last);
    double middle[2] = {(from[0] + to[0]) / 2.0, (from[1] + to[1]) / 2.0};
    for (double y = top; y <= bottom; y += 1.0) {
        for (double x = left; x <= right; x += 1.0) {
            double dx = x - middle[0], dy = y - middle[1];
            uint32_t *pixel = &scene->owners[(size_t)y * scene->side + (size_t)x];
            if (*pixel == 0 && dx * dx + dy * dy <= (reach + 0.5) * (reach + 0.5)) {
                *pixel = owner;
            }
        }
    }
}

uint32_t scene_find_owner(const struct scene *scene, double x, double y, double reach, uint32_t own, double found[2]) {
    double last = scene->side - 1.0, best = reach * reach;
    uint32_t owner = 0;
    for (double v = fmax(ceil(y - reach), 0.0); v <= fmin(y + reach, last); v += 1.0) {
        for (double u = fmax(ceil(x - reach), 0.0); u <= fmin(x + reach, last); u += 1.0) {
            uint32_t here = scene->owners[(size_t)v * scene->side + (size_t)u];
            double distance = (u - x) * (u - x) + (v - y) * (v - y);
            if (here != 0 && here != own && distance <= best) {
                best = distance;
                owner = here;
                found[0] = u;
                found[1] = v;
            }
        }
    }
    return owner;
}

static void push(struct growth *growth, const struct walker *walker) {
    if (growth->waiting < MAX_WALKERS) {
        growth->queue[growth->waiting++] = *walker;
    }
}

static void turn(double *x, double *y, double angle) {
    double cosine = portable_cosine(angle), sine = portable_sine(angle);
    double turned = *x * cosine - *y * sine;
    *y = *x * sine + *y * cosine;
    *x = turned;
}

static void normalise(double *x, double *y) {
    double length = sqrt(*x * *x + *y * *y);
    *x = length > 0.0 ? *x / length : 1.0;
    *y = length > 0.0 ? *y / length : 0.0;
}

/* The direction that a walker is drawn to. Trunks arch over the fovea. */
static void find_goal(const struct growth *growth, const struct walker *walker, double walked, double goal[2]) {
    if (walker->generation == 0) {
        goal[0] = walker->sense;
        goal[1] = 0.0;
        turn(&goal[0], &goal[1], walker->goal_turn * (1.0 - 2.0 * walked / growth->scene->side));
        return;
    }
    goal[0] = growth->scene->outline.x - walker->x;
    goal[1] = growth->scene->outline.y - walker->y;
    normalise(&goal[0], &goal[1]);
    turn(&goal[0], &goal[1], walker->goal_turn);
}

/* Queues a branch that leaves `walker` at `node`. */
static void send_branch(struct growth *growth, const struct walker *walker, const struct vessel_node *node,
                        uint32_t line) {
    struct random *random = &growth->random;
    double mm = growth->scene->scale;
    struct walker branch = {
        .x = node->x,
        .y = node->y,
        .heading_x = node->along_x,
        .heading_y = node->along_y,
        .generation = walker->generation + 1,
        .parent = line,
    };
    double side = random_chance(random, 0.5) ? 1.0 : -1.0;
    double angle = random_between(random, 0.6, 1.3);
    if (walker->generation == 0) {
        /* Most branches of a trunk leave towards the fovea. */
        double cross =
            node->along_x * (growth->scene->outline.y - node->y) - node->along_y * (growth->scene->outline.x - node->x);
        side = (cross > 0.0) == (random_chance(random, 0.68) != 0) ? 1.0 : -1.0;
        bool inwards = (cross > 0.0) == (side > 0.0);
        branch.radius = node->radius * random_between(random, 0.36, 0.62);
        branch.length = random_between(random, 1.4, 3.2) * mm;
        branch.pull = inwards ? random_between(random, 0.010, 0.03) : 0.0;
        branch.goal_turn = random_normal(random, 0.0, 0.45);
    } else {
        branch.radius = node->radius * random_between(random, 0.55, 0.85);
        branch.length = walker->length * random_between(random, 0.3, 0.6);
        branch.pull = random_between(random, 0.0, 0.02);
        branch.goal_turn = side * random_between(random, 0.2, 1.3);
    }
    branch.end_radius = 0.0065 * mm;
    branch.radius = fmax(branch.radius, branch.end_radius);
    turn(&branch.heading_x, &branch.heading_y, side * angle);
    branch.next_branch = random_between(random, 0.15, 0.5) * mm;
    branch.stop_away = random_between(random, 0.02, 0.45) * mm;
    push(growth, &branch);
}

static bool may_go_on(const struct growth *growth, const struct walker *walker, uint32_t line, double walked) {
    const struct scene *scene = growth->scene;
    double last = scene->side - 1.0 + growth->margin;
    if (walker->x < -growth->margin || walker->y < -growth->margin || walker->x > last || walker->y > last) {
        return false;
    }
    if (outline_away(&scene->outline, walker->x, walker->y) < walker->stop_away) {
        return false;
    }
    double found[2], gap = 0.05 * scene->scale;
    double ahead_x = walker->x + walker->heading_x * gap, ahead_y = walker->y + walker->heading_y * gap;
    uint32_t owner = scene_find_owner(scene, ahead_x, ahead_y, gap, line, found);
    /* Trunks cross what they meet; a branch has to get clear of its parent first. */
    return owner == 0 || walker->generation == 0 || (owner == walker->parent && walked < 6.0 * gap);
}

/* Walks from the start to wherever the vessel ends; growth->path receives the way. Returns the number of points. */
static size_t find_path(struct growth *growth, struct walker walker, uint32_t line) {
    struct random *random = &growth->random;
    double wander = 0.0, drift = walker.generation == 0 ? 0.03 : 0.065;
    size_t count = 0;
    for (double walked = 0.0; walked < walker.length && count < MAX_PATH && may_go_on(growth, &walker, line, walked);
         walked += growth->step) {
        /* Falls back to zero, so that vessels meander and do not curl. */
        wander = 0.96 * wander + random_normal(random, 0.0, drift);
        if (walker.generation > 0 && random_chance(random, 0.03)) {
            wander += random_normal(random, 0.0, 0.45); /* the kinks of small vessels */
        }
        double goal[2];
        find_goal(growth, &walker, walked, goal);
        walker.heading_x += walker.pull * goal[0];
        walker.heading_y += walker.pull * goal[1];
        normalise(&walker.heading_x, &walker.heading_y);
        double along[2] = {walker.heading_x, walker.heading_y};
        turn(&along[0], &along[1], wander);
        growth->path[count++] = (struct vessel_node){walker.x, walker.y, along[0], along[1], 0.0};
        walker.x += growth->step * along[0];
        walker.y += growth->step * along[1];
    }
    return count;
}

/* Gives the path its widths, from the start's to the end's, and draws it. */
static void paint(struct growth *growth, const struct walker *walker, size_t count, uint32_t line) {
    struct scene *scene = growth->scene;
    struct random *random = &growth->random;
    double brightness = random_between(random, walker->generation == 0 ? 0.96 : 0.85, 1.0), flicker = 0.0;
    for (size_t i = 0; i < count; i++) {
        struct vessel_node *node = &growth->path[i];
        double share = walker->generation == 0 ? (double)i * growth->step / walker->length : (double)i / (double)count;
        node->radius = walker->radius + (walker->end_radius - walker->radius) * share;
        flicker = 0.9 * flicker + random_normal(random, 0.0, 0.03);
        double fade = walker->generation == 0 ? 1.0 : fmin(1.0, (1.0 - share) / 0.25);
        double value = brightness * (0.72 + 0.28 * fmin(node->radius / (0.015 * scene->scale), 1.0)) * (1.0 + flicker);
        double from[2] = {node->x, node->y};
        double to[2] = {node->x + growth->step * node->along_x, node->y + growth->step * node->along_y};
        plane_draw_line(&scene->vessels, from, to, fmax(node->radius * (1.0 + flicker), 0.45),
                        fmin(value * (0.5 + 0.5 * fade), 1.0));
        scene_claim(scene, from, to, node->radius, line);
        if (i % 3 == 0 && scene->node_count < SCENE_MAX_NODES) {
            scene->nodes[scene->node_count++] = *node;
        }
    }
}

/* Draws one vessel and queues its branches. */
static void grow(struct growth *growth, const struct walker *walker) {
    struct random *random = &growth->random;
    uint32_t line = ++growth->scene->lines;
    size_t count = find_path(growth, *walker, line);
    if ((double)count * growth->step < 0.16 * growth->scene->scale) {
        return; /* a stub: no room for a vessel here */
    }
    paint(growth, walker, count, line);
    double next_branch = walker->next_branch;
    for (size_t i = 0; i < count && walker->generation < growth->generations; i++) {
        if ((double)i * growth->step >= next_branch) {
            send_branch(growth, walker, &growth->path[i], line);
            double spacing =
                walker->generation == 0 ? random_between(random, 0.16, 0.5) : random_between(random, 0.3, 0.9);
            next_branch += spacing * growth->scene->scale;
        }
    }
}

/* Two trunks above and two below: an artery and a vein. */
static void start_trunks(struct growth *growth, double nasal) {
    struct random *random = &growth->random;
    const struct scene *scene = growth->scene;
    double mm = scene->scale, last = scene->side - 1.0;
    for (int i = 0; i < 4; i++) {
        double up = i % 2 == 0 ? -1.0 : 1.0;
        double distance = i < 2 ? random_between(random, 1.2, 1.85) : random_between(random, 2.1, 3.0);
        struct walker trunk = {
            .x = nasal > 0.0 ? last + growth->margin : -growth->margin,
            .heading_x = -nasal,
            .sense = -nasal,
            .radius = random_between(random, 0.035, 0.06) * mm,
            .length = 12.0 * mm,
            .pull = 0.02,
            .stop_away = 0.5 * mm,
        };
        trunk.y = scene->outline.y + up * (distance + random_between(random, -0.5, 0.2)) * mm;
        /* A positive turn is clockwise on the screen: away from the fovea first, back later. */
        trunk.goal_turn = -nasal * up * random_between(random, 0.0, 0.55);
        trunk.heading_y = up * random_between(random, -0.1, 0.5);
        normalise(&trunk.heading_x, &trunk.heading_y);
        trunk.end_radius = 0.5 * trunk.radius;
        trunk.next_branch = random_between(random, 0.0, 0.4) * mm;
        push(growth, &trunk);
    }
}

/* Vessels that come in from all around, where the field of view cuts the branches of trunks that it does not show. */
static void start_inflow(struct growth *growth) {
    struct random *random = &growth->random;
    const struct scene *scene = growth->scene;
    double mm = scene->scale, middle = (scene->side - 1) / 2.0, ring = middle + 0.6 * growth->margin;
    uint32_t count = (scene->request->field_mm == 3 ? 11 : 9) + random_below(random, 6);
    double start = random_between(random, 0.0, 2.0 * PORTABLE_PI);
    for (uint32_t i = 0; i < count; i++) {
        double angle = start + 2.0 * PORTABLE_PI * (i + random_between(random, -0.3, 0.3)) / count;
        struct walker vessel = {
            .x = middle + 1.25 * ring * portable_cosine(angle),
            .y = middle + 1.25 * ring * portable_sine(angle),
            .generation = 1,
            .radius = random_between(random, 0.017, 0.031) * mm,
            .end_radius = 0.008 * mm,
            .pull = random_between(random, 0.008, 0.02),
            .goal_turn = random_normal(random, 0.0, 0.3),
        };
        vessel.x = fmin(fmax(vessel.x, -0.9 * growth->margin), scene->side - 1 + 0.9 * growth->margin);
        vessel.y = fmin(fmax(vessel.y, -0.9 * growth->margin), scene->side - 1 + 0.9 * growth->margin);
        vessel.heading_x = scene->outline.x - vessel.x;
        vessel.heading_y = scene->outline.y - vessel.y;
        normalise(&vessel.heading_x, &vessel.heading_y);
        turn(&vessel.heading_x, &vessel.heading_y, random_normal(random, 0.0, 0.35));
        vessel.length = random_between(random, 0.55, 1.25) * scene->side;
        vessel.stop_away = random_between(random, 0.02, 0.25) * mm;
        vessel.next_branch = random_between(random, 0.3, 0.9) * mm;
        push(growth, &vessel);
    }
}

enum fv_status scene_grow_vessels(struct scene *scene, struct fv_error *error) {
    struct growth growth = {.scene = scene, .step = 0.018 * scene->scale, .margin = 0.5 * scene->scale};
    growth.generations = scene->request->layer == FOVEA_PHANTOM_SUPERFICIAL ? 3 : 0;
    growth.queue = fv_allocate(MAX_WALKERS, sizeof *growth.queue);
    growth.path = fv_allocate(MAX_PATH, sizeof *growth.path);
    if (growth.queue == NULL || growth.path == NULL) {
        fv_release(growth.queue);
        fv_release(growth.path);
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a phantom");
    }
    random_start(&growth.random, scene->request->seed, scene->request->index, STAGE_VESSELS);
    start_trunks(&growth, random_chance(&growth.random, 0.5) ? 1.0 : -1.0);
    if (scene->request->layer == FOVEA_PHANTOM_SUPERFICIAL) {
        start_inflow(&growth); /* the deep layer shows only the shadows of trunks */
    }
    while (growth.done < growth.waiting) {
        struct walker walker = growth.queue[growth.done++];
        grow(&growth, &walker);
    }
    fv_release(growth.queue);
    fv_release(growth.path);
    return FV_OK;
}
