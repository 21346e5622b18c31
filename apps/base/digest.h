/* SHA-256 of files. */
#ifndef FOVEA_APPS_DIGEST_H
#define FOVEA_APPS_DIGEST_H

#include "fovea/status.h"

enum { FOVEA_DIGEST_SIZE = 65 };

/* The SHA-256 of the file at `path`, 64 lower-case hexadecimal digits and a zero. Errors: FV_ERROR_FILE. */
enum fv_status fovea_file_digest(const char *path, char digest[FOVEA_DIGEST_SIZE], struct fv_error *error);

#endif
