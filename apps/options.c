#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/number.h"
#include "base/suggestion.h"
#include "commands.h"
#include "configuration.h"

enum { BUILT_IN = 3, OPTIONS_MAX = 64, WORD_MAX = 64, HELP_COLUMN = 26 };

/* What sections of configuration files may be for, and what the last file said: values point into it. */
static const char *const *command_names;
static size_t command_count;
static struct fovea_configuration configuration;

void fovea_options_commands(const char *const *names, size_t count) {
    command_names = names;
    command_count = count;
}

__attribute__((__format__(__printf__, 2, 0))) static void usage_message(const struct fovea_syntax *syntax,
                                                                        const char *format, va_list arguments) {
    fprintf(stderr, "fovea %s: %s", syntax->command, syntax->place != NULL ? syntax->place : "");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry 'fovea %s --help'.\n", syntax->command);
}

int fovea_usage_error(const struct fovea_syntax *syntax, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    usage_message(syntax, format, arguments);
    va_end(arguments);
    return FOVEA_EXIT_USAGE;
}

__attribute__((__format__(__printf__, 2, 3))) static enum fovea_parse wrong(const struct fovea_syntax *syntax,
                                                                            const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    usage_message(syntax, format, arguments);
    va_end(arguments);
    return FOVEA_PARSE_WRONG;
}

/* Prints `help` with its later lines under its first. */
static void print_indented(const char *help) {
    for (; *help != '\0'; help++) {
        putchar(*help);
        if (*help == '\n') {
            printf("%*s", HELP_COLUMN, "");
        }
    }
    putchar('\n');
}

static void print_option(const struct fovea_option *option) {
    char left[WORD_MAX * 2];
    char letter[8] = "    ";
    if (option->letter != 0) {
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name, option->value != NULL ? " " : "",
             option->value != NULL ? option->value : "");
    if (strlen(left) + 2 > HELP_COLUMN) {
        printf("%s\n%*s", left, HELP_COLUMN, "");
    } else {
        printf("%-*s", HELP_COLUMN, left);
    }
    print_indented(option->help);
}

static void print_help(const struct fovea_syntax *syntax) {
    printf("Usage: fovea %s", syntax->command);
    bool optional = false;
    for (size_t i = 0; i < syntax->option_count; i++) {
        const struct fovea_option *option = &syntax->options[i];
        if (!option->required) {
            optional = true;
        } else if (option->letter != 0) {
            printf(" -%c %s", option->letter, option->value);
        } else {
            printf(" --%s %s", option->name, option->value);
        }
    }
    printf("%s%s%s\n\n%s\n\nOptions:\n", optional ? " [OPTION...]" : "", syntax->operands[0] != '\0' ? " " : "",
           syntax->operands, syntax->summary);
    for (size_t i = 0; i < syntax->option_count; i++) {
        print_option(&syntax->options[i]);
    }
    printf("%-*soptions from a file, if they are not given here; see man fovea\n", HELP_COLUMN, "      --config FILE");
    printf("%-*sprint all options as such a file, and do nothing else\n", HELP_COLUMN, "      --print-config");
    printf("%-*sshow this help\n", HELP_COLUMN, "      --help");
    if (syntax->details != NULL) {
        printf("\n%s\n", syntax->details);
    }
}

/* The row of `--name` (`length` bytes), or NULL after a message. */
static const struct fovea_option *find_long(const struct fovea_syntax *syntax, const char *name, size_t length) {
    const char *names[OPTIONS_MAX] = {"help", "config", "print-config"};
    for (size_t i = 0; i < syntax->option_count; i++) {
        const struct fovea_option *option = &syntax->options[i];
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0) {
            return option;
        }
        names[i + BUILT_IN] = option->name;
    }
    char word[WORD_MAX];
    snprintf(word, sizeof word, "%.*s", (int)(length < WORD_MAX ? length : WORD_MAX - 1), name);
    const size_t unfit = syntax->place != NULL ? BUILT_IN : 0; /* for a file */
    const char *meant = fovea_suggestion(word, names + unfit, syntax->option_count + BUILT_IN - unfit);
    if (meant != NULL) {
        fovea_usage_error(syntax, "unknown option --%s; did you mean --%s?", word, meant);
    } else {
        fovea_usage_error(syntax, "unknown option --%s", word);
    }
    return NULL;
}

