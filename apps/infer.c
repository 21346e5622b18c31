/* infer: a net on a raw array, without any preparation. */
#include <stdint.h>
#include <stdio.h>

#include "commands.h"
#include "fovea/memory.h"
#include "fovea/nets.h"
#include "fovea/npy.h"
#include "fovea/session.h"
#include "options.h"

/* What the command line says. */
struct request {
    const char *output;
    size_t fold; /* SIZE_MAX: all */
    size_t threads;
};

/* One inference: the members that take part, and the array in work. */
struct inference {
    struct fv_model *model;
    struct fv_threads *threads;
    struct fv_npy input; /* [N, channels, height, width] */
    size_t first, members;
    struct fv_shape shape; /* of the net's output for one image */
    float *sum, *output;   /* N outputs; one output */
    struct fv_error error;
};

/* Finds the members that `fold` asks for. */
static enum fv_status choose_members(struct inference *inference, size_t fold) {
    size_t members = fv_net_members(inference->model);
    inference->first = 0;
    inference->members = members;
    if (fold == SIZE_MAX) {
        return FV_OK;
    }
    inference->members = 1;
    for (size_t i = 0; i < members; i++) {
        if (fv_net_member_number(inference->model, i) == fold) {
            inference->first = i;
            return FV_OK;
        }
    }
    return fv_error_set(&inference->error, FV_ERROR_ARGUMENT, "%s: has no fold %zu; it has %zu of them, %zu to %zu",
                        fv_model_path(inference->model), fold, members, fv_net_member_number(inference->model, 0),
                        fv_net_member_number(inference->model, members - 1));
}

static enum fv_status make_session(struct inference *inference, size_t member, struct fv_session **session) {
    const size_t *shape = inference->input.shape; /* N, channels, height, width */
    struct fv_net_options options = {shape[2], shape[3], member};
    struct fv_graph *graph;
    *session = NULL;
    enum fv_status status = fv_net_build(inference->model, &options, &graph, &inference->error);
    if (status != FV_OK) {
        return status;
    }
    struct fv_session_options session_options = {.threads = inference->threads};
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

/* Makes room once the first session has told the shape. */
static enum fv_status make_room(struct inference *inference, const struct fv_session *session) {
    inference->shape = fv_session_output_shape(session);
    size_t values = inference->shape.channels * inference->shape.height * inference->shape.width;
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
        status = make_room(inference, session);
    }
    size_t images = inference->input.shape[0];
    size_t from = images > 0 ? inference->input.elements / images : 0;
    size_t to = inference->shape.channels * inference->shape.height * inference->shape.width;
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

static enum fv_status write_output(const struct inference *inference, const char *path, struct fv_error *error) {
    const size_t shape[4] = {inference->input.shape[0], inference->shape.channels, inference->shape.height,
                             inference->shape.width};
    bool logits = inference->shape.kind == FV_TOKENS || (shape[2] == 1 && shape[3] == 1);
    if (inference->members > 1) {
        for (size_t i = 0; i < shape[0] * shape[1] * shape[2] * shape[3]; i++) {
            inference->sum[i] /= (float)inference->members;
        }
    }
    return fv_npy_write(path, inference->sum, shape, logits ? 2 : 4, error);
}

static enum fv_status infer(struct inference *inference, const char *model, const char *input,
                            const struct request *request) {
    enum fv_status status = fv_model_open(model, &inference->model, &inference->error);
    status = status != FV_OK ? status : choose_members(inference, request->fold);
    status = status != FV_OK ? status : read_input(inference, input);
    status = status != FV_OK ? status : fv_threads_create(request->threads, &inference->threads, &inference->error);
    for (size_t i = 0; status == FV_OK && i < inference->members; i++) {
        status = run_member(inference, inference->first + i);
    }
    return status != FV_OK ? status : write_output(inference, request->output, &inference->error);
}

int fovea_command_infer(int count, char **arguments) {
    struct request request = {.fold = SIZE_MAX};
    const struct fovea_option table[] = {
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.output,
         .value = "OUT.npy",
         .required = true,
         .help = "where the result goes"},
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
    };
    const struct fovea_syntax syntax = {
        .command = "infer",
        .operands = "MODEL.gguf IN.npy",
        .least = 2,
        .most = 2,
        .summary =
            "Runs a net on a float32 array [N, channels, height, width] exactly as it is given, one image after\n"
            "the other. A classifier gives its logits [N, classes], a segmenter its softmax [N, classes, height,\n"
            "width].",
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .details = "Exit status: 0 done, 2 wrong usage, 4 the model, the input or the output cannot be used.",
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    struct inference inference = {0};
    enum fv_status status = infer(&inference, arguments[1], arguments[2], &request);
    if (status != FV_OK) {
        fprintf(stderr, "fovea infer: %s\n", inference.error.message);
    }
    fv_release(inference.sum);
    fv_release(inference.output);
    fv_npy_clear(&inference.input);
    fv_threads_destroy(inference.threads);
    fv_model_close(inference.model);
    return status == FV_OK ? FOVEA_EXIT_DONE : FOVEA_EXIT_UNUSABLE;
}
