/* Every row of the shared fixtures' classifiers: `fovea convert` with the row's options, `fovea infer` on its input,
 * and the logits against those that the original library computed in double precision. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "conversions.h"
#include "support.h"

static const char *fixtures;
static cJSON *manifest;

static const char *field(const cJSON *row, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, key));
    ck_assert_msg(text != NULL, "a row without %s", key);
    return text;
}

START_TEST(logits_are_those_of_the_original_library) {
    const cJSON *row = cJSON_GetArrayItem(manifest, _i), *options = cJSON_GetObjectItemCaseSensitive(row, "options");
    const char *folder = support_make_folder(), *name = field(row, "checkpoint");
    char checkpoint[512], model[512], output[512], input[512], expected[512], command[1200];
    snprintf(checkpoint, sizeof checkpoint, "%s/%s", folder, name);
    snprintf(model, sizeof model, "%s/model.gguf", folder);
    snprintf(output, sizeof output, "%s/output.npy", folder);
    snprintf(input, sizeof input, "%s/%s", fixtures, field(row, "input"));
    snprintf(expected, sizeof expected, "%s/%s", fixtures, field(row, "logits64"));
    snprintf(command, sizeof command, "xz -dc '%s/%s.xz' >'%s'", fixtures, name, checkpoint);
    ck_assert_msg(system(command) == 0, "%s", command);
    ck_assert_msg(cJSON_IsObject(options), "%s: a row without options", name);
    conversions_convert(FOVEA_PROGRAM, checkpoint, options, model);
    conversions_infer(FOVEA_PROGRAM, model, input, output, NULL);
    const struct conversions_difference difference = conversions_compare(output, expected);
    printf("%-36s %-24s difference / range %.1e, %zu of %zu classes equal\n", name, field(row, "input"),
           difference.worst / difference.range, difference.same_class, difference.positions);
    ck_assert_msg(difference.worst <= 1e-4 * difference.range && difference.range > 0,
                  "%s: logits differ by %g of their range %g, expected at most 1e-4", name,
                  difference.worst / difference.range, difference.range);
    ck_assert_uint_eq(difference.same_class, difference.positions);
    support_remove_folder(folder);
}
END_TEST

int main(void) {
    fixtures = support_fixture("classifiers");
    if (fixtures == NULL) {
        return 77; /* meson's "skipped" */
    }
    char path[640], folder[512];
    snprintf(folder, sizeof folder, "%s", fixtures);
    fixtures = folder;
    snprintf(path, sizeof path, "%s/manifest.json", fixtures);
    manifest = conversions_read_json(path);
    if (!cJSON_IsArray(manifest)) {
        fprintf(stderr, "%s: no list of rows\n", path);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("manifest");
    TCase *tests = tcase_create("manifest");
    tcase_add_loop_test(tests, logits_are_those_of_the_original_library, 0, cJSON_GetArraySize(manifest));
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    cJSON_Delete(manifest);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
