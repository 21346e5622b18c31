/* Each full-size net once, at the best instruction set, against PyTorch's output. */
#include <stdio.h>

#include "catalogue.h"
#include "golden.h"

static int full_size_nets(void) {
    int count = 0;
    while (catalogue_full[count].name != NULL) {
        count++;
    }
    return count;
}

START_TEST(full_size_net_matches_golden_output) {
    struct golden golden = golden_open(&catalogue_full[_i]);
    struct fv_model *model = check_random_model(golden.net);
    struct fv_error error = {0};
    struct fv_threads *threads = NULL;
    check_success(fv_threads_create(0, &threads, &error), &error);
    const double share = golden_compare(&golden, model, threads, false, "default setting");
    printf("%-24s output error %.3f of the tolerance\n", golden.net->name, share);
    fv_threads_destroy(threads);
    fv_model_close(model);
    golden_close(&golden);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"full_size_net_matches_golden_output", full_size_net_matches_golden_output, full_size_nets()},
    };
    return check_run("full-size nets", cases, sizeof cases / sizeof *cases);
}
