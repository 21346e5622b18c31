#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/outputs.h"
#include "store/private.h"

static enum fv_status out_of_memory(const struct fovea_store *store, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", store->database.path);
}

/* Runs a statement that takes an image. */
static enum fv_status run_for(struct fovea_store *store, enum fovea_statement which, long long id,
                              struct fv_error *error) {
    sqlite3_stmt *statement;
    enum fv_status status = fovea_store_statement(store, which, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, id);
    return fovea_database_step(&store->database, statement, NULL, error);
}

/* The first column of the row that a bound statement gives; 0: no row. */
static enum fv_status take_number(struct fovea_store *store, sqlite3_stmt *statement, long long *number,
                                  struct fv_error *error) {
    bool row = false;
    enum fv_status status = fovea_database_step(&store->database, statement, &row, error);
    *number = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

/* The exports do not say any more what the rows say. */
static enum fv_status note_change(struct fovea_store *store, struct fv_error *error) {
    enum fv_status status = store->stale ? FV_OK : fovea_store_set(store, "exports", "stale", error);
    store->stale = status == FV_OK && store->begun;
    return status;
}

static enum fv_status drop(struct fovea_store *store, long long id, struct fv_error *error) {
    static const enum fovea_statement steps[] = {FOVEA_STATEMENT_DROP_FILES, FOVEA_STATEMENT_DROP_PICTURE,
                                                 FOVEA_STATEMENT_DROP_MOVING, FOVEA_STATEMENT_DROP_IMAGE};
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == FV_OK; i++) {
        status = run_for(store, steps[i], id, error);
    }
    return status;
}

static enum fv_status drop_before(struct fovea_store *store, const struct fovea_input *input, struct fv_error *error) {
    sqlite3_stmt *statement;
    long long id = 0;
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_FIND, &statement, error);
    if (status == FV_OK) {
        fovea_database_bind_text(statement, 1, input->name);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)input->copy);
        status = take_number(store, statement, &id, error);
    }
    return status != FV_OK || id == 0 ? status : drop(store, id, error);
}

static enum fv_status put_file(struct fovea_store *store, long long id, const struct fovea_output_kind *kind,
                               const char *stem, struct fv_error *error) {
    sqlite3_stmt *statement;
    const char *folder = fovea_folder_names[kind->folder];
    char *name = fv_text_format("%s.%s", folder, kind->suffix);
    char *path = fv_text_format("%s/%s.%s", folder, stem, kind->suffix);
    enum fv_status status = name == NULL || path == NULL
                                ? out_of_memory(store, error)
                                : fovea_store_statement(store, FOVEA_STATEMENT_PUT_FILE, &statement, error);
    if (status == FV_OK) {
        sqlite3_bind_int64(statement, 1, id);
        fovea_database_bind_text(statement, 2, name);
        fovea_database_bind_text(statement, 3, path);
        status = fovea_database_step(&store->database, statement, NULL, error);
    }
    fv_release(name);
    fv_release(path);
    return status;
}

static enum fv_status put_picture(struct fovea_store *store, long long id, const struct fovea_result *result,
                                  struct fv_error *error) {
    sqlite3_stmt *statement;
    if (result->thumbnail == NULL) {
        return FV_OK;
    }
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_PUT_PICTURE, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_blob64(statement, 2, result->thumbnail, result->thumbnail_size, SQLITE_STATIC);
    if (result->vessel_thumbnail != NULL) {
        sqlite3_bind_blob64(statement, 3, result->vessel_thumbnail, result->vessel_thumbnail_size, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(statement, 3);
    }
    return fovea_database_step(&store->database, statement, NULL, error);
}

static enum fv_status put_moving(struct fovea_store *store, long long id, size_t staged, struct fv_error *error) {
    sqlite3_stmt *statement;
    if (staged == 0) {
        return FV_OK;
    }
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_PUT_MOVING, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)staged);
    return fovea_database_step(&store->database, statement, NULL, error);
}

enum fv_status fovea_store_put(struct fovea_store *store, const struct fovea_result *result, size_t staged,
                               struct fv_error *error) {
    sqlite3_stmt *statement;
    enum fv_status status = note_change(store, error);
    status = status != FV_OK ? status : drop_before(store, result->input, error);
    status = status != FV_OK ? status : fovea_store_statement(store, FOVEA_STATEMENT_PUT, &statement, error);
    if (status == FV_OK) {
        status = fovea_columns_bind(statement, 1, result)
                     ? fovea_database_step(&store->database, statement, NULL, error)
                     : out_of_memory(store, error);
    }
    const long long id = sqlite3_last_insert_rowid(store->database.handle);
    for (size_t k = 0; k < FOVEA_OUTPUT_KINDS && status == FV_OK; k++) {
        if ((result->files >> k & 1) != 0) {
            status = put_file(store, id, &fovea_output_kinds[k], result->input->stem, error);
        }
    }
    status = status != FV_OK ? status : put_picture(store, id, result, error);
    return status != FV_OK ? status : put_moving(store, id, staged, error);
}

/* SELECT id, the pictures or NULL, the columns: sorted. */
static enum fv_status select_rows(struct fovea_store *store, bool pictures, sqlite3_stmt **statement,
                                  struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_buffer_text(&text, pictures ? "SELECT id, (SELECT png FROM thumbnails WHERE image = id), "
                                        "(SELECT vessels_png FROM thumbnails WHERE image = id), "
                                      : "SELECT id, NULL, NULL, ");
    fovea_columns_list(&text, store->missing);
    fovea_buffer_text(&text, " FROM images ORDER BY CAST(file AS BLOB), copy");
    enum fv_status status = text.failed ? out_of_memory(store, error)
                                        : fovea_database_prepare(&store->database, text.bytes, statement, error);
    fovea_buffer_clear(&text);
    return status;
}

