/* Containers: the same network in each, and files that must be refused (formats.md, groups 1 to 9, 16, 18, 20 to 25).
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/memory.h"
#include "made.h"

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

/* Opens the bytes and demands a failure whose message begins with the file's name and holds `part`. */
static void expect_refusal(const struct bytes *file, const char *part) {
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    const char *path = scratch_write("broken", file);
    enum fv_status status = fv_checkpoint_open(path, &checkpoint, &error);
    ck_assert_msg(status != FV_OK && status != FV_ERROR_MEMORY, "%s, expected: %s", fv_status_name(status), part);
    ck_assert_ptr_null(checkpoint);
    ck_assert_msg(strncmp(error.message, path, strlen(path)) == 0, "no file name: %s", error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
}

static struct bytes copy_of(const struct bytes *bytes) {
    struct bytes copy = {0};
    bytes_add(&copy, bytes->at, bytes->size);
    return copy;
}

/* Overwrites bytes at `offset`. */
static void expect_changed(const struct bytes *file, size_t offset, const void *bytes, size_t size, const char *part) {
    struct bytes copy = copy_of(file);
    ck_assert_uint_le(offset + size, copy.size);
    memcpy(copy.at + offset, bytes, size);
    expect_refusal(&copy, part);
    bytes_clear(&copy);
}

START_TEST(broken_zips_are_refused) {
    struct zip_made zip = {0};
    zip_made_add(&zip, "a/data.pkl", "\x80\x02N.", 4);
    zip_made_add(&zip, "a/data/0", "12345678", 8);
    struct bytes file = zip_made_end(&zip, true);
    size_t central = bytes_find(&file, "PK\x01\x02", 4, 0);
    size_t end = bytes_find(&file, "PK\x05\x06", 4, 0);
    size_t locator = bytes_find(&file, "PK\x06\x07", 4, 0);
    size_t end64 = bytes_find(&file, "PK\x06\x06", 4, 0);
    static const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    static const uint8_t huge[8] = {0, 0, 0, 0, 0, 0, 0, 0x40};
    expect_changed(&file, end, "XX", 2, "no end record");
    expect_changed(&file, end64 + 48, huge, 8, "do not fit");
    expect_changed(&file, end64 + 40, huge, 8, "do not fit");
    expect_changed(&file, end64 + 32, huge, 8, "do not fit");
    expect_changed(&file, end64 + 32, "\x03", 1, "do not fit");
    expect_changed(&file, end64 + 16, "\x01", 1, "several disks");
    expect_changed(&file, end + 4, "\x01", 1, "several disks");
    expect_changed(&file, locator + 8, huge, 8, "Zip64 end record");
    expect_changed(&file, central, "XX", 2, "central directory is broken");
    expect_changed(&file, central + 10, "\x08", 1, "compressed");
    expect_changed(&file, central + 8, "\x01", 1, "encrypted");
    expect_changed(&file, central + 20, "\x09", 1, "compressed");
    expect_changed(&file, central + 42, "\x04", 1, "no local header");
    expect_changed(&file, central + 42, "\xFE\xFF\xFF\x7F", 4, "no local header");
    expect_changed(&file, central + 42, ones, 4, "lacks its Zip64 sizes");
    expect_changed(&file, central + 28, ones, 2, "central directory is broken");
    expect_changed(&file, central + 46, "/", 1, "unsafe");
    expect_changed(&file, central + 46, "b", 1, "another name");
    expect_changed(&file, 30, "b", 1, "another name");
    expect_changed(&file, 28, ones, 2, "outside the file");
    uint8_t sizes[8];
    memset(sizes, 0x7F, sizeof sizes);
    expect_changed(&file, central + 20, sizes, 8, "outside the file");
    bytes_clear(&file);
}
END_TEST

/* Archives whose entries are wrong, though the zip is not. */
START_TEST(wrong_entries_are_refused) {
    static const struct {
        const char *names[3];
        const char *message;
    } cases[] = {
        {{"a/data.pkl", "b/data.pkl"}, "two entries end in /data.pkl"},
        {{"a/data.pkl", "a/data/0", "a/data/0"}, "is there twice"},
        {{"a/../data.pkl"}, "unsafe"},
        {{"/data.pkl"}, "unsafe"},
        {{"a\\data.pkl"}, "unsafe"},
        {{"a/data.pkl", "a/constants.pkl"}, "TorchScript"},
        {{"a/data.pkl", "a/byteorder"}, "not little-endian"},
        {{"a.npy", "b.npy"}, ".npz"},
        {{"a/other"}, "without data.pkl"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zip_made zip = {0};
        for (size_t j = 0; j < 3 && cases[i].names[j] != NULL; j++) {
            zip_made_add(&zip, cases[i].names[j], "\x80\x02N.", 4);
        }
        struct bytes file = zip_made_end(&zip, false);
        expect_refusal(&file, cases[i].message);
        bytes_clear(&file);
    }
}
END_TEST

/* A pickle of {"a": two floats of storage "0"}; the record of that storage is given. */
static struct bytes one_tensor(const char *record, const void *data, size_t size) {
    struct bytes pickle = {0};
    struct zip_made zip = {0};
    bytes_text(&pickle, "\x80\x02}");
    pickle_text(&pickle, "a");
    pickle_global(&pickle, "torch._utils", "_rebuild_tensor_v2");
    bytes_text(&pickle, "((");
    pickle_text(&pickle, "storage");
    pickle_global(&pickle, "torch.cuda", "FloatStorage");
    pickle_text(&pickle, "0");
    pickle_text(&pickle, "cuda:0");
    pickle_integer(&pickle, 2);
    bytes_text(&pickle, "tQ");
    pickle_integer(&pickle, 0);
    pickle_integer(&pickle, 2);
    bytes_u8(&pickle, 0x85);
    pickle_integer(&pickle, 1);
    bytes_text(&pickle, "\x85\x89}tRs.");
    zip_made_add(&zip, "a/data.pkl", pickle.at, pickle.size);
    zip_made_add(&zip, record, data, size);
    bytes_clear(&pickle);
    return zip_made_end(&zip, true);
}

START_TEST(storage_sizes_are_checked) {
    static const uint8_t counted[16] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40};
    static const uint8_t miscounted[16] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40};
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    float values[2] = {0};
    /* torch 1.6 wrote the number of elements in front of storages that were on a GPU. */
    struct bytes file = one_tensor("a/data/0", counted, sizeof counted);
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("counted", &file), &checkpoint, &error), FV_OK);
    ck_assert_int_eq(fv_checkpoint_read(checkpoint, fv_checkpoint_tensor(checkpoint, "a"), values, &error), FV_OK);
    ck_assert_float_eq(values[0], 1.0f);
    ck_assert_float_eq(values[1], 2.0f);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    static const struct {
        const char *record;
        const void *data;
        size_t size;
        const char *message;
    } wrong[] = {
        {"a/data/0", miscounted, 16, "has 16 bytes, expected 8"},
        {"a/data/0", counted, 7, "has 7 bytes, expected 8"},
        {"a/data/0", counted, 0, "has 0 bytes, expected 8"},
        {"a/data/1", counted, 8, "there is no entry a/data/0"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        file = one_tensor(wrong[i].record, wrong[i].data, wrong[i].size);
        expect_refusal(&file, wrong[i].message);
        bytes_clear(&file);
    }
}
END_TEST

