#include "scan/tokens.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fovea/text.h"

/* A stretch of a name. */
struct word {
    const char *start;
    size_t length;
};

static bool is_letter(char byte) {
    return isalnum((unsigned char)byte) || (unsigned char)byte >= 0x80;
}

/* The last part of a path without its suffix. */
static struct word stem_of(const char *path) {
    const char *name = fv_path_basename(path), *dot = strrchr(name, '.');
    return (struct word){name, dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name)};
}

/* The token at or behind *position in `name`, which moves behind it; its length is 0 if there is none. */
static struct word next_token(struct word name, size_t *position) {
    size_t start = *position;
    while (start < name.length && !is_letter(name.start[start])) {
        start++;
    }
    size_t end = start;
    while (end < name.length && is_letter(name.start[end])) {
        end++;
    }
    *position = end;
    return (struct word){name.start + start, end - start};
}

static bool equals(struct word token, const char *word) {
    return strlen(word) == token.length && strncmp(token.start, word, token.length) == 0;
}

static bool is_one_of(struct word token, const char *const *words, bool any_case) {
    for (; *words != NULL; words++) {
        if (equals(token, *words) ||
            (any_case && strlen(*words) == token.length && strncasecmp(token.start, *words, token.length) == 0)) {
            return true;
        }
    }
    return false;
}

static enum fovea_eye eye_of(struct word token) {
    static const char *const right[] = {"OD", "od", "R", "RE", NULL}, *const left[] = {"OS", "os", "L", "LE", NULL};
    return is_one_of(token, right, false)  ? FOVEA_EYE_RIGHT
           : is_one_of(token, left, false) ? FOVEA_EYE_LEFT
                                           : FOVEA_EYE_UNKNOWN;
}

/* Whether the token names a layer. */
static bool layer_of(struct word token, enum fovea_layer *layer) {
    static const char *const superficial[] = {"SCP", "SVC", "superficial", NULL};
    static const char *const deep[] = {"DCP", "DVC", "ICP", "deep", NULL};
    *layer = is_one_of(token, deep, true) ? FOVEA_LAYER_DEEP : FOVEA_LAYER_SUPERFICIAL;
    return *layer == FOVEA_LAYER_DEEP || is_one_of(token, superficial, true);
}

/* Reads one or two digits and at most two decimals, in hundredths; 0 if there is something else. */
static unsigned read_hundredths(struct word name, size_t *position) {
    unsigned value = 0, digits = 0, decimals = 0;
    size_t at = *position;
    for (; at < name.length && isdigit((unsigned char)name.start[at]); at++, digits++) {
        value = digits < 3 ? value * 10 + (unsigned)(name.start[at] - '0') : value;
    }
    value *= 100;
    if (at + 1 < name.length && name.start[at] == '.' && isdigit((unsigned char)name.start[at + 1])) {
        for (at++; at < name.length && isdigit((unsigned char)name.start[at]); at++, decimals++) {
            value += decimals < 2 ? (unsigned)(name.start[at] - '0') * (decimals == 0 ? 10 : 1) : 0;
        }
    }
    *position = at;
    return digits == 0 || digits > 2 || decimals > 2 ? 0 : value;
}

/* Moves behind `x` and the spaces around it; false if it is not there. */
static bool skip_times(struct word name, size_t *position) {
    size_t at = *position;
    while (at < name.length && name.start[at] == ' ') {
        at++;
    }
    if (at < name.length && (name.start[at] == 'x' || name.start[at] == 'X')) {
        at++;
    } else if (at + 1 < name.length && memcmp(name.start + at, "\xc3\x97", 2) == 0) {
        at += 2;
    } else {
        return false;
    }
    while (at < name.length && name.start[at] == ' ') {
        at++;
    }
    *position = at;
    return true;
}

/* The N of "NxN" that begins at `at`, in hundredths; 0 if none does. */
static unsigned size_at(struct word name, size_t at) {
    enum { LEAST = 100, MOST = 2000 };
    unsigned width = read_hundredths(name, &at);
    if (width < LEAST || width > MOST || !skip_times(name, &at) || read_hundredths(name, &at) != width) {
        return 0;
    }
    if (at + 2 <= name.length && strncasecmp(name.start + at, "mm", 2) == 0) {
        at += 2;
    }
    return at == name.length || !is_letter(name.start[at]) ? width : 0;
}

/* Sizes begin where a token does, but not behind a decimal point. */
static void read_sizes(struct word name, struct fovea_tokens *tokens) {
    unsigned found = 0;
    for (size_t at = 0; at < name.length; at++) {
        bool inside = at > 0 && is_letter(name.start[at - 1]);
        bool decimals = at > 1 && name.start[at - 1] == '.' && isdigit((unsigned char)name.start[at - 2]);
        unsigned size = inside || decimals ? 0 : size_at(name, at);
        tokens->size_unclear = tokens->size_unclear || (size != 0 && found != 0 && size != found);
        found = size != 0 ? size : found;
    }
    tokens->size_mm = tokens->size_unclear ? 0 : found / 100.0;
}

void fovea_tokens_read(const char *path, struct fovea_tokens *tokens) {
    struct word name = stem_of(path);
    size_t position = 0;
    *tokens = (struct fovea_tokens){0};
    for (struct word token = next_token(name, &position); token.length > 0; token = next_token(name, &position)) {
        enum fovea_layer layer;
        enum fovea_eye eye = eye_of(token);
        if (eye != FOVEA_EYE_UNKNOWN) {
            tokens->eye_unclear = tokens->eye_unclear || (tokens->eye != FOVEA_EYE_UNKNOWN && tokens->eye != eye);
            tokens->eye = eye;
        }
        if (layer_of(token, &layer)) {
            tokens->layer_unclear = tokens->layer_unclear || (tokens->has_layer && tokens->layer != layer);
            tokens->has_layer = true;
            tokens->layer = layer;
        }
    }
    tokens->eye = tokens->eye_unclear ? FOVEA_EYE_UNKNOWN : tokens->eye;
    tokens->has_layer = tokens->has_layer && !tokens->layer_unclear;
    tokens->layer = tokens->has_layer ? tokens->layer : FOVEA_LAYER_SUPERFICIAL;
    read_sizes(name, tokens);
}

void fovea_tokens_without_layer(const char *path, char *result, size_t size) {
    struct word name = stem_of(path);
    size_t position = 0, used = 0;
    while (position < name.length) {
        size_t before = position;
        enum fovea_layer layer;
        struct word token = next_token(name, &position);
        struct word piece = {name.start + before, position - before}; /* with what separates it */
        if (token.length > 0 && layer_of(token, &layer)) {
            continue;
        }
        if (used == 0 && before > 0 && token.length > 0) {
            piece = token; /* all before it was a layer */
        }
        size_t length = piece.length < size - 1 - used ? piece.length : size - 1 - used;
        memcpy(result + used, piece.start, length);
        used += length;
    }
    result[used] = '\0';
}
