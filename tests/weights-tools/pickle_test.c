/* Pickles that must be refused (formats.md, groups 7 to 18), each in a torch zip of its own. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/memory.h"
#include "made.h"
#include "suite.h"

#define HEAD "\x80\x02"
#define DICT "}("
#define STORAGE_ID                                                                                                     \
    "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"                                                             \
    "0X\x03\0\0\0cpuK\x04tQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define HOOKS                                                                                                          \
    "\x89"                                                                                                             \
    "ccollections\nOrderedDict\n)RtR"
#define TENSOR(offset, size, stride) REBUILD STORAGE_ID offset size stride HOOKS
#define NAMED(value)                                                                                                   \
    HEAD DICT "X\x01\0\0\0"                                                                                            \
              "a" value "u."
#define FLOAT64                                                                                                        \
    "cnumpy\ndtype\n(X\x02\0\0\0"                                                                                      \
    "f8\x89\x88tR"

/* A pickle as a literal, and a part of the message that it must give. */
struct case_of {
    int group;
    const char *bytes;
    size_t size;
    const char *message;
};

#define CASE(group, bytes, message)                                                                                    \
    { group, bytes, sizeof(bytes) - 1, message }

static const struct case_of refused[] = {
    CASE(8, NAMED(TENSOR("K\x01", "K\x04\x85", "K\x01\x85")), "reaches beyond its storage"),
    CASE(8, NAMED(TENSOR("K\x00", "(K\x02K\x02t", "(K\x03K\x01t")), "reaches beyond its storage"),
    CASE(8, NAMED(TENSOR("K\x00", "J\xFF\xFF\xFF\xFF\x85", "K\x01\x85")), "arguments of a tensor"),
    CASE(8, NAMED(TENSOR("K\x00", "K\x02\x85", "J\xFF\xFF\xFF\xFF\x85")), "arguments of a tensor"),
    CASE(8, NAMED(TENSOR("J\xFF\xFF\xFF\xFF", "K\x02\x85", "K\x01\x85")), "arguments of a tensor"),
    CASE(8, NAMED(TENSOR("K\x00", "\x8A\x08\x02\0\0\0\0\0\0\x40\x85", "\x8A\x08\x08\0\0\0\0\0\0\x40\x85")),
         "reaches beyond"),
    CASE(9, NAMED(TENSOR("K\x00", "(\x8A\x05\0\0\0\0\x01\x8A\x05\0\0\0\0\x01t", "(K\x00K\x00t")),
         "reaches beyond its storage"),
    CASE(10, HEAD "cos\nsystem\nX\x02\0\0\0ls\x85R.", "os system is refused"),
    CASE(10, HEAD "cposix\nsystem\n.", "posix system is refused"),
    CASE(10, HEAD "cbuiltins\neval\n.", "builtins eval is refused"),
    CASE(10, HEAD "c__builtin__\nexec\n.", "__builtin__ exec is refused"),
    CASE(10, "\x80\x04\x8C\x02os\x8C\x06system\x93.", "os system is refused"),
    CASE(10, "\x80\x04K\x01\x8C\x06system\x93.", "a class or function is named by an integer"),
    CASE(10, HEAD "ctimm.models\nrun\nX\x01\0\0\0x\x85R.", "calling timm.models run is refused"),
    CASE(10, HEAD "ctorch.nn.modules.linear\nLinear\nK\x01\x85\x81.", "making an object"),
    CASE(10, HEAD "(cos\nsystem\no.", "os system is refused"),
    CASE(10, HEAD "(ios\nsystem\n.", "INST"),
    CASE(10, HEAD "(o.", "OBJ"),
    CASE(10, HEAD "\x82\x01.", "EXT"),
    CASE(10, "\x80\x04)}\x92.", "NEWOBJ_EX"),
    CASE(10, HEAD "Pabc\n.", "PERSID"),
    CASE(11, HEAD "K\x01)R.", "REDUCE calls an integer"),
    CASE(11, HEAD "K\x01}b.", "BUILD on an integer"),
    CASE(11, HEAD "}(K\x01u.", "odd number"),
    CASE(11, HEAD "K\x01t.", "there is no mark"),
    CASE(11,
         HEAD "]K\x01"
              "e.",
         "there is no mark"),
    CASE(11, HEAD ".", "the stack is empty"),
    CASE(11, HEAD "(.", "the stack is empty"),
    CASE(11, HEAD "N", "ends without STOP"),
    CASE(11, HEAD "NN.", "left over"),
    CASE(11, HEAD "(NK\x01s.", "the stack is empty"),
    CASE(11,
         HEAD "NK\x01"
              "a.",
         "items are added to None"),
    CASE(11, HEAD "\x85.", "the stack is empty"),
    CASE(11, HEAD "0.", "the stack is empty"),
    CASE(12, HEAD "h\x05.", "memo entry 5 was never set"),
    CASE(12, HEAD "Nr\xFF\xFF\xFF\xFF.", "memo index 4294967295"),
    CASE(12, HEAD "Nr\0\0\x10\0.", "memo index"),
    CASE(13, HEAD "\x8D\0\0\0\0\0\0\0\x80.", "needs 9223372036854775808 bytes"),
    CASE(13, HEAD "\x8E\0\0\0\0\0\0\0\x80.", "needs 9223372036854775808 bytes"),
    CASE(13, HEAD "X\x02\0\0\0\xC3\x28.", "not UTF-8"),
    CASE(13, HEAD "X\x03\0\0\0\xED\xA0\x80.", "not UTF-8"),
    CASE(13,
         HEAD "\x8A\x11"
              "12345678901234567.",
         "an integer of 17 bytes"),
    CASE(13, "\x80\x04\x95\xFF\0\0\0\0\0\0\0N.", "a frame of 255 bytes"),
    CASE(14, HEAD "]q\0h\0a.", "holds a list"),
    CASE(14, HEAD "}q\0X\x01\0\0\0ah\0s.", "is a dict, expected a tensor"),
    CASE(14,
         HEAD "ctimm.models.resnet\nResNet\n)\x81q\0}(X\x0B\0\0\0_parameters}X\x08\0\0\0_buffers}X\x08\0\0\0_modules}"
              "X\x01\0\0\0mh\0sub.",
         "nested without end"),
    CASE(15, HEAD "}]K\x01s.", "a list cannot be a key"),
    CASE(15, HEAD "}}K\x01s.", "a dict cannot be a key"),
    CASE(17,
         HEAD "cnumpy.core.multiarray\nscalar\n" FLOAT64 "U\x01"
              "a\x86R.",
         "a numpy scalar is broken"),
    CASE(17,
         HEAD "cnumpy.core.multiarray\nscalar\n" FLOAT64 "C\x07"
              "1234567\x86R.",
         "a numpy scalar is broken"),
    CASE(17,
         HEAD "cnumpy\ndtype\n(X\x02\0\0\0"
              "f0\x89\x88tR.",
         "the numpy type f0"),
    CASE(17,
         HEAD "cnumpy\ndtype\n(X\x02\0\0\0"
              "V8\x89\x88tR.",
         "the numpy type V8"),
    CASE(17,
         HEAD "cnumpy\ndtype\n(X\x03\0\0\0"
              "f16\x89\x88tR.",
         "the numpy type f16"),
    CASE(17,
         HEAD "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
              "C\x01"
              "b\x87R(K\x01K\x02\x85" FLOAT64 "\x89"
              "C\x08"
              "12345678tb.",
         "holds 8 bytes"),
    CASE(17,
         HEAD "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
              "C\x01"
              "b\x87R(K\x01K\x02\x85"
              "cnumpy\ndtype\n(X\x02\0\0\0O8\x89\x88tR\x89]tb.",
         "array of objects"),
    CASE(17,
         HEAD "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
              "C\x01"
              "b\x87R(K\x01K\x01\x85"
              "cnumpy\ndtype\n(X\x02\0\0\0O8\x89\x88tR\x89](cos\nsystem\netb.",
         "os system is refused"),
    CASE(17, HEAD "c_codecs\nencode\nX\x02\0\0\0\xC4\x80X\x06\0\0\0latin1\x86R.", "beyond latin1"),
    CASE(17,
         HEAD "c_codecs\nencode\nX\x01\0\0\0"
              "aX\x05\0\0\0utf-8\x86R.",
         "arguments of _codecs encode"),
    CASE(18,
         HEAD DICT "X\x01\0\0\0"
                   "a" TENSOR("K\0", "K\x04\x85", "K\x01\x85") "X\x01\0\0\0"
                                                               "b" REBUILD
                                                               "(X\x07\0\0\0storagectorch\nIntStorage\nX\x01\0\0\0"
                                                               "0X\x03\0\0\0cpuK\x04tQK\0K\x04\x85K\x01\x85" HOOKS "u.",
         "storage 0 is 4 elements of i32 here and 4 of f32 before"),
    CASE(18,
         HEAD DICT "X\x01\0\0\0"
                   "a" TENSOR("K\0", "K\x04\x85", "K\x01\x85") "X\x01\0\0\0"
                                                               "b" REBUILD
                                                               "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"
                                                               "0X\x03\0\0\0cpuK\x03tQK\0K\x03\x85K\x01\x85" HOOKS "u.",
         "storage 0 is 3 elements"),
    CASE(20,
         HEAD DICT "X\x01\0\0\0"
                   "a" TENSOR("K\0", "K\x04\x85", "K\x01\x85") "X\x01\0\0\0"
                                                               "a" TENSOR("K\0", "K\x04\x85", "K\x01\x85") "u.",
         "tensor a is there twice"),
    CASE(0, HEAD "\xFF.", "0xFF is no opcode"),
    CASE(0, HEAD "I1\n.", "text protocol 0"),
    CASE(0, "\x80\x09N.", "protocol 9"),
    CASE(0, HEAD "N.", "holds None"),
    CASE(0, HEAD "}.", "holds no tensors"),
};

