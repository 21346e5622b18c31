#include "eval/failures.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "eval/match.h"
#include "fovea/memory.h"

enum { FIRST_CAPACITY = 16 };

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "listing the failures: out of memory");
}

enum fv_status fovea_failures_add(struct fovea_failures *failures, const char *image, const char *file, size_t line,
                                  struct fv_error *error, const char *format, ...) {
    if (failures->count == failures->capacity) {
        size_t capacity = failures->capacity == 0 ? FIRST_CAPACITY : failures->capacity * 2;
        struct fovea_failure *grown =
            fv_reallocate(failures->items, failures->capacity, capacity, sizeof *failures->items);
        if (grown == NULL) {
            return out_of_memory(error);
        }
        failures->items = grown;
        failures->capacity = capacity;
    }
    image = fovea_match_shown(image);
    char reason[FV_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    struct fovea_failure failure = {
        .image = fv_pool_text(&failures->texts, image, strlen(image)),
        .file = fv_pool_text(&failures->texts, file, strlen(file)),
        .line = line,
        .reason = fv_pool_text(&failures->texts, reason, strlen(reason)),
    };
    if (failure.image == NULL || failure.file == NULL || failure.reason == NULL) {
        return out_of_memory(error);
    }
    failures->items[failures->count++] = failure;
    return FV_OK;
}

void fovea_failures_clear(struct fovea_failures *failures) {
    fv_release(failures->items);
    fv_pool_clear(&failures->texts);
    *failures = (struct fovea_failures){0};
}
