/* Phantoms: the same bytes everywhere, a truth that holds, and grades that differ. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/portable_math.h"
#include "checks.h"
#include "fovea/memory.h"
#include "measure/measure.h"
#include "phantom/phantom.h"

static struct fovea_phantom make(const struct fovea_phantom_request *request) {
    struct fovea_phantom phantom;
    struct fv_error error;
    check_success(fovea_phantom_make(request, &phantom, &error), &error);
    return phantom;
}

/* FNV-1a. */
static uint64_t hash(const struct fovea_image *image) {
    uint64_t value = 0xcbf29ce484222325U;
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        value = (value ^ image->pixels.u8[i]) * 0x100000001b3U;
    }
    return value;
}

struct golden {
    struct fovea_phantom_request request;
    uint64_t image, mask;
};

/* gcc -O2 and clang -O3 -march=native on x86-64 and gcc on AArch64 gave the same. A change of the drawing changes them.
 */
static const struct golden goldens[] = {
    {{1, 1, 320, 3, FOVEA_PHANTOM_SUPERFICIAL, FOVEA_PHANTOM_OUTSTANDING}, 0x8b926992523d222dU, 0x8eaa0ff50068fbdcU},
    {{1, 2, 512, 3, FOVEA_PHANTOM_SUPERFICIAL, FOVEA_PHANTOM_GRADABLE}, 0x7dfd90f556e3afa8U, 0x66ad681878038aa8U},
    {{2, 3, 400, 6, FOVEA_PHANTOM_SUPERFICIAL, FOVEA_PHANTOM_UNGRADABLE}, 0x2ea348e2920eb464U, 0x7088f50ea11a9815U},
    {{9, 4, 304, 3, FOVEA_PHANTOM_DEEP, FOVEA_PHANTOM_OUTSTANDING}, 0x598424fb5d2bd984U, 0x2518c5f997205384U},
    {{9, 5, 128, 6, FOVEA_PHANTOM_DEEP, FOVEA_PHANTOM_GRADABLE}, 0x1d2e60614fe80e76U, 0x660a1bce3f375c21U},
};

START_TEST(same_bytes_everywhere) {
    const struct golden *golden = &goldens[_i];
    struct fovea_phantom phantom = make(&golden->request);
    ck_assert_msg(hash(&phantom.image) == golden->image && hash(&phantom.mask) == golden->mask,
                  "image 0x%016jx, mask 0x%016jx", (uintmax_t)hash(&phantom.image), (uintmax_t)hash(&phantom.mask));
    fovea_phantom_release(&phantom);
}
END_TEST

/* Mean grey of the pixels inside, or outside and near, the mask. */
static double mean_grey(const struct fovea_phantom *phantom, uint8_t inside) {
    double sum = 0.0, count = 0.0;
    double side = phantom->image.width;
    for (uint32_t i = 0; i < phantom->image.width * phantom->image.height; i++) {
        double dx = i % phantom->image.width - phantom->centre_x_px,
               dy = i / phantom->image.width - phantom->centre_y_px;
        if (phantom->mask.pixels.u8[i] == inside && dx * dx + dy * dy < side * side / 9.0) {
            sum += phantom->image.pixels.u8[i];
            count += 1.0;
        }
    }
    return sum / count;
}

static struct fovea_measures measure_truth(const struct fovea_phantom *phantom, double field_mm) {
    const struct fovea_measure_request request = {.name = "phantom",
                                                  .mask = phantom->mask.pixels.u8,
                                                  .width = phantom->mask.width,
                                                  .height = phantom->mask.height,
                                                  .field_mm = field_mm};
    struct fovea_measures measures;
    struct fv_error error;
    check_success(fovea_measure(&request, &measures, &error), &error);
    return measures;
}

/* Areas, position and shape as in eyes; the FAZ is dark, one piece without holes. */
START_TEST(truth_is_plausible) {
    enum fovea_phantom_layer layer = _i % 2 == 0 ? FOVEA_PHANTOM_SUPERFICIAL : FOVEA_PHANTOM_DEEP;
    uint32_t field = _i < 2 ? 3 : 6;
    double areas = 0.0;
    for (uint64_t index = 0; index < 12; index++) {
        struct fovea_phantom phantom =
            make(&(struct fovea_phantom_request){77, index, 320, field, layer, FOVEA_PHANTOM_OUTSTANDING});
        struct fovea_measures measures = measure_truth(&phantom, field);
        ck_assert_uint_eq(measures.components, 1);
        ck_assert_uint_eq(measures.hole_pixels, 0);
        ck_assert_double_ge(measures.faz_area_mm2, 0.11);
        ck_assert_double_le(measures.faz_area_mm2, 0.77);
        ck_assert_double_ge(measures.circularity, 0.5);
        ck_assert_double_le(measures.axial_ratio, 2.0);
        ck_assert_double_le(measures.offset_mm, 0.6);
        ck_assert_msg(mean_grey(&phantom, 255) < 0.5 * mean_grey(&phantom, 0), "inside %g, outside %g",
                      mean_grey(&phantom, 255), mean_grey(&phantom, 0));
        areas += measures.faz_area_mm2 / 12.0;
        fovea_phantom_release(&phantom);
    }
    ck_assert_double_ge(areas, 0.24);
    ck_assert_double_le(areas, 0.55);
}
END_TEST