/* A view of two elements from `offset` on, with this stride, of a storage of three. */
static void put_view(struct bytes *pickle, const char *class, const char *key, int offset, int stride) {
    pickle_global(pickle, "torch._utils", "_rebuild_tensor_v2");
    bytes_text(pickle, "((");
    pickle_text(pickle, "storage");
    pickle_global(pickle, "torch", class);
    pickle_text(pickle, key);
    pickle_text(pickle, "cuda:0");
    pickle_integer(pickle, 3);
    bytes_text(pickle, "tQ");
    pickle_integer(pickle, offset);
    pickle_integer(pickle, 2);
    bytes_u8(pickle, 0x85);
    pickle_integer(pickle, stride);
    bytes_text(pickle, "\x85\x89}tR");
}

/* Three views of one storage, whose key is the address that torch 1.8 gave it, in a folder of any name. */
static struct bytes shared_storage(const char *class, const void *data, size_t size) {
    static const char key[] = "94402339518464";
    struct bytes pickle = {0};
    struct zip_made zip = {0};
    bytes_text(&pickle, "\x80\x02}(");
    pickle_text(&pickle, "first");
    put_view(&pickle, class, key, 0, 1);
    pickle_text(&pickle, "ends");
    put_view(&pickle, class, key, 0, 2);
    pickle_text(&pickle, "repeated");
    put_view(&pickle, class, key, 2, 0);
    bytes_text(&pickle, "u.");
    zip_made_add(&zip, "model v2.ckpt/data/94402339518464", data, size);
    zip_made_add(&zip, "model v2.ckpt/data.pkl", pickle.at, pickle.size);
    bytes_clear(&pickle);
    return zip_made_end(&zip, true);
}

