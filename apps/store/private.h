/* Private to the room: what a store holds. */
#ifndef FOVEA_APPS_STORE_PRIVATE_H
#define FOVEA_APPS_STORE_PRIVATE_H

#include "fovea/pool.h"
#include "store/columns.h"
#include "store/database.h"
#include "store/store.h"

/* Statements that are compiled once. */
enum fovea_statement {
    FOVEA_STATEMENT_PUT, /* its text is made of the columns */
    FOVEA_STATEMENT_FIND,
    FOVEA_STATEMENT_FIND_OUTPUT,
    FOVEA_STATEMENT_PUT_FILE,
    FOVEA_STATEMENT_PUT_PICTURE,
    FOVEA_STATEMENT_PUT_MOVING,
    FOVEA_STATEMENT_LEAVE_FILES,
    FOVEA_STATEMENT_DROP_FILES,
    FOVEA_STATEMENT_DROP_PICTURE,
    FOVEA_STATEMENT_DROP_MOVING,
    FOVEA_STATEMENT_DROP_IMAGE,
    FOVEA_STATEMENT_FILES,
    FOVEA_STATEMENT_STAGED,
    FOVEA_STATEMENT_GET,
    FOVEA_STATEMENT_SET,
    FOVEA_STATEMENT_UNSET,
    FOVEA_STATEMENT_COUNT,
};

struct fovea_store {
    struct fovea_database database;
    sqlite3_stmt *statements[FOVEA_STATEMENT_COUNT];
    bool *missing; /* measures that the table has not, one flag a measure; owned */
    bool begun;    /* between begin and commit */
    bool stale;    /* this transaction has said that the exports are */

    /* What it was made with, as read last. */
    struct fv_pool texts;
    struct fovea_results results;
    struct fovea_model_about grader, segmenter;
};

/* A compiled statement, ready to be bound. It stays the store's. */
enum fv_status fovea_store_statement(struct fovea_store *store, enum fovea_statement which, sqlite3_stmt **statement,
                                     struct fv_error *error);

/* How many files may be moved before the disk is asked to have them. */
enum { FOVEA_MOVING_MOST = 256 };

#endif
