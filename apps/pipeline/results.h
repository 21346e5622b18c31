/* What a command found out, image by image, and the files that say so.
 *
 * Nothing in these files depends on when, where or with how many threads they were made: the same images, models and
 * options give the same bytes. Names are relative to the inputs that were given.
 *
 * Thread safety: results belong to one thread at a time. */
#ifndef FOVEA_APPS_RESULTS_H
#define FOVEA_APPS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "fovea/status.h"
#include "measure/columns.h"
#include "pipeline/grade.h"
#include "pipeline/inputs.h"
#include "pipeline/models.h"
#include "scan/scan.h"

enum fovea_state { FOVEA_STATE_OK, FOVEA_STATE_UNGRADABLE, FOVEA_STATE_FAILED, FOVEA_STATE_COUNT };

/* "ok", "ungradable", "failed". */
extern const char *const fovea_state_names[FOVEA_STATE_COUNT];

/* One image. */
struct fovea_result {
    const struct fovea_input *input;
    enum fovea_state state;
    char *reason;           /* why it failed, or a remark; NULL: none; owned */
    struct fovea_scan scan; /* its texts belong to the inputs; not its remarks */
    char *remarks;          /* what is to be known of the scan and its file; NULL: nothing; owned */
    uint32_t width, height; /* pixels; 0: could not be read */
    bool graded;
    struct fovea_grade grade;
    bool measured;
    struct fovea_measures measures;
    uint8_t *thumbnail; /* a PNG file; NULL: none; owned */
    size_t thumbnail_size;
    uint8_t *vessel_thumbnail; /* the same of the map of vessels */
    size_t vessel_thumbnail_size;
};

/* A whole run. */
struct fovea_results {
    const char *command;
    double field_mm;                              /* 0: the command line had none */
    const char *layer;                            /* "" if the command line had none */
    const struct fovea_model *grader, *segmenter; /* NULL: not used */
    bool shipped;                                 /* these are the demo models */
    bool mirrored;                                /* the segmenter averaged over mirrored views */
    struct fovea_planning planning;               /* of both */
    const size_t *folds;                          /* numbers of its folds that were used, not owned */
    size_t fold_count, folds_most;                /* how many, and how many it has; 0: not used */
    size_t planned;                               /* images in the list; more than `count` if interrupted */
    size_t ignored;                               /* files in folders that are no images */
    struct fovea_result *items;                   /* in the order of the inputs */
    size_t count;
};

/* Frees what a result owns; it is empty. */
void fovea_result_clear(struct fovea_result *result);

/* Frees what the results own; the list is empty again. */
void fovea_results_clear(struct fovea_results *results);

/* The folds that were used, as "0 1 2" appended to a buffer. */
void fovea_results_add_folds(const struct fovea_results *results, struct fovea_buffer *text);

/* Whether `result` has a value in that column. */
bool fovea_result_has(const struct fovea_result *result, const struct fovea_measure_column *column);

/* Writes results.csv: RFC 4180 with \n line ends, a header, a row an image, blank for what is missing; names of files
 * are the bytes of the file system. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_results_write_csv(const struct fovea_results *results, const char *path, struct fv_error *error);

/* Writes results.json: the options, the models, and an object an image with the columns of results.csv (absent for what
 * is missing). Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_results_write_json(const struct fovea_results *results, const char *path, struct fv_error *error);

/* Writes report.html: one file for people with everything in it, that loads nothing. Errors: FV_ERROR_FILE,
 * FV_ERROR_MEMORY. */
enum fv_status fovea_results_write_report(const struct fovea_results *results, const char *path,
                                          struct fv_error *error);

/* Writes results.csv, results.json and report.html into `folder`. Errors: those of the three. */
enum fv_status fovea_results_write(const struct fovea_results *results, const char *folder, struct fv_error *error);

#endif
