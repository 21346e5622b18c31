/* Deep images and the superficial ones that they belong to. */
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "scan/pairs.h"
#include "scan/resolve.h"

enum { MOST = 8 };

/* Images by their names and what a table says of them, and the partner of each: an index or one of these. */
enum { NO = -1, MANY = -2, NOT = -3 };

struct image {
    const char *path, *subject, *visit;
    enum fovea_eye eye;
    double field_mm;
    int partner;
};

struct set {
    const char *about;
    struct image images[MOST];
};

static const struct set sets[] = {
    {"names that differ by the layer",
     {{"d/110 SCP OS.png", .partner = NOT},
      {"d/110 DCP OS.png", .partner = 0},
      {"d/110 SCP OD.png", .partner = NOT},
      {"d/110 DCP OD.png", .partner = 2},
      {"d/111 DCP OD.png", .partner = NO}}},
    {"tokens at any place, of any family",
     {{"superficial_7.png", .partner = NOT},
      {"deep_7.jpg", .partner = 0},
      {"7_OD_ICP.png", .partner = 3},
      {"7_OD_SVC.png", .partner = NOT}}},
    {"two deep images of one superficial",
     {{"a_SCP.png", .partner = NOT}, {"a_DCP.png", .partner = 0}, {"a_ICP.png", .partner = 0}}},
    {"another folder, size or number",
     {{"x/a_3x3_SCP.png", .partner = NOT},
      {"y/a_3x3_DCP.png", .partner = NO},
      {"x/a_6x6_DCP.png", .partner = NO},
      {"x/b_3x3_DCP.png", .partner = NO}}},
    {"several that fit",
     {{"a_SCP.png", .partner = NOT}, {"a_SVC.png", .partner = NOT}, {"a_DCP.png", .partner = MANY}}},
    {"layers that no name says", {{"a.png", .partner = NOT}, {"a_DCP.png", .partner = NO}}},
    {"subjects and visits of a table",
     {{"1_SCP.png", "S1", "1", FOVEA_EYE_RIGHT, 3, NOT},
      {"2_DCP.png", "S1", "1", FOVEA_EYE_RIGHT, 3, 0},
      {"3_DCP.png", "S1", "2", FOVEA_EYE_RIGHT, 3, NO},
      {"4_DCP.png", "S1", "1", FOVEA_EYE_LEFT, 3, NO},
      {"5_DCP.png", "S2", "1", FOVEA_EYE_RIGHT, 3, NO},
      {"6_DCP.png", "S1", "1", FOVEA_EYE_RIGHT, 6, NO},
      {"7_DCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 3, NO},
      {"8_DCP.png", "S1", "1", FOVEA_EYE_UNKNOWN, 3, NO}}},
    {"sizes that names say",
     {{"1_3x3_SCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 0, NOT},
      {"2_6x6_DCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 0, NO},
      {"3_3x3_DCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 0, 0}}},
    {"repeated scans of a visit, told apart by their names",
     {{"s_1_SCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 3, NOT},
      {"s_2_SCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 3, NOT},
      {"s_1_DCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 3, 0},
      {"s_2_DCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 3, 1},
      {"s_3_DCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 3, MANY}}},
    {"names that fit and a table that does not",
     {{"a_SCP.png", "S1", NULL, FOVEA_EYE_RIGHT, 3, NOT}, {"a_DCP.png", "S2", NULL, FOVEA_EYE_RIGHT, 3, NO}}},
    {"a table that knows one of them",
     {{"a_SCP.png", "S1", "1", FOVEA_EYE_RIGHT, 3, NOT}, {"a_DCP.png", NULL, NULL, FOVEA_EYE_RIGHT, 0, 0}}},
};

static size_t make(const struct image *images, struct fovea_scan *scans, struct fovea_pair_item *items,
                   struct fv_pool *texts) {
    size_t count = 0;
    for (; count < MOST && images[count].path != NULL; count++) {
        const struct image *image = &images[count];
        const struct fovea_scan_row row = {.subject = image->subject,
                                           .visit = image->visit,
                                           .eye = image->eye,
                                           .field_x_mm = image->field_mm,
                                           .field_y_mm = image->field_mm};
        struct fv_error error;
        check_success(fovea_scan_resolve(&(struct fovea_scan_claims){.name = image->path, .row = &row}, texts,
                                         &scans[count], &error),
                      &error);
        items[count] = (struct fovea_pair_item){image->path, &scans[count]};
    }
    return count;
}

START_TEST(pairs_are_found_and_not_guessed) {
    struct fovea_scan scans[MOST];
    struct fovea_pair_item items[MOST];
    struct fovea_pair pairs[MOST];
    struct fv_pool texts = {0};
    struct fv_error error;
    const struct set *set = &sets[_i];
    size_t count = make(set->images, scans, items, &texts);
    check_success(fovea_pairs_find(items, count, pairs, &error), &error);
    for (size_t i = 0; i < count; i++) {
        const struct fovea_pair *pair = &pairs[i];
        int found = pair->state == FOVEA_PAIR_FOUND       ? (int)pair->partner
                    : pair->state == FOVEA_PAIR_ABSENT    ? NO
                    : pair->state == FOVEA_PAIR_AMBIGUOUS ? MANY
                                                          : NOT;
        ck_assert_msg(found == set->images[i].partner, "%s: %s has %d, expected %d", set->about, items[i].path, found,
                      set->images[i].partner);
        ck_assert((pair->reason != NULL) == (found == NO || found == MANY));
    }
    fv_pool_clear(&texts);
}
END_TEST

/* The order of the images makes no difference. */
START_TEST(order_does_not_matter) {
    struct fovea_scan scans[MOST];
    struct fovea_pair_item items[MOST], turned[MOST];
    struct fovea_pair pairs[MOST];
    struct fv_pool texts = {0};
    struct fv_error error;
    const struct set *set = &sets[_i];
    size_t count = make(set->images, scans, items, &texts);
    for (size_t i = 0; i < count; i++) {
        turned[count - 1 - i] = items[i];
    }
    check_success(fovea_pairs_find(turned, count, pairs, &error), &error);
    for (size_t i = 0; i < count; i++) {
        const struct fovea_pair *pair = &pairs[count - 1 - i];
        ck_assert((pair->state == FOVEA_PAIR_FOUND) == (set->images[i].partner >= 0));
        ck_assert(pair->state != FOVEA_PAIR_FOUND || (int)(count - 1 - pair->partner) == set->images[i].partner);
    }
    fv_pool_clear(&texts);
}
END_TEST

START_TEST(ten_thousand_images_and_no_memory) {
    enum { PAIRS = 5000, COUNT = 2 * PAIRS };
    static char paths[COUNT][32];
    static struct fovea_scan scans[COUNT];
    static struct fovea_pair_item items[COUNT];
    static struct fovea_pair pairs[COUNT];
    struct fv_error error;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(paths[i], sizeof paths[i], "f/%zu_%s.png", i / 2, i % 2 == 0 ? "SCP" : "DCP");
        scans[i] =
            (struct fovea_scan){.has_layer = true, .layer = i % 2 == 0 ? FOVEA_LAYER_SUPERFICIAL : FOVEA_LAYER_DEEP};
        items[i] = (struct fovea_pair_item){paths[i], &scans[i]};
    }
    check_success(fovea_pairs_find(items, COUNT, pairs, &error), &error);
    for (size_t i = 1; i < COUNT; i += 2) {
        ck_assert(pairs[i].state == FOVEA_PAIR_FOUND && pairs[i].partner == i - 1);
    }
    enum fv_status status = FV_ERROR_MEMORY;
    for (long successes = 0; status != FV_OK && successes < 100; successes++) {
        fv_memory_fail_after(successes);
        status = fovea_pairs_find(items, 4, pairs, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || status == FV_ERROR_MEMORY);
    }
    ck_assert_int_eq(status, FV_OK);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"pairs", pairs_are_found_and_not_guessed, sizeof sets / sizeof *sets},
        {"order", order_does_not_matter, sizeof sets / sizeof *sets},
        {"many", ten_thousand_images_and_no_memory, 0},
    };
    return check_run("pairs", cases, sizeof cases / sizeof *cases);
}
