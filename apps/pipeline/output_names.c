#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_hash.h"
#include "fovea/memory.h"
#include "fovea/names.h"
#include "fovea/text.h"
#include "pipeline/inputs.h"

enum { LAST_PART_MAX = 248, HASH_DIGITS = 16 }; /* 255 bytes, less ".nii.gz" */

/* The length of `name` without its last suffix. A dot at the start of the last part begins no suffix. */
static size_t length_without_suffix(const char *name) {
    const char *base = fv_path_basename(name);
    const char *dot = strrchr(base, '.');
    return dot == NULL || dot == base ? strlen(name) : (size_t)(dot - name);
}

/* The first `length` bytes of `stem`, shortened if their last part is too long; the hash is that of `whole`. */
static char *fit(struct fv_pool *texts, const char *stem, size_t length, const char *whole) {
    char *copy = fv_pool_text(texts, stem, length);
    if (copy == NULL) {
        return NULL;
    }
    char *base = copy + (fv_path_basename(copy) - copy);
    if (strlen(base) > LAST_PART_MAX) {
        char *cut = base + LAST_PART_MAX - HASH_DIGITS - 1;
        while (((unsigned char)*cut & 0xc0) == 0x80 && cut > base + LAST_PART_MAX / 2) {
            cut--; /* not inside a character of UTF-8 */
        }
        snprintf(cut, HASH_DIGITS + 2, "-%016" PRIx64, fovea_text_hash(whole));
    }
    return copy;
}

static int compare_stems(const void *a, const void *b) {
    const struct fovea_input *const *left = a, *const *right = b;
    int order = strcmp((*left)->stem, (*right)->stem);
    return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* Gives every input its stem, with its suffix where `keep` says so, and sorts `order` by them. */
static bool name_all(struct fovea_inputs *inputs, const bool *keep, struct fovea_input **order) {
    for (size_t i = 0; i < inputs->count; i++) {
        struct fovea_input *input = &inputs->items[i];
        size_t length = keep[i] ? strlen(input->name) : length_without_suffix(input->name);
        input->stem = fit(&inputs->texts, input->name, length, input->name);
        if (input->stem == NULL) {
            return false;
        }
        order[i] = input;
    }
    qsort(order, inputs->count, sizeof *order, compare_stems);
    return true;
}

/* Marks the inputs that share a stem; whether any was not marked before. */
static bool mark_shared(const struct fovea_inputs *inputs, struct fovea_input *const *order, bool *keep) {
    bool found = false;
    for (size_t i = 1; i < inputs->count; i++) {
        if (strcmp(order[i - 1]->stem, order[i]->stem) == 0) {
            size_t first = (size_t)(order[i - 1] - inputs->items), second = (size_t)(order[i] - inputs->items);
            found = found || !keep[first] || !keep[second];
            keep[first] = keep[second] = true;
        }
    }
    return found;
}

/* Numbers the later ones of those that still share a stem. */
static bool number_shared(struct fovea_inputs *inputs, struct fovea_input *const *order, struct fv_names *taken) {
    for (size_t i = 0; i < inputs->count; i++) {
        if ((i == 0 || strcmp(order[i - 1]->stem, order[i]->stem) != 0) && !fv_names_add(taken, order[i]->stem, i)) {
            return false;
        }
    }
    const char *shared = NULL;
    size_t number = 2;
    for (size_t i = 1; i < inputs->count; i++) {
        const char *before = shared != NULL ? shared : order[i - 1]->stem;
        if (strcmp(before, order[i]->stem) != 0) {
            shared = NULL;
            number = 2;
            continue;
        }
        shared = before;
        const char *stem;
        do {
            char *numbered = fv_text_format("%s-%zu", shared, number++);
            stem = numbered == NULL ? NULL : fit(&inputs->texts, numbered, strlen(numbered), numbered);
            fv_release(numbered);
            if (stem == NULL) {
                return false;
            }
        } while (fv_names_find(taken, stem, NULL));
        order[i]->stem = stem;
        if (!fv_names_add(taken, stem, i)) {
            return false;
        }
    }
    return true;
}

enum fv_status fovea_inputs_name_outputs(struct fovea_inputs *inputs, struct fv_error *error) {
    struct fovea_input **order = fv_allocate(inputs->count, sizeof *order);
    bool *keep = fv_allocate_zero(inputs->count, sizeof *keep);
    struct fv_names taken = {0};
    bool named = order != NULL && keep != NULL;
    do {
        named = named && name_all(inputs, keep, order);
    } while (named && mark_shared(inputs, order, keep));
    named = named && number_shared(inputs, order, &taken);
    fv_names_clear(&taken);
    fv_release(order);
    fv_release(keep);
    return named ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "naming the outputs: out of memory");
}
