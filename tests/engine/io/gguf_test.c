/* GGUF: what is written is read back, and broken files are refused (formats.md, group 22). */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fovea/memory.h"
#include "fovea/model.h"
#include "suite.h"
#include "temporary_folder.h"

static char folder[TEMPORARY_FOLDER_SIZE];
static struct fv_error error;

static void make_folder(void) {
    ck_assert(temporary_folder_make(NULL, folder));
}

static void remove_folder(void) {
    ck_assert(temporary_folder_remove(folder));
}

static size_t files_in_folder(void) {
    return temporary_folder_count(folder, "");
}

/* A file in memory. */
struct image {
    uint8_t bytes[8192];
    size_t size;
};

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const struct image *image) {
    FILE *file = fopen(path_of("model.gguf"), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(image->bytes, 1, image->size, file), image->size);
    ck_assert_int_eq(fclose(file), 0);
}

static struct image get(void) {
    struct image image;
    FILE *file = fopen(path_of("model.gguf"), "rb");
    ck_assert_ptr_nonnull(file);
    image.size = fread(image.bytes, 1, sizeof image.bytes, file);
    ck_assert_uint_lt(image.size, sizeof image.bytes);
    fclose(file);
    return image;
}

static size_t find(const struct image *image, const void *pattern, size_t size) {
    for (size_t at = 0; at + size <= image->size; at++) {
        if (memcmp(image->bytes + at, pattern, size) == 0) {
            return at;
        }
    }
    ck_abort_msg("the pattern is not there");
    return 0;
}

static const float weights[6] = {0.5f, -1.0f, 2.0f, 65504.0f, 0x1p-24f, -0.0f};
static const float vector[3] = {1.25f, 3e38f, -7.0f};

/* Writes a model of two tensors and an entry of each type. */
static enum fv_status write_model(void) {
    static const char *const names[] = {"one", "two", ""};
    static const uint32_t integers[] = {0, 1, 4294967295u};
    static const float numbers[] = {0.25f, -8.0f};
    static const size_t shape[] = {2, 3};
    struct fv_writer *writer;
    enum fv_status status = fv_writer_create(path_of("model.gguf"), &writer, &error);
    if (status != FV_OK) {
        return status;
    }
    status = fv_writer_set_string(writer, "general.architecture", "test", &error);
    status = status != FV_OK ? status : fv_writer_set_u32(writer, "test.integer", 7, &error);
    status = status != FV_OK ? status : fv_writer_set_f32(writer, "test.number", 0.5f, &error);
    status = status != FV_OK ? status : fv_writer_set_bool(writer, "test.boolean", true, &error);
    status = status != FV_OK ? status : fv_writer_set_strings(writer, "test.strings", names, 3, &error);
    status = status != FV_OK ? status : fv_writer_set_u32s(writer, "test.integers", integers, 3, &error);
    status = status != FV_OK ? status : fv_writer_set_f32s(writer, "test.numbers", numbers, 2, &error);
    status = status != FV_OK ? status : fv_writer_declare(writer, "weight", FV_TYPE_F16, shape, 2, &error);
    status = status != FV_OK ? status : fv_writer_declare(writer, "vector", FV_TYPE_F32, shape + 1, 1, &error);
    status = status != FV_OK ? status : fv_writer_begin(writer, &error);
    status = status != FV_OK ? status : fv_writer_tensor(writer, weights, 6, &error);
    status = status != FV_OK ? status : fv_writer_tensor(writer, vector, 3, &error);
    if (status != FV_OK) {
        fv_writer_abandon(writer);
        return status;
    }
    return fv_writer_finish(writer, &error);
}

