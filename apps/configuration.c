#include "configuration.h"

#include <ctype.h>
#include <string.h>

#include "base/suggestion.h"
#include "fovea/file.h"
#include "fovea/memory.h"

/* The line at hand, zero-terminated and without blanks around it, in the text that the configuration keeps. */
struct reading {
    const char *path, *command;
    const char *const *commands;
    size_t command_count;
    struct fovea_configuration *configuration;
    size_t capacity, line;
    bool began, concerns; /* a section began; it is for the command */
    struct fv_error *error;
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts blanks off both ends. */
static char *trim(char *text) {
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1])) {
        text[--length] = '\0';
    }
    while (is_blank(*text)) {
        text++;
    }
    return text;
}

static enum fv_status check_command(const struct reading *reading, const char *word) {
    for (size_t i = 0; i < reading->command_count; i++) {
        if (strcmp(word, reading->commands[i]) == 0) {
            return FV_OK;
        }
    }
    if (reading->commands == NULL) {
        return FV_OK;
    }
    const char *meant = fovea_suggestion(word, reading->commands, reading->command_count);
    return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s:%zu: no command is called '%s'%s%s%s", reading->path,
                        reading->line, word, meant != NULL ? "; did you mean '" : "", meant != NULL ? meant : "",
                        meant != NULL ? "'?" : "");
}

/* "[run segment]" */
static enum fv_status begin_section(struct reading *reading, char *text) {
    const size_t length = strlen(text);
    if (text[length - 1] != ']') {
        return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s:%zu: expected ] at the end of '%s'", reading->path,
                            reading->line, text);
    }
    text[length - 1] = '\0';
    size_t words = 0;
    char *rest = NULL;
    reading->began = true;
    reading->concerns = false;
    for (char *word = strtok_r(text + 1, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        const enum fv_status status = check_command(reading, word);
        if (status != FV_OK) {
            return status;
        }
        reading->concerns = reading->concerns || strcmp(word, reading->command) == 0;
        words++;
    }
    return words > 0 ? FV_OK
                     : fv_error_set(reading->error, FV_ERROR_FORMAT,
                                    "%s:%zu: a section without a name, expected for example [run]", reading->path,
                                    reading->line);
}

static int hexadecimal(char digit) {
    return isdigit((unsigned char)digit) ? digit - '0' : isxdigit((unsigned char)digit) ? (digit | 32) - 'a' + 10 : -1;
}

/* The byte of the escape after a backslash, of which *text is moved to the last letter; -1: there is none such. */
static int unescape(const char **text) {
    static const char letters[] = "\"\\nt", bytes[] = "\"\\\n\t";
    const char letter = **text;
    if (letter == 'x') {
        const int high = hexadecimal((*text)[1]), low = high < 0 ? -1 : hexadecimal((*text)[2]);
        *text += low < 0 ? 0 : 2;
        return low < 0 || high * 16 + low == 0 ? -1 : high * 16 + low;
    }
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    return found != NULL ? bytes[found - letters] : -1;
}

/* Replaces a quoted value by what it means. */
static enum fv_status unquote(const struct reading *reading, char *value) {
    const char *from = value + 1;
    char *to = value;
    for (; *from != '"'; from++) {
        int byte = (unsigned char)*from;
        if (*from == '\\') {
            from++;
            byte = unescape(&from);
        }
        if (byte <= 0) {
            return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s:%zu: expected a closing quote and %s",
                                reading->path, reading->line, "\\\" \\\\ \\n \\t or \\xHH after a backslash");
        }
        *to++ = (char)byte;
    }
    if (from[1] != '\0') {
        return fv_error_set(reading->error, FV_ERROR_FORMAT,
                            "%s:%zu: expected nothing after the closing quote, found '%s'", reading->path,
                            reading->line, from + 1);
    }
    *to = '\0';
    return FV_OK;
}

