/* report: writes the exports of a run folder again. */
#include <stdio.h>

#include "commands.h"
#include "options.h"
#include "store/run_folder.h"

int fovea_command_report(int count, char **arguments) {
    const char *redcap = NULL;
    const struct fovea_option options[] = {
        {.name = "redcap",
         .kind = FOVEA_OPTION_TEXT,
         .target = &redcap,
         .value = "FILE.csv",
         .help =
             "write the table for REDCap's import too: record_id, instrument and\ninstance first, fovea_complete last"},
    };
    const struct fovea_syntax syntax = {
        .command = "report",
        .operands = "FOLDER",
        .least = 1,
        .most = 1,
        .summary = "Writes results.csv, results.json and report.html of a run folder again, from its fovea.sqlite.",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .details = "Exit status: 0 done, 2 wrong usage, 4 the folder cannot be used.\n\n" FOVEA_NOTICE,
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    struct fv_error error;
    struct fovea_run_folder folder;
    enum fv_status status = fovea_run_folder_open(arguments[1], false, &folder, &error);
    status = status != FV_OK ? status : fovea_run_folder_check(&folder, &error);
    status = status != FV_OK ? status : fovea_run_folder_export(&folder, true, NULL, &error);
    if (status == FV_OK && redcap != NULL) {
        const struct fovea_results *results;
        status = fovea_store_results(folder.store, &results, &error);
        status = status != FV_OK ? status : fovea_results_write_redcap(results, redcap, &error);
    }
    fovea_run_folder_close(&folder);
    if (status != FV_OK) {
        fprintf(stderr, "fovea report: %s\n", error.message);
        return FOVEA_EXIT_UNUSABLE;
    }
    printf("%s\n%s/report.html\n", FOVEA_NOTICE, arguments[1]);
    return FOVEA_EXIT_DONE;
}
