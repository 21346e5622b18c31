/* NumPy's .npy files (format versions 1 to 3).
 *
 * Layout: 93 "NUMPY", u8 major, u8 minor, header length (u16 in version 1, u32 later), a Python dictionary literal with
 * `descr`, `fortran_order` and `shape`, newline, data.
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_NPY_H
#define FOVEA_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { FV_NPY_MAX_RANK = 8 };

/* An array of float32 in C order (the last dimension is the fastest). */
struct fv_npy {
    uint32_t rank;
    size_t shape[FV_NPY_MAX_RANK]; /* entries from `rank` on are 1 */
    size_t elements;               /* product of the shape */
    float *values;                 /* owned; fv_npy_clear gives it back */
};

/* Reads the file at `path` and converts it to float32 in C order. Element types: f2, f4, f8, b1, i1 to i8, u1 to u8, of
 * either byte order; Fortran order is transposed. Values are not checked for being finite.
 * Errors: FV_ERROR_FILE, FV_ERROR_FORMAT (not .npy, header broken, size of the file other than the shape asks for),
 * FV_ERROR_UNSUPPORTED (objects, structures, text, complex numbers, more than FV_NPY_MAX_RANK dimensions),
 * FV_ERROR_MEMORY. On failure *array is empty. */
enum fv_status fv_npy_read(const char *path, struct fv_npy *array, struct fv_error *error);

/* Writes `values` (C order, the product of `shape` elements) as '<f4', format version 1. The file appears complete or
 * not at all. Errors: FV_ERROR_ARGUMENT (rank above FV_NPY_MAX_RANK), FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fv_npy_write(const char *path, const float *values, const size_t *shape, uint32_t rank,
                            struct fv_error *error);

/* Frees the values; `array` is empty again. A zeroed array is allowed. */
void fv_npy_clear(struct fv_npy *array);

#endif