static struct fv_model *open_model(void) {
    struct fv_model *model;
    enum fv_status status = fv_model_open(path_of("model.gguf"), &model, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    return model;
}

START_TEST(tensors_survive) {
    float values[6];
    ck_assert_int_eq(write_model(), FV_OK);
    struct fv_model *model = open_model();
    ck_assert_str_eq(fv_model_path(model), path_of("model.gguf"));
    ck_assert_uint_eq(fv_model_tensor_count(model), 2);
    const struct fv_tensor *weight = fv_model_tensor(model, "weight");
    ck_assert_ptr_eq(weight, fv_model_tensor_at(model, 0));
    ck_assert_ptr_null(fv_model_tensor_at(model, 2));
    ck_assert_ptr_null(fv_model_tensor(model, "weigh"));
    ck_assert_uint_eq(weight->rank, 2);
    ck_assert_uint_eq(weight->shape[0], 2);
    ck_assert_uint_eq(weight->shape[1], 3);
    ck_assert_uint_eq(weight->shape[2], 1);
    ck_assert_uint_eq(weight->elements, 6);
    ck_assert_uint_eq(weight->bytes, 12);
    ck_assert_str_eq(fv_type_name(weight->type), "f16");
    ck_assert_uint_eq((uintptr_t)weight->data % 32, 0);
    ck_assert_int_eq(fv_tensor_read(weight, values, &error), FV_OK);
    ck_assert_mem_eq(values, weights, sizeof weights);
    ck_assert_int_eq(fv_tensor_read(fv_model_tensor(model, "vector"), values, &error), FV_OK);
    ck_assert_mem_eq(values, vector, sizeof vector);
    fv_model_close(model);
    fv_model_close(NULL);
}
END_TEST

START_TEST(metadata_survive) {
    ck_assert_int_eq(write_model(), FV_OK);
    struct fv_model *model = open_model();
    const char *text;
    int64_t integer;
    double number;
    bool boolean;
    size_t size;
    ck_assert(fv_model_string(model, "general.architecture", &text));
    ck_assert_str_eq(text, "test");
    ck_assert(fv_model_integer(model, "test.integer", &integer) && integer == 7);
    ck_assert(fv_model_number(model, "test.number", &number) && number > 0.4 && number < 0.6);
    ck_assert(fv_model_boolean(model, "test.boolean", &boolean) && boolean);
    ck_assert_int_eq(fv_model_array_length(model, "test.strings"), 3);
    ck_assert(fv_model_array_string(model, "test.strings", 1, &text));
    ck_assert_str_eq(text, "two");
    ck_assert(!fv_model_array_string(model, "test.strings", 3, &text));
    ck_assert(fv_model_array_integer(model, "test.integers", 2, &integer) && integer == 4294967295);
    ck_assert(fv_model_array_number(model, "test.numbers", 1, &number) && number < -7.9);
    /* Types are not mixed up. */
    ck_assert(!fv_model_integer(model, "test.number", &integer));
    ck_assert(!fv_model_number(model, "test.integer", &number));
    ck_assert(!fv_model_string(model, "test.strings", &text));
    ck_assert(!fv_model_boolean(model, "test.integer", &boolean));
    ck_assert_int_eq(fv_model_array_length(model, "test.integer"), -1);
    ck_assert(fv_model_has(model, "test.integer") && !fv_model_has(model, "test.intege"));
    ck_assert_uint_eq(fv_model_key_count(model), 7);
    ck_assert_str_eq(fv_model_key_at(model, 1), "test.integer");
    ck_assert_ptr_null(fv_model_key_at(model, 7));
    ck_assert_int_eq(fv_model_require_size(model, "test.integer", 1, 7, &size, &error), FV_OK);
    ck_assert_int_eq(fv_model_require_size(model, "test.integer", 8, 9, &size, &error), FV_ERROR_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "test.integer is 7, expected an integer from 8 to 9"));
    ck_assert_int_eq(fv_model_require_string(model, "absent", &text, &error), FV_ERROR_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "absent is missing"));
    ck_assert_int_eq(fv_model_require_number(model, "test.integer", &number, &error), FV_ERROR_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "has another type"));
    fv_model_close(model);
}
END_TEST

