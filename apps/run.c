/* run, grade, segment and measure: the pipeline with all of its stages or some. */
#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "coips/coips.h"
#include "commands.h"
#include "fovea/threads.h"
#include "options.h"
#include "pipeline/pipeline.h"

/* The options of these commands; each takes those that concern it. */
#define OPTION_FOV                                                                                                     \
    {                                                                                                                  \
        .name = "fov", .kind = FOVEA_OPTION_NUMBER, .target = &options.field_mm, .value = "MM", .low = 0.1,            \
        .high = 100,                                                                                                   \
        .help =                                                                                                        \
            "side of the scanned square in millimetres; never guessed.\nRequired unless --scans or DICOM files say it" \
    }
#define OPTION_LAYER                                                                                                   \
    {                                                                                                                  \
        .name = "layer", .kind = FOVEA_OPTION_CHOICE, .target = &choice.layer, .value = "LAYER",                       \
        .choices = fovea_layer_names, .help = "superficial or deep. Required unless --scans or names of files say it"  \
    }
#define OPTION_SCANS                                                                                                   \
    {                                                                                                                  \
        .name = "scans", .kind = FOVEA_OPTION_TEXT, .target = &options.scans, .value = "FILE",                         \
        .help =                                                                                                        \
            "a table with a row an image: file and, as far as known, fov_mm,\neye, layer, axial_length_mm, subject, "  \
            "visit; see the man page"                                                                                  \
    }
#define OPTION_REFERENCE                                                                                               \
    {                                                                                                                  \
        .name = "reference-axial-length", .kind = FOVEA_OPTION_NUMBER, .target = &options.reference_axial_length_mm,   \
        .value = "MM", .low = FOVEA_AXIAL_LENGTH_LEAST_MM, .high = FOVEA_AXIAL_LENGTH_MOST_MM,                         \
        .help = "length of the eye that the device's scale assumes, for the measures\nthat are corrected by the "      \
                "table's axial_length_mm; default: 23.95"                                                              \
    }
#define OPTION_OUTPUT                                                                                                  \
    {                                                                                                                  \
        .name = "output", .letter = 'o', .kind = FOVEA_OPTION_TEXT, .target = &options.output, .value = "FOLDER",      \
        .required = true, .help = "where the results go; made if it is not there"                                      \
    }
#define OPTION_MODELS                                                                                                  \
    {                                                                                                                  \
        .name = "models", .kind = FOVEA_OPTION_TEXT, .target = &options.models, .value = "FOLDER",                     \
        .help = "model files (*.gguf), or one of them; default: the small demo\nmodels that come with the program"     \
    }
#define OPTION_LIST                                                                                                    \
    {                                                                                                                  \
        .name = "list", .kind = FOVEA_OPTION_TEXT, .target = &options.list, .value = "FILE",                           \
        .help = "a text file with an input a line, as seen from its folder"                                            \
    }
#define OPTION_TTA                                                                                                     \
    {                                                                                                                  \
        .name = "tta", .kind = FOVEA_OPTION_CHOICE, .target = &choice.tta, .value = "MODE", .choices = tta_names,      \
        .help =                                                                                                        \
            "mirror: average over mirrored views, as published (default);\noff: one view, about four times as fast"    \
    }
#define OPTION_FOLDS                                                                                                   \
    {                                                                                                                  \
        .name = "folds", .kind = FOVEA_OPTION_TEXT, .target = &choice.folds, .value = "N,N",                           \
        .help = "only these members of the segmenter's ensemble, for example 0,2;\ndefault: the mean of all"           \
    }
#define OPTION_EXACT                                                                                                   \
    {                                                                                                                  \
        .name = "exact", .kind = FOVEA_OPTION_FLAG, .target = &options.planning.exact,                                 \
        .help = "direct sums for all convolutions, no Winograd transforms: takes up\nto twice as long, rounds a "      \
                "little less"                                                                                          \
    }
#define OPTION_TUNE                                                                                                    \
    {                                                                                                                  \
        .name = "tune", .kind = FOVEA_OPTION_FLAG, .target = &options.planning.tune,                                   \
        .help = "choose each layer's algorithm by measuring on this processor,\nonce: the answer is kept beside the "  \
                "model, in MODEL.tuning.json"                                                                          \
    }
