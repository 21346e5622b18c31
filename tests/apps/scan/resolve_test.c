/* What holds where table, file, name and command line say something, and what is remarked. */
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "scan/resolve.h"

static struct fv_pool texts;

static struct fovea_scan resolve(const struct fovea_scan_claims *claims) {
    struct fovea_scan scan;
    struct fv_error error;
    check_success(fovea_scan_resolve(claims, &texts, &scan, &error), &error);
    return scan;
}

static void expect_remark(const struct fovea_scan *scan, const char *part) {
    ck_assert_ptr_nonnull(scan->remarks);
    ck_assert_msg(strstr(scan->remarks, part) != NULL, "'%s' is not in '%s'", part, scan->remarks);
}

START_TEST(nothing_is_guessed) {
    struct fovea_scan scan = resolve(&(struct fovea_scan_claims){.name = "folder/OD_6x6/1.png"});
    ck_assert(scan.field_x_mm == 0 && scan.field_source == FOVEA_SOURCE_NONE);
    ck_assert(scan.eye == FOVEA_EYE_UNKNOWN && !scan.has_layer && scan.name_size_mm == 0);
    ck_assert_ptr_null(scan.remarks);
    ck_assert_ptr_null(scan.subject);
    ck_assert_str_eq(fovea_scan_layer_name(&scan), "");
    /* A size in the name is a size in the name. */
    scan = resolve(&(struct fovea_scan_claims){.name = "1_6x6.png"});
    ck_assert(scan.field_x_mm == 0 && scan.name_size_mm == 6);
    ck_assert_ptr_null(scan.remarks);
}
END_TEST

START_TEST(the_nearer_source_holds) {
    const struct fovea_scan_row row = {.field_x_mm = 6, .field_y_mm = 6, .field_is_side = true, .page = 2};
    const struct fovea_image_facts facts = {
        .width = 300, .height = 200, .spacing_x_mm = 0.015, .spacing_y_mm = 0.0225, .laterality = 'L'};
    struct fovea_scan_claims claims = {.name = "a.dcm", .option_field_mm = 3, .row = &row, .facts = &facts};
    struct fovea_scan scan = resolve(&claims);
    ck_assert(scan.field_x_mm == 6 && scan.field_is_side && scan.field_source == FOVEA_SOURCE_TABLE);
    ck_assert_uint_eq(scan.page, 2);
    expect_remark(&scan, "6 x 6 mm as the table says, not 4.5 x 4.5 mm as the file does");
    expect_remark(&scan, "; field of view 6 x 6 mm as the table says, not 3 x 3 mm as the command line does");
    ck_assert(scan.eye == FOVEA_EYE_LEFT && scan.eye_source == FOVEA_SOURCE_DICOM);
    claims.row = NULL;
    scan = resolve(&claims);
    ck_assert_double_eq_tol(scan.field_x_mm, 4.5, 1e-12);
    ck_assert_double_eq_tol(scan.field_y_mm, 4.5, 1e-12);
    ck_assert(!scan.field_is_side && scan.field_source == FOVEA_SOURCE_DICOM);
    expect_remark(&scan, "as the file says, not 3 x 3 mm as the command line does");
    claims.facts = NULL;
    scan = resolve(&claims);
    ck_assert(scan.field_x_mm == 3 && scan.field_is_side && scan.field_source == FOVEA_SOURCE_OPTION);
    ck_assert_ptr_null(scan.remarks);
}
END_TEST

START_TEST(a_spacing_of_the_table_needs_the_size) {
    const struct fovea_scan_row row = {.spacing_mm = 0.01};
    const struct fovea_image_facts facts = {.width = 300, .height = 200};
    struct fovea_scan scan =
        resolve(&(struct fovea_scan_claims){.name = "a", .row = &row, .facts = &facts, .option_field_mm = 3});
    ck_assert_double_eq_tol(scan.field_x_mm, 3, 1e-12);
    ck_assert_double_eq_tol(scan.field_y_mm, 2, 1e-12);
    ck_assert(scan.field_source == FOVEA_SOURCE_TABLE && !scan.field_is_side);
    scan = resolve(&(struct fovea_scan_claims){.name = "a", .row = &row});
    ck_assert(scan.field_x_mm == 0 && scan.field_source == FOVEA_SOURCE_NONE);
}
END_TEST

/* 3 mm over 304 pixels written with 5 digits, or over 303 intervals, is the 3 mm of the command line. */
START_TEST(roundings_are_no_contradiction) {
    const double spacings[] = {0.00987, 3.0 / 303};
    const struct fovea_image_facts facts = {
        .width = 304, .height = 304, .spacing_x_mm = spacings[_i], .spacing_y_mm = spacings[_i]};
    struct fovea_scan scan =
        resolve(&(struct fovea_scan_claims){.name = "x_3x3.dcm", .facts = &facts, .option_field_mm = 3});
    ck_assert_double_eq(scan.field_x_mm, spacings[_i] * 304);
    ck_assert_ptr_null(scan.remarks);
}
END_TEST

