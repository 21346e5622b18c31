#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/nets.h"
#include "seeded.h"

static const double margin = 4, logit_share = 1e-4, probability_error = 3e-5;

/* A stage of the golden file. */
struct stage {
    const char *name;
    const float *values;
    size_t count, stride;
    double tolerance;
};

struct result {
    struct fv_shape shape;
    size_t count;
    float *values;
};

static bool is_output(const char *stage) {
    return strcmp(stage, "output") == 0 || strcmp(stage, "output.mean") == 0;
}

struct golden golden_open(const struct model_description *net) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.gguf", TEST_DATA, net->name);
    struct fv_error error = {0};
    struct golden golden = {.net = net};
    check_success(fv_model_open(path, &golden.file, &error), &error);
    return golden;
}

void golden_close(struct golden *golden) {
    fv_model_close(golden->file);
}

static double number(const struct golden *golden, const char *stage, const char *key) {
    char name[160];
    snprintf(name, sizeof name, "%s.%s", stage, key);
    double value = 0;
    ck_assert_msg(fv_model_number(golden->file, name, &value), "%s: %s is missing", golden->net->name, name);
    return value;
}

/* Stage `index` of the file; *rounding is the largest relative distance so far. */
static struct stage read_stage(const struct golden *golden, size_t index, double *rounding) {
    const struct fv_tensor *tensor = fv_model_tensor_at(golden->file, index);
    char key[160];
    snprintf(key, sizeof key, "%s.stride", tensor->name);
    int64_t stride = 0;
    ck_assert(fv_model_integer(golden->file, key, &stride));
    const double range = number(golden, tensor->name, "range");
    *rounding = fmax(*rounding, number(golden, tensor->name, "distance") / range);
    struct stage stage = {tensor->name, tensor->data, tensor->elements, (size_t)stride, margin * *rounding * range};
    if (is_output(stage.name)) {
        const bool logits = golden->net->architecture != MODEL_UNET;
        stage.tolerance = fmin(stage.tolerance, logits ? logit_share * range : probability_error);
    }
    return stage;
}

static struct result run(const struct golden *golden, const struct fv_model *model, struct fv_threads *threads,
                         const char *stage) {
    const struct model_description *net = golden->net;
    struct fv_error error = {0};
    struct fv_graph *graph = NULL;
    struct fv_session *session = NULL;
    check_success(
        fv_net_build(model, &(struct fv_net_options){.height = net->height, .width = net->width}, &graph, &error),
        &error);
    if (!is_output(stage)) {
        check_success(fv_graph_choose(graph, stage, NULL, &error), &error);
    }
    check_success(fv_session_create(graph, &(struct fv_session_options){.threads = threads}, &session, &error), &error);
    fv_graph_destroy(graph);
    struct result result = {.shape = fv_session_output_shape(session)};
    result.count = result.shape.channels * result.shape.height * result.shape.width;
    result.values = check_allocate(result.count, sizeof *result.values);
    const size_t input_count = (size_t)net->channels * net->height * net->width;
    float *picture = check_allocate(input_count, sizeof *picture);
    seeded_picture(input_count, picture);
    fv_session_run(session, picture, result.values);
    fv_session_destroy(session);
    free(picture);
    return result;
}

/* Each channel's mean over its plane. */
static struct result means_of(const struct result *planes) {
    const size_t pixels = planes->shape.height * planes->shape.width;
    struct result means = {.shape = {FV_PLANES, planes->shape.channels, 1, 1}, .count = planes->shape.channels};
    means.values = check_allocate(means.count, sizeof *means.values);
    for (size_t c = 0; c < means.count; c++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++) {
            sum += (double)planes->values[c * pixels + p];
        }
        means.values[c] = (float)(sum / (double)pixels);
    }
    return means;
}

/* Largest error as a share of the tolerance, infinite for NaN; *where is the sample. */
static double worst_error(const struct stage *stage, const struct result *result, size_t *where) {
    double worst = 0;
    for (size_t i = 0; i < stage->count; i++) {
        const double error = fabs((double)result->values[i * stage->stride] - (double)stage->values[i]);
        const double share = isfinite(error) ? error / stage->tolerance : INFINITY;
        if (share > worst) {
            worst = share;
            *where = i;
        }
    }
    return worst;
}

/* Fills *difference and returns false if the stage does not fit; *share grows to the share of the tolerance. */
static bool compare(const struct golden *golden, const struct stage *stage, const struct result *result, double *share,
                    struct golden_difference *difference) {
    ck_assert_msg((result->count + stage->stride - 1) / stage->stride == stage->count,
                  "%s: stage %s has %zu values, expected %zu samples of every %zuth", golden->net->name, stage->name,
                  result->count, stage->count, stage->stride);
    size_t where = 0;
    const double worst = worst_error(stage, result, &where);
    *share = fmax(*share, worst);
    if (worst <= 1) {
        return true;
    }
    snprintf(difference->stage, sizeof difference->stage, "%s", stage->name);
    snprintf(difference->message, sizeof difference->message, "value %zu is %.9g, expected %.9g within %.3g",
             where * stage->stride, (double)result->values[where * stage->stride], (double)stage->values[where],
             stage->tolerance);
    return false;
}

/* Compares the stages in their order up to the first that differs. */
static bool compare_stages(const struct golden *golden, const struct fv_model *model, struct fv_threads *threads,
                           const struct result *output, double *share, struct golden_difference *difference) {
    double rounding = 0;
    bool fits = true;
    for (size_t s = 0; fits && s < fv_model_tensor_count(golden->file); s++) {
        const struct stage stage = read_stage(golden, s, &rounding);
        struct result own = {0};
        const struct result *result = output;
        if (!is_output(stage.name)) {
            own = run(golden, model, threads, stage.name);
            result = &own;
        } else if (strcmp(stage.name, "output.mean") == 0) {
            own = means_of(output);
            result = &own;
        }
        fits = compare(golden, &stage, result, share, difference);
        free(own.values);
    }
    return fits;
}

/* Whether the output and its means are within tolerance, and the share of it that the output takes. */
static bool output_fits(const struct golden *golden, const struct result *output, double *share) {
    double rounding = 0;
    bool fits = true;
    for (size_t s = 0; s < fv_model_tensor_count(golden->file); s++) {
        const struct stage stage = read_stage(golden, s, &rounding);
        size_t where = 0;
        if (strcmp(stage.name, "output") == 0) {
            *share = worst_error(&stage, output, &where);
            fits = fits && *share <= 1;
        } else if (strcmp(stage.name, "output.mean") == 0) {
            struct result means = means_of(output);
            fits = fits && worst_error(&stage, &means, &where) <= 1;
            free(means.values);
        }
    }
    return fits;
}

bool golden_fits(const struct golden *golden, const struct fv_model *model, struct fv_threads *threads,
                 bool every_stage, double *share, struct golden_difference *difference) {
    struct result output = run(golden, model, threads, "output");
    bool fits = output_fits(golden, &output, share);
    if (!fits || every_stage) {
        *share = 0;
        fits = compare_stages(golden, model, threads, &output, share, difference);
    }
    free(output.values);
    return fits;
}

double golden_compare(const struct golden *golden, const struct fv_model *model, struct fv_threads *threads,
                      bool every_stage, const char *label) {
    struct golden_difference difference;
    double share = 0;
    const bool fits = golden_fits(golden, model, threads, every_stage, &share, &difference);
    ck_assert_msg(fits, "%s, %s: the first stage that differs is %s: %s", golden->net->name, label, difference.stage,
                  difference.message);
    return share;
}
