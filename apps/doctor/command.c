/* doctor: checks the machine, the build, the models and the output folder. */
#include <stdarg.h>
#include <stdio.h>

#include "commands.h"
#include "doctor/doctor.h"
#include "options.h"

__attribute__((__format__(__printf__, 2, 0))) static void print(const char *kind, const char *format,
                                                                va_list arguments) {
    printf("%-5s ", kind);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout); /* the next check may take a while */
}

void fovea_doctor_ok(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print("ok", format, arguments);
    va_end(arguments);
}

void fovea_doctor_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print("note", format, arguments);
    va_end(arguments);
}

void fovea_doctor_fail(struct fovea_doctor *doctor, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print("FAIL", format, arguments);
    va_end(arguments);
    doctor->failures++;
}

int fovea_command_doctor(int count, char **arguments) {
    struct fovea_doctor doctor = {.output = "."};
    const struct fovea_option options[] = {
        {.name = "models",
         .kind = FOVEA_OPTION_TEXT,
         .target = &doctor.models,
         .value = "FOLDER",
         .help = "model files (*.gguf), or one of them; default: the small demo\nmodels that come with the program"},
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &doctor.output,
         .value = "FOLDER",
         .help = "where results are to go; default: the working folder"},
    };
    const struct fovea_syntax syntax = {
        .command = "doctor",
        .operands = "",
        .summary = "Check that this machine, this build and the models work together: processor, libraries,\n"
                   "disk, and every model on a phantom.",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .details = "Exit status: 0 all is well, 2 wrong usage, 4 something does not work."};
    size_t operands;
    switch (fovea_options_parse(&syntax, count, arguments, &operands)) {
    case FOVEA_PARSE_GO:
        break;
    case FOVEA_PARSE_HELP:
        return FOVEA_EXIT_DONE;
    case FOVEA_PARSE_WRONG:
        return FOVEA_EXIT_USAGE;
    }
    puts("fovea " FOVEA_VERSION ". " FOVEA_NOTICE);
    fovea_doctor_machine(&doctor);
    fovea_doctor_output(&doctor);
    fovea_doctor_models(&doctor);
    if (doctor.failures == 0) {
        puts("all is well");
        return FOVEA_EXIT_DONE;
    }
    printf("%zu thing%s not work\n", doctor.failures, doctor.failures == 1 ? " does" : "s do");
    return FOVEA_EXIT_UNUSABLE;
}
