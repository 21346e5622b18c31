#include "store/run_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "report/pages.h"
#include "store/private.h"
#include "store/recovery.h"

enum { ROWS_MOST = 64 };
static const double commit_pause = 0.25; /* seconds between two commits, if not ROWS_MOST rows wait */

static enum fv_status out_of_memory(const char *name, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
}

static double clock_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

bool fovea_folder_holds(const char *name, const char *entry) {
    const int descriptor = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const bool holds = descriptor >= 0 && faccessat(descriptor, entry, F_OK, 0) == 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return holds;
}

bool fovea_run_folder_exists(const char *name) {
    return fovea_folder_holds(name, FOVEA_STORE_NAME);
}

static enum fv_status resolve(struct fovea_run_folder *folder, struct fv_error *error) {
    char *resolved = realpath(folder->name, NULL);
    if (resolved == NULL) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be resolved", folder->name);
    }
    folder->path = fv_duplicate(resolved);
    folder->staging = fv_text_format("%s/" FOVEA_WORK_FOLDER, resolved);
    free(resolved); /* made by the C library */
    return folder->path != NULL && folder->staging != NULL ? FV_OK : out_of_memory(folder->name, error);
}

/* Finishes what a command that was killed had begun. */
static enum fv_status recover(const struct fovea_run_folder *folder, struct fv_error *error) {
    enum fv_status status = fovea_moving_finish(folder->store, folder->path, 0, error);
    status = status != FV_OK ? status : fovea_moving_settle(folder->store, folder->path, error);
    status = status != FV_OK ? status : fovea_leftovers_remove(folder->store, folder->path, error);
    status = status != FV_OK ? status : fovea_temporaries_clear(folder->path, error);
    return status != FV_OK ? status : fovea_staging_clear(folder->path, error);
}

static enum fv_status open_folder(struct fovea_run_folder *folder, bool create, struct fv_error *error) {
    if (!create && !fovea_run_folder_exists(folder->name)) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: holds no results: there is no " FOVEA_STORE_NAME, folder->name);
    }
    enum fv_status status = create ? fovea_folder_make(folder->name, error) : FV_OK;
    status = status != FV_OK ? status : resolve(folder, error);
    status = status != FV_OK ? status : fovea_lock_take(folder->name, &folder->lock, error);
    char *path = status != FV_OK ? NULL : fv_text_format("%s/" FOVEA_STORE_NAME, folder->name);
    if (status == FV_OK) {
        status =
            path != NULL ? fovea_store_open(path, true, &folder->store, error) : out_of_memory(folder->name, error);
    }
    fv_release(path);
    return status != FV_OK ? status : recover(folder, error);
}

enum fv_status fovea_run_folder_open(const char *name, bool create, struct fovea_run_folder *folder,
                                     struct fv_error *error) {
    *folder = (struct fovea_run_folder){.name = name};
    enum fv_status status = open_folder(folder, create, error);
    if (status != FV_OK) {
        fovea_run_folder_close(folder);
    }
    return status;
}

void fovea_run_folder_close(struct fovea_run_folder *folder) {
    if (folder->store != NULL) {
        struct fv_error ignored; /* what is left now is for the next command */
        fovea_store_rollback(folder->store);
        if (fovea_run_folder_settle(folder, &ignored) == FV_OK && !folder->unfinished) {
            fovea_staging_clear(folder->path, &ignored);
        }
    }
    fovea_store_close(folder->store);
    fovea_lock_release(&folder->lock);
    fv_release(folder->path);
    fv_release(folder->staging);
    *folder = (struct fovea_run_folder){0};
}

/* "K/N", or "" for the whole. */
static void format_share(struct fovea_share share, char text[64]) {
    text[0] = '\0';
    if (share.of > 0) {
        snprintf(text, 64, "%zu/%zu", share.number, share.of);
    }
}

static enum fv_status check_share(struct fovea_store *store, const char *name, struct fovea_share share,
                                  struct fv_error *error) {
    char *before, after[64];
    enum fv_status status = fovea_store_get(store, "share", &before, error);
    format_share(share, after);
    if (status == FV_OK && strcmp(before != NULL ? before : "", after) != 0) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT,
                              "%s holds %s%s, not %s%s: each share has a folder of its own, and fovea merge joins them",
                              name, before != NULL ? "share " : "the whole list", before != NULL ? before : "",
                              after[0] != '\0' ? "share " : "the whole list", after);
    }
    fv_release(before);
    return status;
}

/* A folder that a merge was writing holds nothing yet. */
static enum fv_status check_merging(struct fovea_store *store, const char *name, struct fv_error *error) {
    char *merging;
    enum fv_status status = fovea_store_get(store, "merging", &merging, error);
    if (status == FV_OK && merging != NULL) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT,
                              "%s: fovea merge was writing this folder and did not end; give that command again", name);
    }
    fv_release(merging);
    return status;
}

