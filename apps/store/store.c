#include "store/store.h"

#include <string.h>

#include "fovea/memory.h"
#include "store/private.h"

enum { APPLICATION = 0x466f7665, SCHEMA = 1 };

/* The tables but `images`, whose columns come from their own table. */
static const char tables[] =
    "CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;\n"
    "CREATE UNIQUE INDEX images_in_order ON images (CAST(file AS BLOB), copy);\n"
    "CREATE UNIQUE INDEX images_by_output ON images (CAST(output AS BLOB));\n"
    "CREATE TABLE files (image INTEGER NOT NULL REFERENCES images, kind TEXT NOT NULL, path NOT NULL,\n"
    "  PRIMARY KEY (image, kind)) WITHOUT ROWID;\n"
    "CREATE TABLE thumbnails (image INTEGER PRIMARY KEY REFERENCES images, png BLOB NOT NULL, vessels_png BLOB);\n"
    "CREATE TABLE moving (image INTEGER PRIMARY KEY REFERENCES images, staged INTEGER NOT NULL);\n"
    "CREATE TABLE leftovers (path PRIMARY KEY) WITHOUT ROWID;\n";

static enum fv_status create(struct fovea_store *store, struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_buffer_text(&text, "BEGIN;\nCREATE TABLE images (\n  id INTEGER PRIMARY KEY");
    fovea_columns_define(&text);
    fovea_buffer_text(&text, ");\n");
    fovea_buffer_text(&text, tables);
    fovea_buffer_format(&text, "PRAGMA application_id = %d; PRAGMA user_version = %d;\nCOMMIT;\n", APPLICATION, SCHEMA);
    enum fv_status status = text.failed
                                ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", store->database.path)
                                : fovea_database_run(&store->database, text.bytes, error);
    fovea_buffer_clear(&text);
    return status;
}

/* Whether it is a store, of a schema that is known; *empty: nothing was ever written into it. */
static enum fv_status recognise(struct fovea_store *store, bool *empty, struct fv_error *error) {
    const struct fovea_database *database = &store->database;
    long long application, schema = 0, objects = 0;
    enum fv_status status = fovea_database_number(database, "PRAGMA application_id", &application, error);
    status = status != FV_OK ? status : fovea_database_number(database, "PRAGMA user_version", &schema, error);
    status = status != FV_OK ? status
                             : fovea_database_number(database, "SELECT count(*) FROM sqlite_master", &objects, error);
    if (status != FV_OK) {
        return status;
    }
    *empty = application == 0 && schema == 0 && objects == 0;
    if (!*empty && application != APPLICATION) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: is a database of another program, no store of fovea",
                            database->path);
    }
    if (!*empty && schema != SCHEMA) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: was made by another version of fovea: its schema has the number %lld, this version "
                            "knows %d",
                            database->path, schema, SCHEMA);
    }
    return FV_OK;
}

/* Notes which measures the table lacks. */
static enum fv_status find_measures(struct fovea_store *store, bool write, struct fv_error *error) {
    sqlite3_stmt *statement;
    store->missing = fv_allocate_zero(fovea_measure_column_count, sizeof *store->missing);
    if (store->missing == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", store->database.path);
    }
    enum fv_status status = fovea_database_prepare(
        &store->database, "SELECT 1 FROM pragma_table_info('images') WHERE name = ?", &statement, error);
    for (size_t i = 0; i < fovea_measure_column_count && status == FV_OK; i++) {
        bool found = false;
        fovea_database_bind_text(statement, 1, fovea_measure_columns[i].name);
        status = fovea_database_step(&store->database, statement, &found, error);
        sqlite3_reset(statement);
        store->missing[i] = !found;
        if (status == FV_OK && write && !found) {
            status = fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                  "%s: was made by another version of fovea: it has no column %s", store->database.path,
                                  fovea_measure_columns[i].name);
        }
    }
    sqlite3_finalize(statement);
    return status;
}

static enum fv_status open_store(struct fovea_store *store, const char *path, bool write, struct fv_error *error) {
    bool empty = false;
    enum fv_status status = fovea_database_open(path, write, &store->database, error);
    status = status != FV_OK ? status : recognise(store, &empty, error);
    if (status == FV_OK && write) {
        status = fovea_database_begin_writing(&store->database, error);
    }
    if (status == FV_OK && empty) {
        status = write ? create(store, error)
                       : fv_error_set(error, FV_ERROR_FORMAT, "%s: holds nothing", store->database.path);
    }
    return status != FV_OK ? status : find_measures(store, write, error);
}

