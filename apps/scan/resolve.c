#include "scan/resolve.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "scan/tokens.h"

/* A field of view that somebody claims; 0: nobody. */
struct field {
    double x, y;
    bool is_side;
    enum fovea_source source;
};

/* How remarks call a source. */
static const char *speaker(enum fovea_source source) {
    switch (source) {
    case FOVEA_SOURCE_OPTION:
        return "the command line";
    case FOVEA_SOURCE_TABLE:
        return "the table";
    case FOVEA_SOURCE_DICOM:
        return "the file";
    case FOVEA_SOURCE_NAME:
        return "the file's name";
    case FOVEA_SOURCE_NONE:
        break;
    }
    return "nobody";
}

static void begin_remark(struct fovea_buffer *remarks) {
    fovea_buffer_text(remarks, remarks->size > 0 ? "; " : "");
}

static void remark(struct fovea_buffer *remarks, const char *text) {
    begin_remark(remarks);
    fovea_buffer_text(remarks, text);
}

/* Whether the pixels of an eye can be so far apart. */
static bool is_plausible(const struct fovea_image_facts *facts) {
    return fmin(facts->spacing_x_mm, facts->spacing_y_mm) >= FOVEA_SPACING_LEAST_MM &&
           fmax(facts->spacing_x_mm, facts->spacing_y_mm) <= FOVEA_SPACING_MOST_MM;
}

static void resolve_field(const struct fovea_scan_claims *claims, struct fovea_scan *scan,
                          struct fovea_buffer *remarks) {
    const struct fovea_scan_row *row = claims->row;
    const struct fovea_image_facts *facts = claims->facts;
    struct field fields[3] = {{.source = FOVEA_SOURCE_TABLE}, {.source = FOVEA_SOURCE_DICOM}};
    fields[2] = (struct field){claims->option_field_mm, claims->option_field_mm, true, FOVEA_SOURCE_OPTION};
    if (row != NULL && row->spacing_mm > 0 && facts != NULL) {
        fields[0].x = row->spacing_mm * facts->width;
        fields[0].y = row->spacing_mm * facts->height;
    } else if (row != NULL) {
        fields[0] = (struct field){row->field_x_mm, row->field_y_mm, row->field_is_side, FOVEA_SOURCE_TABLE};
    }
    bool spaced = facts != NULL && facts->spacing_x_mm > 0, plausible = spaced && is_plausible(facts);
    if (plausible) {
        fields[1].x = facts->spacing_x_mm * facts->width;
        fields[1].y = facts->spacing_y_mm * facts->height;
    }
    for (size_t i = 0; i < 3; i++) {
        const struct field *field = &fields[i];
        if (field->x > 0 && scan->field_source == FOVEA_SOURCE_NONE) {
            scan->field_x_mm = field->x;
            scan->field_y_mm = field->y;
            scan->field_is_side = field->is_side;
            scan->field_source = field->source;
        } else if (field->x > 0 && (!fovea_field_agrees(field->x, scan->field_x_mm) ||
                                    !fovea_field_agrees(field->y, scan->field_y_mm))) {
            begin_remark(remarks);
            fovea_buffer_format(remarks, "field of view %.4g x %.4g mm as %s says, not %.4g x %.4g mm as %s does",
                                scan->field_x_mm, scan->field_y_mm, speaker(scan->field_source), field->x, field->y,
                                speaker(field->source));
        }
    }
    if (spaced && !plausible) {
        remark(remarks, "the file's PixelSpacing is outside 0.00001 to 1 mm, and is not used");
    }
    if (facts != NULL && facts->spacing_unclear) {
        remark(remarks, "the file's PixelSpacing contradicts itself or is no positive number, and is not used");
    }
}

/* Takes the eye that `source` says, unless a better one did. */
static void take_eye(enum fovea_eye eye, enum fovea_source source, struct fovea_scan *scan,
                     struct fovea_buffer *remarks) {
    if (eye == FOVEA_EYE_UNKNOWN) {
        return;
    }
    if (scan->eye == FOVEA_EYE_UNKNOWN) {
        scan->eye = eye;
        scan->eye_source = source;
    } else if (scan->eye != eye) {
        begin_remark(remarks);
        fovea_buffer_format(remarks, "eye %s as %s says, not %s as %s does", fovea_eye_names[scan->eye],
                            speaker(scan->eye_source), fovea_eye_names[eye], speaker(source));
    }
}

