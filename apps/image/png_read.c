#include <setjmp.h>
#include <string.h>

#include "fovea/memory.h"
#include "image/decoders.h"
#include "image/png_memory.h"

/* Everything that must outlive libpng's longjmp. */
struct job {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t size, used;
    struct fovea_image decoded; /* samples or palette indices */
    struct fovea_palette palette;
    bool indexed, colour_key;
    enum fv_status status; /* set where the failure is ours and its message is stored already */
    char reason[FOVEA_PNG_REASON];
};

static void take_bytes(png_structp png, png_bytep target, size_t count) {
    struct job *job = png_get_io_ptr(png);
    if (count > job->size - job->used) {
        png_error(png, "the file ends too early");
    }
    memcpy(target, job->bytes + job->used, count);
    job->used += count;
}

static void read_palette(struct job *job) {
    png_colorp colours = NULL;
    int count = 0;
    png_bytep alpha = NULL;
    int alpha_count = 0;
    if (png_get_PLTE(job->png, job->info, &colours, &count) == 0) {
        png_error(job->png, "the palette is missing");
    }
    if (png_get_tRNS(job->png, job->info, &alpha, &alpha_count, NULL) == 0 || alpha == NULL) {
        alpha_count = 0;
    }
    job->palette.entries = (uint32_t)count;
    for (int i = 0; i < count; i++) {
        uint8_t *entry = job->palette.colours[i];
        entry[0] = colours[i].red;
        entry[1] = colours[i].green;
        entry[2] = colours[i].blue;
        entry[3] = i < alpha_count ? alpha[i] : 255;
        job->palette.transparent = job->palette.transparent || entry[3] != 255;
    }
}

/* Asks libpng for whole samples of 8 or 16 bits in native order and returns the number of channels. */
static uint32_t choose_samples(struct job *job) {
    png_byte colour = png_get_color_type(job->png, job->info);
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        png_set_packing(job->png);
        job->indexed = true;
        read_palette(job);
        return 1;
    }
    uint32_t channels = (colour & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    if (png_get_bit_depth(job->png, job->info) < 8) {
        png_set_expand_gray_1_2_4_to_8(job->png);
    }
    if (png_get_valid(job->png, job->info, PNG_INFO_tRNS) != 0) {
        png_set_tRNS_to_alpha(job->png);
        job->colour_key = true;
        channels++;
    } else if ((colour & PNG_COLOR_MASK_ALPHA) != 0) {
        channels++;
    }
    const uint16_t one = 1;
    if (*(const uint8_t *)&one == 1) {
        png_set_swap(job->png);
    }
    return channels;
}

static void read_orientation(struct job *job) {
    png_bytep exif = NULL;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(job->png, job->info, &size, &exif) != 0 && exif != NULL) {
        job->decoded.orientation = fovea_exif_orientation(exif, size);
    }
}

/* Runs libpng; false after a longjmp or a failure of ours. */
static bool run(struct job *job, const char *name, struct fv_error *error) {
    if (setjmp(png_jmpbuf(job->png)) != 0) {
        return false;
    }
    png_set_read_fn(job->png, job, take_bytes);
    png_set_user_limits(job->png, 0x7fffffff, 0x7fffffff); /* ours apply below, with a better message */
    png_read_info(job->png, job->info);
    uint32_t bits = png_get_bit_depth(job->png, job->info) == 16 ? 16 : 8;
    uint32_t channels = choose_samples(job);
    int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    job->status =
        fovea_image_create_for(name, png_get_image_width(job->png, job->info),
                               png_get_image_height(job->png, job->info), channels, bits, &job->decoded, error);
    if (job->status != FV_OK) {
        return false;
    }
    size_t stride = (size_t)job->decoded.width * channels * (bits / 8);
    if (png_get_rowbytes(job->png, job->info) != stride) {
        png_error(job->png, "unexpected row size");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < job->decoded.height; y++) {
            png_read_row(job->png, job->decoded.pixels.u8 + y * stride, NULL);
        }
    }
    png_read_end(job->png, job->info);
    read_orientation(job); /* last, since the chunk may follow the pixels */
    return true;
}

static enum fv_status expand(const char *name, const struct job *job, struct fovea_image *image,
                             struct fv_error *error) {
    const struct fovea_image *indices = &job->decoded;
    uint32_t channels = fovea_palette_channels(&job->palette);
    enum fv_status status = fovea_image_create_for(name, indices->width, indices->height, channels, 8, image, error);
    if (status != FV_OK) {
        return status;
    }
    size_t count = (size_t)indices->width * indices->height;
    if (!fovea_palette_expand(&job->palette, indices->pixels.u8, 8, count, channels, image->pixels.u8)) {
        fovea_image_release(image);
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged PNG: a pixel lies outside the palette of %u colours",
                            name, job->palette.entries);
    }
    image->palette = true;
    image->grey_palette = fovea_palette_is_grey(&job->palette, indices->pixels.u8, count);
    image->orientation = indices->orientation;
    return FV_OK;
}

enum fv_status fovea_png_decode(const char *name, const uint8_t *bytes, size_t size, uint32_t page,
                                struct fovea_image *image, struct fv_error *error) {
    (void)page; /* a file of one */
    struct job job = {.bytes = bytes, .size = size};
    job.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, job.reason, fovea_png_fail, fovea_png_warn, NULL,
                                       fovea_png_allocate, fovea_png_release);
    job.info = job.png == NULL ? NULL : png_create_info_struct(job.png);
    if (job.info == NULL) {
        png_destroy_read_struct(&job.png, NULL, NULL);
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    }
    bool done = run(&job, name, error);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    enum fv_status status = job.status;
    if (!done && status == FV_OK) {
        bool memory = strstr(job.reason, "emory") != NULL; /* libpng tells failures apart by text only */
        status = fv_error_set(error, memory ? FV_ERROR_MEMORY : FV_ERROR_FORMAT, "%s: %s: %s", name,
                              memory ? "cannot decode the PNG file" : "damaged PNG", job.reason);
    }
    if (status == FV_OK && job.indexed) {
        status = expand(name, &job, image, error);
    } else if (status == FV_OK) {
        *image = job.decoded;
        image->colour_key = job.colour_key;
        return FV_OK;
    }
    fovea_image_release(&job.decoded);
    return status;
}
