/* merge: joins the run folders of several machines. */
#include <stdint.h>
#include <stdio.h>

#include "commands.h"
#include "options.h"
#include "store/merge.h"

int fovea_command_merge(int count, char **arguments) {
    struct fovea_merge merge = {0};
    const struct fovea_option table[] = {
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &merge.output,
         .value = "FOLDER",
         .required = true,
         .help = "the run folder that is made of them; it must not hold results yet"},
    };
    const struct fovea_syntax syntax = {
        .command = "merge",
        .operands = "FOLDER...",
        .least = 1,
        .most = SIZE_MAX,
        .summary = "Joins run folders, such as those of the shares of --shard, as if one run had made all of it.",
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .details =
            "The folders must have been made with the same options, models and version of fovea. They are not "
            "changed, but\nfor one where a run was killed: its last images are finished first. Two inputs of one "
            "name with different\ncontent are a conflict, and then nothing is joined.\n\n"
            "Exit status: 0 done, 1 done, but images failed or are missing, 2 wrong usage, 4 folders that cannot "
            "be used or\njoined.\n\n" FOVEA_NOTICE,
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    struct fv_error error;
    merge.folders = (const char *const *)arguments + 1;
    merge.count = operands;
    enum fv_status status = fovea_merge_run(&merge, &error);
    if (merge.said.size > 0) {
        fprintf(stderr, "%s", merge.said.bytes);
    }
    fovea_buffer_clear(&merge.said);
    if (status != FV_OK) {
        fprintf(stderr, "fovea merge: %s\n", error.message);
        return FOVEA_EXIT_UNUSABLE;
    }
    const size_t *states = merge.states, all = states[0] + states[1] + states[2];
    printf("%s%zu of %zu images of %zu folder%s: %zu ok, %zu ungradable, %zu failed\n",
           merge.idle ? "all joined already: " : "", all, merge.planned, merge.count, merge.count == 1 ? "" : "s",
           states[FOVEA_STATE_OK], states[FOVEA_STATE_UNGRADABLE], states[FOVEA_STATE_FAILED]);
    if (merge.repeated > 0) {
        printf("%zu of them %s in several folders, with the same content\n", merge.repeated,
               merge.repeated == 1 ? "was" : "were");
    }
    printf("%s\n%s/report.html\n", FOVEA_NOTICE, merge.output);
    return states[FOVEA_STATE_FAILED] > 0 || merge.incomplete ? FOVEA_EXIT_SOME_FAILED : FOVEA_EXIT_DONE;
}
