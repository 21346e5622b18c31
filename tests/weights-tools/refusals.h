/* Files that no reader of checkpoints may take. Failures end the test through Check. */
#ifndef FOVEA_TESTS_REFUSALS_H
#define FOVEA_TESTS_REFUSALS_H

#include "made.h"

/* Opens the file or folder and demands a failure, not for want of memory, whose message begins with `named` and holds
 * `part`. */
void refusal_expect_of(const char *path, const char *named, const char *part);

/* The same of a file of these bytes, which is named. */
void refusal_expect(const struct bytes *file, const char *part);

/* The same of the bytes with `size` others at `offset`. */
void refusal_expect_changed(const struct bytes *file, size_t offset, const void *bytes, size_t size, const char *part);

#endif
