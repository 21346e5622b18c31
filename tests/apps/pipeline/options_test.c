/* The command line: what is stored, what is refused, what is suggested. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Parses `words`, which end with NULL; messages go to /dev/null. */
static enum fovea_parse parse_quietly(const char *const *words, struct values *values) {
    char *operands[16];
    size_t count;
    int nowhere = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO);
    dup2(nowhere, STDERR_FILENO);
    enum fovea_parse parsed = parse(words, values, operands, &count);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(nowhere);
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
    tcase_add_test(rules, test_suggestions_are_near);
    suite_add_tcase(suite, rules);
    return suite_run(suite);
}
