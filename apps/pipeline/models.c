#include "pipeline/models.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/readiness.h"

const char *const fovea_task_names[] = {"quality", "segmentation", NULL};

static const double SAME_FIELD = 0.05; /* relative */

double fovea_model_field(const struct fovea_model *model, size_t index) {
    double field = 0;
    fv_model_array_number(model->file, "fovea.fov", index, &field);
    return field;
}

const char *fovea_model_lineage(const struct fovea_model *model, size_t index) {
    const char *text = NULL;
    bool there = model->file != NULL && fv_model_array_string(model->file, "fovea.lineage", index, &text);
    return there ? text : NULL;
}

/* The index of `word` in `names`, or -1. */
static int find_word(const char *const *names, const char *word) {
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

static enum fv_status read_layers(struct fovea_model *model, const char *path, struct fv_error *error) {
    long count = fv_model_array_length(model->file, "fovea.layers");
    if (count < 1) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: fovea.layers: expected a list of layers", path);
    }
    for (long i = 0; i < count; i++) {
        const char *word = "";
        fv_model_array_string(model->file, "fovea.layers", (size_t)i, &word);
        int layer = find_word(fovea_layer_names, word);
        if (layer < 0) {
            return fv_error_set(error, FV_ERROR_MODEL, "%s: fovea.layers: expected superficial or deep, found '%s'",
                                path, word);
        }
        model->layers[layer] = true;
    }
    return FV_OK;
}

static enum fv_status read_fields(struct fovea_model *model, const char *path, struct fv_error *error) {
    long count = fv_model_array_length(model->file, "fovea.fov");
    if (count < 1) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: fovea.fov: expected a list of millimetres", path);
    }
    model->fields = (size_t)count;
    for (size_t i = 0; i < model->fields; i++) {
        double field = fovea_model_field(model, i);
        if (!(field > 0) || !isfinite(field)) {
            return fv_error_set(error, FV_ERROR_MODEL, "%s: fovea.fov: expected millimetres above 0, found %g", path,
                                field);
        }
    }
    return FV_OK;
}

/* Opens the file and reads what the choice depends on. On failure nothing stays open. */
static enum fv_status open_model(const char *path, struct fovea_model *model, struct fv_error *error) {
    *model = (struct fovea_model){0};
    enum fv_status status = fv_model_open(path, &model->file, error);
    if (status != FV_OK) {
        return status;
    }
    model->file_name = fv_path_basename(fv_model_path(model->file));
    model->name = model->file_name;
    fv_model_string(model->file, "general.name", &model->name);
    fv_model_string(model->file, "general.license", &model->license);
    fv_model_string(model->file, "fovea.attribution", &model->attribution);
    fv_model_string(model->file, "fovea.note", &model->note);
    const char *word = "";
    status = fovea_model_check(model->file, true, error);
    status = status != FV_OK ? status : fv_model_require_string(model->file, "fovea.task", &word, error);
    if (status == FV_OK) {
        int task = find_word(fovea_task_names, word);
        model->task = task == FOVEA_TASK_SEGMENTATION ? FOVEA_TASK_SEGMENTATION : FOVEA_TASK_QUALITY;
        status = task >= 0 ? FV_OK
                           : fv_error_set(error, FV_ERROR_MODEL,
                                          "%s: fovea.task: expected quality or segmentation, found '%s'", path, word);
    }
    status = status != FV_OK ? status : read_fields(model, path, error);
    status = status != FV_OK ? status : read_layers(model, path, error);
    if (status != FV_OK) {
        fv_model_close(model->file);
    }
    return status;
}

static int compare_text(const void *a, const void *b) {
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static bool is_model_name(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".gguf") == 0;
}

void fovea_model_paths_release(struct fovea_model_paths *paths) {
    for (size_t i = 0; i < paths->count; i++) {
        fv_release(paths->items[i]);
    }
    fv_release(paths->items);
    *paths = (struct fovea_model_paths){0};
}

static bool add_path(struct fovea_model_paths *paths, char *path) {
    char **grown = path == NULL ? NULL : fv_reallocate(paths->items, paths->count, paths->count + 1, sizeof *grown);
    if (grown == NULL) {
        fv_release(path);
        return false;
    }
    paths->items = grown;
    paths->items[paths->count++] = path;
    return true;
}

/* The model files of `folder`, sorted. On failure nothing is kept. */
static enum fv_status list_folder(const char *folder, struct fovea_model_paths *paths, struct fv_error *error) {
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be searched for models: %s", folder, strerror(errno));
    }
    bool complete = true;
    for (struct dirent *entry = readdir(directory); complete && entry != NULL; entry = readdir(directory)) {
        if (!is_model_name(entry)) {
            continue;
        }
        complete = add_path(paths, fv_text_format("%s/%s", folder, entry->d_name));
    }
    closedir(directory);
    if (!complete) {
        fovea_model_paths_release(paths);
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", folder);
    }
    if (paths->count == 0) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: no model found: expected files named *.gguf", folder);
    }
    qsort(paths->items, paths->count, sizeof *paths->items, compare_text);
    return FV_OK;
}

static enum fv_status open_paths(const struct fovea_model_paths *paths, struct fovea_models *models,
                                 struct fv_error *error) {
    models->items = fv_allocate(paths->count, sizeof *models->items);
    if (models->items == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "opening the models: out of memory");
    }
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < paths->count && status == FV_OK; i++) {
        status = open_model(paths->items[i], &models->items[i], error);
        models->count += status == FV_OK;
    }
    if (status != FV_OK) {
        fovea_models_close(models);
    }
    return status;
}

