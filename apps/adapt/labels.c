#include "adapt/labels.h"

#include <stdint.h>
#include <string.h>

#include "eval/grade_table.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/names.h"
#include "fovea/sha256.h"
#include "fovea/text.h"

enum { HASH_STEP = 1 << 22 }; /* bytes */

enum fv_status fovea_file_identify(const char *path, char sha256[65], struct fv_error *error) {
    struct fv_mapping file;
    struct fv_sha256 sum;
    enum fv_status status = fv_file_map(path, &file, error);
    if (status != FV_OK) {
        sha256[0] = '\0';
        return status;
    }
    fv_sha256_begin(&sum);
    for (size_t at = 0; at < file.size; at += HASH_STEP) {
        size_t step = file.size - at < HASH_STEP ? file.size - at : HASH_STEP;
        fv_sha256_add(&sum, file.bytes + at, step);
        fv_file_forget(&file, at, step);
    }
    fv_sha256_end(&sum, sha256);
    fv_file_unmap(&file);
    return FV_OK;
}

static enum fv_status out_of_memory(const struct fovea_labels *labels, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", labels->file);
}

/* `name` seen from `folder`, which ends in a slash or is empty. */
static const char *resolve(struct fovea_labels *labels, const char *folder, size_t folder_length, const char *name) {
    bool absolute = name[0] == '/', slash = folder_length > 0 && folder[folder_length - 1] != '/';
    char *path =
        fv_text_format("%.*s%s%s", absolute ? 0 : (int)folder_length, folder, slash && !absolute ? "/" : "", name);
    const char *kept = path != NULL ? fv_pool_text(&labels->texts, path, strlen(path)) : NULL;
    fv_release(path);
    return kept;
}

static enum fv_status take_rows(const struct fovea_grade_table *table, const char *folder, size_t folder_length,
                                struct fovea_labels *labels, struct fovea_failures *problems, struct fv_error *error) {
    labels->items = fv_allocate_zero(table->count, sizeof *labels->items);
    enum fv_status status = labels->items != NULL ? FV_OK : out_of_memory(labels, error);
    for (size_t i = 0; i < table->count && status == FV_OK; i++) {
        const struct fovea_match_entry *entry = &table->entries[i];
        const struct fovea_grade_row *row = &table->rows[i];
        if (!entry->usable) {
            continue;
        }
        if (table->subjects && row->subject[0] == '\0') {
            status = fovea_failures_add(problems, entry->name, labels->file, entry->line, error,
                                        "the subject is blank, but the table has a column of subjects");
            continue;
        }
        struct fovea_labelled *item = &labels->items[labels->count++];
        const char *shown = fovea_match_shown(entry->name);
        item->name = fv_pool_text(&labels->texts, shown, strlen(shown));
        item->subject = fv_pool_text(&labels->texts, row->subject, strlen(row->subject));
        item->path = resolve(labels, folder, folder_length, entry->name);
        item->line = entry->line;
        item->label = row->grade;
        if (item->name == NULL || item->subject == NULL || item->path == NULL) {
            status = out_of_memory(labels, error);
        } else {
            fovea_file_identify(item->path, item->sha256, NULL);
        }
    }
    return status;
}

/* Makes a problem of each image whose key an earlier one has. */
static enum fv_status find_twins(struct fovea_labels *labels, bool by_content, struct fovea_failures *problems,
                                 struct fv_error *error) {
    struct fv_names seen = {0};
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < labels->count && status == FV_OK; i++) {
        const struct fovea_labelled *item = &labels->items[i];
        const char *key = by_content ? item->sha256 : item->path;
        size_t first;
        if (key[0] == '\0') {
            continue;
        }
        if (!fv_names_find(&seen, key, &first)) {
            status = fv_names_add(&seen, key, i) ? FV_OK : out_of_memory(labels, error);
            continue;
        }
        const struct fovea_labelled *twin = &labels->items[first];
        status = fovea_failures_add(problems, item->name, labels->file, item->line, error,
                                    "the same image as %s in line %zu%s%s", twin->name, twin->line,
                                    item->label != twin->label ? ", with another grade" : "",
                                    by_content ? ": the files hold the same bytes" : "");
    }
    fv_names_clear(&seen);
    return status;
}

/* Twins by content are looked for only among files of different names, which the first search has not reported. */
static enum fv_status find_duplicates(struct fovea_labels *labels, struct fovea_failures *problems,
                                      struct fv_error *error) {
    size_t before = problems->count;
    enum fv_status status = find_twins(labels, false, problems, error);
    return status == FV_OK && problems->count == before ? find_twins(labels, true, problems, error) : status;
}

enum fv_status fovea_labels_read(const char *path, const char *folder, struct fovea_labels *labels,
                                 struct fovea_failures *problems, struct fv_error *error) {
    struct fovea_grade_table table;
    const char *base = fv_path_basename(path);
    *labels = (struct fovea_labels){.file = ""};
    enum fv_status status = fovea_file_identify(path, labels->sha256, error);
    status = status != FV_OK ? status : fovea_grade_table_read(path, false, &table, problems, error);
    if (status != FV_OK) {
        return status;
    }
    labels->subjects = table.subjects;
    labels->file = fv_pool_text(&labels->texts, base, strlen(base));
    if (labels->file == NULL) {
        labels->file = "";
        status = out_of_memory(labels, error);
    }
    folder = folder != NULL ? folder : path;
    size_t length = folder == path ? (size_t)(base - path) : strlen(folder);
    status = status != FV_OK ? status : take_rows(&table, folder, length, labels, problems, error);
    status = status != FV_OK ? status : find_duplicates(labels, problems, error);
    fovea_grade_table_clear(&table);
    return status;
}

void fovea_labels_clear(struct fovea_labels *labels) {
    fv_release(labels->items);
    fv_pool_clear(&labels->texts);
    *labels = (struct fovea_labels){.file = ""};
}
