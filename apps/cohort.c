/* cohort: results of many images, by group of subjects. */
#include "cohort/cohort.h"

#include <stdio.h>

#include "commands.h"
#include "options.h"

static const char summary[] =
    "Joins the results of fovea run or measure with a table of subjects: figures and tests of groups,\n"
    "correlations, repeatability, with box plots and scatter plots.";

static const char details[] =
    "SUBJECTS.csv has a header with the column subject and, in any order, file (names as in results.csv), group, age,\n"
    "eye (OD, OS, R, L), visit, repeat and any covariate. Without the column file a row stands for all images whose\n"
    "columns subject and, where SUBJECTS.csv has them, eye, visit and repeat say the same in the results. With a\n"
    "column run (the folder of the run) files of several RESULTS may have the same names.\n"
    "RESULTS are files results.csv, or folders that hold one.\n"
    "\n"
    "Two eyes of a subject are not independent: by default every subject counts once, with the mean of its eyes.\n"
    "Repeats of an eye are averaged first. --per eye counts eyes; the report then says which figures are too sure.\n"
    "\n"
    "Of every group: n, mean, standard deviation, median, quartiles (linear between neighbours), least, greatest.\n"
    "Two groups: Welch's t test, Mann-Whitney. Several: analysis of variance (classical and Welch's), Kruskal-Wallis,\n"
    "and every pair, adjusted after Holm. Covariates: Pearson, Spearman (intervals by Fisher's z), the line of least\n"
    "squares. Repeats: ICC(1,1), (2,1) and (3,1), within-subject standard deviation, coefficient of repeatability,\n"
    "Bland and Altman's limits. Two readers or devices are repeats too: --repeat reader.\n"
    "\n"
    "FOLDER receives cohort.html, cohort.json and cohort.csv (a line a figure). Ungradable and failed images are\n"
    "counted and left out. What has no partner, is there twice, is no number or contradicts itself is listed with\n"
    "file, line and reason. The names in SUBJECTS.csv stand in these lists: use pseudonyms.\n"
    "\n"
    "Exit status: 0 all used, 1 some rows or images could not be used, 2 wrong usage, 3 no image can be used, 4 a\n"
    "table or the output cannot be used, or problems with --strict.\n\n" FOVEA_NOTICE;

/* What the command line says, before it is understood. */
struct request {
    struct fovea_option_list measures, covariates;
    const char *output, *group, *groups, *repeat, *visit, *layer;
    int per, match;
    bool strict;
};

#ifdef FOVEA_GSL
static int run(const struct request *request, char **operands, size_t count) {
    const struct fovea_cohort_options options = {
        .output = request->output,
        .subjects = operands[0],
        .results = operands + 1,
        .result_count = count - 1,
        .measures = request->measures.items,
        .measure_count = request->measures.count,
        .covariates = request->covariates.items,
        .covariate_count = request->covariates.count,
        .group = request->group,
        .groups = request->groups,
        .repeat = request->repeat,
        .visit = request->visit,
        .layer = request->layer,
        .per = (enum fovea_cohort_unit)request->per,
        .match = (enum fovea_match_rule)request->match,
        .strict = request->strict,
    };
    return fovea_cohort_run(&options);
}
#else
static int run(const struct request *request, char **operands, size_t count) {
    (void)request;
    (void)operands;
    (void)count;
    fprintf(stderr, "fovea cohort: this program was built without GSL, which computes the statistics (build option "
                    "gsl; Debian's libgsl-dev)\n");
    return FOVEA_EXIT_UNUSABLE;
}
#endif

int fovea_command_cohort(int count, char **arguments) {
    static const char *const units[] = {"subject", "eye", NULL};
    struct request request = {0};
    const struct fovea_option table[] = {
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.output,
         .value = "FOLDER",
         .required = true,
         .help = "where the results go; made if it is not there"},
        {.name = "measure",
         .kind = FOVEA_OPTION_LIST,
         .target = &request.measures,
         .value = "NAME",
         .help = "a column of the results, or all; may be given several times;\ndefault: area, perimeter, circularity, "
                 "acircularity index, axial\nratio and FD-300, where they are"},
        {.name = "covariate",
         .kind = FOVEA_OPTION_LIST,
         .target = &request.covariates,
         .value = "NAME",
         .help = "a column of SUBJECTS.csv or of the results, or none; may be given\nseveral times; default: the "
                 "numeric columns of SUBJECTS.csv"},
        {.name = "group",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.group,
         .value = "COLUMN",
         .help = "the groups, in SUBJECTS.csv or the results; default: group, if\nthere is one"},
        {.name = "groups",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.groups,
         .value = "NAME,NAME",
         .help = "only these groups, in this order; default: all, sorted"},
        {.name = "per",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.per,
         .value = "UNIT",
         .choices = units,
         .help = "what counts once: subject (default; the mean of its eyes), or eye"},
        {.name = "visit",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.visit,
         .value = "NAME",
         .help = "the visit to use, or mean; needed where an eye has several"},
        {.name = "repeat",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.repeat,
         .value = "COLUMN",
         .help = "what tells repeated scans of an eye apart: repeat (default, if\nthere is one), visit, reader, "
                 "device"},
        {.name = "layer",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.layer,
         .value = "LAYER",
         .help = "the layer to use; needed where the images are of several"},
        {.name = "match",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.match,
         .value = "RULE",
         .choices = fovea_match_rule_names,
         .help = "what two names of files must share: path (default), all of it;\nstem, all but the suffix; base, the "
                 "last part without its suffix"},
        {.name = "strict",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.strict,
         .help = "write nothing if anything could not be used"},
    };
    const struct fovea_syntax syntax = {
        .command = "cohort",
        .operands = "SUBJECTS.csv RESULTS...",
        .least = 2,
        .most = 1 + FOVEA_COHORT_MOST_RESULTS,
        .summary = summary,
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .details = details,
    };
    size_t operands = 0;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    return run(&request, arguments + 1, operands);
}