#define OPTION_PROBABILITY                                                                                             \
    {                                                                                                                  \
        .name = "save-probability", .kind = FOVEA_OPTION_FLAG, .target = &options.save_probability,                    \
        .help = "write probability/ too: float32 maps of every class (.npy) and\nthe FAZ's as a 16 bit .png"           \
    }
#define OPTION_REQUIRE_GRADE                                                                                           \
    {                                                                                                                  \
        .name = "require-grade", .kind = FOVEA_OPTION_FLAG, .target = &options.require_grade,                          \
        .help = "a deep image without a superficial partner to take the grade of\nfails, instead of being segmented "  \
                "ungraded"                                                                                             \
    }
#define OPTION_IMAGES                                                                                                  \
    {                                                                                                                  \
        .name = "images", .kind = FOVEA_OPTION_TEXT, .target = &options.images, .value = "FOLDER",                     \
        .help = "the images of the masks, with the masks' names but for the\nsuffix: their vessels are measured too"   \
    }
#define OPTION_THREADS                                                                                                 \
    {                                                                                                                  \
        .name = "threads", .kind = FOVEA_OPTION_COUNT, .target = &options.threads, .value = "N", .low = 1,             \
        .high = FV_THREADS_MAX, .help = "default: what the machine gives; the results do not depend on it"             \
    }

/* OPTION_OUTPUT for a command that can do without. */
#define OPTION_OUTPUT_UNLESS_COIPS                                                                                     \
    {                                                                                                                  \
        .name = "output", .letter = 'o', .kind = FOVEA_OPTION_TEXT, .target = &options.output, .value = "FOLDER",      \
        .help = "where the results go; made if it is not there (required)"                                             \
    }
#define OPTION_COIPS                                                                                                   \
    {                                                                                                                  \
        .name = "coips", .kind = FOVEA_OPTION_TEXT, .target = &choice.coips.project, .value = "PROJECT",               \
        .help = "work in the folders of the published program (its base_dir)\ninstead of on INPUT and --output"        \
    }
#define OPTION_OVERWRITE                                                                                               \
    {                                                                                                                  \
        .name = "overwrite", .kind = FOVEA_OPTION_FLAG, .target = &options.overwrite,                                  \
        .help = "do again what is there but was made otherwise: changed inputs, or\nall if options or models "         \
                "changed; without it they are refused"                                                                 \
    }
#define OPTION_OVERWRITE_COIPS                                                                                         \
    {                                                                                                                  \
        .name = "overwrite", .kind = FOVEA_OPTION_FLAG, .target = &options.overwrite,                                  \
        .help = "do again what is there but was made otherwise: changed inputs, or\nall if options or models "         \
                "changed; without it they are refused.\nWith --coips: segment again what has a label already"          \
    }
#define OPTION_CONTINUE                                                                                                \
    {                                                                                                                  \
        .name = "continue", .kind = FOVEA_OPTION_FLAG, .target = &options.go_on,                                       \
        .help = "FOLDER must hold results of this command already; what is missing\nis done, as it is without this "   \
                "option"                                                                                               \
    }
#define OPTION_DRY_RUN                                                                                                 \
    {                                                                                                                  \
        .name = "dry-run", .kind = FOVEA_OPTION_FLAG, .target = &options.dry,                                          \
        .help = "say what would be done with which models, and write nothing"                                          \
    }
#define OPTION_JSON_LINES                                                                                              \
    {                                                                                                                  \
        .name = "json-lines", .kind = FOVEA_OPTION_FLAG, .target = &options.json_lines,                                \
        .help = "progress and results as lines of JSON on the standard output; see\nthe man page"                      \
    }
#define OPTION_SHARD                                                                                                   \
    {                                                                                                                  \
        .name = "shard", .kind = FOVEA_OPTION_TEXT, .target = &choice.shard, .value = "K/N",                           \
        .help = "only share K of N of the inputs, by a hash of their names; give each\nshare a FOLDER of its own "     \
                "and join them with fovea merge"                                                                       \
    }
