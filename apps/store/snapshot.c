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

/* Copies FROM/name to TO/name; nothing if it is not there. */
static enum fv_status copy_file(const char *from, const char *to, const char *name, struct fv_error *error) {
    if (!fovea_folder_holds(from, name)) {
        return FV_OK;
    }
    char *source = fv_text_format("%s/%s", from, name), *target = fv_text_format("%s/%s", to, name);
    enum fv_status status =
        source == NULL || target == NULL ? out_of_memory(name, error) : fovea_file_copy(source, target, error);
    fv_release(source);
    fv_release(target);
    return status;
}

static enum fv_status make_copy(struct fovea_snapshot *snapshot, struct fv_error *error) {
    const char *place = getenv("TMPDIR");
    char *folder = fv_text_format("%s/fovea-XXXXXX", place != NULL && place[0] != '\0' ? place : "/tmp");
    if (folder == NULL) {
        return out_of_memory(snapshot->output, error);
    }
    if (mkdtemp(folder) == NULL) {
        enum fv_status status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be made: %s", folder, strerror(errno));
        fv_release(folder);
        return status;
    }
    snapshot->copy = folder;
    enum fv_status status = copy_file(snapshot->output, folder, FOVEA_STORE_NAME, error);
    status = status != FV_OK ? status : copy_file(snapshot->output, folder, FOVEA_STORE_NAME "-journal", error);
    return status != FV_OK ? status : copy_file(snapshot->output, folder, FOVEA_STORE_NAME "-wal", error);
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
    const bool rest = fovea_store_is_at_rest(name);
    status = rest ? FV_OK : make_copy(snapshot, error);
    if (status != FV_OK) {
        return status;
    }
    char *path = fv_text_format("%s/" FOVEA_STORE_NAME, rest ? name : snapshot->copy);
    status = path == NULL ? out_of_memory(name, error) : fovea_store_open(path, !rest, &snapshot->store, error);
    fv_release(path);
    return status;
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
    static const char *const names[] = {FOVEA_STORE_NAME, FOVEA_STORE_NAME "-wal", FOVEA_STORE_NAME "-journal"};
    fovea_store_close(snapshot->store);
    for (size_t i = 0; i < sizeof names / sizeof *names && snapshot->copy != NULL; i++) {
        char *path = fv_text_format("%s/%s", snapshot->copy, names[i]);
        if (path != NULL) {
            unlink(path);
        }
        fv_release(path);
    }
    if (snapshot->copy != NULL) {
        rmdir(snapshot->copy);
    }
    fv_release(snapshot->copy);
    fv_release(snapshot->output);
    *snapshot = (struct fovea_snapshot){0};
}