static void put_zip(struct bytes *file, const struct case_of *refusal) {
    struct zip_made zip = {0};
    zip_made_add(&zip, "made/data.pkl", refusal->bytes, refusal->size);
    zip_made_add(&zip, "made/data/0", "0123456789abcdef", 16);
    *file = zip_made_end(&zip, false);
}

START_TEST(pickle_is_refused) {
    const struct case_of *refusal = &refused[_i];
    struct bytes file;
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    put_zip(&file, refusal);
    const char *path = scratch_write("refused.pth", &file);
    fv_memory_fail_above(2 << 20);
    enum fv_status status = fv_checkpoint_open(path, &checkpoint, &error);
    fv_memory_fail_above(SIZE_MAX);
    ck_assert_msg(status != FV_OK && status != FV_ERROR_MEMORY, "group %d, case %d (%s): %s", refusal->group, _i,
                  refusal->message, fv_status_name(status));
    ck_assert_ptr_null(checkpoint);
    ck_assert_msg(strstr(error.message, refusal->message) != NULL, "group %d, case %d: expected \"%s\" in \"%s\"",
                  refusal->group, _i, refusal->message, error.message);
    ck_assert_msg(strstr(error.message, path) == error.message, "the message does not begin with the file: %s",
                  error.message);
    bytes_clear(&file);
}
END_TEST