#define OPTION_PROJECT_NAME                                                                                            \
    {                                                                                                                  \
        .name = "project-name", .kind = FOVEA_OPTION_TEXT, .target = &choice.coips.project_name, .value = "NAME",      \
        .help = "with --coips: how its tables' names begin; default: 3x3 or 6x6"                                       \
    }

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *const tta_names[] = {"mirror", "off", NULL};

enum { FOLDS_MAX = 64 };

/* What the table stores as words, and what becomes of it. */
struct choice {
    int layer; /* -1: not given */
    int tta;
    const char *folds, *shard;
    size_t fold_numbers[FOLDS_MAX];
    struct fovea_coips_options coips;
};

#define EXIT_STATUSES                                                                                                  \
    "Interrupted or killed, the same command goes on where it was; when all is done already it says so.\n\n"           \
    "Exit status: 0 all done, 1 some images failed, 2 wrong usage, 3 no image found, 4 a model, the output or\n"       \
    "its store cannot be used, 130 interrupted (Ctrl-C finishes the image in work and writes the "                     \
    "results).\n\n" FOVEA_NOTICE

#define INPUTS                                                                                                         \
    "INPUT is an image or a folder, searched with all below it. Images are PNG, JPEG, TIFF, BMP or DICOM files,\n"     \
    "recognised by content, and grey; colour files whose three channels are equal count as grey.\n"                    \
    "Inputs are never changed.\n\n"                                                                                    \
    "A field of view is taken from the table of scans, else from the DICOM file, else from --fov; a layer from\n"      \
    "the table, else from the file's name (SCP, DCP, ...), else from --layer. Results say from where.\n\n"

#define OUTPUTS                                                                                                        \
    "FOLDER receives fovea.sqlite, results.csv, results.json, report.html, masks/ (0 and 255), overlays/ (the\n"       \
    "published blend), contours/ (the outline on the image), labels/ (NIfTI) and vessels/ (128, centre lines\n"        \
    "255), with the subfolders of the input.\n\n"

/* Takes "0,2" apart; false if it is something else. */
static bool read_folds(struct choice *choice, struct fovea_pipeline_options *options) {
    const char *text = choice->folds;
    while (text != NULL) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);
        if (!isdigit((unsigned char)*text) || number > INT_MAX || options->fold_count == FOLDS_MAX ||
            (*end != ',' && *end != '\0')) {
            return false;
        }
        choice->fold_numbers[options->fold_count++] = number;
        text = *end == ',' ? end + 1 : NULL;
    }
    options->folds = choice->fold_numbers;
    return true;
}

/* Takes "2/8" apart; false if it is something else. */
static bool read_share(const char *text, struct fovea_share *share) {
    char *slash, *end;
    if (text == NULL) {
        return true;
    }
    unsigned long number = strtoul(text, &slash, 10);
    if (!isdigit((unsigned char)*text) || *slash != '/' || !isdigit((unsigned char)slash[1])) {
        return false;
    }
    unsigned long of = strtoul(slash + 1, &end, 10);
    *share = (struct fovea_share){number, of};
    return *end == '\0' && number >= 1 && number <= of && of <= INT_MAX;
}

#define COIPS                                                                                                          \
    "With --coips PROJECT: images are read from PROJECT/raw_OCTA_images, and the published folders, tables, masks\n"   \
    "and overlays are written with the published pixel values; our own reports go to PROJECT/fovea. Inputs stay\n"     \
    "where they are, tables have a row an image, and what the published program would skip or stop at is a\n"          \
    "failure with its reason. Sums are always direct, as with --exact. Other options: --models, --fov 3 or 6,\n"       \
    "--layer, --overwrite, --project-name.\n\n"

