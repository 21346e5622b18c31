/* The head of a safetensors file. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_SAFETENSORS_WRITE_H
#define FOVEA_WEIGHTS_SAFETENSORS_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/checkpoint.h"
#include "fovea/file.h"
#include "fovea/status.h"

/* A tensor whose bytes follow the header in the order of the list, without gaps. */
struct safetensors_entry {
    const char *name;
    enum fv_element element;
    uint32_t rank;
    const size_t *shape;
    size_t bytes;
};

/* A pair of the header's __metadata__. */
struct safetensors_note {
    const char *key;
    const char *value;
};

/* Writes the header, padded with spaces so that the data begin at a multiple of 8 bytes. `path` names the source in
 * messages. Errors: FV_ERROR_MODEL (a name that is no UTF-8, empty or __metadata__; sizes beyond 64 bits),
 * FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status safetensors_write_header(struct fv_output *output, const char *path,
                                        const struct safetensors_entry *entries, size_t count,
                                        const struct safetensors_note *notes, size_t note_count,
                                        struct fv_error *error);

#endif
