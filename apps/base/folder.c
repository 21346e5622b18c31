#include "base/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fovea/memory.h"

static bool is_folder(const char *path) {
    struct stat information;
    return stat(path, &information) == 0 && S_ISDIR(information.st_mode);
}

static enum fv_status make_one(const char *path, struct fv_error *error) {
    if (mkdir(path, 0777) == 0) {
        return FV_OK;
    }
    int code = errno;
    if (is_folder(path)) {
        return FV_OK;
    }
    return fv_error_set(error, FV_ERROR_FILE, "%s: the folder cannot be created: %s", path, strerror(code));
}

enum fv_status fovea_folder_make(const char *path, struct fv_error *error) {
    char *prefix = fv_duplicate(path);
    if (prefix == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    enum fv_status status = FV_OK;
    size_t length = strlen(prefix);
    for (size_t end = 1; end <= length && status == FV_OK; end++) {
        if (prefix[end] == '/' || prefix[end] == '\0') {
            prefix[end] = '\0';
            status = make_one(prefix, error);
            prefix[end] = end < length ? '/' : '\0';
        }
    }
    fv_release(prefix);
    return status;
}

bool fovea_same_place(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}
