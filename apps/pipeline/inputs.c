#include "pipeline/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text_hash.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "image/image.h"
#include "pipeline/folders.h"

enum { HEAD = 256, BITMAP_HEAD = 18 }; /* bytes that tell the formats apart */

/* Where the search is: a folder, the folders above it, and what it must not enter. */
struct place {
    const struct place *above;
    dev_t device;
    ino_t number;
};

struct search {
    struct fovea_inputs *inputs;
    struct place outputs[1 + FOVEA_FOLDER_COUNT]; /* OUT and the folders that are written there */
    size_t output_count;
    struct fv_error *error;
};

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "listing the inputs: out of memory");
}

/* `folder`/`name` in the pool; only `name` if the folder is "". */
static const char *join(struct fv_pool *texts, const char *folder, const char *name) {
    size_t length = strlen(folder), size = length + strlen(name) + 2;
    char *text = fv_pool_take(texts, size, 1);
    if (text != NULL) {
        bool slash = length > 0 && folder[length - 1] != '/';
        snprintf(text, size, "%s%s%s", folder, slash ? "/" : "", name);
    }
    return text;
}

static enum fv_status add(struct search *search, const char *path, const char *canonical, const char *name,
                          bool missing) {
    struct fovea_inputs *inputs = search->inputs;
    if (path == NULL || canonical == NULL || name == NULL) {
        return out_of_memory(search->error);
    }
    if (inputs->count == inputs->capacity) {
        size_t capacity = inputs->capacity == 0 ? 64 : inputs->capacity * 2;
        struct fovea_input *grown = fv_reallocate(inputs->items, inputs->capacity, capacity, sizeof *grown);
        if (grown == NULL) {
            return out_of_memory(search->error);
        }
        inputs->items = grown;
        inputs->capacity = capacity;
    }
    inputs->items[inputs->count++] =
        (struct fovea_input){.path = path, .canonical = canonical, .name = name, .stem = name, .missing = missing};
    return FV_OK;
}

/* Whether the file begins as one of the formats that are read does. */
static bool begins_like_image(const char *path) {
    unsigned char head[HEAD] = {0};
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return false;
    }
    size_t size = fread(head, 1, sizeof head, file);
    fclose(file);
    bool bitmap =
        size >= BITMAP_HEAD && memcmp(head, "BM", 2) == 0 && head[14] >= 12 && head[15] + head[16] + head[17] == 0;
    return bitmap || fovea_image_recognise(head, size) == FOVEA_IMAGE_DICOM ||
           (size >= 8 && memcmp(head, "\x89PNG", 4) == 0) || memcmp(head, "\xff\xd8\xff", 3) == 0 ||
           memcmp(head, "II*\0", 4) == 0 || memcmp(head, "MM\0*", 4) == 0 || memcmp(head, "II+\0", 4) == 0 ||
           memcmp(head, "MM\0+", 4) == 0;
}

