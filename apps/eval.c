/* eval: predictions against labels. */
#include "eval/eval.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "commands.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "options.h"

/* What the command line says, before it is understood. */
struct request {
    struct fovea_option_list sets, images, probabilities, fields;
    const char *foreground;
    bool strict;
    int match, empty;
    size_t worst, threads;
    const char *output;
    struct fv_pool texts;
};

static const char *const empty_names[] = {"undefined", "one", NULL};

static const char summary[] =
    "Compares predictions with labels: grades (two tables) or FAZ masks (two folders), one or several sets.\n"
    "  fovea eval -o FOLDER PREDICTED REFERENCE\n"
    "  fovea eval -o FOLDER --set test=PREDICTED,REFERENCE --set external=PREDICTED,REFERENCE";

static const char details[] =
    "Grades: PREDICTED is the results.csv of fovea run or grade, or the table that the published program writes\n"
    "(PATH, LABEL without a header); REFERENCE is a table with the columns file and grade (ungradable, gradable,\n"
    "outstanding, or 0, 1, 2). Accuracy, precision, recall and F1 a class, macro and weighted, the confusion\n"
    "matrix, class weights; with probabilities also AUC, ROC curves and weighted cross-entropy.\n"
    "\n"
    "Masks: PREDICTED and REFERENCE are folders of masks (PNG, TIFF, BMP or NIfTI, recognised by content), such as\n"
    "the masks/ of fovea run. Dice, smoothed Dice, Jaccard, precision and recall, each image and pooled; with --fov\n"
    "the error of the area; with --probability the losses; with --images both outlines drawn on the image.\n"
    "\n"
    "Where several sets are given, --images, --probability and --fov take NAME=VALUE for one set or VALUE for all.\n"
    "\n"
    "FOLDER receives eval.html, eval.json, eval_summary.csv (sets side by side and their mean), eval.csv (a row an\n"
    "image) and, of grades, eval_roc.csv. What is missing on a side, there twice, malformed or of another size is\n"
    "listed with file, line and reason, and in none of the figures.\n"
    "\n"
    "Exit status: 0 all evaluated, 1 some failures, 2 wrong usage, 3 nothing could be evaluated, 4 a table, a folder\n"
    "or the output cannot be used, or failures with --strict, 130 interrupted (nothing is written).\n\n" FOVEA_NOTICE;

static bool stat_kind(const char *path, bool *folder) {
    struct stat information;
    if (stat(path, &information) != 0) {
        return false;
    }
    *folder = S_ISDIR(information.st_mode);
    return true;
}

/* Splits PREDICTED,REFERENCE at the comma that leaves two paths that exist; the only comma need not. */
static bool split_pair(const struct fovea_syntax *syntax, struct request *request, const char *text,
                       struct fovea_eval_source *source) {
    size_t commas = 0, fitting = 0;
    for (const char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ',')) {
        const char *predicted = fv_pool_text(&request->texts, text, (size_t)(comma - text));
        bool folder;
        if (predicted == NULL) {
            fovea_usage_error(syntax, "out of memory");
            return false;
        }
        bool exist = stat_kind(predicted, &folder) && stat_kind(comma + 1, &folder);
        if (exist || commas == 0) {
            source->predicted = predicted;
            source->reference = comma + 1;
        }
        commas++;
        fitting += exist;
    }
    if (commas == 0 || source->predicted[0] == '\0' || source->reference[0] == '\0') {
        fovea_usage_error(syntax, "--set: expected NAME=PREDICTED,REFERENCE, found '%s'", text);
        return false;
    }
    if (commas > 1 && fitting != 1) {
        fovea_usage_error(syntax, "--set: %zu of the commas in '%s' lie between two paths that exist, expected 1",
                          fitting, text);
        return false;
    }
    return true;
}

/* Splits NAME=VALUE; *value is NULL where there is no name. NULL if memory is exhausted. */
static const char *split_name(struct request *request, const char *text, const char **value) {
    const char *equals = strchr(text, '=');
    *value = equals != NULL ? equals + 1 : NULL;
    return fv_pool_text(&request->texts, text, equals != NULL ? (size_t)(equals - text) : 0);
}

