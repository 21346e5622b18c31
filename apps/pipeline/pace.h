/* How long a run will still take: from how long each kind of its work took so far, and how much of it is left.
 *
 * The unit of a pass is one run of the net over one tile, which is the same number of multiply-adds each time; an image
 * takes tiles x views x folds of them. Clock readings are arguments, in seconds on a clock that never jumps.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_PACE_H
#define FOVEA_APPS_PACE_H

#include <stdbool.h>
#include <stddef.h>

enum fovea_pace_kind {
    FOVEA_PACE_LOAD,  /* a fold's weights */
    FOVEA_PACE_PASS,  /* of a fold over a view of a tile */
    FOVEA_PACE_GRADE, /* an image */
    FOVEA_PACE_REST,  /* of an image: reading, measuring, drawing, writing; in pixels */
    FOVEA_PACE_KINDS,
};

/* A zeroed struct is a run without work. */
struct fovea_pace {
    double last; /* the clock when work was timed last */
    struct {
        double open;              /* planned for images that are not known better */
        double foreseen, settled; /* planned for the others, and what it turned out to be */
        double done;
        double seconds, timed; /* how long how much took; of passes without the first once there is another */
        size_t laps;
    } kinds[FOVEA_PACE_KINDS];
};

/* More work to do. */
void fovea_pace_plan(struct fovea_pace *pace, enum fovea_pace_kind kind, double amount);

/* Of what was planned, `planned` turned out to be `actual`: less for an image that is cropped or ungradable. What is
 * still open is taken to turn out in the same proportion. */
void fovea_pace_settle(struct fovea_pace *pace, enum fovea_pace_kind kind, double planned, double actual);

/* The time since the last call of this or the next went into `amount` of that kind, which is done. The first pass of a
 * run finds cold caches: it counts only until there is a second. */
void fovea_pace_lap(struct fovea_pace *pace, enum fovea_pace_kind kind, double amount, double now);

/* What happened since the last call was none of the work: the clock begins here. */
void fovea_pace_skip(struct fovea_pace *pace, double now);

/* `amount` of a kind took so long before the run: it tells how fast that is, and is none of what was planned. */
void fovea_pace_learn(struct fovea_pace *pace, enum fovea_pace_kind kind, double amount, double seconds);

/* How long `amount` of a kind takes; 0 while none was timed. */
double fovea_pace_seconds(const struct fovea_pace *pace, enum fovea_pace_kind kind, double amount);

/* Whether a pass was timed. */
bool fovea_pace_timed_passes(const struct fovea_pace *pace);

/* Whether enough passes were timed that the machine's hiccups do not decide how long others will take. */
bool fovea_pace_knows_passes(const struct fovea_pace *pace);

/* How long the rest of the run takes; kinds of which nothing was timed count as nothing. */
double fovea_pace_left(const struct fovea_pace *pace);

#endif
