#include "eval/match.h"

#include <string.h>
#include <strings.h>

#include "fovea/memory.h"
#include "fovea/names.h"

const char *const fovea_match_rule_names[] = {"path", "stem", "base", NULL};

static const char *last_part(const char *name) {
    const char *part = name;
    for (; *name != '\0'; name++) {
        part = *name == '/' || *name == '\\' ? name + 1 : part;
    }
    return part;
}

const char *fovea_match_shown(const char *name) {
    bool drive = name[0] != '\0' && name[1] == ':' && (name[2] == '\\' || name[2] == '/');
    return name[0] == '/' || name[0] == '\\' || drive ? last_part(name) : name;
}

static size_t length_without_suffix(const char *name) {
    static const char volume[] = ".nii.gz";
    size_t length = strlen(name);
    const char *base = strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name;
    if (strlen(base) > strlen(volume) && strcasecmp(name + length - strlen(volume), volume) == 0) {
        return length - strlen(volume);
    }
    const char *dot = strrchr(base, '.');
    return dot == NULL || dot == base ? length : (size_t)(dot - name);
}

const char *fovea_match_key(enum fovea_match_rule rule, const char *name, struct fv_pool *texts) {
    while (name[0] == '.' && name[1] == '/') {
        name += 2;
    }
    const char *key = rule == FOVEA_MATCH_BASE ? last_part(name) : name;
    return fv_pool_text(texts, key, rule == FOVEA_MATCH_PATH ? strlen(key) : length_without_suffix(key));
}

/* Deals with entry `index`, whose key was first seen at entry `first`. */
static enum fv_status report_repeat(struct fovea_match_side *side, size_t first, size_t index,
                                    struct fovea_failures *failures, struct fv_error *error) {
    struct fovea_match_entry *entry = &side->entries[index], *before = &side->entries[first];
    bool same = before->usable && entry->usable && side->same != NULL && side->same(side->context, first, index);
    bool was_usable = entry->usable;
    entry->usable = false;
    if (same) {
        return fovea_failures_add(failures, entry->name, entry->file, entry->line, error,
                                  "repeats line %zu, which is used", before->line);
    }
    bool before_was_usable = before->usable;
    before->usable = false;
    if (!was_usable) { /* reported already, but not that it takes the other with it */
        return !before_was_usable
                   ? FV_OK
                   : fovea_failures_add(failures, before->name, before->file, before->line, error,
                                        "is there twice, and line %zu cannot be used: neither is used", entry->line);
    }
    if (entry->line > 0) {
        return fovea_failures_add(failures, entry->name, entry->file, entry->line, error,
                                  "is there twice and differs from line %zu: neither is used", before->line);
    }
    return fovea_failures_add(failures, entry->name, entry->file, entry->line, error,
                              "is there twice: %s has the same name but for its suffix; neither is used", before->file);
}

/* Fills `names` with the first entry of each key. */
static enum fv_status index_side(struct fovea_match_side *side, struct fv_names *names, struct fovea_failures *failures,
                                 struct fv_error *error) {
    for (size_t i = 0; i < side->count; i++) {
        const char *key = side->entries[i].key;
        size_t first;
        if (key == NULL) {
            continue;
        }
        if (fv_names_find(names, key, &first)) {
            enum fv_status status = report_repeat(side, first, i, failures, error);
            if (status != FV_OK) {
                return status;
            }
        } else if (!fv_names_add(names, key, i)) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", side->whole);
        }
    }
    return FV_OK;
}

/* Reports the usable entries of `side` that `others` lacks. */
static enum fv_status report_lonely(const struct fovea_match_side *side, const struct fovea_match_side *other,
                                    const struct fv_names *others, const char *lacking, struct fovea_failures *failures,
                                    struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < side->count && status == FV_OK; i++) {
        const struct fovea_match_entry *entry = &side->entries[i];
        if (entry->usable && !fv_names_find(others, entry->key, NULL)) {
            status = fovea_failures_add(failures, entry->name, entry->file, entry->line, error,
                                        "%s for it in %s (compared: '%s')", lacking, other->whole,
                                        fovea_match_shown(entry->key));
        }
    }
    return status;
}

enum fv_status fovea_match(struct fovea_match_side *predicted, struct fovea_match_side *reference,
                           struct fovea_match_pair **pairs, size_t *count, struct fovea_failures *failures,
                           struct fv_error *error) {
    struct fv_names predictions = {0}, references = {0};
    *count = 0;
    *pairs = fv_allocate(reference->count, sizeof **pairs);
    enum fv_status status =
        *pairs == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", reference->whole) : FV_OK;
    status = status != FV_OK ? status : index_side(predicted, &predictions, failures, error);
    status = status != FV_OK ? status : index_side(reference, &references, failures, error);
    status =
        status != FV_OK ? status : report_lonely(reference, predicted, &predictions, "no prediction", failures, error);
    status =
        status != FV_OK ? status : report_lonely(predicted, reference, &references, "no reference", failures, error);
    for (size_t i = 0; i < reference->count && status == FV_OK; i++) {
        const struct fovea_match_entry *entry = &reference->entries[i];
        size_t partner;
        if (entry->usable && fv_names_find(&predictions, entry->key, &partner) && predicted->entries[partner].usable) {
            (*pairs)[(*count)++] = (struct fovea_match_pair){partner, i};
        }
    }
    fv_names_clear(&predictions);
    fv_names_clear(&references);
    if (status != FV_OK) {
        fv_release(*pairs);
        *pairs = NULL;
    }
    return status;
}
