/* Which images a project of the published program holds, and which of them it could not use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "checks.h"
#include "coips/layout.h"
#include "coips/listing.h"
#include "fovea/memory.h"
#include "support.h"

/* Makes an empty file; its name is one of an image. */
static void make_file(const char *project, const char *folder, const char *name) {
    char *path = coips_path(project, folder, name);
    char *above = strdup(path);
    ck_assert(path != NULL && above != NULL);
    *strrchr(above, '/') = '\0';
    ck_assert_int_eq(fovea_folder_make(above, NULL), FV_OK);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    free(above);
    fv_release(path);
}

static const char *make_project(void) {
    const char *project = support_make_folder();
    static const char *const raw[] = {"b.jpg", "a.x.png",  "xjpeg.jpeg", "c.tif",    "d.tiff",   "E.PNG",
                                      "f.png", "same.png", "same.jpg",   "note.txt", "sub/g.png"};
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
        make_file(project, COIPS_RAW, raw[i]);
    }
    make_file(project, COIPS_PROCESSED, "b.png"); /* made of b.jpg */
    make_file(project, COIPS_PROCESSED, "earlier.png");
    make_file(project, COIPS_PROCESSED, "earlier.jpg");
    make_file(project, coips_grade_folders[FOVEA_GRADABLE], "earlier.png"); /* a copy */
    make_file(project, coips_grade_folders[FOVEA_GRADABLE], "moved.png");
    return project;
}

struct row {
    const char *name, *png, *stem;
    bool convert;
    const char *refusal; /* a part of it; NULL: none */
};

static const struct row rows[] = {
    {"raw_OCTA_images/E.PNG", "E.PNG", "E", false, "small letters"},
    {"raw_OCTA_images/a.x.png", "a.x.png", "a", false, NULL},
    {"raw_OCTA_images/b.jpg", "b.png", "b", true, NULL},
    {"raw_OCTA_images/c.tif", "c.png", "c", true, NULL},
    {"raw_OCTA_images/d.tiff", "d.tiff", "d", false, "small letters"},
    {"processed_OCTA_images/0/earlier.jpg", "earlier.jpg", "earlier", false, "not named .png"},
    {"processed_OCTA_images/0/earlier.png", "earlier.png", "earlier", false, NULL},
    {"raw_OCTA_images/f.png", "f.png", "f", false, NULL},
    {"quality_assessment/gradable/moved.png", "moved.png", "moved", false, "cannot grade"},
    {"raw_OCTA_images/same.jpg", "same.png", "same", true, "first dot"},
    {"raw_OCTA_images/same.png", "same.png", "same", false, "first dot"},
    {"raw_OCTA_images/sub/g.png", "sub/g.png", "sub/g", false, "subfolder"},
    {"raw_OCTA_images/xjpeg.jpeg", "xjpeg.png", "xjpeg", true, NULL},
};
enum { ROWS = sizeof rows / sizeof *rows };

START_TEST(lists_images_and_what_is_wrong_with_them) {
    const char *project = make_project();
    bool deep = _i == 1;
    struct coips_listing listing;
    struct fv_error error = {0};
    check_success(coips_list(project, deep ? FOVEA_LAYER_DEEP : FOVEA_LAYER_SUPERFICIAL, &listing, &error), &error);
    ck_assert_uint_eq(listing.count, ROWS);
    ck_assert_uint_eq(listing.ignored, 1);
    for (size_t i = 0; i < ROWS; i++) {
        const struct coips_image *image = &listing.items[i];
        ck_assert_str_eq(image->input.name, rows[i].name);
        ck_assert_str_eq(image->png, rows[i].png);
        ck_assert_str_eq(image->stem, rows[i].stem);
        ck_assert_int_eq(image->convert, rows[i].convert);
        /* Where deep images lie they need no grade. */
        const char *refusal = deep && strstr(rows[i].name, "moved") != NULL ? NULL : rows[i].refusal;
        ck_assert_msg((refusal == NULL) == (image->refusal == NULL), "%s: %s", rows[i].name, image->refusal);
        ck_assert(refusal == NULL || strstr(image->refusal, refusal) != NULL);
    }
    coips_listing_clear(&listing);
    support_remove_folder(project);
}
END_TEST

START_TEST(a_folder_that_is_no_project_is_said_to_be_none) {
    const char *folder = support_make_folder();
    struct coips_listing listing;
    struct fv_error error = {0};
    check_failure(coips_list(folder, FOVEA_LAYER_DEEP, &listing, &error), &error, FV_ERROR_FILE, "has neither");
    ck_assert_uint_eq(listing.count, 0);
    support_remove_folder(folder);
}
END_TEST

START_TEST(memory_may_run_out_anywhere) {
    const char *project = make_project();
    bool done = false;
    for (long successes = 0; !done && successes < 1000; successes++) {
        struct coips_listing listing;
        struct fv_error error = {0};
        fv_memory_fail_after(successes);
        enum fv_status status = coips_list(project, FOVEA_LAYER_DEEP, &listing, &error);
        fv_memory_fail_after(-1);
        done = status == FV_OK;
        ck_assert_msg(done || status == FV_ERROR_MEMORY, "%s", error.message);
        coips_listing_clear(&listing);
    }
    ck_assert(done);
    support_remove_folder(project);
}
END_TEST

START_TEST(paths_are_joined_as_python_does) {
    static const struct {
        const char *project, *folder, *name, *path;
    } cases[] = {
        {"base", "report", "a.csv", "base/report/a.csv"},
        {"base/", "report", "a.csv", "base/report/a.csv"},
        {"", "report", "", "report"},
        {"/", COIPS_PROCESSED, "x", "/processed_OCTA_images/0/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = coips_path(cases[i].project, cases[i].folder, cases[i].name);
        ck_assert_str_eq(path, cases[i].path);
        fv_release(path);
    }
    char *path = coips_product_path("p", FOVEA_OUTSTANDING, COIPS_NIFTI, "eye", 3);
    ck_assert_str_eq(path, "p/FAZ_segmentation/outstanding/predict_nii/eye_0003.nii.gz");
    fv_release(path);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"listing", lists_images_and_what_is_wrong_with_them, 2},
        {"no project", a_folder_that_is_no_project_is_said_to_be_none, 0},
        {"memory", memory_may_run_out_anywhere, 0},
        {"paths", paths_are_joined_as_python_does, 0},
    };
    return check_run("coips listing", cases, sizeof cases / sizeof cases[0]);
}
