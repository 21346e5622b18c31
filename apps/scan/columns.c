#include "scan/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

enum column {
    FOV,
    FOV_X,
    FOV_Y,
    FOV_SOURCE,
    LAYER,
    LAYER_SOURCE,
    EYE,
    EYE_SOURCE,
    NAME_SIZE,
    SUBJECT,
    VISIT,
    COLUMN_COUNT,
};

const struct fovea_scan_column fovea_scan_columns[COLUMN_COUNT] = {
    {"fov_mm", true},       {"fov_x_mm", true},      {"fov_y_mm", true}, {"fov_source", false},
    {"layer", false},       {"layer_source", false}, {"eye", false},     {"eye_source", false},
    {"name_size_mm", true}, {"subject", false},      {"visit", false},
};
const size_t fovea_scan_column_count = COLUMN_COUNT;

enum { SOURCE_COUNT = FOVEA_SOURCE_NAME + 1, EYE_COUNT = FOVEA_EYE_LEFT + 1 };

/* A text of `scan` that belongs to a column of words; "" where it is unknown. */
static const char *word_of(const struct fovea_scan *scan, enum column column) {
    switch (column) {
    case FOV_SOURCE:
        return fovea_source_names[scan->field_source];
    case LAYER:
        return fovea_scan_layer_name(scan);
    case LAYER_SOURCE:
        return fovea_source_names[scan->layer_source];
    case EYE:
        return fovea_eye_names[scan->eye];
    case EYE_SOURCE:
        return fovea_source_names[scan->eye_source];
    case SUBJECT:
        return scan->subject != NULL ? scan->subject : "";
    case VISIT:
        return scan->visit != NULL ? scan->visit : "";
    default:
        return "";
    }
}

/* 0 where it is unknown. */
static double number_of(const struct fovea_scan *scan, enum column column) {
    switch (column) {
    case FOV:
        return fabs(scan->field_x_mm - scan->field_y_mm) <= 1e-9 * scan->field_x_mm ? scan->field_x_mm : 0;
    case FOV_X:
        return scan->field_x_mm;
    case FOV_Y:
        return scan->field_y_mm;
    default:
        return scan->name_size_mm;
    }
}

void fovea_scan_column_add(const struct fovea_scan *scan, size_t index, struct fovea_buffer *text) {
    if (!fovea_scan_columns[index].number) {
        fovea_buffer_text(text, word_of(scan, (enum column)index));
        return;
    }
    double number = number_of(scan, (enum column)index);
    if (number > 0) {
        char digits[FOVEA_NUMBER_SIZE];
        fovea_format_shortest(number, digits);
        fovea_buffer_text(text, digits);
    }
}

static bool take_number(struct fovea_scan *scan, enum column column, const char *value) {
    char *end;
    double number = value[0] != '\0' ? strtod(value, &end) : 0;
    if (value[0] != '\0' && (*end != '\0' || !(number > 0) || !isfinite(number))) {
        return false;
    }
    double *const places[] = {
        [FOV_X] = &scan->field_x_mm, [FOV_Y] = &scan->field_y_mm, [NAME_SIZE] = &scan->name_size_mm};
    if (column != FOV) { /* which follows from the others */
        *places[column] = number;
    }
    return true;
}

/* The index of `value` among `count` names, or -1. */
static int find(const char *const *names, int count, const char *value) {
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], value) == 0) {
            return i;
        }
    }
    return -1;
}

static bool take_word(struct fovea_scan *scan, enum column column, const char *value) {
    int source = find(fovea_source_names, SOURCE_COUNT, value), eye = find(fovea_eye_names, EYE_COUNT, value);
    int layer = find(fovea_layer_names, FOVEA_LAYER_COUNT, value);
    switch (column) {
    case FOV_SOURCE:
        scan->field_source = source < 0 ? scan->field_source : (enum fovea_source)source;
        return source >= 0;
    case LAYER_SOURCE:
        scan->layer_source = source < 0 ? scan->layer_source : (enum fovea_source)source;
        return source >= 0;
    case EYE_SOURCE:
        scan->eye_source = source < 0 ? scan->eye_source : (enum fovea_source)source;
        return source >= 0;
    case EYE:
        scan->eye = eye < 0 ? scan->eye : (enum fovea_eye)eye;
        return eye >= 0;
    default: /* LAYER */
        scan->has_layer = layer >= 0;
        scan->layer = layer < 0 ? FOVEA_LAYER_SUPERFICIAL : (enum fovea_layer)layer;
        return layer >= 0 || value[0] == '\0';
    }
}

bool fovea_scan_column_take(struct fovea_scan *scan, size_t index, const char *value, struct fv_pool *texts) {
    if (fovea_scan_columns[index].number) {
        return take_number(scan, (enum column)index, value);
    }
    if (index != SUBJECT && index != VISIT) {
        return take_word(scan, (enum column)index, value);
    }
    const char *copy = value[0] != '\0' ? fv_pool_text(texts, value, strlen(value)) : NULL;
    if (value[0] != '\0' && copy == NULL) {
        return false;
    }
    *(index == SUBJECT ? &scan->subject : &scan->visit) = copy;
    return true;
}

void fovea_scan_fingerprint(const struct fovea_scan *scan, struct fovea_buffer *text) {
    char number[FOVEA_NUMBER_SIZE];
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        fovea_scan_column_add(scan, i, text);
        fovea_buffer_text(text, "\t");
    }
    fovea_format_shortest(scan->axial_length_mm, number);
    fovea_buffer_format(text, "%s\t%u\t%s\t%s", number, (unsigned)scan->page, scan->field_is_side ? "side" : "",
                        scan->remarks != NULL ? scan->remarks : "");
}
