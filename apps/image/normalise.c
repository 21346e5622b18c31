#include "image/normalise.h"

enum fv_status fovea_normalise(const struct fovea_image *image, uint32_t channels, const float *mean,
                               const float *deviation, float *tensor, struct fv_error *error) {
    if (image->bits != 8 || (image->channels != channels && image->channels != 1)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "expected an image of 8 bits and %u channels, found %u and %u",
                            channels, image->bits, image->channels);
    }
    size_t pixels = (size_t)image->width * image->height;
    for (uint32_t c = 0; c < channels; c++) {
        if (!(deviation[c] != 0.0F)) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "the deviation of channel %u is zero", c);
        }
        /* A table of the 256 results: the same operations, once a value. */
        float values[256];
        for (int value = 0; value < 256; value++) {
            float unit = (float)value / 255.0F;
            float centred = unit - mean[c];
            values[value] = centred / deviation[c];
        }
        const uint8_t *samples = image->pixels.u8 + (image->channels == 1 ? 0 : c);
        for (size_t i = 0; i < pixels; i++) {
            tensor[c * pixels + i] = values[samples[i * image->channels]];
        }
    }
    return FV_OK;
}
