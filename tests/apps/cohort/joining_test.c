/* Tables as they are found: what is joined, what is counted once, what is told of the rest. */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "cohort/cohort.h"
#include "fovea/memory.h"
#include "suite.h"
#include "support.h"

static const char *folder;

static char *write_text(const char *name, const char *text) {
    const char *path = support_path(folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL && fwrite(text, 1, strlen(text), file) == strlen(text) && fclose(file) == 0);
    return strdup(path);
}

/* All steps up to the analyses. */
static enum fv_status compute(struct fovea_cohort *cohort, const struct fovea_cohort_options *options,
                              struct fv_error *error) {
    *cohort = (struct fovea_cohort){.options = options};
    enum fv_status status = fovea_cohort_read(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_choose(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_join(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_select(cohort, error);
    status = status != FV_OK ? status : fovea_cohort_gather(cohort, error);
    return status != FV_OK ? status : fovea_cohort_analyse(cohort, error);
}

/* One table of subjects and one of results, joined with `options`; the caller clears *cohort. */
static struct fovea_cohort *join(struct fovea_cohort_options *options, const char *subjects, const char *results,
                                 enum fv_status expected, const char *message) {
    struct fovea_cohort *cohort = calloc(1, sizeof *cohort);
    struct fv_error error = {0};
    char *paths[2] = {write_text("subjects.csv", subjects), write_text("results.csv", results)};
    ck_assert_ptr_nonnull(cohort);
    options->subjects = paths[0];
    options->results = &paths[1];
    options->result_count = 1;
    enum fv_status status = compute(cohort, options, &error);
    ck_assert_msg(status == expected, "status %s, expected %s: %s", fv_status_name(status), fv_status_name(expected),
                  error.message);
    ck_assert_msg(strstr(error.message, message) != NULL, "'%s' does not say '%s'", error.message, message);
    free(paths[0]);
    free(paths[1]);
    return cohort;
}

static void leave(struct fovea_cohort *cohort) {
    fovea_cohort_clear(cohort);
    free(cohort);
}

static void expect_failure(const struct fovea_failures *failures, const char *name, const char *file, size_t line,
                           const char *reason) {
    for (size_t i = 0; i < failures->count; i++) {
        const struct fovea_failure *failure = &failures->items[i];
        if (failure->line == line && strcmp(failure->file, file) == 0 && strstr(failure->reason, reason) != NULL) {
            ck_assert_str_eq(failure->image, name);
            return;
        }
    }
    ck_abort_msg("none of %zu failures is of %s, line %zu, and says '%s'", failures->count, file, line, reason);
}

static double figure(const struct fovea_cohort *cohort, enum fovea_analysis_kind kind, size_t variable,
                     const char *group, const char *against, const char *statistic) {
    const struct fovea_analysis *analysis = fovea_analyses_find(&cohort->analyses, kind, variable, group, against);
    ck_assert_msg(analysis != NULL, "no analysis of %s against '%s'", group, against);
    return fovea_analysis_get(analysis, statistic);
}

START_TEST(rows_that_cannot_be_used) {
    folder = support_make_folder();
    struct fovea_cohort_options options = {0};
    struct fovea_cohort *cohort = join(&options,
                                       "File,subject,GROUP,age,eye\n"
                                       "a.png,1,x,50,OD\n" /* 2 */
                                       "b.png,2,x,old,OD\n"
                                       "c.png,,x,50,OD\n" /* 4 */
                                       "d.png,4,,50,OD\n"
                                       "e.png,5,x,50,both\n" /* 6 */
                                       "f.png,6,x\n"
                                       "g.png,7,x,\"5\"0,OD\n" /* 8 */
                                       "a.png,1,x,50,OD\n"
                                       "h.png,8,x,50,OD\n" /* 10 */
                                       "h.png,8,y,50,OD\n"
                                       "i.png,9,x,\"50,5\",OD\n" /* 12 */
                                       "j.png,10,x,50,OD\n"
                                       ",11,x,50,OD\n" /* 14 */
                                       "k.png,12,x,NaN,OS\n"
                                       "l.png,13,x,61,OD\n" /* 16 */
                                       "h.png,8,x,50,OD\n",
                                       "file,status,faz_area_mm2,circularity,eye\n"
                                       "a.png,ok,0.3,0.7,R\n" /* 2 */
                                       "b.png,ok,0.4,many,\n"
                                       "h.png,ok,0.3,0.7,\n" /* 4 */
                                       "i.png,ok,0.5,0.7,\n"
                                       "k.png,ok,0.6,0.7,L\n" /* 6 */
                                       "k.png,ok,0.7,0.7,\n"
                                       "l.png,ok,0.7,0.7,left\n" /* 8 */
                                       "m.png,ok,0.7,0.7,\n"
                                       "n.png,perhaps,0.7,0.7,\n" /* 10 */
                                       "c.png,ok,0.7\n",
                                       FV_OK, "");
    static const struct {
        const char *name, *file;
        size_t line;
        const char *reason;
    } expected[] = {
        {"b.png", "subjects.csv", 3, "age is 'old', no number"},
        {"c.png", "subjects.csv", 4, "the subject is blank"},
        {"d.png", "subjects.csv", 5, "the group is blank"},
        {"e.png", "subjects.csv", 6, "the eye is 'both', expected OD or OS"},
        {"", "subjects.csv", 7, "expected 5 fields, found 3"},
        {"", "subjects.csv", 8, "quote"},
        {"a.png", "subjects.csv", 9, "repeats line 2, which is used"},
        {"h.png", "subjects.csv", 11, "the same images as line 10"},
        {"h.png", "subjects.csv", 17, "the same images as line 10, which is not used either"},
        {"i.png", "subjects.csv", 12, "age is '50,5', expected a decimal point"},
        {"j.png", "subjects.csv", 13, "no image of it"},
        {"", "subjects.csv", 14, "the file is blank"},
        {"k.png", "subjects.csv", 15, "age is 'NaN', no number"},
        {"b.png", "results.csv", 3, "circularity is 'many', no number"},
        {"h.png", "results.csv", 4, "its row, line 10 of subjects.csv, cannot be used"},
        {"k.png", "results.csv", 7, "there twice, also in results.csv, line 6: neither"},
        {"l.png", "results.csv", 8, "the results say it is OS, subjects.csv, line 16, says OD"},
        {"m.png", "results.csv", 9, "no row of subjects.csv names it"},
        {"n.png", "results.csv", 10, "status is 'perhaps'"},
        {"", "results.csv", 11, "expected 5 fields, found 3"},
    };
    enum { EXPECTED = sizeof expected / sizeof *expected };
    for (size_t i = 0; i < EXPECTED; i++) {
        expect_failure(&cohort->failures, expected[i].name, expected[i].file, expected[i].line, expected[i].reason);
    }
    ck_assert_uint_eq(cohort->failures.count, EXPECTED);
    /* a, b and i are left: with their areas, without what is no number. */
    ck_assert_uint_eq(cohort->observation_count, 3);
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 0, "all", "", "n") == 3.0);
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 1, "all", "", "n") == 2.0);
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 1, "all", "", "missing") == 1.0);
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 2, "all", "", "n") == 1.0);
    leave(cohort);
    support_remove_folder(folder);
}
END_TEST

