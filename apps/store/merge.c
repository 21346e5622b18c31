#include "store/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/outputs.h"
#include "report/pages.h"
#include "store/copy.h"
#include "store/private.h"
#include "store/recovery.h"
#include "store/snapshot.h"

enum { ROWS_A_COMMIT = 1000, CONFLICTS_SAID = 20 };

/* The whole merge. */
struct joining {
    struct fovea_merge *merge;
    struct fovea_run_folder output;
    struct fovea_snapshot source; /* at hand */
    const char *name;             /* its name */
    size_t rows;                  /* since the last commit */
    size_t found, others;         /* rows that the output holds before anything is joined, and that it does not */
    size_t conflicts;

    /* Of all folders. */
    size_t ignored_sum, ignored_most, shares; /* `shares`: N of K/N; 0: none, or not one N for all */
    bool ignored_differ, all_shares;
    bool *have; /* which shares are there; owned */
};

static enum fv_status out_of_memory(const char *name, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
}

/* Opens a folder that is joined, after finishing what a killed run had begun there. */
static enum fv_status open_source(const char *name, struct fovea_snapshot *source, struct fv_error *error) {
    struct fovea_run_folder folder;
    enum fv_status status = FV_OK;
    *source = (struct fovea_snapshot){0};
    if (!fovea_run_folder_exists(name)) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: holds no results: there is no " FOVEA_STORE_NAME, name);
    }
    if (!fovea_store_is_at_rest(name)) {
        status = fovea_run_folder_open(name, false, &folder, error);
        fovea_run_folder_close(&folder);
    }
    return status != FV_OK ? status : fovea_snapshot_open(name, source, error);
}

/* Whether two paths are one folder. */
static bool is_same_folder(const char *a, const char *b) {
    char *first = realpath(a, NULL), *second = realpath(b, NULL);
    const bool same = first != NULL && second != NULL && strcmp(first, second) == 0;
    free(first); /* made by the C library */
    free(second);
    return same;
}

/* Notes the share of the source at hand. */
static enum fv_status note_share(struct joining *joining, struct fv_error *error) {
    char *text;
    size_t number = 0, of = 0;
    enum fv_status status = fovea_store_get(joining->source.store, "share", &text, error);
    if (text == NULL || sscanf(text, "%zu/%zu", &number, &of) != 2 || number < 1 || number > of ||
        (joining->shares != 0 && joining->shares != of)) {
        joining->all_shares = false;
    }
    fv_release(text);
    if (status != FV_OK || !joining->all_shares) {
        return status;
    }
    if (joining->have == NULL) {
        joining->have = fv_allocate_zero(of, sizeof *joining->have);
        joining->shares = of;
    }
    if (joining->have == NULL) {
        return out_of_memory(joining->name, error);
    }
    joining->have[number - 1] = true;
    return FV_OK;
}

/* Compares the source at hand with the first one, and adds up what they planned. */
static enum fv_status look_at(struct joining *joining, const struct fovea_results *first, bool is_first,
                              struct fv_error *error) {
    const struct fovea_results *results;
    struct fovea_store *store = joining->source.store;
    char *merging;
    enum fv_status status = fovea_store_get(store, "merging", &merging, error);
    if (status == FV_OK && merging != NULL) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT, "%s: fovea merge was writing this folder and did not end",
                              joining->name);
    }
    fv_release(merging);
    status = status != FV_OK || is_first ? status : fovea_store_compare(store, first, joining->name, error);
    status = status != FV_OK ? status : fovea_store_results(store, &results, error);
    if (status != FV_OK) {
        return status;
    }
    if (results->count < results->planned) {
        joining->merge->incomplete = true;
        fovea_buffer_format(&joining->merge->said, "%s: holds %zu of its %zu images: its run was not finished\n",
                            joining->name, results->count, results->planned);
    }
    joining->merge->planned += results->planned;
    joining->ignored_sum += results->ignored;
    joining->ignored_differ = joining->ignored_differ || (!is_first && results->ignored != joining->ignored_most);
    joining->ignored_most = results->ignored > joining->ignored_most ? results->ignored : joining->ignored_most;
    return note_share(joining, error);
}

