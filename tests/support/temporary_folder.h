/* A folder of a test's own. Needs no test framework, so that fuzz targets and made files can have one too. */
#ifndef FOVEA_TESTS_TEMPORARY_FOLDER_H
#define FOVEA_TESTS_TEMPORARY_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

enum { TEMPORARY_FOLDER_SIZE = 64 };

/* Makes an empty folder in `root` (NULL: in memory where the system has a place for that), and writes its path; false
 * if it cannot. */
bool temporary_folder_make(const char *root, char folder[TEMPORARY_FOLDER_SIZE]);

/* Removes the folder and all that is in it; false if something stays. */
bool temporary_folder_remove(const char *folder);

/* The number of entries whose names begin with `prefix`, "." and ".." not counted; SIZE_MAX if it cannot be read. */
size_t temporary_folder_count(const char *folder, const char *prefix);

#endif
