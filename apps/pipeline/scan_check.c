#include "pipeline/scan_check.h"

#include "base/buffer.h"
#include "fovea/memory.h"

bool fovea_scan_is_graded(const struct fovea_work *work, const struct fovea_scan *scan) {
    return work->grader != NULL && !(scan->has_layer && scan->layer == FOVEA_LAYER_DEEP);
}

/* Refuses what the models that this run has were not made for. */
static enum fv_status check_model(const struct fovea_model *model, const char *name, const struct fovea_scan *scan,
                                  struct fv_error *error) {
    if (model == NULL || fovea_model_serves(model, scan->field_x_mm, scan->layer)) {
        return FV_OK;
    }
    return fv_error_set(
        error, FV_ERROR_UNSUPPORTED,
        "%s: a %s image of %.4g mm (%s), which %s of this run does not serve; do it in a run of its own", name,
        fovea_layer_names[scan->layer], scan->field_x_mm, fovea_source_names[scan->field_source], model->file_name);
}

/* The two sides must be told apart where they differ. */
static enum fv_status check_sides(const char *name, const struct fovea_scan *scan, const struct fovea_image *image,
                                  struct fv_error *error) {
    if (image->width != image->height && scan->field_is_side) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: %u x %u pixels: one field of view cannot scale both sides; a table of scans can give "
                            "fov_x_mm and fov_y_mm, or pixel_spacing_mm",
                            name, image->width, image->height);
    }
    return FV_OK;
}

static enum fv_status check_field(const char *name, const struct fovea_scan *scan, struct fv_error *error) {
    return scan->field_x_mm > 0
               ? FV_OK
               : fv_error_set(error, FV_ERROR_UNSUPPORTED,
                              "%s: its field of view is not known: --fov or a table of scans can tell it", name);
}

enum fv_status fovea_scan_check_grading(const struct fovea_work *work, const char *name, const struct fovea_scan *scan,
                                        struct fv_error *error) {
    enum fv_status status = check_field(name, scan, error);
    return status != FV_OK ? status : check_model(work->grader_model, name, scan, error);
}

enum fv_status fovea_scan_check(const struct fovea_work *work, const char *name, const struct fovea_scan *scan,
                                const struct fovea_image *image, struct fv_error *error) {
    const struct fovea_stages *stages = &work->options->stages;
    enum fv_status status = check_field(name, scan, error);
    if (status == FV_OK && !stages->masks && !scan->has_layer) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED,
                              "%s: its layer is not known: --layer or a table of scans can tell it", name);
    }
    if (status == FV_OK && stages->measure) {
        status = check_sides(name, scan, image, error);
    }
    if (status == FV_OK && fovea_scan_is_graded(work, scan)) {
        status = check_model(work->grader_model, name, scan, error);
    }
    return status != FV_OK ? status : check_model(work->segmenter_model, name, scan, error);
}

static void add(struct fovea_buffer *text, const char *remark) {
    fovea_buffer_format(text, "%s%s", text->size > 0 ? "; " : "", remark);
}

char *fovea_scan_remarks(const struct fovea_scan *scan, const struct fovea_image *image, const char *ungraded) {
    struct fovea_buffer text = {0};
    if (scan->remarks != NULL) {
        add(&text, scan->remarks);
    }
    if (image->pages > 1) {
        fovea_buffer_format(&text, "%spage %u of %u", text.size > 0 ? "; " : "", image->page, image->pages);
    }
    if (image->windowed) {
        add(&text, "shown through the window of the DICOM file");
    }
    if (image->window_ignored) {
        add(&text, "the DICOM file has a curve or table for showing it, which was not applied");
    }
    if (ungraded != NULL) {
        add(&text, "not graded: ");
        fovea_buffer_text(&text, ungraded);
    }
    char *remarks = text.size > 0 && !text.failed ? fv_duplicate(text.bytes) : NULL;
    fovea_buffer_clear(&text);
    return remarks;
}
