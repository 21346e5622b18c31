/* The subcommands of the program `fovea`, and what their exit statuses mean.
 *
 * Each command gets its own name as arguments[0] and the rest of the command line after it, prints its results on the
 * standard output and everything else on the standard error, and returns the exit status of the program. */
#ifndef FOVEA_APPS_COMMANDS_H
#define FOVEA_APPS_COMMANDS_H

enum fovea_exit {
    FOVEA_EXIT_DONE = 0,          /* everything that was asked for */
    FOVEA_EXIT_SOME_FAILED = 1,   /* some images failed, the others are done */
    FOVEA_EXIT_USAGE = 2,         /* the command line is wrong */
    FOVEA_EXIT_NO_IMAGE = 3,      /* no image was found */
    FOVEA_EXIT_UNUSABLE = 4,      /* a model, the output or its store cannot be used */
    FOVEA_EXIT_INTERRUPTED = 130, /* SIGINT or SIGTERM; what was finished is kept */
};

/* Stands in the version text and in every report. */
#define FOVEA_NOTICE "Research use only. Not a medical device. Not for diagnosis."

int fovea_command_run(int count, char **arguments);
int fovea_command_grade(int count, char **arguments);
int fovea_command_segment(int count, char **arguments);
int fovea_command_measure(int count, char **arguments);
int fovea_command_merge(int count, char **arguments);
int fovea_command_report(int count, char **arguments);
int fovea_command_eval(int count, char **arguments);
int fovea_command_adapt(int count, char **arguments);
int fovea_command_cohort(int count, char **arguments);
int fovea_command_models(int count, char **arguments);
int fovea_command_infer(int count, char **arguments);
int fovea_command_bench(int count, char **arguments);
int fovea_command_convert(int count, char **arguments);
int fovea_command_inspect(int count, char **arguments);
int fovea_command_phantom(int count, char **arguments);
int fovea_command_doctor(int count, char **arguments);

#endif
