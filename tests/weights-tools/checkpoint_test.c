/* Containers: the same network in each, and files that must be refused (formats.md, groups 20 to 25; what only torch's
 * files have is in torch_files_test.c). */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/memory.h"
#include "made.h"
#include "refusals.h"
#include "suite.h"

static struct made_network network;

/* No file here may make a reader ask for a large block of memory. */
enum { LARGEST_BLOCK = 2 << 20 };

static void setup(void) {
    network = made_swin();
    fv_memory_fail_above(LARGEST_BLOCK);
}

static void teardown(void) {
    fv_memory_fail_above(SIZE_MAX);
    made_clear(&network);
}

/* Opens the bytes as a file and demands that every tensor of the network is there with its values. */
static void expect_network(const struct bytes *file, const char *container) {
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    enum fv_status status = fv_checkpoint_open(scratch_write("network", file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s: %s", container, status == FV_OK ? "" : error.message);
    ck_assert_str_eq(fv_checkpoint_container(checkpoint), container);
    ck_assert_uint_eq(fv_checkpoint_tensor_count(checkpoint), network.count);
    for (size_t i = 0; i < network.count; i++) {
        const struct made_tensor *made = &network.tensors[i];
        const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor(checkpoint, made->name);
        ck_assert_msg(tensor != NULL, "%s is missing", made->name);
        ck_assert_uint_eq(tensor->rank, made->rank);
        ck_assert_mem_eq(tensor->shape, made->shape, made->rank * sizeof *made->shape);
        float *values = malloc(tensor->elements * sizeof *values);
        ck_assert_ptr_nonnull(values);
        ck_assert_int_eq(fv_checkpoint_read(checkpoint, tensor, values, &error), FV_OK);
        for (size_t j = 0; j < tensor->elements; j++) {
            ck_assert_float_eq(values[j], (float)made->values[j]);
        }
        free(values);
    }
    ck_assert_ptr_null(fv_checkpoint_tensor(checkpoint, "no such tensor"));
    ck_assert_ptr_null(fv_checkpoint_tensor_at(checkpoint, network.count));
    fv_checkpoint_close(checkpoint);
}

START_TEST(containers_agree) {
    struct bytes zip = made_torch_zip(&network);
    struct bytes legacy = made_torch_legacy(&network);
    struct bytes safetensors = made_safetensors(&network);
    expect_network(&zip, "torch zip, state dict");
    expect_network(&legacy, "torch legacy (not zip), state dict");
    expect_network(&safetensors, "safetensors");
    bytes_clear(&zip);
    bytes_clear(&legacy);
    bytes_clear(&safetensors);
}
END_TEST

START_TEST(element_types_are_converted) {
    made_find(&network, "norm.weight")->element = FV_ELEMENT_F64;
    made_find(&network, "head.bias")->element = FV_ELEMENT_F64;
    struct made_tensor *narrow = made_find(&network, "head.weight");
    narrow->element = FV_ELEMENT_BF16;
    for (size_t i = 0; i < narrow->elements; i++) {
        narrow->values[i] = (double)i / 16 - 1;
    }
    struct bytes zip = made_torch_zip(&network);
    expect_network(&zip, "torch zip, state dict");
    bytes_clear(&zip);
}
END_TEST

START_TEST(data_parallel_prefix_is_cut) {
    struct made_network wrapped = made_swin();
    for (size_t i = 0; i < wrapped.count; i++) {
        char name[96];
        snprintf(name, sizeof name, "module.%.80s", wrapped.tensors[i].name);
        strcpy(wrapped.tensors[i].name, name);
    }
    struct bytes zip = made_torch_zip(&wrapped);
    expect_network(&zip, "torch zip, state dict");
    bytes_clear(&zip);
    made_clear(&wrapped);
}
END_TEST

/* A safetensors file with this header and `data_size` bytes of data. */
static struct bytes safetensors_of(const char *header, size_t data_size) {
    struct bytes file = {0};
    bytes_u64(&file, strlen(header));
    bytes_text(&file, header);
    for (size_t i = 0; i < data_size; i++) {
        bytes_u8(&file, 0);
    }
    return file;
}

#define ENTRY(name, type, shape, offsets)                                                                              \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

START_TEST(broken_safetensors_are_refused) {
    static const struct {
        const char *header;
        size_t data_size;
        const char *message;
    } cases[] = {
        {"{" ENTRY("a", "F32", "[2]", "[0,8]") "," ENTRY("b", "F32", "[1]", "[4,8]") "}", 8, "overlap"},
        {"{" ENTRY("a", "F32", "[1]", "[0,4]") "," ENTRY("b", "F32", "[1]", "[8,12]") "}", 12, "hole"},
        {"{" ENTRY("a", "F32", "[1]", "[0,4]") "}", 8, "end at 4 of 8"},
        {"{" ENTRY("a", "F32", "[1]", "[0,4]") "," ENTRY("a", "F32", "[1]", "[4,8]") "}", 8, "is there twice"},
        {"{" ENTRY("a", "F32", "[2]", "[0,4]") "}", 4, "do not hold its shape"},
        {"{" ENTRY("a", "F32", "[1]", "[4,0]") "}", 4, "do not hold its shape"},
        {"{" ENTRY("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0, "do not hold its shape"},
        {"{" ENTRY("a", "F32", "[18446744073709551616]", "[0,0]") "}", 0, "fits 64 bits"},
        {"{" ENTRY("a", "F32", "[-1]", "[0,4]") "}", 4, "whole number"},
        {"{" ENTRY("a", "F32", "[1.0]", "[0,4]") "}", 4, "end of a list"},
        {"{" ENTRY("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "fewer dimensions"},
        {"{" ENTRY("a", "F8_E4M3", "[1]", "[0,1]") "}", 1, "element type"},
        {"{" ENTRY("a", "F32", "[1]", "[0,4,4]") "}", 4, "fewer dimensions"},
        {"{" ENTRY("a", "F32", "[1]", "[0]") "}", 4, "two data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "an object of dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1]}}", 4, "each once"},
        {"{\"a\":{\"x\":1}}", 4, "each once"},
        {"{\"a\":{}}", 4, "a string"},
        {"{\"a\":3}", 4, "an object"},
        {"{\"a\"}", 4, "a colon"},
        {"{\"\":3}", 4, "a name"},
        {"{\"a\xFF\":3}", 4, "a name"},
        {"{\"a\\q\":3}", 4, "a valid string"},
        {"{\"a\\u00\":3}", 4, "a valid string"},
        {"{\"a", 4, "end of a string"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "a string"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "once"},
        {"{}", 0, "holds no tensors"},
        {"{} x", 0, "nothing after"},
        {"{" ENTRY("a", "F32", "[1]", "[0,4]"), 4, "end of the header"},
        {"{" ENTRY("a", "F32", "[1]", "[0,4]") ",}", 4, "a string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes file = safetensors_of(cases[i].header, cases[i].data_size);
        refusal_expect(&file, cases[i].message);
        bytes_clear(&file);
    }
    struct bytes file = safetensors_of("{}", 0);
    refusal_expect_changed(&file, 0, "\x01\xE1\xF5\x05", 4, "header's length is 100000001");
    refusal_expect_changed(&file, 0, "\x03", 1, "header's length is 3, at most 2");
    bytes_clear(&file);
}
END_TEST

START_TEST(scalars_and_empty_tensors_are_legal) {
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    float value[1];
    struct bytes file =
        safetensors_of("{" ENTRY("a", "F32", "[]", "[0,4]") "," ENTRY("b", "F16", "[0,3]", "[4,4]") "}", 4);
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("scalar", &file), &checkpoint, &error), FV_OK);
    ck_assert_uint_eq(fv_checkpoint_tensor(checkpoint, "a")->elements, 1);
    ck_assert_uint_eq(fv_checkpoint_tensor(checkpoint, "b")->elements, 0);
    ck_assert_int_eq(fv_checkpoint_read(checkpoint, fv_checkpoint_tensor(checkpoint, "a"), value, &error), FV_OK);
    ck_assert_int_eq(fv_checkpoint_read(checkpoint, fv_checkpoint_tensor(checkpoint, "b"), value, &error), FV_OK);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

START_TEST(other_files_are_named) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        {"", 0, "it is empty"},
        {"GGUF\3\0\0\0", 8, "it is a GGUF file"},
        {"\x93NUMPY\1\0", 8, "it is a NumPy array"},
        {"hello, world", 12, "of no format"},
        {"\x80\x04N.", 4, "no torch checkpoint"},
        {"PK\x03\x04", 4, "no end record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes file = {0};
        bytes_add(&file, cases[i].bytes, cases[i].size);
        if (file.at == NULL) {
            file.at = malloc(1);
        }
        refusal_expect(&file, cases[i].message);
        bytes_clear(&file);
    }
    struct bytes tar = {0};
    for (int i = 0; i < 512; i++) {
        bytes_u8(&tar, 'x');
    }
    memcpy(tar.at + 257, "ustar", 5);
    refusal_expect(&tar, "tar archive");
    bytes_clear(&tar);
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    ck_assert_int_eq(fv_checkpoint_open(scratch_path("absent"), &checkpoint, &error), FV_ERROR_FILE);
    ck_assert_int_eq(fv_checkpoint_open(scratch_folder(), &checkpoint, &error), FV_ERROR_FILE);
}
END_TEST

/* Which container a loop test is about. */
static struct bytes container(int number) {
    return number == 0   ? made_torch_zip(&network)
           : number == 1 ? made_torch_legacy(&network)
                         : made_safetensors(&network);
}

/* No prefix of a file is a file. Near the ends, where the structure is, every length is tried. */
START_TEST(no_prefix_is_accepted) {
    struct bytes file = container(_i);
    size_t size = file.size;
    size_t step = size / 700 + 1;
    for (size_t length = 0; length < size; length += length < 600 || length + 1500 > size ? 1 : step) {
        struct fv_checkpoint *checkpoint;
        struct fv_error error;
        file.size = length;
        enum fv_status status = fv_checkpoint_open(scratch_write("prefix", &file), &checkpoint, &error);
        ck_assert_msg(status != FV_OK, "container %d: %zu of %zu bytes were accepted", _i, length, size);
    }
    bytes_clear(&file);
}
END_TEST

/* Bytes changed at random are refused or read, and nothing else; the sanitizers watch. */
START_TEST(changed_bytes_do_no_harm) {
    struct bytes file = container(_i);
    uint64_t seed = 0x9E3779B97F4A7C15u + (uint64_t)_i;
    for (int round = 0; round < 1500; round++) {
        struct bytes copy = bytes_copy(&file);
        for (int change = 0; change <= round % 4; change++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            copy.at[(seed >> 33) % copy.size] = (uint8_t)(seed >> 25);
        }
        struct fv_checkpoint *checkpoint;
        struct fv_error error;
        if (fv_checkpoint_open(scratch_write("changed", &copy), &checkpoint, &error) == FV_OK) {
            for (size_t i = 0; i < fv_checkpoint_tensor_count(checkpoint); i++) {
                const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor_at(checkpoint, i);
                float *values = tensor->elements < 1 << 20 ? malloc(tensor->elements * sizeof *values + 1) : NULL;
                if (values != NULL) {
                    (void)fv_checkpoint_read(checkpoint, tensor, values, &error);
                }
                free(values);
            }
            fv_checkpoint_close(checkpoint);
        }
        bytes_clear(&copy);
    }
    bytes_clear(&file);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    struct bytes file = container(_i);
    const char *path = scratch_write("memory", &file);
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    long successes = 0;
    enum fv_status status;
    do {
        fv_memory_fail_after(successes++);
        status = fv_checkpoint_open(path, &checkpoint, &error);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "%ld: %s", successes, error.message);
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 3);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

START_TEST(values_must_be_finite) {
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e300};
    for (size_t i = 0; i < 4; i++) {
        struct made_tensor *tensor = made_find(&network, "norm.bias");
        tensor->element = FV_ELEMENT_F64;
        tensor->values[3] = bad[i];
        struct bytes file = made_torch_zip(&network);
        struct fv_error error;
        struct fv_checkpoint *checkpoint;
        float values[16];
        ck_assert_int_eq(fv_checkpoint_open(scratch_write("finite", &file), &checkpoint, &error), FV_OK);
        ck_assert_int_eq(fv_checkpoint_read(checkpoint, fv_checkpoint_tensor(checkpoint, "norm.bias"), values, &error),
                         FV_ERROR_MODEL);
        ck_assert_ptr_nonnull(strstr(error.message, "tensor norm.bias: element 3 of 16"));
        fv_checkpoint_close(checkpoint);
        bytes_clear(&file);
    }
}
END_TEST

START_TEST(hash_is_sha256) {
    struct bytes file = safetensors_of("{" ENTRY("a", "F32", "[1]", "[0,4]") "}", 4);
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    char digest[65];
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("hash", &file), &checkpoint, &error), FV_OK);
    fv_checkpoint_sha256(checkpoint, digest);
    /* by coreutils' sha256sum */
    ck_assert_str_eq(digest, "2063b4cc6b0e7999729ed21d38b27852430815ed4e09bd0deed9c31ca8586870");
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, containers_agree);
    tcase_add_test(tests, element_types_are_converted);
    tcase_add_test(tests, data_parallel_prefix_is_cut);
    tcase_add_test(tests, broken_safetensors_are_refused);
    tcase_add_test(tests, scalars_and_empty_tensors_are_legal);
    tcase_add_test(tests, other_files_are_named);
    tcase_add_loop_test(tests, no_prefix_is_accepted, 0, 3);
    tcase_add_loop_test(tests, changed_bytes_do_no_harm, 0, 3);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, 3);
    tcase_add_test(tests, values_must_be_finite);
    tcase_add_test(tests, hash_is_sha256);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
