#include "scan/pairs.h"

#include <string.h>

#include "fovea/memory.h"
#include "fovea/names.h"
#include "fovea/pool.h"
#include "fovea/text.h"
#include "scan/tokens.h"

/* Superficial images by a key: the first of each key, and for each image the next of its key. */
struct chains {
    struct fv_names first;
    size_t *next; /* 1 + the index; 0: none */
};

struct search {
    const struct fovea_pair_item *items;
    struct chains by_name, by_subject;
    struct fv_pool texts; /* of the keys */
};

/* The folder and the name without its layer. */
static char *name_key(struct search *search, const struct fovea_pair_item *item) {
    size_t size = strlen(item->path) + 1, folder = (size_t)(fv_path_basename(item->path) - item->path);
    char *key = fv_pool_take(&search->texts, size, 1);
    if (key != NULL) {
        memcpy(key, item->path, folder);
        fovea_tokens_without_layer(item->path, key + folder, size - folder);
    }
    return key;
}

/* Subject, visit and eye; "" if they are not enough for a pair. */
static char *subject_key(struct search *search, const struct fovea_pair_item *item) {
    const struct fovea_scan *scan = item->scan;
    if (scan->subject == NULL || scan->eye == FOVEA_EYE_UNKNOWN) {
        return fv_pool_text(&search->texts, "", 0);
    }
    const char *visit = scan->visit != NULL ? scan->visit : "";
    char *text = fv_text_format("%s\n%s\n%s", scan->subject, visit, fovea_eye_names[scan->eye]);
    char *key = text != NULL ? fv_pool_text(&search->texts, text, strlen(text)) : NULL;
    fv_release(text);
    return key;
}

/* Adds image `index` to the chain of `key`; false if memory is exhausted. */
static bool add(struct chains *chains, const char *key, size_t index) {
    size_t first;
    if (key == NULL) {
        return false;
    }
    if (key[0] == '\0') {
        return true;
    }
    if (!fv_names_find(&chains->first, key, &first)) {
        return fv_names_add(&chains->first, key, index);
    }
    chains->next[index] = chains->next[first];
    chains->next[first] = index + 1;
    return true;
}

static bool same_text(const char *left, const char *right) {
    return left == NULL || right == NULL || strcmp(left, right) == 0;
}

static bool same_length(double left, double right) {
    return left <= 0 || right <= 0 || fovea_field_agrees(left, right);
}

/* Whether nothing speaks against the pair. */
static bool is_compatible(const struct fovea_scan *deep, const struct fovea_scan *other) {
    return deep->eye == other->eye && same_text(deep->subject, other->subject) &&
           same_text(deep->visit, other->visit) && same_length(deep->field_x_mm, other->field_x_mm) &&
           same_length(deep->field_y_mm, other->field_y_mm) && same_length(deep->name_size_mm, other->name_size_mm);
}

/* How many images of the chain of `key` fit; the last found is in *partner. */
static size_t count_partners(const struct search *search, const struct chains *chains, const char *key,
                             const struct fovea_scan *deep, size_t *partner) {
    size_t found = 0, at;
    if (key[0] == '\0' || !fv_names_find(&chains->first, key, &at)) {
        return 0;
    }
    for (at++; at != 0; at = chains->next[at - 1]) {
        if (is_compatible(deep, search->items[at - 1].scan)) {
            *partner = at - 1;
            found++;
        }
    }
    return found;
}

static bool find_partner(struct search *search, const struct fovea_pair_item *item, struct fovea_pair *pair) {
    const char *name = name_key(search, item), *subject = subject_key(search, item);
    if (name == NULL || subject == NULL) {
        return false;
    }
    size_t found = count_partners(search, &search->by_name, name, item->scan, &pair->partner);
    if (found == 0) {
        found = count_partners(search, &search->by_subject, subject, item->scan, &pair->partner);
    }
    if (found == 1) {
        pair->state = FOVEA_PAIR_FOUND;
        return true;
    }
    pair->partner = 0;
    pair->state = found == 0 ? FOVEA_PAIR_ABSENT : FOVEA_PAIR_AMBIGUOUS;
    pair->reason = found > 1 ? "several superficial images could be its partner"
                   : item->scan->eye == FOVEA_EYE_UNKNOWN
                       ? "no superficial image has its name, and its eye is not known"
                       : "there is no superficial image of the same eye and visit";
    return true;
}

static bool find_all(struct search *search, size_t count, struct fovea_pair *pairs) {
    const struct fovea_pair_item *items = search->items;
    for (size_t i = 0; i < count; i++) {
        bool superficial = items[i].scan->has_layer && items[i].scan->layer == FOVEA_LAYER_SUPERFICIAL;
        if (superficial && !(add(&search->by_name, name_key(search, &items[i]), i) &&
                             add(&search->by_subject, subject_key(search, &items[i]), i))) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i] = (struct fovea_pair){.state = FOVEA_PAIR_NOT_DEEP};
        bool deep = items[i].scan->has_layer && items[i].scan->layer == FOVEA_LAYER_DEEP;
        if (deep && !find_partner(search, &items[i], &pairs[i])) {
            return false;
        }
    }
    return true;
}

enum fv_status fovea_pairs_find(const struct fovea_pair_item *items, size_t count, struct fovea_pair *pairs,
                                struct fv_error *error) {
    struct search search = {.items = items};
    search.by_name.next = fv_allocate_zero(count, sizeof(size_t));
    search.by_subject.next = fv_allocate_zero(count, sizeof(size_t));
    bool complete = search.by_name.next != NULL && search.by_subject.next != NULL && find_all(&search, count, pairs);
    fv_names_clear(&search.by_name.first);
    fv_names_clear(&search.by_subject.first);
    fv_release(search.by_name.next);
    fv_release(search.by_subject.next);
    fv_pool_clear(&search.texts);
    return complete ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "pairing the images: out of memory");
}