/* The drawing depends on the size only in its resolution: the area stays. */
START_TEST(area_does_not_depend_on_the_size) {
    struct fovea_phantom_request request = {5, 1, 320, 3, FOVEA_PHANTOM_SUPERFICIAL, FOVEA_PHANTOM_OUTSTANDING};
    double areas[3];
    for (int i = 0; i < 3; i++) {
        request.side = (uint32_t[]){256, 320, 512}[i];
        struct fovea_phantom phantom = make(&request);
        areas[i] = measure_truth(&phantom, 3.0).faz_area_mm2;
        fovea_phantom_release(&phantom);
    }
    ck_assert_double_eq_tol(areas[0], areas[2], 0.005 * areas[2]);
    ck_assert_double_eq_tol(areas[1], areas[2], 0.005 * areas[2]);
}
END_TEST

START_TEST(grades_degrade) {
    for (uint64_t index = 0; index < 15; index++) {
        struct fovea_phantom phantoms[3];
        for (int grade = 0; grade < 3; grade++) {
            phantoms[grade] = make(&(struct fovea_phantom_request){3, index, 160, 3, FOVEA_PHANTOM_SUPERFICIAL,
                                                                   (enum fovea_phantom_grade)grade});
        }
        ck_assert_str_ne(phantoms[FOVEA_PHANTOM_UNGRADABLE].degradation, phantoms[FOVEA_PHANTOM_GRADABLE].degradation);
        ck_assert(hash(&phantoms[0].image) != hash(&phantoms[2].image));
        ck_assert(hash(&phantoms[1].image) != hash(&phantoms[2].image));
        double offset = fmax(fabs(phantoms[0].centre_x_px - 79.5), fabs(phantoms[0].centre_y_px - 79.5)) / 160.0;
        ck_assert((strcmp(phantoms[0].degradation, "off centre") == 0) == (offset > 0.25));
        for (int grade = 0; grade < 3; grade++) {
            fovea_phantom_release(&phantoms[grade]);
        }
    }
}
END_TEST

START_TEST(wrong_requests_and_full_memory) {
    struct fovea_phantom phantom;
    struct fv_error error;
    struct fovea_phantom_request request = {1, 1, 127, 3, FOVEA_PHANTOM_SUPERFICIAL, FOVEA_PHANTOM_GRADABLE};
    check_failure(fovea_phantom_make(&request, &phantom, &error), &error, FV_ERROR_ARGUMENT, "127 pixels");
    request.side = 128;
    request.field_mm = 5;
    check_failure(fovea_phantom_make(&request, &phantom, &error), &error, FV_ERROR_ARGUMENT, "5 mm");
    request.field_mm = 3;
    for (long successes = 0;; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_phantom_make(&request, &phantom, &error);
        fv_memory_fail_after(-1);
        if (status == FV_OK) {
            break;
        }
        ck_assert_int_eq(status, FV_ERROR_MEMORY);
        ck_assert_ptr_null(phantom.image.pixels.bytes);
    }
    fovea_phantom_release(&phantom);
}
END_TEST

START_TEST(portable_functions_are_accurate) {
    for (int i = -4000; i <= 4000; i++) {
        double x = i * 0.0137, y = i * 0.173;
        ck_assert_double_le(fabs(portable_exp(x) - exp(x)), 1e-12 * exp(x));
        ck_assert_double_le(fabs(portable_sine(y) - sin(y)), 1e-12);
        ck_assert_double_le(fabs(portable_cosine(y) - cos(y)), 1e-12);
        double log_argument = exp(x);
        ck_assert_double_le(fabs(portable_log(log_argument) - log(log_argument)), 1e-12 * fmax(1.0, fabs(x)));
        double angle = i * 0.000785;
        ck_assert_double_le(fabs(portable_angle(3.0 * sin(angle), 3.0 * cos(angle)) - angle), 1e-12);
    }
    ck_assert(portable_exp(0.0) == 1.0 && portable_log(1.0) == 0.0 && portable_angle(0.0, 0.0) == 0.0);
}
END_TEST

/* The first outputs of xoshiro256** for the state 1, 2, 3, 4, from its authors' code; then moments. */
START_TEST(random_numbers) {
    struct random random = {{1, 2, 3, 4}};
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(random_bits(&random), expected[i]);
    }
    double mean = 0.0, square = 0.0;
    random_start(&random, 1, 2, 3);
    for (int i = 0; i < 20000; i++) {
        double value = random_normal(&random, 1.0, 2.0), uniform = random_between(&random, -3.0, -1.0);
        ck_assert(uniform >= -3.0 && uniform < -1.0 && random_below(&random, 7) < 7);
        mean += value / 20000.0;
        square += (value - 1.0) * (value - 1.0) / 20000.0;
    }
    ck_assert_double_eq_tol(mean, 1.0, 5.0 * 2.0 / sqrt(20000.0));
    ck_assert_double_eq_tol(square, 4.0, 5.0 * 4.0 * sqrt(2.0 / 20000.0));
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"same bytes", same_bytes_everywhere, (int)(sizeof goldens / sizeof goldens[0])},
        {"truth", truth_is_plausible, 4},
        {"size", area_does_not_depend_on_the_size, 0},
        {"grades", grades_degrade, 0},
        {"failures", wrong_requests_and_full_memory, 0},
        {"portable functions", portable_functions_are_accurate, 0},
        {"random numbers", random_numbers, 0},
    };
    return check_run("phantoms", cases, sizeof cases / sizeof cases[0]);
}
