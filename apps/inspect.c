/* fovea inspect: what a model file or a checkpoint holds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "fovea/convert.h"
#include "fovea/model.h"
#include "model_file.h"
#include "options.h"
#include "pipeline/readiness.h"
#include "plan_table.h"

enum { MOST_SHOWN = 16, VALUE_SIZE = 1024, LARGEST_SIDE = 16384 };

static int fail(const struct fv_error *error) {
    fprintf(stderr, "fovea inspect: %s\n", error->message);
    return error->status == FV_ERROR_ARGUMENT ? FOVEA_EXIT_USAGE : FOVEA_EXIT_UNUSABLE;
}

static void print_shape(const size_t *shape, uint32_t rank) {
    putchar('[');
    for (uint32_t i = 0; i < rank; i++) {
        printf("%s%zu", i == 0 ? "" : ", ", shape[i]);
    }
    putchar(']');
}

/* One element of an array, or the value itself for `index` = -1. */
static void print_value(const struct fv_model *model, const char *key, long index) {
    const char *text;
    int64_t integer;
    double number;
    bool boolean;
    size_t place = index < 0 ? 0 : (size_t)index;
    if (index < 0 ? fv_model_string(model, key, &text) : fv_model_array_string(model, key, place, &text)) {
        printf("%s", text);
    } else if (index < 0 ? fv_model_integer(model, key, &integer)
                         : fv_model_array_integer(model, key, place, &integer)) {
        printf("%" PRId64, integer);
    } else if (index < 0 ? fv_model_number(model, key, &number) : fv_model_array_number(model, key, place, &number)) {
        printf("%g", number);
    } else if (index < 0 && fv_model_boolean(model, key, &boolean)) {
        printf("%s", boolean ? "yes" : "no");
    } else {
        printf("?");
    }
}

static void print_metadata(const struct fv_model *model) {
    for (size_t i = 0; i < fv_model_key_count(model); i++) {
        const char *key = fv_model_key_at(model, i);
        if (strcmp(key, "fovea.decisions") == 0) {
            continue; /* sentences, which are printed one a line */
        }
        long length = fv_model_array_length(model, key);
        printf("  %-28s ", key);
        if (length < 0) {
            print_value(model, key, -1);
        }
        for (long j = 0; j < length && j < MOST_SHOWN; j++) {
            printf("%s", j == 0 ? "" : ", ");
            print_value(model, key, j);
        }
        printf("%s\n", length > MOST_SHOWN ? ", ..." : "");
    }
}

/* What was decided when the model was converted, and why. */
static void print_decisions(const struct fv_model *model) {
    const char *decision;
    for (size_t i = 0; fv_model_array_string(model, "fovea.decisions", i, &decision); i++) {
        printf("%s    %s\n", i == 0 ? "  decided at conversion:\n" : "", decision);
    }
}

/* What `fovea run` needs and does not find, with the options of `fovea convert` that set it. */
static void print_gaps(const struct fovea_gap *gaps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        printf("%s    %-24s %s\n",
               i == 0 ? "  missing for `fovea run`, and the option of `fovea convert` that sets it:\n" : "",
               gaps[i].key, gaps[i].option);
    }
    if (count > 0) {
        puts("    (all of them at once, for the published models: --preset coips-3x3|coips-6x6)");
    }
}

static const char *const variants[] = {"tf", "plain", NULL};
static const char *const answers[] = {"yes", "no", NULL};

struct request {
    bool tensors, plan;
    struct fovea_planning planning;
    size_t size;                  /* of the input of a plan */
    size_t image_size;            /* of a checkpoint that does not tell, as the next two */
    int variant, transform_input; /* in `variants` and `answers`; -1: not given */
};

static int inspect_model(const char *path, const struct request *request) {
    struct fv_error error;
    struct fv_model *model;
    if (fv_model_open(path, &model, &error) != FV_OK) {
        return fail(&error);
    }
    size_t elements = 0;
    for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
        elements += fv_model_tensor_at(model, i)->elements;
    }
    printf("%s: GGUF model, %zu bytes, %zu tensors, %zu parameters\n", path, fv_model_file_size(model),
           fv_model_tensor_count(model), elements);
    struct fovea_gap gaps[FOVEA_GAPS_MAX];
    print_metadata(model);
    print_decisions(model);
    print_gaps(gaps, fovea_model_gaps(model, gaps));
    for (size_t i = 0; request->tensors && i < fv_model_tensor_count(model); i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(model, i);
        printf("  %-64s %-5s ", tensor->name, fv_type_name(tensor->type));
        print_shape(tensor->shape, tensor->rank);
        putchar('\n');
    }
    int result = FOVEA_EXIT_DONE;
    if (request->plan && fovea_plan_print(model, request->size, &request->planning, &error) != FV_OK) {
        result = fail(&error);
    }
    fv_model_close(model);
    return result;
}

/* Whether a conversion would write the key. */
static bool recognition_has(const void *context, const char *key) {
    char text[8];
    const char *found;
    for (size_t i = 0; (found = fv_recognition_metadata(context, i, text, sizeof text)) != NULL; i++) {
        if (strcmp(found, key) == 0) {
            return true;
        }
    }
    return false;
}