/* Finite numbers that would make an endless or an absurd field of view. */
START_TEST(absurd_spacings_of_the_file_are_not_used) {
    static const double spacings[][2] = {{1e308, 1e308}, {0.01, 1e300}, {1.5, 0.01}, {1e-300, 0.01}};
    const struct fovea_image_facts facts = {
        .width = 304, .height = 304, .spacing_x_mm = spacings[_i][0], .spacing_y_mm = spacings[_i][1]};
    struct fovea_scan scan =
        resolve(&(struct fovea_scan_claims){.name = "x.dcm", .facts = &facts, .option_field_mm = 3});
    ck_assert(scan.field_x_mm == 3 && scan.field_source == FOVEA_SOURCE_OPTION);
    ck_assert_str_eq(scan.remarks, "the file's PixelSpacing is outside 0.00001 to 1 mm, and is not used");
}
END_TEST

START_TEST(eye_and_layer_have_their_order) {
    const struct fovea_scan_row row = {.eye = FOVEA_EYE_RIGHT, .has_layer = true, .layer = FOVEA_LAYER_DEEP};
    const struct fovea_image_facts facts = {.width = 9, .height = 9, .laterality = 'L', .burnt_in = true};
    struct fovea_scan_claims claims = {.name = "OS_SCP.png",
                                       .row = &row,
                                       .facts = &facts,
                                       .option_has_layer = true,
                                       .option_layer = FOVEA_LAYER_SUPERFICIAL};
    struct fovea_scan scan = resolve(&claims);
    ck_assert(scan.eye == FOVEA_EYE_RIGHT && scan.eye_source == FOVEA_SOURCE_TABLE);
    ck_assert(scan.layer == FOVEA_LAYER_DEEP && scan.layer_source == FOVEA_SOURCE_TABLE);
    expect_remark(&scan, "eye OD as the table says, not OS as the file does");
    expect_remark(&scan, "eye OD as the table says, not OS as the file's name does");
    expect_remark(&scan, "deep layer as the table says, not superficial as the file's name does");
    expect_remark(&scan, "not superficial as the command line does");
    expect_remark(&scan, "BurnedInAnnotation");
    claims.row = NULL;
    claims.option_layer = FOVEA_LAYER_DEEP;
    scan = resolve(&claims);
    ck_assert(scan.eye == FOVEA_EYE_LEFT && scan.eye_source == FOVEA_SOURCE_DICOM);
    ck_assert(scan.layer == FOVEA_LAYER_SUPERFICIAL && scan.layer_source == FOVEA_SOURCE_NAME);
    expect_remark(&scan, "superficial layer as the file's name says, not deep as the command line does");
    claims.facts = NULL;
    claims.name = "1.png";
    scan = resolve(&claims);
    ck_assert(scan.eye == FOVEA_EYE_UNKNOWN && scan.eye_source == FOVEA_SOURCE_NONE);
    ck_assert(scan.layer == FOVEA_LAYER_DEEP && scan.layer_source == FOVEA_SOURCE_OPTION);
    ck_assert_str_eq(fovea_scan_layer_name(&scan), "deep");
    ck_assert_ptr_null(scan.remarks);
}
END_TEST

START_TEST(contradictions_within_a_source_are_said) {
    const struct fovea_image_facts facts = {
        .width = 9, .height = 9, .spacing_unclear = true, .laterality_unclear = true};
    struct fovea_scan scan = resolve(&(struct fovea_scan_claims){.name = "OD_OS_SCP_DCP_3x3_6x6.dcm", .facts = &facts});
    expect_remark(&scan, "PixelSpacing contradicts itself");
    expect_remark(&scan, "the file says both eyes");
    expect_remark(&scan, "the file's name says both eyes");
    expect_remark(&scan, "both layers");
    expect_remark(&scan, "several sizes");
    ck_assert(scan.eye == FOVEA_EYE_UNKNOWN && !scan.has_layer && scan.field_x_mm == 0);
    scan = resolve(&(struct fovea_scan_claims){.name = "a 6x6.png", .option_field_mm = 3});
    expect_remark(&scan, "3 x 3 mm as the command line says, although the file's name says 6x6");
}
END_TEST

START_TEST(memory_may_run_out_anywhere) {
    const struct fovea_scan_row row = {.subject = "S", .visit = "1"};
    enum fv_status status = FV_ERROR_MEMORY;
    for (long successes = 0; status != FV_OK && successes < 50; successes++) {
        struct fv_pool pool = {0};
        struct fovea_scan scan;
        struct fv_error error;
        fv_memory_fail_after(successes);
        status = fovea_scan_resolve(&(struct fovea_scan_claims){.name = "OD_OS", .row = &row}, &pool, &scan, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || status == FV_ERROR_MEMORY);
        if (status == FV_OK) {
            ck_assert_str_eq(scan.subject, "S");
            ck_assert_str_eq(scan.visit, "1");
        }
        fv_pool_clear(&pool);
    }
    ck_assert_int_eq(status, FV_OK);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"nothing", nothing_is_guessed, 0},
        {"order", the_nearer_source_holds, 0},
        {"spacing", a_spacing_of_the_table_needs_the_size, 0},
        {"roundings", roundings_are_no_contradiction, 2},
        {"absurd spacings", absurd_spacings_of_the_file_are_not_used, 4},
        {"eye and layer", eye_and_layer_have_their_order, 0},
        {"contradictions", contradictions_within_a_source_are_said, 0},
        {"memory", memory_may_run_out_anywhere, 0},
    };
    return check_run("resolving scans", cases, sizeof cases / sizeof *cases);
}
