/* What is known of a scan beside its pixels: how large it is, of which eye and layer, whose.
 *
 * Nothing is guessed: what nobody said stays unknown, which is zero, and what is said in two ways that differ is
 * decided by a stated order (resolve.h) and remarked, or stays unknown.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_SCAN_H
#define FOVEA_APPS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fovea_layer { FOVEA_LAYER_SUPERFICIAL, FOVEA_LAYER_DEEP, FOVEA_LAYER_COUNT };

/* "superficial", "deep"; ends with NULL. */
extern const char *const fovea_layer_names[];

enum fovea_eye { FOVEA_EYE_UNKNOWN, FOVEA_EYE_RIGHT, FOVEA_EYE_LEFT };

/* "", "OD", "OS": the words of the results. */
extern const char *const fovea_eye_names[];

/* Who said it. */
enum fovea_source {
    FOVEA_SOURCE_NONE,
    FOVEA_SOURCE_OPTION, /* the command line, for all images */
    FOVEA_SOURCE_TABLE,  /* the table of scans, for this image */
    FOVEA_SOURCE_DICOM,  /* the image's own file */
    FOVEA_SOURCE_NAME,   /* a token of the file's name */
};

/* "", "option", "table", "dicom", "name": the words of the results. */
extern const char *const fovea_source_names[];

/* A zeroed struct is a scan of which nothing is known. Texts are not owned. */
struct fovea_scan {
    double field_x_mm, field_y_mm; /* width and height of the field of view; 0: unknown, both or none */
    bool field_is_side;            /* one number was given for both: it holds for square images only */
    enum fovea_source field_source;
    bool has_layer;
    enum fovea_layer layer; /* if has_layer */
    enum fovea_source layer_source;
    enum fovea_eye eye;
    enum fovea_source eye_source;
    double name_size_mm;         /* the N of "NxN" in the file's name, which is never taken for the field; 0: none */
    double axial_length_mm;      /* of the eye; 0: unknown */
    const char *subject, *visit; /* NULL: unknown */
    uint32_t page;               /* of the file, from 1; 0: not said */
    const char *remarks;         /* for people, joined by "; "; NULL: none */
};

/* A scan of which only the command line tells. */
struct fovea_scan fovea_scan_of_option(double field_mm, enum fovea_layer layer);

/* "superficial" or "deep"; "" if it is unknown. */
const char *fovea_scan_layer_name(const struct fovea_scan *scan);

/* What the distance of pixels may be, in mm, and the axial length of an eye, newborn to extreme myopia: anything else
 * is another column or unit. */
#define FOVEA_SPACING_LEAST_MM 1e-5
#define FOVEA_SPACING_MOST_MM 1.0
#define FOVEA_AXIAL_LENGTH_LEAST_MM 14.0
#define FOVEA_AXIAL_LENGTH_MOST_MM 40.0

/* Whether two fields of view, in mm, are the same for whoever says them: within 1 %, which no two scan patterns are and
 * the rounding of a spacing is. */
bool fovea_field_agrees(double left_mm, double right_mm);

#endif