static bool named_like_image(const char *name) {
    static const char *const suffixes[] = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof suffixes / sizeof *suffixes; i++) {
        if (strcasecmp(dot, suffixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the folder is written by this command, or is one of those that led here through a link. */
static bool closed(const struct search *search, const struct place *above, const struct stat *folder) {
    for (size_t i = 0; i < search->output_count; i++) {
        if (search->outputs[i].device == folder->st_dev && search->outputs[i].number == folder->st_ino) {
            return true;
        }
    }
    for (; above != NULL; above = above->above) {
        if (above->device == folder->st_dev && above->number == folder->st_ino) {
            return true;
        }
    }
    return false;
}

static enum fv_status search_folder(struct search *search, const struct place *here, const char *path,
                                    const char *canonical, const char *name);

/* The path of a folder with all links resolved, or `canonical` where that fails. */
static const char *resolve(struct fv_pool *texts, const char *path, const char *canonical) {
    char *resolved = realpath(path, NULL);
    const char *copy = resolved == NULL ? canonical : fv_pool_text(texts, resolved, strlen(resolved));
    free(resolved); /* made by the C library */
    return copy;
}

/* Takes one entry of a folder. */
static enum fv_status search_entry(struct search *search, const struct place *here, const char *path,
                                   const char *canonical, const char *name) {
    struct stat information;
    if (path == NULL || canonical == NULL || name == NULL) {
        return out_of_memory(search->error);
    }
    if (stat(path, &information) != 0) {
        return named_like_image(name) ? add(search, path, canonical, name, true) : FV_OK; /* a dangling link */
    }
    if (S_ISDIR(information.st_mode)) {
        struct place below = {here, information.st_dev, information.st_ino};
        return closed(search, here, &information)
                   ? FV_OK
                   : search_folder(search, &below, path, resolve(&search->inputs->texts, path, canonical), name);
    }
    bool directory = strcmp(fv_path_basename(name), "DICOMDIR") == 0; /* the index of a DICOM medium */
    if (S_ISREG(information.st_mode) && !directory && (named_like_image(name) || begins_like_image(path))) {
        return add(search, path, canonical, name, false);
    }
    search->inputs->ignored++;
    return FV_OK;
}

static enum fv_status search_folder(struct search *search, const struct place *here, const char *path,
                                    const char *canonical, const char *name) {
    struct fv_pool *texts = &search->inputs->texts;
    if (canonical == NULL) {
        return out_of_memory(search->error);
    }
    DIR *folder = opendir(path);
    if (folder == NULL) {
        if (here->above != NULL) {
            return add(search, path, canonical, name, false); /* fails alone, with its reason, when it is read */
        }
        return fv_error_set(search->error, FV_ERROR_FILE, "%s: cannot be searched: %s", path, strerror(errno));
    }
    enum fv_status status = FV_OK;
    for (struct dirent *entry = readdir(folder); status == FV_OK && entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            status = search_entry(search, here, join(texts, path, entry->d_name), join(texts, canonical, entry->d_name),
                                  join(texts, name, entry->d_name));
        }
    }
    closedir(folder);
    return status;
}

/* The path with the links of its folder resolved, or as it is where that fails. */
static const char *canonical_path(struct fv_pool *texts, const char *path) {
    const char *base = fv_path_basename(path);
    const char *folder = base == path ? "." : fv_pool_text(texts, path, (size_t)(base - path));
    const char *resolved = folder == NULL ? NULL : resolve(texts, folder, folder);
    return resolved == NULL ? NULL : join(texts, resolved, base);
}

/* Takes one operand; `name` is what its reports show if it is a file, and comes before what is found in it if it is a
 * folder. */
static enum fv_status search_operand(struct search *search, const char *path, const char *file_name,
                                     const char *folder_name) {
    struct fv_pool *texts = &search->inputs->texts;
    struct stat information;
    if (stat(path, &information) != 0 || !S_ISDIR(information.st_mode)) {
        bool missing = access(path, F_OK) != 0;
        return add(search, fv_pool_text(texts, path, strlen(path)), canonical_path(texts, path),
                   fv_pool_text(texts, file_name, strlen(file_name)), missing);
    }
    struct place here = {NULL, information.st_dev, information.st_ino};
    return search_folder(search, &here, path, resolve(texts, path, path), folder_name);
}

/* Takes one line of a list. A relative line that stays below the list's folder is the input's name. */
static enum fv_status search_line(struct search *search, const char *folder, char *line) {
    line[strcspn(line, "\r")] = '\0';
    while (strncmp(line, "./", 2) == 0) {
        line += 2;
    }
    size_t length = strlen(line);
    while (length > 1 && line[length - 1] == '/') {
        line[--length] = '\0';
    }
    if (length == 0) {
        return FV_OK;
    }
    bool below = line[0] != '/' && strcmp(line, ".") != 0 && strncmp(line, "../", 3) != 0 && strcmp(line, "..") != 0 &&
                 strstr(line, "/../") == NULL;
    const char *path = line[0] == '/' ? line : join(&search->inputs->texts, folder, line);
    if (path == NULL) {
        return out_of_memory(search->error);
    }
    return search_operand(search, path, below ? line : fv_path_basename(line), below ? line : "");
}

static enum fv_status search_list(struct search *search, const char *list) {
    struct fv_mapping file;
    enum fv_status status = fv_file_map(list, &file, search->error);
    if (status != FV_OK) {
        return status;
    }
    struct fv_pool *texts = &search->inputs->texts;
    size_t size = file.size;
    const char *folder = fv_pool_text(texts, list, (size_t)(fv_path_basename(list) - list));
    char *text = fv_pool_text(texts, (const char *)file.bytes, size);
    fv_file_unmap(&file);
    if (folder == NULL || text == NULL) {
        return out_of_memory(search->error);
    }
    if (memchr(text, '\0', size) != NULL) {
        return fv_error_set(search->error, FV_ERROR_FILE, "%s: a list of inputs is text, this holds zero bytes", list);
    }
    for (char *end = text + size, *line = text; status == FV_OK && line < end;) {
        size_t length = strcspn(line, "\n");
        line[length] = '\0';
        char *next = line + length + 1;
        status = search_line(search, folder, line);
        line = next;
    }
    return status;
}

/* Notes what the command writes to. */
static void close_outputs(struct search *search, const char *output) {
    for (size_t i = 0; i < 1 + FOVEA_FOLDER_COUNT; i++) {
        char *path = i == 0 ? fv_duplicate(output) : fv_text_format("%s/%s", output, fovea_folder_names[i - 1]);
        struct stat information;
        if (path != NULL && stat(path, &information) == 0) {
            search->outputs[search->output_count++] = (struct place){NULL, information.st_dev, information.st_ino};
        }
        fv_release(path);
    }
}

static int compare_canonical(const void *a, const void *b) {
    const struct fovea_input *left = a, *right = b;
    int order = strcmp(left->canonical, right->canonical);
    return order != 0 ? order : strcmp(left->name, right->name);
}

static int compare_names(const void *a, const void *b) {
    const struct fovea_input *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->canonical, right->canonical);
}

/* Sorts by name and drops what was given twice. */
static void put_in_order(struct fovea_inputs *inputs) {
    if (inputs->count == 0) {
        return;
    }
    qsort(inputs->items, inputs->count, sizeof *inputs->items, compare_canonical);
    size_t kept = 1;
    for (size_t i = 1; i < inputs->count; i++) {
        if (strcmp(inputs->items[kept - 1].canonical, inputs->items[i].canonical) != 0) {
            inputs->items[kept++] = inputs->items[i];
        }
    }
    inputs->count = kept;
    qsort(inputs->items, inputs->count, sizeof *inputs->items, compare_names);
    for (size_t i = 1; i < inputs->count; i++) {
        struct fovea_input *input = &inputs->items[i];
        input->copy = strcmp(input->name, input[-1].name) == 0 ? input[-1].copy + 1 : 0;
    }
}

enum fv_status fovea_inputs_collect(const char *const *operands, size_t count, const char *list, const char *output,
                                    struct fovea_inputs *inputs, struct fv_error *error) {
    *inputs = (struct fovea_inputs){0};
    struct search search = {.inputs = inputs, .error = error};
    if (output != NULL) {
        close_outputs(&search, output);
    }
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        status = search_operand(&search, operands[i], fv_path_basename(operands[i]), "");
    }
    if (status == FV_OK && list != NULL) {
        status = search_list(&search, list);
    }
    put_in_order(inputs);
    if (status == FV_OK) {
        status = fovea_inputs_name_outputs(inputs, error);
    }
    if (status != FV_OK) {
        fovea_inputs_clear(inputs);
    }
    return status;
}

