/* infer: a net on a raw array, without any preparation; its result or any stage on the way. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "fovea/memory.h"
#include "fovea/nets.h"
#include "fovea/npy.h"
#include "fovea/session.h"
#include "options.h"

/* What the command line says. */
struct request {
    const char *output;
    const char *trace; /* a stage, "list", or NULL */
    size_t fold;       /* SIZE_MAX: all */
    size_t threads;
    bool exact;
};

/* One inference: the members that take part, and the array in work. */
struct inference {
    struct fv_model *model;
    struct fv_threads *threads;
    struct fv_npy input; /* [N, channels, height, width]; empty for a list of the stages at the model's own size */
    const char *trace;   /* the stage to write, or NULL: the net's result */
    size_t first, members;
    bool exact;            /* no Winograd transforms */
    struct fv_stage stage; /* what is written; its name ends with its graph */
    float *sum, *output;   /* N outputs; one output */
    bool wrong_usage;      /* the failure is the command line's */
    struct fv_error error;
};

/* The numbers of all folds, with commas between them. */
static void list_folds(const struct fv_model *model, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < fv_net_members(model) && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i == 0 ? "" : ", ", fv_net_member_number(model, i));
    }
}

/* Finds the members that `fold` asks for. Stages of several members have no mean that tells anything. */
static enum fv_status choose_members(struct inference *inference, const struct request *request) {
    const struct fv_model *model = inference->model;
    size_t members = fv_net_members(model), fold = request->fold;
    char folds[FV_MESSAGE_SIZE / 4];
    inference->members = fold == SIZE_MAX ? members : 1;
    if (fold == SIZE_MAX && (request->trace == NULL || members == 1)) {
        return FV_OK;
    }
    for (size_t i = 0; i < members; i++) {
        if (fv_net_member_number(model, i) == fold) {
            inference->first = i;
            return FV_OK;
        }
    }
    inference->wrong_usage = true;
    list_folds(model, folds, sizeof folds);
    return fold == SIZE_MAX
               ? fv_error_set(&inference->error, FV_ERROR_ARGUMENT,
                              "%s: is an ensemble; --trace needs --fold K, one of %s", fv_model_path(model), folds)
               : fv_error_set(&inference->error, FV_ERROR_ARGUMENT, "%s: has no fold %zu; it has %s",
                              fv_model_path(model), fold, folds);
}

/* Builds a member's net, which ends at the stage that is asked for. */
static enum fv_status build(struct inference *inference, size_t member, struct fv_graph **graph) {
    const size_t *shape = inference->input.shape; /* N, channels, height, width */
    struct fv_net_options options = {shape[2], shape[3], member};
    enum fv_status status = fv_net_build(inference->model, &options, graph, &inference->error);
    if (status != FV_OK) {
        return status;
    }
    inference->stage = fv_graph_stage(*graph, fv_graph_output(*graph));
    if (inference->trace != NULL) {
        status = fv_graph_choose(*graph, inference->trace, &inference->stage, &inference->error);
        inference->wrong_usage = status != FV_OK;
    }
    if (status != FV_OK) {
        fv_graph_destroy(*graph);
    }
    return status;
}

static enum fv_status make_session(struct inference *inference, size_t member, struct fv_session **session) {
    const size_t *shape = inference->input.shape;
    struct fv_graph *graph;
    *session = NULL;
    enum fv_status status = build(inference, member, &graph);
    if (status != FV_OK) {
        return status;
    }
    struct fv_session_options session_options = {.threads = inference->threads, .exact = inference->exact};
    status = fv_session_create(graph, &session_options, session, &inference->error);
    fv_graph_destroy(graph);
    if (status != FV_OK) {
        return status;
    }
    struct fv_shape input = fv_session_input_shape(*session);
    if (input.channels != shape[1] || input.height != shape[2] || input.width != shape[3]) {
        fv_session_destroy(*session);
        *session = NULL;
        return fv_error_set(&inference->error, FV_ERROR_ARGUMENT,
                            "%s: takes arrays of [N, %zu, %zu, %zu], the input is [%zu, %zu, %zu, %zu]",
                            fv_model_path(inference->model), input.channels, input.height, input.width, shape[0],
                            shape[1], shape[2], shape[3]);
    }
    return FV_OK;
}

