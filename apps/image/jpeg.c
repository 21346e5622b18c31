#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* After stdio.h, which jpeglib.h needs and does not include. */
#include <jerror.h>
#include <jpeglib.h>

#include "fovea/memory.h"
#include "image/decoders.h"

enum {
    MAX_SCANS =
        500, /* of a progressive file: each scan costs a pass over the image, and a hostile file has thousands */
    EXIF_HEADER = 6, /* "Exif\0\0" */
    MARKER_LIMIT = 0xffff,
};

/* Everything that must outlive libjpeg's longjmp. */
struct job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    struct fovea_image decoded;
    enum fv_status status; /* set where the failure is ours and its message is stored already */
    bool too_many_scans;
    int code; /* libjpeg's */
    char reason[JMSG_LENGTH_MAX];
};

static void fail(j_common_ptr common) {
    struct job *job = common->client_data;
    job->code = common->err->msg_code;
    common->err->format_message(common, job->reason);
    longjmp(job->escape, 1);
}

/* libjpeg goes on after damage and fills the rest with grey; a measurement must not. Only oddities that leave the
 * pixels whole pass. */
static void judge_warning(j_common_ptr common, int level) {
    if (level >= 0) {
        return;
    }
    switch (common->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
        return;
    default:
        fail(common);
    }
}

static void count_scans(j_common_ptr common) {
    struct job *job = common->client_data;
    if (job->jpeg.input_scan_number > MAX_SCANS) {
        job->too_many_scans = true;
        longjmp(job->escape, 1);
    }
}

static uint32_t read_orientation(const struct jpeg_decompress_struct *jpeg) {
    for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker != NULL; marker = marker->next) {
        if (marker->data_length > EXIF_HEADER && memcmp(marker->data, "Exif\0\0", EXIF_HEADER) == 0) {
            return fovea_exif_orientation(marker->data + EXIF_HEADER, marker->data_length - EXIF_HEADER);
        }
    }
    return 1;
}

/* Chooses the output's channels; 0 if the colour model is not handled. */
static uint32_t choose_channels(struct jpeg_decompress_struct *jpeg) {
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
        jpeg->out_color_space = JCS_GRAYSCALE;
        return 1;
    case JCS_RGB:
    case JCS_YCbCr:
        jpeg->out_color_space = JCS_RGB;
        return 3;
    default:
        return 0;
    }
}

/* Runs libjpeg; false after a longjmp or a failure of ours. */
static bool run(struct job *job, const char *name, const uint8_t *bytes, size_t size, struct fv_error *error) {
    if (setjmp(job->escape) != 0) {
        return false;
    }
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &job->progress;
    jpeg_mem_src(jpeg, bytes, (unsigned long)size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, MARKER_LIMIT);
    (void)jpeg_read_header(jpeg, TRUE);
    uint32_t channels = choose_channels(jpeg);
    if (channels == 0) {
        job->status = fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                   "%s: expected a grey or RGB JPEG file, found %d colour components (CMYK?)", name,
                                   jpeg->num_components);
        return false;
    }
    job->status =
        fovea_image_create_for(name, jpeg->image_width, jpeg->image_height, channels, 8, &job->decoded, error);
    if (job->status != FV_OK) {
        return false;
    }
    job->decoded.orientation = read_orientation(jpeg);
    (void)jpeg_start_decompress(jpeg);
    size_t stride = (size_t)job->decoded.width * channels;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = job->decoded.pixels.u8 + jpeg->output_scanline * stride;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
    return true;
}

static enum fv_status report(const char *name, const struct job *job, struct fv_error *error) {
    if (job->status != FV_OK) {
        return job->status;
    }
    if (job->too_many_scans) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a JPEG file of more than %d scans", name, MAX_SCANS);
    }
    if (job->code == JERR_OUT_OF_MEMORY) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    }
    if (job->code == JERR_BAD_PRECISION || job->code == JERR_ARITH_NOTIMPL || job->code == JERR_SOF_UNSUPPORTED) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a kind of JPEG file that is not handled: %s", name,
                            job->reason);
    }
    return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged JPEG: %s", name, job->reason);
}

enum fv_status fovea_jpeg_decode(const char *name, const uint8_t *bytes, size_t size, uint32_t page,
                                 struct fovea_image *image, struct fv_error *error) {
    (void)page; /* a file of one */
    struct job *job = fv_allocate_zero(1, sizeof *job);
    if (job == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    }
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->jpeg.client_data = job; /* jpeg_create_decompress keeps both */
    job->errors.error_exit = fail;
    job->errors.emit_message = judge_warning;
    job->progress.progress_monitor = count_scans;
    bool done = run(job, name, bytes, size, error);
    jpeg_destroy_decompress(&job->jpeg); /* frees nothing where nothing was created */
    enum fv_status status = FV_OK;
    if (done) {
        *image = job->decoded;
    } else {
        status = report(name, job, error);
        fovea_image_release(&job->decoded);
    }
    fv_release(job);
    return status;
}
