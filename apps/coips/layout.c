#include "coips/layout.h"

#include <stdio.h>
#include <string.h>

#include "base/folder.h"
#include "fovea/memory.h"
#include "fovea/text.h"

const char *const coips_grade_folders[FOVEA_QUALITY_COUNT] = {
    "quality_assessment/ungradable", "quality_assessment/gradable", "quality_assessment/outstanding"};

static const char *const product_folders[COIPS_PRODUCT_COUNT] = {"predict_nii", "predict_label", "label_mask"};

char *coips_path(const char *project, const char *folder, const char *name) {
    size_t length = strlen(project);
    bool slash = length > 0 && project[length - 1] != '/';
    return fv_text_format("%s%s%s%s%s", project, slash ? "/" : "", folder, name[0] != '\0' ? "/" : "", name);
}

char *coips_product_path(const char *project, enum fovea_quality grade, enum coips_product product, const char *stem,
                         unsigned channel) {
    char folder[64];
    snprintf(folder, sizeof folder, "FAZ_segmentation/%s/%s", fovea_quality_names[grade], product_folders[product]);
    char *name = product == COIPS_NIFTI   ? fv_text_format("%s_%04u.nii.gz", stem, channel)
                 : product == COIPS_LABEL ? fv_text_format("%s.nii.gz", stem)
                                          : fv_text_format("mask_%s.png", stem);
    char *path = name == NULL ? NULL : coips_path(project, folder, name);
    fv_release(name);
    return path;
}

static enum fv_status make(const char *project, const char *folder, struct fv_error *error) {
    char *path = coips_path(project, folder, "");
    enum fv_status status = path != NULL ? fovea_folder_make(path, error)
                                         : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", project);
    fv_release(path);
    return status;
}

enum fv_status coips_layout_make(const char *project, struct fv_error *error) {
    static const char *const folders[] = {COIPS_PROCESSED, COIPS_REPORT, COIPS_FOVEA};
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && status == FV_OK; i++) {
        status = make(project, folders[i], error);
    }
    for (size_t grade = 0; grade < FOVEA_QUALITY_COUNT && status == FV_OK; grade++) {
        status = make(project, coips_grade_folders[grade], error);
        for (size_t product = 0; grade != FOVEA_UNGRADABLE && product < COIPS_PRODUCT_COUNT && status == FV_OK;
             product++) {
            char folder[64];
            snprintf(folder, sizeof folder, "FAZ_segmentation/%s/%s", fovea_quality_names[grade],
                     product_folders[product]);
            status = make(project, folder, error);
        }
    }
    return status;
}
