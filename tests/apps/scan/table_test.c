/* Tables of scans: what is understood, what is refused and where, and which image a row is about. */
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "scan/table.h"

static enum fv_status parse(const char *text, struct fovea_scan_table *table, struct fv_error *error) {
    return fovea_scan_table_parse("t.csv", (const uint8_t *)text, strlen(text), table, error);
}

static struct fovea_scan_table read_good(const char *text) {
    struct fovea_scan_table table;
    struct fv_error error;
    check_success(parse(text, &table, &error), &error);
    return table;
}

START_TEST(every_column_is_understood) {
    struct fovea_scan_table table = read_good(
        "age;FILE;fov_mm;fov_x_mm;fov_y_mm;pixel_spacing_mm;Eye;layer;axial_length_mm;subject;visit;page_number;x\n"
        "7;\"a;b.png\";3;;;;od;DCP;23.95; S 1 ;2;4;\n"
        ";b.png;;6;4.5;;left;svc;;;;;\n"
        ";c.png;;;;0.00986842105263158;;;;;;;\n"
        ";d.png;;;;;;;;;;;\n");
    ck_assert_uint_eq(table.count, 4);
    ck_assert_str_eq(table.unused, "age, x");
    const struct fovea_scan_row *row = table.rows;
    ck_assert_uint_eq(row->line, 2);
    ck_assert_str_eq(row->file, "a;b.png");
    ck_assert(row->field_x_mm == 3 && row->field_y_mm == 3 && row->field_is_side && row->spacing_mm == 0);
    ck_assert(row->eye == FOVEA_EYE_RIGHT && row->has_layer && row->layer == FOVEA_LAYER_DEEP);
    ck_assert_double_eq(row->axial_length_mm, 23.95);
    ck_assert_str_eq(row->subject, "S 1");
    ck_assert_str_eq(row->visit, "2");
    ck_assert_uint_eq(row->page, 4);
    row++;
    ck_assert(row->field_x_mm == 6 && row->field_y_mm == 4.5 && !row->field_is_side);
    ck_assert(row->eye == FOVEA_EYE_LEFT && row->has_layer && row->layer == FOVEA_LAYER_SUPERFICIAL);
    ck_assert_ptr_null(row->subject);
    row++;
    ck_assert_double_eq(row->spacing_mm, 0.00986842105263158);
    row++;
    ck_assert(row->field_x_mm == 0 && row->eye == FOVEA_EYE_UNKNOWN && !row->has_layer && row->page == 0);
    fovea_scan_table_clear(&table);
}
END_TEST

