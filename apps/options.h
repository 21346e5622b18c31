/* The command line of a subcommand, described by a table and parsed by one function.
 *
 * Options are `--name VALUE`, `--name=VALUE`, and for those with a letter `-o VALUE` and `-oVALUE`; flags take no
 * value.
 * `--` ends the options; a single `-` is an operand. Every command understands `--help`, `--config FILE`, which gives
 * options that are not on the command line (configuration.h), and `--print-config`, which prints all as such a file. An
 * option given twice is an error, unless it is a list: of two values one would be dropped without a word.
 *
 * Thread safety: for the main thread; the functions print on the standard output (help) and the standard error. */
#ifndef FOVEA_APPS_OPTIONS_H
#define FOVEA_APPS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum fovea_option_kind {
    FOVEA_OPTION_FLAG,   /* bool *: becomes true */
    FOVEA_OPTION_TEXT,   /* const char **: points into the command line */
    FOVEA_OPTION_COUNT,  /* size_t *: a whole number from `low` to `high` */
    FOVEA_OPTION_NUMBER, /* double *: a finite number from `low` to `high` */
    FOVEA_OPTION_CHOICE, /* int *: the index of the value in `choices` */
    FOVEA_OPTION_LIST,   /* struct fovea_option_list *: given any number of times, pointers into the command line */
};

enum { FOVEA_OPTION_LIST_MAX = 32 };

struct fovea_option_list {
    const char *items[FOVEA_OPTION_LIST_MAX];
    size_t count;
};

struct fovea_option {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    enum fovea_option_kind kind;
    void *target;      /* as the kind says; keeps its value if the option is absent, which makes it the default */
    const char *value; /* how the help calls the value, for example "MM"; NULL for flags */
    const char *help;  /* one or more lines, without a newline at the end */
    bool required;
    double low, high;           /* COUNT and NUMBER */
    const char *const *choices; /* CHOICE: ends with NULL */
};

struct fovea_syntax {
    const char *command;  /* "run" */
    const char *operands; /* how the help calls what is not an option: "INPUT...", "" for none */
    size_t least, most;   /* how many operands there must be */
    const char *summary;  /* one sentence */
    const struct fovea_option *options;
    size_t option_count;
    const char *details; /* printed at the end of the help; may be NULL */
    const char *place;   /* set by the parser: what messages begin with, such as "file:3: " */
};

enum fovea_parse {
    FOVEA_PARSE_GO,    /* all is well: carry on */
    FOVEA_PARSE_HELP,  /* the help or the options were printed: the command ends with FOVEA_EXIT_DONE */
    FOVEA_PARSE_WRONG, /* a message was printed: the command ends with FOVEA_EXIT_USAGE */
};

/* Names the program's commands, which sections of configuration files may be for; without this call, any name will do.
 * For the start of the program: the list is kept, not copied. */
void fovea_options_commands(const char *const *names, size_t count);

/* Parses arguments[1] .. arguments[count - 1]. The operands are moved, in their order, to arguments[1] onwards; their
 * number is stored in *operand_count. Values from a configuration file live until the next call. */
enum fovea_parse fovea_options_parse(const struct fovea_syntax *syntax, int count, char **arguments,
                                     size_t *operand_count);

/* Prints "fovea COMMAND: MESSAGE" and where the help is, for what a table cannot check. Returns FOVEA_EXIT_USAGE. */
int fovea_usage_error(const struct fovea_syntax *syntax, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

#endif
