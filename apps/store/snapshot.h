/* A store seen without changing anything in its folder.
 *
 * A store at rest is read where it is. One that was killed has a write-ahead log, which only a writer can read: it is
 * copied to a folder of its own under TMPDIR (else /tmp), which only this user may enter, and read there. The copy
 * loses its name as soon as it is open, since it holds names of patients: a process that is killed while it reads
 * leaves nothing. Errors: those of the store, FV_ERROR_FILE (another process works in the folder). Thread safety: as of
 * the store. */
#ifndef FOVEA_APPS_SNAPSHOT_H
#define FOVEA_APPS_SNAPSHOT_H

#include "store/store.h"

struct fovea_snapshot {
    struct fovea_store *store; /* NULL: the folder holds none */
    char *output;              /* the folder, all links resolved; NULL: there is none; owned */
};

/* Opens what the folder `name` holds, which need not exist. On failure *snapshot is empty; the caller gives it back
 * with fovea_snapshot_close. */
enum fv_status fovea_snapshot_open(const char *name, struct fovea_snapshot *snapshot, struct fv_error *error);
void fovea_snapshot_close(struct fovea_snapshot *snapshot);

/* Whether nothing is left to be finished in the folder `name`, whose store may be read where it is. */
bool fovea_store_is_at_rest(const char *name);

#endif
