#include "base/suggestion.h"

#include <stdbool.h>
#include <string.h>

enum { WORD_MAX = 64 };

/* How many letters must be inserted, deleted, replaced or swapped with their neighbours (optimal string alignment). */
static size_t edit_distance(const char *a, const char *b) {
    size_t rows[3][WORD_MAX]; /* of the last three letters of `a` */
    size_t length = strlen(b);
    for (size_t j = 0; j <= length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        const size_t *before = rows[(i + 2) % 3], *last = rows[i % 3];
        size_t *row = rows[(i + 1) % 3];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t best = last[j] + (a[i] != b[j]);
            best = last[j + 1] + 1 < best ? last[j + 1] + 1 : best;
            best = row[j] + 1 < best ? row[j] + 1 : best;
            bool swapped = i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
            row[j + 1] = swapped && before[j - 1] + 1 < best ? before[j - 1] + 1 : best;
        }
    }
    return rows[strlen(a) % 3][length];
}

const char *fovea_suggestion(const char *word, const char *const *candidates, size_t count) {
    const char *best = NULL;
    size_t best_distance = 3;
    if (strlen(word) >= WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (strlen(candidates[i]) >= WORD_MAX) {
            continue;
        }
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < best_distance && 2 * distance < strlen(candidates[i])) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best;
}
