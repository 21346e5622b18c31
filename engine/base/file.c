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
    char *temporary;
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

/* Opens a file that did not exist before, beside the final one, and stores its name. */
static enum fv_status open_temporary(struct fv_output *output, struct fv_error *error) {
    const char *base = fv_path_basename(output->path);
    int folder_length = (int)(base - output->path);
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        fv_release(output->temporary);
        output->temporary =
            fv_text_format("%.*s.fovea-%ld-%d.tmp", folder_length, output->path, (long)getpid(), attempt);
        if (output->temporary == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", output->path);
        }
        output->descriptor = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (output->descriptor >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (output->descriptor < 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", output->path, strerror(errno));
    }
    return FV_OK;
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
                                                  : open_temporary(created, error);
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

enum fv_status fv_output_finish(struct fv_output *output, struct fv_error *error) {
    enum fv_status status = write_all(output, output->buffer, output->buffered, error);
    if (status == FV_OK && fsync(output->descriptor) != 0) {
        status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", output->path, strerror(errno));
    }
    if (status == FV_OK && rename(output->temporary, output->path) != 0) {
        status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be named so: %s", output->path, strerror(errno));
    }
    if (status == FV_OK) {
        fv_release(output->temporary);
        output->temporary = NULL;
    }
    fv_output_abandon(output);
    return status;
}

void fv_output_abandon(struct fv_output *output) {
    if (output == NULL) {
        return;
    }
    if (output->descriptor >= 0) {
        close(output->descriptor);
        if (output->temporary != NULL) {
            unlink(output->temporary);
        }
    }
    fv_release(output->temporary);
    fv_release(output->path);
    fv_release(output);
}
