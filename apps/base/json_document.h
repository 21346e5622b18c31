/* A JSON document that is built in memory and written as one file.
 *
 * Building never fails half-way: after the first allocation that fails, `complete` is false, what follows does nothing
 * that matters, and fovea_json_end says so. Allocation is the engine's, so that tests can make it fail; for that
 * cJSON's hooks are set from begin to end: one document at a time in a process, by one thread. */
#ifndef FOVEA_APPS_JSON_DOCUMENT_H
#define FOVEA_APPS_JSON_DOCUMENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "fovea/status.h"

/* From now on cJSON takes memory from the engine (true), or as it would by itself (false). */
void fovea_json_use_engine_memory(bool use);

struct fovea_json {
    cJSON *root; /* an object, NULL if memory ran out */
    bool complete;
};

/* Every document that was begun is ended, or abandoned. */
void fovea_json_begin(struct fovea_json *document);
/* Frees a document that is not to be written; nothing if it was ended. */
void fovea_json_abandon(struct fovea_json *document);

/* A member of `object`. Bytes of a text that are no UTF-8 become question marks; a number that is not finite becomes
 * null. */
void fovea_json_string(struct fovea_json *document, cJSON *object, const char *key, const char *text);
void fovea_json_number(struct fovea_json *document, cJSON *object, const char *key, double value);
void fovea_json_boolean(struct fovea_json *document, cJSON *object, const char *key, bool value);
/* The new, empty member, which belongs to the document; NULL if memory ran out. */
cJSON *fovea_json_object(struct fovea_json *document, cJSON *object, const char *key);
cJSON *fovea_json_array(struct fovea_json *document, cJSON *object, const char *key);

/* Adds `item`, which the document takes in any case, to `array`; false if memory ran out (`item` may be NULL). */
bool fovea_json_append(struct fovea_json *document, cJSON *array, cJSON *item);
/* Adds an empty object and returns it, and a number, null if it is not finite. */
cJSON *fovea_json_append_object(struct fovea_json *document, cJSON *array);
void fovea_json_append_number(struct fovea_json *document, cJSON *array, double value);

/* Writes the document, all of it or nothing, and frees it. Errors: FV_ERROR_MEMORY, those of fovea_buffer_write. */
enum fv_status fovea_json_end(struct fovea_json *document, const char *path, struct fv_error *error);

#endif
