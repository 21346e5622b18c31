/* What names say, as devices and data sets write them, and what they do not say. */
#include <string.h>

#include "checks.h"
#include "scan/tokens.h"

enum { S = FOVEA_LAYER_SUPERFICIAL, D = FOVEA_LAYER_DEEP, N = -1 };

struct row {
    const char *name;
    enum fovea_eye eye;
    int layer; /* N: none */
    double size;
};

static const struct row rows[] = {
    /* Device exports: Zeiss, whose slab may be in Chinese, and Topcon. */
    {"Doe_Jane__123456_19500101_Female_Angiography 6x6 mm_20190102101112_OD_20190102111213_Superficial.bmp",
     FOVEA_EYE_RIGHT, S, 6},
    {"Doe_Jane__123456_19500101_Female_Angiography 3x3 mm_20190102101112_OS_20190102111213_Deep.bmp", FOVEA_EYE_LEFT, D,
     3},
    {"Doe_Jane__1_19500101_Male_Angiography 3x3 mm_20190102_OS_20190102_\xe6\xb5\x85\xe5\xb1\x82.bmp", FOVEA_EYE_LEFT,
     N, 3},
    {"12345_02012019_101112_Angio (1)_R_001.tif", FOVEA_EYE_RIGHT, N, 0},
    {"12345_02012019_101112_Angio (1)_L_001.tif", FOVEA_EYE_LEFT, N, 0},
    /* Data sets. */
    {"110 SCP OS.png", FOVEA_EYE_LEFT, S, 0},
    {"110 DCP OD.png", FOVEA_EYE_RIGHT, D, 0},
    {"model_G_12_OS_DVC.png", FOVEA_EYE_LEFT, D, 0},
    {"model_G_12_OD_SVC.png", FOVEA_EYE_RIGHT, S, 0},
    {"x-LE-ICP-6X6mm.tif", FOVEA_EYE_LEFT, D, 6},
    {"RE_superficial_3x3.jpg", FOVEA_EYE_RIGHT, S, 3},
    {"superficial_1009.jpg", FOVEA_EYE_UNKNOWN, S, 0},
    {"deep_1009.jpg", FOVEA_EYE_UNKNOWN, D, 0},
    {"od_scp.png", FOVEA_EYE_RIGHT, S, 0},
    /* Folders are not looked at, and a name needs no suffix. */
    {"OD/SCP/6x6/17.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"OD/17_OS", FOVEA_EYE_LEFT, N, 0},
    {".OS", FOVEA_EYE_LEFT, N, 0},
    {"", FOVEA_EYE_UNKNOWN, N, 0},
    {"folder/", FOVEA_EYE_UNKNOWN, N, 0},
    /* Parts of words, words, and other numbers. */
    {"GOOD_FOOD_OSLO_RIGHT_deeper_SCPX_xDCP.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"re le r l Od Os oD.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"OD1_OS2.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"\xc3\xa9OD_OS\xc3\xa9.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"a_304x304_512X512.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"a_3x6_0x0_21x21_13x3x3.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"a3x3_3x3b_3x33.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"a_4.5x4.5mm_.png", FOVEA_EYE_UNKNOWN, N, 4.5},
    {"a_2.90 x 2.90.png", FOVEA_EYE_UNKNOWN, N, 2.9},
    {"a_1.3x3_.png", FOVEA_EYE_UNKNOWN, N, 0},
    {"a 3 x 3 mm b.png", FOVEA_EYE_UNKNOWN, N, 3},
    {"a_12\xc3\x97"
     "12.png",
     FOVEA_EYE_UNKNOWN, N, 12},
    /* Said twice alike. */
    {"OD_R_RE_SCP_superficial_3x3_3x3mm.png", FOVEA_EYE_RIGHT, S, 3},
};

START_TEST(whole_tokens_are_read) {
    const struct row *row = &rows[_i];
    struct fovea_tokens tokens;
    fovea_tokens_read(row->name, &tokens);
    ck_assert_msg(tokens.eye == row->eye, "%s: eye %d", row->name, (int)tokens.eye);
    ck_assert_msg(tokens.has_layer == (row->layer != N), "%s: layer", row->name);
    ck_assert_msg(!tokens.has_layer || (int)tokens.layer == row->layer, "%s: layer", row->name);
    ck_assert_msg(tokens.size_mm == row->size, "%s: size %g", row->name, tokens.size_mm);
    ck_assert(!tokens.eye_unclear && !tokens.layer_unclear && !tokens.size_unclear);
}
END_TEST

START_TEST(contradictions_are_blank_and_said) {
    struct fovea_tokens tokens;
    fovea_tokens_read("Doe_L_OD_SCP_DCP_3x3_6x6.png", &tokens);
    ck_assert(tokens.eye_unclear && tokens.layer_unclear && tokens.size_unclear);
    ck_assert_int_eq(tokens.eye, FOVEA_EYE_UNKNOWN);
    ck_assert(!tokens.has_layer);
    ck_assert_double_eq(tokens.size_mm, 0);
    fovea_tokens_read("OS_OD_OS.png", &tokens);
    ck_assert(tokens.eye_unclear && tokens.eye == FOVEA_EYE_UNKNOWN);
}
END_TEST

START_TEST(names_without_their_layer) {
    static const char *const names[][2] = {
        {"110 SCP OS.png", "110 OS"},
        {"f/110 DCP OS.tif", "110 OS"},
        {"superficial_1.png", "1"},
        {"deep_1.png", "1"},
        {"110_OS_DVC.png", "110_OS"},
        {"110 OS.png", "110 OS"},
        {"SCP.png", ""},
        {"_a_.png", "_a_"},
        {"DCP_deep_a.b.png", "a.b"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char result[64], cut[4];
        fovea_tokens_without_layer(names[i][0], result, sizeof result);
        ck_assert_str_eq(result, names[i][1]);
        fovea_tokens_without_layer(names[i][0], cut, sizeof cut);
        ck_assert_uint_lt(strlen(cut), sizeof cut);
        ck_assert_int_eq(strncmp(cut, result, strlen(cut)), 0);
    }
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"tokens", whole_tokens_are_read, sizeof rows / sizeof *rows},
        {"contradictions", contradictions_are_blank_and_said, 0},
        {"without layer", names_without_their_layer, 0},
    };
    return check_run("tokens", cases, sizeof cases / sizeof *cases);
}
