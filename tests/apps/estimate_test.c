/* What is said before a long run. */
#include "checks.h"
#include "pipeline/estimate.h"

START_TEST(says_what_would_be_saved) {
    /* 40 images x 2 tiles x 4 views x 5 folds x 0.5 s = 800 s. */
    struct fovea_cost cost = {
        .images = 40, .tiles = 80, .views = 4, .views_most = 4, .folds = 5, .folds_most = 5, .pass_seconds = 0.5};
    char text[FOVEA_COST_SIZE];
    ck_assert(fovea_cost_describe(&cost, text));
    ck_assert_str_eq(text,
                     "segmenting 40 images: about 13 min with 5 of 5 folds and 4 of 4 views; --tta off would save "
                     "10 min; each fold that --folds leaves out saves 2 min 40 s");
    cost.fixed = true;
    ck_assert(fovea_cost_describe(&cost, text));
    ck_assert_str_eq(text, "segmenting 40 images: about 13 min with 5 of 5 folds and 4 of 4 views");
    cost.fixed = false;
    cost.views = 1;
    cost.folds = 2; /* 80 s */
    ck_assert(fovea_cost_describe(&cost, text));
    ck_assert_str_eq(text, "segmenting 40 images: about 80 s with 2 of 5 folds and 1 of 4 views, which saves 12 min");
    cost.loads = 9; /* of 2 folds, 90 s */
    cost.load_seconds = 10;
    ck_assert(fovea_cost_describe(&cost, text));
    ck_assert_str_eq(text,
                     "segmenting 40 images: about 2 min 50 s with 2 of 5 folds and 1 of 4 views, which saves 14 min");
    cost.loads = 0;
    cost.folds_most = cost.folds = cost.views_most = 1;
    cost.images = 80;
    cost.tiles = 160; /* 80 s, and nothing to choose */
    ck_assert(fovea_cost_describe(&cost, text));
    ck_assert_str_eq(text, "segmenting 80 images: about 80 s with 1 of 1 folds and 1 of 1 views");
    cost.tiles = 118; /* 59 s */
    ck_assert(!fovea_cost_describe(&cost, text));
}
END_TEST

int main(void) {
    const struct check_case cases[] = {{"words", says_what_would_be_saved, 0}};
    return check_run("estimate", cases, 1);
}
