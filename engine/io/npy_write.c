/* Writes float32 arrays as .npy files. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/npy.h"

/* Magic, version and the 16-bit length; the header's text; numpy aligns the data to 64 bytes. */
enum { PREFIX = 10, HEADER_SIZE = 256, ALIGNMENT = 64 };

/* Fills `header` and returns its size. The longest one, of 8 dimensions of 20 digits, fits. */
static size_t format_header(char header[HEADER_SIZE], const size_t *shape, uint32_t rank) {
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    int at = PREFIX;
    at += snprintf(header + at, (size_t)(HEADER_SIZE - at), "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (uint32_t i = 0; i < rank; i++) {
        const char *end = rank == 1 ? "," : i + 1 < rank ? ", " : "";
        at += snprintf(header + at, (size_t)(HEADER_SIZE - at), "%zu%s", shape[i], end);
    }
    at += snprintf(header + at, (size_t)(HEADER_SIZE - at), "), }");
    size_t size = ((size_t)at + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(header + at, ' ', size - (size_t)at);
    header[size - 1] = '\n';
    header[8] = (char)((size - PREFIX) & 0xFF);
    header[9] = (char)((size - PREFIX) >> 8);
    return size;
}

enum fv_status fv_npy_write(const char *path, const float *values, const size_t *shape, uint32_t rank,
                            struct fv_error *error) {
    size_t elements = 1;
    size_t bytes = 0;
    bool fits = rank <= FV_NPY_MAX_RANK;
    for (uint32_t i = 0; fits && i < rank; i++) {
        fits = fv_multiply(elements, shape[i], &elements);
    }
    if (!fits || !fv_multiply(elements, sizeof *values, &bytes)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: %" PRIu32 " dimensions or their product are too many", path,
                            rank);
    }
    struct fv_output *output;
    enum fv_status status = fv_output_create(path, &output, error);
    if (status != FV_OK) {
        return status;
    }
    char header[HEADER_SIZE];
    status = fv_output_write(output, header, format_header(header, shape, rank), error);
    if (status == FV_OK) {
        status = fv_output_write(output, values, bytes, error);
    }
    if (status != FV_OK) {
        fv_output_abandon(output);
        return status;
    }
    return fv_output_finish(output, error);
}