static void resolve_eye(const struct fovea_scan_claims *claims, const struct fovea_tokens *tokens,
                        struct fovea_scan *scan, struct fovea_buffer *remarks) {
    const struct fovea_image_facts *facts = claims->facts;
    take_eye(claims->row != NULL ? claims->row->eye : FOVEA_EYE_UNKNOWN, FOVEA_SOURCE_TABLE, scan, remarks);
    if (facts != NULL) {
        enum fovea_eye eye = facts->laterality == 'R'   ? FOVEA_EYE_RIGHT
                             : facts->laterality == 'L' ? FOVEA_EYE_LEFT
                                                        : FOVEA_EYE_UNKNOWN;
        take_eye(eye, FOVEA_SOURCE_DICOM, scan, remarks);
    }
    take_eye(tokens->eye, FOVEA_SOURCE_NAME, scan, remarks);
    if (facts != NULL && facts->laterality_unclear) {
        remark(remarks, "the file says both eyes");
    }
    if (tokens->eye_unclear) {
        remark(remarks, "the file's name says both eyes");
    }
}

/* Takes the layer that `source` says, unless a better one did. */
static void take_layer(bool said, enum fovea_layer layer, enum fovea_source source, struct fovea_scan *scan,
                       struct fovea_buffer *remarks) {
    if (said && !scan->has_layer) {
        scan->has_layer = true;
        scan->layer = layer;
        scan->layer_source = source;
    } else if (said && scan->layer != layer) {
        begin_remark(remarks);
        fovea_buffer_format(remarks, "%s layer as %s says, not %s as %s does", fovea_layer_names[scan->layer],
                            speaker(scan->layer_source), fovea_layer_names[layer], speaker(source));
    }
}

static void resolve_layer(const struct fovea_scan_claims *claims, const struct fovea_tokens *tokens,
                          struct fovea_scan *scan, struct fovea_buffer *remarks) {
    if (claims->row != NULL) {
        take_layer(claims->row->has_layer, claims->row->layer, FOVEA_SOURCE_TABLE, scan, remarks);
    }
    take_layer(tokens->has_layer, tokens->layer, FOVEA_SOURCE_NAME, scan, remarks);
    take_layer(claims->option_has_layer, claims->option_layer, FOVEA_SOURCE_OPTION, scan, remarks);
    if (tokens->layer_unclear) {
        remark(remarks, "the file's name says both layers");
    }
}

/* Copies what the row says beside that. */
static enum fv_status take_row(const struct fovea_scan_row *row, struct fv_pool *texts, struct fovea_scan *scan) {
    const char *const sources[] = {row->subject, row->visit};
    const char **const targets[] = {&scan->subject, &scan->visit};
    for (size_t i = 0; i < 2; i++) {
        if (sources[i] != NULL) {
            *targets[i] = fv_pool_text(texts, sources[i], strlen(sources[i]));
            if (*targets[i] == NULL) {
                return FV_ERROR_MEMORY;
            }
        }
    }
    scan->axial_length_mm = row->axial_length_mm;
    scan->page = row->page;
    return FV_OK;
}

static void check_size(const struct fovea_tokens *tokens, const struct fovea_scan *scan, struct fovea_buffer *remarks) {
    if (tokens->size_unclear) {
        remark(remarks, "the file's name says several sizes");
    }
    if (scan->field_x_mm > 0 && scan->name_size_mm > 0 &&
        (!fovea_field_agrees(scan->field_x_mm, scan->name_size_mm) ||
         !fovea_field_agrees(scan->field_y_mm, scan->name_size_mm))) {
        begin_remark(remarks);
        fovea_buffer_format(remarks, "field of view %.4g x %.4g mm as %s says, although the file's name says %gx%g",
                            scan->field_x_mm, scan->field_y_mm, speaker(scan->field_source), scan->name_size_mm,
                            scan->name_size_mm);
    }
}

enum fv_status fovea_scan_resolve(const struct fovea_scan_claims *claims, struct fv_pool *texts,
                                  struct fovea_scan *scan, struct fv_error *error) {
    struct fovea_tokens tokens;
    struct fovea_buffer remarks = {0};
    *scan = (struct fovea_scan){0};
    fovea_tokens_read(claims->name, &tokens);
    scan->name_size_mm = tokens.size_mm;
    resolve_field(claims, scan, &remarks);
    check_size(&tokens, scan, &remarks);
    resolve_eye(claims, &tokens, scan, &remarks);
    resolve_layer(claims, &tokens, scan, &remarks);
    if (claims->facts != NULL && claims->facts->burnt_in) {
        remark(&remarks, "BurnedInAnnotation: text in the picture, perhaps a name");
    }
    enum fv_status status = claims->row != NULL ? take_row(claims->row, texts, scan) : FV_OK;
    if (remarks.size > 0) {
        scan->remarks = fv_pool_text(texts, remarks.bytes, remarks.size);
    }
    bool complete = status == FV_OK && !remarks.failed && (remarks.size == 0 || scan->remarks != NULL);
    fovea_buffer_clear(&remarks);
    return complete ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", claims->name);
}