/* Works in a published project, where most is settled. */
static int run_coips(const struct fovea_syntax *syntax, const struct fovea_pipeline_options *options,
                     struct choice *choice, size_t operands) {
    struct fovea_coips_options *coips = &choice->coips;
    if (operands > 0 || options->list != NULL || options->output != NULL) {
        return fovea_usage_error(syntax, "--coips reads and writes in its project: no INPUT, --list or --output");
    }
    if (options->go_on || options->dry || choice->shard != NULL || options->json_lines) {
        return fovea_usage_error(
            syntax, "--coips goes on by itself, in one project: no --continue, --dry-run, --shard or --json-lines");
    }
    if (choice->tta != 0 || choice->folds != NULL || options->planning.exact || options->planning.tune ||
        options->save_probability || options->require_grade) {
        return fovea_usage_error(syntax, "--coips does what the published program does: no --tta, --folds, "
                                         "--tune, --save-probability or --require-grade, and --exact is implied");
    }
    if (options->scans != NULL || choice->layer < 0) {
        return fovea_usage_error(syntax, "--coips takes --fov and --layer, and no table of scans");
    }
    if (options->field_mm != 3 && options->field_mm != 6) {
        return fovea_usage_error(syntax, "--fov: the published program knows 3 and 6, found %g", options->field_mm);
    }
    if (coips->project_name != NULL && (coips->project_name[0] == '\0' || strchr(coips->project_name, '/') != NULL)) {
        return fovea_usage_error(syntax, "--project-name: expected the beginning of a file name, found '%s'",
                                 coips->project_name);
    }
    coips->command = syntax->command;
    coips->models = options->models;
    coips->overwrite = options->overwrite;
    coips->field_mm = options->field_mm;
    coips->layer = (enum fovea_layer)choice->layer;
    coips->threads = options->threads;
    return fovea_coips_run(coips);
}

