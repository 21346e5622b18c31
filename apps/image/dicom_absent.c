/* Instead of dicom.cpp, where the library is not there. */
#include "image/dicom.h"

bool fovea_dicom_is_built(void) {
    return false;
}

const char *fovea_dicom_library(void) {
    return "none";
}

enum fv_status fovea_dicom_open(const char *name, const uint8_t *bytes, size_t size, struct fovea_dicom **file,
                                struct fovea_dicom_content *content, struct fv_error *error) {
    (void)bytes;
    (void)size;
    *file = NULL;
    *content = (struct fovea_dicom_content){0};
    return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                        "%s: a DICOM file, and this build of fovea reads none (it was made without the option dicom)",
                        name);
}

enum fv_status fovea_dicom_take_frame(struct fovea_dicom *file, const char *name, uint32_t frame, uint8_t **bytes,
                                      size_t *size, struct fv_error *error) {
    (void)file;
    (void)frame;
    *bytes = NULL;
    *size = 0;
    return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: this build of fovea reads no DICOM", name);
}

void fovea_dicom_close(struct fovea_dicom *file) {
    (void)file;
}
