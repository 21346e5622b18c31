/* What the tests of apps/ share: fixtures, NumPy files, scratch folders. */
#ifndef FOVEA_TESTS_APPS_SUPPORT_H
#define FOVEA_TESTS_APPS_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of `name` in the folder of shared fixtures (FOVEA_FIXTURES, or shared/fixtures beside the repository), or
 * NULL, after a line on stdout, where that folder is absent. In a static buffer of several paths. */
const char *support_fixture(const char *name);

/* The path of `name` in tests/data/apps. In a static buffer of several paths. */
const char *support_data(const char *name);

/* A NumPy file of version 1 in C order. */
struct support_array {
    char type[8]; /* as in the file: "|u1", "<f4" */
    size_t rank, shape[4], elements;
    void *data; /* owned */
};

/* Reads it or fails the test. */
struct support_array support_read_npy(const char *path);
void support_free_npy(struct support_array *array);

/* A fresh folder, in a static buffer; removed with its content by support_remove_folder. */
const char *support_make_folder(void);
void support_remove_folder(const char *folder);

/* "FOLDER/NAME", in a static buffer of several paths. */
const char *support_path(const char *folder, const char *name);

/* The number of entries of a folder, without "." and "..". */
size_t support_count_entries(const char *folder);

/* All bytes of a file, given back with free; fails the test if it cannot be read. */
uint8_t *support_read(const char *path, size_t *size);

#endif