START_TEST(what_is_not_understood_is_refused_with_its_line) {
    static const char *const tables[][2] = {
        {"", "line 1: expected a header"},
        {"fov_mm\n3\n", "line 1: expected a header with the column file"},
        {"file,fov_mm,FOV_MM\n", "'fov_mm' is there twice"},
        {"file,fov\n", "no column 'fov': expected fov_mm"},
        {"file,fov_m\n", "did you mean 'fov_mm'?"},
        {"file,AxialLength\n", "no column 'AxialLength'"},
        {"file,layr\n", "did you mean 'layer'?"},
        {"file,fov_mm\na.png\n", "line 2: expected 2 fields, found 1"},
        {"file,fov_mm\na.png,3,4\n", "line 2: expected 2 fields, found 3"},
        {"file,eye\n\na\"b,R\n", "line 3: expected 2 fields, found 2; a quote"},
        {"file,fov_mm\na.png,3\nb.png,three\n", "line 3: fov_mm: expected millimetres from 0.1 to 100, found 'three'"},
        {"file;fov_mm\na.png;3,0\n", "found '3,0'"},
        {"file,fov_mm\na.png,0\n", "found '0'"},
        {"file,fov_mm\na.png,-3\n", "found '-3'"},
        {"file,fov_mm\na.png,nan\n", "found 'nan'"},
        {"file,fov_mm\na.png,101\n", "found '101'"},
        {"file,fov_x_mm,fov_y_mm\na.png,3,\n", "line 2: fov_x_mm and fov_y_mm: one is blank"},
        {"file,fov_mm,pixel_spacing_mm\na.png,3,0.01\n", "line 2: the field of view is said in two ways"},
        {"file,fov_mm,fov_x_mm,fov_y_mm\na.png,3,3,3\n", "line 2: the field of view is said in two ways"},
        {"file,pixel_spacing_mm\na.png,10\n", "pixel_spacing_mm: expected"},
        {"file,eye\na.png,both\n", "line 2: eye: expected OD, OS"},
        {"file,layer\na.png,middle\n", "line 2: layer: expected superficial"},
        {"file,axial_length_mm\na.png,2395\n", "axial_length_mm: expected millimetres from 14 to 40"},
        {"file,axial_length_mm\na.png,13.9\n", "found '13.9'"},
        {"file,page_number\na.png,0\n", "page_number: expected a page from 1"},
        {"file,page_number\na.png,1e300\n", "found '1e300'"},
        {"file,page_number\na.png,1.5\n", "expected a whole number"},
        {"file,eye\n ,R\n", "line 2: the file is blank"},
        {"file,subject\n\"a,b\n", "line 2: a quoted field"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct fovea_scan_table table;
        struct fv_error error;
        check_failure(parse(tables[i][0], &table, &error), &error, FV_ERROR_FORMAT, tables[i][1]);
        ck_assert_ptr_nonnull(strstr(error.message, "t.csv"));
        ck_assert_ptr_null(table.rows);
    }
    struct fovea_scan_table table;
    struct fv_error error;
    check_failure(fovea_scan_table_read("absent.csv", &table, &error), &error, FV_ERROR_FILE, "absent.csv");
}
END_TEST

static const char *const names[] = {"a.png", "x/b.png", "x/c.png", "y/c.png", "z/a.png", "same.png", "same.png"};
enum { NAMES = sizeof names / sizeof *names };

START_TEST(rows_find_their_images) {
    struct fovea_scan_table table = read_good("file,fov_mm\nb.png,3\ny/c.png,6\n./a.png,1\n");
    const struct fovea_scan_row *rows[NAMES];
    struct fv_error error;
    check_success(fovea_scan_table_match(&table, names, NAMES, rows, &error), &error);
    ck_assert_ptr_eq(rows[0], &table.rows[2]); /* the whole name goes first */
    ck_assert_ptr_eq(rows[1], &table.rows[0]);
    ck_assert_ptr_null(rows[2]);
    ck_assert_ptr_eq(rows[3], &table.rows[1]);
    ck_assert_ptr_null(rows[4]);
    fovea_scan_table_clear(&table);
}
END_TEST

START_TEST(rows_without_one_image_are_refused) {
    static const char *const tables[][2] = {
        {"file\nz.png\n", "t.csv, line 2: no input is called 'z.png'"},
        {"file\na.png\nw/b.png\n", "line 3: no input is called 'w/b.png'"},
        {"file\nc.png\n", "line 2: 2 inputs are called 'c.png'"},
        {"file\nsame.png\n", "line 2: 2 inputs are called 'same.png'"},
        {"file\nb.png\n\nx/b.png\n", "lines 2 and 4 are both about 'x/b.png'"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct fovea_scan_table table = read_good(tables[i][0]);
        const struct fovea_scan_row *rows[NAMES];
        struct fv_error error;
        check_failure(fovea_scan_table_match(&table, names, NAMES, rows, &error), &error, FV_ERROR_FORMAT,
                      tables[i][1]);
        fovea_scan_table_clear(&table);
    }
}
END_TEST

START_TEST(memory_may_run_out_anywhere) {
    static const char text[] = "file,eye,subject,age\na.png,R,S1,7\nx/b.png,L,S2,8\n";
    enum fv_status status = FV_ERROR_MEMORY;
    for (long successes = 0; status != FV_OK && successes < 200; successes++) {
        struct fovea_scan_table table;
        struct fv_error error;
        const struct fovea_scan_row *rows[NAMES];
        fv_memory_fail_after(successes);
        status = parse(text, &table, &error);
        status = status != FV_OK ? status : fovea_scan_table_match(&table, names, NAMES, rows, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || status == FV_ERROR_MEMORY);
        fovea_scan_table_clear(&table);
    }
    ck_assert_int_eq(status, FV_OK);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"columns", every_column_is_understood, 0}, {"refusals", what_is_not_understood_is_refused_with_its_line, 0},
        {"matches", rows_find_their_images, 0},     {"no match", rows_without_one_image_are_refused, 0},
        {"memory", memory_may_run_out_anywhere, 0},
    };
    return check_run("table of scans", cases, sizeof cases / sizeof *cases);
}
