/* Private to this room: what reading and writing PNG share. */
#ifndef FOVEA_APPS_IMAGE_PNG_MEMORY_H
#define FOVEA_APPS_IMAGE_PNG_MEMORY_H

#include <png.h>

/* libpng's allocation, through the engine's, so that tests can make it fail. */
png_voidp fovea_png_allocate(png_structp png, png_alloc_size_t size);
void fovea_png_release(png_structp png, png_voidp block);

/* libpng's callbacks: an error stores its text in the char[FOVEA_PNG_REASON] that is the error pointer and jumps to the
 * setjmp of png_jmpbuf; warnings are dropped. */
enum { FOVEA_PNG_REASON = 128 };
void fovea_png_fail(png_structp png, png_const_charp reason);
void fovea_png_warn(png_structp png, png_const_charp reason);

#endif