/* Copies a picture, if there is one. False if memory is exhausted. */
static bool copy_picture(sqlite3_stmt *statement, int column, uint8_t **bytes, size_t *size) {
    const void *picture = sqlite3_column_blob(statement, column);
    if (picture == NULL) {
        return sqlite3_column_bytes(statement, column) == 0;
    }
    *size = (size_t)sqlite3_column_bytes(statement, column);
    *bytes = fv_allocate(*size, 1);
    if (*bytes != NULL) {
        memcpy(*bytes, picture, *size);
    }
    return *bytes != NULL;
}

static bool read_row(sqlite3_stmt *statement, struct fovea_row *row) {
    *row = (struct fovea_row){.id = sqlite3_column_int64(statement, 0)};
    struct fovea_result *result = &row->result;
    return copy_picture(statement, 1, &result->thumbnail, &result->thumbnail_size) &&
           copy_picture(statement, 2, &result->vessel_thumbnail, &result->vessel_thumbnail_size) &&
           fovea_columns_read(statement, 3, row);
}

enum fv_status fovea_store_each(struct fovea_store *store, bool pictures, fovea_row_visit *visit, void *visitor,
                                struct fv_error *error) {
    sqlite3_stmt *statement = NULL;
    bool more = true;
    enum fv_status status = select_rows(store, pictures, &statement, error);
    while (status == FV_OK && more) {
        status = fovea_database_step(&store->database, statement, &more, error);
        if (status != FV_OK || !more) {
            break;
        }
        struct fovea_row row;
        status = read_row(statement, &row) ? visit(visitor, &row, error) : out_of_memory(store, error);
        fovea_row_clear(&row);
    }
    sqlite3_finalize(statement);
    return status;
}

enum fv_status fovea_store_remove(struct fovea_store *store, long long id, struct fv_error *error) {
    enum fv_status status = note_change(store, error);
    status = status != FV_OK ? status : run_for(store, FOVEA_STATEMENT_LEAVE_FILES, id, error);
    return status != FV_OK ? status : drop(store, id, error);
}

enum fv_status fovea_store_remove_all(struct fovea_store *store, struct fv_error *error) {
    enum fv_status status = note_change(store, error);
    return status != FV_OK ? status
                           : fovea_database_run(&store->database,
                                                "INSERT OR IGNORE INTO leftovers SELECT path FROM files;"
                                                "DELETE FROM moving; DELETE FROM thumbnails; DELETE FROM files;"
                                                "DELETE FROM images",
                                                error);
}

enum fv_status fovea_store_count(struct fovea_store *store, size_t states[FOVEA_STATE_COUNT], struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < FOVEA_STATE_COUNT && status == FV_OK; i++) {
        char text[96];
        long long number = 0;
        snprintf(text, sizeof text, "SELECT count(*) FROM images WHERE status = '%s'", fovea_state_names[i]);
        status = fovea_database_number(&store->database, text, &number, error);
        states[i] = (size_t)number;
    }
    return status;
}

enum fv_status fovea_store_count_ungraded(struct fovea_store *store, size_t *count, struct fv_error *error) {
    long long number = 0;
    enum fv_status status = fovea_database_number(
        &store->database, "SELECT count(*) FROM images WHERE status = 'ok' AND grade IS NULL", &number, error);
    *count = (size_t)number;
    return status;
}

enum fv_status fovea_store_mixed_sets(struct fovea_store *store, char **names, struct fv_error *error) {
    sqlite3_stmt *statement;
    bool row = false;
    *names = NULL;
    enum fv_status status =
        fovea_database_prepare(&store->database,
                               "SELECT group_concat(instruction_set, ', ') FROM (SELECT DISTINCT instruction_set "
                               "FROM images WHERE instruction_set IS NOT NULL ORDER BY 1) HAVING count(*) > 1",
                               &statement, error);
    status = status != FV_OK ? status : fovea_database_step(&store->database, statement, &row, error);
    if (row) {
        *names = fovea_database_copy_text(statement, 0);
        status = *names == NULL ? out_of_memory(store, error) : FV_OK;
    }
    sqlite3_finalize(statement);
    return status;
}

enum fv_status fovea_store_each_file(struct fovea_store *store, long long id, fovea_file_visit *visit, void *visitor,
                                     struct fv_error *error) {
    sqlite3_stmt *statement;
    bool more = true;
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_FILES, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, id);
    while (status == FV_OK && more) {
        status = fovea_database_step(&store->database, statement, &more, error);
        if (status == FV_OK && more) {
            char *kind = fovea_database_copy_text(statement, 0), *path = fovea_database_copy_text(statement, 1);
            status = kind == NULL || path == NULL ? out_of_memory(store, error) : visit(visitor, kind, path, error);
            fv_release(kind);
            fv_release(path);
        }
    }
    sqlite3_reset(statement);
    return status;
}

enum fv_status fovea_store_find_output(struct fovea_store *store, const char *output, long long *id,
                                       struct fv_error *error) {
    sqlite3_stmt *statement;
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_FIND_OUTPUT, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_database_bind_text(statement, 1, output);
    return take_number(store, statement, id, error);
}