static size_t values_of(struct fv_shape shape) {
    return shape.channels * shape.height * shape.width;
}

/* Makes room once the first session has told the shape. */
static enum fv_status make_room(struct inference *inference) {
    size_t values = values_of(inference->stage.shape);
    inference->sum = fv_allocate_zero(inference->input.shape[0], values * sizeof(float));
    inference->output = fv_allocate(values, sizeof(float));
    return inference->sum != NULL && inference->output != NULL
               ? FV_OK
               : fv_error_set(&inference->error, FV_ERROR_MEMORY, "%zu outputs of %zu values: out of memory",
                              inference->input.shape[0], values);
}

/* Adds one member's outputs to the sums. */
static enum fv_status run_member(struct inference *inference, size_t member) {
    struct fv_session *session;
    enum fv_status status = make_session(inference, member, &session);
    if (status == FV_OK && inference->sum == NULL) {
        status = make_room(inference);
    }
    size_t images = inference->input.shape[0];
    size_t from = images > 0 ? inference->input.elements / images : 0;
    size_t to = values_of(inference->stage.shape);
    for (size_t n = 0; status == FV_OK && n < images; n++) {
        fv_session_run(session, inference->input.values + n * from, inference->output);
        for (size_t i = 0; i < to; i++) {
            inference->sum[n * to + i] += inference->output[i];
        }
    }
    if (session != NULL) {
        fv_session_destroy(session);
    }
    return status;
}

static enum fv_status read_input(struct inference *inference, const char *path) {
    enum fv_status status = fv_npy_read(path, &inference->input, &inference->error);
    if (status == FV_OK && (inference->input.rank != 4 || inference->input.elements == 0)) {
        status = fv_error_set(&inference->error, FV_ERROR_FORMAT,
                              "%s: expected an array of 4 dimensions [N, channels, height, width], found %u dimensions "
                              "and %zu elements",
                              path, inference->input.rank, inference->input.elements);
    }
    return status;
}

/* Tokens [H*W][C] of each image to planes [C][H][W], by way of the room for one output. */
static void transpose(struct inference *inference) {
    struct fv_shape shape = inference->stage.shape;
    size_t rows = shape.height * shape.width, values = values_of(shape);
    for (size_t n = 0; n < inference->input.shape[0]; n++) {
        float *image = inference->sum + n * values;
        memcpy(inference->output, image, values * sizeof *image);
        for (size_t i = 0; i < values; i++) {
            image[i % shape.channels * rows + i / shape.channels] = inference->output[i];
        }
    }
}

/* The shape of the array that PyTorch would hold for `images` images; returns its rank. */
static uint32_t array_shape(const struct fv_stage *stage, size_t images, size_t shape[4]) {
    const struct fv_shape one = stage->shape;
    shape[0] = images;
    shape[1] = stage->layout == FV_LAYOUT_TOKENS ? one.height * one.width : one.channels;
    shape[2] = stage->layout == FV_LAYOUT_TOKENS ? one.channels : one.height;
    shape[3] = one.width;
    return stage->layout == FV_LAYOUT_PLANES ? 4 : stage->layout == FV_LAYOUT_TOKENS ? 3 : 2;
}

static enum fv_status write_output(struct inference *inference, const char *path) {
    size_t shape[4], images = inference->input.shape[0];
    uint32_t rank = array_shape(&inference->stage, images, shape);
    for (size_t i = 0; inference->members > 1 && i < images * values_of(inference->stage.shape); i++) {
        inference->sum[i] /= (float)inference->members;
    }
    if (inference->stage.shape.kind == FV_TOKENS && inference->stage.layout == FV_LAYOUT_PLANES) {
        transpose(inference);
    }
    return fv_npy_write(path, inference->sum, shape, rank, &inference->error);
}

