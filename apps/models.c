/* models: what the models of a folder, or those that come with the program, serve. */
#include <stdint.h>
#include <stdio.h>

#include "commands.h"
#include "options.h"
#include "pipeline/models.h"

static void print_model(const struct fovea_model *model) {
    printf("%s\n  name         %s\n  task         %s\n  fields, mm  ", model->file_name, model->name,
           fovea_task_names[model->task]);
    for (size_t i = 0; i < model->fields; i++) {
        printf(" %g", fovea_model_field(model, i));
    }
    printf("\n  layers      ");
    for (size_t i = 0; i < FOVEA_LAYER_COUNT; i++) {
        if (model->layers[i]) {
            printf(" %s", fovea_layer_names[i]);
        }
    }
    printf("\n");
    if (model->license != NULL) {
        printf("  license      %s\n", model->license);
    }
    if (model->attribution != NULL) {
        printf("  attribution  %s\n", model->attribution);
    }
    if (model->note != NULL) {
        printf("  note         %s\n", model->note);
    }
}

int fovea_command_models(int count, char **arguments) {
    const struct fovea_syntax syntax = {
        .command = "models",
        .operands = "[FOLDER]",
        .most = 1,
        .summary = "Lists the models of a folder, or those that come with the program, and what they serve.",
        .details = FOVEA_NOTICE,
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    struct fovea_models models;
    struct fv_error error;
    if (fovea_models_open(operands > 0 ? arguments[1] : NULL, &models, &error) != FV_OK) {
        fprintf(stderr, "fovea models: %s\n", error.message);
        return FOVEA_EXIT_UNUSABLE;
    }
    for (size_t i = 0; i < models.count; i++) {
        print_model(&models.items[i]);
    }
    fovea_models_close(&models);
    return FOVEA_EXIT_DONE;
}
