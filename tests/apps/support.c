#include "support.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "temporary_folder.h"

enum { PATHS = 8, PATH_BYTES = 4096 };

static char *next_path(void) {
    static char paths[PATHS][PATH_BYTES];
    static int next;
    next = (next + 1) % PATHS;
    return paths[next];
}

const char *support_path(const char *folder, const char *name) {
    char *path = next_path();
    snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    return path;
}

const char *support_data(const char *name) {
    return support_path(FOVEA_SOURCE_DIR "/tests/data/apps", name);
}

const char *support_fixture(const char *name) {
    const char *root = getenv("FOVEA_FIXTURES");
    const char *folder = root != NULL ? root : FOVEA_SOURCE_DIR "/../shared/fixtures";
    if (access(folder, R_OK) != 0) {
        printf("skipped: the shared fixtures are absent (%s)\n", folder);
        return NULL;
    }
    return support_path(folder, name);
}

struct support_array support_read_npy(const char *path) {
    struct support_array array = {.elements = 1};
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    uint8_t start[10];
    ck_assert(fread(start, 1, sizeof start, file) == sizeof start && memcmp(start, "\x93NUMPY\x01", 7) == 0);
    size_t length = start[8] + 256U * start[9];
    char *header = calloc(length + 1, 1);
    ck_assert(header != NULL && fread(header, 1, length, file) == length);
    const char *type = strstr(header, "'descr': '");
    const char *shape = strstr(header, "'shape': (");
    ck_assert(type != NULL && shape != NULL && strstr(header, "'fortran_order': False") != NULL);
    ck_assert(sscanf(type, "'descr': '%7[^']", array.type) == 1);
    shape += strlen("'shape': (");
    for (char *end; array.rank < 4; shape = end + strspn(end, ", ")) {
        size_t side = strtoul(shape, &end, 10);
        if (end == shape) {
            break;
        }
        array.shape[array.rank++] = side;
        array.elements *= side;
    }
    size_t bytes = array.elements * (size_t)(array.type[2] - '0');
    array.data = malloc(bytes);
    ck_assert(array.data != NULL && fread(array.data, 1, bytes, file) == bytes);
    free(header);
    fclose(file);
    return array;
}

void support_free_npy(struct support_array *array) {
    free(array->data);
    array->data = NULL;
}

const char *support_make_folder(void) {
    static char folder[TEMPORARY_FOLDER_SIZE];
    ck_assert(temporary_folder_make(NULL, folder));
    return folder;
}

void support_remove_folder(const char *folder) {
    ck_assert(temporary_folder_remove(folder));
}

size_t support_count_entries(const char *folder) {
    return temporary_folder_count(folder, "");
}

uint8_t *support_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    ck_assert(bytes != NULL && fread(bytes, 1, *size, file) == *size);
    fclose(file);
    return bytes;
}