/* Texts that are a number, and texts that look like one. */
START_TEST(numbers_in_fields) {
    static const struct {
        const char *text;
        enum fovea_number_kind kind;
        double value;
    } cases[] = {
        {"1.5", FOVEA_NUMBER_GOOD, 1.5},   {"-2e-3", FOVEA_NUMBER_GOOD, -0.002}, {"+7", FOVEA_NUMBER_GOOD, 7.0},
        {"", FOVEA_NUMBER_BLANK, NAN},     {"nan", FOVEA_NUMBER_MISSING, NAN},   {"N/A", FOVEA_NUMBER_MISSING, NAN},
        {"0,31", FOVEA_NUMBER_COMMA, NAN}, {"1,234,5", FOVEA_NUMBER_BAD, NAN},   {"0x10", FOVEA_NUMBER_BAD, NAN},
        {"inf", FOVEA_NUMBER_BAD, NAN},    {"1e999", FOVEA_NUMBER_BAD, NAN},     {"1e101", FOVEA_NUMBER_BAD, NAN},
        {"3 mm", FOVEA_NUMBER_BAD, NAN},   {"e", FOVEA_NUMBER_BAD, NAN},         {"--1", FOVEA_NUMBER_BAD, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value;
        ck_assert_msg(fovea_table_number(cases[i].text, &value) == cases[i].kind, "'%s'", cases[i].text);
        ck_assert(value == cases[i].value || (isnan(value) && isnan(cases[i].value)));
    }
}
END_TEST

/* Repeats are averaged first, then eyes; what is not ok is counted; a subject with nothing left is not. */
static const char eyes_subjects[] = "subject,eye,group,file,repeat\n"
                                    "A,OD,1,a1,1\nA,OD,1,a2,2\nA,OS,1,a3,1\nB,OS,1,b1,1\nB,OS,1,b2,2\n"
                                    "C,OD,10,c1,1\nC,OD,10,c2,2\nD,OD,2,d1,1\n";
static const char eyes_results[] = "file,status,faz_area_mm2\n"
                                   "a1,ok,1\na2,ok,3\na3,ok,8\nb1,ok,6\nb2,ungradable,\nc1,ok,7\nc2,ok,9\nd1,failed,\n";

START_TEST(what_counts_once) {
    folder = support_make_folder();
    struct fovea_cohort_options options = {.per = _i == 0 ? FOVEA_COHORT_PER_SUBJECT : FOVEA_COHORT_PER_EYE};
    struct fovea_cohort *cohort = join(&options, eyes_subjects, eyes_results, FV_OK, "");
    ck_assert_uint_eq(cohort->failures.count, 0);
    ck_assert_uint_eq(cohort->group_count, 3); /* in the order of numbers */
    ck_assert_str_eq(cohort->groups[1].name, "2");
    ck_assert_str_eq(cohort->groups[2].name, "10");
    ck_assert(cohort->groups[0].subjects == 2 && cohort->groups[0].eyes == 3);
    ck_assert_uint_eq(cohort->groups[0].images[FOVEA_COHORT_UNGRADABLE], 1);
    ck_assert_uint_eq(cohort->groups[1].images[FOVEA_COHORT_FAILED], 1);
    ck_assert_uint_eq(cohort->groups[1].subjects, 0);
    ck_assert_uint_eq(cohort->observation_count, _i == 0 ? 3 : 4);
    /* A: OD 2, OS 8; B: 6; C: 8. */
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 0, "1", "", "mean") == (_i == 0 ? 5.5 : 16.0 / 3.0));
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 0, "2", "", "n") == 0.0);
    ck_assert(isnan(figure(cohort, FOVEA_WELCH, 0, "1", "2", "p")));
    ck_assert(figure(cohort, FOVEA_REPEATABILITY, 0, "all", "", "n") == 2.0);
    ck_assert(figure(cohort, FOVEA_BLAND_ALTMAN, 0, "2", "1", "bias") == 2.0);
    leave(cohort);
    support_remove_folder(folder);
}
END_TEST

