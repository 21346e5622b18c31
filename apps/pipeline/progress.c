#include "pipeline/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"

#define CLEAR_LINE "\r\033[K"

enum { NAME_SHOWN = 40 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Prints at most `limit` bytes of `name` so that no byte of it can steer a terminal. */
static void print_name(const char *name, int limit) {
    struct fovea_buffer clean = {0};
    fovea_buffer_utf8(&clean, name);
    fprintf(stderr, "%.*s", limit, clean.failed || clean.size == 0 ? "?" : clean.bytes);
    fovea_buffer_clear(&clean);
}

void fovea_format_time(double seconds, char text[FOVEA_TIME_SIZE]) {
    long whole = (long)(seconds + 0.5);
    if (whole < 100) {
        snprintf(text, FOVEA_TIME_SIZE, "%ld s", whole);
    } else if (whole < 100 * 60) {
        snprintf(text, FOVEA_TIME_SIZE, "%ld min", (whole + 30) / 60);
    } else {
        snprintf(text, FOVEA_TIME_SIZE, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
    }
}

void fovea_progress_begin(struct fovea_progress *progress, size_t total) {
    *progress = (struct fovea_progress){.terminal = isatty(STDERR_FILENO) == 1, .total = total, .start = now()};
}

void fovea_progress_next(const struct fovea_progress *progress, const struct fovea_input *input) {
    if (!progress->terminal) {
        return;
    }
    fprintf(stderr, CLEAR_LINE "%zu of %zu", progress->done, progress->total);
    double elapsed = now() - progress->start;
    if (progress->done > 0 && elapsed > 0) {
        char left[FOVEA_TIME_SIZE];
        double rate = (double)progress->done / elapsed;
        fovea_format_time((double)(progress->total - progress->done) / rate, left);
        fprintf(stderr, rate >= 1 ? "  %.1f images/s" : "  %.1f s/image", rate >= 1 ? rate : 1 / rate);
        fprintf(stderr, "  %s left", left);
    }
    fprintf(stderr, "  ");
    print_name(input->name, NAME_SHOWN);
    fflush(stderr);
}

static void print_result(const struct fovea_progress *progress, const struct fovea_result *result) {
    fprintf(stderr, "[%zu/%zu] ", progress->done, progress->total);
    print_name(result->input->name, FV_MESSAGE_SIZE);
    fprintf(stderr, ": %s", fovea_state_names[result->state]);
    if (result->graded && result->state == FOVEA_STATE_OK) {
        fprintf(stderr, ", %s", fovea_quality_names[result->grade.quality]);
    }
    if (result->measured) {
        fprintf(stderr, ", FAZ %.3f mm2", result->measures.faz_area_mm2);
    }
    if (result->reason != NULL) {
        fprintf(stderr, ": ");
        print_name(result->reason, FV_MESSAGE_SIZE);
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
