/* The report of made-up results: report-sample COUNT FOLDER. All states, grades, layers, eyes and warnings are
 * among them, values that are missing, awkward names, and pictures. The folder exists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/memory.h"
#include "image/image.h"
#include "measure/warnings.h"
#include "pipeline/results.h"
#include "pipeline/thumbnail.h"

enum { SIDE = 96, RADIUS = 12, NAME = 64 };

/* A PNG file. */
struct picture {
    uint8_t *bytes;
    size_t size;
};

struct sample {
    size_t count;
    struct fovea_image image;
    uint8_t mask[SIDE * SIDE];
    struct picture plain, outlined;
};

/* 0 .. 1, the same for the same number on every machine. */
static double chance(size_t number, unsigned salt) {
    uint32_t state = (uint32_t)number * 2654435761U + salt * 40503U + 1U;
    state ^= state >> 15;
    state *= 2246822519U;
    state ^= state >> 13;
    return (double)(state >> 8) / (1 << 24);
}

static enum fv_status draw(struct sample *sample, struct fv_error *error) {
    enum fv_status status = fovea_image_create(SIDE, SIDE, 1, 8, &sample->image, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        const int x = (int)(i % SIDE) - SIDE / 2, y = (int)(i / SIDE) - SIDE / 2;
        sample->mask[i] = x * x + y * y < RADIUS * RADIUS;
        sample->image.pixels.u8[i] = (uint8_t)(sample->mask[i] ? 20 : 60 + (i * i / 7) % 150);
    }
    status = fovea_thumbnail_make(&sample->image, NULL, &sample->plain.bytes, &sample->plain.size, error);
    return status != FV_OK ? status
                           : fovea_thumbnail_make(&sample->image, sample->mask, &sample->outlined.bytes,
                                                  &sample->outlined.size, error);
}

static void set_measures(struct fovea_measures *measures, size_t i) {
    fovea_measures_clear(measures);
    measures->perimeter_method = "crofton";
    measures->vessel_method = "frangi-otsu";
    for (size_t k = 0; k < fovea_measure_column_count; k++) {
        char *field = (char *)measures + fovea_measure_columns[k].offset;
        if (fovea_measure_columns[k].kind == FOVEA_MEASURE_WHOLE) {
            *(size_t *)(void *)field = 1 + (size_t)(1000 * chance(i, (unsigned)k));
        } else if (fovea_measure_columns[k].kind == FOVEA_MEASURE_REAL) {
            *(double *)(void *)field = 0.2 + 0.5 * chance(i, (unsigned)k);
        }
    }
    measures->warnings = i % 4 == 0 ? 1U << (i / 4 % FOVEA_WARNING_COUNT) | 1U << FOVEA_WARNING_BORDER : 0;
}

static void set_result(struct fovea_result *result, size_t i) {
    static const char *const subjects[] = {"S1", "S <2>", "S & 10"};
    result->state = i % 10 == 3 ? FOVEA_STATE_FAILED : i % 10 == 7 ? FOVEA_STATE_UNGRADABLE : FOVEA_STATE_OK;
    result->scan.field_x_mm = result->scan.field_y_mm = i % 3 == 0 ? 6 : 3;
    result->scan.field_source = FOVEA_SOURCE_TABLE;
    result->scan.has_layer = i % 9 != 0;
    result->scan.layer = i % 2 == 0 ? FOVEA_LAYER_SUPERFICIAL : FOVEA_LAYER_DEEP;
    result->scan.layer_source = FOVEA_SOURCE_NAME;
    result->scan.eye = (enum fovea_eye)(i % 3);
    result->scan.eye_source = result->scan.eye != FOVEA_EYE_UNKNOWN ? FOVEA_SOURCE_DICOM : FOVEA_SOURCE_NONE;
    result->scan.subject = subjects[i % 3];
    if (result->state == FOVEA_STATE_FAILED) {
        char reason[NAME];
        snprintf(reason, sizeof reason, i % 20 == 3 ? "damaged PNG: row %zu of 304" : "of %zu bytes, no image", i);
        result->reason = fv_duplicate(reason);
        return;
    }
    result->width = result->height = SIDE;
    result->graded = i % 5 != 0;
    const double good = 0.3 + 0.6 * chance(i, 99);
    result->grade = (struct fovea_grade){i % 3 == 0 ? FOVEA_OUTSTANDING : FOVEA_GRADABLE, {0.05, 0.95 - good, good}};
    result->measured = result->state == FOVEA_STATE_OK;
    if (result->state == FOVEA_STATE_UNGRADABLE) {
        result->graded = true;
        result->grade = (struct fovea_grade){FOVEA_UNGRADABLE, {0.8, 0.15, 0.05}};
        return;
    }
    set_measures(&result->measures, i);
    result->files = 7;
    result->remarks = i % 11 == 0 ? fv_duplicate("the name says 3x3; <the table> says 6") : NULL;
}

static uint8_t *copy(const struct picture *picture, size_t *size) {
    uint8_t *bytes = fv_allocate(picture->size, 1);
    if (bytes != NULL) {
        memcpy(bytes, picture->bytes, picture->size);
        *size = picture->size;
    }
    return bytes;
}

static enum fv_status each(void *context, bool pictures, fovea_result_visit *visit, void *visitor,
                           struct fv_error *error) {
    struct sample *sample = context;
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < sample->count && status == FV_OK; i++) {
        char name[NAME + 8], stem[NAME];
        snprintf(stem, sizeof stem, i % 7 == 2 ? "sub folder/a\"%zu\"#%%\xff" : "image%zu", i);
        snprintf(name, sizeof name, "%s.png", stem);
        const struct fovea_input input = {.name = name, .stem = stem};
        struct fovea_result result = {.input = &input};
        set_result(&result, i);
        if (pictures && result.state != FOVEA_STATE_FAILED) {
            const struct picture *picture = result.measured ? &sample->outlined : &sample->plain;
            result.thumbnail = copy(picture, &result.thumbnail_size);
        }
        if (pictures && result.measured) {
            result.vessel_thumbnail = copy(&sample->plain, &result.vessel_thumbnail_size);
        }
        status = visit(visitor, &result, error);
        fovea_result_clear(&result);
    }
    return status;
}

int main(int count, char **arguments) {
    static struct sample sample;
    static const struct fovea_model_about grader = {.name = "Grader", .file_name = "g.gguf", .sha256 = "12"};
    struct fv_error error = {0};
    if (count != 3) {
        fprintf(stderr, "usage: report-sample COUNT FOLDER\n");
        return 2;
    }
    sample.count = strtoull(arguments[1], NULL, 10);
    struct fovea_results results = {.command = "run",
                                    .version = "0.1.0",
                                    .layer = "",
                                    .grader = &grader,
                                    .shipped = true,
                                    .planned = sample.count,
                                    .count = sample.count,
                                    .source = {&sample, each}};
    enum fv_status status = draw(&sample, &error);
    status = status != FV_OK ? status : fovea_results_write(&results, arguments[2], &error);
    fovea_image_release(&sample.image);
    fv_release(sample.plain.bytes);
    fv_release(sample.outlined.bytes);
    if (status != FV_OK) {
        fprintf(stderr, "report-sample: %s\n", error.message);
    }
    return status == FV_OK ? 0 : 1;
}