/* Whether an input is in a share. A partner has none itself. */
static bool is_in_share(const struct fovea_inputs *inputs, const struct fovea_input *input, struct fovea_share share) {
    const char *name = input->partner > 0 ? inputs->items[input->partner - 1].name : input->name;
    return fovea_text_hash(name) % share.of == share.number - 1;
}

enum fv_status fovea_inputs_keep_share(struct fovea_inputs *inputs, struct fovea_share share, struct fv_error *error) {
    size_t kept = 0;
    if (share.of == 0) {
        return FV_OK;
    }
    size_t *places = fv_allocate_zero(inputs->count, sizeof *places); /* 1 + the place in the share */
    if (places == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%zu inputs: out of memory", inputs->count);
    }
    for (size_t i = 0; i < inputs->count; i++) {
        places[i] = is_in_share(inputs, &inputs->items[i], share) ? ++kept : 0;
    }
    for (size_t i = 0; i < inputs->count; i++) {
        if (places[i] > 0) {
            const size_t partner = inputs->items[i].partner;
            inputs->items[places[i] - 1] = inputs->items[i];
            inputs->items[places[i] - 1].partner = partner > 0 ? places[partner - 1] : 0;
        }
    }
    inputs->count = kept;
    fv_release(places);
    return FV_OK;
}

void fovea_inputs_clear(struct fovea_inputs *inputs) {
    fv_release(inputs->items);
    fv_pool_clear(&inputs->texts);
    *inputs = (struct fovea_inputs){0};
}
