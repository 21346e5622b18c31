#include "conversions.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

enum { MOST_ARGUMENTS = 32, WORD_SIZE = 96, LARGEST_DOCUMENT = 1 << 20 };

cJSON *conversions_read_json(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = calloc(LARGEST_DOCUMENT + 1, 1);
    cJSON *document = NULL;
    if (file != NULL && text != NULL && fread(text, 1, LARGEST_DOCUMENT, file) > 0) {
        document = cJSON_Parse(text);
    }
    if (file != NULL) {
        fclose(file);
    }
    free(text);
    return document;
}

/* Runs a program and demands that it succeeds. */
static struct conversions_cost run(const char *const *arguments) {
    struct timespec start, end;
    struct rusage usage;
    int status;
    char *copy[MOST_ARGUMENTS + 1] = {0};
    for (size_t i = 0; arguments[i] != NULL; i++) {
        copy[i] = strdup(arguments[i]);
    }
    fflush(NULL);
    clock_gettime(CLOCK_MONOTONIC, &start);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        execv(copy[0], copy);
        _exit(127);
    }
    ck_assert_int_eq(wait4(child, &status, 0, &usage), child);
    clock_gettime(CLOCK_MONOTONIC, &end);
    for (size_t i = 0; copy[i] != NULL; i++) {
        free(copy[i]);
    }
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s %s %s: status %d", arguments[0], arguments[1],
                  arguments[2], status);
    return (struct conversions_cost){(double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec),
                                     1024 * (size_t)usage.ru_maxrss};
}

struct conversions_cost conversions_convert(const char *program, const char *checkpoint, const cJSON *options,
                                            const char *model) {
    const char *arguments[MOST_ARGUMENTS + 1] = {program, "convert", checkpoint, "-o", model};
    char words[MOST_ARGUMENTS][WORD_SIZE];
    size_t count = 5;
    const cJSON *option;
    cJSON_ArrayForEach(option, options) {
        ck_assert_uint_le(count + 2, MOST_ARGUMENTS);
        ck_assert_msg(cJSON_IsString(option) || cJSON_IsNumber(option), "option %s", option->string);
        snprintf(words[count], WORD_SIZE, "--%s", option->string);
        if (cJSON_IsString(option)) {
            snprintf(words[count + 1], WORD_SIZE, "%s", option->valuestring);
        } else {
            snprintf(words[count + 1], WORD_SIZE, "%g", option->valuedouble);
        }
        arguments[count] = words[count];
        arguments[count + 1] = words[count + 1];
        count += 2;
    }
    return run(arguments);
}

struct conversions_cost conversions_infer(const char *program, const char *model, const char *input, const char *output,
                                          const char *option) {
    return run((const char *const[]){program, "infer", model, input, "-o", output, option, NULL});
}

static double value_at(const struct support_array *array, size_t index) {
    return strcmp(array->type, "<f8") == 0 ? ((const double *)array->data)[index]
                                           : (double)((const float *)array->data)[index];
}

/* The channel with the largest value at a position; `stride` lies between two channels. */
static size_t class_at(const struct support_array *array, size_t first, size_t channels, size_t stride) {
    size_t best = 0;
    for (size_t c = 1; c < channels; c++) {
        if (value_at(array, first + c * stride) > value_at(array, first + best * stride)) {
            best = c;
        }
    }
    return best;
}

struct conversions_difference conversions_compare(const char *output, const char *expected) {
    struct support_array ours = support_read_npy(output), theirs = support_read_npy(expected);
    struct conversions_difference difference = {0};
    const bool numbers = (strcmp(ours.type, "<f4") == 0 || strcmp(ours.type, "<f8") == 0) &&
                         (strcmp(theirs.type, "<f4") == 0 || strcmp(theirs.type, "<f8") == 0);
    ck_assert_msg(numbers && ours.elements == theirs.elements && theirs.rank >= 2, "%s: %zu values %s, expected %zu %s",
                  output, ours.elements, ours.type, theirs.elements, theirs.type);
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < theirs.elements; i++) {
        const double value = value_at(&theirs, i), distance = fabs(value_at(&ours, i) - value);
        difference.worst = fmax(difference.worst, isfinite(distance) ? distance : INFINITY);
        least = fmin(least, value);
        most = fmax(most, value);
    }
    difference.range = most - least;
    const size_t channels = theirs.shape[1], pixels = theirs.elements / (theirs.shape[0] * channels);
    for (size_t n = 0; n < theirs.shape[0]; n++) {
        for (size_t p = 0; p < pixels; p++) {
            const size_t first = n * channels * pixels + p;
            difference.positions++;
            difference.same_class +=
                class_at(&ours, first, channels, pixels) == class_at(&theirs, first, channels, pixels) ? 1 : 0;
        }
    }
    support_free_npy(&ours);
    support_free_npy(&theirs);
    return difference;
}
