/* Every small net against PyTorch's activations, stage by stage, at every setting that the machine has. */
#include <stdio.h>

#include "catalogue.h"
#include "golden.h"

static int small_nets(void) {
    int count = 0;
    while (catalogue_small[count].name != NULL) {
        count++;
    }
    return count;
}

START_TEST(net_matches_golden_stages) {
    struct golden golden = golden_open(&catalogue_small[_i]);
    struct fv_model *model = check_random_model(golden.net);
    struct check_setting settings[CHECK_MAX_SETTINGS];
    const size_t count = check_settings(settings);
    for (size_t i = 0; i < count; i++) {
        char label[64];
        snprintf(label, sizeof label, "%s, gemm %s", fv_isa_name(settings[i].isa), settings[i].gemm_name);
        check_use(&settings[i]);
        const double share = golden_compare(&golden, model, NULL, true, label);
        printf("%-24s %-20s output error %.3f of the tolerance\n", golden.net->name, label, share);
    }
    fv_model_close(model);
    golden_close(&golden);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"net_matches_golden_stages", net_matches_golden_stages, small_nets()},
    };
    return check_run("small nets", cases, sizeof cases / sizeof *cases);
}
