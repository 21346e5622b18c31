/* The malformed inputs of formats.md, all 25 groups: this file holds what the tests of the readers themselves do not,
 * and tells where the rest is.
 *
 *  1 every prefix          here, of small files of every container; checkpoint_test, gguf_test, npy_test
 *  2 zip's end records     checkpoint_test: broken_zips_are_refused
 *  3 local headers         checkpoint_test: broken_zips_are_refused
 *  4 compressed, encrypted checkpoint_test: broken_zips_are_refused
 *  5 names of entries      checkpoint_test: wrong_entries_are_refused
 *  6 key without record    checkpoint_test: storage_sizes_are_checked
 *  7 size of a record      checkpoint_test: storage_sizes_are_checked
 *  8 views                 pickle_test; overflows here
 *  9 product of dimensions pickle_test; repeated elements here
 * 10 code                  pickle_test
 * 11 opcodes out of place  pickle_test
 * 12 memo                  pickle_test
 * 13 lengths, UTF-8        pickle_test
 * 14 cycles                pickle_test; cycles in plans and graphs of modules here
 * 15 keys                  pickle_test; tensors, sets and arrays here
 * 16 legacy                checkpoint_test: broken_legacy_files_are_refused
 * 17 numpy                 pickle_test; arrays in place of tuples here
 * 18 two views of a key    pickle_test
 * 19 plans                 nnunet_test
 * 20 parameters            convert_test, resnet_test, head_test; pickle_test: the same name twice
 * 21 safetensors           checkpoint_test: broken_safetensors_are_refused
 * 22 GGUF                  gguf_test
 * 23 npy                   npy_test
 * 24 TorchScript           checkpoint_test: wrong_entries_are_refused
 * 25 sparse Zip64          here
 *
 * No case may ask for a large block of memory: allocations above a limit fail, which no case answers with. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/checkpoint.h"
#include "fovea/memory.h"
#include "made_nnunet.h"
#include "refusals.h"
#include "suite.h"

enum { LARGEST_BLOCK = 2 << 20 };

static struct fv_error error;

static void setup(void) {
    fv_memory_fail_above(LARGEST_BLOCK);
}

static void teardown(void) {
    fv_memory_fail_above(SIZE_MAX);
}

static void accept_file(const struct bytes *file) {
    struct fv_checkpoint *checkpoint;
    enum fv_status status = fv_checkpoint_open(scratch_write("sound", file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    fv_checkpoint_close(checkpoint);
}

/* One tensor of two floats. */
static struct made_network small_network(void) {
    struct made_network network = {0};
    made_add(&network, "a", 1, 2, 1);
    return network;
}

static struct bytes small_zip(void) {
    struct made_network network = small_network();
    struct bytes file = made_torch_zip(&network);
    made_clear(&network);
    return file;
}

static struct bytes small_module(void) {
    struct made_network network = small_network();
    struct bytes file = made_module_zip(&network, NULL, 0);
    made_clear(&network);
    return file;
}

static struct bytes small_legacy(void) {
    struct made_network network = small_network();
    struct bytes file = made_torch_legacy(&network);
    made_clear(&network);
    return file;
}

static struct bytes small_safetensors(void) {
    struct made_network network = small_network();
    struct bytes file = made_safetensors(&network);
    made_clear(&network);
    return file;
}

START_TEST(group_1_no_prefix_is_accepted) {
    struct bytes (*const make[])(void) = {small_zip, small_module, small_legacy, small_safetensors};
    struct bytes file = make[_i]();
    accept_file(&file);
    while (file.size-- > 0) {
        refusal_expect(&file, "");
    }
    bytes_clear(&file);
}
END_TEST

/* A folder of a sound network; the file `name` of it is cut. */
static void write_folder(const struct made_plans *plans) {
    struct made_network network = made_unet();
    struct bytes files[] = {made_plans_pickle(plans), made_fold_pickle(plans), made_torch_zip(&network)};
    static const char *const names[] = {"plans.pkl", "fold_0/model_best.model.pkl", "fold_0/model_best.model"};
    mkdir(scratch_path("fold_0"), 0700);
    for (size_t i = 0; i < 3; i++) {
        scratch_write(names[i], &files[i]);
        bytes_clear(&files[i]);
    }
    made_clear(&network);
}