/* Opens the image and demands a failure whose message begins with the path and holds `part`. */
static void expect_refusal(const struct image *image, const char *part) {
    struct fv_model *model;
    put(image);
    fv_memory_fail_above(1 << 20);
    enum fv_status status = fv_model_open(path_of("model.gguf"), &model, &error);
    fv_memory_fail_above(SIZE_MAX);
    ck_assert_msg(status != FV_OK && status != FV_ERROR_MEMORY, "%s, expected: %s", fv_status_name(status), part);
    ck_assert_ptr_null(model);
    ck_assert_ptr_eq(strstr(error.message, path_of("model.gguf")), error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
}

static void expect_changed(const struct image *image, size_t at, const void *bytes, size_t size, const char *part) {
    struct image changed = *image;
    ck_assert_uint_le(at + size, changed.size);
    memcpy(changed.bytes + at, bytes, size);
    expect_refusal(&changed, part);
}

START_TEST(broken_files_are_refused) {
    static const uint8_t huge[8] = {0, 0, 0, 0, 0, 0, 0, 0x40};
    ck_assert_int_eq(write_model(), FV_OK);
    const struct image image = get();
    size_t boolean = find(&image, "test.boolean", 12) + 12;
    size_t strings = find(&image, "test.strings", 12) + 12;
    size_t numbers = find(&image, "test.numbers", 12);
    size_t weight = find(&image, "weight", 6);
    size_t tensor = find(&image, "vector", 6);
    expect_changed(&image, 0, "X", 1, "not a GGUF file");
    expect_changed(&image, 4, "\4", 1, "version 4");
    expect_changed(&image, 4, "\0\0\0\3", 4, "big-endian");
    expect_changed(&image, 8, huge, 8, "promises");
    expect_changed(&image, 16, huge, 8, "promises");
    expect_changed(&image, 16, "\6", 1, "");
    expect_changed(&image, 24, huge, 8, "the length of a metadata key");
    expect_changed(&image, 32, "\xFF", 1, "not UTF-8");
    expect_changed(&image, 32, "\0", 1, "not UTF-8");
    expect_changed(&image, boolean + 4, "\2", 1, "a boolean is 2");
    expect_changed(&image, boolean, "\x0D", 1, "unknown value type");
    expect_changed(&image, strings + 4, "\x09", 1, "arrays of arrays");
    expect_changed(&image, strings + 8, huge, 8, "do not fit");
    expect_changed(&image, numbers, "test.strings", 12, "the key is there twice");
    expect_changed(&image, weight + 6, "\5", 1, "has 5 dimensions");
    expect_changed(&image, weight + 10, huge, 8, "overflow");
    expect_changed(&image, weight + 10, "\0\0\0\1", 4, "ends outside the file");
    expect_changed(&image, weight + 26, "\2", 1, "element type 2");
    expect_changed(&image, weight + 26, "\x08", 1, "do not fill whole blocks");
    expect_changed(&image, weight + 30, "\1", 1, "not a multiple of 32");
    expect_changed(&image, weight + 30, "\x80", 1, "ends outside the file");
    expect_changed(&image, weight + 30, "\x20", 1, "overlap");
    expect_changed(&image, tensor, "weight", 6, "is there twice");
    expect_changed(&image, tensor - 8, huge, 8, "the length of a tensor name");
}
END_TEST

/* A model whose general.alignment is given. */
static void expect_alignment(uint32_t alignment, bool accepted) {
    struct fv_writer *writer;
    struct fv_model *model;
    ck_assert_int_eq(fv_writer_create(path_of("model.gguf"), &writer, &error), FV_OK);
    ck_assert_int_eq(fv_writer_set_u32(writer, "general.alignment", alignment, &error), FV_OK);
    ck_assert_int_eq(fv_writer_begin(writer, &error), FV_OK);
    ck_assert_int_eq(fv_writer_finish(writer, &error), FV_OK);
    enum fv_status status = fv_model_open(path_of("model.gguf"), &model, &error);
    ck_assert_msg((status == FV_OK) == accepted, "%u", alignment);
    fv_model_close(model);
}

START_TEST(alignment_is_a_power_of_two) {
    expect_alignment(0, false);
    expect_alignment(1, false);
    expect_alignment(4, false);
    expect_alignment(24, false);
    expect_alignment(33, false);
    expect_alignment(8, true);
    expect_alignment(64, true);
    expect_alignment(0x80000000u, true);
}
END_TEST

START_TEST(no_prefix_is_accepted) {
    struct fv_model *model;
    ck_assert_int_eq(write_model(), FV_OK);
    struct image image = get();
    /* The last 20 bytes pad the last tensor and may be missing. */
    for (size_t size = image.size - 20; size-- > 0;) {
        image.size = size;
        put(&image);
        ck_assert_msg(fv_model_open(path_of("model.gguf"), &model, &error) != FV_OK, "%zu bytes were accepted", size);
    }
}
END_TEST

START_TEST(changed_bytes_do_no_harm) {
    ck_assert_int_eq(write_model(), FV_OK);
    const struct image image = get();
    uint64_t seed = 12345;
    for (int round = 0; round < 3000; round++) {
        struct image changed = image;
        struct fv_model *model;
        for (int change = 0; change <= round % 3; change++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            changed.bytes[(seed >> 33) % changed.size] = (uint8_t)(seed >> 25);
        }
        put(&changed);
        if (fv_model_open(path_of("model.gguf"), &model, &error) != FV_OK) {
            continue;
        }
        for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
            const struct fv_tensor *tensor = fv_model_tensor_at(model, i);
            ck_assert_uint_lt(tensor->bytes, sizeof changed.bytes);
            float values[sizeof changed.bytes];
            (void)fv_tensor_read(tensor, values, &error);
        }
        fv_model_close(model);
    }
}
END_TEST

