/* Private to the room: files on their way from OUT/.fovea to where they belong, and those that are to go.
 *
 * The order that makes an image's row and files appear together or not at all: its files are written to OUT/.fovea and
 * flushed, and so is that folder; the row is committed together with an entry in `moving`; the files are renamed to
 * their places; once the folders there are flushed too, the entry goes. A process or machine that stops before the
 * commit leaves nothing but files in OUT/.fovea, which the next command removes; after it, the next command renames
 * what is still there, which may be repeated at will. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY, those of the store. */
#ifndef FOVEA_APPS_RECOVERY_H
#define FOVEA_APPS_RECOVERY_H

#include "store/store.h"

/* Renames the files of the images in `moving` whose number is above `after`; `output` is OUT. What other kinds of files
 * lie in OUT under the names of these images is removed if this run makes pictures. */
enum fv_status fovea_moving_finish(struct fovea_store *store, const char *output, size_t after, struct fv_error *error);

/* Flushes the folders that they went to and empties `moving`. */
enum fv_status fovea_moving_settle(struct fovea_store *store, const char *output, struct fv_error *error);

/* Removes the files in `leftovers` that belong to no row, with folders that become empty, and empties it. */
enum fv_status fovea_leftovers_remove(struct fovea_store *store, const char *output, struct fv_error *error);

/* Removes all files in OUT/.fovea but the lock. */
enum fv_status fovea_staging_clear(const char *output, struct fv_error *error);

/* Removes what writing the exports left in OUT and OUT/pages when it was killed: files .fovea-PROCESS-N.tmp of
 * processes that are no more. */
enum fv_status fovea_temporaries_clear(const char *output, struct fv_error *error);

/* Flushes a folder's entries to the disk. Where the file system cannot do that, nothing is done. */
enum fv_status fovea_folder_flush(const char *path, struct fv_error *error);

#endif