static bool take_sets(const struct fovea_syntax *syntax, struct request *request, char **operands, size_t operand_count,
                      struct fovea_eval_options *options) {
    if ((request->sets.count == 0) != (operand_count == 2) || (request->sets.count > 0 && operand_count > 0)) {
        fovea_usage_error(syntax, request->sets.count > 0
                                      ? "with --set there are no operands"
                                      : "expected PREDICTED and REFERENCE, or --set NAME=PREDICTED,REFERENCE");
        return false;
    }
    if (operand_count == 2) {
        options->sources[0] =
            (struct fovea_eval_source){.name = "all", .predicted = operands[0], .reference = operands[1]};
        options->source_count = 1;
        return true;
    }
    for (size_t i = 0; i < request->sets.count; i++) {
        struct fovea_eval_source *source = &options->sources[i];
        const char *pair;
        source->name = split_name(request, request->sets.items[i], &pair);
        if (source->name == NULL || source->name[0] == '\0' || pair == NULL) {
            fovea_usage_error(syntax, "--set: expected NAME=PREDICTED,REFERENCE, found '%s'", request->sets.items[i]);
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(options->sources[j].name, source->name) == 0) {
                fovea_usage_error(syntax, "--set: two sets are called '%s'", source->name);
                return false;
            }
        }
        if (!split_pair(syntax, request, pair, source)) {
            return false;
        }
        options->source_count++;
    }
    return true;
}

/* Gives VALUE to all sets, or NAME=VALUE to one, through `give`, which says whether it took it. */
static bool give_values(const struct fovea_syntax *syntax, struct request *request, const char *option,
                        const struct fovea_option_list *list, struct fovea_eval_options *options,
                        bool (*give)(struct fovea_eval_source *source, const char *value)) {
    for (size_t i = 0; i < list->count; i++) {
        const char *value, *name = split_name(request, list->items[i], &value);
        size_t taken = 0;
        bool named = false;
        for (size_t s = 0; s < options->source_count && name != NULL && value != NULL; s++) {
            named = named || strcmp(options->sources[s].name, name) == 0;
        }
        for (size_t s = 0; s < options->source_count; s++) {
            struct fovea_eval_source *source = &options->sources[s];
            if (!named || strcmp(source->name, name) == 0) {
                taken += give(source, named ? value : list->items[i]);
            } else {
                taken++;
            }
        }
        if (taken < options->source_count) {
            fovea_usage_error(syntax, "--%s: '%s' is no value, or its set has one already", option, list->items[i]);
            return false;
        }
    }
    return true;
}

static bool give_images(struct fovea_eval_source *source, const char *value) {
    bool free = source->images == NULL && value[0] != '\0';
    source->images = value;
    return free;
}

static bool give_probability(struct fovea_eval_source *source, const char *value) {
    bool free = source->probability == NULL && value[0] != '\0';
    source->probability = value;
    return free;
}

static bool give_field(struct fovea_eval_source *source, const char *value) {
    char *end;
    double field = strtod(value, &end);
    bool good = source->field_mm == 0.0 && end != value && *end == '\0' && field >= 0.1 && field <= 100.0;
    source->field_mm = field;
    return good;
}

static bool parse_foreground(const struct fovea_syntax *syntax, const char *text, struct fovea_foreground *foreground) {
    if (text == NULL) {
        return true;
    }
    if (strcmp(text, "any") == 0) {
        foreground->kind = FOVEA_FOREGROUND_ANY;
        return true;
    }
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < 1 || value > UINT16_MAX) {
        fovea_usage_error(syntax, "--foreground: expected any or a value from 1 to %d, found '%s'", UINT16_MAX, text);
        return false;
    }
    *foreground = (struct fovea_foreground){FOVEA_FOREGROUND_VALUE, (uint32_t)value};
    return true;
}

/* Whether `path` is one of the files that this command writes. */
static bool is_output(const char *output, const char *path) {
    static const char *const names[] = {"eval.csv", "eval_summary.csv", "eval_roc.csv", "eval.json", "eval.html"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *written = fv_text_format("%s/%s", output, names[i]);
        bool same = written == NULL || fovea_same_place(written, path);
        fv_release(written);
        if (same) {
            return true;
        }
    }
    return false;
}

/* Finds out whether grades or masks are compared, and refuses what cannot be meant. */
static int check_sources(const struct fovea_syntax *syntax, struct fovea_eval_options *options) {
    for (size_t i = 0; i < options->source_count; i++) {
        const struct fovea_eval_source *source = &options->sources[i];
        const char *const paths[2] = {source->predicted, source->reference};
        bool folders[2];
        for (size_t k = 0; k < 2; k++) {
            if (!stat_kind(paths[k], &folders[k])) {
                fprintf(stderr, "fovea eval: %s: no such file or folder\n", paths[k]);
                return FOVEA_EXIT_UNUSABLE;
            }
        }
        if (folders[0] != folders[1]) {
            return fovea_usage_error(syntax, "%s: expected two tables or two folders, found a %s and a %s",
                                     source->name, folders[0] ? "folder" : "file", folders[1] ? "folder" : "file");
        }
        enum fovea_eval_kind kind = folders[0] ? FOVEA_EVAL_MASKS : FOVEA_EVAL_GRADES;
        if (i > 0 && kind != options->kind) {
            return fovea_usage_error(syntax, "%s: expected tables in all sets or folders in all", source->name);
        }
        options->kind = kind;
        if (fovea_same_place(paths[0], paths[1])) {
            return fovea_usage_error(syntax, "%s: predictions and labels are the same %s", source->name,
                                     folders[0] ? "folder" : "file");
        }
        if (is_output(options->output, paths[0]) || is_output(options->output, paths[1])) {
            return fovea_usage_error(syntax, "%s: a table to be read would be replaced by a result", source->name);
        }
    }
    return FOVEA_EXIT_DONE;
}

