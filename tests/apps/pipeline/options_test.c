/* The command line: what is stored, what is refused, what is suggested. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/suggestion.h"
#include "options.h"
#include "suite.h"

/* One option of every kind. */
struct values {
    bool flag;
    const char *text;
    size_t count;
    double number;
    int choice;
    struct fovea_option_list list;
};

static const char *const choices[] = {"mirror", "off", NULL};

static enum fovea_parse parse(const char *const *words, struct values *values, char **operands, size_t *count) {
    const struct fovea_option table[] = {
        {.name = "flag", .kind = FOVEA_OPTION_FLAG, .target = &values->flag, .help = ""},
        {.name = "text", .letter = 't', .kind = FOVEA_OPTION_TEXT, .target = &values->text, .value = "T", .help = ""},
        {.name = "count",
         .kind = FOVEA_OPTION_COUNT,
         .target = &values->count,
         .value = "N",
         .low = 1,
         .high = 8,
         .help = ""},
        {.name = "number",
         .kind = FOVEA_OPTION_NUMBER,
         .target = &values->number,
         .value = "X",
         .low = 0,
         .high = 9,
         .required = true,
         .help = ""},
        {.name = "choice",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &values->choice,
         .value = "C",
         .choices = choices,
         .help = ""},
        {.name = "list", .kind = FOVEA_OPTION_LIST, .target = &values->list, .value = "L", .help = ""},
    };
    const struct fovea_syntax syntax = {.command = "test",
                                        .operands = "A [B]",
                                        .least = 1,
                                        .most = 2,
                                        .summary = "",
                                        .options = table,
                                        .option_count = sizeof table / sizeof *table};
    static char copies[16][32]; /* the parser reorders its arguments, and values point into them */
    int total = 0;
    while (words[total] != NULL) {
        snprintf(copies[total], sizeof copies[total], "%s", words[total]);
        operands[total] = copies[total];
        total++;
    }
    return fovea_options_parse(&syntax, total, operands, count);
}

/* The messages of the last parse_quietly. */
static char said[1024];

/* Parses `words`, which end with NULL. */
static enum fovea_parse parse_quietly(const char *const *words, struct values *values) {
    char *operands[16];
    size_t count;
    FILE *messages = tmpfile();
    ck_assert_ptr_nonnull(messages);
    int saved = dup(STDERR_FILENO);
    dup2(fileno(messages), STDERR_FILENO);
    enum fovea_parse parsed = parse(words, values, operands, &count);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(messages);
    said[fread(said, 1, sizeof said - 1, messages)] = '\0';
    fclose(messages);
    for (size_t i = 0; words[i] != NULL && parsed == FOVEA_PARSE_GO; i++) {
        ck_assert(i == 0 || i > count || operands[i][0] != '\0');
    }
    return parsed;
}

START_TEST(test_every_form_is_understood) {
    const char *const words[] = {"test", "--flag",   "one", "-tx", "--count=8", "--number",
                                 "2.5",  "--choice", "off", "--",  "--two",     NULL};
    struct values values = {0};
    char *operands[16];
    size_t count = 0;
    ck_assert_int_eq(parse(words, &values, operands, &count), FOVEA_PARSE_GO);
    ck_assert(values.flag);
    ck_assert_str_eq(values.text, "x");
    ck_assert_uint_eq(values.count, 8);
    ck_assert_double_eq(values.number, 2.5);
    ck_assert_int_eq(values.choice, 1);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(operands[1], "one");
    ck_assert_str_eq(operands[2], "--two");
}
END_TEST

START_TEST(test_a_list_keeps_every_value) {
    const char *const words[] = {"test", "--number", "1", "--list", "x", "--list=y", "one", NULL};
    struct values values = {0};
    ck_assert_int_eq(parse_quietly(words, &values), FOVEA_PARSE_GO);
    ck_assert_uint_eq(values.list.count, 2);
    ck_assert_str_eq(values.list.items[0], "x");
    ck_assert_str_eq(values.list.items[1], "y");
    values.list.count = FOVEA_OPTION_LIST_MAX;
    ck_assert_int_eq(parse_quietly(words, &values), FOVEA_PARSE_WRONG);
}
END_TEST

