/* Private to the room: SQLite with this program's errors and memory.
 *
 * SQLite takes its memory from the engine. Every function that fails names the file and the reason: FV_ERROR_MEMORY;
 * FV_ERROR_FORMAT (damaged, or no database); FV_ERROR_FILE (locked by another program, full disk, read-only, and what
 * else the operating system refuses). Thread safety: a database belongs to one thread at a time. */
#ifndef FOVEA_APPS_DATABASE_H
#define FOVEA_APPS_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "fovea/status.h"

struct fovea_database {
    sqlite3 *handle;
    char *path;   /* as messages name it */
    bool writing; /* fovea_database_begin_writing was called */
};

/* Opens the file at `path`; `write` makes it where it does not exist, and locks it against every other program for as
 * long as it is open. Reading takes the file to be at rest: nobody writes, and nothing has to be recovered. On failure
 * *database is empty; else the caller gives it back with fovea_database_close. */
enum fv_status fovea_database_open(const char *path, bool write, struct fovea_database *database,
                                   struct fv_error *error);

/* Makes ready for writing a database that was opened for it. Before, nothing of it is changed. */
enum fv_status fovea_database_begin_writing(struct fovea_database *database, struct fv_error *error);

/* Closes it. A database that was written is left as one file if it can be. An empty one is allowed. */
void fovea_database_close(struct fovea_database *database);

/* Runs statements that give no rows. */
enum fv_status fovea_database_run(const struct fovea_database *database, const char *text, struct fv_error *error);

/* Compiles one statement, which the caller finalizes; NULL after a failure. */
enum fv_status fovea_database_prepare(const struct fovea_database *database, const char *text, sqlite3_stmt **statement,
                                      struct fv_error *error);

/* One step; *row tells whether it gave a row. Without `row`: to the end, after which the statement is reset and its
 * values are forgotten. */
enum fv_status fovea_database_step(const struct fovea_database *database, sqlite3_stmt *statement, bool *row,
                                   struct fv_error *error);

/* The first column of the first row that `text` gives, 0 if it gives none. */
enum fv_status fovea_database_number(const struct fovea_database *database, const char *text, long long *number,
                                     struct fv_error *error);

/* Binds a name or another text that may be any bytes: as TEXT, or as BLOB where it is not UTF-8. The text must stay
 * until the statement is stepped. NULL is NULL. SQLite copies nothing, so this fails for a wrong index only: false. */
bool fovea_database_bind_text(sqlite3_stmt *statement, int index, const char *text);

/* The text in a column, as it was bound; NULL for NULL or if memory is exhausted. The caller releases it. */
char *fovea_database_copy_text(sqlite3_stmt *statement, int column);

#endif
