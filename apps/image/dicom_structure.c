#include "image/dicom_structure.h"

#include <string.h>

enum {
    PREAMBLE = 128,
    GROUP_FILE = 0x0002,
    GROUP_IDENTIFYING = 0x0008,
    GROUP_DELIMITER = 0xfffe,
    SHORT_TEXT = 64, /* longer than any first element of a file */
};

static const uint32_t ITEM = 0xfffee000U, ITEM_END = 0xfffee00dU, SEQUENCE_END = 0xfffee0ddU, PIXELS = 0x7fe00010U,
                      TRANSFER_SYNTAX = 0x00020010U, OPEN_LENGTH = 0xffffffffU;

/* How elements are encoded. */
struct encoding {
    bool big_endian, explicit_vr;
};

struct walk {
    const char *name;
    const uint8_t *bytes;
    struct fovea_dicom_structure *structure;
    struct fv_error *error;
    size_t *late; /* how many elements stood behind ones of greater tags */
};

/* The head of an element. */
struct element {
    uint32_t tag;
    char vr[3]; /* "" if it is implicit or a delimiter */
    uint32_t length;
    size_t value; /* where it begins */
};

static uint32_t get16(const uint8_t *bytes, bool big_endian) {
    return big_endian ? (uint32_t)bytes[0] << 8 | bytes[1] : (uint32_t)bytes[1] << 8 | bytes[0];
}

static uint32_t get32(const uint8_t *bytes, bool big_endian) {
    return big_endian ? get16(bytes, true) << 16 | get16(bytes + 2, true)
                      : get16(bytes + 2, false) << 16 | get16(bytes, false);
}

static uint32_t get_tag(const uint8_t *bytes, bool big_endian) {
    return get16(bytes, big_endian) << 16 | get16(bytes + 2, big_endian);
}

