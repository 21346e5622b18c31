/* fovea convert: from a PyTorch, safetensors or nnU-Net checkpoint to a model file, or the weights of either to
 * safetensors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fovea/convert.h"
#include "fovea/export.h"
#include "fovea/memory.h"
#include "model_file.h"
#include "options.h"

enum { MOST_ITEMS = 256, LARGEST_SIDE = 16384 };

/* The command line, before its lists are taken apart. */
struct request {
    const char *output;
    int format;  /* of the output, in `formats` */
    int weights; /* in `weight_types`; -1: not given */
    int preset;  /* in `presets`; -1: none */
    size_t fold; /* FV_ALL_FOLDS: not given */
    size_t image_size;
    int variant;         /* in `variants`; -1: not given */
    int transform_input; /* in `answers`; -1: not given */
    const char *task, *classes, *resize, *mean, *deviation, *fields, *layers;
    const char *name, *licence, *attribution, *note;
    bool zscore, strict;
};

enum { FORMAT_GGUF, FORMAT_SAFETENSORS };

static const char *const formats[] = {"gguf", "safetensors", NULL};
static const char *const weight_types[] = {"f32", "f16", NULL};
static const char *const variants[] = {"tf", "plain", NULL};
static const char *const answers[] = {"yes", "no", NULL};
static const char *const presets[] = {"coips-3x3", "coips-6x6", NULL};

/* The lists, taken apart. */
struct lists {
    char *text[4]; /* copies of the texts that the names point into */
    const char *classes[MOST_ITEMS];
    const char *layers[MOST_ITEMS];
    float mean[MOST_ITEMS], deviation[MOST_ITEMS], fields[MOST_ITEMS];
};