/* The order of the rows changes nothing. */
START_TEST(any_order) {
    folder = support_make_folder();
    struct fovea_cohort_options options = {0};
    static const char *const subjects[2] = {
        "subject,group,age,file\nS,a,1.1,s\nT,a,2.7,t\nU,b,0.1,u\nV,a,1e3,v\nW,a,3.3,w\n",
        "file,age,subject,group\nw,3.3,W,a\nu,0.1,U,b\ns,1.1,S,a\nv,1e3,V,a\nt,2.7,T,a\n"};
    static const char *const results[2] = {"file,faz_area_mm2\ns,0.1\nt,1e9\nu,0.3\nv,0.7\nw,1e-9\n",
                                           "faz_area_mm2,file\n0.3,u\n1e-9,w\n0.7,v\n1e9,t\n0.1,s\n"};
    struct fovea_cohort *first = join(&options, subjects[0], results[0], FV_OK, "");
    struct fovea_cohort *second = join(&options, subjects[1], results[1], FV_OK, "");
    ck_assert_uint_eq(first->analyses.count, second->analyses.count);
    for (size_t i = 0; i < first->analyses.count; i++) {
        const struct fovea_analysis *a = &first->analyses.items[i], *b = &second->analyses.items[i];
        for (size_t k = 0; k < a->figure_count; k++) {
            ck_assert(memcmp(&a->figures[k].value, &b->figures[k].value, sizeof(double)) == 0);
        }
    }
    leave(first);
    leave(second);
    support_remove_folder(folder);
}
END_TEST

