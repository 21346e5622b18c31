#include "fovea/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/memory.h"
#include "fovea/text.h"

enum { BUFFER_SIZE = 1 << 16, NAME_ATTEMPTS = 100 };

struct fv_output {
    char *path;
    char *temporary; /* NULL while the file has no name */
    int descriptor;
    size_t buffered;
    unsigned char buffer[BUFFER_SIZE];
};

static enum fv_status map_descriptor(int descriptor, const char *path, struct fv_mapping *mapping,
                                     struct fv_error *error) {
    struct stat information;
    if (fstat(descriptor, &information) != 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(information.st_mode)) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: %s", path,
                            S_ISDIR(information.st_mode) ? "is a folder, not a file" : "is not a regular file");
    }
    if (information.st_size == 0) {
        mapping->bytes = (const uint8_t *)"";
        return FV_OK;
    }
    size_t size = (size_t)information.st_size;
    void *address = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be mapped into memory: %s", path, strerror(errno));
    }
    mapping->bytes = address;
    mapping->size = size;
    return FV_OK;
}

enum fv_status fv_file_map(const char *path, struct fv_mapping *mapping, struct fv_error *error) {
    *mapping = (struct fv_mapping){0};
    /* O_NONBLOCK: opening a pipe must not wait for its other end. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    }
    enum fv_status status = map_descriptor(descriptor, path, mapping, error);
    close(descriptor);
    return status;
}

void fv_file_unmap(struct fv_mapping *mapping) {
    if (mapping->size > 0) {
        munmap((void *)(uintptr_t)mapping->bytes, mapping->size);
    }
    *mapping = (struct fv_mapping){0};
}

void fv_file_forget(const struct fv_mapping *mapping, size_t offset, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (offset >= mapping->size) {
        return;
    }
    size_t end = size < mapping->size - offset ? offset + size : mapping->size;
    size_t begin = offset - offset % page;
    /* Dropping more than was asked for only costs a page fault, so the last page goes too. */
    madvise((void *)(uintptr_t)(mapping->bytes + begin), end - begin, MADV_DONTNEED);
}

/* Makes a directory entry `name` and says whether that worked; errno tells why not. */
typedef bool make_entry(struct fv_output *output, const char *name);

static bool open_named(struct fv_output *output, const char *name) {
    output->descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return output->descriptor >= 0;
}

/* Gives the file without a name one. */
static bool link_named(struct fv_output *output, const char *name) {
    char handle[64];
    snprintf(handle, sizeof handle, "/proc/self/fd/%d", output->descriptor);
    return linkat(AT_FDCWD, handle, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
}

/* Makes an entry that did not exist before, beside the final one, and stores its name. */
static enum fv_status make_temporary(struct fv_output *output, make_entry *make, struct fv_error *error) {
    const char *base = fv_path_basename(output->path);
    int folder_length = (int)(base - output->path);
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        char *name = fv_text_format("%.*s.fovea-%ld-%d.tmp", folder_length, output->path, (long)getpid(), attempt);
        if (name == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", output->path);
        }
        if (make(output, name)) {
            output->temporary = name;
            return FV_OK;
        }
        fv_release(name);
        if (errno != EEXIST) {
            break;
        }
    }
    return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", output->path, strerror(errno));
}

static void close_descriptor(struct fv_output *output) {
    if (output->descriptor >= 0) {
        close(output->descriptor);
        output->descriptor = -1;
    }
}

static void remove_temporary(struct fv_output *output) {
    if (output->temporary != NULL) {
        unlink(output->temporary);
        fv_release(output->temporary);
        output->temporary = NULL;
    }
}

/* Opens a file without a name in the final folder, which the system removes however this process ends. The descriptor
 * stays negative where the file system has no such files or cannot name them later, which a first one tries out. */
static enum fv_status open_nameless(struct fv_output *output, struct fv_error *error) {
    const char *base = fv_path_basename(output->path);
    char *folder =
        base == output->path ? fv_duplicate(".") : fv_text_format("%.*s", (int)(base - output->path), output->path);
    if (folder == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", output->path);
    }
    const int flags = O_WRONLY | O_TMPFILE | O_CLOEXEC;
    enum fv_status status = FV_OK;
    output->descriptor = open(folder, flags, 0666);
    if (output->descriptor >= 0) {
        status = make_temporary(output, link_named, error);
        remove_temporary(output);
        close_descriptor(output);
        if (status == FV_OK) {
            output->descriptor = open(folder, flags, 0666);
        }
    }
    fv_release(folder);
    return status == FV_ERROR_MEMORY ? status : FV_OK;
}

static enum fv_status open_output(struct fv_output *output, struct fv_error *error) {
    enum fv_status status = open_nameless(output, error);
    return status == FV_OK && output->descriptor < 0 ? make_temporary(output, open_named, error) : status;
}

enum fv_status fv_output_create(const char *path, struct fv_output **output, struct fv_error *error) {
    *output = NULL;
    struct stat information;
    if (stat(path, &information) == 0 && !S_ISREG(information.st_mode)) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: it exists and is not a regular file", path);
    }
    struct fv_output *created = fv_allocate(1, sizeof *created);
    if (created == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    created->temporary = NULL;
    created->descriptor = -1;
    created->buffered = 0;
    created->path = fv_duplicate(path);
    enum fv_status status = created->path == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path)
                                                  : open_output(created, error);
    if (status != FV_OK) {
        fv_output_abandon(created);
        return status;
    }
    *output = created;
    return FV_OK;
}

static enum fv_status write_all(struct fv_output *output, const unsigned char *bytes, size_t size,
                                struct fv_error *error) {
    while (size > 0) {
        ssize_t written = write(output->descriptor, bytes, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", output->path, strerror(errno));
        }
        bytes += written;
        size -= (size_t)written;
    }
    return FV_OK;
}

enum fv_status fv_output_write(struct fv_output *output, const void *bytes, size_t size, struct fv_error *error) {
    if (size <= BUFFER_SIZE - output->buffered) {
        if (size > 0) {
            memcpy(output->buffer + output->buffered, bytes, size);
        }
        output->buffered += size;
        return FV_OK;
    }
    enum fv_status status = write_all(output, output->buffer, output->buffered, error);
    output->buffered = 0;
    return status == FV_OK ? write_all(output, bytes, size, error) : status;
}

/* Gives the file its final name: at once where nothing has it, else by replacing what has it. */
static enum fv_status name_output(struct fv_output *output, struct fv_error *error) {
    if (output->temporary == NULL) {
        if (link_named(output, output->path)) {
            return FV_OK;
        }
        enum fv_status status = make_temporary(output, link_named, error);
        if (status != FV_OK) {
            return status;
        }
    }
    if (rename(output->temporary, output->path) != 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be named so: %s", output->path, strerror(errno));
    }
    fv_release(output->temporary);
    output->temporary = NULL;
    return FV_OK;
}

enum fv_status fv_output_finish(struct fv_output *output, struct fv_error *error) {
    enum fv_status status = write_all(output, output->buffer, output->buffered, error);
    if (status == FV_OK && fsync(output->descriptor) != 0) {
        status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", output->path, strerror(errno));
    }
    if (status == FV_OK) {
        status = name_output(output, error);
    }
    fv_output_abandon(output);
    return status;
}

void fv_output_abandon(struct fv_output *output) {
    if (output == NULL) {
        return;
    }
    close_descriptor(output);
    remove_temporary(output);
    fv_release(output->path);
    fv_release(output);
}
