/* Printing text that comes from files or names of files.
 *
 * Thread safety: as the stream's. */
#ifndef FOVEA_APPS_PRINT_CLEAN_H
#define FOVEA_APPS_PRINT_CLEAN_H

#include <stdio.h>

/* Prints `text` as fovea_buffer_utf8 cleans it, so that no byte of it can steer a terminal: at most `limit` bytes, all
 * if `limit` is negative. An empty text, or one for which memory is exhausted, becomes a question mark. */
void fovea_print_clean(FILE *stream, const char *text, int limit);

#endif
