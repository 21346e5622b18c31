/* Adapting a grader: its last layer is trained on a clinic's own labels, on features that the rest of the net gives.
 *
 * Cross-validation, in rounds: the images are split into folds; round r scores fold r, watches fold r + 1 for early
 * stopping and trains on the others, so that what is scored has chosen nothing. The layer that is written trains on all
 * images for the median of the rounds' best epochs.
 *
 * Thread safety: for the main thread; fovea_adapt_run watches signals and prints. */
#ifndef FOVEA_APPS_ADAPT_H
#define FOVEA_APPS_ADAPT_H

#include <stdbool.h>
#include <stddef.h>

#include "adapt/labels.h"
#include "adapt/training.h"
#include "base/buffer.h"
#include "eval/classification.h"
#include "fovea/threads.h"
#include "pipeline/models.h"

enum {
    FOVEA_ADAPT_LEAST_IMAGES = 10, /* of a class: two in each of five folds, so that a round trains on six, watches two
                                      and scores two */
    FOVEA_ADAPT_LEAST_FOLDS = 3,   /* one to score, one to watch, one to train */
    FOVEA_ADAPT_MOST_FOLDS = 10,
    FOVEA_ADAPT_MOST_FAILED = 10, /* per cent of the images that may be unreadable */
    FOVEA_ADAPT_DATE_SIZE = 11,   /* "2021-08-31" */
};

struct fovea_adapt_options {
    const char *model, *table; /* the parent; the labels */
    const char *output;        /* the model that is written */
    const char *report;        /* folder of the report; NULL: the output's name, with "-report" for its suffix */
    const char *images;        /* folder that names in the table count from; NULL: the table's own */
    const char *name;          /* of the new model; NULL: the parent's and ", adapted" */
    size_t copies, folds, epochs;
    size_t seed;        /* below 2^32 */
    double rate, decay; /* negative: as the kind of net asks for */
    bool force;         /* write the model even if it grades no better */
    size_t threads;
};

/* One image that is used. */
struct fovea_adapt_image {
    const struct fovea_labelled *labelled;
    size_t fold;
    struct fovea_graded_pair before, after; /* by the parent; by the round that has not seen it */
};

struct fovea_adapt {
    const struct fovea_adapt_options *options;
    struct fovea_models models; /* the parent alone */
    struct fovea_model *parent;
    struct fv_threads *threads;
    struct fovea_labels labels;
    struct fovea_failures problems; /* of the table */
    struct fovea_failures failures; /* of images */

    struct fovea_adapt_image *images; /* those that could be read */
    size_t count;
    size_t counts[FOVEA_QUALITY_COUNT];
    size_t subjects;    /* how many; 0: the table does not say */
    float *features;    /* row i x copies + c: copy c of image i */
    size_t *row_labels; /* of the rows */

    bool decoupled; /* AdamW, as for Swin; else Adam */
    struct fovea_training_options training;
    struct fovea_linear start;           /* the parent's; owned */
    const char *head_weight, *head_bias; /* the tensors of that layer */
    struct fovea_training rounds[FOVEA_ADAPT_MOST_FOLDS];
    size_t chosen; /* epochs of the last training */
    struct fovea_training final;

    struct fovea_classification before, after;
    size_t mended, broken; /* images wrong before and right after; right before and wrong after */
    bool better;           /* the accuracy rose */
    char date[FOVEA_ADAPT_DATE_SIZE];
};

/* Opens the parent, which must be a grader, computes the features of every copy of every image, fills `images`,
 * `counts`, `features` and `start`. Images that cannot be used become failures. Errors: FV_ERROR_MODEL,
 * FV_ERROR_UNSUPPORTED (no grader), FV_ERROR_CANCELLED (interrupted), FV_ERROR_MEMORY, FV_ERROR_FILE. */
enum fv_status fovea_adapt_open_parent(struct fovea_adapt *adapt, struct fv_error *error);
enum fv_status fovea_adapt_compute_features(struct fovea_adapt *adapt, struct fv_error *error);

/* Refuses what cannot be cross-validated: a missing class, too few images of one, too few subjects, too many failures
 * (FV_ERROR_ARGUMENT). Sets the images' folds. Errors also: FV_ERROR_MEMORY. */
enum fv_status fovea_adapt_split(struct fovea_adapt *adapt, struct fv_error *error);

/* Runs the rounds and the last training, scores both graders. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_adapt_train(struct fovea_adapt *adapt, struct fv_error *error);

/* Writes the model: the parent's metadata and tensors as they are but for the last layer, the name and the lineage.
 * Errors: FV_ERROR_FILE, FV_ERROR_MEMORY, FV_ERROR_MODEL (a weight that is not finite). */
enum fv_status fovea_adapt_write_model(const struct fovea_adapt *adapt, struct fv_error *error);

/* The text that the model's lineage gets for this adaptation. */
void fovea_adapt_describe(const struct fovea_adapt *adapt, struct fovea_buffer *text);

/* The name of the model that is written. */
void fovea_adapt_add_name(const struct fovea_adapt *adapt, struct fovea_buffer *text);

/* Write one result file each; `written` tells whether the model is. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_adapt_write_report(const struct fovea_adapt *adapt, bool written, const char *path,
                                        struct fv_error *error);
enum fv_status fovea_adapt_write_json(const struct fovea_adapt *adapt, bool written, const char *path,
                                      struct fv_error *error);
enum fv_status fovea_adapt_write_rows(const struct fovea_adapt *adapt, const char *path, struct fv_error *error);

/* Does all of it and returns the program's exit status. */
int fovea_adapt_run(const struct fovea_adapt_options *options);

#endif
