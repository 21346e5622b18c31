#include "checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "fovea/memory.h"
#include "fovea/text.h"

enum { STEP = 1 << 20, MOST_DOUBTS = 12 };

/* Reads in steps and gives the pages back, so that a large entry does not fill the memory. */
static uint32_t crc_of(const struct fv_mapping *mapping, const uint8_t *bytes, size_t size) {
    uLong crc = crc32(0, NULL, 0);
    size_t offset = (size_t)(bytes - mapping->bytes);
    for (size_t at = 0; at < size; at += STEP) {
        size_t step = size - at < STEP ? size - at : STEP;
        crc = crc32(crc, bytes + at, (uInt)step);
        fv_file_forget(mapping, offset + at, step);
    }
    return (uint32_t)crc;
}

/* The file's path without the folders that lead to the checkpoint, which are nobody's business in a model. */
static const char *short_path(const struct fv_checkpoint *checkpoint, const char *path) {
    size_t length = strlen(checkpoint->path);
    bool inside = strncmp(path, checkpoint->path, length) == 0 && path[length] == '/';
    return inside ? path + length + 1 : fv_path_basename(path);
}

static char *describe(const struct fv_checkpoint *checkpoint, struct fv_pool *pool, const char *path, const char *name,
                      uint32_t found, uint32_t stated) {
    char *text =
        fv_text_format("%s: zip entry %s: its CRC-32 is %08x, the directory says %08x: the file may be damaged",
                       short_path(checkpoint, path), name, found, stated);
    char *copy = text == NULL ? NULL : fv_pool_text(pool, text, strlen(text));
    fv_release(text);
    return copy;
}

enum fv_status checksum_keep(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                             const struct zip_entry *entry, struct fv_error *error) {
    if (entry->crc == 0) {
        return FV_OK;
    }
    if (checkpoint->checksum_count == checkpoint->checksum_capacity) {
        size_t capacity = checkpoint->checksum_capacity == 0 ? 256 : 2 * checkpoint->checksum_capacity;
        struct checksum *grown =
            fv_reallocate(checkpoint->checksums, checkpoint->checksum_count, capacity, sizeof *grown);
        if (grown == NULL) {
            return checkpoint_out_of_memory(checkpoint, error);
        }
        checkpoint->checksums = grown;
        checkpoint->checksum_capacity = capacity;
    }
    checkpoint->checksums[checkpoint->checksum_count++] = (struct checksum){
        .path = file->path,
        .name = entry->name,
        .bytes = file->mapping.bytes + entry->offset,
        .size = entry->size,
        .crc = entry->crc,
    };
    return FV_OK;
}

static int compare(const void *left, const void *right) {
    const struct checksum *a = left;
    const struct checksum *b = right;
    return (uintptr_t)a->bytes < (uintptr_t)b->bytes ? -1 : (uintptr_t)a->bytes > (uintptr_t)b->bytes;
}

void checksum_sort(struct fv_checkpoint *checkpoint) {
    if (checkpoint->checksum_count > 0) {
        qsort(checkpoint->checksums, checkpoint->checksum_count, sizeof *checkpoint->checksums, compare);
    }
}

enum fv_status checksum_check(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                              const struct zip_entry *entry, struct fv_error *error) {
    if (entry->crc == 0 || checkpoint->doubt != NULL) {
        return FV_OK;
    }
    uint32_t found = crc_of(&file->mapping, file->mapping.bytes + entry->offset, entry->size);
    if (found == entry->crc) {
        return FV_OK;
    }
    checkpoint->doubt = describe(checkpoint, &checkpoint->pool, file->path, entry->name, found, entry->crc);
    return checkpoint->doubt == NULL ? checkpoint_out_of_memory(checkpoint, error) : FV_OK;
}

/* The entry that a tensor's data lie in: the last one that does not begin after them; or NULL. */
static const struct checksum *find(const struct fv_checkpoint *checkpoint, const struct fv_checkpoint_tensor *tensor) {
    size_t low = 0;
    size_t high = checkpoint->checksum_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)checkpoint->checksums[middle].bytes <= (uintptr_t)tensor->data) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct checksum *entry = low == 0 ? NULL : &checkpoint->checksums[low - 1];
    return entry != NULL && (size_t)((uintptr_t)tensor->data - (uintptr_t)entry->bytes) < entry->size ? entry : NULL;
}

static uint32_t crc_found(const struct fv_checkpoint *checkpoint, const struct checksum *entry) {
    size_t file = 0;
    while (checkpoint->files[file].path != entry->path) {
        file++;
    }
    return crc_of(&checkpoint->files[file].mapping, entry->bytes, entry->size);
}

struct doubts {
    const char **lines; /* MOST_DOUBTS of them */
    size_t count;
    size_t more;
};

static void add_doubt(struct plan *plan, struct doubts *doubts, const char *line) {
    if (line == NULL) {
        plan_fail(plan, FV_ERROR_MEMORY, "%s: out of memory", plan->checkpoint->path);
    } else if (doubts->count + 1 < MOST_DOUBTS) {
        doubts->lines[doubts->count++] = line;
    } else {
        doubts->more++;
    }
}

/* Checks each entry once, however many tensors it has. */
static void check_tensors(struct plan *plan, struct doubts *doubts, bool *checked) {
    const struct fv_checkpoint *checkpoint = plan->checkpoint;
    for (size_t i = 0; i < plan->tensor_count && plan->status == FV_OK; i++) {
        const struct checksum *entry = find(checkpoint, plan->tensors[i].source);
        if (entry == NULL || checked[entry - checkpoint->checksums]) {
            continue;
        }
        checked[entry - checkpoint->checksums] = true;
        uint32_t found = crc_found(checkpoint, entry);
        if (found != entry->crc) {
            add_doubt(plan, doubts, describe(checkpoint, &plan->pool, entry->path, entry->name, found, entry->crc));
        }
    }
}

enum fv_status checksum_doubts(struct plan *plan, const char *const **lines, size_t *count) {
    struct doubts doubts = {.lines = fv_pool_take(&plan->pool, MOST_DOUBTS, sizeof *doubts.lines)};
    bool *checked = fv_allocate_zero(plan->checkpoint->checksum_count, sizeof *checked);
    if (doubts.lines == NULL || checked == NULL) {
        plan_fail(plan, FV_ERROR_MEMORY, "%s: out of memory", plan->checkpoint->path);
    } else {
        if (plan->checkpoint->doubt != NULL) {
            add_doubt(plan, &doubts, plan->checkpoint->doubt);
        }
        check_tensors(plan, &doubts, checked);
    }
    fv_release(checked);
    if (plan->status == FV_OK && doubts.more > 0) {
        char text[64];
        snprintf(text, sizeof text, "%zu more zip entries have a wrong CRC-32", doubts.more);
        doubts.lines[doubts.count++] = fv_pool_text(&plan->pool, text, strlen(text));
    }
    *lines = doubts.lines;
    *count = doubts.count;
    return plan->status;
}
