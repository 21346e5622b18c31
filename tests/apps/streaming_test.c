/* Conversions of a network with four tensors of 41 MB, 246 MB in all: the program never holds more than two of them,
 * and opening the model maps it. The sources are sparse files of zeros. */
#include <check.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "made.h"
#include "suite.h"
#include "temporary_folder.h"

enum { EMBED = 1600, HEADS = 4, MOST_TENSORS = 64, MEGABYTE = 1000 * 1000, ZEROS = 1 << 16 };

extern char **environ;

struct tensor {
    char name[64];
    size_t rank, shape[4], elements;
};

static struct tensor tensors[MOST_TENSORS];
static size_t tensor_count;

static void add(size_t rank, const size_t *shape, const char *format, const char *name) {
    struct tensor *tensor = &tensors[tensor_count++];
    snprintf(tensor->name, sizeof tensor->name, format, name);
    tensor->rank = rank;
    tensor->elements = 1;
    for (size_t i = 0; i < rank; i++) {
        tensor->shape[i] = shape[i];
        tensor->elements *= shape[i];
    }
}

#define SHAPE(...)                                                                                                     \
    sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t), (const size_t[]) {                                         \
        __VA_ARGS__                                                                                                    \
    }

/* A Swin Transformer of one stage of two blocks, with windows of 2 and patches of 4. */
static void describe(void) {
    tensor_count = 0;
    add(SHAPE(EMBED, 3, 4, 4), "%s", "patch_embed.proj.weight");
    add(SHAPE(EMBED), "%s", "patch_embed.proj.bias");
    add(SHAPE(EMBED), "%s", "patch_embed.norm.weight");
    add(SHAPE(EMBED), "%s", "patch_embed.norm.bias");
    for (size_t block = 0; block < 2; block++) {
        const char *name = block == 0 ? "layers.0.blocks.0" : "layers.0.blocks.1";
        add(SHAPE(EMBED), "%s.norm1.weight", name);
        add(SHAPE(EMBED), "%s.norm1.bias", name);
        add(SHAPE(9, HEADS), "%s.attn.relative_position_bias_table", name);
        add(SHAPE(3 * EMBED, EMBED), "%s.attn.qkv.weight", name);
        add(SHAPE(3 * EMBED), "%s.attn.qkv.bias", name);
        add(SHAPE(EMBED, EMBED), "%s.attn.proj.weight", name);
        add(SHAPE(EMBED), "%s.attn.proj.bias", name);
        add(SHAPE(EMBED), "%s.norm2.weight", name);
        add(SHAPE(EMBED), "%s.norm2.bias", name);
        add(SHAPE(4 * EMBED, EMBED), "%s.mlp.fc1.weight", name);
        add(SHAPE(4 * EMBED), "%s.mlp.fc1.bias", name);
        add(SHAPE(EMBED, 4 * EMBED), "%s.mlp.fc2.weight", name);
        add(SHAPE(EMBED), "%s.mlp.fc2.bias", name);
    }
    add(SHAPE(EMBED), "%s", "norm.weight");
    add(SHAPE(EMBED), "%s", "norm.bias");
    add(SHAPE(3, EMBED), "%s", "head.weight");
    add(SHAPE(3), "%s", "head.bias");
}

