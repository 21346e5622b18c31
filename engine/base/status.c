#include "fovea/status.h"

#include <stdio.h>
#include <string.h>

enum fv_status fv_error_set_list(struct fv_error *error, enum fv_status status, const char *format, va_list arguments) {
    if (error == NULL) {
        return status;
    }
    error->status = status;
    int length = vsnprintf(error->message, sizeof error->message, format, arguments);
    if (length < 0) {
        error->message[0] = '\0';
    } else if ((size_t)length >= sizeof error->message) {
        memcpy(error->message + sizeof error->message - 4, "...", 4);
    }
    return status;
}

enum fv_status fv_error_set(struct fv_error *error, enum fv_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fv_error_set_list(error, status, format, arguments);
    va_end(arguments);
    return status;
}

const char *fv_status_name(enum fv_status status) {
    switch (status) {
    case FV_OK:
        return "ok";
    case FV_ERROR_ARGUMENT:
        return "argument";
    case FV_ERROR_MEMORY:
        return "memory";
    case FV_ERROR_FILE:
        return "file";
    case FV_ERROR_FORMAT:
        return "format";
    case FV_ERROR_UNSUPPORTED:
        return "unsupported";
    case FV_ERROR_MODEL:
        return "model";
    case FV_ERROR_CANCELLED:
        return "cancelled";
    }
    return "unknown";
}