static enum fv_status add_entry(struct reading *reading, const char *name, const char *value) {
    struct fovea_configuration *configuration = reading->configuration;
    if (configuration->count == reading->capacity) {
        const size_t capacity = reading->capacity == 0 ? 16 : 2 * reading->capacity;
        struct fovea_configuration_entry *entries =
            fv_reallocate(configuration->entries, reading->capacity, capacity, sizeof *entries);
        if (entries == NULL) {
            return fv_error_set(reading->error, FV_ERROR_MEMORY, "%s: out of memory", reading->path);
        }
        configuration->entries = entries;
        reading->capacity = capacity;
    }
    configuration->entries[configuration->count++] = (struct fovea_configuration_entry){reading->line, name, value};
    return FV_OK;
}

static enum fv_status read_line(struct reading *reading, char *text) {
    if (text[0] == '\0' || text[0] == '#') {
        return FV_OK;
    }
    if (text[0] == '[') {
        return begin_section(reading, text);
    }
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT,
                            "%s:%zu: expected [COMMAND], NAME = VALUE or # a comment, found '%s'", reading->path,
                            reading->line, text);
    }
    *equals = '\0';
    const char *name = trim(text);
    char *value = trim(equals + 1);
    if (!reading->began) {
        return fv_error_set(reading->error, FV_ERROR_FORMAT, "%s:%zu: expected a section such as [%s] before '%s'",
                            reading->path, reading->line, reading->command, name);
    }
    const enum fv_status status = value[0] == '"' ? unquote(reading, value) : FV_OK;
    return status == FV_OK && reading->concerns ? add_entry(reading, name, value) : status;
}

static enum fv_status read_lines(struct reading *reading, char *text) {
    enum fv_status status = FV_OK;
    const bool marked = strncmp(text, "\xef\xbb\xbf", 3) == 0; /* the byte order mark of UTF-8 */
    for (char *line = marked ? text + 3 : text; line != NULL && status == FV_OK;) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        reading->line++;
        status = read_line(reading, trim(line));
        line = end != NULL ? end + 1 : NULL;
    }
    return status;
}

enum fv_status fovea_configuration_read(const char *path, const char *command, const char *const *commands,
                                        size_t command_count, struct fovea_configuration *configuration,
                                        struct fv_error *error) {
    struct reading reading = {.path = path,
                              .command = command,
                              .commands = commands,
                              .command_count = command_count,
                              .configuration = configuration,
                              .error = error};
    struct fv_mapping file;
    *configuration = (struct fovea_configuration){0};
    enum fv_status status = fv_file_map(path, &file, error);
    if (status != FV_OK) {
        return status;
    }
    if (memchr(file.bytes, '\0', file.size) != NULL) {
        status = fv_error_set(error, FV_ERROR_FORMAT, "%s: holds a zero byte, expected text", path);
    } else {
        configuration->text = fv_allocate(file.size + 1, 1);
        if (configuration->text == NULL) {
            status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
        }
    }
    if (status == FV_OK) {
        memcpy(configuration->text, file.bytes, file.size);
        configuration->text[file.size] = '\0';
        status = read_lines(&reading, configuration->text);
    }
    fv_file_unmap(&file);
    if (status != FV_OK) {
        fovea_configuration_clear(configuration);
    }
    return status;
}

static bool needs_quotes(const char *value) {
    const size_t length = strlen(value);
    return length == 0 || is_blank(value[0]) || is_blank(value[length - 1]) || value[0] == '"' ||
           strpbrk(value, "\n\r") != NULL;
}

void fovea_configuration_write(struct fovea_buffer *text, const char *name, const char *value) {
    fovea_buffer_format(text, "%s = ", name);
    if (!needs_quotes(value)) {
        fovea_buffer_format(text, "%s\n", value);
        return;
    }
    fovea_buffer_text(text, "\"");
    for (; *value != '\0'; value++) {
        const bool escaped = *value == '"' || *value == '\\';
        if (*value == '\n' || *value == '\r') {
            fovea_buffer_format(text, "\\x%02x", (unsigned)*value);
        } else {
            fovea_buffer_format(text, "%s%c", escaped ? "\\" : "", *value);
        }
    }
    fovea_buffer_text(text, "\"\n");
}

void fovea_configuration_clear(struct fovea_configuration *configuration) {
    fv_release(configuration->entries);
    fv_release(configuration->text);
    *configuration = (struct fovea_configuration){0};
}
