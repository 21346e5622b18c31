#include "store/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "fovea/memory.h"
#include "fovea/names.h"
#include "fovea/text.h"
#include "pipeline/outputs.h"
#include "report/pages.h"
#include "store/lock.h"
#include "store/private.h"

static enum fv_status out_of_memory(const char *path, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
}

enum fv_status fovea_folder_flush(const char *path, struct fv_error *error) {
    const int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum fv_status status = FV_OK;
    if (descriptor < 0 || (fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP)) {
        status = errno == ENOENT
                     ? FV_OK
                     : fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", path, strerror(errno));
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return status;
}

/* An image whose files move. */
struct move {
    const char *output;
    long long staged;
    unsigned kinds; /* that it has, by their places in fovea_output_kinds */
};

/* Makes the folder that `path` lies in. */
static enum fv_status make_folder_of(const char *path, struct fv_error *error) {
    char *folder = fv_text_format("%.*s", (int)(fv_path_basename(path) - path - 1), path);
    enum fv_status status = folder == NULL ? out_of_memory(path, error) : fovea_folder_make(folder, error);
    fv_release(folder);
    return status;
}

/* Renames `from` to `to`; nothing if `from` is not there: it went before. */
static enum fv_status rename_file(const char *from, const char *to, struct fv_error *error) {
    if (rename(from, to) == 0) {
        return FV_OK;
    }
    if (errno == ENOENT && access(from, F_OK) == 0) {
        enum fv_status status = make_folder_of(to, error);
        if (status != FV_OK || rename(from, to) == 0) {
            return status;
        }
    }
    return errno == ENOENT ? FV_OK
                           : fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: %s", to, strerror(errno));
}

static enum fv_status move_file(void *visitor, const char *kind, const char *path, struct fv_error *error) {
    struct move *move = visitor;
    char *from = fv_text_format("%s/" FOVEA_WORK_FOLDER "/%lld.%s", move->output, move->staged, kind);
    char *to = fv_text_format("%s/%s", move->output, path);
    enum fv_status status = from == NULL || to == NULL ? out_of_memory(path, error) : rename_file(from, to, error);
    move->kinds |= fovea_output_kind_bit(kind);
    fv_release(from);
    fv_release(to);
    return status;
}

/* Removes what an earlier run, or another program, left under the name of an image that has no such file. */
static enum fv_status remove_others(const struct move *move, const char *stem, struct fv_error *error) {
    for (size_t k = 0; k < FOVEA_OUTPUT_KINDS; k++) {
        if ((move->kinds >> k & 1) != 0) {
            continue;
        }
        char *path = fv_text_format("%s/%s/%s.%s", move->output, fovea_folder_names[fovea_output_kinds[k].folder], stem,
                                    fovea_output_kinds[k].suffix);
        if (path == NULL) {
            return out_of_memory(stem, error);
        }
        unlink(path);
        fv_release(path);
    }
    return FV_OK;
}

enum fv_status fovea_moving_finish(struct fovea_store *store, const char *output, size_t after,
                                   struct fv_error *error) {
    sqlite3_stmt *statement = NULL;
    char *segmenter = NULL;
    bool more = true;
    enum fv_status status = fovea_store_get(store, "segmenter_name", &segmenter, error);
    status =
        status != FV_OK
            ? status
            : fovea_database_prepare(&store->database,
                                     "SELECT id, staged, output FROM moving JOIN images ON image = id WHERE staged > ?",
                                     &statement, error);
    if (status == FV_OK) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    }
    while (status == FV_OK && more) {
        status = fovea_database_step(&store->database, statement, &more, error);
        if (status != FV_OK || !more) {
            break;
        }
        struct move move = {output, sqlite3_column_int64(statement, 1), 0};
        char *stem = fovea_database_copy_text(statement, 2);
        status = stem == NULL
                     ? out_of_memory(output, error)
                     : fovea_store_each_file(store, sqlite3_column_int64(statement, 0), move_file, &move, error);
        if (status == FV_OK && segmenter != NULL) {
            status = remove_others(&move, stem, error);
        }
        fv_release(stem);
    }
    sqlite3_finalize(statement);
    fv_release(segmenter);
    return status;
}

/* Folders to be flushed, each once. */
struct folders {
    struct fv_names names;
    struct fv_pool texts;
};

/* Flushes a folder, unless it was. */
static enum fv_status flush_once(struct folders *folders, const char *folder, struct fv_error *error) {
    if (fv_names_find(&folders->names, folder, NULL)) {
        return FV_OK;
    }
    const char *kept = fv_pool_text(&folders->texts, folder, strlen(folder));
    return kept == NULL || !fv_names_add(&folders->names, kept, 0) ? out_of_memory(folder, error)
                                                                   : fovea_folder_flush(folder, error);
}

/* Flushes the folder of OUT/path and those above it up to OUT, which may be as fresh. */
static enum fv_status flush_folder_of(struct folders *folders, const char *output, const char *path,
                                      struct fv_error *error) {
    char *folder = fv_text_format("%s/%s", output, path);
    if (folder == NULL) {
        return out_of_memory(path, error);
    }
    enum fv_status status = FV_OK;
    do {
        *strrchr(folder, '/') = '\0';
        status = flush_once(folders, folder, error);
    } while (status == FV_OK && strlen(folder) > strlen(output));
    fv_release(folder);
    return status;
}