/* What the cases are built from is fine: only what a case changes makes it fail. */
START_TEST(base_of_the_cases_is_accepted) {
    static const struct case_of fine = CASE(0, NAMED(TENSOR("K\x00", "(K\x02K\x02t", "(K\x02K\x01t")), NULL);
    struct bytes file;
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    put_zip(&file, &fine);
    enum fv_status status = fv_checkpoint_open(scratch_write("fine.pth", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    ck_assert_uint_eq(fv_checkpoint_tensor(checkpoint, "a")->elements, 4);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

/* Strides of 0 repeat, exchanged strides transpose. */
START_TEST(strides_are_followed) {
    static const struct {
        struct case_of layout;
        float expected[4];
    } layouts[] = {
        {CASE(0, NAMED(TENSOR("K\x00", "(K\x02K\x02t", "(K\x01K\x02t")), NULL), {1, 3, 2, 4}},
        {CASE(0, NAMED(TENSOR("K\x01", "(K\x02K\x02t", "(K\x00K\x01t")), NULL), {2, 3, 2, 3}},
        {CASE(0, NAMED(TENSOR("K\x03", "(K\x02K\x02t", "(K\x00K\x00t")), NULL), {4, 4, 4, 4}},
    };
    static const float stored[] = {1, 2, 3, 4};
    for (size_t i = 0; i < 3; i++) {
        struct zip_made zip = {0};
        struct fv_error error;
        struct fv_checkpoint *checkpoint;
        float values[4];
        zip_made_add(&zip, "made/data.pkl", layouts[i].layout.bytes, layouts[i].layout.size);
        zip_made_add(&zip, "made/data/0", stored, sizeof stored);
        struct bytes file = zip_made_end(&zip, true);
        enum fv_status status = fv_checkpoint_open(scratch_write("strides.pth", &file), &checkpoint, &error);
        ck_assert_msg(status == FV_OK, "%s", error.message);
        ck_assert_int_eq(fv_checkpoint_read(checkpoint, fv_checkpoint_tensor_at(checkpoint, 0), values, &error), FV_OK);
        ck_assert_mem_eq(values, layouts[i].expected, sizeof values);
        fv_checkpoint_close(checkpoint);
        bytes_clear(&file);
    }
}
END_TEST

/* A text that is encoded again and again must not fill the machine. */
START_TEST(memory_has_a_budget) {
    enum { LENGTH = 1 << 20, TIMES = 2000 };
    struct bytes pickle = {0};
    char *text = malloc(LENGTH + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', LENGTH);
    text[LENGTH] = '\0';
    bytes_text(&pickle, HEAD);
    pickle_text(&pickle, text);
    bytes_text(&pickle, "q\1"
                        "0c_codecs\nencode\nq\2"
                        "0X\6");
    bytes_add(&pickle, "\0\0\0", 3);
    bytes_text(&pickle, "latin1q\3"
                        "0](");
    for (int i = 0; i < TIMES; i++) {
        bytes_text(&pickle, "h\2h\1h\3\x86R");
    }
    bytes_text(&pickle, "e.");
    struct bytes file = torch_zip_of(&pickle);
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("budget.pth", &file), &checkpoint, &error), FV_ERROR_MEMORY);
    free(text);
    bytes_clear(&pickle);
    bytes_clear(&file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pickle");
    TCase *tests = tcase_create("pickle");
    tcase_add_loop_test(tests, pickle_is_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, base_of_the_cases_is_accepted);
    tcase_add_test(tests, strides_are_followed);
    tcase_add_test(tests, memory_has_a_budget);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
