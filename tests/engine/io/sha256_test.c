/* SHA-256: the standard's examples, and the processor's instructions against the portable code. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/cpu.h"
#include "fovea/sha256.h"
#include "io/sha256_blocks.h"
#include "suite.h"

/* The sum of `bytes` added in pieces of `step`. */
static void sum(const uint8_t *bytes, size_t size, size_t step, char digest[65]) {
    struct fv_sha256 sha;
    fv_sha256_begin(&sha);
    for (size_t at = 0; at < size; at += step) {
        fv_sha256_add(&sha, bytes + at, size - at < step ? size - at : step);
    }
    fv_sha256_end(&sha, digest);
}

static void check_sum(const char *text, const char *expected) {
    char digest[65];
    sum((const uint8_t *)text, strlen(text), SIZE_MAX, digest);
    ck_assert_str_eq(digest, expected);
}

START_TEST(examples_of_the_standard) {
    check_sum("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sum("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

START_TEST(million_letters_in_any_pieces) {
    enum { COUNT = 1000000 };
    static const size_t steps[] = {1, 63, 64, 65, 127, 4096, COUNT};
    uint8_t *letters = malloc(COUNT);
    ck_assert_ptr_nonnull(letters);
    memset(letters, 'a', COUNT);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char digest[65];
        sum(letters, COUNT, steps[i], digest);
        ck_assert_str_eq(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    free(letters);
}
END_TEST

/* States and blocks of all bits, from any address, in a block of memory of exactly their size. */
START_TEST(instructions_do_what_the_portable_code_does) {
    if (!fv_cpu_has_sha256()) {
        return;
    }
#if defined(__x86_64__) || defined(__aarch64__)
    uint32_t seed = 1;
    for (size_t count = 0; count < 20; count++) {
        const size_t offset = count % 16, size = 64 * count + offset;
        uint8_t *bytes = malloc(size + (size == 0));
        uint32_t portable[8], native[8];
        ck_assert_ptr_nonnull(bytes);
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(seed >> 24);
        }
        for (size_t i = 0; i < 8; i++) {
            seed = seed * 1664525 + 1013904223;
            portable[i] = native[i] = seed;
        }
        fv_sha256_blocks_portable(portable, bytes + offset, count);
        fv_sha256_blocks_native(native, bytes + offset, count);
        ck_assert_mem_eq(portable, native, sizeof portable);
        free(bytes);
    }
#endif
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sha256");
    TCase *tests = tcase_create("sums");
    tcase_add_test(tests, examples_of_the_standard);
    tcase_add_test(tests, million_letters_in_any_pieces);
    tcase_add_test(tests, instructions_do_what_the_portable_code_does);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
