#include "fuzz.h"

#include "image/image.h"

void fuzz_image(const uint8_t *data, size_t size) {
    struct fv_error error;
    struct fovea_image image;
    if (fovea_image_decode("fuzz", data, size, &image, &error) == FV_OK) {
        (void)fovea_image_to_grey("fuzz", &image, &error);
        fovea_image_release(&image);
    }
}