START_TEST(test_wrong_usage_is_refused) {
    static const char *const lines[][8] = {
        {"test", "a", NULL},                                    /* --number is required */
        {"test", "--number", "1", NULL},                        /* an operand is missing */
        {"test", "--number", "1", "a", "b", "c", NULL},         /* one too many */
        {"test", "--number", NULL},                             /* no value */
        {"test", "--number", "x", "a", NULL},                   /* no number */
        {"test", "--number", "nan", "a", NULL},                 /* not finite */
        {"test", "--number", "9.5", "a", NULL},                 /* out of range */
        {"test", "--number", "1", "--number", "1", "a", NULL},  /* twice */
        {"test", "--number", "1", "--count", "0", "a", NULL},   /* out of range */
        {"test", "--number", "1", "--count", "-1", "a", NULL},  /* not whole */
        {"test", "--number", "1", "--count", "2x", "a", NULL},  /* not a number */
        {"test", "--number", "1", "--choice", "on", "a", NULL}, /* no choice */
        {"test", "--number", "1", "--flag=1", "a", NULL},       /* a flag takes no value */
        {"test", "--number", "1", "--text", "", "a", NULL},     /* empty */
        {"test", "--number", "1", "--list", "", "a", NULL},     /* empty */
        {"test", "--number", "1", "--unknown", "a", NULL},      /* unknown */
        {"test", "--number", "1", "-x", "a", NULL},             /* unknown */
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct values values = {0};
        ck_assert_int_eq(parse_quietly(lines[i], &values), FOVEA_PARSE_WRONG);
    }
}
END_TEST

/* Makes the file of that text; returns its name. */
static const char *write_configuration(const char *text) {
    static const char name[] = "configuration-test.txt";
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return name;
}

START_TEST(test_a_file_gives_what_the_command_line_does_not) {
    const char *file = write_configuration(
        "\xef\xbb\xbf# all of them\n\n [ other test ]\r\nflag = yes\n  text=\" a \\\"b\\\\ \\x41\"\n"
        "number = 3 \nlist = x y\nlist = z\n[other]\nnumber = nine\n[test]\ncount = 4");
    const char *const words[] = {"test", "--config", file, "--count", "2", "--list=own", "one", NULL};
    struct values values = {.choice = 1};
    ck_assert_int_eq(parse_quietly(words, &values), FOVEA_PARSE_GO);
    ck_assert(values.flag);
    ck_assert_str_eq(values.text, " a \"b\\ A");
    ck_assert_double_eq(values.number, 3);
    ck_assert_uint_eq(values.count, 2); /* the command line comes first */
    ck_assert_int_eq(values.choice, 1);
    ck_assert_uint_eq(values.list.count, 1);
    ck_assert_str_eq(values.list.items[0], "own");
    unlink(file);
}
END_TEST

