#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { COPY_STEP = 1 << 16 };

/* False, and errno, after a failure. */
static bool copy_bytes(int from, int to) {
    char bytes[COPY_STEP];
    ssize_t size;
    while ((size = read(from, bytes, sizeof bytes)) > 0) {
        for (ssize_t at = 0, written; at < size; at += written) {
            written = write(to, bytes + at, (size_t)(size - at));
            if (written <= 0) {
                return false;
            }
        }
    }
    return size == 0;
}

enum fv_status fovea_file_copy(const char *from, const char *to, struct fv_error *error) {
    const int source = open(from, O_RDONLY | O_CLOEXEC);
    if (source < 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be opened: %s", from, strerror(errno));
    }
    const int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool done = target >= 0 && copy_bytes(source, target);
    int reason = errno;
    if (target >= 0 && close(target) != 0 && done) {
        done = false;
        reason = errno;
    }
    close(source);
    return done ? FV_OK : fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", to, strerror(reason));
}