enum fv_status fovea_run_folder_check(const struct fovea_run_folder *folder, struct fv_error *error) {
    return check_merging(folder->store, folder->name, error);
}

static enum fv_status refuse_changed(const char *name, const struct fovea_run_request *request,
                                     const struct fovea_plan *plan, struct fv_error *error) {
    const size_t others = plan->counts[FOVEA_FATE_CHANGED] - 1;
    char more[64] = "";
    if (others > 0) {
        snprintf(more, sizeof more, " (and %zu other input%s changed)", others, others > 1 ? "s have" : " has");
    }
    return fv_error_set(
        error, FV_ERROR_ARGUMENT,
        "%s holds results of %s, but %s%s; --overwrite does again what has changed, another --output keeps both", name,
        request->inputs->items[plan->changed].name, plan->reasons[plan->changed], more);
}

/* Rows of images that are not there would go with the others. */
static enum fv_status refuse_loss(const char *name, const struct fovea_plan *plan, const struct fv_error *difference,
                                  struct fv_error *error) {
    return fv_error_set(
        error, FV_ERROR_ARGUMENT,
        "%s; --overwrite would lose the results of %zu images of %s that are not among the inputs (%s); "
        "choose another --output",
        difference->message, plan->vanished_count, name, plan->vanished_name);
}

enum fv_status fovea_run_request_check(struct fovea_store *store, const char *output, const char *name,
                                       const struct fovea_run_request *request, bool *reset, struct fovea_plan *plan,
                                       struct fv_error *error) {
    *reset = false;
    *plan = (struct fovea_plan){0};
    struct fv_error difference = {0};
    long long rows = 0;
    enum fv_status status = store == NULL ? FV_OK : check_merging(store, name, error);
    if (status == FV_OK && store != NULL) {
        status = fovea_database_number(&store->database, "SELECT count(*) FROM images", &rows, error);
    }
    if (status == FV_OK && rows > 0) {
        status = check_share(store, name, request->share, error);
        enum fv_status same = status != FV_OK ? FV_OK : fovea_store_compare(store, request->results, name, &difference);
        *reset = same == FV_ERROR_ARGUMENT;
        if (same != FV_OK && (same != FV_ERROR_ARGUMENT || !request->overwrite)) {
            status = fv_error_set(error, same, "%s%s", difference.message,
                                  same == FV_ERROR_ARGUMENT ? "; --overwrite does all of them again" : "");
        }
    }
    status = status != FV_OK ? status : fovea_plan_make(rows > 0 ? store : NULL, output, request->inputs, plan, error);
    if (status == FV_OK && *reset && plan->vanished_count > 0) {
        status = refuse_loss(name, plan, &difference, error);
    } else if (status == FV_OK && !*reset && plan->counts[FOVEA_FATE_CHANGED] > 0 && !request->overwrite) {
        status = refuse_changed(name, request, plan, error);
    }
    if (status != FV_OK) {
        fovea_plan_release(plan);
    }
    return status;
}

/* Says in the store what the request is made with, if that is new, and how many images there are to be. */
static enum fv_status describe(struct fovea_run_folder *folder, const struct fovea_run_request *request, bool fresh,
                               size_t planned, struct fv_error *error) {
    struct fovea_results results = *request->results;
    char number[32], ignored[32], share[64], *before = NULL, *before_ignored = NULL;
    results.planned = planned;
    snprintf(number, sizeof number, "%zu", planned);
    snprintf(ignored, sizeof ignored, "%zu", results.ignored);
    format_share(request->share, share);
    enum fv_status status = fovea_store_get(folder->store, "images_planned", &before, error);
    status = status != FV_OK ? status : fovea_store_get(folder->store, "files_ignored", &before_ignored, error);
    const bool same = !fresh && before != NULL && before_ignored != NULL && strcmp(before, number) == 0 &&
                      strcmp(before_ignored, ignored) == 0;
    fv_release(before);
    fv_release(before_ignored);
    if (status != FV_OK || same) {
        return status;
    }
    if (fresh) {
        status = fovea_store_describe(folder->store, &results, error);
        status =
            status != FV_OK ? status : fovea_store_set(folder->store, "share", share[0] != '\0' ? share : NULL, error);
    }
    status = status != FV_OK ? status : fovea_store_set(folder->store, "images_planned", number, error);
    status = status != FV_OK ? status : fovea_store_set(folder->store, "files_ignored", ignored, error);
    return status != FV_OK ? status : fovea_store_set(folder->store, "exports", "stale", error);
}