/* Cuts `text` at its commas, in place; 0 if an item is empty or there are too many. */
static size_t split(char *text, const char *items[MOST_ITEMS]) {
    size_t count = 0;
    for (char *comma = text; comma != NULL; text = comma + 1) {
        comma = strchr(text, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        if (*text == '\0' || count == MOST_ITEMS) {
            return 0;
        }
        items[count++] = text;
        if (comma == NULL) {
            break;
        }
    }
    return count;
}

/* Numbers with commas between them; 0 if one of them is none. */
static size_t split_numbers(const char *text, float numbers[MOST_ITEMS]) {
    size_t count = 0;
    while (count < MOST_ITEMS) {
        char *end;
        numbers[count] = strtof(text, &end);
        if (end == text || !isfinite(numbers[count])) {
            return 0;
        }
        count++;
        if (*end == '\0') {
            return count;
        }
        if (*end != ',') {
            return 0;
        }
        text = end + 1;
    }
    return 0;
}

/* "bicubic", "bicubic:384" or "bicubic,384". */
static bool split_resize(char *text, struct fv_convert_options *options) {
    options->resize = text;
    char *colon = strpbrk(text, ":,");
    if (colon != NULL) {
        char *end;
        *colon = '\0';
        long size = strtol(colon + 1, &end, 10);
        if (end == colon + 1 || *end != '\0' || size < 1 || size > LARGEST_SIDE) {
            return false;
        }
        options->resize_size = (uint32_t)size;
    }
    return true;
}

/* Fills the parts of `options` that are lists; returns the option that is wrong, or NULL. */
static const char *take_lists(const struct request *request, struct lists *lists, struct fv_convert_options *options) {
    if (request->classes != NULL) {
        options->class_count = split(lists->text[0], lists->classes);
        options->classes = lists->classes;
    }
    if (request->layers != NULL) {
        options->layer_count = split(lists->text[1], lists->layers);
        options->layers = lists->layers;
    }
    if (request->fields != NULL) {
        options->field_count = split_numbers(request->fields, lists->fields);
        options->fields = lists->fields;
    }
    if (request->mean != NULL && request->deviation != NULL) {
        options->mean_count = split_numbers(request->mean, lists->mean);
        options->mean = lists->mean;
        options->deviation = lists->deviation;
        if (split_numbers(request->deviation, lists->deviation) != options->mean_count) {
            return "--mean and --std: expected as many numbers in the one as in the other";
        }
    }
    if ((request->mean == NULL) != (request->deviation == NULL)) {
        return "--mean and --std go together";
    }
    if (request->resize != NULL && !split_resize(lists->text[2], options)) {
        return "--resize: expected bilinear, bicubic or none, and perhaps a size, as in bicubic:384";
    }
    return request->classes != NULL && options->class_count == 0  ? "--classes: expected names with commas between them"
           : request->layers != NULL && options->layer_count == 0 ? "--layer: expected names with commas between them"
           : request->fields != NULL && options->field_count == 0 ? "--fov: expected numbers with commas between them"
           : request->mean != NULL && options->mean_count == 0
               ? "--mean, --std: expected numbers with commas between them"
               : NULL;
}

static int fail(const struct fv_error *error) {
    fprintf(stderr, "fovea convert: %s\n", error->message);
    return error->status == FV_ERROR_ARGUMENT ? FOVEA_EXIT_USAGE : FOVEA_EXIT_UNUSABLE;
}

static void print_warning(void *context, const char *message) {
    (void)context;
    fprintf(stderr, "fovea convert: warning: %s\n", message);
}

static void report(const struct fv_recognition *recognition, const struct fv_checkpoint *checkpoint,
                   const char *output) {
    fprintf(stderr, "%s: %s, %s (%s names), %zu parameters -> %s\n", fv_checkpoint_path(checkpoint),
            fv_checkpoint_container(checkpoint), fv_recognition_architecture(recognition),
            fv_recognition_naming(recognition), fv_recognition_parameters(recognition), output);
}

static int convert(const char *source, const char *output, const struct fv_convert_options *options) {
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    struct fv_recognition *recognition = NULL;
    enum fv_status status = fv_checkpoint_open(source, &checkpoint, &error);
    if (status == FV_OK) {
        status = fv_recognize(checkpoint, options, &recognition, &error);
    }
    if (status == FV_OK) {
        status = fv_convert(checkpoint, output, options, &error);
    }
    if (status == FV_OK) {
        report(recognition, checkpoint, output);
    }
    fv_recognition_close(recognition);
    fv_checkpoint_close(checkpoint);
    return status == FV_OK ? FOVEA_EXIT_DONE : fail(&error);
}

/* An option that only a model can take, or NULL. */
static const char *model_option(const struct request *request) {
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"weights", request->weights >= 0},
        {"preset", request->preset >= 0},
        {"image-size", request->image_size != 0},
        {"variant", request->variant >= 0},
        {"transform-input", request->transform_input >= 0},
        {"task", request->task != NULL},
        {"classes", request->classes != NULL},
        {"resize", request->resize != NULL},
        {"mean", request->mean != NULL},
        {"std", request->deviation != NULL},
        {"zscore", request->zscore},
        {"fov", request->fields != NULL},
        {"layer", request->layers != NULL},
        {"name", request->name != NULL},
        {"licence", request->licence != NULL},
        {"attribution", request->attribution != NULL},
        {"note", request->note != NULL},
        {"strict", request->strict},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (options[i].given) {
            return options[i].name;
        }
    }
    return NULL;
}