START_TEST(group_1_no_prefix_of_plans_is_accepted) {
    struct made_plans plans = made_plans();
    struct fv_checkpoint *checkpoint;
    plans.numpy = true;
    write_folder(&plans);
    ck_assert_int_eq(fv_checkpoint_open(scratch_folder(), &checkpoint, &error), FV_OK);
    fv_checkpoint_close(checkpoint);
    const char *name = _i == 0 ? "plans.pkl" : "fold_0/model_best.model.pkl";
    struct bytes file = _i == 0 ? made_plans_pickle(&plans) : made_fold_pickle(&plans);
    while (file.size-- > 0) {
        scratch_write(name, &file);
        refusal_expect_of(scratch_folder(), scratch_path(name), "pickle, offset ");
    }
    bytes_clear(&file);
}
END_TEST

/* Files whose bytes follow the pickle are no prefixes, and no pickles either. */
START_TEST(group_1_nothing_follows_plans) {
    struct made_plans plans = made_plans();
    write_folder(&plans);
    struct bytes file = made_plans_pickle(&plans);
    bytes_text(&file, "..");
    scratch_write("plans.pkl", &file);
    refusal_expect_of(scratch_folder(), scratch_path("plans.pkl"), "2 bytes follow the pickle");
    bytes_clear(&file);
}
END_TEST

/* {"a": _rebuild_tensor_v2(storage of four floats, offset, size, stride, False, {})}; numbers are LONG1s of 8 bytes. */
static struct bytes tensor_pickle(uint64_t offset, const uint64_t *size, const uint64_t *stride, int rank) {
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02}");
    pickle_text(&pickle, "a");
    pickle_global(&pickle, "torch._utils", "_rebuild_tensor_v2");
    bytes_text(&pickle, "((");
    pickle_text(&pickle, "storage");
    pickle_global(&pickle, "torch", "FloatStorage");
    pickle_text(&pickle, "0");
    pickle_text(&pickle, "cpu");
    bytes_text(&pickle, "K\x04tQ\x8A\x08");
    bytes_u64(&pickle, offset);
    for (int list = 0; list < 2; list++) {
        bytes_u8(&pickle, '(');
        for (int i = 0; i < rank; i++) {
            bytes_text(&pickle, "\x8A\x08");
            bytes_u64(&pickle, list == 0 ? size[i] : stride[i]);
        }
        bytes_u8(&pickle, 't');
    }
    bytes_text(&pickle, "\x89}tRs.");
    return pickle;
}

static struct bytes zip_with_storage(struct bytes pickle) {
    static const float values[4];
    struct zip_made zip = {0};
    zip_made_add(&zip, "made/data.pkl", pickle.at, pickle.size);
    zip_made_add(&zip, "made/data/0", values, sizeof values);
    bytes_clear(&pickle);
    return zip_made_end(&zip, true);
}