/* What is known, what is in doubt, what is missing; the exit status. */
static int print_recognition(const struct fv_recognition *recognition) {
    const struct fv_error *problem = fv_recognition_problem(recognition);
    const char *architecture = fv_recognition_architecture(recognition), *key, *decision;
    char text[VALUE_SIZE];
    struct fovea_gap gaps[FOVEA_GAPS_MAX];
    printf("  network: %s, names as %s", architecture, fv_recognition_naming(recognition));
    if (problem == NULL) {
        printf(", %zu parameters", fv_recognition_parameters(recognition));
    }
    putchar('\n');
    for (size_t i = 0; (key = fv_recognition_metadata(recognition, i, text, sizeof text)) != NULL; i++) {
        if (strcmp(key, "fovea.decisions") != 0) {
            printf("  %-28s %s\n", key, text);
        }
    }
    for (size_t i = 0; (decision = fv_recognition_decision(recognition, i)) != NULL; i++) {
        printf("%s    %s\n", i == 0 ? "  decided:\n" : "", decision);
    }
    if (problem != NULL && problem->status != FV_ERROR_ARGUMENT) {
        printf("  cannot be converted: %s\n", problem->message);
        return FOVEA_EXIT_UNUSABLE;
    }
    if (problem != NULL) { /* an answer, too: an option settles it */
        printf("  in doubt: %s\n", problem->message);
    }
    print_gaps(gaps, fovea_find_gaps(recognition_has, recognition, strcmp(architecture, "unet") == 0, gaps));
    return FOVEA_EXIT_DONE;
}

/* How many values all tensors have together. */
static size_t count_values(const struct fv_checkpoint *checkpoint) {
    size_t values = 0;
    for (size_t i = 0; i < fv_checkpoint_tensor_count(checkpoint); i++) {
        values += fv_checkpoint_tensor_at(checkpoint, i)->elements;
    }
    return values;
}

static int inspect_checkpoint(const char *path, const struct request *request) {
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    struct fv_recognition *recognition;
    struct fv_convert_options options;
    if (fv_checkpoint_open(path, &checkpoint, &error) != FV_OK) {
        return fail(&error);
    }
    printf("%s: %s, %zu tensors, %zu values\n", path, fv_checkpoint_container(checkpoint),
           fv_checkpoint_tensor_count(checkpoint), count_values(checkpoint));
    if (fv_checkpoint_doubt(checkpoint) != NULL) {
        printf("  warning: %s\n", fv_checkpoint_doubt(checkpoint));
        fprintf(stderr, "fovea inspect: warning: %s\n", fv_checkpoint_doubt(checkpoint));
    }
    fv_convert_options_default(&options);
    options.image_size = (uint32_t)request->image_size;
    options.variant = request->variant >= 0 ? variants[request->variant] : NULL;
    options.transform_input = request->transform_input >= 0 ? answers[request->transform_input] : NULL;
    int result;
    if (fv_survey(checkpoint, &options, &recognition, &error) == FV_OK) {
        result = print_recognition(recognition);
        fv_recognition_close(recognition);
    } else {
        result = fail(&error);
    }
    for (size_t i = 0; request->tensors && i < fv_checkpoint_tensor_count(checkpoint); i++) {
        const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor_at(checkpoint, i);
        printf("  %-64s %-5s ", tensor->name, fv_element_name(tensor->element));
        print_shape(tensor->shape, tensor->rank);
        putchar('\n');
    }
    fv_checkpoint_close(checkpoint);
    return result;
}

int fovea_command_inspect(int count, char **arguments) {
    struct request request = {.variant = -1, .transform_input = -1};
    const struct fovea_option options[] = {
        {.name = "tensors", .kind = FOVEA_OPTION_FLAG, .target = &request.tensors, .help = "list every tensor"},
        {.name = "plan",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.plan,
         .help = "for a model: what the engine does with it on this machine,\nnode by node, and why not otherwise"},
        {.name = "size",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.size,
         .value = "N",
         .help = "side of the input for --plan; default: what the model says",
         .low = 1,
         .high = LARGEST_SIDE},
        {.name = "exact",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.planning.exact,
         .help = "plan direct sums only, no Winograd transforms"},
        {.name = "tune",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.planning.tune,
         .help = "plan by measurements on this processor, which are made if\nMODEL.tuning.json beside the model has "
                 "none"},
        {.name = "image-size",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.image_size,
         .value = "N",
         .help = "for a checkpoint that does not tell the side of its input",
         .low = 1,
         .high = LARGEST_SIDE},
        {.name = "variant",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.variant,
         .value = "tf|plain",
         .help = "for a checkpoint of timm's EfficientNets that does not tell which",
         .choices = variants},
        {.name = "transform-input",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.transform_input,
         .value = "yes|no",
         .help = "for a checkpoint of an Inception-V3 that does not tell",
         .choices = answers},
    };
    const struct fovea_syntax syntax = {
        .command = "inspect",
        .operands = "FILE",
        .least = 1,
        .most = 1,
        .summary =
            "Say what a model file or a checkpoint holds, what is in doubt or missing and which option settles it,\n"
            "and what was decided at conversion and why.",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .details = "FILE is a model (GGUF), or anything that `fovea convert` reads.",
    };
    size_t operands;
    bool yes;
    switch (fovea_options_parse(&syntax, count, arguments, &operands)) {
    case FOVEA_PARSE_HELP:
        return FOVEA_EXIT_DONE;
    case FOVEA_PARSE_WRONG:
        return FOVEA_EXIT_USAGE;
    case FOVEA_PARSE_GO:
        break;
    }
    struct fv_error error;
    if (fovea_is_model(arguments[1], &yes, &error) != FV_OK) {
        return fail(&error);
    }
    return yes ? inspect_model(arguments[1], &request) : inspect_checkpoint(arguments[1], &request);
}
