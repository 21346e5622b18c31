/* What results look like on disk: quoting, numbers, encodings, blanks. */
#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/number.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "measure/warnings.h"
#include "pipeline/results.h"
#include "suite.h"
#include "support.h"

static void expect_text(struct fovea_buffer *buffer, const char *expected) {
    ck_assert(!buffer->failed);
    ck_assert_str_eq(buffer->bytes, expected);
    fovea_buffer_clear(buffer);
}

START_TEST(test_csv_fields_are_quoted_only_where_needed) {
    struct fovea_buffer buffer = {0};
    fovea_buffer_csv(&buffer, "plain name");
    fovea_buffer_text(&buffer, ";");
    fovea_buffer_csv(&buffer, "a,b");
    fovea_buffer_text(&buffer, ";");
    fovea_buffer_csv(&buffer, "say \"a\"\n");
    expect_text(&buffer, "plain name;\"a,b\";\"say \"\"a\"\"\n\"");
}
END_TEST

START_TEST(test_html_and_json_text_is_always_utf8) {
    struct fovea_buffer buffer = {0};
    fovea_buffer_html(&buffer, "<a href='x'>&\"\xc3\xa9\xff\x01");
    expect_text(&buffer, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd");
    fovea_buffer_utf8(&buffer, "\xe2\x82");
    expect_text(&buffer, "\xef\xbf\xbd\xef\xbf\xbd");
}
END_TEST

START_TEST(test_base64_is_padded) {
    static const struct {
        const char *bytes, *text;
    } rows[] = {{"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fovea_buffer buffer = {0};
        fovea_buffer_base64(&buffer, (const unsigned char *)rows[i].bytes, strlen(rows[i].bytes));
        expect_text(&buffer, rows[i].text);
    }
}
END_TEST

START_TEST(test_numbers_are_the_shortest_that_read_back) {
    static const struct {
        double number;
        const char *text;
    } rows[] = {{0, "0"},
                {4210, "4210"},
                {0.1, "0.1"},
                {8.7890625e-05, "8.7890625e-05"},
                {-7.5, "-7.5"},
                {0.13029098510742188, "0.13029098510742188"},
                {123456.789, "123456.789"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[FOVEA_NUMBER_SIZE];
        fovea_format_shortest(rows[i].number, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

/* What Python writes for N (a a / z z), and where its notation changes. */
START_TEST(test_areas_are_written_as_python_does) {
    static const struct {
        double number;
        const char *text;
    } rows[] = {{9.0 / 102400 * 0, "0.0"},
                {9.0 / 102400 * 1, "8.7890625e-05"},
                {9.0 / 102400 * 2, "0.00017578125"},
                {9.0 / 102400 * 3571, "0.313857421875"},
                {9.0 / 102400 * 102400, "9.0"},
                {36.0 / (304.0 * 304.0) * 1777, "0.6922177977839336"},
                {0.0001, "0.0001"},
                {0.00001, "1e-05"},
                {1e15, "1000000000000000.0"},
                {1e16, "1e+16"},
                {-2.5, "-2.5"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[FOVEA_NUMBER_SIZE];
        fovea_format_repr(rows[i].number, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

/* Results of three images, and a folder to write them to. */
struct sample {
    struct fovea_input inputs[3];
    struct fovea_result_list list;
    struct fovea_results results;
    const char *folder, *path;
};

/* Three rows: all is known; the mask is empty; unreadable. */
static void begin(struct sample *sample) {
    struct fovea_input *inputs = sample->inputs;
    struct fovea_result_list *list = &sample->list;
    sample->folder = support_make_folder();
    sample->path = support_path(sample->folder, "file");
    inputs[0] = (struct fovea_input){.name = "a,b.png", .stem = "a,b"};
    inputs[1] = (struct fovea_input){.name = "empty.png", .stem = "empty"};
    inputs[2] = (struct fovea_input){.name = "bad\xff.png", .stem = "bad\xff"};
    struct fovea_results results = {
        .command = "run", .field_mm = 3, .layer = "superficial", .planned = 3, .count = 3, .version = FOVEA_VERSION};
    static const struct fovea_model_about segmenter = {.name = "FAZ", .file_name = "faz.gguf", .sha256 = ""};
    static const size_t folds[] = {0, 2};
    results.segmenter = &segmenter;
    results.folds = folds;
    results.fold_count = 2;
    results.folds_most = 5;
    list->items = fv_allocate_zero(3, sizeof *list->items);
    ck_assert_ptr_nonnull(list->items);
    list->count = 3;
    results.source = fovea_result_list_source(list);
    for (size_t i = 0; i < 3; i++) {
        list->items[i].input = &inputs[i];
    }
    list->items[0].remarks = fv_duplicate("two, remarks");
    list->items[0].scan = (struct fovea_scan){.field_x_mm = 4,
                                              .field_y_mm = 3,
                                              .field_source = FOVEA_SOURCE_TABLE,
                                              .has_layer = true,
                                              .layer = FOVEA_LAYER_DEEP,
                                              .layer_source = FOVEA_SOURCE_NAME,
                                              .eye = FOVEA_EYE_LEFT,
                                              .eye_source = FOVEA_SOURCE_DICOM,
                                              .name_size_mm = 6,
                                              .subject = "S,1",
                                              .visit = "2"};
    list->items[1].scan = fovea_scan_of_option(3, FOVEA_LAYER_SUPERFICIAL);
    list->items[0].width = list->items[0].height = 320;
    list->items[0].graded = list->items[0].measured = true;
    list->items[0].grade = (struct fovea_grade){FOVEA_OUTSTANDING, {0.125, 0.25, 0.625}};
    fovea_measures_clear(&list->items[0].measures);
    list->items[0].measures.faz_area_mm2 = 0.25;
    list->items[0].measures.perimeter_method = "crofton";
    list->items[0].measures.warnings = 1U << FOVEA_WARNING_BORDER | 1U << FOVEA_WARNING_OFFSET;
    list->items[0].measures.faz_pixels = list->items[0].measures.largest_pixels = 2844;
    list->items[1].width = list->items[1].height = 320;
    list->items[1].measured = true;
    fovea_measures_clear(&list->items[1].measures);
    list->items[1].measures.faz_area_mm2 = 0.0;
    list->items[2].state = FOVEA_STATE_FAILED;
    list->items[2].reason = fv_duplicate("damaged \"PNG\"");
    sample->results = results;
}

static void end(struct sample *sample) {
    fovea_result_list_clear(&sample->list);
    support_remove_folder(sample->folder);
}

/* The file as text; the caller frees it. */
static char *read_text(const char *path) {
    struct fv_mapping file;
    struct fv_error error = {0};
    ck_assert_int_eq(fv_file_map(path, &file, &error), FV_OK);
    char *text = strndup((const char *)file.bytes, file.size);
    fv_file_unmap(&file);
    return text;
}

typedef enum fv_status writer(const struct fovea_results *results, const char *path, struct fv_error *error);

/* What a writer makes of the results; the caller frees it. */
static char *write_text(writer *write, const struct sample *sample) {
    struct fv_error error = {0};
    ck_assert_msg(write(&sample->results, sample->path, &error) == FV_OK, "%s", error.message);
    return read_text(sample->path);
}

START_TEST(test_csv_has_a_row_an_image_and_blanks_for_what_is_missing) {
    struct sample sample;
    begin(&sample);
    char *text = write_text(fovea_results_write_csv, &sample);
    ck_assert_ptr_nonnull(strstr(text, "file,status,reason,remarks,grade,p_ungradable,p_gradable,p_outstanding,"
                                       "grade_source,grade_partner,faz_area_mm2,"));
    ck_assert_ptr_nonnull(
        strstr(text, "\n\"a,b.png\",ok,,\"two, remarks\",outstanding,0.125000,0.250000,0.625000,own,,0.25,2844,"));
    ck_assert_ptr_nonnull(strstr(text, "\nempty.png,ok,,,,,,,,,0.0,0,0,0,,0,0,,"));
    ck_assert_ptr_nonnull(strstr(text, ",crofton,,"));
    ck_assert_ptr_nonnull(strstr(text,
                                 ",FAZ touches the border of the image; centroid more than 0.6 mm from the centre "
                                 "of the image,,4,3,table,deep,name,OS,dicom,6,"));
    ck_assert_ptr_nonnull(strstr(text, ",,,3,3,3,option,superficial,option,,,,,,320,320,")); /* of the empty mask */
    ck_assert_ptr_nonnull(strstr(text, ",segmenter,segmenter_sha256,tta,folds,exact,tuned,fovea_version\n"));
    ck_assert_ptr_nonnull(strstr(text, ",FAZ,,off,0 2,no,no,0.")); /* one view, two of five folds */
    ck_assert_ptr_nonnull(strstr(text, "\nbad\xff.png,failed,\"damaged \"\"PNG\"\"\",,,,,,,"));
    ck_assert_ptr_nonnull(strstr(text, ",fov_mm,fov_x_mm,fov_y_mm,fov_source,layer,layer_source,eye,eye_source,"
                                       "name_size_mm,subject,visit,width_px,"));
    ck_assert_ptr_nonnull(strstr(text, ",,4,3,table,deep,name,OS,dicom,6,\"S,1\",2,320,320,"));
    free(text);
    end(&sample);
}
END_TEST

START_TEST(test_a_grade_names_the_partner_that_it_comes_from) {
    struct sample sample;
    begin(&sample);
    sample.list.items[0].grade_partner = "p,\"q\".png";
    char *text = write_text(fovea_results_write_csv, &sample);
    ck_assert_ptr_nonnull(strstr(text, "0.625000,partner,\"p,\"\"q\"\".png\",0.25,2844,"));
    free(text);
    text = write_text(fovea_results_write_json, &sample);
    ck_assert_ptr_nonnull(strstr(text, "\"grade_source\":\"partner\",\"grade_partner\":\"p,\\\"q\\\".png\""));
    free(text);
    sample.results.grader = sample.results.segmenter; /* or there is no column of grades */
    text = write_text(fovea_results_write_report, &sample);
    ck_assert_ptr_nonnull(strstr(text, "the grade of p,&quot;q&quot;.png"));
    free(text);
    end(&sample);
}
END_TEST

START_TEST(test_redcap_numbers_the_images_of_a_record) {
    struct sample sample;
    begin(&sample);
    sample.list.items[2].scan.subject = "S,1"; /* as of the first */
    char *text = write_text(fovea_results_write_redcap, &sample);
    ck_assert_int_eq(strncmp(text, "record_id,redcap_repeat_instrument,redcap_repeat_instance,file,status,", 70), 0);
    ck_assert_ptr_nonnull(strstr(text, ",fovea_version,fovea_complete\n\"S,1\",fovea,1,\"a,b.png\",ok,"));
    ck_assert_ptr_nonnull(strstr(text, ",2\nempty,fovea,1,empty.png,ok,"));
    ck_assert_ptr_nonnull(strstr(text, ",2\n\"S,1\",fovea,2,bad\xef\xbf\xbd.png,failed,"));
    const size_t length = strlen(text);
    ck_assert_str_eq(text + length - 3, ",0\n");
    for (size_t i = 0; i < length && text[i] != '\n'; i++) { /* REDCap's names */
        ck_assert(text[i] == ',' || text[i] == '_' || (text[i] >= 'a' && text[i] <= 'z') ||
                  (text[i] >= '0' && text[i] <= '9'));
    }
    free(text);
    end(&sample);
}
END_TEST

START_TEST(test_json_is_valid_whatever_the_names) {
    struct sample sample;
    begin(&sample);
    char *text = write_text(fovea_results_write_json, &sample);
    cJSON *object = cJSON_Parse(text);
    ck_assert_ptr_nonnull(object);
    ck_assert_str_eq(cJSON_GetObjectItem(object, "tta")->valuestring, "off");
    cJSON *folds = cJSON_GetObjectItem(object, "folds");
    ck_assert_int_eq(cJSON_GetArraySize(folds), 2);
    ck_assert_double_eq(cJSON_GetArrayItem(folds, 1)->valuedouble, 2);
    ck_assert_double_eq(cJSON_GetObjectItem(object, "folds_of_model")->valuedouble, 5);
    cJSON *images = cJSON_GetObjectItem(object, "images");
    ck_assert_int_eq(cJSON_GetArraySize(images), 3);
    cJSON *first = cJSON_GetArrayItem(images, 0);
    ck_assert_double_eq(cJSON_GetObjectItem(first, "faz_area_mm2")->valuedouble, 0.25);
    ck_assert_ptr_nonnull(strstr(text, "\"faz_area_mm2\":0.0,")); /* of the empty mask, as in the table */
    ck_assert_str_eq(cJSON_GetObjectItem(first, "remarks")->valuestring, "two, remarks");
    ck_assert_str_eq(cJSON_GetObjectItem(first, "fov_source")->valuestring, "table");
    ck_assert_double_eq(cJSON_GetObjectItem(first, "fov_x_mm")->valuedouble, 4);
    ck_assert_ptr_null(cJSON_GetObjectItem(first, "fov_mm"));
    ck_assert_str_eq(cJSON_GetObjectItem(first, "subject")->valuestring, "S,1");
    cJSON *warnings = cJSON_GetObjectItem(first, "warnings");
    ck_assert_int_eq(cJSON_GetArraySize(warnings), 2);
    ck_assert_str_eq(cJSON_GetArrayItem(warnings, 0)->valuestring, "FAZ touches the border of the image");
    ck_assert_str_eq(cJSON_GetObjectItem(first, "perimeter_method")->valuestring, "crofton");
    ck_assert_ptr_null(cJSON_GetObjectItem(first, "circularity"));
    cJSON *last = cJSON_GetArrayItem(images, 2);
    ck_assert_ptr_null(cJSON_GetObjectItem(last, "fov_source"));
    ck_assert_str_eq(cJSON_GetObjectItem(last, "file")->valuestring, "bad\xef\xbf\xbd.png");
    ck_assert_ptr_null(cJSON_GetObjectItem(last, "faz_area_mm2"));
    cJSON_Delete(object);
    free(text);
    end(&sample);
}
END_TEST

START_TEST(test_memory_may_run_out_anywhere) {
    static writer *const writers[] = {fovea_results_write_csv, fovea_results_write_json, fovea_results_write_report,
                                      fovea_results_write_redcap};
    struct sample sample;
    begin(&sample);
    bool done = false;
    for (long successes = 0; !done && successes < 10000; successes++) {
        struct fv_error error = {0};
        fv_memory_fail_after(successes);
        enum fv_status status = writers[_i](&sample.results, sample.path, &error);
        fv_memory_fail_after(-1);
        done = status == FV_OK;
        ck_assert(done || status == FV_ERROR_MEMORY);
        ck_assert_uint_eq(support_count_entries(sample.folder), done ? 1 : 0);
    }
    ck_assert(done);
    end(&sample);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("results");
    TCase *rules = tcase_create("rules");
    tcase_add_test(rules, test_csv_fields_are_quoted_only_where_needed);
    tcase_add_test(rules, test_html_and_json_text_is_always_utf8);
    tcase_add_test(rules, test_base64_is_padded);
    tcase_add_test(rules, test_numbers_are_the_shortest_that_read_back);
    tcase_add_test(rules, test_areas_are_written_as_python_does);
    tcase_add_test(rules, test_csv_has_a_row_an_image_and_blanks_for_what_is_missing);
    tcase_add_test(rules, test_a_grade_names_the_partner_that_it_comes_from);
    tcase_add_test(rules, test_redcap_numbers_the_images_of_a_record);
    tcase_add_test(rules, test_json_is_valid_whatever_the_names);
    tcase_add_loop_test(rules, test_memory_may_run_out_anywhere, 0, 4);
    suite_add_tcase(suite, rules);
    return suite_run(suite);
}
