#include "pipeline/pace.h"

static const double enough = 0.5; /* seconds of passes */

void fovea_pace_plan(struct fovea_pace *pace, enum fovea_pace_kind kind, double amount) {
    pace->kinds[kind].open += amount;
}

void fovea_pace_settle(struct fovea_pace *pace, enum fovea_pace_kind kind, double planned, double actual) {
    pace->kinds[kind].open -= planned;
    pace->kinds[kind].foreseen += planned;
    pace->kinds[kind].settled += actual;
}

void fovea_pace_lap(struct fovea_pace *pace, enum fovea_pace_kind kind, double amount, double now) {
    if (kind == FOVEA_PACE_PASS && pace->kinds[kind].laps == 1) {
        pace->kinds[kind].seconds = pace->kinds[kind].timed = 0;
    }
    fovea_pace_learn(pace, kind, amount, now - pace->last);
    pace->kinds[kind].laps++;
    pace->kinds[kind].done += amount;
    pace->last = now;
}

void fovea_pace_skip(struct fovea_pace *pace, double now) {
    pace->last = now;
}

void fovea_pace_learn(struct fovea_pace *pace, enum fovea_pace_kind kind, double amount, double seconds) {
    pace->kinds[kind].seconds += seconds;
    pace->kinds[kind].timed += amount;
}

double fovea_pace_seconds(const struct fovea_pace *pace, enum fovea_pace_kind kind, double amount) {
    return pace->kinds[kind].timed > 0 ? amount * pace->kinds[kind].seconds / pace->kinds[kind].timed : 0;
}

bool fovea_pace_timed_passes(const struct fovea_pace *pace) {
    return pace->kinds[FOVEA_PACE_PASS].laps > 0;
}

bool fovea_pace_knows_passes(const struct fovea_pace *pace) {
    return fovea_pace_timed_passes(pace) && pace->kinds[FOVEA_PACE_PASS].seconds >= enough;
}

double fovea_pace_left(const struct fovea_pace *pace) {
    double seconds = 0;
    for (enum fovea_pace_kind kind = 0; kind < FOVEA_PACE_KINDS; kind++) {
        double foreseen = pace->kinds[kind].foreseen, settled = pace->kinds[kind].settled;
        double share = foreseen > 0 ? settled / foreseen : 1;
        double left = pace->kinds[kind].open * share + settled - pace->kinds[kind].done;
        seconds += left > 0 ? fovea_pace_seconds(pace, kind, left) : 0;
    }
    return seconds;
}
