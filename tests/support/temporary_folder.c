#include "temporary_folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool temporary_folder_make(const char *root, char folder[TEMPORARY_FOLDER_SIZE]) {
    if (root == NULL) {
        root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    int failure;
    unsigned number = 0;
    do {
        snprintf(folder, TEMPORARY_FOLDER_SIZE, "%s/fovea-test-%ld-%u", root, (long)getpid(), number++);
        failure = mkdir(folder, S_IRWXU) == 0 ? 0 : errno;
    } while (failure == EEXIST);
    return failure == 0;
}

static int remove_entry(const char *path, const struct stat *information, int kind, struct FTW *place) {
    (void)information;
    (void)kind;
    (void)place;
    return remove(path);
}

bool temporary_folder_remove(const char *folder) {
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0;
}

size_t temporary_folder_count(const char *folder, const char *prefix) {
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return SIZE_MAX;
    }
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const bool own = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        count += own && strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    closedir(directory);
    return count;
}