/* Prints every stage with its last operation and the shape of its array. */
static enum fv_status list_stages(struct inference *inference) {
    struct fv_graph *graph;
    struct fv_stages stages = {0};
    enum fv_status status = build(inference, inference->first, &graph);
    if (status != FV_OK) {
        return status;
    }
    status = fv_graph_stages(graph, &stages, &inference->error);
    for (size_t i = 0; i < stages.count; i++) {
        size_t shape[4];
        uint32_t rank = array_shape(&stages.items[i], inference->input.shape[0], shape);
        printf("%-44s %-22s [N", stages.items[i].name, stages.items[i].operation);
        for (uint32_t axis = 1; axis < rank; axis++) {
            printf(", %zu", shape[axis]);
        }
        puts("]");
    }
    fv_stages_clear(&stages);
    fv_graph_destroy(graph);
    return status;
}

/* `input` may be NULL for a list of the stages. */
static enum fv_status infer(struct inference *inference, const char *model, const char *input,
                            const struct request *request, bool list) {
    enum fv_status status = fv_model_open(model, &inference->model, &inference->error);
    status = status != FV_OK ? status : choose_members(inference, request);
    if (status == FV_OK && input != NULL) {
        status = read_input(inference, input);
    }
    if (status != FV_OK || list) {
        return status != FV_OK ? status : list_stages(inference);
    }
    inference->trace = request->trace;
    status = fv_threads_create(request->threads, &inference->threads, &inference->error);
    for (size_t i = 0; status == FV_OK && i < inference->members; i++) {
        status = run_member(inference, inference->first + i);
    }
    return status != FV_OK ? status : write_output(inference, request->output);
}

int fovea_command_infer(int count, char **arguments) {
    struct request request = {.fold = SIZE_MAX};
    const struct fovea_option table[] = {
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.output,
         .value = "OUT.npy",
         .help = "where the result goes; required but for --trace list"},
        {.name = "trace",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.trace,
         .value = "STAGE",
         .help = "write this intermediate tensor instead of the result, as\nPyTorch would hold it: a module or an "
                 "operation by its name;\n'list' prints the names with their shapes (no IN.npy: for\nthe input size "
                 "that the model says)"},
        {.name = "fold",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.fold,
         .value = "K",
         .high = 1000,
         .help = "only the ensemble's member of this fold number;\ndefault: the mean over all members"},
        {.name = "threads",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.threads,
         .value = "N",
         .low = 1,
         .high = FV_THREADS_MAX,
         .help = "default: what the machine gives; the result does not depend on it"},
        {.name = "exact",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.exact,
         .help = "direct sums for all convolutions, no Winograd transforms: takes up\nto twice as long"},
    };
    const struct fovea_syntax syntax = {
        .command = "infer",
        .operands = "MODEL.gguf IN.npy",
        .least = 1,
        .most = 2,
        .summary =
            "Runs a net on a float32 array [N, channels, height, width] exactly as it is given, one image after\n"
            "the other. A classifier gives its logits [N, classes], a segmenter its softmax [N, classes, height,\n"
            "width]. Any tensor on the way comes by --trace.",
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .details = "Exit status: 0 done, 2 wrong usage, 4 the model, the input or the output cannot be used.",
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    bool list = request.trace != NULL && strcmp(request.trace, "list") == 0;
    if (!list && (operands < 2 || request.output == NULL)) {
        return fovea_usage_error(&syntax, operands < 2 ? "expected MODEL.gguf IN.npy"
                                                       : "--output OUT.npy is required: where the result goes");
    }
    struct inference inference = {.exact = request.exact};
    enum fv_status status = infer(&inference, arguments[1], operands > 1 ? arguments[2] : NULL, &request, list);
    if (status != FV_OK) {
        fprintf(stderr, "fovea infer: %s\n", inference.error.message);
    }
    fv_release(inference.sum);
    fv_release(inference.output);
    fv_npy_clear(&inference.input);
    fv_threads_destroy(inference.threads);
    fv_model_close(inference.model);
    return status == FV_OK ? FOVEA_EXIT_DONE : inference.wrong_usage ? FOVEA_EXIT_USAGE : FOVEA_EXIT_UNUSABLE;
}