START_TEST(every_allocation_may_fail) {
    long successes = 0;
    enum fv_status status;
    do {
        fv_memory_fail_after(successes++);
        status = write_model();
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || status == FV_ERROR_MEMORY);
        ck_assert_uint_eq(files_in_folder(), status == FV_OK ? 1 : 0);
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 5);
    struct fv_model *model;
    successes = 0;
    do {
        fv_memory_fail_after(successes++);
        status = fv_model_open(path_of("model.gguf"), &model, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || (status == FV_ERROR_MEMORY && model == NULL));
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 3);
    fv_model_close(model);
}
END_TEST

/* Elements of the storage types that are only read. */
START_TEST(storage_types_are_read) {
    static const uint8_t bf16[] = {0x80, 0x3F, 0x00, 0xC0};
    uint8_t blocks[68];
    float values[64];
    struct fv_tensor tensor = {.name = "t", .type = FV_TYPE_BF16, .elements = 2, .bytes = 4, .data = bf16};
    ck_assert_int_eq(fv_tensor_read(&tensor, values, &error), FV_OK);
    ck_assert_float_eq(values[0], 1.0f);
    ck_assert_float_eq(values[1], -2.0f);
    for (int block = 0; block < 2; block++) {
        uint16_t scale = fv_float_to_half(block == 0 ? 0.5f : 2.0f);
        memcpy(blocks + 34 * block, &scale, 2);
        for (int i = 0; i < 32; i++) {
            blocks[34 * block + 2 + i] = (uint8_t)(i * 8 - 128);
        }
    }
    tensor = (struct fv_tensor){.name = "q", .type = FV_TYPE_Q8_0, .elements = 64, .bytes = 68, .data = blocks};
    ck_assert_int_eq(fv_tensor_read(&tensor, values, &error), FV_OK);
    for (int i = 0; i < 64; i++) {
        ck_assert_float_eq(values[i], (i < 32 ? 0.5f : 2.0f) * (float)(i % 32 * 8 - 128));
    }
    static const float infinite[] = {0, INFINITY};
    tensor = (struct fv_tensor){.name = "w", .type = FV_TYPE_F32, .elements = 2, .bytes = 8, .data = infinite};
    ck_assert_int_eq(fv_tensor_read(&tensor, values, &error), FV_ERROR_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "tensor w: element 1 of 2"));
    tensor.type = FV_TYPE_I64;
    ck_assert_int_eq(fv_tensor_read(&tensor, values, &error), FV_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(writer_refuses_misuse) {
    static const size_t shape[] = {2, SIZE_MAX, 2, 2, 2};
    static const float values[] = {1, 1e6f, NAN};
    struct fv_writer *writer;
    ck_assert_int_eq(fv_writer_create(path_of("model.gguf"), &writer, &error), FV_OK);
    ck_assert_int_eq(fv_writer_set_u32(writer, "key", 1, &error), FV_OK);
    ck_assert_int_eq(fv_writer_set_u32(writer, "key", 1, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_set_u32(writer, "", 1, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_set_string(writer, "text", "\xFF", &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_declare(writer, "a", FV_TYPE_Q8_0, shape, 1, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_declare(writer, "a", FV_TYPE_F32, shape, 5, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_declare(writer, "a", FV_TYPE_F32, shape, 2, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_declare(writer,
                                       "a name of more than sixty-three bytes, which no other tool could hold in full",
                                       FV_TYPE_F32, shape, 1, &error),
                     FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_declare(writer, "a", FV_TYPE_F16, shape, 1, &error), FV_OK);
    ck_assert_int_eq(fv_writer_declare(writer, "a", FV_TYPE_F16, shape, 1, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_tensor(writer, values, 2, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_begin(writer, &error), FV_OK);
    ck_assert_int_eq(fv_writer_begin(writer, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_set_u32(writer, "late", 1, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_tensor(writer, values, 3, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_tensor(writer, values, 2, &error), FV_ERROR_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "tensor a: element 1 is 1e+06, which f16 cannot hold"));
    ck_assert_int_eq(fv_writer_tensor(writer, values + 1, 2, &error), FV_ERROR_MODEL);
    ck_assert_int_eq(fv_writer_finish(writer, &error), FV_ERROR_ARGUMENT);
    ck_assert_uint_eq(files_in_folder(), 0);
    fv_writer_abandon(NULL);
}
END_TEST

/* Writes a model with all keys and tensors of `model`. */
static enum fv_status copy_model(const struct fv_model *model, const char *path) {
    struct fv_writer *writer;
    enum fv_status status = fv_writer_create(path, &writer, &error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; status == FV_OK && i < fv_model_key_count(model); i++) {
        status = fv_writer_copy_key(writer, model, fv_model_key_at(model, i), &error);
    }
    for (size_t i = 0; status == FV_OK && i < fv_model_tensor_count(model); i++) {
        status = fv_writer_declare_copy(writer, fv_model_tensor_at(model, i), &error);
    }
    status = status != FV_OK ? status : fv_writer_begin(writer, &error);
    for (size_t i = 0; status == FV_OK && i < fv_model_tensor_count(model); i++) {
        status = fv_writer_copy_tensor(writer, fv_model_tensor_at(model, i), &error);
    }
    if (status != FV_OK) {
        fv_writer_abandon(writer);
        return status;
    }
    return fv_writer_finish(writer, &error);
}

/* Puts `code` in the place of the u32 that stands `after` bytes behind the text `name`. */
static void change_type(struct image *image, const char *name, size_t after, uint32_t code) {
    memcpy(image->bytes + find(image, name, strlen(name)) + strlen(name) + after, &code, sizeof code);
}

/* A copy of keys and tensors is the same file, whatever their types, of which the writer itself makes only some. */
START_TEST(copies_are_the_same_bytes) {
    ck_assert_int_eq(write_model(), FV_OK);
    struct image image = get();
    if (_i == 1) {
        change_type(&image, "weight", 4 + 2 * 8, FV_TYPE_BF16); /* behind rank and dimensions */
        change_type(&image, "vector", 4 + 8, FV_TYPE_I32);
        change_type(&image, "test.integer", 0, 5);  /* i32 */
        change_type(&image, "test.integers", 4, 6); /* an array of f32 */
        change_type(&image, "test.boolean", 0, 0);  /* u8 */
    }
    put(&image);
    struct fv_model *model = open_model();
    char path[128];
    snprintf(path, sizeof path, "%s/copy.gguf", folder);
    enum fv_status status = copy_model(model, path);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    fv_model_close(model);
    ck_assert_int_eq(rename(path, path_of("model.gguf")), 0);
    struct image copy = get();
    ck_assert_uint_eq(copy.size, image.size);
    ck_assert_mem_eq(copy.bytes, image.bytes, image.size);
}
END_TEST

START_TEST(copies_that_do_not_fit_are_refused) {
    ck_assert_int_eq(write_model(), FV_OK);
    struct fv_model *model = open_model();
    struct fv_writer *writer;
    char path[128];
    snprintf(path, sizeof path, "%s/copy.gguf", folder);
    const struct fv_tensor *weight = fv_model_tensor(model, "weight"), *other = fv_model_tensor(model, "vector");
    ck_assert_int_eq(fv_writer_create(path, &writer, &error), FV_OK);
    ck_assert_int_eq(fv_writer_copy_key(writer, model, "test.absent", &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_copy_key(writer, model, "test.number", &error), FV_OK);
    ck_assert_int_eq(fv_writer_copy_key(writer, model, "test.number", &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_copy_key(writer, model, "general.alignment", &error), FV_OK); /* passed over */
    ck_assert_int_eq(fv_writer_declare_copy(writer, weight, &error), FV_OK);
    ck_assert_int_eq(fv_writer_declare_copy(writer, weight, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_copy_tensor(writer, weight, &error), FV_ERROR_ARGUMENT); /* no header yet */
    ck_assert_int_eq(fv_writer_begin(writer, &error), FV_OK);
    ck_assert_int_eq(fv_writer_copy_tensor(writer, other, &error), FV_ERROR_ARGUMENT);
    ck_assert_int_eq(fv_writer_copy_tensor(writer, weight, &error), FV_OK);
    ck_assert_int_eq(fv_writer_copy_tensor(writer, weight, &error), FV_ERROR_ARGUMENT);
    fv_writer_abandon(writer);
    fv_model_close(model);
    ck_assert_uint_eq(files_in_folder(), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gguf");
    TCase *tests = tcase_create("gguf");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, tensors_survive);
    tcase_add_test(tests, metadata_survive);
    tcase_add_test(tests, broken_files_are_refused);
    tcase_add_test(tests, alignment_is_a_power_of_two);
    tcase_add_test(tests, no_prefix_is_accepted);
    tcase_add_test(tests, changed_bytes_do_no_harm);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, storage_types_are_read);
    tcase_add_test(tests, writer_refuses_misuse);
    tcase_add_loop_test(tests, copies_are_the_same_bytes, 0, 2);
    tcase_add_test(tests, copies_that_do_not_fit_are_refused);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
