/* The folder that a test program works in. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "made.h"
#include "temporary_folder.h"

static char folder[TEMPORARY_FOLDER_SIZE];
static pid_t owner;

static void remove_folder(void) {
    if (getpid() == owner && !temporary_folder_remove(folder)) {
        fprintf(stderr, "%s could not be removed\n", folder);
    }
}

const char *scratch_folder(void) {
    if (folder[0] == '\0') {
        made_require(temporary_folder_make(NULL, folder), folder);
        owner = getpid();
        atexit(remove_folder);
    }
    return folder;
}

const char *scratch_path(const char *name) {
    static char paths[16][160];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder(), name);
    return path;
}

const char *scratch_write(const char *name, const struct bytes *bytes) {
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    made_require(file != NULL && fwrite(bytes->at, 1, bytes->size, file) == bytes->size && fclose(file) == 0, path);
    return path;
}

size_t scratch_count(const char *prefix) {
    return temporary_folder_count(scratch_folder(), prefix);
}
