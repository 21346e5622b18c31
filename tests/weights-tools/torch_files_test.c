/* What only torch's own files have: zips and their entries, storages and views, older modules (formats.md, groups 1 to
 * 9, 16 and 18). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/memory.h"
#include "made.h"
#include "refusals.h"
#include "suite.h"

/* No file here may make a reader ask for a large block of memory. */
enum { LARGEST_BLOCK = 2 << 20 };

static void setup(void) {
    fv_memory_fail_above(LARGEST_BLOCK);
}

static void teardown(void) {
    fv_memory_fail_above(SIZE_MAX);
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
    refusal_expect_changed(&file, end, "XX", 2, "no end record");
    refusal_expect_changed(&file, end64 + 48, huge, 8, "do not fit");
    refusal_expect_changed(&file, end64 + 40, huge, 8, "do not fit");
    refusal_expect_changed(&file, end64 + 32, huge, 8, "do not fit");
    refusal_expect_changed(&file, end64 + 32, "\x03", 1, "do not fit");
    refusal_expect_changed(&file, end64 + 16, "\x01", 1, "several disks");
    refusal_expect_changed(&file, end + 4, "\x01", 1, "several disks");
    refusal_expect_changed(&file, locator + 8, huge, 8, "Zip64 end record");
    refusal_expect_changed(&file, central, "XX", 2, "central directory is broken");
    refusal_expect_changed(&file, central + 10, "\x08", 1, "compressed");
    refusal_expect_changed(&file, central + 8, "\x01", 1, "encrypted");
    refusal_expect_changed(&file, central + 20, "\x09", 1, "compressed");
    refusal_expect_changed(&file, central + 42, "\x04", 1, "no local header");
    refusal_expect_changed(&file, central + 42, "\xFE\xFF\xFF\x7F", 4, "no local header");
    refusal_expect_changed(&file, central + 42, ones, 4, "lacks its Zip64 sizes");
    refusal_expect_changed(&file, central + 28, ones, 2, "central directory is broken");
    refusal_expect_changed(&file, central + 46, "/", 1, "unsafe");
    refusal_expect_changed(&file, central + 46, "b", 1, "another name");
    refusal_expect_changed(&file, 30, "b", 1, "another name");
    refusal_expect_changed(&file, 28, ones, 2, "outside the file");
    uint8_t sizes[8];
    memset(sizes, 0x7F, sizeof sizes);
    refusal_expect_changed(&file, central + 20, sizes, 8, "outside the file");
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
        refusal_expect(&file, cases[i].message);
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
        refusal_expect(&file, wrong[i].message);
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
    struct made_network network = made_swin();
    struct bytes file = made_torch_legacy(&network);
    size_t little = bytes_find(&file, "little_endian\x88", 14, 0);
    size_t version = bytes_find(&file, "M\xE9\x03.", 4, 0);
    size_t keys = bytes_find(&file, "\x80\x02](", 4, 0);
    size_t last_key = bytes_find(&file, "e.", 2, 0);
    refusal_expect_changed(&file, 4, "\x6D", 1, "no torch checkpoint");
    refusal_expect_changed(&file, version + 1, "\xE8", 1, "protocol other than 1001");
    refusal_expect_changed(&file, little + 13, "\x89", 1, "not little-endian");
    refusal_expect_changed(&file, keys + 9, "8", 1, "names 8000");
    refusal_expect_changed(&file, keys + 4 + 9 + 8, "0", 1, "names 7000");
    uint64_t count = 1;
    for (size_t at = last_key; count == 1; at++) {
        /* The first storage's count: 8 x 3 x 4 x 4 elements. */
        memcpy(&count, file.at + at + 2, sizeof count);
        if (count == 384) {
            refusal_expect_changed(&file, at + 2, "\x7F", 1, "has 383 elements, expected 384");
            break;
        }
        count = 1;
    }
    file.size -= 1;
    refusal_expect(&file, "ends inside storage");
    file.size += 1;
    bytes_u8(&file, 0);
    refusal_expect(&file, "1 bytes follow the last storage");
    bytes_clear(&file);
    made_clear(&network);
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
    refusal_expect(&file, "a view of storage root is broken");
    bytes_clear(&file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("torch files");
    TCase *tests = tcase_create("torch files");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, broken_zips_are_refused);
    tcase_add_test(tests, wrong_entries_are_refused);
    tcase_add_test(tests, storage_sizes_are_checked);
    tcase_add_test(tests, views_share_storages_of_every_type);
    tcase_add_test(tests, legacy_modules_are_read);
    tcase_add_test(tests, broken_legacy_files_are_refused);
    tcase_add_test(tests, views_of_legacy_storages_are_read);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