static const struct fovea_option *find_letter(const struct fovea_syntax *syntax, char letter) {
    for (size_t i = 0; i < syntax->option_count; i++) {
        if (syntax->options[i].letter == letter) {
            return &syntax->options[i];
        }
    }
    fovea_usage_error(syntax, "unknown option -%c", letter);
    return NULL;
}

static enum fovea_parse store_count(const struct fovea_syntax *syntax, const struct fovea_option *option,
                                    const char *text) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        return wrong(syntax, "--%s: expected a whole number from %.0f to %.0f, found '%s'", option->name, option->low,
                     option->high, text);
    }
    if (errno == ERANGE || number > SIZE_MAX || (double)number < option->low || (double)number > option->high) {
        return wrong(syntax, "--%s: %s is outside %.0f to %.0f", option->name, text, option->low, option->high);
    }
    *(size_t *)option->target = (size_t)number;
    return FOVEA_PARSE_GO;
}

static enum fovea_parse store_number(const struct fovea_syntax *syntax, const struct fovea_option *option,
                                     const char *text) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number)) {
        return wrong(syntax, "--%s: expected a number from %g to %g, found '%s'", option->name, option->low,
                     option->high, text);
    }
    if (number < option->low || number > option->high) {
        return wrong(syntax, "--%s: %s is outside %g to %g", option->name, text, option->low, option->high);
    }
    *(double *)option->target = number;
    return FOVEA_PARSE_GO;
}

static enum fovea_parse store_choice(const struct fovea_syntax *syntax, const struct fovea_option *option,
                                     const char *text) {
    char known[WORD_MAX * 4] = "";
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *(int *)option->target = i;
            return FOVEA_PARSE_GO;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? " or " : "", option->choices[i]);
    }
    return wrong(syntax, "--%s: expected %s, found '%s'", option->name, known, text);
}

static enum fovea_parse store_item(const struct fovea_syntax *syntax, const struct fovea_option *option,
                                   const char *text) {
    struct fovea_option_list *list = option->target;
    if (list->count == FOVEA_OPTION_LIST_MAX) {
        return wrong(syntax, "--%s is given more than %d times", option->name, FOVEA_OPTION_LIST_MAX);
    }
    list->items[list->count++] = text;
    return FOVEA_PARSE_GO;
}

static enum fovea_parse store(const struct fovea_syntax *syntax, const struct fovea_option *option, const char *text) {
    switch (option->kind) {
    case FOVEA_OPTION_FLAG:
        *(bool *)option->target = true;
        return FOVEA_PARSE_GO;
    case FOVEA_OPTION_TEXT:
    case FOVEA_OPTION_LIST:
        if (text[0] == '\0') {
            return wrong(syntax, "--%s: the value is empty", option->name);
        }
        if (option->kind == FOVEA_OPTION_LIST) {
            return store_item(syntax, option, text);
        }
        *(const char **)option->target = text;
        return FOVEA_PARSE_GO;
    case FOVEA_OPTION_COUNT:
        return store_count(syntax, option, text);
    case FOVEA_OPTION_NUMBER:
        return store_number(syntax, option, text);
    case FOVEA_OPTION_CHOICE:
        return store_choice(syntax, option, text);
    }
    return FOVEA_PARSE_WRONG;
}

/* Handles the option at arguments[*position] and moves *position to its last word. */
static enum fovea_parse parse_option(const struct fovea_syntax *syntax, int count, char **arguments, int *position,
                                     bool *given) {
    const char *word = arguments[*position];
    const struct fovea_option *option;
    const char *text = NULL;
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');
        option = find_long(syntax, word + 2, equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2);
        text = equals != NULL ? equals + 1 : NULL;
    } else {
        option = find_letter(syntax, word[1]);
        text = word[2] != '\0' ? word + 2 : NULL;
    }
    if (option == NULL) {
        return FOVEA_PARSE_WRONG;
    }
    bool *seen = &given[option - syntax->options];
    if (*seen && option->kind != FOVEA_OPTION_LIST) {
        return wrong(syntax, "--%s is given twice", option->name);
    }
    *seen = true;
    if (option->kind == FOVEA_OPTION_FLAG) {
        return text == NULL ? store(syntax, option, NULL) : wrong(syntax, "--%s takes no value", option->name);
    }
    if (text == NULL) {
        if (*position + 1 >= count) {
            return wrong(syntax, "--%s needs a value (%s)", option->name, option->value);
        }
        text = arguments[++*position];
    }
    return store(syntax, option, text);
}

