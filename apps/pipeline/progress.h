/* Telling how far the work is, on the standard error: on a terminal one line that is rewritten, with count, rate and
 * time left; elsewhere a plain line an image.
 *
 * Thread safety: belongs to one thread. */
#ifndef FOVEA_APPS_PROGRESS_H
#define FOVEA_APPS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/pace.h"
#include "pipeline/results.h"

struct fovea_progress {
    bool terminal;
    size_t done, total;
    double start, drawn;             /* seconds on a clock that never jumps: of the work, of the line */
    const struct fovea_input *input; /* the image in work; NULL: none yet */
    struct fovea_pace pace;          /* what is planned and done, for the time left */
};

enum { FOVEA_TIME_SIZE = 32 };
/* A time for people, within 5 %: "1.6 s", "40 s", "2 min 05 s", "12 min", "3 h 05 min". Thread safety: reentrant. */
void fovea_format_time(double seconds, char text[FOVEA_TIME_SIZE]);

/* Begins with `total` images to do. */
void fovea_progress_begin(struct fovea_progress *progress, size_t total);

/* The clock of the pace starts. */
void fovea_progress_start(struct fovea_progress *progress);

/* Seconds on a clock that never jumps. Thread safety: reentrant. */
double fovea_progress_clock(void);

/* Says which image is next. */
void fovea_progress_next(struct fovea_progress *progress, const struct fovea_input *input);

/* `amount` of a kind of work was done since the last call. */
void fovea_progress_lap(struct fovea_progress *progress, enum fovea_pace_kind kind, double amount);

/* Says what came out for an image; a failure always gets a line of its own. */
void fovea_progress_result(struct fovea_progress *progress, const struct fovea_result *result);

/* The time left, in seconds; false if it cannot be told yet. */
bool fovea_progress_left(const struct fovea_progress *progress, double *seconds);

/* Takes the line away. */
void fovea_progress_end(const struct fovea_progress *progress);

#endif
