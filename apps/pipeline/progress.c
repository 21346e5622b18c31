#include "pipeline/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/print_clean.h"

#define CLEAR_LINE "\r\033[K"

enum { NAME_SHOWN = 40 };

static const double redraw = 0.2; /* seconds between two drawings of the line that nothing else causes */

double fovea_progress_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void fovea_format_time(double seconds, char text[FOVEA_TIME_SIZE]) {
    long whole = (long)(seconds + 0.5);
    if (seconds < 9.95) {
        snprintf(text, FOVEA_TIME_SIZE, "%.1f s", seconds);
    } else if (whole < 100) {
        snprintf(text, FOVEA_TIME_SIZE, "%ld s", whole);
    } else if (whole < 10 * 60) {
        snprintf(text, FOVEA_TIME_SIZE, "%ld min %02ld s", whole / 60, whole % 60);
    } else if (whole < 100 * 60) {
        snprintf(text, FOVEA_TIME_SIZE, "%ld min", (whole + 30) / 60);
    } else {
        snprintf(text, FOVEA_TIME_SIZE, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
    }
}

void fovea_progress_begin(struct fovea_progress *progress, size_t total) {
    *progress = (struct fovea_progress){
        .terminal = isatty(STDERR_FILENO) == 1, .total = total, .start = fovea_progress_clock()};
}

void fovea_progress_start(struct fovea_progress *progress) {
    progress->start = fovea_progress_clock();
    fovea_pace_skip(&progress->pace, progress->start);
}

bool fovea_progress_left(const struct fovea_progress *progress, double *seconds) {
    *seconds = fovea_pace_left(&progress->pace);
    return *seconds > 0 && (fovea_pace_timed_passes(&progress->pace) || progress->done > 0);
}

static void draw(struct fovea_progress *progress) {
    progress->drawn = fovea_progress_clock();
    fprintf(stderr, CLEAR_LINE "%zu of %zu", progress->done, progress->total);
    double elapsed = progress->drawn - progress->start, seconds;
    if (progress->done > 0 && elapsed > 0) {
        double rate = (double)progress->done / elapsed;
        fprintf(stderr, rate >= 1 ? "  %.1f images/s" : "  %.1f s/image", rate >= 1 ? rate : 1 / rate);
    }
    if (fovea_progress_left(progress, &seconds)) {
        char left[FOVEA_TIME_SIZE];
        fovea_format_time(seconds, left);
        fprintf(stderr, "  %s left", left);
    }
    fprintf(stderr, "  ");
    fovea_print_clean(stderr, progress->input->name, NAME_SHOWN);
    fflush(stderr);
}

void fovea_progress_next(struct fovea_progress *progress, const struct fovea_input *input) {
    progress->input = input;
    if (progress->terminal) {
        draw(progress);
    }
}

void fovea_progress_lap(struct fovea_progress *progress, enum fovea_pace_kind kind, double amount) {
    double clock = fovea_progress_clock();
    fovea_pace_lap(&progress->pace, kind, amount, clock);
    if (progress->terminal && progress->input != NULL && clock - progress->drawn > redraw) {
        draw(progress);
    }
}

static void print_result(const struct fovea_progress *progress, const struct fovea_result *result) {
    fprintf(stderr, "[%zu/%zu] ", progress->done, progress->total);
    fovea_print_clean(stderr, result->input->name, FV_MESSAGE_SIZE);
    fprintf(stderr, ": %s", fovea_state_names[result->state]);
    if (result->graded && result->state == FOVEA_STATE_OK) {
        fprintf(stderr, ", %s", fovea_quality_names[result->grade.quality]);
    }
    if (result->measured) {
        fprintf(stderr, ", FAZ %.3f mm2", result->measures.faz_area_mm2);
    }
    if (result->reason != NULL) {
        fprintf(stderr, ": ");
        fovea_print_clean(stderr, result->reason, FV_MESSAGE_SIZE);
    }
    if (result->remarks != NULL) {
        fprintf(stderr, " (");
        fovea_print_clean(stderr, result->remarks, FV_MESSAGE_SIZE);
        fprintf(stderr, ")");
    }
    fprintf(stderr, "\n");
}

void fovea_progress_result(struct fovea_progress *progress, const struct fovea_result *result) {
    progress->done++;
    if (progress->terminal) {
        fprintf(stderr, CLEAR_LINE);
    }
    if (!progress->terminal || result->state == FOVEA_STATE_FAILED) {
        print_result(progress, result);
    }
}

void fovea_progress_end(const struct fovea_progress *progress) {
    if (progress->terminal) {
        fprintf(stderr, CLEAR_LINE);
    }
}
