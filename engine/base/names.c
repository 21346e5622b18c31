#include "fovea/names.h"

#include <stdint.h>
#include <string.h>

#include "fovea/memory.h"

struct fv_names_slot {
    const char *name; /* NULL: free */
    uint64_t hash;
    size_t value;
};

enum { FIRST_CAPACITY = 64 };

/* FNV-1a, 64 bits. */
static uint64_t hash_name(const char *name) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    }
    return hash ^ hash >> 32;
}

/* The slot that holds `name`, or the free one where it belongs. The table is never full. */
static struct fv_names_slot *find_slot(struct fv_names_slot *slots, size_t capacity, const char *name, uint64_t hash) {
    size_t index = (size_t)hash & (capacity - 1);
    while (slots[index].name != NULL && (slots[index].hash != hash || strcmp(slots[index].name, name) != 0)) {
        index = (index + 1) & (capacity - 1);
    }
    return &slots[index];
}

static bool grow(struct fv_names *names) {
    size_t capacity = names->capacity == 0 ? FIRST_CAPACITY : 2 * names->capacity;
    struct fv_names_slot *slots = capacity < names->capacity ? NULL : fv_allocate_zero(capacity, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < names->capacity; i++) {
        if (names->slots[i].name != NULL) {
            *find_slot(slots, capacity, names->slots[i].name, names->slots[i].hash) = names->slots[i];
        }
    }
    fv_release(names->slots);
    names->slots = slots;
    names->capacity = capacity;
    return true;
}

bool fv_names_add(struct fv_names *names, const char *name, size_t value) {
    if (names->count >= names->capacity / 4 * 3 && !grow(names)) {
        return false;
    }
    uint64_t hash = hash_name(name);
    struct fv_names_slot *slot = find_slot(names->slots, names->capacity, name, hash);
    *slot = (struct fv_names_slot){.name = name, .hash = hash, .value = value};
    names->count++;
    return true;
}

bool fv_names_find(const struct fv_names *names, const char *name, size_t *value) {
    if (names->capacity == 0) {
        return false;
    }
    const struct fv_names_slot *slot = find_slot(names->slots, names->capacity, name, hash_name(name));
    if (slot->name != NULL && value != NULL) {
        *value = slot->value;
    }
    return slot->name != NULL;
}

void fv_names_clear(struct fv_names *names) {
    fv_release(names->slots);
    *names = (struct fv_names){0};
}
