/* Private to the room: copies of files. Thread safety: reentrant. */
#ifndef FOVEA_APPS_COPY_H
#define FOVEA_APPS_COPY_H

#include "fovea/status.h"

/* Makes `to` a copy of the file `from`, in place of what is there. It is not flushed to the disk, and after a failure
 * it may be there in part. Errors: FV_ERROR_FILE. */
enum fv_status fovea_file_copy(const char *from, const char *to, struct fv_error *error);

#endif
