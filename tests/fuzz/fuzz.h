/* What the fuzz targets share. A target is one reader: it gets bytes of libFuzzer's making and must neither crash nor
 * hang nor ask for much memory; whether it accepts them is its own affair. */
#ifndef FOVEA_TESTS_FUZZ_H
#define FOVEA_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file in memory that holds these bytes until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Whether the bytes begin so. */
bool fuzz_begins(const uint8_t *data, size_t size, const char *magic, size_t length);

/* Opens the file or folder as a checkpoint; if it is one, reads its tensors and recognises its network. */
void fuzz_checkpoint(const char *path);

/* Opens an nnU-Net folder of which the file `name` holds these bytes and all others are sound. A program must give the
 * same name every time. */
void fuzz_nnunet(const char *name, const uint8_t *data, size_t size);

/* Decodes an image and, if that succeeds, brings it to grey. */
void fuzz_image(const uint8_t *data, size_t size);

#endif