START_TEST(views_share_storages_of_every_type) {
    static const struct {
        const char *class;
        enum fv_element element;
        uint8_t bytes[24];
        size_t size;
        float expected[3];
    } cases[] = {
        {"DoubleStorage",
         FV_ELEMENT_F64,
         {[6] = 0xF8, [7] = 0xBF, [14] = 0, [15] = 0x40, [22] = 8, [23] = 0x40},
         24,
         {-1.5f, 2, 3}},
        {"FloatStorage",
         FV_ELEMENT_F32,
         {[2] = 0xC0, [3] = 0xBF, [7] = 0x40, [10] = 0x40, [11] = 0x40},
         12,
         {-1.5f, 2, 3}},
        {"HalfStorage", FV_ELEMENT_F16, {0, 0xBE, 1, 0, 0xFF, 0x7B}, 6, {-1.5f, 0x1p-24f, 65504}},
        {"BFloat16Storage", FV_ELEMENT_BF16, {0xC0, 0xBF, 0, 0x40, 0x40, 0x40}, 6, {-1.5f, 2, 3}},
        {"LongStorage", FV_ELEMENT_I64, {0xFE, 255, 255, 255, 255, 255, 255, 255, [8] = 2, [16] = 3}, 24, {-2, 2, 3}},
        {"IntStorage", FV_ELEMENT_I32, {0xFE, 255, 255, 255, [4] = 2, [8] = 3}, 12, {-2, 2, 3}},
        {"ShortStorage", FV_ELEMENT_I16, {0xFE, 255, [2] = 2, [4] = 3}, 6, {-2, 2, 3}},
        {"CharStorage", FV_ELEMENT_I8, {0xFE, 2, 3}, 3, {-2, 2, 3}},
        {"ByteStorage", FV_ELEMENT_U8, {0xFE, 2, 3}, 3, {254, 2, 3}},
        {"BoolStorage", FV_ELEMENT_BOOL, {1, 0, 1}, 3, {1, 0, 1}},
    };
    static const struct {
        const char *name;
        int elements[2];
    } views[] = {{"first", {0, 1}}, {"ends", {0, 2}}, {"repeated", {2, 2}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fv_error error;
        struct fv_checkpoint *checkpoint;
        struct bytes file = shared_storage(cases[i].class, cases[i].bytes, cases[i].size);
        enum fv_status status = fv_checkpoint_open(scratch_write("shared", &file), &checkpoint, &error);
        ck_assert_msg(status == FV_OK, "%s: %s", cases[i].class, status == FV_OK ? "" : error.message);
        for (size_t j = 0; j < 3; j++) {
            const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor(checkpoint, views[j].name);
            float values[2];
            ck_assert_int_eq(tensor->element, cases[i].element);
            ck_assert_int_eq(fv_checkpoint_read(checkpoint, tensor, values, &error), FV_OK);
            ck_assert_float_eq(values[0], cases[i].expected[views[j].elements[0]]);
            ck_assert_float_eq(values[1], cases[i].expected[views[j].elements[1]]);
        }
        fv_checkpoint_close(checkpoint);
        bytes_clear(&file);
    }
}
END_TEST

/* Older whole modules: their classes come as ('module', class, file, source text). */
START_TEST(legacy_modules_are_read) {
    struct made_network one = {0};
    made_add(&one, "a", 1, 2, 1);
    struct bytes state = made_torch_legacy(&one);
    struct bytes file = {0};
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    float values[2];
    size_t object = bytes_find(&state,
                               "\x80\x02"
                               "ccollections",
                               14, 0);
    size_t entry = bytes_find(&state, "ctorch._utils", 13, 0);
    size_t end = bytes_find(&state, "u.\x80\x02](", 6, 0);
    bytes_add(&file, state.at, object);
    bytes_text(&file, "\x80\x02(");
    pickle_text(&file, "module");
    pickle_global(&file, "timm.models.senet", "SENet");
    pickle_text(&file, "senet.py");
    pickle_text(&file, "class SENet: pass");
    bytes_text(&file, "tQ)\x81}(");
    pickle_text(&file, "_buffers");
    bytes_u8(&file, '}');
    pickle_text(&file, "_modules");
    bytes_u8(&file, '}');
    pickle_text(&file, "_parameters");
    bytes_u8(&file, '}');
    pickle_text(&file, "a");
    bytes_add(&file, state.at + entry, end - entry);
    bytes_text(&file, "sub");
    bytes_add(&file, state.at + end + 1, state.size - end - 1);
    enum fv_status status = fv_checkpoint_open(scratch_write("module", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_str_eq(fv_checkpoint_container(checkpoint), "torch legacy (not zip), whole module");
    ck_assert_int_eq(fv_checkpoint_read(checkpoint, fv_checkpoint_tensor(checkpoint, "a"), values, &error), FV_OK);
    ck_assert_float_eq(values[1], (float)one.tensors[0].values[1]);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    bytes_clear(&state);
    made_clear(&one);
}
END_TEST

START_TEST(broken_legacy_files_are_refused) {
    struct bytes file = made_torch_legacy(&network);
    size_t little = bytes_find(&file, "little_endian\x88", 14, 0);
    size_t version = bytes_find(&file, "M\xE9\x03.", 4, 0);
    size_t keys = bytes_find(&file, "\x80\x02](", 4, 0);
    size_t last_key = bytes_find(&file, "e.", 2, 0);
    expect_changed(&file, 4, "\x6D", 1, "no torch checkpoint");
    expect_changed(&file, version + 1, "\xE8", 1, "protocol other than 1001");
    expect_changed(&file, little + 13, "\x89", 1, "not little-endian");
    expect_changed(&file, keys + 9, "8", 1, "names 8000");
    expect_changed(&file, keys + 4 + 9 + 8, "0", 1, "names 7000");
    uint64_t count = 1;
    for (size_t at = last_key; count == 1; at++) {
        /* The first storage's count: 8 x 3 x 4 x 4 elements. */
        memcpy(&count, file.at + at + 2, sizeof count);
        if (count == 384) {
            expect_changed(&file, at + 2, "\x7F", 1, "has 383 elements, expected 384");
            break;
        }
        count = 1;
    }
    file.size -= 1;
    expect_refusal(&file, "ends inside storage");
    file.size += 1;
    bytes_u8(&file, 0);
    expect_refusal(&file, "1 bytes follow the last storage");
    bytes_clear(&file);
}
END_TEST

/* A legacy file of one tensor of two floats, whose storage is elements 1 and 2 of a storage of four. */
static struct bytes legacy_view(unsigned view_offset) {
    struct bytes file = {0};
    bytes_add(&file, "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19\x2E", 15);
    bytes_text(&file, "\x80\x02M\xE9\x03.\x80\x02}");
    pickle_text(&file, "little_endian");
    bytes_text(&file, "\x88s.\x80\x02}");
    pickle_text(&file, "a");
    pickle_global(&file, "torch._utils", "_rebuild_tensor_v2");
    bytes_text(&file, "((");
    pickle_text(&file, "storage");
    pickle_global(&file, "torch", "FloatStorage");
    pickle_text(&file, "root");
    pickle_text(&file, "cpu");
    pickle_integer(&file, 4);
    pickle_text(&file, "part");
    pickle_integer(&file, (int32_t)view_offset);
    pickle_integer(&file, 2);
    bytes_text(&file, "\x87tQ");
    pickle_integer(&file, 0);
    pickle_integer(&file, 2);
    bytes_u8(&file, 0x85);
    pickle_integer(&file, 1);
    bytes_text(&file, "\x85\x89}tRs.\x80\x02]");
    pickle_text(&file, "root");
    bytes_text(&file, "a.");
    static const float values[] = {1, 2, 3, 4};
    bytes_u64(&file, 4);
    bytes_add(&file, values, sizeof values);
    return file;
}

START_TEST(views_of_legacy_storages_are_read) {
    struct bytes file = legacy_view(1);
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    float values[2];
    enum fv_status status = fv_checkpoint_open(scratch_write("view", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_int_eq(fv_checkpoint_read(checkpoint, fv_checkpoint_tensor(checkpoint, "a"), values, &error), FV_OK);
    ck_assert_float_eq(values[0], 2.0f);
    ck_assert_float_eq(values[1], 3.0f);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    file = legacy_view(3);
    expect_refusal(&file, "a view of storage root is broken");
    bytes_clear(&file);
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
        expect_refusal(&file, cases[i].message);
        bytes_clear(&file);
    }
    struct bytes file = safetensors_of("{}", 0);
    expect_changed(&file, 0, "\x01\xE1\xF5\x05", 4, "header's length is 100000001");
    expect_changed(&file, 0, "\x03", 1, "header's length is 3, at most 2");
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
        expect_refusal(&file, cases[i].message);
        bytes_clear(&file);
    }
    struct bytes tar = {0};
    for (int i = 0; i < 512; i++) {
        bytes_u8(&tar, 'x');
    }
    memcpy(tar.at + 257, "ustar", 5);
    expect_refusal(&tar, "tar archive");
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
        struct bytes copy = copy_of(&file);
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
    tcase_add_test(tests, broken_zips_are_refused);
    tcase_add_test(tests, wrong_entries_are_refused);
    tcase_add_test(tests, storage_sizes_are_checked);
    tcase_add_test(tests, views_share_storages_of_every_type);
    tcase_add_test(tests, legacy_modules_are_read);
    tcase_add_test(tests, broken_legacy_files_are_refused);
    tcase_add_test(tests, views_of_legacy_storages_are_read);
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
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