/* 0 if there is no such value representation, else the bytes of its length: 2, or 4 behind two that are reserved. */
static unsigned length_bytes(const char *vr) {
    static const char short_forms[] = "AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US ";
    static const char long_forms[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV ";
    const char entry[] = {vr[0], vr[1], ' ', '\0'};
    bool letters = vr[0] >= 'A' && vr[0] <= 'Z' && vr[1] >= 'A' && vr[1] <= 'Z';
    return !letters ? 0 : strstr(short_forms, entry) != NULL ? 2 : strstr(long_forms, entry) != NULL ? 4 : 0;
}

static enum fv_status damaged(const struct walk *walk, uint32_t tag, size_t at, const char *reason) {
    return fv_error_set(walk->error, FV_ERROR_FORMAT, "%s: damaged DICOM: element (%04x,%04x) at offset %zu %s",
                        walk->name, tag >> 16, tag & 0xffff, at, reason);
}

/* Reads the head of the element at `at`, which lies before `end`. */
static enum fv_status read_element(const struct walk *walk, struct encoding encoding, size_t at, size_t end,
                                   struct element *element) {
    *element = (struct element){0};
    if (end - at < 8) {
        return fv_error_set(walk->error, FV_ERROR_FORMAT, "%s: damaged DICOM: the file ends within an element (%zu)",
                            walk->name, at);
    }
    const uint8_t *bytes = walk->bytes + at;
    *element = (struct element){.tag = get_tag(bytes, encoding.big_endian), .value = at + 8};
    if (!encoding.explicit_vr || element->tag >> 16 == GROUP_DELIMITER) {
        element->length = get32(bytes + 4, encoding.big_endian);
        return FV_OK;
    }
    memcpy(element->vr, bytes + 4, 2);
    switch (length_bytes(element->vr)) {
    case 2:
        element->length = get16(bytes + 6, encoding.big_endian);
        return FV_OK;
    case 4:
        if (end - at < 12) {
            return damaged(walk, element->tag, at, "is cut off");
        }
        element->length = get32(bytes + 8, encoding.big_endian);
        element->value = at + 12;
        return FV_OK;
    default:
        return damaged(walk, element->tag, at, "has a value representation that does not exist");
    }
}

static enum fv_status walk_elements(const struct walk *walk, struct encoding encoding, size_t *at, size_t end,
                                    bool open, unsigned depth);

/* Walks items, or the fragments of compressed pixels, up to `end` or, if `open`, their delimiter. */
static enum fv_status walk_items(const struct walk *walk, struct encoding encoding, size_t *at, size_t end, bool open,
                                 bool fragments, unsigned depth) {
    if (depth >= FOVEA_DICOM_MAX_DEPTH) {
        return fv_error_set(walk->error, FV_ERROR_FORMAT, "%s: damaged DICOM: more than %d sequences in each other",
                            walk->name, FOVEA_DICOM_MAX_DEPTH);
    }
    while (open || *at < end) {
        struct element item;
        size_t start = *at;
        enum fv_status status = read_element(walk, encoding, start, end, &item);
        if (status != FV_OK) {
            return status;
        }
        *at = item.value;
        if (open && item.tag == SEQUENCE_END) {
            return FV_OK;
        }
        bool endless = item.length == OPEN_LENGTH;
        if (item.tag != ITEM || (fragments && endless)) {
            return damaged(walk, item.tag, start, "stands where an item is expected");
        }
        if (!endless && item.length > end - *at) {
            return damaged(walk, item.tag, start, "is longer than what holds it");
        }
        if (fragments) {
            *at += item.length;
            continue;
        }
        status = walk_elements(walk, encoding, at, endless ? end : *at + item.length, endless, depth + 1);
        if (status != FV_OK) {
            return status;
        }
    }
    return FV_OK;
}

/* Whether the value of a defined length may be read as a sequence. */
static bool holds_items(const struct walk *walk, struct encoding encoding, const struct element *element) {
    if (encoding.explicit_vr) {
        return strcmp(element->vr, "SQ") == 0;
    }
    return element->tag != PIXELS && element->length >= 8 &&
           get_tag(walk->bytes + element->value, encoding.big_endian) == ITEM;
}

/* Walks the value of `element`, which begins at *at. */
static enum fv_status walk_value(const struct walk *walk, struct encoding encoding, const struct element *element,
                                 size_t *at, size_t end, unsigned depth) {
    size_t start = *at;
    *at = element->value;
    if (element->length != OPEN_LENGTH) {
        if (element->length > end - *at) {
            return damaged(walk, element->tag, start, "is longer than what holds it");
        }
        size_t after = *at + element->length;
        if (holds_items(walk, encoding, element)) {
            return walk_items(walk, encoding, at, after, false, false, depth);
        }
        *at = after;
        return FV_OK;
    }
    bool fragments = element->tag == PIXELS && element->vr[0] == 'O' && depth == 0;
    bool unknown = strcmp(element->vr, "UN") == 0; /* then what it holds is implicit, whatever is around it */
    bool sequence = strcmp(element->vr, "SQ") == 0 || (!encoding.explicit_vr && element->tag != PIXELS);
    if (!fragments && !unknown && !sequence) {
        return damaged(walk, element->tag, start, "has no length");
    }
    return walk_items(walk, unknown ? (struct encoding){false, false} : encoding, at, end, true, fragments, depth);
}

/* Walks the elements of a data set up to `end` or, if `open`, the delimiter of the item. */
static enum fv_status walk_elements(const struct walk *walk, struct encoding encoding, size_t *at, size_t end,
                                    bool open, unsigned depth) {
    uint32_t greatest = 0;
    while (open || *at < end) {
        struct element element;
        enum fv_status status = read_element(walk, encoding, *at, end, &element);
        if (status != FV_OK) {
            return status;
        }
        if (open && element.tag == ITEM_END) {
            *at = element.value;
            return FV_OK;
        }
        if (element.tag >> 16 == GROUP_DELIMITER) {
            return damaged(walk, element.tag, *at, "is a delimiter that nothing was begun for");
        }
        if (element.tag < greatest && ++*walk->late > FOVEA_DICOM_MAX_LATE) {
            return damaged(walk, element.tag, *at, "is one of too many that are out of order");
        }
        greatest = element.tag > greatest ? element.tag : greatest;
        status = walk_value(walk, encoding, &element, at, end, depth);
        if (status != FV_OK) {
            return status;
        }
    }
    return FV_OK;
}

/* Copies a UID without its padding. */
static void keep_transfer_syntax(const struct walk *walk, const struct element *element) {
    size_t length = element->length < FOVEA_DICOM_UID_SIZE ? element->length : FOVEA_DICOM_UID_SIZE - 1;
    char *uid = walk->structure->transfer_syntax;
    memcpy(uid, walk->bytes + element->value, length);
    uid[length] = '\0';
    uid[strspn(uid, "0123456789.")] = '\0';
}

/* Walks the group 0002, which is always explicit and little-endian. */
static enum fv_status walk_header(const struct walk *walk, size_t *at, size_t end) {
    static const struct encoding header = {false, true};
    while (end - *at >= 8 && get16(walk->bytes + *at, false) == GROUP_FILE) {
        struct element element;
        enum fv_status status = read_element(walk, header, *at, end, &element);
        if (status == FV_OK) {
            status = walk_value(walk, header, &element, at, end, 0);
        }
        if (status != FV_OK) {
            return status;
        }
        if (element.tag == TRANSFER_SYNTAX && element.length != OPEN_LENGTH) {
            keep_transfer_syntax(walk, &element);
        }
    }
    return FV_OK;
}

/* Whether an element of the group 0002 or 0008 can be encoded so at `at`; *next is where the one behind it begins. */
static bool begins_element(const uint8_t *bytes, size_t size, size_t at, struct encoding encoding, size_t *next) {
    if (size < 8 || at > size - 8) {
        return false;
    }
    struct element element;
    const struct walk walk = {.name = "", .bytes = bytes};
    bool read = read_element(&walk, encoding, at, size, &element) == FV_OK;
    uint32_t group = element.tag >> 16;
    *next = element.value + element.length;
    return read && (group == GROUP_FILE || group == GROUP_IDENTIFYING) && element.length <= SHORT_TEXT;
}

/* The encoding of a data set whose first two elements are at `at`; false if there is none. */
static bool find_encoding(const uint8_t *bytes, size_t size, size_t at, struct encoding *encoding) {
    static const struct encoding encodings[] = {{false, true}, {false, false}, {true, true}};
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        size_t second, third;
        if (begins_element(bytes, size, at, encodings[i], &second) &&
            begins_element(bytes, size, second, encodings[i], &third) &&
            get_tag(bytes + at, encodings[i].big_endian) < get_tag(bytes + second, encodings[i].big_endian)) {
            *encoding = encodings[i];
            return true;
        }
    }
    return false;
}

