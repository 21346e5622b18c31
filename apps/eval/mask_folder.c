#include "eval/mask_folder.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "fovea/memory.h"
#include "fovea/text.h"

enum { FIRST_CAPACITY = 256 };

static bool ends_like(const char *name, const char *const *suffixes) {
    size_t length = strlen(name);
    for (; *suffixes != NULL; suffixes++) {
        size_t suffix = strlen(*suffixes);
        if (length > suffix && strcasecmp(name + length - suffix, *suffixes) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const char *name, bool arrays) {
    static const char *const images[] = {".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".nii", ".nii.gz", NULL};
    static const char *const npy[] = {".npy", NULL};
    return ends_like(name, arrays ? npy : images);
}

static enum fv_status out_of_memory(const char *path, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
}

static bool make_room(struct fovea_mask_folder *folder) {
    if (folder->count < folder->capacity) {
        return true;
    }
    size_t capacity = folder->capacity == 0 ? FIRST_CAPACITY : folder->capacity * 2;
    struct fovea_match_entry *entries =
        fv_reallocate(folder->entries, folder->capacity, capacity, sizeof *folder->entries);
    folder->entries = entries != NULL ? entries : folder->entries;
    const char **paths =
        entries == NULL ? NULL : fv_reallocate(folder->paths, folder->capacity, capacity, sizeof *folder->paths);
    if (paths == NULL) {
        return false;
    }
    folder->paths = paths;
    folder->capacity = capacity;
    return true;
}

/* Takes the file `path`, whose part below the folder is `name`. */
static enum fv_status add(struct fovea_mask_folder *folder, const char *path, const char *name,
                          enum fovea_match_rule rule, struct fv_error *error) {
    if (!make_room(folder)) {
        return out_of_memory(path, error);
    }
    size_t size = strlen(folder->base) + strlen(name) + 2;
    char *file = fv_pool_take(&folder->texts, size, 1);
    const char *copy = fv_pool_text(&folder->texts, path, strlen(path));
    if (file == NULL || copy == NULL) {
        return out_of_memory(path, error);
    }
    size_t base = strlen(folder->base);
    memcpy(file, folder->base, base);
    file[base] = '/';
    memcpy(file + base + 1, name, strlen(name) + 1);
    struct fovea_match_entry entry = {.name = file + base + 1, .file = file, .usable = true};
    entry.key = fovea_match_key(rule, entry.name, &folder->texts);
    if (entry.key == NULL) {
        return out_of_memory(path, error);
    }
    folder->paths[folder->count] = copy;
    folder->entries[folder->count++] = entry;
    return FV_OK;
}

/* Takes what lies at one place of the walk. */
static enum fv_status visit(FTS *walk, FTSENT *place, size_t root, enum fovea_match_rule rule, bool arrays,
                            struct fovea_mask_folder *folder, struct fv_error *error) {
    bool hidden = place->fts_level > 0 && place->fts_name[0] == '.';
    switch (place->fts_info) {
    case FTS_D:
        if (hidden) {
            fts_set(walk, place, FTS_SKIP);
        }
        return FV_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be read: %s", place->fts_path,
                            strerror(place->fts_errno));
    case FTS_F:
    case FTS_SLNONE: /* a link to nothing: reading it says so */
        if (hidden || !is_wanted(place->fts_name, arrays)) {
            folder->ignored += !hidden;
            return FV_OK;
        }
        return add(folder, place->fts_path, place->fts_path + root, rule, error);
    default:
        return FV_OK; /* folders on the way back and in circles, devices */
    }
}

struct named {
    struct fovea_match_entry entry;
    const char *path;
};

static int compare_names(const void *a, const void *b) {
    const struct named *left = a, *right = b;
    return strcmp(left->entry.name, right->entry.name);
}

static bool sort_by_name(struct fovea_mask_folder *folder) {
    struct named *order = fv_allocate(folder->count, sizeof *order);
    if (order == NULL) {
        return false;
    }
    for (size_t i = 0; i < folder->count; i++) {
        order[i] = (struct named){folder->entries[i], folder->paths[i]};
    }
    if (folder->count > 0) {
        qsort(order, folder->count, sizeof *order, compare_names);
    }
    for (size_t i = 0; i < folder->count; i++) {
        folder->entries[i] = order[i].entry;
        folder->paths[i] = order[i].path;
    }
    fv_release(order);
    return true;
}

/* The last part of `path`, without slashes at its end. */
static const char *base_name(const char *path, struct fv_pool *texts) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    char *copy = fv_pool_text(texts, path, length);
    return copy == NULL ? NULL : fv_path_basename(copy);
}

enum fv_status fovea_mask_folder_list(const char *path, enum fovea_match_rule rule, bool arrays,
                                      struct fovea_mask_folder *folder, struct fv_error *error) {
    *folder = (struct fovea_mask_folder){0};
    folder->base = base_name(path, &folder->texts);
    char *start = fv_duplicate(path);
    char *const starts[] = {start, NULL};
    enum fv_status status = folder->base == NULL || start == NULL ? out_of_memory(path, error) : FV_OK;
    FTS *walk = status == FV_OK ? fts_open(starts, FTS_LOGICAL | FTS_NOCHDIR, NULL) : NULL;
    if (status == FV_OK && walk == NULL) {
        status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be read: %s", path, strerror(errno));
    }
    size_t root = strlen(path) + (path[strlen(path) - 1] != '/');
    while (status == FV_OK) {
        errno = 0;
        FTSENT *place = fts_read(walk);
        if (place == NULL) {
            status = errno == 0 ? FV_OK : fv_error_set(error, FV_ERROR_FILE, "%s: %s", path, strerror(errno));
            break;
        }
        status = visit(walk, place, root, rule, arrays, folder, error);
    }
    if (walk != NULL) {
        fts_close(walk);
    }
    fv_release(start);
    if (status == FV_OK && !sort_by_name(folder)) {
        status = out_of_memory(path, error);
    }
    if (status != FV_OK) {
        fovea_mask_folder_clear(folder);
    }
    return status;
}

struct fovea_match_side fovea_mask_folder_side(struct fovea_mask_folder *folder) {
    return (struct fovea_match_side){.whole = folder->base, .entries = folder->entries, .count = folder->count};
}

void fovea_mask_folder_clear(struct fovea_mask_folder *folder) {
    fv_release(folder->entries);
    fv_release(folder->paths);
    fv_pool_clear(&folder->texts);
    *folder = (struct fovea_mask_folder){0};
}
