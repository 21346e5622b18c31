/* DICOM files made for one test, element by element. */
#ifndef FOVEA_TESTS_APPS_MADE_DICOM_H
#define FOVEA_TESTS_APPS_MADE_DICOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MADE_DICOM_MAX = 1 << 16, MADE_WIDTH = 6, MADE_HEIGHT = 5 };

#define MADE_IMPLICIT "1.2.840.10008.1.2"
#define MADE_EXPLICIT "1.2.840.10008.1.2.1"
#define MADE_BIG "1.2.840.10008.1.2.2"
#define MADE_JPEG "1.2.840.10008.1.2.4.50"
#define MADE_RLE "1.2.840.10008.1.2.5"

#define MADE_EN_FACE "1.2.840.10008.5.1.4.1.1.77.1.5.7"
#define MADE_PHOTOGRAPHY_8 "1.2.840.10008.5.1.4.1.1.77.1.5.1"
#define MADE_PHOTOGRAPHY_16 "1.2.840.10008.5.1.4.1.1.77.1.5.2"
#define MADE_CAPTURE "1.2.840.10008.5.1.4.1.1.7"

struct made_dicom {
    uint8_t bytes[MADE_DICOM_MAX];
    size_t size;
    bool big_endian, explicit_vr;
};

/* Begins a file of that transfer syntax; without a preamble and header if `plain`. */
void made_dicom_begin(struct made_dicom *made, const char *syntax, bool plain);

/* Elements; texts are padded to an even length. `vr` must fit the tag in implicit files too. */
void made_dicom_bytes(struct made_dicom *made, uint32_t tag, const char *vr, const void *bytes, size_t size);
void made_dicom_text(struct made_dicom *made, uint32_t tag, const char *vr, const char *text);
void made_dicom_short(struct made_dicom *made, uint32_t tag, uint16_t value);

/* Sequences, items and compressed pixels, all of undefined length. */
void made_dicom_open_sequence(struct made_dicom *made, uint32_t tag);
void made_dicom_open_item(struct made_dicom *made);
void made_dicom_close_item(struct made_dicom *made);
void made_dicom_close_sequence(struct made_dicom *made);
void made_dicom_open_pixels(struct made_dicom *made); /* with an empty table of offsets */
void made_dicom_fragment(struct made_dicom *made, const void *bytes, size_t size);

/* What a whole image says beside its pixels; absent where it is 0 or NULL. */
struct made_dicom_image {
    const char *syntax, *kind, *model; /* default: explicit, en face, MONOCHROME2 */
    uint16_t width, height;            /* default: MADE_WIDTH x MADE_HEIGHT */
    uint16_t allocated, stored, high;  /* default: 8, all, the lowest of them */
    bool planar;                       /* colours in planes */
    const char *frames, *spacing, *laterality, *burnt_in, *level, *slope, *manufacturer;
    const char *shared_spacing, *shared_laterality; /* in the functional groups */
    bool plain;                                     /* no preamble */
};

/* A whole file but for its pixels, with a patient in group 0010. */
void made_dicom_image(struct made_dicom *made, const struct made_dicom_image *image);

/* Uncompressed pixels of that many bytes a sample: pixel i has made_dicom_pixel(i). */
uint8_t made_dicom_pixel(size_t index);
void made_dicom_pixels(struct made_dicom *made, size_t count, unsigned sample_bytes);

/* The same pixels, at most 128, as one frame of RLE Lossless. */
void made_dicom_rle(struct made_dicom *made, size_t count, unsigned sample_bytes);

#endif