static bool has_preamble(const uint8_t *bytes, size_t size) {
    return size >= PREAMBLE + 4 && memcmp(bytes + PREAMBLE, "DICM", 4) == 0;
}

bool fovea_dicom_recognise(const uint8_t *bytes, size_t size) {
    struct encoding encoding;
    return has_preamble(bytes, size) || find_encoding(bytes, size, 0, &encoding);
}

enum fv_status fovea_dicom_check(const char *name, const uint8_t *bytes, size_t size,
                                 struct fovea_dicom_structure *structure, struct fv_error *error) {
    *structure = (struct fovea_dicom_structure){0};
    size_t late = 0;
    const struct walk walk = {name, bytes, structure, error, &late};
    size_t at = has_preamble(bytes, size) ? PREAMBLE + 4 : 0;
    enum fv_status status = walk_header(&walk, &at, size);
    if (status != FV_OK) {
        return status;
    }
    const char *syntax = structure->transfer_syntax;
    struct encoding encoding = {strcmp(syntax, "1.2.840.10008.1.2.2") == 0, strcmp(syntax, "1.2.840.10008.1.2") != 0};
    structure->deflated = strcmp(syntax, "1.2.840.10008.1.2.1.99") == 0;
    if (syntax[0] == '\0' && !find_encoding(bytes, size, at, &encoding)) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged DICOM: neither a transfer syntax nor elements found",
                            name);
    }
    return structure->deflated ? FV_OK : walk_elements(&walk, encoding, &at, size, false, 0);
}
