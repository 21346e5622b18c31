/* The folder that a test program works in. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made.h"

static char folder[64];
static pid_t owner;

static void remove_folder(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (getpid() == owner && system(command) != 0) {
        fprintf(stderr, "%s could not be removed\n", folder);
    }
}

const char *scratch_folder(void) {
    if (folder[0] == '\0') {
        /* Thousands of small files: in memory where the system has a place for that. */
        bool in_memory = access("/dev/shm", W_OK) == 0;
        snprintf(folder, sizeof folder, "%s/fovea-test-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
        made_require(mkdtemp(folder) != NULL, folder);
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
    size_t count = 0;
    DIR *directory = opendir(scratch_folder());
    made_require(directory != NULL, scratch_folder());
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    closedir(directory);
    return count;
}