static size_t largest_tensor(void) {
    size_t largest = 0;
    for (size_t i = 0; i < tensor_count; i++) {
        const size_t bytes = tensors[i].elements * sizeof(float);
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}

/* A folder on a disk, since a quarter of a gigabyte may not fit elsewhere; the test removes it. */
static char folder[TEMPORARY_FOLDER_SIZE];

static const char *place(const char *name) {
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void text(struct bytes *bytes, const char *format, size_t number) {
    char printed[64];
    snprintf(printed, sizeof printed, format, number);
    bytes_text(bytes, printed);
}

/* Writes `head`, then zeros up to `size` bytes, which take no room on the disk. */
static const char *write_sparse(const char *name, const struct bytes *head, size_t size) {
    const char *path = place(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(head->at, 1, head->size, file), head->size);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(truncate(path, (off_t)size), 0);
    return path;
}

static const char *write_safetensors(void) {
    struct bytes header = {0}, file = {0};
    size_t end = 0;
    for (size_t i = 0; i < tensor_count; i++) {
        bytes_text(&header, i == 0 ? "{\"" : ",\"");
        bytes_text(&header, tensors[i].name);
        bytes_text(&header, "\":{\"dtype\":\"F32\",\"shape\":[");
        for (size_t axis = 0; axis < tensors[i].rank; axis++) {
            text(&header, axis == 0 ? "%zu" : ",%zu", tensors[i].shape[axis]);
        }
        text(&header, "],\"data_offsets\":[%zu,", end);
        end += tensors[i].elements * sizeof(float);
        text(&header, "%zu]}", end);
    }
    bytes_text(&header, "}");
    bytes_u64(&file, header.size);
    bytes_add(&file, header.at, header.size);
    const char *path = write_sparse("source.safetensors", &file, file.size + end);
    bytes_clear(&header);
    bytes_clear(&file);
    return path;
}

static void pickle_sizes(struct bytes *pickle, const size_t *sizes, size_t count) {
    bytes_u8(pickle, '(');
    for (size_t i = 0; i < count; i++) {
        pickle_integer(pickle, (int32_t)sizes[i]);
    }
    bytes_u8(pickle, 't');
}

/* The state dict: {name: _rebuild_tensor_v2(storage i, 0, shape, strides, False, OrderedDict())}. */
static struct bytes pickle_state(void) {
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02}(");
    for (size_t i = 0; i < tensor_count; i++) {
        const struct tensor *tensor = &tensors[i];
        size_t strides[4] = {1, 1, 1, 1};
        char key[16];
        for (size_t axis = tensor->rank - 1; axis-- > 0;) {
            strides[axis] = strides[axis + 1] * tensor->shape[axis + 1];
        }
        snprintf(key, sizeof key, "%zu", i);
        pickle_text(&pickle, tensor->name);
        pickle_global(&pickle, "torch._utils", "_rebuild_tensor_v2");
        bytes_text(&pickle, "((");
        pickle_text(&pickle, "storage");
        pickle_global(&pickle, "torch", "FloatStorage");
        pickle_text(&pickle, key);
        pickle_text(&pickle, "cpu");
        pickle_integer(&pickle, (int32_t)tensor->elements);
        bytes_text(&pickle, "tQ");
        pickle_integer(&pickle, 0);
        pickle_sizes(&pickle, tensor->shape, tensor->rank);
        pickle_sizes(&pickle, strides, tensor->rank);
        bytes_u8(&pickle, 0x89);
        pickle_global(&pickle, "collections", "OrderedDict");
        bytes_text(&pickle, ")RtR");
    }
    bytes_text(&pickle, "u.");
    return pickle;
}

/* A zip that is written in place. */
struct sparse_zip {
    FILE *file;
    size_t end;
    struct bytes directory;
    unsigned count;
};

static void zip_header(struct bytes *bytes, bool central, size_t name, size_t size, uint32_t sum) {
    bytes_u32(bytes, central ? 0x02014B50 : 0x04034B50);
    if (central) {
        bytes_u16(bytes, 0);
    }
    bytes_u16(bytes, 0);      /* version needed */
    bytes_u16(bytes, 0x0808); /* sizes and sum are in the directory */
    bytes_u16(bytes, 0);      /* stored */
    bytes_u32(bytes, 0);      /* date */
    bytes_u32(bytes, central ? sum : 0);
    bytes_u32(bytes, central ? (uint32_t)size : 0);
    bytes_u32(bytes, central ? (uint32_t)size : 0);
    bytes_u16(bytes, (unsigned)name);
    bytes_u16(bytes, 0); /* extra */
}

/* An entry of `data`, or of zeros where that is NULL. */
static void zip_add(struct sparse_zip *zip, const char *name, const void *data, size_t size) {
    static const unsigned char zeros[ZEROS];
    struct bytes local = {0};
    uLong sum = crc32(0, NULL, 0);
    for (size_t at = 0; at < size; at += ZEROS) {
        const size_t step = size - at < ZEROS ? size - at : ZEROS;
        sum = crc32(sum, data != NULL ? (const unsigned char *)data + at : zeros, (uInt)step);
    }
    zip_header(&local, false, strlen(name), size, (uint32_t)sum);
    bytes_text(&local, name);
    zip_header(&zip->directory, true, strlen(name), size, (uint32_t)sum);
    bytes_u16(&zip->directory, 0); /* comment */
    bytes_u32(&zip->directory, 0); /* disk, attributes */
    bytes_u32(&zip->directory, 0);
    bytes_u32(&zip->directory, (uint32_t)zip->end);
    bytes_text(&zip->directory, name);
    ck_assert_int_eq(fseek(zip->file, (long)zip->end, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(local.at, 1, local.size, zip->file), local.size);
    if (data != NULL) {
        ck_assert_uint_eq(fwrite(data, 1, size, zip->file), size);
    }
    zip->end += local.size + size;
    zip->count++;
    bytes_clear(&local);
}

static const char *write_torch(void) {
    const char *path = place("source.pth");
    struct sparse_zip zip = {.file = fopen(path, "wb")};
    struct bytes pickle = pickle_state(), end = {0};
    ck_assert_ptr_nonnull(zip.file);
    zip_add(&zip, "archive/data.pkl", pickle.at, pickle.size);
    for (size_t i = 0; i < tensor_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "archive/data/%zu", i);
        zip_add(&zip, name, NULL, tensors[i].elements * sizeof(float));
    }
    zip_add(&zip, "archive/version", "3\n", 2);
    bytes_u32(&end, 0x06054B50);
    bytes_u32(&end, 0); /* disks */
    bytes_u16(&end, zip.count);
    bytes_u16(&end, zip.count);
    bytes_u32(&end, (uint32_t)zip.directory.size);
    bytes_u32(&end, (uint32_t)zip.end);
    bytes_u16(&end, 0); /* comment */
    ck_assert_int_eq(fseek(zip.file, (long)zip.end, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(zip.directory.at, 1, zip.directory.size, zip.file), zip.directory.size);
    ck_assert_uint_eq(fwrite(end.at, 1, end.size, zip.file), end.size);
    ck_assert_int_eq(fclose(zip.file), 0);
    bytes_clear(&zip.directory);
    bytes_clear(&pickle);
    bytes_clear(&end);
    return path;
}

/* Runs the program, which must succeed; returns the most memory that it held, in bytes. */
static size_t peak_of(const char *const *arguments) {
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    pid_t process;
    int status = -1;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ck_assert_int_eq(posix_spawn(&process, FOVEA_PROGRAM, &actions, NULL, (char *const *)(uintptr_t)arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    ck_assert_int_eq(wait4(process, &status, 0, &usage), process);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "fovea %s %s failed", arguments[1], arguments[2]);
    return (size_t)usage.ru_maxrss * 1024;
}

/* The conversion with the further options, up to two words, stays below its budget: twice the largest tensor and 64 MB.
 */
static void expect_streaming(const char *source, const char *output, const char *option, const char *value) {
    const size_t budget = 2 * largest_tensor() + 64 * (size_t)MEGABYTE;
    const char *arguments[] = {"fovea", "convert", source, "-o", output, option, value, NULL};
    const size_t peak = peak_of(arguments);
    printf("%-20s %-10s %5.1f MB of %.1f MB\n", option, value, (double)peak / MEGABYTE, (double)budget / MEGABYTE);
    ck_assert_msg(peak < budget, "%s %s %s: %zu bytes, at most %zu expected", source, option, value, peak, budget);
}

START_TEST(conversions_hold_one_tensor_at_a_time) {
    ck_assert(temporary_folder_make("/tmp", folder));
    describe();
    const char *source = _i == 0 ? write_safetensors() : write_torch();
    const char *model = place("model.gguf"), *weights = place("weights.safetensors");
    expect_streaming(source, model, "--image-size", "16");
    const char *const inspect[] = {"fovea", "inspect", model, NULL};
    const size_t peak = peak_of(inspect);
    printf("inspect of the model: %.1f MB\n", (double)peak / MEGABYTE);
    ck_assert_msg(peak < largest_tensor(), "opening a model takes %zu bytes", peak);
    expect_streaming(model, weights, "--to", "safetensors");
    ck_assert_int_eq(unlink(weights), 0);
    ck_assert_int_eq(unlink(model), 0);
    expect_streaming(source, weights, "--to", "safetensors");
    ck_assert_int_eq(unlink(weights), 0);
    ck_assert_int_eq(unlink(source), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("streaming");
    TCase *tests = tcase_create("streaming");
    tcase_add_loop_test(tests, conversions_hold_one_tensor_at_a_time, 0, 2);
    tcase_set_timeout(tests, 240);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
