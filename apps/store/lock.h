/* One command at a time in a run folder. While one works there, OUT/.fovea exists, with the file `lock` in it, which
 * the operating system unlocks when the process ends, however it does.
 *
 * Thread safety: a lock belongs to one thread at a time. */
#ifndef FOVEA_APPS_LOCK_H
#define FOVEA_APPS_LOCK_H

#include <stdbool.h>

#include "fovea/status.h"

#define FOVEA_WORK_FOLDER ".fovea"

/* A zeroed struct holds nothing. */
struct fovea_lock {
    char *folder;   /* OUT/.fovea; owned */
    char *path;     /* OUT/.fovea/lock; owned; NULL: not held */
    int descriptor; /* of the file */
};

/* Takes the lock of the folder `output`, which exists. Errors, naming the folder: FV_ERROR_FILE (another process works
 * there; it cannot be written), FV_ERROR_MEMORY. On failure nothing is held. */
enum fv_status fovea_lock_take(const char *output, struct fovea_lock *lock, struct fv_error *error);

/* Gives it back, and removes OUT/.fovea if nothing else is in it. */
void fovea_lock_release(struct fovea_lock *lock);

/* FV_ERROR_FILE if another process works in `output`. Changes nothing. */
enum fv_status fovea_lock_check(const char *output, struct fv_error *error);

#endif
