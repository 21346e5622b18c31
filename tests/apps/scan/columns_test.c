/* Scans as columns of text, and back. */
#include <string.h>

#include "checks.h"
#include "scan/columns.h"

static const struct fovea_scan scans[] = {
    {0},
    {.field_x_mm = 3,
     .field_y_mm = 3,
     .field_source = FOVEA_SOURCE_OPTION,
     .has_layer = true,
     .layer = FOVEA_LAYER_DEEP,
     .layer_source = FOVEA_SOURCE_NAME,
     .eye = FOVEA_EYE_LEFT,
     .eye_source = FOVEA_SOURCE_DICOM,
     .name_size_mm = 4.5,
     .subject = "S, 1",
     .visit = "first"},
    {.field_x_mm = 2.9999996799999997, .field_y_mm = 6, .field_source = FOVEA_SOURCE_TABLE, .has_layer = true},
};

START_TEST(what_is_told_can_be_taken_back) {
    struct fv_pool texts = {0};
    struct fovea_scan back = {0};
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        struct fovea_buffer text = {0};
        fovea_scan_column_add(&scans[_i], i, &text);
        ck_assert(fovea_scan_column_take(&back, i, text.size > 0 ? text.bytes : "", &texts));
        fovea_buffer_clear(&text);
    }
    const struct fovea_scan *scan = &scans[_i];
    ck_assert(back.field_x_mm == scan->field_x_mm && back.field_y_mm == scan->field_y_mm);
    ck_assert(back.field_source == scan->field_source && back.eye == scan->eye && back.eye_source == scan->eye_source);
    ck_assert(back.has_layer == scan->has_layer && back.layer == scan->layer);
    ck_assert(back.layer_source == scan->layer_source && back.name_size_mm == scan->name_size_mm);
    ck_assert_pstr_eq(back.subject, scan->subject);
    ck_assert_pstr_eq(back.visit, scan->visit);
    fv_pool_clear(&texts);
}
END_TEST

START_TEST(what_was_never_told_is_refused) {
    static const char *const values[] = {"x", "-1", "3 mm", "inf"};
    struct fovea_scan scan = {0};
    struct fv_pool texts = {0};
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        bool free_text =
            strcmp(fovea_scan_columns[i].name, "subject") == 0 || strcmp(fovea_scan_columns[i].name, "visit") == 0;
        for (size_t k = 0; k < sizeof values / sizeof *values && !free_text; k++) {
            ck_assert_msg(!fovea_scan_column_take(&scan, i, values[k], &texts), "%s", fovea_scan_columns[i].name);
        }
    }
    ck_assert(scan.field_x_mm == 0 && !scan.has_layer && scan.eye == FOVEA_EYE_UNKNOWN);
    fv_pool_clear(&texts);
}
END_TEST

/* All that an image's result depends on, and the remarks that stand in it. */
START_TEST(fingerprints_differ_where_results_would) {
    static const struct fovea_scan others[] = {
        {.field_x_mm = 3, .field_y_mm = 3},
        {.field_x_mm = 3, .field_y_mm = 3, .field_is_side = true},
        {.field_x_mm = 3, .field_y_mm = 3, .axial_length_mm = 24},
        {.field_x_mm = 3, .field_y_mm = 3, .page = 2},
        {.field_x_mm = 3, .field_y_mm = 3, .remarks = "eye OD as the table says, not OS as the file does"},
        {.field_x_mm = 3, .field_y_mm = 3, .field_source = FOVEA_SOURCE_TABLE},
        {.field_x_mm = 3, .field_y_mm = 3, .has_layer = true},
    };
    enum { COUNT = sizeof others / sizeof *others };
    struct fovea_buffer texts[COUNT] = {{0}};
    for (size_t i = 0; i < COUNT; i++) {
        fovea_scan_fingerprint(&others[i], &texts[i]);
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(texts[i].bytes, texts[k].bytes);
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        fovea_buffer_clear(&texts[i]);
    }
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"round trip", what_is_told_can_be_taken_back, sizeof scans / sizeof *scans},
        {"fingerprints", fingerprints_differ_where_results_would, 0},
        {"refusals", what_was_never_told_is_refused, 0},
    };
    return check_run("columns of scans", cases, sizeof cases / sizeof *cases);
}
