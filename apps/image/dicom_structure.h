/* Private to this room: whether bytes are a DICOM file, and whether its elements lie where they say.
 *
 * A strict walk over the structure (PS3.5 sections 7.1 and 7.5, PS3.10 section 7.1) that looks at no value but the
 * transfer syntax. It bounds the depth of sequences and every length before a library allocates or recurses by them,
 * and the elements out of order, for each of which the library looks through those before it.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_IMAGE_DICOM_STRUCTURE_H
#define FOVEA_APPS_IMAGE_DICOM_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { FOVEA_DICOM_UID_SIZE = 65, FOVEA_DICOM_MAX_DEPTH = 32, FOVEA_DICOM_MAX_LATE = 1000 };

struct fovea_dicom_structure {
    char transfer_syntax[FOVEA_DICOM_UID_SIZE]; /* as the file's header says; "" without one */
    bool deflated;                              /* all behind the header is compressed, and was not walked */
};

/* Whether the bytes begin a DICOM file: "DICM" at 128, or, without preamble, two elements of the group 0002 or 0008 in
 * order, explicit or implicit. The first 256 bytes of a file are enough. */
bool fovea_dicom_recognise(const uint8_t *bytes, size_t size);

/* Walks the whole file. Errors, naming `name`, tag and offset: FV_ERROR_FORMAT (an element, item or fragment that does
 * not fit into what holds it, a value representation that does not exist, a sequence without items, more than
 * FOVEA_DICOM_MAX_DEPTH sequences in each other, more than FOVEA_DICOM_MAX_LATE elements behind ones of greater tags in
 * their data set or item). Values are never shown. */
enum fv_status fovea_dicom_check(const char *name, const uint8_t *bytes, size_t size,
                                 struct fovea_dicom_structure *structure, struct fv_error *error);

#endif