static enum fovea_parse check_complete(const struct fovea_syntax *syntax, const bool *given, size_t operands) {
    for (size_t i = 0; i < syntax->option_count; i++) {
        if (syntax->options[i].required && !given[i]) {
            return wrong(syntax, "--%s %s is required: %s", syntax->options[i].name, syntax->options[i].value,
                         syntax->options[i].help);
        }
    }
    if (operands < syntax->least) {
        return wrong(syntax, "expected %s", syntax->operands);
    }
    if (operands > syntax->most) {
        return wrong(syntax, "too many operands: expected %s", syntax->most == 0 ? "none" : syntax->operands);
    }
    return FOVEA_PARSE_GO;
}

/* What stands in one line of a configuration file. */
static enum fovea_parse apply_entry(const struct fovea_syntax *syntax, const struct fovea_configuration_entry *entry,
                                    const bool *given, size_t *lines) {
    const struct fovea_option *option = find_long(syntax, entry->name, strlen(entry->name));
    if (option == NULL) {
        return FOVEA_PARSE_WRONG;
    }
    const size_t index = (size_t)(option - syntax->options);
    if (lines[index] != 0 && option->kind != FOVEA_OPTION_LIST) {
        return wrong(syntax, "%s stands in line %zu already", option->name, lines[index]);
    }
    lines[index] = entry->line;
    const bool yes = strcmp(entry->value, "yes") == 0;
    if (option->kind == FOVEA_OPTION_FLAG && !yes && strcmp(entry->value, "no") != 0) {
        return wrong(syntax, "%s: expected yes or no, found '%s'", option->name, entry->value);
    }
    if (given[index] || (option->kind == FOVEA_OPTION_FLAG && !yes)) {
        return FOVEA_PARSE_GO;
    }
    return store(syntax, option, entry->value);
}

/* Takes the options that are not given from the file. */
static enum fovea_parse apply_file(const struct fovea_syntax *syntax, const char *path, bool *given) {
    struct fv_error error = {0};
    fovea_configuration_clear(&configuration);
    if (fovea_configuration_read(path, syntax->command, command_names, command_count, &configuration, &error) !=
        FV_OK) {
        return wrong(syntax, "--config: %s", error.message);
    }
    size_t lines[OPTIONS_MAX] = {0};
    for (size_t i = 0; i < configuration.count; i++) {
        char place[WORD_MAX * 2];
        struct fovea_syntax local = *syntax;
        const size_t length = strlen(path);
        const char *tail = length > WORD_MAX ? path + length - WORD_MAX : path;
        snprintf(place, sizeof place, "%s%s:%zu: ", tail != path ? "..." : "", tail, configuration.entries[i].line);
        local.place = place;
        const enum fovea_parse parsed = apply_entry(&local, &configuration.entries[i], given, lines);
        if (parsed != FOVEA_PARSE_GO) {
            return parsed;
        }
    }
    for (size_t i = 0; i < syntax->option_count; i++) {
        given[i] = given[i] || lines[i] != 0;
    }
    return FOVEA_PARSE_GO;
}

/* The option as lines of a configuration file: a comment if it has no value. */
static void print_value(const struct fovea_option *option, bool given, struct fovea_buffer *text) {
    const struct fovea_option_list *list = option->target;
    char number[FOVEA_NUMBER_SIZE] = "";
    const char *value = NULL;
    int choices = 0;
    switch (option->kind) {
    case FOVEA_OPTION_FLAG:
        value = *(const bool *)option->target ? "yes" : "no";
        break;
    case FOVEA_OPTION_TEXT:
        value = *(const char *const *)option->target;
        break;
    case FOVEA_OPTION_COUNT:
        snprintf(number, sizeof number, "%zu", *(const size_t *)option->target);
        value = given || (double)*(const size_t *)option->target >= option->low ? number : NULL;
        break;
    case FOVEA_OPTION_NUMBER:
        fovea_format_shortest(*(const double *)option->target, number);
        value = given || *(const double *)option->target >= option->low ? number : NULL;
        break;
    case FOVEA_OPTION_CHOICE:
        while (option->choices[choices] != NULL) {
            choices++;
        }
        if (*(const int *)option->target >= 0 && *(const int *)option->target < choices) {
            value = option->choices[*(const int *)option->target];
        }
        break;
    case FOVEA_OPTION_LIST:
        for (size_t i = 0; i < list->count; i++) {
            fovea_configuration_write(text, option->name, list->items[i]);
        }
        value = list->count > 0 ? "" : NULL;
        break;
    }
    if (value == NULL || (option->required && !given)) {
        fovea_buffer_format(text, "# %s =%s\n", option->name, option->required ? " (required)" : "");
    } else if (option->kind != FOVEA_OPTION_LIST) {
        fovea_configuration_write(text, option->name, value);
    }
}

