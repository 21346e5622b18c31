#include <setjmp.h>
#include <string.h>

#include "fovea/file.h"
#include "fovea/memory.h"
#include "image/image.h"
#include "image/png_memory.h"

/* Everything that must outlive libpng's longjmp. */
struct job {
    png_structp png;
    png_infop info;
    uint8_t *bytes;
    size_t size, capacity;
    char reason[FOVEA_PNG_REASON];
};

enum { FIRST_CAPACITY = 65536 };

/* zlib's level, and one filter for all rows. OCTA images are noise to them: zlib's default level is several times
 * slower and trying all filters nearly twice, and each saves a few percent. */
enum { COMPRESSION = 2, FILTER = PNG_FILTER_SUB };

static void give_bytes(png_structp png, png_bytep source, size_t count) {
    struct job *job = png_get_io_ptr(png);
    size_t needed;
    if (!fv_add(job->size, count, &needed)) {
        png_error(png, "out of memory");
    }
    if (needed > job->capacity) {
        size_t capacity = job->capacity == 0 ? FIRST_CAPACITY : job->capacity * 2;
        capacity = capacity < needed ? needed : capacity;
        uint8_t *grown = fv_reallocate(job->bytes, job->size, capacity, 1);
        if (grown == NULL) {
            png_error(png, "out of memory");
        }
        job->bytes = grown;
        job->capacity = capacity;
    }
    memcpy(job->bytes + job->size, source, count);
    job->size = needed;
}

static void flush_nothing(png_structp png) {
    (void)png;
}

static bool run(struct job *job, const struct fovea_image *image) {
    static const int colour_types[] = {
        [1] = PNG_COLOR_TYPE_GRAY,
        [2] = PNG_COLOR_TYPE_GRAY_ALPHA,
        [3] = PNG_COLOR_TYPE_RGB,
        [4] = PNG_COLOR_TYPE_RGB_ALPHA,
    };
    if (setjmp(png_jmpbuf(job->png)) != 0) {
        return false;
    }
    png_set_write_fn(job->png, job, give_bytes, flush_nothing);
    png_set_IHDR(job->png, job->info, image->width, image->height, (int)image->bits, colour_types[image->channels],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(job->png, COMPRESSION);
    png_set_filter(job->png, PNG_FILTER_TYPE_BASE, FILTER);
    png_write_info(job->png, job->info);
    const uint16_t one = 1;
    if (image->bits == 16 && *(const uint8_t *)&one == 1) {
        png_set_swap(job->png);
    }
    size_t stride = (size_t)image->width * image->channels * (image->bits / 8);
    for (uint32_t y = 0; y < image->height; y++) {
        png_write_row(job->png, image->pixels.u8 + y * stride);
    }
    png_write_end(job->png, NULL);
    return true;
}

enum fv_status fovea_image_encode_png(const struct fovea_image *image, uint8_t **bytes, size_t *size,
                                      struct fv_error *error) {
    *bytes = NULL;
    *size = 0;
    struct job job = {0};
    job.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, job.reason, fovea_png_fail, fovea_png_warn, NULL,
                                        fovea_png_allocate, fovea_png_release);
    job.info = job.png == NULL ? NULL : png_create_info_struct(job.png);
    if (job.info == NULL) {
        png_destroy_write_struct(&job.png, NULL);
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a PNG file");
    }
    bool done = run(&job, image);
    png_destroy_write_struct(&job.png, &job.info);
    if (!done) {
        fv_release(job.bytes);
        /* The arguments are ours and writing goes to memory: nothing else can fail. */
        return fv_error_set(error, FV_ERROR_MEMORY, "cannot encode a PNG file: %s", job.reason);
    }
    *bytes = job.bytes;
    *size = job.size;
    return FV_OK;
}

enum fv_status fovea_image_write_png(const char *path, const struct fovea_image *image, struct fv_error *error) {
    uint8_t *bytes;
    size_t size;
    struct fv_output *output = NULL;
    enum fv_status status = fovea_image_encode_png(image, &bytes, &size, error);
    if (status == FV_OK) {
        status = fv_output_create(path, &output, error);
    }
    if (status == FV_OK) {
        status = fv_output_write(output, bytes, size, error);
        if (status == FV_OK) {
            status = fv_output_finish(output, error);
        } else {
            fv_output_abandon(output);
        }
    }
    fv_release(bytes);
    return status;
}
