/* What every function of the library returns, and the message that goes with a failure.
 *
 * The library never prints, exits or aborts. A function that can fail returns `enum fv_status` and takes, as its last
 * argument, a `struct fv_error *` that may be NULL. On success the error is left untouched. On failure the status is
 * returned and, if an error was given, status and message are stored in it. The first failure wins: callers pass the
 * error up without rewording it.
 *
 * Thread safety: an fv_error belongs to one thread at a time; all functions here are reentrant. */
#ifndef FOVEA_STATUS_H
#define FOVEA_STATUS_H

#include <stdarg.h>

enum fv_status {
    FV_OK = 0,
    FV_ERROR_ARGUMENT,    /* the caller broke the contract of the function: a programming error or a wrong option */
    FV_ERROR_MEMORY,      /* an allocation failed, or a size does not fit into size_t */
    FV_ERROR_FILE,        /* the operating system refused to open, read, map or write a file */
    FV_ERROR_FORMAT,      /* a file's bytes break the rules of its format */
    FV_ERROR_UNSUPPORTED, /* well-formed, but outside what Fovea handles */
    FV_ERROR_MODEL,       /* a model lacks a tensor or field, or one of them has the wrong shape, type or value */
    FV_ERROR_CANCELLED,   /* a callback asked to stop */
};

enum { FV_MESSAGE_SIZE = 1024 };

struct fv_error {
    enum fv_status status;
    char message[FV_MESSAGE_SIZE]; /* one sentence, no newline at the end; names the file, the place, expected and found
                                    */
};

#if defined(__GNUC__)
#define FV_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define FV_PRINTF(text, first)
#endif

/* Stores `status` and the printf-formatted message in `error` (which may be NULL) and returns `status`. Messages longer
 * than FV_MESSAGE_SIZE - 1 bytes are cut and end in "...". */
enum fv_status fv_error_set(struct fv_error *error, enum fv_status status, const char *format, ...) FV_PRINTF(3, 4);

/* The same with a va_list. */
enum fv_status fv_error_set_list(struct fv_error *error, enum fv_status status, const char *format, va_list arguments)
    FV_PRINTF(3, 0);

/* A short lower-case name: "ok", "argument", "memory", "file", "format", "unsupported", "model", "cancelled". Static
 * storage; never NULL. */
const char *fv_status_name(enum fv_status status);

#endif