/* The options that mean something for masks only. */
static bool masks_only(const struct request *request) {
    return request->images.count + request->probabilities.count + request->fields.count > 0 ||
           request->foreground != NULL || request->empty != 0;
}

static int evaluate(const struct fovea_syntax *syntax, struct request *request, char **operands, size_t count) {
    struct fovea_eval_options options = {
        .output = request->output,
        .strict = request->strict,
        .match_given = request->match >= 0,
        .match = request->match >= 0 ? (enum fovea_match_rule)request->match : FOVEA_MATCH_PATH,
        .empty_is_one = request->empty == 1,
        .worst = request->worst,
        .threads = request->threads,
    };
    if (!take_sets(syntax, request, operands, count, &options) ||
        !give_values(syntax, request, "images", &request->images, &options, give_images) ||
        !give_values(syntax, request, "probability", &request->probabilities, &options, give_probability) ||
        !give_values(syntax, request, "fov", &request->fields, &options, give_field) ||
        !parse_foreground(syntax, request->foreground, &options.foreground)) {
        return FOVEA_EXIT_USAGE;
    }
    int code = check_sources(syntax, &options);
    if (code != FOVEA_EXIT_DONE) {
        return code;
    }
    if (options.kind == FOVEA_EVAL_GRADES && masks_only(request)) {
        return fovea_usage_error(syntax, "--images, --probability, --fov, --foreground and --empty are for masks");
    }
    return fovea_eval_run(&options);
}

int fovea_command_eval(int count, char **arguments) {
    struct request request = {.match = -1, .worst = 12};
    const struct fovea_option table[] = {
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.output,
         .value = "FOLDER",
         .required = true,
         .help = "where the results go; made if it is not there"},
        {.name = "set",
         .kind = FOVEA_OPTION_LIST,
         .target = &request.sets,
         .value = "NAME=PREDICTED,REFERENCE",
         .help = "a set; may be given several times"},
        {.name = "match",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.match,
         .value = "RULE",
         .choices = fovea_match_rule_names,
         .help = "what two names must share: path, all of it (of tables with a\nheader); stem, all but the suffix (of "
                 "masks); base, the last\npart without its suffix (of published tables)"},
        {.name = "strict",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.strict,
         .help = "write nothing if there is any failure"},
        {.name = "images",
         .kind = FOVEA_OPTION_LIST,
         .target = &request.images,
         .value = "FOLDER",
         .help = "masks: the images, on which both outlines are drawn, worst first"},
        {.name = "worst",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.worst,
         .value = "N",
         .low = 0,
         .high = 1000,
         .help = "masks: how many of each set the report shows; default 12"},
        {.name = "fov",
         .kind = FOVEA_OPTION_LIST,
         .target = &request.fields,
         .value = "MM",
         .help = "masks: side of the scanned square, for areas in mm2"},
        {.name = "foreground",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.foreground,
         .value = "VALUE",
         .help = "masks: the value of the FAZ, or any for all but 0; default: the\nonly value beside 0, and two of "
                 "them are a failure"},
        {.name = "empty",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.empty,
         .value = "RULE",
         .choices = empty_names,
         .help = "masks: Dice and so on of two empty masks: undefined (default),\nor one"},
        {.name = "probability",
         .kind = FOVEA_OPTION_LIST,
         .target = &request.probabilities,
         .value = "FOLDER",
         .help = "masks: maps STEM.npy, as --save-probability writes them, for\nthe losses"},
        {.name = "threads",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.threads,
         .value = "N",
         .low = 1,
         .high = FV_THREADS_MAX,
         .help = "default: what the machine gives; the results do not depend on it"},
    };
    const struct fovea_syntax syntax = {
        .command = "eval",
        .operands = "[PREDICTED REFERENCE]",
        .most = 2,
        .summary = summary,
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .details = details,
    };
    size_t operands = 0;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    int code = evaluate(&syntax, &request, arguments + 1, operands);
    fv_pool_clear(&request.texts);
    return code;
}
