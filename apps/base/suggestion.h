/* What a misspelt word was meant to be. */
#ifndef FOVEA_APPS_SUGGESTION_H
#define FOVEA_APPS_SUGGESTION_H

#include <stddef.h>

/* The candidate that `word` was most probably meant to be (edit distance at most 2 and less than half its length), or
 * NULL. Thread safety: reentrant. */
const char *fovea_suggestion(const char *word, const char *const *candidates, size_t count);

#endif