/* Looks at all folders. The first one stays open in `first`. */
static enum fv_status look_at_all(struct joining *joining, struct fovea_snapshot *first,
                                  const struct fovea_results **results, struct fv_error *error) {
    const struct fovea_merge *merge = joining->merge;
    enum fv_status status = open_source(merge->folders[0], first, error);
    status = status != FV_OK ? status : fovea_store_results(first->store, results, error);
    for (size_t i = 0; i < merge->count && status == FV_OK; i++) {
        joining->name = merge->folders[i];
        if (is_same_folder(joining->name, merge->output)) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: is the output, and one of those that are joined",
                                joining->name);
        }
        for (size_t k = 0; k < i; k++) {
            if (is_same_folder(joining->name, merge->folders[k])) {
                return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: is named twice", joining->name);
            }
        }
        if (i == 0) {
            joining->source = *first;
            status = look_at(joining, *results, true, error);
            joining->source = (struct fovea_snapshot){0};
            continue;
        }
        status = open_source(joining->name, &joining->source, error);
        status = status != FV_OK ? status : look_at(joining, *results, false, error);
        fovea_snapshot_close(&joining->source);
    }
    return status;
}

/* Says which shares are missing, and settles how many files were no images: each share has seen all of them. */
static void settle_shares(struct joining *joining) {
    struct fovea_merge *merge = joining->merge;
    for (size_t i = 0; joining->all_shares && i < joining->shares; i++) {
        if (!joining->have[i]) {
            fovea_buffer_format(&merge->said, "share %zu/%zu is missing\n", i + 1, joining->shares);
            merge->incomplete = true;
        }
    }
    if (joining->all_shares && joining->ignored_differ) {
        fovea_buffer_format(&merge->said, "the shares did not see the same inputs: the numbers of files that are no "
                                          "images differ, and the greatest is taken\n");
    }
}

/* A row that is taken over. */
struct taking {
    struct joining *joining;
    const struct fovea_row *row;
    unsigned files;
};

/* Copies a file to where it waits and names it `to`. */
static enum fv_status place_copy(const char *from, const char *waiting, const char *to, struct fv_error *error) {
    enum fv_status status = fovea_file_copy(from, waiting, error);
    char *folder = fv_text_format("%.*s", (int)(fv_path_basename(to) - to - 1), to);
    if (status == FV_OK && folder != NULL && access(folder, F_OK) != 0) {
        status = fovea_folder_make(folder, error);
    }
    if (status == FV_OK && rename(waiting, to) != 0) {
        status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", to, strerror(errno));
    }
    fv_release(folder);
    return status;
}

static enum fv_status take_file(void *visitor, const char *kind, const char *path, struct fv_error *error) {
    struct taking *taking = visitor;
    struct joining *joining = taking->joining;
    char *from = fv_text_format("%s/%s", joining->source.output, path);
    char *waiting = fv_text_format("%s/copy", joining->output.staging);
    char *to = fv_text_format("%s/%s", joining->output.path, path);
    enum fv_status status = from == NULL || waiting == NULL || to == NULL ? out_of_memory(path, error)
                                                                          : place_copy(from, waiting, to, error);
    taking->files |= fovea_output_kind_bit(kind);
    fv_release(from);
    fv_release(waiting);
    fv_release(to);
    return status;
}

static void say_conflict(struct joining *joining, const struct fovea_row *row, const char *what) {
    if (joining->conflicts++ < CONFLICTS_SAID) {
        fovea_buffer_format(&joining->merge->said, "conflict: %s: ", joining->name);
        fovea_buffer_utf8(&joining->merge->said, row->input.name);
        fovea_buffer_format(&joining->merge->said, ": %s\n", what);
    }
}

/* What the output holds under the name of a row. */
struct earlier {
    long long id;
    char digest[FOVEA_DIGEST_SIZE];
    bool passing;
};

