/* What a command found out, image by image, and the files that say so, which are written piece by piece from wherever
 * the results are.
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
#include "base/digest.h"
#include "base/number.h"
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
    const struct fovea_input *input; /* reports need its name, stem and copy */
    enum fovea_state state;
    char *reason;                         /* why it failed, or a remark; NULL: none; owned */
    struct fovea_scan scan;               /* its texts belong to the input; not its remarks */
    char *remarks;                        /* what is to be known of the scan and its file; NULL: nothing; owned */
    bool passing;                         /* it, or its partner's grade, lacked memory or a file: another try may do */
    char digest[FOVEA_DIGEST_SIZE];       /* the SHA-256 of the input; "": not known */
    const char *scan_fingerprint;         /* fovea_scan_fingerprint of the scan; NULL: to be made of it */
    char image_digest[FOVEA_DIGEST_SIZE]; /* that of the image that belongs to a mask; "": none */
    const char *instruction_set;          /* that the nets ran with, static; NULL: there were none */
    uint32_t width, height;               /* pixels; 0: could not be read */
    bool graded;
    struct fovea_grade grade;
    const char
        *grade_partner; /* the name of the superficial image whose grade a deep one takes; NULL: none; not owned */
    char partner_digest[FOVEA_DIGEST_SIZE]; /* the SHA-256 of that image; "": not known */
    const struct fovea_scan *partner_scan;  /* what is known of its scan; NULL: nothing; not owned */
    const char *partner_fingerprint;        /* of that scan; NULL: to be made of it; not owned */
    const char *unpaired;                   /* why a deep image has none (struct fovea_input); NULL; not owned */
    bool measured;
    struct fovea_measures measures;
    uint8_t *thumbnail; /* a PNG file; NULL: none; owned */
    size_t thumbnail_size;
    uint8_t *vessel_thumbnail; /* the same of the map of vessels */
    size_t vessel_thumbnail_size;
    bool untouched;           /* it lies where its results would go: nothing of that name is changed */
    unsigned files;           /* bit k: a file of the kind fovea_output_kinds[k] was written */
    enum fv_status unwritten; /* why one could not be written, which `reason` says too; else FV_OK */
};

/* Is given one result after the other, each only for the time of the call. Another status than FV_OK ends it. */
typedef enum fv_status fovea_result_visit(void *visitor, const struct fovea_result *result, struct fv_error *error);

/* Where the results of a run are. `each` gives all of them to `visit`, in the order of their inputs, with their
 * thumbnails only if `pictures` says so; it returns the first status that is not FV_OK. */
struct fovea_result_source {
    void *context;
    enum fv_status (*each)(void *context, bool pictures, fovea_result_visit *visit, void *visitor,
                           struct fv_error *error);
};

/* A whole run: what it was made with, and where its results are. */
struct fovea_results {
    const char *command;
    const char *version;                                /* of the program */
    double field_mm;                                    /* 0: the command line had none */
    const char *layer;                                  /* "" if the command line had none */
    const struct fovea_model_about *grader, *segmenter; /* NULL: not used */
    bool shipped;                                       /* these are the demo models */
    bool mirrored;                                      /* the segmenter averaged over mirrored views */
    struct fovea_planning planning;                     /* of both */
    const size_t *folds;                                /* numbers of its folds that were used, not owned */
    size_t fold_count, folds_most;                      /* how many, and how many it has; 0: not used */
    bool images;                                        /* masks were measured with their images */
    bool require_grade;                                 /* deep images without a grade were refused */
    double reference_axial_length_mm;                   /* that the device assumes; 0: the usual one */
    bool probability;                                   /* maps of probability were written */
    size_t planned;                                     /* images in the list; more than `count` if interrupted */
    size_t ignored;                                     /* files in folders that are no images */
    size_t count;                                       /* results */
    struct fovea_result_source source;
};

/* Results in memory. */
struct fovea_result_list {
    struct fovea_result *items; /* owned */
    size_t count;
};

/* The list, which must outlive it, as a source. */
struct fovea_result_source fovea_result_list_source(struct fovea_result_list *list);

/* Frees what a result owns; it is empty. */
void fovea_result_clear(struct fovea_result *result);

/* Frees what the results own; the list is empty again. */
void fovea_result_list_clear(struct fovea_result_list *list);

/* The folds that were used, as "0 1 2" appended to a buffer. */
void fovea_results_add_folds(const struct fovea_results *results, struct fovea_buffer *text);

/* Whose grade it is: "own", "partner", or "" if it has none. */
const char *fovea_result_grade_source(const struct fovea_result *result);

/* Whether `result` has a value in that column. */
bool fovea_result_has(const struct fovea_result *result, const struct fovea_measure_column *column);

/* A file that is made of pieces of text; complete or not at all. */
struct fovea_export {
    struct fv_output *output;
    struct fovea_buffer text; /* what comes next */
};
/* Begins it. Errors: those of fv_output_create; then it is empty. */
enum fv_status fovea_export_begin(struct fovea_export *export, const char *path, struct fv_error *error);
/* Writes the text if enough of it has come together. Errors: those of fovea_buffer_flush. */
enum fv_status fovea_export_flush(struct fovea_export *export, struct fv_error *error);
/* Ends it: names the file, or forgets it if `status`, what came of making it, is not FV_OK. Returns that, or an error
 * of writing. */
enum fv_status fovea_export_end(struct fovea_export *export, enum fv_status status, struct fv_error *error);

/* Writes results.csv: RFC 4180 with \n line ends, a header, a row an image, blank for what is missing; names of files
 * are the bytes of the file system. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_results_write_csv(const struct fovea_results *results, const char *path, struct fv_error *error);

/* Writes the same table for REDCap's import: before its columns record_id (the subject, or where it is unknown the name
 * of the image's files), redcap_repeat_instrument ("fovea") and redcap_repeat_instance (the image's number within its
 * record, in the order of names: it may be another after images were added), after them fovea_complete (0: failed, 2:
 * done); UTF-8 throughout, bytes that are none and line breaks become U+FFFD. Errors: those of results.csv. */
enum fv_status fovea_results_write_redcap(const struct fovea_results *results, const char *path,
                                          struct fv_error *error);

/* Writes results.json: the options, the models, and an object an image with the columns of results.csv (absent for what
 * is missing). Errors: FV_ERROR_FILE, FV_ERROR_MEMORY, those of the source; so of the next two. */
enum fv_status fovea_results_write_json(const struct fovea_results *results, const char *path, struct fv_error *error);

/* Appends the object of a result as results.json has it, on one line; before all others it has the member "event" if
 * that is not NULL. For cJSON's memory see fovea_json_use_engine_memory. */
void fovea_result_add_json(const struct fovea_result *result, const char *event, struct fovea_buffer *text);

/* Writes report.html, for people: up to 200 images everything is in it; with more it holds the summary and a table, and
 * the folder pages/ beside it the images, 50 a page. Pages that an earlier, larger report left there are removed. Pages
 * load nothing; links between them are relative. */
enum fv_status fovea_results_write_report(const struct fovea_results *results, const char *path,
                                          struct fv_error *error);

/* Writes results.csv, results.json and report.html into `folder`. Errors: those of the three. */
enum fv_status fovea_results_write(const struct fovea_results *results, const char *folder, struct fv_error *error);

#endif