/* Gives the paths that `text` selects to `visit`. */
static enum fv_status each_path(struct fovea_store *store, const char *text,
                                enum fv_status (*visit)(void *visitor, const char *path, struct fv_error *error),
                                void *visitor, struct fv_error *error) {
    sqlite3_stmt *statement;
    bool more = true;
    enum fv_status status = fovea_database_prepare(&store->database, text, &statement, error);
    while (status == FV_OK && more) {
        status = fovea_database_step(&store->database, statement, &more, error);
        if (status == FV_OK && more) {
            char *path = fovea_database_copy_text(statement, 0);
            status = path == NULL ? out_of_memory(store->database.path, error) : visit(visitor, path, error);
            fv_release(path);
        }
    }
    sqlite3_finalize(statement);
    return status;
}

struct flushing {
    struct folders folders;
    const char *output;
};

static enum fv_status flush_path(void *visitor, const char *path, struct fv_error *error) {
    struct flushing *flushing = visitor;
    return flush_folder_of(&flushing->folders, flushing->output, path, error);
}

/* The same after removing the file, and the folders that it leaves empty but for those of the first level. */
static enum fv_status remove_path(void *visitor, const char *path, struct fv_error *error) {
    struct flushing *flushing = visitor;
    char *whole = fv_text_format("%s/%s", flushing->output, path);
    if (whole == NULL) {
        return out_of_memory(path, error);
    }
    enum fv_status status = FV_OK;
    char *below = whole + strlen(flushing->output) + 1, *slash;
    if (unlink(whole) != 0 && errno != ENOENT && errno != ENOTDIR) {
        status = fv_error_set(error, FV_ERROR_FILE, "%s: cannot be removed: %s", whole, strerror(errno));
    }
    status = status != FV_OK ? status : flush_path(visitor, path, error);
    while (status == FV_OK && (slash = strrchr(below, '/')) != NULL) {
        *slash = '\0';
        if (strchr(below, '/') == NULL || rmdir(whole) != 0) {
            break;
        }
    }
    fv_release(whole);
    return status;
}

static void clear_folders(struct folders *folders) {
    fv_names_clear(&folders->names);
    fv_pool_clear(&folders->texts);
}

enum fv_status fovea_moving_settle(struct fovea_store *store, const char *output, struct fv_error *error) {
    struct flushing flushing = {.output = output};
    enum fv_status status =
        each_path(store, "SELECT path FROM moving JOIN files USING (image)", flush_path, &flushing, error);
    clear_folders(&flushing.folders);
    return status != FV_OK ? status : fovea_database_run(&store->database, "DELETE FROM moving", error);
}

enum fv_status fovea_leftovers_remove(struct fovea_store *store, const char *output, struct fv_error *error) {
    struct flushing flushing = {.output = output};
    long long count;
    enum fv_status status = fovea_database_number(&store->database, "SELECT count(*) FROM leftovers", &count, error);
    if (status != FV_OK || count == 0) {
        return status;
    }
    status = each_path(store, "SELECT path FROM leftovers WHERE path NOT IN (SELECT path FROM files)", remove_path,
                       &flushing, error);
    clear_folders(&flushing.folders);
    return status != FV_OK ? status : fovea_database_run(&store->database, "DELETE FROM leftovers", error);
}

/* Removes the entries of a folder that `wanted` tells; nothing if there is no such folder. */
static enum fv_status clear_folder(const char *path, bool (*wanted)(const char *name), struct fv_error *error) {
    DIR *folder = opendir(path);
    enum fv_status status = FV_OK;
    for (struct dirent *entry = folder == NULL ? NULL : readdir(folder); entry != NULL && status == FV_OK;
         entry = readdir(folder)) {
        if (wanted(entry->d_name) && unlinkat(dirfd(folder), entry->d_name, 0) != 0 && errno != ENOENT) {
            status = fv_error_set(error, FV_ERROR_FILE, "%s/%s: cannot be removed: %s", path, entry->d_name,
                                  strerror(errno));
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return status;
}

static bool is_staged(const char *name) {
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "lock") != 0;
}

/* As fv_output_create names them. */
static bool is_abandoned(const char *name) {
    long process;
    int number, length = 0;
    return sscanf(name, ".fovea-%ld-%d.tmp%n", &process, &number, &length) == 2 && length > 0 && name[length] == '\0' &&
           process > 0 && process <= INT_MAX && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

enum fv_status fovea_staging_clear(const char *output, struct fv_error *error) {
    char *path = fv_text_format("%s/" FOVEA_WORK_FOLDER, output);
    enum fv_status status = path == NULL ? out_of_memory(output, error) : clear_folder(path, is_staged, error);
    fv_release(path);
    return status;
}

enum fv_status fovea_temporaries_clear(const char *output, struct fv_error *error) {
    char *pages = fv_text_format("%s/%s", output, fovea_report_pages_folder);
    enum fv_status status = pages == NULL ? out_of_memory(output, error) : clear_folder(pages, is_abandoned, error);
    fv_release(pages);
    return status != FV_OK ? status : clear_folder(output, is_abandoned, error);
}
