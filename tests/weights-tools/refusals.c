#include "refusals.h"

#include <check.h>
#include <string.h>

void refusal_expect_of(const char *path, const char *named, const char *part) {
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    enum fv_status status = fv_checkpoint_open(path, &checkpoint, &error);
    ck_assert_msg(status != FV_OK, "accepted, expected: %s", part);
    ck_assert_msg(status != FV_ERROR_MEMORY, "a large allocation, expected: %s", part);
    ck_assert_ptr_null(checkpoint);
    ck_assert_msg(strncmp(error.message, named, strlen(named)) == 0, "no file name: %s", error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
}

void refusal_expect(const struct bytes *file, const char *part) {
    const char *path = scratch_write("broken", file);
    refusal_expect_of(path, path, part);
}

void refusal_expect_changed(const struct bytes *file, size_t offset, const void *bytes, size_t size, const char *part) {
    struct bytes copy = bytes_copy(file);
    ck_assert_uint_le(offset + size, copy.size);
    memcpy(copy.at + offset, bytes, size);
    refusal_expect(&copy, part);
    bytes_clear(&copy);
}
