/* models: what the models of a folder, or those that come with the program, serve, and what they lack. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "commands.h"
#include "fovea/nets.h"
#include "fovea/text.h"
#include "options.h"
#include "pipeline/models.h"
#include "pipeline/readiness.h"

/* Prints the elements of a list, or nothing. */
static void print_list(const struct fv_model *model, const char *label, const char *key) {
    const char *text;
    double number;
    const long length = fv_model_array_length(model, key);
    for (long i = 0; i < length; i++) {
        printf("%s", i == 0 ? label : ", ");
        if (fv_model_array_string(model, key, (size_t)i, &text)) {
            printf("%s", text);
        } else if (fv_model_array_number(model, key, (size_t)i, &number)) {
            printf("%g", number);
        } else {
            printf("?");
        }
        printf("%s", i + 1 == length ? "\n" : "");
    }
}

static void print_text(const struct fv_model *model, const char *label, const char *key) {
    const char *text;
    if (fv_model_string(model, key, &text)) {
        printf("%s%s\n", label, text);
    }
}

/* The network: its kind, members and size. */
static void print_network(const struct fv_model *model) {
    const char *architecture = "unknown", *naming = NULL;
    size_t parameters = 0;
    fv_model_string(model, "general.architecture", &architecture);
    fv_model_string(model, "fovea.source_naming", &naming);
    for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
        parameters += fv_model_tensor_at(model, i)->elements;
    }
    printf("  network      %s%s%s%s", architecture, naming != NULL ? " (" : "", naming != NULL ? naming : "",
           naming != NULL ? ")" : "");
    if (fv_net_members(model) > 1) {
        printf(", %zu members", fv_net_members(model));
    }
    printf(", %zu parameters\n", parameters);
}

/* How images come to the network: the side and filter of a grader, the tiles of a segmenter. */
static void print_input(const struct fv_model *model) {
    int64_t size, height, width;
    const char *filter = "no filter", *normalization = "";
    if (fv_model_array_integer(model, "fovea.patch_size", 0, &height) &&
        fv_model_array_integer(model, "fovea.patch_size", 1, &width)) {
        printf("  input        tiles of %" PRId64 " x %" PRId64, height, width);
    } else {
        printf("  input        images");
    }
    if (fv_model_integer(model, "fovea.input_size", &size)) {
        fv_model_string(model, "fovea.resize_filter", &filter);
        printf(" resized to %" PRId64 " (%s)", size, filter);
    }
    if (fv_model_string(model, "fovea.normalization", &normalization)) {
        printf(", normalised %s", normalization);
    }
    printf("\n");
}

/* A line an adaptation, the last one first. */
static void print_lineage(const struct fv_model *model) {
    const char *text;
    for (size_t i = 0; fv_model_array_string(model, "fovea.lineage", i, &text); i++) {
        printf("  lineage      %s\n", text);
    }
}

/* What is missing, and whether the network itself can be built; returns whether it can. */
static bool print_state(const struct fv_model *model) {
    struct fovea_gap gaps[FOVEA_GAPS_MAX];
    struct fv_error error;
    struct fv_graph *graph;
    const size_t count = fovea_model_gaps(model, gaps);
    for (size_t i = 0; i < count; i++) {
        printf("  missing      %s (%s)\n", gaps[i].key, gaps[i].option);
    }
    if (count == 0 && fv_net_build(model, NULL, &graph, &error) != FV_OK) {
        printf("  unusable     %s\n", error.message);
        return false;
    }
    if (count == 0) {
        fv_graph_destroy(graph);
    }
    return true;
}

/* Returns whether the file is a model that could serve, be it only after another conversion. */
static bool print_model(const char *path) {
    struct fv_model *model;
    struct fv_error error;
    printf("%s\n", fv_path_basename(path));
    if (fv_model_open(path, &model, &error) != FV_OK) {
        printf("  unusable     %s\n", error.message);
        return false;
    }
    print_text(model, "  name         ", "general.name");
    print_text(model, "  task         ", "fovea.task");
    print_network(model);
    print_input(model);
    print_list(model, "  classes      ", "fovea.classes");
    print_list(model, "  fields, mm   ", "fovea.fov");
    print_list(model, "  layers       ", "fovea.layers");
    print_text(model, "  preset       ", "fovea.preset");
    print_text(model, "  licence      ", "general.license");
    print_text(model, "  attribution  ", "fovea.attribution");
    print_text(model, "  note         ", "fovea.note");
    print_lineage(model);
    const bool usable = print_state(model);
    fv_model_close(model);
    return usable;
}

int fovea_command_models(int count, char **arguments) {
    const struct fovea_syntax syntax = {
        .command = "models",
        .operands = "[FOLDER]",
        .most = 1,
        .summary =
            "Lists the models of a folder, or those that come with the program: what they serve, what they need,\n"
            "and what is missing before `fovea run` can use them.",
        .details = "Exit status: 0 done, 1 some of the files cannot be used, 2 wrong usage, 4 no model "
                   "found.\n\n" FOVEA_NOTICE,
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    struct fovea_model_paths paths;
    struct fv_error error;
    int result = FOVEA_EXIT_DONE;
    if (fovea_model_paths_find(operands > 0 ? arguments[1] : NULL, &paths, &error) != FV_OK) {
        fprintf(stderr, "fovea models: %s\n", error.message);
        result = FOVEA_EXIT_UNUSABLE;
    }
    for (size_t i = 0; i < paths.count; i++) {
        result = print_model(paths.items[i]) ? result : FOVEA_EXIT_SOME_FAILED;
    }
    fovea_model_paths_release(&paths);
    return result;
}