/* Rows without files stand for all images of their subject, and eye. */
START_TEST(rows_that_name_no_file) {
    folder = support_make_folder();
    struct fovea_cohort_options options = {.repeat = "reader"};
    struct fovea_cohort *cohort = join(&options, "subject,group,eye\nS,a,R\nS,a,L\nT,b,OD\nX,b,OD\n",
                                       "file,subject,eye,reader,circularity\n1,S,OD,p,0.5\n2,S,OD,q,0.7\n3,S,OS,p,0.9\n"
                                       "4,T,OD,p,0.1\n5,T,OS,p,0.2\n4,T,OD,q,0.2\n",
                                       FV_OK, "");
    ck_assert_uint_eq(cohort->failures.count, 3);
    expect_failure(&cohort->failures, "5", "results.csv", 6, "no row of subjects.csv names it");
    expect_failure(&cohort->failures, "4", "results.csv", 7, "there twice");
    expect_failure(&cohort->failures, "X", "subjects.csv", 5, "no image of it");
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 0, "all", "", "mean") == 0.75);
    leave(cohort);
    support_remove_folder(folder);
}
END_TEST

static const char two_subjects[] = "file,subject,group,visit,layer\na,S,x,1,deep\nb,S,y,2,deep\nc,T,x,1,superficial\n";
static const char two_results[] = "file,status,circularity,angle_degrees\na,ok,0.5,10\nb,ok,0.6,20\nc,ok,0.7,30\n";

/* One layer, one visit, and groups in the order that was asked for; what is left out is in no figure, and told. */
START_TEST(what_is_asked_for) {
    static const struct {
        struct fovea_cohort_options options;
        double mean; /* of the circularity */
        const char *note;
    } cases[] = {
        {{.layer = "Deep", .visit = "mean", .group = "subject"}, 0.55, "1 images of other layers than Deep"},
        {{.group = "layer", .visit = "2"}, 0.6, "2 images of other visits than 2"},
        {{.group = "layer", .groups = "superficial", .visit = "mean"}, 0.7, "2 images of other groups"},
    };
    folder = support_make_folder();
    struct fovea_cohort_options options = cases[_i].options;
    struct fovea_cohort *cohort = join(&options, two_subjects, two_results, FV_OK, "");
    ck_assert_uint_eq(cohort->failures.count, 0);
    ck_assert_double_eq_tol(figure(cohort, FOVEA_DESCRIBE, 0, "all", "", "mean"), cases[_i].mean, 1e-15);
    bool told = false;
    for (size_t i = 0; i < cohort->notes.count; i++) {
        told = told || strstr(cohort->notes.items[i].reason, cases[_i].note) != NULL;
    }
    ck_assert_msg(told, "no note says '%s'", cases[_i].note);
    leave(cohort);
    options = (struct fovea_cohort_options){.group = "layer", .groups = "superficial,deep", .visit = "mean"};
    cohort = join(&options, two_subjects, two_results, FV_OK, "");
    ck_assert_uint_eq(cohort->group_count, 2);
    ck_assert_str_eq(cohort->groups[0].name, "superficial");
    ck_assert_double_eq_tol(figure(cohort, FOVEA_DESCRIBE, 0, "deep", "", "mean"), 0.55, 1e-15);
    leave(cohort);
    support_remove_folder(folder);
}
END_TEST

START_TEST(repeats_of_nothing) {
    folder = support_make_folder();
    struct fovea_cohort_options options = {.repeat = "eye"};
    struct fovea_cohort *cohort =
        join(&options, "file,subject,eye\na,S,OD\nb,S,OS\n", "file,circularity\na,0.5\nb,0.7\n", FV_OK, "");
    ck_assert_uint_eq(cohort->notes.count, 1);
    ck_assert_ptr_nonnull(strstr(cohort->notes.items[0].reason, "no repeatability"));
    ck_assert_ptr_null(fovea_analyses_find(&cohort->analyses, FOVEA_REPEATABILITY, 0, "all", ""));
    leave(cohort);
    support_remove_folder(folder);
}
END_TEST

