#include "made_dicom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct made_dicom *made, const void *bytes, size_t size) {
    if (size > MADE_DICOM_MAX - made->size) {
        fprintf(stderr, "a made DICOM file is too long\n");
        abort();
    }
    memcpy(made->bytes + made->size, bytes, size);
    made->size += size;
}

static void put16(struct made_dicom *made, uint32_t value) {
    uint8_t low = (uint8_t)value, high = (uint8_t)(value >> 8);
    put(made, made->big_endian ? (uint8_t[]){high, low} : (uint8_t[]){low, high}, 2);
}

static void put32(struct made_dicom *made, uint32_t value) {
    put16(made, made->big_endian ? value >> 16 : value);
    put16(made, made->big_endian ? value : value >> 16);
}

static void put_tag(struct made_dicom *made, uint32_t tag) {
    put16(made, tag >> 16);
    put16(made, tag);
}

static void put_head(struct made_dicom *made, uint32_t tag, const char *vr, uint32_t length) {
    static const char *const longs[] = {"OB", "OW", "SQ", "UN", "UT"};
    bool is_long = false;
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
        is_long = is_long || strcmp(longs[i], vr) == 0;
    }
    put_tag(made, tag);
    if (!made->explicit_vr || vr[0] == '\0') {
        put32(made, length);
        return;
    }
    put(made, vr, 2);
    if (is_long) {
        put(made, "\0\0", 2);
        put32(made, length);
    } else {
        put16(made, length);
    }
}

void made_dicom_bytes(struct made_dicom *made, uint32_t tag, const char *vr, const void *bytes, size_t size) {
    put_head(made, tag, vr, (uint32_t)(size + (size & 1)));
    put(made, bytes, size);
    put(made, "", size & 1);
}

void made_dicom_text(struct made_dicom *made, uint32_t tag, const char *vr, const char *text) {
    size_t length = strlen(text);
    put_head(made, tag, vr, (uint32_t)(length + (length & 1)));
    put(made, text, length);
    put(made, strcmp(vr, "UI") == 0 ? "" : " ", length & 1);
}

void made_dicom_short(struct made_dicom *made, uint32_t tag, uint16_t value) {
    put_head(made, tag, "US", 2);
    put16(made, value);
}

void made_dicom_open_sequence(struct made_dicom *made, uint32_t tag) {
    put_head(made, tag, "SQ", 0xffffffffU);
}

void made_dicom_open_item(struct made_dicom *made) {
    put_head(made, 0xfffee000U, "", 0xffffffffU);
}

void made_dicom_close_item(struct made_dicom *made) {
    put_head(made, 0xfffee00dU, "", 0);
}

void made_dicom_close_sequence(struct made_dicom *made) {
    put_head(made, 0xfffee0ddU, "", 0);
}

void made_dicom_open_pixels(struct made_dicom *made) {
    put_head(made, 0x7fe00010U, "OB", 0xffffffffU);
    made_dicom_fragment(made, "", 0);
}

void made_dicom_fragment(struct made_dicom *made, const void *bytes, size_t size) {
    put_head(made, 0xfffee000U, "", (uint32_t)(size + (size & 1)));
    put(made, bytes, size);
    put(made, "", size & 1);
}

void made_dicom_begin(struct made_dicom *made, const char *syntax, bool plain) {
    *made = (struct made_dicom){.explicit_vr = true};
    if (!plain) {
        made->size = 128;
        put(made, "DICM", 4);
        made_dicom_bytes(made, 0x00020001U, "OB", "\0\1", 2);
        made_dicom_text(made, 0x00020003U, "UI", "1.2.3.4");
        made_dicom_text(made, 0x00020010U, "UI", syntax);
    }
    made->big_endian = strcmp(syntax, MADE_BIG) == 0;
    made->explicit_vr = strcmp(syntax, MADE_IMPLICIT) != 0;
}

static void put_if(struct made_dicom *made, uint32_t tag, const char *vr, const char *text) {
    if (text != NULL) {
        made_dicom_text(made, tag, vr, text);
    }
}

/* A sequence of one item with one element; nothing if `text` is NULL. */
static void put_nested(struct made_dicom *made, uint32_t sequence, uint32_t tag, const char *vr, const char *text) {
    if (text != NULL) {
        made_dicom_open_sequence(made, sequence);
        made_dicom_open_item(made);
        made_dicom_text(made, tag, vr, text);
        made_dicom_close_item(made);
        made_dicom_close_sequence(made);
    }
}