/* Parses and runs. `choice` is where the table stores its words. */
static int run_pipeline(const struct fovea_syntax *syntax, int count, char **arguments,
                        struct fovea_pipeline_options *options, struct choice *choice) {
    size_t operands = 0;
    enum fovea_parse parsed = fovea_options_parse(syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    if (choice->coips.project != NULL) {
        return run_coips(syntax, options, choice, operands);
    }
    if (choice->coips.project_name != NULL) {
        return fovea_usage_error(syntax, "--project-name goes with --coips");
    }
    if (options->output == NULL) {
        return fovea_usage_error(syntax, "--output FOLDER is required");
    }
    if (options->json_lines && options->dry) {
        return fovea_usage_error(syntax, "--dry-run says what would be done in plain words: no --json-lines");
    }
    if (operands == 0 && options->list == NULL) {
        return fovea_usage_error(syntax, "expected an input, or --list");
    }
    if (!read_folds(choice, options)) {
        return fovea_usage_error(syntax, "--folds: expected numbers with commas between them, found '%s'",
                                 choice->folds);
    }
    if (!read_share(choice->shard, &options->share)) {
        return fovea_usage_error(syntax, "--shard: expected K/N with K from 1 to N, found '%s'", choice->shard);
    }
    options->command = syntax->command;
    options->has_layer = choice->layer >= 0;
    options->layer = options->has_layer ? (enum fovea_layer)choice->layer : FOVEA_LAYER_SUPERFICIAL;
    options->mirror = choice->tta == 0;
    options->operands = (const char *const *)arguments + 1;
    options->operand_count = operands;
    if (options->layer == FOVEA_LAYER_DEEP && options->stages.grade && !options->stages.segment) {
        return fovea_usage_error(syntax, "deep images are not graded, as published; only superficial ones are");
    }
    return fovea_pipeline_run(options);
}

int fovea_command_run(int count, char **arguments) {
    struct fovea_pipeline_options options = {.stages = {.grade = true, .segment = true, .measure = true}};
    struct choice choice = {.layer = -1};
    const struct fovea_option table[] = {OPTION_FOV,           OPTION_LAYER,        OPTION_OUTPUT_UNLESS_COIPS,
                                         OPTION_SCANS,         OPTION_REFERENCE,    OPTION_MODELS,
                                         OPTION_LIST,          OPTION_TTA,          OPTION_FOLDS,
                                         OPTION_EXACT,         OPTION_TUNE,         OPTION_PROBABILITY,
                                         OPTION_REQUIRE_GRADE, OPTION_COIPS,        OPTION_OVERWRITE_COIPS,
                                         OPTION_CONTINUE,      OPTION_DRY_RUN,      OPTION_JSON_LINES,
                                         OPTION_SHARD,         OPTION_PROJECT_NAME, OPTION_THREADS};
    const struct fovea_syntax syntax = {
        .command = "run",
        .operands = "INPUT...",
        .most = SIZE_MAX,
        .summary = "Grades images, skips the ungradable, outlines the FAZ of the others, measures it and reports.\n"
                   "Deep images take the grade of the superficial image of the same eye and visit, as published;\n"
                   "without one they are segmented and reported as ungraded.",
        .options = table,
        .option_count = COUNT_OF(table),
        .details = INPUTS OUTPUTS COIPS EXIT_STATUSES,
    };
    return run_pipeline(&syntax, count, arguments, &options, &choice);
}

int fovea_command_grade(int count, char **arguments) {
    struct fovea_pipeline_options options = {.stages = {.grade = true}};
    struct choice choice = {.layer = -1};
    const struct fovea_option table[] = {OPTION_FOV,      OPTION_LAYER,     OPTION_OUTPUT,  OPTION_SCANS,
                                         OPTION_MODELS,   OPTION_LIST,      OPTION_EXACT,   OPTION_TUNE,
                                         OPTION_CONTINUE, OPTION_OVERWRITE, OPTION_DRY_RUN, OPTION_JSON_LINES,
                                         OPTION_SHARD,    OPTION_THREADS};
    const struct fovea_syntax syntax = {
        .command = "grade",
        .operands = "INPUT...",
        .most = SIZE_MAX,
        .summary = "Grades images of the superficial layer: ungradable, gradable or outstanding. Deep images take the\n"
                   "grade of the superficial image of the same eye and visit; one without it fails.",
        .options = table,
        .option_count = COUNT_OF(table),
        .details = INPUTS "FOLDER receives fovea.sqlite, results.csv, results.json and report.html.\n\n" EXIT_STATUSES,
    };
    return run_pipeline(&syntax, count, arguments, &options, &choice);
}

int fovea_command_segment(int count, char **arguments) {
    struct fovea_pipeline_options options = {.stages = {.segment = true}};
    struct choice choice = {.layer = -1};
    const struct fovea_option table[] = {
        OPTION_FOV,      OPTION_LAYER,     OPTION_OUTPUT,  OPTION_SCANS,      OPTION_REFERENCE, OPTION_MODELS,
        OPTION_LIST,     OPTION_TTA,       OPTION_FOLDS,   OPTION_EXACT,      OPTION_TUNE,      OPTION_PROBABILITY,
        OPTION_CONTINUE, OPTION_OVERWRITE, OPTION_DRY_RUN, OPTION_JSON_LINES, OPTION_SHARD,     OPTION_THREADS};
    const struct fovea_syntax syntax = {
        .command = "segment",
        .operands = "INPUT...",
        .most = SIZE_MAX,
        .summary = "Outlines and measures the FAZ of every image, whatever its quality. Images that are not square\n"
                   "get a mask, and measures only if both sides of their field of view are known.",
        .options = table,
        .option_count = COUNT_OF(table),
        .details = INPUTS OUTPUTS EXIT_STATUSES,
    };
    return run_pipeline(&syntax, count, arguments, &options, &choice);
}

int fovea_command_measure(int count, char **arguments) {
    struct fovea_pipeline_options options = {.stages = {.masks = true, .measure = true}};
    struct choice choice = {.layer = -1};
    const struct fovea_option table[] = {OPTION_FOV,     OPTION_SCANS,      OPTION_REFERENCE, OPTION_OUTPUT,
                                         OPTION_IMAGES,  OPTION_LIST,       OPTION_CONTINUE,  OPTION_OVERWRITE,
                                         OPTION_DRY_RUN, OPTION_JSON_LINES, OPTION_SHARD};
    const struct fovea_syntax syntax = {
        .command = "measure",
        .operands = "MASK...",
        .most = SIZE_MAX,
        .summary = "Measures masks that exist already.",
        .options = table,
        .option_count = COUNT_OF(table),
        .details = "MASK is an image file or a folder of them: black is background, one other value is the FAZ.\n\n"
                   "FOLDER receives fovea.sqlite, results.csv, results.json and report.html, and with --images "
                   "vessels/.\n\n" EXIT_STATUSES,
    };
    return run_pipeline(&syntax, count, arguments, &options, &choice);
}
