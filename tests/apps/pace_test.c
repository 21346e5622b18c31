/* How long a run will still take, with made-up clocks. */
#include "checks.h"
#include "pipeline/pace.h"

static double share_wrong(double told, double truth) {
    return (told > truth ? told - truth : truth - told) / truth;
}

/* One image, 5 folds, 4 views: after the first pass, which is a tenth slower, and 2 % at the end that nobody knows of
 * yet, the time left is right within a tenth. */
START_TEST(right_after_the_first_pass) {
    const double pass = 0.35, load = 0.3, rest = 0.15;
    struct fovea_pace pace = {0};
    fovea_pace_learn(&pace, FOVEA_PACE_LOAD, 1, load);
    fovea_pace_plan(&pace, FOVEA_PACE_LOAD, 4);
    fovea_pace_plan(&pace, FOVEA_PACE_PASS, 20);
    fovea_pace_plan(&pace, FOVEA_PACE_REST, 512 * 512);
    ck_assert_double_eq_tol(fovea_pace_left(&pace), 4 * load, 1e-9);
    double clock = 1000;
    fovea_pace_skip(&pace, clock);
    fovea_pace_settle(&pace, FOVEA_PACE_PASS, 20, 20);
    fovea_pace_lap(&pace, FOVEA_PACE_PASS, 1, clock += 1.1 * pass);
    ck_assert_double_lt(share_wrong(fovea_pace_left(&pace), 19 * pass + 4 * load + rest), 0.1);
    for (int done = 1; done < 20; done++) {
        if (done % 4 == 0) {
            fovea_pace_lap(&pace, FOVEA_PACE_LOAD, 1, clock += load);
        }
        fovea_pace_lap(&pace, FOVEA_PACE_PASS, 1, clock += pass);
    }
    ck_assert_double_eq_tol(fovea_pace_left(&pace), 0, 1e-9);
}
END_TEST

/* Images of 1, 4 and 9 tiles: passes count, not images. */
START_TEST(images_count_by_their_tiles) {
    static const double tiles[] = {9, 1, 4, 1, 4, 9};
    struct fovea_pace pace = {0};
    double left = 0, clock = 5;
    for (size_t i = 0; i < 6; i++) {
        fovea_pace_plan(&pace, FOVEA_PACE_PASS, 4 * tiles[i]);
        left += 4 * tiles[i] * 0.5;
    }
    fovea_pace_skip(&pace, clock);
    for (size_t i = 0; i < 6; i++) {
        fovea_pace_settle(&pace, FOVEA_PACE_PASS, 4 * tiles[i], 4 * tiles[i]);
        for (double done = 0; done < 4 * tiles[i]; done++) {
            fovea_pace_lap(&pace, FOVEA_PACE_PASS, 1, clock += 0.5);
            left -= 0.5;
            ck_assert_double_eq_tol(fovea_pace_left(&pace), left, 1e-9);
        }
    }
}
END_TEST

/* A third of the images is ungradable and one is cropped to half of its tiles: the rest is taken to be like that. */
START_TEST(what_is_open_turns_out_like_what_is_settled) {
    struct fovea_pace pace = {0};
    fovea_pace_plan(&pace, FOVEA_PACE_PASS, 60 * 8);
    fovea_pace_plan(&pace, FOVEA_PACE_GRADE, 60);
    fovea_pace_skip(&pace, 0);
    double clock = 0;
    for (int image = 0; image < 3; image++) {
        fovea_pace_settle(&pace, FOVEA_PACE_GRADE, 1, 1);
        fovea_pace_lap(&pace, FOVEA_PACE_GRADE, 1, clock += 0.1);
    }
    fovea_pace_settle(&pace, FOVEA_PACE_PASS, 8, 0);
    fovea_pace_settle(&pace, FOVEA_PACE_PASS, 16, 12);
    for (int pass = 0; pass < 12; pass++) {
        fovea_pace_lap(&pace, FOVEA_PACE_PASS, 1, clock += 0.25);
    }
    /* 57 images, each 0.1 s and half of 8 passes of 0.25 s. */
    ck_assert_double_eq_tol(fovea_pace_left(&pace), 57 * (0.1 + 4 * 0.25), 1e-9);
}
END_TEST

/* A first pass that is forty times slower than the others tells nothing once there is another; the others tell the cost
 * of the run when they have taken half a second. */
START_TEST(cold_first_pass_is_forgotten) {
    struct fovea_pace pace = {0};
    double clock = 0;
    fovea_pace_plan(&pace, FOVEA_PACE_PASS, 1000);
    fovea_pace_settle(&pace, FOVEA_PACE_PASS, 1000, 1000);
    fovea_pace_skip(&pace, clock);
    ck_assert(!fovea_pace_timed_passes(&pace) && !fovea_pace_knows_passes(&pace));
    fovea_pace_lap(&pace, FOVEA_PACE_PASS, 1, clock += 1.25);
    ck_assert_double_eq_tol(fovea_pace_left(&pace), 999 * 1.25, 1e-9);
    ck_assert(fovea_pace_timed_passes(&pace) && fovea_pace_knows_passes(&pace));
    for (int pass = 1; pass < 40; pass++) {
        fovea_pace_lap(&pace, FOVEA_PACE_PASS, 1, clock += 0.03125);
        ck_assert_double_eq_tol(fovea_pace_left(&pace), (999 - pass) * 0.03125, 1e-6);
        ck_assert_int_eq(fovea_pace_knows_passes(&pace), pass >= 16);
    }
}
END_TEST

int main(void) {
    const struct check_case cases[] = {{"first pass", right_after_the_first_pass, 0},
                                       {"tiles", images_count_by_their_tiles, 0},
                                       {"settled", what_is_open_turns_out_like_what_is_settled, 0},
                                       {"cold", cold_first_pass_is_forgotten, 0}};
    return check_run("pace", cases, 4);
}