static enum fv_status find_earlier(struct fovea_store *store, const struct fovea_input *input, struct earlier *earlier,
                                   struct fv_error *error) {
    sqlite3_stmt *statement;
    bool row = false;
    *earlier = (struct earlier){0};
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_FIND, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_database_bind_text(statement, 1, input->name);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)input->copy);
    status = fovea_database_step(&store->database, statement, &row, error);
    if (row) {
        const char *digest = (const char *)sqlite3_column_text(statement, 1);
        earlier->id = sqlite3_column_int64(statement, 0);
        snprintf(earlier->digest, sizeof earlier->digest, "%s", digest != NULL ? digest : "");
        earlier->passing = sqlite3_column_int(statement, 2) != 0;
    }
    sqlite3_reset(statement);
    return status;
}

/* Whether the row is to be taken, in place of *replaced if that is not 0; else it is there already, or a conflict. */
static enum fv_status is_wanted(struct joining *joining, const struct fovea_row *row, bool *wanted, long long *replaced,
                                struct fv_error *error) {
    struct fovea_store *store = joining->output.store;
    struct earlier earlier;
    long long other = 0;
    *wanted = false;
    enum fv_status status = find_earlier(store, &row->input, &earlier, error);
    status = status != FV_OK ? status : fovea_store_find_output(store, row->input.stem, &other, error);
    *replaced = earlier.id;
    if (status != FV_OK) {
        return status;
    }
    if (earlier.id == 0 && other != 0) {
        say_conflict(joining, row, "its files would have the names of those of another image");
        return FV_OK;
    }
    *wanted = earlier.id == 0 || (earlier.passing && !row->result.passing);
    if (earlier.id != 0) {
        const bool same = strcmp(earlier.digest, row->result.digest) == 0 || earlier.digest[0] == '\0' ||
                          row->result.digest[0] == '\0';
        joining->merge->repeated += same;
        joining->merge->planned -= same && joining->merge->planned > 0;
        if (!same) {
            say_conflict(joining, row, "another folder has an image of this name with other content");
            *wanted = false;
        }
    }
    return FV_OK;
}

static enum fv_status take_row(void *visitor, struct fovea_row *row, struct fv_error *error) {
    struct joining *joining = visitor;
    struct taking taking = {joining, row, 0};
    bool wanted;
    long long earlier;
    enum fv_status status = is_wanted(joining, row, &wanted, &earlier, error);
    if (status != FV_OK || !wanted || joining->conflicts > 0) {
        return status;
    }
    status = fovea_store_each_file(joining->source.store, row->id, take_file, &taking, error);
    row->result.files = taking.files;
    status = status != FV_OK ? status : fovea_store_begin(joining->output.store, error);
    if (status == FV_OK && earlier != 0) {
        status = fovea_store_remove(joining->output.store, earlier, error); /* with files that this row may not have */
    }
    status = status != FV_OK ? status : fovea_store_put(joining->output.store, &row->result, 0, error);
    if (status == FV_OK && ++joining->rows >= ROWS_A_COMMIT) {
        joining->rows = 0;
        status = fovea_store_commit(joining->output.store, error);
    }
    return status;
}

/* Takes the rows and files of all folders. */
static enum fv_status take_all(struct joining *joining, struct fv_error *error) {
    const struct fovea_merge *merge = joining->merge;
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < merge->count && status == FV_OK; i++) {
        joining->name = merge->folders[i];
        status = open_source(joining->name, &joining->source, error);
        status = status != FV_OK ? status : fovea_store_each(joining->source.store, true, take_row, joining, error);
        fovea_snapshot_close(&joining->source);
    }
    status = status != FV_OK ? status : fovea_store_commit(joining->output.store, error);
    status = status != FV_OK ? status : fovea_leftovers_remove(joining->output.store, joining->output.path, error);
    if (status == FV_OK && joining->conflicts > 0) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT, "%zu conflict%s: nothing was joined", joining->conflicts,
                              joining->conflicts > 1 ? "s" : "");
    }
    return status;
}

