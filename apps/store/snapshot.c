#include "store/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fovea/memory.h"
#include "fovea/text.h"
#include "store/copy.h"
#include "store/lock.h"
#include "store/run_folder.h"

static enum fv_status out_of_memory(const char *name, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
}

bool fovea_store_is_at_rest(const char *name) {
    return !fovea_folder_holds(name, FOVEA_STORE_NAME "-wal") &&
           !fovea_folder_holds(name, FOVEA_STORE_NAME "-journal") && !fovea_folder_holds(name, FOVEA_WORK_FOLDER);
}

/* Makes an empty folder that nobody else can look into. */
static enum fv_status make_folder(char **folder, struct fv_error *error) {
    const char *place = getenv("TMPDIR");
    *folder = fv_text_format("%s/fovea-XXXXXX", place != NULL && place[0] != '\0' ? place : "/tmp");
    if (*folder == NULL) {
        return out_of_memory("a copy of the store", error);
    }
    if (mkdtemp(*folder) == NULL) {
        enum fv_status status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be made: %s", *folder, strerror(errno));
        fv_release(*folder);
        *folder = NULL;
        return status;
    }
    return FV_OK;
}

/* The files of a store; the first is always there. */
static const char *const files[] = {FOVEA_STORE_NAME, FOVEA_STORE_NAME "-journal", FOVEA_STORE_NAME "-wal"};
enum { FILES = sizeof files / sizeof *files };

/* Opens the store from FROM copied into the empty folder, where nothing stays: an open file needs no name. */
static enum fv_status open_copy(const char *from, const char *folder, struct fovea_store **store,
                                struct fv_error *error) {
    char *targets[FILES];
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < FILES; i++) {
        char *source = fv_text_format("%s/%s", from, files[i]);
        targets[i] = fv_text_format("%s/%s", folder, files[i]);
        if (source == NULL || targets[i] == NULL) {
            status = out_of_memory(from, error);
        } else if (status == FV_OK && fovea_folder_holds(from, files[i])) {
            status = fovea_file_copy(source, targets[i], error);
        }
        fv_release(source);
    }
    status = status != FV_OK ? status : fovea_store_open(targets[0], true, store, error);
    for (size_t i = 0; i < FILES; i++) {
        if (targets[i] != NULL) {
            unlink(targets[i]);
        }
        fv_release(targets[i]);
    }
    return status;
}

/* Opens a store that is not at rest. */
static enum fv_status open_unfinished(const char *name, struct fovea_store **store, struct fv_error *error) {
    char *folder;
    enum fv_status status = make_folder(&folder, error);
    if (status == FV_OK) {
        status = open_copy(name, folder, store, error);
        rmdir(folder);
        fv_release(folder);
    }
    return status;
}

static enum fv_status open_at_rest(const char *name, struct fovea_store **store, struct fv_error *error) {
    char *path = fv_text_format("%s/" FOVEA_STORE_NAME, name);
    enum fv_status status = path == NULL ? out_of_memory(name, error) : fovea_store_open(path, false, store, error);
    fv_release(path);
    return status;
}

static enum fv_status open_snapshot(const char *name, struct fovea_snapshot *snapshot, struct fv_error *error) {
    enum fv_status status = fovea_lock_check(name, error);
    char *resolved = realpath(name, NULL);
    snapshot->output = resolved == NULL ? NULL : fv_duplicate(resolved);
    if (resolved != NULL && snapshot->output == NULL) {
        status = out_of_memory(name, error);
    }
    free(resolved); /* made by the C library */
    if (status != FV_OK || snapshot->output == NULL || !fovea_run_folder_exists(name)) {
        return status;
    }
    return fovea_store_is_at_rest(name) ? open_at_rest(name, &snapshot->store, error)
                                        : open_unfinished(name, &snapshot->store, error);
}

enum fv_status fovea_snapshot_open(const char *name, struct fovea_snapshot *snapshot, struct fv_error *error) {
    *snapshot = (struct fovea_snapshot){0};
    enum fv_status status = open_snapshot(name, snapshot, error);
    if (status != FV_OK) {
        fovea_snapshot_close(snapshot);
    }
    return status;
}

void fovea_snapshot_close(struct fovea_snapshot *snapshot) {
    fovea_store_close(snapshot->store);
    fv_release(snapshot->output);
    *snapshot = (struct fovea_snapshot){0};
}
