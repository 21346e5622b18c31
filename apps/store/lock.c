#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/memory.h"
#include "fovea/text.h"

enum { ATTEMPTS = 100, PROCESS_SIZE = 32 };

static enum fv_status refuse(const char *output, int descriptor, struct fv_error *error) {
    char process[PROCESS_SIZE] = "";
    const ssize_t size = pread(descriptor, process, sizeof process - 1, 0);
    process[size > 0 ? size : 0] = '\0';
    process[strcspn(process, "\n")] = '\0';
    return fv_error_set(error, FV_ERROR_FILE, "%s: another fovea works in this folder (process %s)", output,
                        process[0] != '\0' ? process : "unknown");
}

/* Whether the file that was opened is still the one of that name: who ends removes it. */
static bool is_current(int descriptor, const char *path) {
    struct stat opened, named;
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* One attempt; *again: it came to nothing because another process just ended. */
static enum fv_status try_to_take(const char *output, struct fovea_lock *lock, bool *again, struct fv_error *error) {
    *again = false;
    if (mkdir(lock->folder, 0777) != 0 && errno != EEXIST) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", output, strerror(errno));
    }
    lock->descriptor = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock->descriptor < 0) {
        *again = errno == ENOENT;
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", output, strerror(errno));
    }
    enum fv_status status = FV_OK;
    if (flock(lock->descriptor, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK
                     ? refuse(output, lock->descriptor, error)
                     : fv_error_set(error, FV_ERROR_FILE, "%s: cannot be locked: %s", lock->path, strerror(errno));
    } else if (!is_current(lock->descriptor, lock->path)) {
        *again = true;
        status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be locked", lock->path);
    }
    if (status != FV_OK) {
        close(lock->descriptor);
    }
    return status;
}

/* For the message of others; a full disk does not matter here. */
static void write_process(int descriptor) {
    char process[PROCESS_SIZE];
    const int length = snprintf(process, sizeof process, "%ld\n", (long)getpid());
    if (ftruncate(descriptor, 0) == 0 && pwrite(descriptor, process, (size_t)length, 0) < 0) {
        errno = 0;
    }
}

enum fv_status fovea_lock_take(const char *output, struct fovea_lock *lock, struct fv_error *error) {
    *lock = (struct fovea_lock){.folder = fv_text_format("%s/" FOVEA_WORK_FOLDER, output),
                                .path = fv_text_format("%s/" FOVEA_WORK_FOLDER "/lock", output)};
    bool again = lock->folder != NULL && lock->path != NULL;
    enum fv_status status = again ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", output);
    for (int attempt = 0; again && attempt < ATTEMPTS; attempt++) {
        status = try_to_take(output, lock, &again, error);
    }
    if (status != FV_OK) {
        fv_release(lock->folder);
        fv_release(lock->path);
        *lock = (struct fovea_lock){0};
        return status;
    }
    write_process(lock->descriptor);
    return FV_OK;
}

void fovea_lock_release(struct fovea_lock *lock) {
    if (lock->path != NULL) {
        unlink(lock->path);
        rmdir(lock->folder);
        close(lock->descriptor);
    }
    fv_release(lock->folder);
    fv_release(lock->path);
    *lock = (struct fovea_lock){0};
}

enum fv_status fovea_lock_check(const char *output, struct fv_error *error) {
    char *path = fv_text_format("%s/" FOVEA_WORK_FOLDER "/lock", output);
    if (path == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", output);
    }
    enum fv_status status = FV_OK;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        if (flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            status = refuse(output, descriptor, error);
        }
        close(descriptor);
    }
    fv_release(path);
    return status;
}