static void put_groups(struct made_dicom *made, const struct made_dicom_image *image) {
    if (image->shared_spacing == NULL && image->shared_laterality == NULL) {
        return;
    }
    made_dicom_open_sequence(made, 0x52009229U);
    made_dicom_open_item(made);
    put_nested(made, 0x00209071U, 0x00209072U, "CS", image->shared_laterality);
    put_nested(made, 0x00289110U, 0x00280030U, "DS", image->shared_spacing);
    made_dicom_close_item(made);
    made_dicom_close_sequence(made);
}

void made_dicom_image(struct made_dicom *made, const struct made_dicom_image *image) {
    uint16_t allocated = image->allocated != 0 ? image->allocated : 8;
    uint16_t stored = image->stored != 0 ? image->stored : allocated;
    const char *model = image->model != NULL ? image->model : "MONOCHROME2";
    bool colour = model[0] != 'M';
    made_dicom_begin(made, image->syntax != NULL ? image->syntax : MADE_EXPLICIT, image->plain);
    made_dicom_text(made, 0x00080016U, "UI", image->kind != NULL ? image->kind : MADE_EN_FACE);
    made_dicom_text(made, 0x00080018U, "UI", "1.2.3.4");
    put_if(made, 0x00080070U, "LO", image->manufacturer);
    made_dicom_text(made, 0x00100010U, "PN", "Secret^Patient");
    made_dicom_text(made, 0x00100030U, "DA", "19500101");
    put_if(made, 0x00200062U, "CS", image->laterality);
    made_dicom_short(made, 0x00280002U, colour ? 3 : 1);
    made_dicom_text(made, 0x00280004U, "CS", model);
    if (colour) {
        made_dicom_short(made, 0x00280006U, image->planar);
    }
    put_if(made, 0x00280008U, "IS", image->frames);
    made_dicom_short(made, 0x00280010U, image->height != 0 ? image->height : MADE_HEIGHT);
    made_dicom_short(made, 0x00280011U, image->width != 0 ? image->width : MADE_WIDTH);
    put_if(made, 0x00280030U, "DS", image->spacing);
    made_dicom_short(made, 0x00280100U, allocated);
    made_dicom_short(made, 0x00280101U, stored);
    made_dicom_short(made, 0x00280102U, image->high != 0 ? image->high : (uint16_t)(stored - 1));
    made_dicom_short(made, 0x00280103U, 0);
    put_if(made, 0x00280301U, "CS", image->burnt_in);
    if (image->level != NULL) {
        made_dicom_text(made, 0x00281050U, "DS", image->level);
        made_dicom_text(made, 0x00281051U, "DS", "101");
    }
    if (image->slope != NULL) {
        made_dicom_text(made, 0x00281052U, "DS", "10");
        made_dicom_text(made, 0x00281053U, "DS", image->slope);
    }
    put_groups(made, image);
}

uint8_t made_dicom_pixel(size_t index) {
    return (uint8_t)(index * 37 + 11);
}

static unsigned sample_of(size_t index, unsigned sample_bytes) {
    return sample_bytes == 2 ? made_dicom_pixel(index) * 16U + 3U : made_dicom_pixel(index);
}

void made_dicom_pixels(struct made_dicom *made, size_t count, unsigned sample_bytes) {
    size_t size = count * sample_bytes;
    bool words = sample_bytes == 2 || !made->explicit_vr || made->big_endian;
    put_head(made, 0x7fe00010U, words ? "OW" : "OB", (uint32_t)(size + (size & 1)));
    for (size_t i = 0; i < count; i++) {
        if (sample_bytes == 2) {
            put16(made, sample_of(i, 2));
        } else if (words && made->big_endian) { /* two pixels are a word */
            put(made, (uint8_t[]){made_dicom_pixel(i ^ 1)}, 1);
        } else {
            put(made, (uint8_t[]){made_dicom_pixel(i)}, 1);
        }
    }
    put(made, "", size & 1);
}

void made_dicom_rle(struct made_dicom *made, size_t count, unsigned sample_bytes) {
    uint8_t frame[64 + 2 * 129] = {(uint8_t)sample_bytes}; /* segments behind a head of 64 bytes */
    size_t size = 64;
    for (unsigned segment = 0; segment < sample_bytes; segment++) {
        frame[4 + 4 * segment] = (uint8_t)size;
        frame[size++] = (uint8_t)(count - 1); /* that many bytes as they are */
        for (size_t i = 0; i < count; i++) {
            frame[size++] = (uint8_t)(sample_of(i, sample_bytes) >> 8 * (sample_bytes - 1 - segment));
        }
    }
    made_dicom_open_pixels(made);
    made_dicom_fragment(made, frame, size);
    made_dicom_close_sequence(made);
}
