/* full-test PROGRAM FOLDER NET...: converts each full-size checkpoint that tests/full/run made, runs it, and compares
 * with what PyTorch computed in float32: logits within 1e-4 of their range and the same class, a softmax within 3e-5.
 * Random weights may make a net so sensitive that PyTorch's own float32 result is farther than that from its double
 * precision one; of two such results each may be that far off, so twice PyTorch's own distance is allowed as well.
 * Conversion streams: its memory stays under twice the largest tensor and 64 MB. Prints the table. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conversions.h"
#include "fovea/model.h"
#include "suite.h"

enum { PATH_SIZE = 1024 };

static const double logit_share = 1e-4, probability_error = 3e-5;
static const char *program, *folder;
static char **nets;

struct path {
    char text[PATH_SIZE];
};

static struct path path_of(const char *net, const char *end) {
    struct path path;
    snprintf(path.text, sizeof path.text, "%s/%s%s", folder, net, end);
    return path;
}

/* The bytes of the largest tensor of a model. */
static size_t largest_tensor(const char *path) {
    struct fv_error error = {0};
    struct fv_model *model;
    size_t largest = 0;
    ck_assert_msg(fv_model_open(path, &model, &error) == FV_OK, "%s", error.message);
    for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
        const size_t bytes = fv_model_tensor_at(model, i)->bytes;
        largest = bytes > largest ? bytes : largest;
    }
    fv_model_close(model);
    return largest;
}

/* The largest differences, of logits relative to their range. */
struct distances {
    double ours, ours_double,
        theirs_double; /* from PyTorch's float32; from its double; of PyTorch's own float32 from it */
    size_t positions, same_class;
};

static struct distances compare(const char *net, const char *ours) {
    const struct path single = path_of(net, ".output.npy"), exact = path_of(net, ".double.npy");
    const struct conversions_difference to_single = conversions_compare(ours, single.text);
    const struct conversions_difference to_exact = conversions_compare(ours, exact.text);
    const struct conversions_difference own = conversions_compare(single.text, exact.text);
    const double unit = to_single.positions == 1 ? own.range : 1;
    return (struct distances){to_single.worst / unit, to_exact.worst / unit, own.worst / unit, to_single.positions,
                              to_single.same_class};
}

static void print_row(const char *net, const char *option, const struct distances *distances,
                      const struct conversions_cost *conversion, size_t largest) {
    printf("| %s%s | %s | %.2e | %.2e | %.2e | %zu of %zu | %.2f | %.1f | %.1f |\n", net,
           option != NULL ? " --exact" : "", distances->positions == 1 ? "logits / range" : "softmax", distances->ours,
           distances->ours_double, distances->theirs_double, distances->same_class, distances->positions,
           conversion->seconds, (double)conversion->peak_bytes / 1e6, (double)largest / 1e6);
    fflush(stdout);
}

/* One way of running the converted model. */
static void check_run_of(const char *net, const char *option, const struct conversions_cost *conversion) {
    const struct path model = path_of(net, ".gguf"), ours = path_of(net, ".fovea.npy");
    conversions_infer(program, model.text, path_of(net, ".input.npy").text, ours.text, option);
    const struct distances distances = compare(net, ours.text);
    print_row(net, option, &distances, conversion, largest_tensor(model.text));
    ck_assert_int_eq(unlink(ours.text), 0);
    const bool classifier = distances.positions == 1;
    const double allowed = fmax(classifier ? logit_share : probability_error, 2 * distances.theirs_double);
    ck_assert_msg(distances.ours <= allowed, "%s%s: off by %g, expected at most %g", net,
                  option != NULL ? " --exact" : "", distances.ours, allowed);
    ck_assert(!classifier || distances.same_class == 1);
}

static const char *const run_options[] = {NULL, "--exact"};

START_TEST(full_size_checkpoint_gives_the_outputs_of_pytorch) {
    const char *net = nets[_i / 2];
    const struct path model = path_of(net, ".gguf");
    cJSON *facts = conversions_read_json(path_of(net, ".json").text);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, "checkpoint"));
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(facts, "options");
    ck_assert_msg(name != NULL && cJSON_IsObject(options), "%s.json lacks checkpoint or options", net);
    const struct conversions_cost cost = conversions_convert(program, path_of(name, "").text, options, model.text);
    const size_t largest = largest_tensor(model.text);
    ck_assert_msg(cost.peak_bytes <= 2 * largest + ((size_t)64 << 20), "%s: the conversion took %zu bytes of memory",
                  net, cost.peak_bytes);
    check_run_of(net, run_options[_i % 2], &cost);
    ck_assert_int_eq(unlink(model.text), 0);
    cJSON_Delete(facts);
}
END_TEST

int main(int count, char **arguments) {
    if (count < 4) {
        fprintf(stderr, "usage: full-test PROGRAM FOLDER NET...\n");
        return 2;
    }
    program = arguments[1];
    folder = arguments[2];
    nets = arguments + 3;
    printf(
        "| net | worst difference of | from PyTorch float32 | from double | PyTorch's own from double | class equal | "
        "conversion s | its peak MB | largest tensor MB |\n|---|---|---|---|---|---|---|---|---|\n");
    Suite *suite = suite_create("full");
    TCase *tests = tcase_create("full");
    tcase_add_loop_test(tests, full_size_checkpoint_gives_the_outputs_of_pytorch, 0, 2 * (count - 3));
    tcase_set_timeout(tests, 600);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