START_TEST(test_a_wrong_file_is_refused) {
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"number = 1\n", ".txt:1: expected a section such as [test] before 'number'"},
        {"[test\nnumber = 1\n", ":1: expected ] at the end of '[test'"},
        {"[]\nnumber = 1\n", ":1: a section without a name"},
        {"[tset]\nnumber = 1\n", ":1: no command is called 'tset'; did you mean 'test'?"},
        {"[test]\nnumber 1\n", ":2: expected [COMMAND], NAME = VALUE or # a comment, found 'number 1'"},
        {"[test]\n= 1\n", ":2: expected [COMMAND]"},
        {"[test]\nnumber = 1\nnumber = 1\n", ":3: number stands in line 2 already"},
        {"[test]\nnumber = 10\n", ":2: --number: 10 is outside 0 to 9"},
        {"[test]\nnumber =\n", ":2: --number: expected a number"},
        {"[test]\nnumber = 1\ntext =\n", ":3: --text: the value is empty"},
        {"[test]\nnumber = 1\nflag = 1\n", ":3: flag: expected yes or no, found '1'"},
        {"[test]\nnumber = 1\nchoise = off\n", ":3: unknown option --choise; did you mean --choice?"},
        {"[test]\nnumber = 1\nconfig = a\n", ":3: unknown option --config\n"}, /* which means nothing in a file */
        {"[test]\nnumber = 1\ntext = \"a\n", ":3: expected a closing quote"},
        {"[test]\nnumber = 1\ntext = \"a\\", ":3: expected a closing quote"},
        {"[test]\nnumber = 1\ntext = \"\\x4\"\n", ":3: expected a closing quote"},
        {"[test]\nnumber = 1\ntext = \"\\x00\"\n", ":3: expected a closing quote"},
        {"[test]\nnumber = 1\ntext = \"a\" b\n", ":3: expected nothing after the closing quote, found ' b'"},
        {"[other]\nnumber = 1\n", "--number X is required"},
    };
    static const char *const commands[] = {"test", "other"};
    fovea_options_commands(commands, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const words[] = {"test", "--config", write_configuration(cases[i].text), "one", NULL};
        struct values values = {0};
        ck_assert_msg(parse_quietly(words, &values) == FOVEA_PARSE_WRONG, "%s", cases[i].text);
        ck_assert_msg(strstr(said, cases[i].reason) != NULL, "'%s' does not say '%s'", said, cases[i].reason);
    }
    const char *file = write_configuration("[test]\nnumber = 1\n");
    const char *const good[] = {"test", "--config", file, "one", NULL}, *const bad[] = {"test", "--config=none", "one",
                                                                                        NULL};
    const char *const twice[] = {"test", "--config", file, "--config", file, "one", NULL};
    const char *const missing[] = {"test", "one", "--config", NULL};
    struct values values = {0};
    ck_assert_int_eq(parse_quietly(good, &values), FOVEA_PARSE_GO);
    ck_assert_int_eq(parse_quietly(bad, &values), FOVEA_PARSE_WRONG);
    ck_assert_int_eq(parse_quietly(twice, &values), FOVEA_PARSE_WRONG);
    ck_assert_int_eq(parse_quietly(missing, &values), FOVEA_PARSE_WRONG);
    unlink(file);
}
END_TEST

/* What is printed, given back as a file, says the same. */
START_TEST(test_printed_options_are_a_file) {
    static const char printed[] = "printed-test.txt";
    const char *const words[] = {"test", "--print-config", "--flag", "-t",       " \"odd\\\n ", "--list", "a", "--list",
                                 "#b",   "--number",       "0.1",    "--choice", "off",         NULL};
    const int file = open(printed, O_CREAT | O_TRUNC | O_WRONLY, 0600), saved = dup(STDOUT_FILENO);
    struct values values = {0}, again = {0};
    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    const enum fovea_parse parsed = parse_quietly(words, &values);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(file);
    ck_assert_int_eq(parsed, FOVEA_PARSE_HELP);
    const char *const back[] = {"test", "--config", printed, "one", NULL};
    ck_assert_int_eq(parse_quietly(back, &again), FOVEA_PARSE_GO);
    ck_assert(again.flag);
    ck_assert_str_eq(again.text, " \"odd\\\n ");
    ck_assert_uint_eq(again.list.count, 2);
    ck_assert_str_eq(again.list.items[1], "#b");
    ck_assert_double_eq(again.number, 0.1);
    ck_assert_int_eq(again.choice, 1);
    ck_assert_uint_eq(again.count, 0); /* was not given and has no value of its own */
    unlink(printed);
}
END_TEST

START_TEST(test_suggestions_are_near) {
    static const char *const names[] = {"run", "grade", "segment"};
    ck_assert_str_eq(fovea_suggestion("rnu", names, 3), "run");
    ck_assert_str_eq(fovea_suggestion("segmnet", names, 3), "segment");
    ck_assert_ptr_null(fovea_suggestion("x", names, 3));
    ck_assert_ptr_null(fovea_suggestion("measure", names, 3));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("options");
    TCase *rules = tcase_create("rules");
    tcase_add_test(rules, test_every_form_is_understood);
    tcase_add_test(rules, test_a_list_keeps_every_value);
    tcase_add_test(rules, test_wrong_usage_is_refused);
    tcase_add_test(rules, test_a_file_gives_what_the_command_line_does_not);
    tcase_add_test(rules, test_a_wrong_file_is_refused);
    tcase_add_test(rules, test_printed_options_are_a_file);
    tcase_add_test(rules, test_suggestions_are_near);
    suite_add_tcase(suite, rules);
    return suite_run(suite);
}
