/* The program `fovea`: finds the subcommand and hands over. */
#include <stdio.h>
#include <string.h>

#include "base/suggestion.h"
#include "commands.h"
#include "options.h"

struct command {
    const char *name;
    int (*run)(int count, char **arguments);
    const char *summary;
};

static const struct command commands[] = {
    {"run", fovea_command_run, "grade images, outline the FAZ of the good ones, measure it, report"},
    {"grade", fovea_command_grade, "grade images only"},
    {"segment", fovea_command_segment, "outline and measure the FAZ of every image, without grading"},
    {"measure", fovea_command_measure, "measure masks that exist already"},
    {"report", fovea_command_report, "write the table and the report of a run folder again"},
    {"merge", fovea_command_merge, "join run folders of several machines"},
    {"eval", fovea_command_eval, "compare predictions with labels: grades or masks"},
    {"adapt", fovea_command_adapt, "train a grader's last layer on labels of your own"},
    {"cohort", fovea_command_cohort, "figures, tests and repeatability of groups of subjects"},
    {"models", fovea_command_models, "list models and what they serve"},
    {"phantom", fovea_command_phantom, "make synthetic images whose FAZ is known"},
    {"convert", fovea_command_convert, "turn a PyTorch or nnU-Net checkpoint into a model file"},
    {"inspect", fovea_command_inspect, "show what is in a model file or checkpoint"},
    {"infer", fovea_command_infer, "run a model on a raw array"},
    {"bench", fovea_command_bench, "time a model on this machine"},
    {"doctor", fovea_command_doctor, "check that machine, build and models work together"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void) {
    puts("Usage: fovea COMMAND [OPTION...] [INPUT...]\n\n"
         "Grades OCTA images of the retina, outlines the foveal avascular zone (FAZ), measures it and reports.\n"
         "Works offline; inputs are never changed.\n\n"
         "Commands:");
    for (size_t i = 0; i < COMMANDS; i++) {
        printf("  %-10s%s\n", commands[i].name, commands[i].summary);
    }
    puts("\nfovea COMMAND --help tells more about one of them; fovea --version shows the version.\n\n"
         "A folder of 3 mm images of the superficial layer, with the models that come with the program:\n"
         "  fovea run --fov 3 --layer superficial -o results images/\n\n" FOVEA_NOTICE);
}

static int unknown_command(const char *name, const char *const *names) {
    const char *meant = fovea_suggestion(name, names, COMMANDS);
    fprintf(stderr, "fovea: unknown command '%s'", name);
    if (meant != NULL) {
        fprintf(stderr, "; did you mean '%s'?", meant);
    }
    fprintf(stderr, "\nTry 'fovea --help'.\n");
    return FOVEA_EXIT_USAGE;
}

static int dispatch(int count, char **arguments) {
    static const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    fovea_options_commands(names, COMMANDS);
    if (count < 2) {
        fprintf(stderr, "fovea: no command given\nTry 'fovea --help'.\n");
        return FOVEA_EXIT_USAGE;
    }
    const char *name = arguments[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help();
        return FOVEA_EXIT_DONE;
    }
    if (strcmp(name, "--version") == 0) {
        puts("fovea " FOVEA_VERSION "\n" FOVEA_NOTICE);
        return FOVEA_EXIT_DONE;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(count - 1, arguments + 1);
        }
    }
    return unknown_command(name, names);
}

int main(int count, char **arguments) {
    int code = dispatch(count, arguments);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "fovea: the standard output cannot be written\n");
        return code == FOVEA_EXIT_DONE ? FOVEA_EXIT_UNUSABLE : code;
    }
    return code;
}
