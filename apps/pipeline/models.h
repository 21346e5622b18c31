/* The models of a folder, and which of them serves a task, a field of view and a layer, as their own metadata tell.
 *
 * Thread safety: opened models are immutable. */
#ifndef FOVEA_APPS_MODELS_H
#define FOVEA_APPS_MODELS_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/model.h"
#include "fovea/status.h"
#include "scan/scan.h"

enum fovea_task { FOVEA_TASK_QUALITY, FOVEA_TASK_SEGMENTATION };

/* "quality", "segmentation"; ends with NULL. */
extern const char *const fovea_task_names[];

struct fovea_model {
    struct fv_model *file;                    /* owned */
    const char *file_name;                    /* without folders; these strings belong to `file` */
    const char *name;                         /* general.name, or the file's */
    const char *license, *attribution, *note; /* NULL: not said */
    enum fovea_task task;
    size_t fields;                  /* how many fields of view it serves */
    bool layers[FOVEA_LAYER_COUNT]; /* which layers it serves */
    char sha256[65];                /* of the file, by fovea_model_identify; "" before */
};

struct fovea_models {
    struct fovea_model *items; /* sorted by file name */
    size_t count;
    bool shipped; /* these are the demo models that come with the program */
};

/* The paths of model files, sorted. */
struct fovea_model_paths {
    char **items;
    size_t count;
};

/* Every file *.gguf in `folder`, or the one file that `folder` names, or for NULL the models that the program ships,
 * which are looked for beside it, in this order: where `meson install` puts them relative to the program, and in the
 * source tree that it was built from, relative to the program as well. Errors: FV_ERROR_FILE (no such folder, no model
 * in it), FV_ERROR_MEMORY. The caller gives them back with fovea_model_paths_release, also after a failure. */
enum fv_status fovea_model_paths_find(const char *folder, struct fovea_model_paths *paths, struct fv_error *error);
void fovea_model_paths_release(struct fovea_model_paths *paths);

/* Opens the files that fovea_model_paths_find finds. Errors: its own, FV_ERROR_MODEL (fovea.task, fovea.fov or
 * fovea.layers is missing or not understood; what is missing is named with the option of `fovea convert` that sets it),
 * those of fv_model_open. On failure *models is empty. The caller gives them back with fovea_models_close. */
enum fv_status fovea_models_open(const char *folder, struct fovea_models *models, struct fv_error *error);

/* Closes all; `models` is empty again. */
void fovea_models_close(struct fovea_models *models);

/* Field of view `index` of `model`, in mm. */
double fovea_model_field(const struct fovea_model *model, size_t index);

/* What adaptation `index` (0: the last one) made of its parent, in words, as `fovea adapt` wrote it; NULL from their
 * number on, so at once for a model that was never adapted. */
const char *fovea_model_lineage(const struct fovea_model *model, size_t index);

/* What reports say of a model. */
struct fovea_model_about {
    const char *name, *file_name, *sha256;
    const char *license, *attribution, *note; /* NULL: not said */
    const char *const *lineage;               /* its adaptations in words, the last one first */
    size_t lineage_count;
};

/* Describes `model`, which must stay open and have its SHA-256. Errors: FV_ERROR_MEMORY. The caller gives the
 * description back with fovea_model_about_release. */
enum fv_status fovea_model_describe(const struct fovea_model *model, struct fovea_model_about *about,
                                    struct fv_error *error);
void fovea_model_about_release(struct fovea_model_about *about);

/* Whether `model` serves `layer` and a field of view within 5 % of `field_mm`: scan patterns are a third apart, and
 * devices call 2.9 mm 3. */
bool fovea_model_serves(const struct fovea_model *model, double field_mm, enum fovea_layer layer);

/* The one model for `task` that serves `field_mm` and `layer`. Errors: FV_ERROR_MODEL if there is none (the message
 * lists what is served) or more than one (it names both). */
enum fv_status fovea_models_choose(const struct fovea_models *models, enum fovea_task task, double field_mm,
                                   enum fovea_layer layer, struct fovea_model **model, struct fv_error *error);

/* Computes model->sha256 by reading the whole file. Errors: FV_ERROR_FILE. */
enum fv_status fovea_model_identify(struct fovea_model *model, struct fv_error *error);

#endif