/* Images of which no table says the eye are told of where others of their subject have one. */
START_TEST(eyes_of_which_nobody_knows) {
    folder = support_make_folder();
    struct fovea_cohort_options options = {0};
    struct fovea_cohort *cohort = join(&options, "file,subject,eye\na,S,OD\nb,S,\nc,T,\nd,U,OS\n",
                                       "file,circularity\na,0.5\nb,0.7\nc,0.1\nd,0.2\n", FV_OK, "");
    ck_assert_uint_eq(cohort->failures.count, 0);
    ck_assert_uint_eq(cohort->notes.count, 1);
    ck_assert_ptr_nonnull(strstr(cohort->notes.items[0].reason, "1 subject has images of a named eye and"));
    ck_assert_uint_eq(fovea_cohort_totals(cohort).eyes, 4);
    leave(cohort);
    support_remove_folder(folder);
}
END_TEST

/* What cannot be meant ends with a message that says what can. */
START_TEST(wrong_requests) {
    static const char *const measures[] = {"circularty", "thickness", "angle_degrees"};
    static const char *const covariates[] = {"agee"};
    static const struct {
        struct fovea_cohort_options options;
        enum fv_status status;
        const char *message;
    } cases[] = {
        {{.layer = NULL}, FV_ERROR_ARGUMENT, "more than one layer ('deep' and 'superficial')"},
        {{.layer = "deep"}, FV_ERROR_ARGUMENT, "more than one visit ('1' and '2')"},
        {{.layer = "choroid"}, FV_ERROR_ARGUMENT, "no image is of the layer 'choroid'"},
        {{.layer = "deep", .visit = "3"}, FV_ERROR_ARGUMENT, "no image is of the visit '3'"},
        {{.group = "gruop"}, FV_ERROR_ARGUMENT, "no table has a column 'gruop'; did you mean 'group'?"},
        {{.group = "layer", .visit = "1", .groups = "deep,nerve"},
         FV_ERROR_ARGUMENT,
         "no image is in the group 'nerve'"},
        {{.group = "layer", .visit = "1", .groups = "deep,deep"}, FV_ERROR_ARGUMENT, "twice the group 'deep'"},
        {{.repeat = "reader"}, FV_ERROR_ARGUMENT, "no table has a column 'reader'"},
        {{.measures = &measures[0], .measure_count = 1}, FV_ERROR_ARGUMENT, "did you mean 'circularity'?"},
        {{.measures = &measures[1], .measure_count = 1}, FV_ERROR_ARGUMENT, "numbers in results.csv: circularity"},
        {{.measures = &measures[2], .measure_count = 1}, FV_ERROR_ARGUMENT, "is a direction"},
        {{.covariates = covariates, .covariate_count = 1}, FV_ERROR_ARGUMENT, "there is no column 'agee'"},
    };
    folder = support_make_folder();
    struct fovea_cohort_options options = cases[_i].options;
    leave(join(&options, two_subjects, two_results, cases[_i].status, cases[_i].message));
    support_remove_folder(folder);
}
END_TEST

START_TEST(tables_that_cannot_be_used) {
    static const char *const cases[][3] = {
        {"file,group\na,x\n", two_results, "there is no column 'subject'"},
        {"", two_results, "the table is empty"},
        {"subject,file,Subject\nS,a,S\n", two_results, "the column 'Subject' is there twice"},
        {"subject,file\nS,a\n", "name,circularity\na,1\n", "there is no column 'file'"},
        {"subject,group\nS,a\n", two_results, "finds images by 'subject', which results.csv does not have"},
        {"subject,file\nS,\"a\n", two_results, "never closed"},
    };
    folder = support_make_folder();
    struct fovea_cohort_options options = {0};
    leave(join(&options, cases[_i][0], cases[_i][1], FV_ERROR_FORMAT, cases[_i][2]));
    support_remove_folder(folder);
}
END_TEST

