#include "image/png_memory.h"

#include <stdio.h>

#include "fovea/memory.h"

png_voidp fovea_png_allocate(png_structp png, png_alloc_size_t size) {
    (void)png;
    return fv_allocate(size, 1);
}

void fovea_png_release(png_structp png, png_voidp block) {
    (void)png;
    fv_release(block);
}

void fovea_png_fail(png_structp png, png_const_charp reason) {
    snprintf(png_get_error_ptr(png), FOVEA_PNG_REASON, "%s", reason);
    png_longjmp(png, 1);
}

void fovea_png_warn(png_structp png, png_const_charp reason) {
    (void)png;
    (void)reason;
}
