/* Folders, and which paths lead to one place.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_FOLDER_H
#define FOVEA_APPS_FOLDER_H

#include <stdbool.h>

#include "fovea/status.h"

/* Makes the folder `path` and those above it where they do not exist. Errors: FV_ERROR_FILE (the message names the
 * folder and the reason), FV_ERROR_MEMORY. */
enum fv_status fovea_folder_make(const char *path, struct fv_error *error);

/* Whether both paths lead to the same file or folder, which exists. */
bool fovea_same_place(const char *a, const char *b);

#endif