START_TEST(contradictions) {
    folder = support_make_folder();
    struct fovea_cohort_options options = {.visit = "mean", .group = "group"};
    struct fovea_cohort *cohort = join(&options,
                                       "file,subject,group,visit,eye,age\na,S,x,1,OD,50\nb,S,y,2,OD,50\nc,T,x,1,OD,60\n"
                                       "d,T,x,2,OD,62\ne,U,x,1,OD,9\nf,U,y,1,OS,9\n",
                                       "file,circularity\na,0.5\nb,0.6\nc,0.7\nd,0.9\ne,0.2\nf,0.4\n", FV_OK, "");
    ck_assert_uint_eq(cohort->failures.count, 2);
    expect_failure(&cohort->failures, "b", "subjects.csv", 3, "subject 'S' is in the groups 'x' (line 2) and 'y'");
    expect_failure(&cohort->failures, "f", "subjects.csv", 7, "--per eye lets its eyes be in different groups");
    ck_assert_uint_eq(cohort->observation_count, 1);
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 0, "all", "", "mean") == 0.8);
    ck_assert(figure(cohort, FOVEA_DESCRIBE, 1, "all", "", "mean") == 61.0);
    ck_assert_uint_eq(cohort->notes.count, 2); /* visits averaged, ages that differ */
    leave(cohort);
    options.per = FOVEA_COHORT_PER_EYE;
    cohort =
        join(&options, "file,subject,group,eye\ne,U,x,OD\nf,U,y,OS\n", "file,circularity\ne,0.2\nf,0.4\n", FV_OK, "");
    ck_assert(cohort->failures.count == 0 && cohort->observation_count == 2 && cohort->group_count == 2);
    leave(cohort);
    support_remove_folder(folder);
}
END_TEST

/* Everything, with the files. */
static enum fv_status compute_and_write(struct fovea_cohort *cohort, const struct fovea_cohort_options *options,
                                        struct fv_error *error) {
    enum fv_status status = compute(cohort, options, error);
    status = status != FV_OK ? status : fovea_cohort_write_csv(cohort, support_path(folder, "cohort.csv"), error);
    status = status != FV_OK ? status : fovea_cohort_write_json(cohort, support_path(folder, "cohort.json"), error);
    return status != FV_OK ? status : fovea_cohort_write_report(cohort, support_path(folder, "cohort.html"), error);
}

START_TEST(every_allocation_may_fail) {
    folder = support_make_folder();
    char *paths[2] = {write_text("subjects.csv", eyes_subjects), write_text("results.csv", eyes_results)};
    const char *covariates[] = {"repeat"};
    const struct fovea_cohort_options options = {
        .subjects = paths[0], .results = &paths[1], .result_count = 1, .covariates = covariates, .covariate_count = 1};
    struct fovea_cohort *cohort = calloc(1, sizeof *cohort);
    ck_assert_ptr_nonnull(cohort);
    long successes = 0;
    for (enum fv_status status = FV_ERROR_MEMORY; status != FV_OK; successes++) {
        struct fv_error error = {0};
        fv_memory_fail_after(successes);
        status = compute_and_write(cohort, &options, &error);
        fovea_cohort_clear(cohort);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "status %s after %ld allocations: %s",
                      fv_status_name(status), successes, error.message);
    }
    ck_assert_int_gt(successes, 50);
    free(cohort);
    free(paths[0]);
    free(paths[1]);
    support_remove_folder(folder);
}
END_TEST

int main(void) {
    gsl_set_error_handler_off();
    Suite *suite = suite_create("cohort joining");
    TCase *all = tcase_create("all");
    tcase_add_test(all, rows_that_cannot_be_used);
    tcase_add_test(all, numbers_in_fields);
    tcase_add_loop_test(all, what_counts_once, 0, 2);
    tcase_add_test(all, any_order);
    tcase_add_test(all, rows_that_name_no_file);
    tcase_add_loop_test(all, what_is_asked_for, 0, 3);
    tcase_add_test(all, repeats_of_nothing);
    tcase_add_test(all, eyes_of_which_nobody_knows);
    tcase_add_loop_test(all, wrong_requests, 0, 12);
    tcase_add_loop_test(all, tables_that_cannot_be_used, 0, 6);
    tcase_add_test(all, contradictions);
    tcase_add_test(all, every_allocation_may_fail);
    tcase_set_timeout(all, 120);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