/* Gives the weights back: of a model, or of a checkpoint. */
static int export_weights(const struct fovea_syntax *syntax, const struct request *request, const char *source) {
    const char *option = model_option(request);
    if (option != NULL) {
        return fovea_usage_error(syntax, "--%s is for models: safetensors hold weights and nothing else", option);
    }
    struct fv_error error;
    struct fv_export_summary summary;
    struct fv_model *model = NULL;
    struct fv_checkpoint *checkpoint = NULL;
    bool is_model;
    enum fv_status status = fovea_is_model(source, &is_model, &error);
    if (status == FV_OK && is_model) {
        status = fv_model_open(source, &model, &error);
        status = status != FV_OK ? status : fv_export_model(model, request->output, request->fold, &summary, &error);
    } else if (status == FV_OK) {
        status = fv_checkpoint_open(source, &checkpoint, &error);
        status = status != FV_OK ? status
                                 : fv_export_checkpoint(checkpoint, request->output, request->fold, &summary, &error);
    }
    if (status == FV_OK) {
        fprintf(stderr, "%s: %zu tensors, %zu values -> %zu safetensors file%s\n", source, summary.tensors,
                summary.parameters, summary.files, summary.files == 1 ? "" : "s");
    }
    fv_model_close(model);
    fv_checkpoint_close(checkpoint);
    return status == FV_OK ? FOVEA_EXIT_DONE : fail(&error);
}

/* Copies the texts that are cut in place, then converts. */
static int run(const struct fovea_syntax *syntax, const struct request *request, const char *source) {
    struct fv_convert_options options;
    fv_convert_options_default(&options);
    options.weights = request->weights == 1 ? FV_TYPE_F16 : FV_TYPE_F32;
    options.preset = request->preset >= 0 ? presets[request->preset] : NULL;
    options.image_size = (uint32_t)request->image_size;
    options.variant = request->variant >= 0 ? variants[request->variant] : NULL;
    options.transform_input = request->transform_input >= 0 ? answers[request->transform_input] : NULL;
    options.task = request->task;
    options.zscore = request->zscore;
    options.name = request->name;
    options.licence = request->licence;
    options.attribution = request->attribution;
    options.note = request->note;
    options.strict = request->strict;
    options.warn = print_warning;
    struct lists *lists = fv_allocate_zero(1, sizeof *lists);
    const char *const texts[] = {request->classes, request->layers, request->resize};
    bool complete = lists != NULL;
    for (size_t i = 0; i < 3 && complete; i++) {
        lists->text[i] = texts[i] == NULL ? NULL : fv_duplicate(texts[i]);
        complete = texts[i] == NULL || lists->text[i] != NULL;
    }
    int result = FOVEA_EXIT_UNUSABLE;
    const char *wrong = complete ? take_lists(request, lists, &options) : NULL;
    if (!complete) {
        fprintf(stderr, "fovea convert: out of memory\n");
    } else if (wrong != NULL) {
        result = fovea_usage_error(syntax, "%s", wrong);
    } else {
        result = convert(source, request->output, &options);
    }
    for (size_t i = 0; lists != NULL && i < 3; i++) {
        fv_release(lists->text[i]);
    }
    fv_release(lists);
    return result;
}

