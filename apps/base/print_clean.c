#include "base/print_clean.h"

#include "base/buffer.h"

void fovea_print_clean(FILE *stream, const char *text, int limit) {
    struct fovea_buffer clean = {0};
    fovea_buffer_utf8(&clean, text);
    fprintf(stream, "%.*s", limit, clean.failed || clean.size == 0 ? "?" : clean.bytes);
    fovea_buffer_clear(&clean);
}
