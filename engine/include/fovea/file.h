/* Files: read-only mappings, and output files that appear complete or not at all.
 *
 * Thread safety: a mapping may be read by any number of threads; an output belongs to one thread. */
#ifndef FOVEA_FILE_H
#define FOVEA_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

/* A whole file in memory, read-only. An empty file has a valid pointer and size 0. */
struct fv_mapping {
    const uint8_t *bytes;
    size_t size;
};

/* Maps the regular file at `path`. The file must not be shortened while it is mapped.
 * Errors: FV_ERROR_FILE (missing, unreadable, a folder, a device; the message names the file and the reason). On
 * failure *mapping is empty. The caller gives it back with fv_file_unmap. */
enum fv_status fv_file_map(const char *path, struct fv_mapping *mapping, struct fv_error *error);

/* Unmaps and empties. An empty or zeroed mapping is allowed. */
void fv_file_unmap(struct fv_mapping *mapping);

/* Tells the system that `size` bytes from `offset` on are not needed soon, so that reading through a large file does
 * not fill this process's memory. The bytes stay readable. */
void fv_file_forget(const struct fv_mapping *mapping, size_t offset, size_t size);

/* A file that is written in the folder of its final name, without a name where the file system can do that (then
 * nothing is left even if the process is killed), else under a temporary one. */
struct fv_output;

/* Starts an output that will be named `path`. An existing regular file of that name stays until fv_output_finish
 * replaces it.
 * Errors: FV_ERROR_FILE (the folder is missing or not writable; `path` exists and is no regular file),
 * FV_ERROR_MEMORY. On failure *output is NULL. */
enum fv_status fv_output_create(const char *path, struct fv_output **output, struct fv_error *error);

/* Appends `size` bytes. Errors: FV_ERROR_FILE; the caller then calls fv_output_abandon. */
enum fv_status fv_output_write(struct fv_output *output, const void *bytes, size_t size, struct fv_error *error);

/* Flushes to the disk, gives the file its final name and frees `output`. On failure (FV_ERROR_FILE,
 * FV_ERROR_MEMORY) what was written is removed and `output` is freed too. */
enum fv_status fv_output_finish(struct fv_output *output, struct fv_error *error);

/* Removes what was written and frees `output`. NULL is allowed. */
void fv_output_abandon(struct fv_output *output);

#endif
