/* The folder: plans.pkl, fold_K/model_best.model (torch) and fold_K/model_best.model.pkl (plans of the fold). The
 * network is built from the first fold's plans, as nnU-Net does; all others must agree. */
#include "nnunet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "pickle.h"

enum { INIT_STAGE = 5 }; /* where nnUNetTrainer's init arguments hold the stage */

static enum fv_status add_file(struct fv_checkpoint *checkpoint, const char *name, const struct checkpoint_file **file,
                               struct fv_error *error) {
    char *path = fv_text_format("%s/%s", checkpoint->path, name);
    if (path == NULL) {
        return checkpoint_out_of_memory(checkpoint, error);
    }
    enum fv_status status = checkpoint_add_file(checkpoint, path, file, error);
    fv_release(path);
    return status;
}

static enum fv_status run_pickle(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                                 const struct value **root, struct fv_error *error) {
    struct pickle pickle = {
        .path = file->path,
        .bytes = file->mapping.bytes,
        .size = file->mapping.size,
        .pool = &checkpoint->pool,
        .error = error,
    };
    enum fv_status status = pickle_run(&pickle, root);
    if (status == FV_OK && pickle.at != file->mapping.size) {
        status = fv_error_set(error, FV_ERROR_FORMAT, "%s: %zu bytes follow the pickle", file->path,
                              file->mapping.size - pickle.at);
    }
    return status;
}

/* The fold's own plans, and whether its trainer is the one whose inference Fovea repeats. */
static enum fv_status read_fold_plans(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                                      int64_t *stage, struct nnunet_plans *plans, struct fv_error *error) {
    const struct value *root = NULL;
    enum fv_status status = run_pickle(checkpoint, file, &root, error);
    if (status != FV_OK) {
        return status;
    }
    const struct value *trainer = value_get(root, "name");
    if (!value_is_string(trainer, "nnUNetTrainerV2")) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: trainer %s, expected nnUNetTrainerV2", file->path,
                            value_string(trainer) == NULL ? value_type_name(trainer) : value_string(trainer));
    }
    const struct value *init = value_get(root, "init");
    if (!value_integer(value_element(init, INIT_STAGE), stage)) {
        *stage = -1;
    }
    return nnunet_plans_parse(file->path, value_get(root, "plans"), *stage, plans, error);
}

static bool fold_exists(const struct fv_checkpoint *checkpoint, uint32_t fold, const char *name, bool *exists) {
    char *path = fv_text_format("%s/fold_%" PRIu32 "/%s", checkpoint->path, fold, name);
    if (path == NULL) {
        return false;
    }
    *exists = access(path, F_OK) == 0;
    fv_release(path);
    return true;
}

/* Weights and plans of one fold. The first fold's plans are stored, those of the others compared with them. */
static enum fv_status read_fold(struct fv_checkpoint *checkpoint, struct nnunet_plans *plans, uint32_t fold,
                                const char **plans_path, int64_t *stage, struct fv_error *error) {
    char name[64];
    char prefix[16];
    const struct checkpoint_file *file = NULL;
    bool has_plans = true;
    snprintf(name, sizeof name, "fold_%" PRIu32 "/model_best.model", fold);
    snprintf(prefix, sizeof prefix, "fold_%" PRIu32 ".", fold);
    enum fv_status status = add_file(checkpoint, name, &file, error);
    if (status == FV_OK) {
        status = torch_read(checkpoint, file, prefix, error);
    }
    if (status == FV_OK && !fold_exists(checkpoint, fold, "model_best.model.pkl", &has_plans)) {
        status = checkpoint_out_of_memory(checkpoint, error);
    }
    /* nnU-Net reads the first fold's plans only, so others may be missing. */
    if (status != FV_OK || (!has_plans && plans->folds > 0)) {
        return status;
    }
    struct nnunet_plans own;
    strcat(name, ".pkl");
    status = add_file(checkpoint, name, &file, error);
    if (status == FV_OK) {
        status = read_fold_plans(checkpoint, file, stage, &own, error);
    }
    if (status != FV_OK || plans->folds > 0) {
        return status == FV_OK ? nnunet_plans_compare(*plans_path, plans, file->path, &own, error) : status;
    }
    *plans = own;
    *plans_path = file->path;
    return FV_OK;
}

static enum fv_status read_folds(struct fv_checkpoint *checkpoint, struct nnunet_plans *plans, const char **plans_path,
                                 int64_t *stage, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (uint32_t fold = 0; fold < NNUNET_FOLDS && status == FV_OK; fold++) {
        bool exists = false;
        if (!fold_exists(checkpoint, fold, "model_best.model", &exists)) {
            return checkpoint_out_of_memory(checkpoint, error);
        }
        if (exists) {
            status = read_fold(checkpoint, plans, fold, plans_path, stage, error);
            plans->fold[plans->folds++] = fold;
        }
    }
    if (status == FV_OK && plans->folds == 0) {
        return fv_error_set(error, FV_ERROR_FILE,
                            "%s: an nnU-Net folder without any fold_0 ... fold_4/model_best.model", checkpoint->path);
    }
    return status;
}

enum fv_status nnunet_read(struct fv_checkpoint *checkpoint, struct fv_error *error) {
    const struct checkpoint_file *file = NULL;
    const struct value *root = NULL;
    const char *plans_path = NULL;
    int64_t stage = -1;
    struct nnunet_plans top;
    struct nnunet_plans *plans = fv_pool_take(&checkpoint->pool, 1, sizeof *plans);
    if (plans == NULL) {
        return checkpoint_out_of_memory(checkpoint, error);
    }
    enum fv_status status = add_file(checkpoint, "plans.pkl", &file, error);
    if (status == FV_OK) {
        status = run_pickle(checkpoint, file, &root, error);
    }
    if (status == FV_OK) {
        status = read_folds(checkpoint, plans, &plans_path, &stage, error);
    }
    if (status == FV_OK) {
        status = nnunet_plans_parse(file->path, root, stage, &top, error);
    }
    if (status == FV_OK) {
        status = nnunet_plans_compare(plans_path, plans, file->path, &top, error);
    }
    checkpoint->container = "nnU-Net v1 folder";
    checkpoint->plans = plans;
    return status;
}