static enum fv_status look_for_row(void *visitor, struct fovea_row *row, struct fv_error *error) {
    struct joining *joining = visitor;
    struct earlier earlier;
    enum fv_status status = find_earlier(joining->output.store, &row->input, &earlier, error);
    const bool same = earlier.id != 0 && strcmp(earlier.digest, row->result.digest) == 0;
    joining->found += same;
    joining->others += !same;
    return status;
}

/* FV_ERROR_ARGUMENT unless the output holds the rows of the folders and no others: this merge was done already. */
static enum fv_status check_joined(struct joining *joining, long long rows, struct fv_error *error) {
    const struct fovea_merge *merge = joining->merge;
    const struct fovea_results *output;
    enum fv_status status = fovea_store_results(joining->output.store, &output, error);
    for (size_t i = 0; i < merge->count && status == FV_OK; i++) {
        joining->name = merge->folders[i];
        status = open_source(joining->name, &joining->source, error);
        status = status != FV_OK ? status : fovea_store_compare(joining->source.store, output, joining->name, error);
        status =
            status != FV_OK ? status : fovea_store_each(joining->source.store, false, look_for_row, joining, error);
        fovea_snapshot_close(&joining->source);
    }
    if (status == FV_OK && (joining->others > 0 || joining->found < (size_t)rows)) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT, "%s: holds other results already; choose another --output",
                              merge->output);
    }
    if (status == FV_OK) {
        joining->merge->planned = output->planned;
        joining->merge->repeated = joining->found - (size_t)rows;
    }
    return status;
}

/* The output must be empty, or left by a merge that did not end, which is forgotten; *done tells that it holds what is
 * to be joined already. */
static enum fv_status begin_output(struct joining *joining, const struct fovea_results *results, bool *done,
                                   struct fv_error *error) {
    struct fovea_store *store = joining->output.store;
    char *merging;
    long long rows = 0;
    struct fovea_results about = *results;
    about.planned = 0;
    about.ignored = joining->all_shares ? joining->ignored_most : joining->ignored_sum;
    enum fv_status status = fovea_store_get(store, "merging", &merging, error);
    status =
        status != FV_OK ? status : fovea_database_number(&store->database, "SELECT count(*) FROM images", &rows, error);
    *done = status == FV_OK && merging == NULL && rows > 0;
    fv_release(merging);
    if (status != FV_OK || *done) {
        return status != FV_OK ? status : check_joined(joining, rows, error);
    }
    status = fovea_store_begin(store, error);
    status = status != FV_OK ? status : fovea_store_set(store, "merging", "yes", error);
    status = status != FV_OK ? status : fovea_store_remove_all(store, error);
    status = status != FV_OK ? status : fovea_store_describe(store, &about, error);
    status = status != FV_OK ? status : fovea_store_commit(store, error);
    return status != FV_OK ? status : fovea_leftovers_remove(store, joining->output.path, error);
}

/* A run that makes pictures has their folders, even if they are empty. */
static enum fv_status make_folders(struct joining *joining, const struct fovea_results *results,
                                   struct fv_error *error) {
    const size_t count = results->segmenter == NULL ? 0
                         : results->probability     ? FOVEA_FOLDER_COUNT
                                                    : FOVEA_FOLDER_PROBABILITY;
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        char *path = fv_text_format("%s/%s", joining->output.path, fovea_folder_names[i]);
        status = path == NULL ? out_of_memory(joining->output.name, error) : fovea_folder_make(path, error);
        fv_release(path);
    }
    return status;
}