/* `relative` seen from the folder of the running program, or NULL. */
static char *beside_program(const char *relative) {
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program);
    if (length <= 0 || (size_t)length == sizeof program) {
        return NULL;
    }
    program[length] = '\0';
    return fv_text_format("%.*s%s", (int)(fv_path_basename(program) - program), program, relative);
}

static enum fv_status list_shipped(struct fovea_model_paths *paths, struct fv_error *error) {
    static const char *const places[] = {FOVEA_MODELS_INSTALLED, FOVEA_MODELS_BUILD};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *folder = beside_program(places[i]);
        struct stat information;
        if (folder != NULL && stat(folder, &information) == 0 && S_ISDIR(information.st_mode)) {
            enum fv_status status = list_folder(folder, paths, error);
            fv_release(folder);
            return status;
        }
        fv_release(folder);
    }
    return fv_error_set(error, FV_ERROR_FILE,
                        "the shipped models are not where they were installed (%s beside the program); give --models",
                        FOVEA_MODELS_INSTALLED);
}

enum fv_status fovea_model_paths_find(const char *folder, struct fovea_model_paths *paths, struct fv_error *error) {
    struct stat information;
    *paths = (struct fovea_model_paths){0};
    if (folder == NULL) {
        return list_shipped(paths, error);
    }
    if (stat(folder, &information) != 0 || !S_ISREG(information.st_mode)) {
        return list_folder(folder, paths, error);
    }
    return add_path(paths, fv_duplicate(folder)) ? FV_OK
                                                 : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", folder);
}

enum fv_status fovea_models_open(const char *folder, struct fovea_models *models, struct fv_error *error) {
    struct fovea_model_paths paths;
    *models = (struct fovea_models){0};
    enum fv_status status = fovea_model_paths_find(folder, &paths, error);
    if (status == FV_OK) {
        status = open_paths(&paths, models, error);
        models->shipped = status == FV_OK && folder == NULL;
    }
    fovea_model_paths_release(&paths);
    return status;
}

void fovea_models_close(struct fovea_models *models) {
    for (size_t i = 0; i < models->count; i++) {
        fv_model_close(models->items[i].file);
    }
    fv_release(models->items);
    *models = (struct fovea_models){0};
}

enum fv_status fovea_model_identify(struct fovea_model *model, struct fv_error *error) {
    return fovea_file_digest(fv_model_path(model->file), model->sha256, error);
}

enum fv_status fovea_model_describe(const struct fovea_model *model, struct fovea_model_about *about,
                                    struct fv_error *error) {
    *about = (struct fovea_model_about){.name = model->name,
                                        .file_name = model->file_name,
                                        .sha256 = model->sha256,
                                        .license = model->license,
                                        .attribution = model->attribution,
                                        .note = model->note};
    size_t count = 0;
    while (fovea_model_lineage(model, count) != NULL) {
        count++;
    }
    const char **lineage = fv_allocate(count, sizeof *lineage);
    if (lineage == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", model->file_name);
    }
    for (size_t i = 0; i < count; i++) {
        lineage[i] = fovea_model_lineage(model, i);
    }
    about->lineage = lineage;
    about->lineage_count = count;
    return FV_OK;
}

void fovea_model_about_release(struct fovea_model_about *about) {
    fv_release((void *)(uintptr_t)about->lineage);
    *about = (struct fovea_model_about){0};
}

bool fovea_model_serves(const struct fovea_model *model, double field_mm, enum fovea_layer layer) {
    bool field = false;
    for (size_t i = 0; i < model->fields; i++) {
        double served = fovea_model_field(model, i);
        field = field || fabs(served - field_mm) <= SAME_FIELD * served;
    }
    return field && model->layers[layer];
}

/* Lists what the models for `task` serve, for a message. */
static void describe(const struct fovea_models *models, enum fovea_task task, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < models->count && used < size; i++) {
        const struct fovea_model *model = &models->items[i];
        if (model->task != task) {
            continue;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? "; " : "", model->file_name);
        for (size_t k = 0; k < model->fields && used < size; k++) {
            used +=
                (size_t)snprintf(text + used, size - used, "%s%g", k > 0 ? ", " : " (", fovea_model_field(model, k));
        }
        for (size_t k = 0; k < FOVEA_LAYER_COUNT && used < size; k++) {
            if (model->layers[k]) {
                bool second = k > 0 && model->layers[0];
                used +=
                    (size_t)snprintf(text + used, size - used, "%s%s", second ? ", " : " mm, ", fovea_layer_names[k]);
            }
        }
        used += used < size ? (size_t)snprintf(text + used, size - used, ")") : 0;
    }
    if (used == 0) {
        snprintf(text, size, "nothing");
    }
}

enum fv_status fovea_models_choose(const struct fovea_models *models, enum fovea_task task, double field_mm,
                                   enum fovea_layer layer, struct fovea_model **model, struct fv_error *error) {
    *model = NULL;
    for (size_t i = 0; i < models->count; i++) {
        struct fovea_model *candidate = &models->items[i];
        if (candidate->task != task || !fovea_model_serves(candidate, field_mm, layer)) {
            continue;
        }
        if (*model != NULL) {
            return fv_error_set(error, FV_ERROR_MODEL,
                                "two models serve %s at %g mm, %s layer: %s and %s; give a folder with one of them",
                                fovea_task_names[task], field_mm, fovea_layer_names[layer], (*model)->file_name,
                                candidate->file_name);
        }
        *model = candidate;
    }
    if (*model == NULL) {
        char served[FV_MESSAGE_SIZE / 2];
        describe(models, task, served, sizeof served);
        return fv_error_set(error, FV_ERROR_MODEL, "no model serves %s at %g mm, %s layer; served: %s",
                            fovea_task_names[task], field_mm, fovea_layer_names[layer], served);
    }
    return FV_OK;
}
