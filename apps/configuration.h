/* Files that hold options: `fovea COMMAND --config FILE`.
 *
 *   # A comment; empty lines mean nothing.
 *   [run segment]                      the commands that the lines below are for
 *   fov = 3                            an option by its name, without dashes
 *   tune = yes                         a flag: yes or no
 *   models = "with \"quotes\" # and \\" text that begins or ends with a blank or holds a line break is quoted
 *
 * A byte order mark of UTF-8 is dropped. A value without quotes ends with its line, blanks around it dropped. Between
 * quotes \" \\ \n \t and \xHH (a byte) are known. An option that may be given several times stands on several lines.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_CONFIGURATION_H
#define FOVEA_APPS_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "fovea/status.h"

struct fovea_configuration_entry {
    size_t line; /* the first is 1 */
    const char *name, *value;
};

/* What one file says to one command. A zeroed struct is empty. */
struct fovea_configuration {
    struct fovea_configuration_entry *entries;
    size_t count;
    char *text; /* holds names and values */
};

/* Reads what the file at `path` says to `command`; sections for others are passed over, but must name some of the
 * `commands` (NULL: any name will do). Errors, naming file and line: FV_ERROR_FILE, FV_ERROR_FORMAT (a line that is
 * neither section nor option, an option before the first section, a section that names no command or an unknown one, a
 * value whose quote is not closed or that holds an unknown escape, a zero byte), FV_ERROR_MEMORY. On failure the
 * configuration is empty; on success the caller gives it back with fovea_configuration_clear. */
enum fv_status fovea_configuration_read(const char *path, const char *command, const char *const *commands,
                                        size_t command_count, struct fovea_configuration *configuration,
                                        struct fv_error *error);

/* Appends "NAME = VALUE\n" with the value quoted if it has to be. */
void fovea_configuration_write(struct fovea_buffer *text, const char *name, const char *value);

void fovea_configuration_clear(struct fovea_configuration *configuration);

#endif
