/* A run folder: the lock, the store, and the files of its images, which appear together with their rows or not at all
 * (see recovery.h); and results.csv, results.json and report.html, which are exports of the store.
 *
 * Errors, naming the file and the reason: those of the store and of the lock, FV_ERROR_FILE, FV_ERROR_MEMORY,
 * FV_ERROR_ARGUMENT (the folder holds something else than what is asked for). Thread safety: a folder belongs to one
 * thread at a time; others may not work in it, in this process or another. */
#ifndef FOVEA_APPS_RUN_FOLDER_H
#define FOVEA_APPS_RUN_FOLDER_H

#include "store/lock.h"
#include "store/plan.h"
#include "store/store.h"

struct fovea_run_folder {
    const char *name; /* as it was given, for messages */
    char *path;       /* all links resolved; owned */
    char *staging;    /* where files wait; owned */
    struct fovea_lock lock;
    struct fovea_store *store;
    size_t rows;         /* that are not committed yet */
    bool files;          /* some of them have files */
    size_t staged, last; /* the greatest number of their files, and of those that were committed */
    size_t moved;        /* images that may be in `moving` */
    bool unfinished;     /* some of their files could not be moved */
    double committed;    /* when that was done last, in seconds on a clock that never jumps */
};

/* Opens the folder `name`, which must outlive it, takes its lock, and finishes what a command that was killed had
 * begun. `create`: makes folder and store where they are not; else they must be there. On failure *folder is empty; the
 * caller gives it back with fovea_run_folder_close. */
enum fv_status fovea_run_folder_open(const char *name, bool create, struct fovea_run_folder *folder,
                                     struct fv_error *error);

/* Gives everything back; rows that were not committed are forgotten, with their files. An empty folder is allowed. */
void fovea_run_folder_close(struct fovea_run_folder *folder);

/* Whether the folder `name` holds an entry `entry`, and a store. */
bool fovea_folder_holds(const char *name, const char *entry);
bool fovea_run_folder_exists(const char *name);

/* FV_ERROR_ARGUMENT if a merge was writing the folder and did not end. */
enum fv_status fovea_run_folder_check(const struct fovea_run_folder *folder, struct fv_error *error);

/* What a command brings to a folder. */
struct fovea_run_request {
    const struct fovea_results *results; /* what it is made with; `planned` is set here */
    struct fovea_share share;            /* of the inputs; what `inputs` are already */
    const struct fovea_inputs *inputs;
    bool overwrite; /* what does not fit any more is done again */
};

/* Compares the request with the store and plans what is left to do. With `overwrite` changed inputs are among it, and
 * where options or models changed all rows go. Errors: FV_ERROR_ARGUMENT (what was changed and `overwrite` does not say
 * that it may be; rows of images that are not among the inputs would be lost). The caller releases *plan. */
enum fv_status fovea_run_folder_plan(struct fovea_run_folder *folder, const struct fovea_run_request *request,
                                     struct fovea_plan *plan, struct fv_error *error);

/* The same without changing anything: `store` may be open for reading (NULL: there is none), `output` is the folder
 * where its files are and `name` how messages call it. *reset tells that all rows would go. */
enum fv_status fovea_run_request_check(struct fovea_store *store, const char *output, const char *name,
                                       const struct fovea_run_request *request, bool *reset, struct fovea_plan *plan,
                                       struct fv_error *error);

/* Adds the row of an image, whose files wait as number `staged`: from 1, and greater from call to call; 0: it
 * has none, and others of its name stay. */
enum fv_status fovea_run_folder_keep(struct fovea_run_folder *folder, const struct fovea_result *result, size_t staged,
                                     struct fv_error *error);

/* Work goes on that may take long: commits the rows, if some wait and not just a moment ago, and moves their files to
 * their places. `now`: in any case. */
enum fv_status fovea_run_folder_commit(struct fovea_run_folder *folder, bool now, struct fv_error *error);

/* Ends the work on images: all is on the disk. */
enum fv_status fovea_run_folder_settle(struct fovea_run_folder *folder, struct fv_error *error);

/* Writes results.csv, results.json and report.html; unless `always`, only if they are not what the store says or not
 * there. *written, if not NULL, tells whether. */
enum fv_status fovea_run_folder_export(struct fovea_run_folder *folder, bool always, bool *written,
                                       struct fv_error *error);

#endif
