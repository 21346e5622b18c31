/* Comparing predictions with labels: one or several sets of grades (tables) or masks (folders), evaluated one by one
 * and reported side by side.
 *
 * Nothing in the results depends on when, where or with how many threads they were made.
 *
 * Thread safety: everything here belongs to one thread at a time. */
#ifndef FOVEA_APPS_EVAL_EVAL_H
#define FOVEA_APPS_EVAL_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/statistics.h"
#include "eval/classification.h"
#include "eval/failures.h"
#include "eval/mask_file.h"
#include "eval/mask_folder.h"
#include "eval/match.h"
#include "eval/segmentation.h"
#include "fovea/pool.h"
#include "fovea/status.h"
#include "fovea/threads.h"

enum fovea_eval_kind { FOVEA_EVAL_GRADES, FOVEA_EVAL_MASKS };

/* What is to be compared. */
struct fovea_eval_source {
    const char *name;                  /* of the set */
    const char *predicted, *reference; /* both files or both folders */
    const char *images;                /* folder of the images that the masks belong to; NULL: none */
    const char *probability;           /* folder of maps STEM.npy; NULL: none */
    double field_mm;                   /* 0: not known */
};

enum { FOVEA_EVAL_MAX_SETS = 32 };

struct fovea_eval_options {
    enum fovea_eval_kind kind;
    struct fovea_eval_source sources[FOVEA_EVAL_MAX_SETS];
    size_t source_count;
    const char *output;
    bool strict; /* any failure: nothing is written */
    bool match_given;
    enum fovea_match_rule match; /* if given */
    struct fovea_foreground foreground;
    bool empty_is_one;
    size_t worst;   /* how many segmentations are drawn a set */
    size_t threads; /* 0: what the machine gives */
};

/* A graded image. */
struct fovea_eval_grade {
    const char *name;
    struct fovea_graded_pair pair;
};

/* A segmented image. */
struct fovea_eval_mask {
    const char *name;                            /* of the reference, below its folder */
    const char *key;                             /* by which it was matched */
    const char *predicted_path, *reference_path; /* of the files */
    uint32_t width, height;
    struct fovea_overlap overlap;
    double figures[FOVEA_MASK_FIGURES];
};

/* What was found out about a set. */
struct fovea_eval_set {
    const struct fovea_eval_source *source;
    const char *predicted, *reference; /* their names without folders */
    enum fovea_match_rule match;       /* that was used */
    struct fovea_failures failures;
    struct fovea_failures notes; /* what should be known and is no failure */
    size_t count;                /* images evaluated */
    struct fv_pool texts;

    struct fovea_eval_grade *grades; /* of grades */
    struct fovea_classification classification;

    struct fovea_eval_mask *masks; /* of masks, with what their names and paths lie in */
    struct fovea_mask_folder predicted_folder, reference_folder;
    bool probabilities, areas; /* asked for */
    struct fovea_spread spreads[FOVEA_MASK_FIGURES];
    struct fovea_overlap pooled;
    double pooled_figures[FOVEA_MASK_OVERLAP_FIGURES];
    struct fovea_agreement agreement; /* of the areas, in mm2 */
};

struct fovea_eval {
    const struct fovea_eval_options *options;
    struct fovea_eval_set sets[FOVEA_EVAL_MAX_SETS];
    size_t count;
};

/* Evaluates one set; images that cannot be evaluated become its failures. Errors: FV_ERROR_FILE, FV_ERROR_FORMAT (a
 * whole table or folder cannot be used), FV_ERROR_CANCELLED (interrupted), FV_ERROR_MEMORY. The caller gives *set back
 * with fovea_eval_set_clear, on failure too. */
enum fv_status fovea_eval_grades(const struct fovea_eval_options *options, const struct fovea_eval_source *source,
                                 struct fovea_eval_set *set, struct fv_error *error);
enum fv_status fovea_eval_masks(const struct fovea_eval_options *options, const struct fovea_eval_source *source,
                                struct fv_threads *threads, struct fovea_eval_set *set, struct fv_error *error);
void fovea_eval_set_clear(struct fovea_eval_set *set);

/* One line of the summary. */
struct fovea_eval_figure {
    char name[64]; /* for programs: "dice"; of a class "precision_gradable" */
    char label[96];
    const char *formula;
    const char *statistic; /* of grades "value"; of masks "mean", "sd", "median", "lower_quartile", "upper_quartile",
                              "pooled"; of areas also "bias", "sd_of_differences", "lower_limit", "upper_limit" */
    double values[FOVEA_EVAL_MAX_SETS]; /* of the sets */
    double mean; /* over the sets, as in Table 6 of Wang et al. 2021; NaN unless all are defined */
};

/* Whether any of the sets of masks has that figure. */
bool fovea_eval_has(const struct fovea_eval *eval, enum fovea_mask_figure figure);

/* The summary: how many lines it has, and each of them. */
size_t fovea_eval_figure_count(const struct fovea_eval *eval);
void fovea_eval_figure_get(const struct fovea_eval *eval, size_t index, struct fovea_eval_figure *figure);

/* Appends a number as the result files show it: the shortest decimal that reads back, nothing for NaN. */
void fovea_eval_add_number(struct fovea_buffer *text, double value);

/* Write one result file each. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_eval_write_rows(const struct fovea_eval *eval, const char *path, struct fv_error *error);
enum fv_status fovea_eval_write_summary(const struct fovea_eval *eval, const char *path, struct fv_error *error);
enum fv_status fovea_eval_write_curves(const struct fovea_eval *eval, const char *path, struct fv_error *error);
enum fv_status fovea_eval_write_json(const struct fovea_eval *eval, const char *path, struct fv_error *error);
enum fv_status fovea_eval_write_report(const struct fovea_eval *eval, const char *path, struct fv_error *error);

/* Does all of it, with messages on the standard error and a summary on the standard output, and returns the program's
 * exit status. */
int fovea_eval_run(const struct fovea_eval_options *options);

#endif