/* Everything is on the disk before the store says that it is. */
static enum fv_status end_output(struct joining *joining, struct fv_error *error) {
    struct fovea_store *store = joining->output.store;
    struct fovea_merge *merge = joining->merge;
    char number[32], *sets = NULL;
    snprintf(number, sizeof number, "%zu", merge->planned);
    const int descriptor = open(joining->output.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0 || syncfs(descriptor) != 0) {
        const int reason = errno;
        if (descriptor >= 0) {
            close(descriptor);
        }
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", merge->output, strerror(reason));
    }
    close(descriptor);
    enum fv_status status = fovea_store_begin(store, error);
    status = status != FV_OK ? status : fovea_store_set(store, "images_planned", number, error);
    status = status != FV_OK ? status : fovea_store_set(store, "exports", "stale", error);
    status = status != FV_OK ? status : fovea_store_commit(store, error);
    status = status != FV_OK ? status : fovea_store_count(store, merge->states, error);
    status = status != FV_OK ? status : fovea_store_mixed_sets(store, &sets, error);
    if (sets != NULL) {
        fovea_buffer_format(&merge->said,
                            "the nets ran with several instruction sets (%s): results may differ by rounding\n", sets);
    }
    fv_release(sets);
    status = status != FV_OK ? status : fovea_run_folder_export(&joining->output, true, NULL, error);
    return status != FV_OK ? status : fovea_store_set(store, "merging", NULL, error);
}

/* Nothing stays of a merge that failed: the output was empty before, or left by another one. */
static void forget_output(struct joining *joining) {
    static const char *const made[] = {FOVEA_STORE_NAME, "results.csv", "results.json", "report.html"};
    struct fv_error ignored;
    struct fovea_run_folder *output = &joining->output;
    fovea_store_rollback(output->store);
    if (fovea_store_remove_all(output->store, &ignored) == FV_OK) {
        fovea_leftovers_remove(output->store, output->path, &ignored);
    }
    fovea_store_close(output->store); /* before the lock goes */
    output->store = NULL;
    char *pages = fv_text_format("%s/%s", output->path, fovea_report_pages_folder);
    if (pages != NULL) {
        fovea_report_pages_trim(pages, 0, &ignored);
    }
    fv_release(pages);
    const int folder = open(output->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof made / sizeof *made && folder >= 0; i++) {
        unlinkat(folder, made[i], 0);
    }
    for (size_t i = 0; i < FOVEA_FOLDER_COUNT && folder >= 0; i++) {
        unlinkat(folder, fovea_folder_names[i], AT_REMOVEDIR);
    }
    if (folder >= 0) {
        close(folder);
    }
    fovea_run_folder_close(output);
    rmdir(joining->merge->output);
}

/* Joins the folders in the output, which was begun. */
static enum fv_status fill_output(struct joining *joining, const struct fovea_results *results,
                                  struct fv_error *error) {
    enum fv_status status = make_folders(joining, results, error);
    status = status != FV_OK ? status : take_all(joining, error);
    status = status != FV_OK ? status : end_output(joining, error);
    if (status != FV_OK) {
        forget_output(joining);
    }
    return status;
}

static enum fv_status join(struct joining *joining, const struct fovea_results *results, struct fv_error *error) {
    bool done = false;
    enum fv_status status = fovea_run_folder_open(joining->merge->output, true, &joining->output, error);
    status = status != FV_OK ? status : begin_output(joining, results, &done, error);
    if (status == FV_OK && !done) {
        status = fill_output(joining, results, error);
    } else if (status == FV_OK) {
        joining->merge->idle = true;
        status = fovea_store_count(joining->output.store, joining->merge->states, error);
        status = status != FV_OK ? status : fovea_run_folder_export(&joining->output, false, NULL, error);
    }
    fovea_run_folder_close(&joining->output);
    return status;
}

enum fv_status fovea_merge_run(struct fovea_merge *merge, struct fv_error *error) {
    struct joining joining = {.merge = merge, .all_shares = true};
    struct fovea_snapshot first = {0};
    const struct fovea_results *results = NULL;
    enum fv_status status = look_at_all(&joining, &first, &results, error);
    if (status == FV_OK) {
        settle_shares(&joining);
        status = join(&joining, results, error);
    }
    if (status == FV_OK && merge->said.failed) {
        status = out_of_memory(merge->output, error);
    }
    fovea_snapshot_close(&joining.source);
    fovea_snapshot_close(&first);
    fv_release(joining.have);
    return status;
}
