/* A hash table from names to numbers. Thread safety: any number of threads may look up while none adds. */
#ifndef FOVEA_NAMES_H
#define FOVEA_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct is an empty table. */
struct fv_names {
    struct fv_names_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* Adds `name`, which must not be in the table and is not copied: it must outlive the table. Returns false, and changes
 * nothing, if memory is exhausted. */
bool fv_names_add(struct fv_names *names, const char *name, size_t value);

/* Whether `name` is in the table; if so, *value (which may be NULL) becomes its number. */
bool fv_names_find(const struct fv_names *names, const char *name, size_t *value);

/* Frees the table's memory; it is empty again. */
void fv_names_clear(struct fv_names *names);

#endif