int fovea_command_convert(int count, char **arguments) {
    struct request request = {.weights = -1, .preset = -1, .variant = -1, .transform_input = -1, .fold = FV_ALL_FOLDS};
    const struct fovea_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.output,
         .value = "FILE",
         .help = "the model file (.gguf) or weights (.safetensors) to write",
         .required = true},
        {.name = "to",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.format,
         .value = "gguf|safetensors",
         .help = "gguf, the default: a model for Fovea; safetensors: the weights as they are stored, for\nother "
                 "programs, from a checkpoint or from a model (.gguf)",
         .choices = formats},
        {.name = "fold",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.fold,
         .value = "K",
         .help = "with --to safetensors: only this fold of an nnU-Net ensemble; default: a file each,\nnamed "
                 "FILE.fold_K.safetensors",
         .high = 1000},
        {.name = "preset",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.preset,
         .value = "coips-3x3|coips-6x6",
         .help = "what the published program does with its model for this field of view: task, classes,\nresize, mean, "
                 "std, fov, layer. Options that are given win over it",
         .choices = presets},
        {.name = "weights",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.weights,
         .value = "f32|f16",
         .help = "how weights are stored (norms and biases always in 32 bits); f32 unless given",
         .choices = weight_types},
        {.name = "image-size",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.image_size,
         .value = "N",
         .help = "side of a classifier's input in pixels; of an EfficientNet with lukemelas' names\nthe side for which "
                 "it was made, which fixes its padding",
         .low = 1,
         .high = LARGEST_SIDE},
        {.name = "variant",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.variant,
         .value = "tf|plain",
         .help = "which of timm's EfficientNets: tf_efficientnet_* (TensorFlow's padding, epsilon\n0.001) or "
                 "efficientnet_* (even padding, epsilon 0.00001)",
         .choices = variants},
        {.name = "transform-input",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.transform_input,
         .value = "yes|no",
         .help =
             "whether an Inception-V3 normalises its input again: yes for torchvision's published\nweights and nets "
             "trained from them, no for timm's",
         .choices = answers},
        {.name = "task",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.task,
         .value = "quality|segmentation",
         .help = "what the model is for"},
        {.name = "classes",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.classes,
         .value = "A,B,C",
         .help = "names of the outputs, in their order"},
        {.name = "resize",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.resize,
         .value = "FILTER[:SIZE]",
         .help = "how images are brought to the network's size: bilinear, bicubic or none"},
        {.name = "mean",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.mean,
         .value = "A,B,C",
         .help = "subtracted from each channel, in units of 0 to 1; one number for all, or one a channel"},
        {.name = "std",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.deviation,
         .value = "A,B,C",
         .help = "by which each channel is divided after that"},
        {.name = "zscore",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.zscore,
         .help = "each image is normalised by its own mean and deviation"},
        {.name = "fov",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.fields,
         .value = "MM,MM",
         .help = "fields of view that the model serves"},
        {.name = "layer",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.layers,
         .value = "superficial,deep",
         .help = "layers that the model serves"},
        {.name = "name",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.name,
         .value = "TEXT",
         .help = "the model's name"},
        {.name = "licence",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.licence,
         .value = "TEXT",
         .help = "the weights' licence"},
        {.name = "attribution",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.attribution,
         .value = "TEXT",
         .help = "who made the weights and from which data"},
        {.name = "strict",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.strict,
         .help = "refuse a file that is doubtful: one whose zip entries have a wrong CRC-32"},
        {.name = "note",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.note,
         .value = "TEXT",
         .help = "a sentence for every report"},
    };
    const struct fovea_syntax syntax = {
        .command = "convert",
        .operands = "SOURCE",
        .least = 1,
        .most = 1,
        .summary =
            "Turn a checkpoint of PyTorch, safetensors or nnU-Net v1 into a model file, or give the weights of a\n"
            "checkpoint or a model as safetensors.",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .details =
            "SOURCE is a file by torch.save (zip or older), a .safetensors file, or an nnU-Net v1 folder with\n"
            "plans.pkl and fold_K/model_best.model[.pkl]. The network is recognised by its tensors: Swin\n"
            "Transformer, ResNet, SE-ResNeXt, Inception-V3, EfficientNet, nnU-Net. Nothing in a pickle is executed.\n"
            "`fovea inspect SOURCE` says what a checkpoint holds. With --to safetensors SOURCE may be a model too;\n"
            "tensors keep values, types and the checkpoint's names.",
    };
    size_t operands;
    switch (fovea_options_parse(&syntax, count, arguments, &operands)) {
    case FOVEA_PARSE_HELP:
        return FOVEA_EXIT_DONE;
    case FOVEA_PARSE_WRONG:
        return FOVEA_EXIT_USAGE;
    case FOVEA_PARSE_GO:
        break;
    }
    if (request.format == FORMAT_SAFETENSORS) {
        return export_weights(&syntax, &request, arguments[1]);
    }
    if (request.fold != FV_ALL_FOLDS) {
        return fovea_usage_error(&syntax, "--fold goes with --to safetensors; a model holds every fold");
    }
    return run(&syntax, &request, arguments[1]);
}