static enum fovea_parse print_configuration(const struct fovea_syntax *syntax, const bool *given) {
    struct fovea_buffer text = {0};
    fovea_buffer_format(&text, "[%s]\n", syntax->command);
    for (size_t i = 0; i < syntax->option_count; i++) {
        const struct fovea_option *option = &syntax->options[i];
        fovea_buffer_text(&text, "\n# ");
        for (const char *help = option->help; *help != '\0'; help++) {
            fovea_buffer_add(&text, help, 1);
            fovea_buffer_text(&text, *help == '\n' ? "# " : "");
        }
        fovea_buffer_text(&text, "\n");
        print_value(option, given[i], &text);
    }
    fputs(text.failed || text.bytes == NULL ? "" : text.bytes, stdout);
    const bool failed = text.failed;
    fovea_buffer_clear(&text);
    return failed ? wrong(syntax, "out of memory") : FOVEA_PARSE_HELP;
}

/* The built-in options. */
struct built_in {
    const char *file; /* of --config */
    bool print;
};

/* Whether the word at *position is one of them; then *position moves to its last word. */
static enum fovea_parse parse_built_in(const struct fovea_syntax *syntax, int count, char **arguments, int *position,
                                       struct built_in *built_in, bool *found) {
    static const char config[] = "--config";
    const char *word = arguments[*position];
    const size_t length = sizeof config - 1;
    *found = true;
    if (strcmp(word, "--print-config") == 0) {
        built_in->print = true;
        return FOVEA_PARSE_GO;
    }
    if (strncmp(word, config, length) != 0 || (word[length] != '\0' && word[length] != '=')) {
        *found = false;
        return FOVEA_PARSE_GO;
    }
    if (built_in->file != NULL) {
        return wrong(syntax, "--config is given twice");
    }
    if (word[length] == '\0' && *position + 1 >= count) {
        return wrong(syntax, "--config needs a value (FILE)");
    }
    built_in->file = word[length] == '=' ? word + length + 1 : arguments[++*position];
    return FOVEA_PARSE_GO;
}

enum fovea_parse fovea_options_parse(const struct fovea_syntax *syntax, int count, char **arguments,
                                     size_t *operand_count) {
    bool given[OPTIONS_MAX] = {false};
    size_t operands = 0;
    bool options_ended = false, found = false;
    struct built_in built_in = {0};
    enum fovea_parse parsed = FOVEA_PARSE_GO;
    for (int i = 1; i < count; i++) {
        char *word = arguments[i];
        if (!options_ended && strcmp(word, "--help") == 0) {
            print_help(syntax);
            return FOVEA_PARSE_HELP;
        }
        if (!options_ended && strcmp(word, "--") == 0) {
            options_ended = true;
        } else if (!options_ended && word[0] == '-' && word[1] != '\0') {
            parsed = parse_built_in(syntax, count, arguments, &i, &built_in, &found);
            if (parsed == FOVEA_PARSE_GO && !found) {
                parsed = parse_option(syntax, count, arguments, &i, given);
            }
            if (parsed != FOVEA_PARSE_GO) {
                return parsed;
            }
        } else {
            arguments[++operands] = word;
        }
    }
    *operand_count = operands;
    parsed = built_in.file != NULL ? apply_file(syntax, built_in.file, given) : FOVEA_PARSE_GO;
    if (parsed != FOVEA_PARSE_GO || built_in.print) {
        return parsed != FOVEA_PARSE_GO ? parsed : print_configuration(syntax, given);
    }
    return check_complete(syntax, given, operands);
}