START_TEST(groups_8_and_9_views_do_not_overflow) {
    static const uint64_t most = INT64_MAX;
    static const struct {
        uint64_t offset, size[2], stride[2];
        const char *message; /* NULL: legal */
    } cases[] = {
        {0, {2, 2}, {2, 1}, NULL},
        {3, {2, 2}, {0, 0}, NULL},
        {4, {0, 5}, {1, 1}, NULL},
        {most, {1, 1}, {1, 1}, "a tensor at offset 9223372036854775807 reaches beyond its storage 0"},
        {most, {2, 2}, {most, most}, "reaches beyond its storage 0, which holds 4 elements"},
        {1, {most, 2}, {most, 1}, "reaches beyond its storage 0, which holds 4 elements"},
        {0, {3, 2}, {most, 0}, "reaches beyond its storage 0, which holds 4 elements"},
        {0, {4, 1}, {UINT64_C(1) << 62, 1}, "reaches beyond its storage 0, which holds 4 elements"},
        {UINT64_C(1) << 63, {1, 1}, {1, 1}, "the arguments of a tensor are wrong"},
        {0, {UINT64_MAX, 1}, {0, 0}, "the arguments of a tensor are wrong"},
        {0, {most, most}, {0, 0}, "reaches beyond its storage 0, which holds 4 elements"},
        {0, {UINT64_C(1) << 20, UINT64_C(1) << 20}, {0, 0}, "repeats the 4 elements of storage 0 to 1099511627776"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes file = zip_with_storage(tensor_pickle(cases[i].offset, cases[i].size, cases[i].stride, 2));
        if (cases[i].message == NULL) {
            accept_file(&file);
        } else {
            refusal_expect(&file, cases[i].message);
        }
        bytes_clear(&file);
    }
}
END_TEST

/* Wraps opcodes that push one value as data.pkl: it is refused in any case, since it is no state dict. */
static void refuse_value(const char *opcodes, size_t size, const char *part) {
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x04");
    bytes_add(&pickle, opcodes, size);
    bytes_u8(&pickle, '.');
    struct bytes file = zip_with_storage(pickle);
    refusal_expect(&file, part);
    bytes_clear(&file);
}

#define REFUSE_VALUE(opcodes, part) refuse_value(opcodes, sizeof(opcodes) - 1, part)

START_TEST(group_14_cycles_end) {
    /* Plans whose plans_per_stage are the plans themselves. */
    struct made_plans plans = made_plans();
    struct bytes pickle = {0};
    write_folder(&plans);
    bytes_add(&pickle, "\x80\x04}q\x00", 5);
    pickle_text(&pickle, "plans_per_stage");
    bytes_add(&pickle, "h\x00s.", 4);
    scratch_write("plans.pkl", &pickle);
    refusal_expect_of(scratch_folder(), scratch_path("plans.pkl"),
                      "plans: num_modalities is missing or not an integer");
    bytes_clear(&pickle);
    /* A set of a tuple of a list that holds the list: nothing goes into it. */
    REFUSE_VALUE("]q\0(h\0ta", "holds a list, expected a state dict or a module");
}
END_TEST

/* A module m whose children are the modules of the level below, twice each: 2^40 paths. */
START_TEST(group_14_exploding_modules_end) {
    enum { LEVELS = 40 };
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02");
    for (int level = 0; level < LEVELS; level++) {
        pickle_global(&pickle, "timm.models", "Part");
        bytes_text(&pickle, ")\x81}(");
        pickle_text(&pickle, "_parameters");
        bytes_u8(&pickle, '}');
        pickle_text(&pickle, "_buffers");
        bytes_u8(&pickle, '}');
        pickle_text(&pickle, "_modules");
        bytes_u8(&pickle, '}');
        for (int child = 0; child < 2 && level > 0; child++) {
            pickle_text(&pickle, child == 0 ? "a" : "b");
            bytes_u8(&pickle, 'h');
            bytes_u8(&pickle, (unsigned)level);
            bytes_u8(&pickle, 's');
        }
        bytes_text(&pickle, "ubq");
        bytes_u8(&pickle, (unsigned)level + 1);
        if (level + 1 < LEVELS) {
            bytes_u8(&pickle, '0');
        }
    }
    bytes_u8(&pickle, '.');
    struct bytes file = zip_with_storage(pickle);
    refusal_expect(&file, "a child is no module, or modules are nested without end");
    bytes_clear(&file);
}
END_TEST

#define FLOAT64 "cnumpy\ndtype\n(X\x02\0\0\0f8\x89\x88tR"
#define ARRAY                                                                                                          \
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"                                                   \
    "C\x01"                                                                                                            \
    "b\x87R"
#define OBJECTS "cnumpy\ndtype\n(X\x02\0\0\0O8\x89\x88tR"

START_TEST(group_15_keys_must_be_hashable) {
    REFUSE_VALUE("}\x8FK\1s", "a set cannot be a key");
    REFUSE_VALUE("}" ARRAY "K\1s", "a numpy array cannot be a key");
    REFUSE_VALUE("}" FLOAT64 "K\1s", "a numpy type cannot be a key");
    REFUSE_VALUE("\x8F(]\x90", "a list cannot be a key");
    REFUSE_VALUE("(}\x91", "a dict cannot be a key");
    REFUSE_VALUE("}ctorch\nFloatStorage\nK\1s", "a class or function cannot be a key");
}
END_TEST

/* Where a tuple is expected, an array that has as many elements. */
START_TEST(group_17_arrays_are_no_tuples) {
    /* An array of five numbers, five objects, or eight. */
    REFUSE_VALUE(ARRAY ARRAY "(K\1K\5\x85"
                             "cnumpy\ndtype\n(X\x02\0\0\0u1\x89\x88tR\x89"
                             "C\x05"
                             "12345tbb",
                 "a numpy array is broken");
    REFUSE_VALUE(ARRAY ARRAY "(K\1K\5\x85" OBJECTS "\x89](NNNNNetbb", "a numpy array is broken");
    REFUSE_VALUE(FLOAT64 ARRAY "(K\1K\x08\x85" OBJECTS "\x89](K\3X\x01\0\0\0<NNNK\x08K\x08K\0etbb",
                 "a numpy type is broken");
    /* Content twice. */
    REFUSE_VALUE(ARRAY "(K\1K\1\x85" FLOAT64 "\x89"
                       "C\x08"
                       "12345678tb(K\1K\0\x85" FLOAT64 "\x89"
                       "C\0tb",
                 "a numpy array is broken");
    /* A shape that overflows, and one that is negative. */
    REFUSE_VALUE(ARRAY "(K\1\x8A\x05\0\0\0\0\1\x8A\x05\0\0\0\0\1\x86" FLOAT64 "\x89"
                       "C\0tb",
                 "a numpy array's shape is broken");
    REFUSE_VALUE(ARRAY "(K\1J\xFF\xFF\xFF\xFF\x85" FLOAT64 "\x89"
                       "C\0tb",
                 "a numpy array's shape is broken");
    REFUSE_VALUE(ARRAY "(K\1K\0\x85"
                       "cnumpy\ndtype\n(X\x02\0\0\0U0\x89\x88tR\x89"
                       "C\0tb",
                 "elements of 0 bytes");
}
END_TEST

/* The persistent id of a class, as an array of objects instead of a tuple. */
START_TEST(group_17_ids_are_tuples) {
    struct bytes file = small_legacy();
    size_t object = bytes_find(&file,
                               "\x80\x02"
                               "ccollections",
                               14, 0);
    struct bytes changed = {0};
    bytes_add(&changed, file.at, object);
    static const char id[] =
        "\x80\x02" ARRAY "(K\1K\4\x85" OBJECTS "\x89](X\x06\0\0\0modulectimm.models\nPart\nNNetbQ.";
    bytes_add(&changed, id, sizeof id - 1);
    refusal_expect(&changed, "a persistent id is not ('storage', class, key, location, elements)");
    bytes_clear(&changed);
    bytes_clear(&file);
}
END_TEST

/* A zip of one entry whose sizes and offset are in a Zip64 extra field. */
static struct bytes zip64_of(uint64_t size, uint64_t offset) {
    struct bytes pickle = tensor_pickle(0, (const uint64_t[]){2}, (const uint64_t[]){1}, 1);
    struct bytes file = zip_with_storage(pickle);
    struct bytes changed = {0};
    size_t central = bytes_find(&file, "PK\x01\x02", 4, 0);
    size_t end64 = bytes_find(&file, "PK\x06\x06", 4, 0);
    size_t end = bytes_find(&file, "PK\x05\x06", 4, 0);
    const size_t name = strlen("made/data.pkl");
    uint32_t true_size;
    memcpy(&true_size, file.at + central + 24, sizeof true_size);
    bytes_add(&changed, file.at, central + 46 + name);
    memset(changed.at + central + 20, 0xFF, 8);
    memset(changed.at + central + 42, 0xFF, 4);
    changed.at[central + 30] = 28;
    bytes_u16(&changed, 1);
    bytes_u16(&changed, 24);
    bytes_u64(&changed, size == 0 ? true_size : size);
    bytes_u64(&changed, size == 0 ? true_size : size);
    bytes_u64(&changed, offset);
    bytes_add(&changed, file.at + central + 46 + name, file.size - central - 46 - name);
    /* The end records: the directory is longer, and they lie farther back. */
    uint64_t directory = end64 - central + 28;
    uint64_t record = end64 + 28;
    memcpy(changed.at + end64 + 28 + 40, &directory, 8);
    memcpy(changed.at + end64 + 28 + 56 + 8, &record, 8);
    memcpy(changed.at + end + 28 + 12, &directory, 4);
    bytes_clear(&file);
    return changed;
}

START_TEST(group_25_zip64_sizes_are_checked) {
    static const struct {
        uint64_t size, offset;
        const char *message; /* NULL: fine */
    } cases[] = {
        {0, 0, NULL},
        {UINT64_C(1) << 40, 0, "zip entry made/data.pkl: 1099511627776 bytes at offset 0 end outside the file's "},
        {UINT64_MAX, 0, "zip entry made/data.pkl: 18446744073709551615 bytes at offset 0 end outside the file's "},
        {0, UINT64_C(1) << 63, "zip entry made/data.pkl: no local header at offset 9223372036854775808"},
        {0, UINT64_MAX, "zip entry made/data.pkl: no local header at offset 18446744073709551615"},
        {0, 1, "zip entry made/data.pkl: no local header at offset 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes file = zip64_of(cases[i].size, cases[i].offset);
        if (cases[i].message == NULL) {
            accept_file(&file);
        } else {
            refusal_expect(&file, cases[i].message);
        }
        bytes_clear(&file);
    }
}
END_TEST

/* A real file of terabytes, nearly all of it a hole: sound as a zip, so that nothing but the budgets is in the way. */
START_TEST(group_25_holes_are_not_read) {
    static const uint64_t hole = UINT64_C(1) << 41;
    struct bytes file = zip64_of(0, 0);
    const char *path = scratch_write("sparse", &file);
    size_t central = bytes_find(&file, "PK\x01\x02", 4, 0);
    size_t end64 = bytes_find(&file, "PK\x06\x06", 4, 0);
    /* The directory and what follows go behind the hole, and data.pkl's size covers it. */
    uint64_t directory = central + hole;
    uint64_t record = end64 + hole;
    memcpy(file.at + central + 46 + 13 + 4, &hole, 8);
    memcpy(file.at + central + 46 + 13 + 12, &hole, 8);
    memcpy(file.at + end64 + 48, &directory, 8);
    memcpy(file.at + end64 + 56 + 8, &record, 8);
    memset(file.at + end64 + 56 + 20 + 16, 0xFF, 4);
    int descriptor = open(path, O_WRONLY);
    ck_assert_int_ge(descriptor, 0);
    ssize_t tail = (ssize_t)(file.size - central);
    if (pwrite(descriptor, file.at + central, (size_t)tail, (off_t)directory) != tail) {
        printf("skipped: the file system has no files of terabytes\n");
    } else {
        refusal_expect_of(path, path, " bytes follow its end");
    }
    close(descriptor);
    unlink(path);
    bytes_clear(&file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("malformed");
    TCase *tests = tcase_create("malformed");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, group_1_no_prefix_is_accepted, 0, 4);
    tcase_add_loop_test(tests, group_1_no_prefix_of_plans_is_accepted, 0, 2);
    tcase_add_test(tests, group_1_nothing_follows_plans);
    tcase_add_test(tests, groups_8_and_9_views_do_not_overflow);
    tcase_add_test(tests, group_14_cycles_end);
    tcase_add_test(tests, group_14_exploding_modules_end);
    tcase_add_test(tests, group_15_keys_must_be_hashable);
    tcase_add_test(tests, group_17_arrays_are_no_tuples);
    tcase_add_test(tests, group_17_ids_are_tuples);
    tcase_add_test(tests, group_25_zip64_sizes_are_checked);
    tcase_add_test(tests, group_25_holes_are_not_read);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