enum fv_status fovea_store_open(const char *path, bool write, struct fovea_store **store, struct fv_error *error) {
    *store = NULL;
    struct fovea_store *opened = fv_allocate_zero(1, sizeof *opened);
    if (opened == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    enum fv_status status = open_store(opened, path, write, error);
    if (status != FV_OK) {
        fovea_store_close(opened);
        return status;
    }
    *store = opened;
    return FV_OK;
}

void fovea_store_close(struct fovea_store *store) {
    if (store == NULL) {
        return;
    }
    fovea_store_rollback(store);
    for (size_t i = 0; i < FOVEA_STATEMENT_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
    }
    fovea_database_close(&store->database);
    fv_pool_clear(&store->texts);
    fv_release(store->missing);
    fv_release(store);
}

static enum fv_status compile_put(struct fovea_store *store, struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_buffer_text(&text, "INSERT INTO images (");
    fovea_columns_list(&text, NULL);
    fovea_buffer_text(&text, ") VALUES (");
    fovea_columns_mark(&text);
    fovea_buffer_text(&text, ")");
    enum fv_status status =
        text.failed
            ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", store->database.path)
            : fovea_database_prepare(&store->database, text.bytes, &store->statements[FOVEA_STATEMENT_PUT], error);
    fovea_buffer_clear(&text);
    return status;
}

enum fv_status fovea_store_statement(struct fovea_store *store, enum fovea_statement which, sqlite3_stmt **statement,
                                     struct fv_error *error) {
    static const char *const texts[FOVEA_STATEMENT_COUNT] = {
        [FOVEA_STATEMENT_FIND] =
            "SELECT id, input_sha256, passing FROM images WHERE CAST(file AS BLOB) = CAST(? AS BLOB) AND copy = ?",
        [FOVEA_STATEMENT_FIND_OUTPUT] = "SELECT id FROM images WHERE CAST(output AS BLOB) = CAST(? AS BLOB)",
        [FOVEA_STATEMENT_PUT_FILE] = "INSERT INTO files VALUES (?, ?, ?)",
        [FOVEA_STATEMENT_PUT_PICTURE] = "INSERT INTO thumbnails VALUES (?, ?, ?)",
        [FOVEA_STATEMENT_PUT_MOVING] = "INSERT INTO moving VALUES (?, ?)",
        [FOVEA_STATEMENT_LEAVE_FILES] = "INSERT OR IGNORE INTO leftovers SELECT path FROM files WHERE image = ?",
        [FOVEA_STATEMENT_DROP_FILES] = "DELETE FROM files WHERE image = ?",
        [FOVEA_STATEMENT_DROP_PICTURE] = "DELETE FROM thumbnails WHERE image = ?",
        [FOVEA_STATEMENT_DROP_MOVING] = "DELETE FROM moving WHERE image = ?",
        [FOVEA_STATEMENT_DROP_IMAGE] = "DELETE FROM images WHERE id = ?",
        [FOVEA_STATEMENT_FILES] = "SELECT kind, path FROM files WHERE image = ? ORDER BY kind",
        [FOVEA_STATEMENT_STAGED] = "SELECT staged FROM moving WHERE image = ?",
        [FOVEA_STATEMENT_GET] = "SELECT value FROM run WHERE key = ?",
        [FOVEA_STATEMENT_SET] = "INSERT INTO run VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [FOVEA_STATEMENT_UNSET] = "DELETE FROM run WHERE key = ?",
    };
    enum fv_status status = FV_OK;
    if (store->statements[which] == NULL) {
        status = which == FOVEA_STATEMENT_PUT
                     ? compile_put(store, error)
                     : fovea_database_prepare(&store->database, texts[which], &store->statements[which], error);
    }
    *statement = store->statements[which];
    if (status == FV_OK) {
        sqlite3_reset(*statement);
    }
    return status;
}

enum fv_status fovea_store_get(struct fovea_store *store, const char *key, char **value, struct fv_error *error) {
    sqlite3_stmt *statement;
    bool row = false;
    *value = NULL;
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_GET, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_database_bind_text(statement, 1, key);
    status = fovea_database_step(&store->database, statement, &row, error);
    if (row) {
        *value = fovea_database_copy_text(statement, 0);
        if (*value == NULL) {
            status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", store->database.path);
        }
    }
    sqlite3_reset(statement);
    return status;
}

enum fv_status fovea_store_set(struct fovea_store *store, const char *key, const char *value, struct fv_error *error) {
    sqlite3_stmt *statement;
    enum fv_status status =
        fovea_store_statement(store, value != NULL ? FOVEA_STATEMENT_SET : FOVEA_STATEMENT_UNSET, &statement, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_database_bind_text(statement, 1, key);
    if (value != NULL) {
        sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    }
    return fovea_database_step(&store->database, statement, NULL, error);
}

enum fv_status fovea_store_begin(struct fovea_store *store, struct fv_error *error) {
    if (store->begun) {
        return FV_OK;
    }
    enum fv_status status = fovea_database_run(&store->database, "BEGIN", error);
    store->begun = status == FV_OK;
    store->stale = false;
    return status;
}

enum fv_status fovea_store_commit(struct fovea_store *store, struct fv_error *error) {
    if (!store->begun) {
        return FV_OK;
    }
    enum fv_status status = fovea_database_run(&store->database, "COMMIT", error);
    if (status != FV_OK) {
        fovea_store_rollback(store);
    }
    store->begun = false;
    return status;
}

void fovea_store_rollback(struct fovea_store *store) {
    if (store->begun && sqlite3_get_autocommit(store->database.handle) == 0) {
        sqlite3_exec(store->database.handle, "ROLLBACK", NULL, NULL, NULL);
    }
    store->begun = false;
}
