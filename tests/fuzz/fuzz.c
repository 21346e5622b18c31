#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fovea/convert.h"

enum { MOST_ELEMENTS = 1 << 16 };

const char *fuzz_file(const uint8_t *data, size_t size) {
    static int descriptor = -1;
    static char path[64];
    if (descriptor < 0) {
        descriptor = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    if (descriptor < 0 || ftruncate(descriptor, 0) != 0 || pwrite(descriptor, data, size, 0) != (ssize_t)size) {
        perror("fuzz_file");
        exit(EXIT_FAILURE);
    }
    return path;
}

bool fuzz_begins(const uint8_t *data, size_t size, const char *magic, size_t length) {
    return size >= length && memcmp(data, magic, length) == 0;
}

void fuzz_checkpoint(const char *path) {
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    struct fv_recognition *recognition;
    struct fv_convert_options options;
    static float values[MOST_ELEMENTS];
    if (fv_checkpoint_open(path, &checkpoint, &error) != FV_OK) {
        return;
    }
    for (size_t i = 0; i < fv_checkpoint_tensor_count(checkpoint); i++) {
        const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor_at(checkpoint, i);
        if (tensor->elements <= MOST_ELEMENTS) {
            (void)fv_checkpoint_read(checkpoint, tensor, values, &error);
        }
    }
    fv_convert_options_default(&options);
    if (fv_recognize(checkpoint, &options, &recognition, &error) == FV_OK) {
        char text[64];
        for (size_t i = 0; fv_recognition_metadata(recognition, i, text, sizeof text) != NULL; i++) {
        }
        fv_recognition_close(recognition);
    }
    fv_checkpoint_close(checkpoint);
}