/* All changes of the store that the plan asks for, in one transaction. */
static enum fv_status prepare(struct fovea_run_folder *folder, const struct fovea_run_request *request, bool reset,
                              const struct fovea_plan *plan, struct fv_error *error) {
    long long rows = 0;
    enum fv_status status =
        fovea_database_number(&folder->store->database, "SELECT count(*) FROM images", &rows, error);
    status = status != FV_OK ? status : fovea_store_begin(folder->store, error);
    if (status == FV_OK && reset) {
        status = fovea_store_remove_all(folder->store, error);
    }
    for (size_t i = 0; i < plan->removed_count && !reset && status == FV_OK; i++) {
        status = fovea_store_remove(folder->store, plan->removed[i], error);
    }
    if (status == FV_OK) {
        status = describe(folder, request, reset || rows == 0, request->inputs->count + plan->vanished_count, error);
    }
    status = status != FV_OK ? status : fovea_store_commit(folder->store, error);
    fovea_store_rollback(folder->store);
    return status != FV_OK ? status : fovea_leftovers_remove(folder->store, folder->path, error);
}

enum fv_status fovea_run_folder_plan(struct fovea_run_folder *folder, const struct fovea_run_request *request,
                                     struct fovea_plan *plan, struct fv_error *error) {
    bool reset;
    enum fv_status status =
        fovea_run_request_check(folder->store, folder->path, folder->name, request, &reset, plan, error);
    status = status != FV_OK ? status : prepare(folder, request, reset, plan, error);
    if (status == FV_OK && reset) {
        fovea_plan_release(plan);
        status = fovea_plan_make(NULL, folder->path, request->inputs, plan, error);
    }
    if (status != FV_OK) {
        fovea_plan_release(plan);
    }
    folder->committed = clock_now();
    return status;
}

enum fv_status fovea_run_folder_keep(struct fovea_run_folder *folder, const struct fovea_result *result, size_t staged,
                                     struct fv_error *error) {
    enum fv_status status = fovea_store_begin(folder->store, error);
    status = status != FV_OK ? status : fovea_store_put(folder->store, result, staged, error);
    folder->rows += status == FV_OK;
    folder->files = folder->files || result->files != 0;
    folder->staged = staged > 0 ? staged : folder->staged;
    return status;
}

enum fv_status fovea_run_folder_commit(struct fovea_run_folder *folder, bool now, struct fv_error *error) {
    if (folder->rows == 0 || (!now && folder->rows < ROWS_MOST && clock_now() - folder->committed < commit_pause)) {
        return FV_OK;
    }
    enum fv_status status = folder->files ? fovea_folder_flush(folder->staging, error) : FV_OK;
    status = status != FV_OK ? status : fovea_store_commit(folder->store, error);
    if (status == FV_OK) {
        status = fovea_moving_finish(folder->store, folder->path, folder->last, error);
        folder->unfinished = status != FV_OK;
        folder->moved += folder->rows;
        folder->last = folder->staged;
    }
    folder->rows = 0;
    folder->files = false;
    folder->committed = clock_now();
    return status == FV_OK && folder->moved >= FOVEA_MOVING_MOST ? fovea_run_folder_settle(folder, error) : status;
}

enum fv_status fovea_run_folder_settle(struct fovea_run_folder *folder, struct fv_error *error) {
    if (folder->moved == 0 || folder->unfinished) {
        return FV_OK;
    }
    folder->moved = 0;
    return fovea_moving_settle(folder->store, folder->path, error);
}

static bool exports_exist(const struct fovea_run_folder *folder, size_t images) {
    return fovea_folder_holds(folder->path, "results.csv") && fovea_folder_holds(folder->path, "results.json") &&
           fovea_folder_holds(folder->path, "report.html") && fovea_report_pages_exist(folder->path, images);
}

/* Writes the exports, and flushes the folders where they are. */
static enum fv_status write_exports(const struct fovea_run_folder *folder, const struct fovea_results *results,
                                    struct fv_error *error) {
    char *pages = fv_text_format("%s/%s", folder->path, fovea_report_pages_folder);
    enum fv_status status =
        pages == NULL ? out_of_memory(folder->name, error) : fovea_results_write(results, folder->path, error);
    status = status != FV_OK ? status : fovea_folder_flush(pages, error);
    fv_release(pages);
    return status != FV_OK ? status : fovea_folder_flush(folder->path, error);
}

enum fv_status fovea_run_folder_export(struct fovea_run_folder *folder, bool always, bool *written,
                                       struct fv_error *error) {
    char *exports = NULL;
    const struct fovea_results *results = NULL;
    enum fv_status status = fovea_store_get(folder->store, "exports", &exports, error);
    status = status != FV_OK ? status : fovea_store_results(folder->store, &results, error);
    const bool current =
        status == FV_OK && exports != NULL && strcmp(exports, "current") == 0 && exports_exist(folder, results->count);
    fv_release(exports);
    if (written != NULL) {
        *written = status == FV_OK && (always || !current);
    }
    if (status != FV_OK || (current && !always)) {
        return status;
    }
    status = write_exports(folder, results, error);
    return status != FV_OK ? status : fovea_store_set(folder->store, "exports", "current", error);
}
