#include "store/database.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/text.h"

enum { PATIENCE = 1000 }; /* milliseconds to wait for another program */

/* SQLite asks for the size of its blocks, which stands before them. */
struct block {
    _Alignas(FV_ALIGNMENT) int size;
};

static void *take(int size) {
    struct block *block = fv_allocate((size_t)size + sizeof *block, 1);
    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    return block + 1;
}

static int size_of(void *bytes) {
    return bytes == NULL ? 0 : ((struct block *)bytes)[-1].size;
}

static void give_back(void *bytes) {
    fv_release(bytes == NULL ? NULL : (struct block *)bytes - 1);
}

static void *resize(void *bytes, int size) {
    struct block *old = (struct block *)bytes - 1;
    struct block *grown = fv_reallocate(old, (size_t)old->size + sizeof *old, (size_t)size + sizeof *old, 1);
    if (grown == NULL) {
        return NULL;
    }
    grown->size = size;
    return grown + 1;
}

static int round_up(int size) {
    return size > INT_MAX - 7 ? size : (size + 7) & ~7;
}

static int begin_memory(void *nothing) {
    (void)nothing;
    return SQLITE_OK;
}

static void end_memory(void *nothing) {
    (void)nothing;
}

/* Does nothing once SQLite works, which has its memory from here then. */
static void use_engine_memory(void) {
    static const struct sqlite3_mem_methods methods = {take,     give_back,    resize,     size_of,
                                                       round_up, begin_memory, end_memory, NULL};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* The failure that SQLite reported last. */
static enum fv_status fail(const struct fovea_database *database, struct fv_error *error) {
    const int code = sqlite3_errcode(database->handle);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", database->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fv_error_set(error, FV_ERROR_FILE, "%s: is locked by another program", database->path);
    case SQLITE_FULL:
        return fv_error_set(error, FV_ERROR_FILE, "%s: cannot be written: the disk is full", database->path);
    case SQLITE_NOTADB:
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: is damaged, or no store of fovea", database->path);
    case SQLITE_CORRUPT:
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: is damaged: %s", database->path,
                            sqlite3_errmsg(database->handle));
    default: {
        const int reason = sqlite3_system_errno(database->handle);
        return fv_error_set(error, FV_ERROR_FILE, "%s: %s%s%s", database->path, sqlite3_errmsg(database->handle),
                            reason != 0 ? ": " : "", reason != 0 ? strerror(reason) : "");
    }
    }
}

/* The path as a URI, in which these characters have a meaning; it says that the file does not change. */
static char *immutable_address(const char *path) {
    char *address = fv_allocate(strlen(path) + 16, 3);
    if (address == NULL) {
        return NULL;
    }
    char *end = address + sprintf(address, "file:%s", path[0] == '/' ? "//" : "");
    for (; *path != '\0'; path++) {
        const bool plain = strchr("%?#", *path) == NULL;
        end += sprintf(end, plain ? "%c" : "%%%02X", (unsigned char)*path);
    }
    strcpy(end, "?immutable=1");
    return address;
}

static enum fv_status open_handle(const char *path, bool write, struct fovea_database *database,
                                  struct fv_error *error) {
    char *address = write ? NULL : immutable_address(path);
    int code = SQLITE_NOMEM;
    if (write || address != NULL) {
        code = sqlite3_open_v2(write ? path : address, &database->handle,
                               write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
                                     : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                               NULL);
    }
    fv_release(address);
    if (database->handle == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    return code == SQLITE_OK ? FV_OK : fail(database, error);
}

enum fv_status fovea_database_open(const char *path, bool write, struct fovea_database *database,
                                   struct fv_error *error) {
    use_engine_memory();
    *database = (struct fovea_database){.path = fv_duplicate(path)};
    if (database->path == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    enum fv_status status = open_handle(path, write, database, error);
    if (status == FV_OK) {
        sqlite3_busy_timeout(database->handle, PATIENCE);
        status = fovea_database_run(database,
                                    write ? "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; "
                                            "BEGIN IMMEDIATE; COMMIT; SELECT count(*) FROM sqlite_master"
                                          : "PRAGMA temp_store = MEMORY; SELECT count(*) FROM sqlite_master",
                                    error);
    }
    if (status != FV_OK) {
        fovea_database_close(database);
    }
    return status;
}

enum fv_status fovea_database_begin_writing(struct fovea_database *database, struct fv_error *error) {
    database->writing = true;
    /* Together with exclusive locking the write-ahead log needs no shared memory, which network file systems lack; a
     * commit is one flush. */
    return fovea_database_run(database,
                              "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512", error);
}

void fovea_database_close(struct fovea_database *database) {
    if (database->writing) {
        sqlite3_exec(database->handle, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    }
    sqlite3_close(database->handle);
    fv_release(database->path);
    *database = (struct fovea_database){0};
}

enum fv_status fovea_database_run(const struct fovea_database *database, const char *text, struct fv_error *error) {
    return sqlite3_exec(database->handle, text, NULL, NULL, NULL) == SQLITE_OK ? FV_OK : fail(database, error);
}

enum fv_status fovea_database_prepare(const struct fovea_database *database, const char *text, sqlite3_stmt **statement,
                                      struct fv_error *error) {
    *statement = NULL;
    return sqlite3_prepare_v2(database->handle, text, -1, statement, NULL) == SQLITE_OK ? FV_OK : fail(database, error);
}

enum fv_status fovea_database_step(const struct fovea_database *database, sqlite3_stmt *statement, bool *row,
                                   struct fv_error *error) {
    const int code = sqlite3_step(statement);
    enum fv_status status = code == SQLITE_ROW || code == SQLITE_DONE ? FV_OK : fail(database, error);
    if (row != NULL) {
        *row = code == SQLITE_ROW;
    } else {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    return status;
}

enum fv_status fovea_database_number(const struct fovea_database *database, const char *text, long long *number,
                                     struct fv_error *error) {
    sqlite3_stmt *statement;
    bool row = false;
    *number = 0;
    enum fv_status status = fovea_database_prepare(database, text, &statement, error);
    status = status != FV_OK ? status : fovea_database_step(database, statement, &row, error);
    if (row) {
        *number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return status;
}

bool fovea_database_bind_text(sqlite3_stmt *statement, int index, const char *text) {
    if (text == NULL) {
        return sqlite3_bind_null(statement, index) == SQLITE_OK;
    }
    const size_t length = strlen(text);
    return (fv_utf8_valid(text, length)
                ? sqlite3_bind_text64(statement, index, text, length, SQLITE_STATIC, SQLITE_UTF8)
                : sqlite3_bind_blob64(statement, index, text, length, SQLITE_STATIC)) == SQLITE_OK;
}

char *fovea_database_copy_text(sqlite3_stmt *statement, int column) {
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        return NULL;
    }
    /* Of a text this gives its bytes. */
    const void *bytes = sqlite3_column_blob(statement, column);
    const size_t length = (size_t)sqlite3_column_bytes(statement, column);
    char *copy = bytes == NULL && length > 0 ? NULL : fv_allocate(length + 1, 1);
    if (copy != NULL) {
        memcpy(copy, bytes == NULL ? "" : bytes, length);
        copy[length] = '\0';
    }
    return copy;
}
