/* Preloaded into a program: counts its calls that change files, and at call number FOVEA_SHIM_AT (the first is 1) does
 * what FOVEA_SHIM says:
 *
 *   kill   ends the process as kill -9 does, before the call does anything
 *   tear   of a write does the first half, then ends the process so
 *   full   lets this call and all later ones that need room on the disk fail with ENOSPC
 *   error  lets this one call fail with EIO
 *
 * Without them it only counts. The number of calls is written to the file that FOVEA_SHIM_COUNT names, at the end.
 * Calls on the standard streams do not count. */
#undef _FILE_OFFSET_BITS /* open and open64 are two functions here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

/* The function `name` of the C library, which has the type of `like`. */
#define NEXT(like, name)                                                                                               \
    __typeof__(like) *next;                                                                                            \
    *(void **)(void *)&next = dlsym(RTLD_NEXT, name)

static bool is_mode(const char *mode) {
    const char *wanted = getenv("FOVEA_SHIM");
    return wanted != NULL && strcmp(wanted, mode) == 0;
}

/* Counts a call; whether it is to fail, errno says how. `room`: it needs room on the disk. `torn` receives whether half
 * of it is to be done before the end; NULL: it cannot be halved. */
static bool refuse(bool room, bool *torn) {
    const char *at = getenv("FOVEA_SHIM_AT");
    const long number = at != NULL ? strtol(at, NULL, 10) : 0;
    calls++;
    if (number == 0 || calls < number || (calls > number && !is_mode("full"))) {
        return false;
    }
    if (torn != NULL && is_mode("tear")) {
        *torn = true;
    } else if (is_mode("kill") || is_mode("tear")) {
        raise(SIGKILL);
    }
    errno = is_mode("full") ? ENOSPC : EIO;
    return is_mode("error") || (is_mode("full") && room);
}

__attribute__((destructor)) static void write_count(void) {
    const char *path = getenv("FOVEA_SHIM_COUNT");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file != NULL) {
        fprintf(file, "%ld\n", calls);
        fclose(file);
    }
}

/* These replace those of the C library, which declares them. */
#define REPLACED __attribute__((visibility("default")))

REPLACED ssize_t write(int descriptor, const void *bytes, size_t size) {
    NEXT(write, "write");
    bool torn = false;
    if (descriptor > STDERR_FILENO && refuse(true, &torn)) {
        return -1;
    }
    const ssize_t written = next(descriptor, bytes, torn ? size / 2 : size);
    if (torn) {
        raise(SIGKILL);
    }
    return written;
}

static ssize_t replace_pwrite(const char *name, int descriptor, const void *bytes, size_t size, off_t offset) {
    NEXT(pwrite, name);
    bool torn = false;
    if (refuse(true, &torn)) {
        return -1;
    }
    const ssize_t written = next(descriptor, bytes, torn ? size / 2 : size, offset);
    if (torn) {
        raise(SIGKILL);
    }
    return written;
}

REPLACED ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    return replace_pwrite("pwrite", descriptor, bytes, size, offset);
}

REPLACED ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset) {
    return replace_pwrite("pwrite64", descriptor, bytes, size, offset);
}

REPLACED int fsync(int descriptor) {
    NEXT(fsync, "fsync");
    return refuse(true, NULL) ? -1 : next(descriptor);
}

REPLACED int fdatasync(int descriptor) {
    NEXT(fdatasync, "fdatasync");
    return refuse(true, NULL) ? -1 : next(descriptor);
}

static int replace_truncate(const char *name, int descriptor, off_t size) {
    NEXT(ftruncate, name);
    return refuse(false, NULL) ? -1 : next(descriptor, size);
}

REPLACED int ftruncate(int descriptor, off_t size) {
    return replace_truncate("ftruncate", descriptor, size);
}

REPLACED int ftruncate64(int descriptor, off64_t size) {
    return replace_truncate("ftruncate64", descriptor, size);
}

REPLACED int rename(const char *from, const char *to) {
    NEXT(rename, "rename");
    return refuse(true, NULL) ? -1 : next(from, to);
}

REPLACED int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    NEXT(linkat, "linkat");
    return refuse(true, NULL) ? -1 : next(from_folder, from, to_folder, to, flags);
}

REPLACED int unlink(const char *path) {
    NEXT(unlink, "unlink");
    return refuse(false, NULL) ? -1 : next(path);
}

REPLACED int unlinkat(int folder, const char *path, int flags) {
    NEXT(unlinkat, "unlinkat");
    return refuse(false, NULL) ? -1 : next(folder, path, flags);
}

REPLACED int mkdir(const char *path, mode_t mode) {
    NEXT(mkdir, "mkdir");
    return refuse(true, NULL) ? -1 : next(path, mode);
}

static int replace_open(const char *name, const char *path, int flags, mode_t mode) {
    NEXT(open, name);
    const bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return makes && refuse(true, NULL) ? -1 : next(path, flags, mode);
}

static mode_t take_mode(int flags, va_list arguments) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(arguments, int) : 0;
}

REPLACED int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = take_mode(flags, arguments);
    va_end(arguments);
    return replace_open("open", path, flags, mode);
}

REPLACED int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = take_mode(flags, arguments);
    va_end(arguments);
    return replace_open("open64", path, flags, mode);
}
