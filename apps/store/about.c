/* What a run was made with: struct fovea_results as rows of the table `run`, and back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/outputs.h"
#include "store/private.h"

enum { KEY_SIZE = 48, DIGITS_SHOWN = 12 };

/* Is given each row. */
typedef enum fv_status pair_visit(void *visitor, const char *key, const char *value, struct fv_error *error);

static enum fv_status give_model(const char *use, const struct fovea_model_about *model, pair_visit *visit,
                                 void *visitor, struct fv_error *error) {
    if (model == NULL) {
        return FV_OK;
    }
    const struct {
        const char *what, *value;
    } rows[] = {{"name", model->name},       {"file", model->file_name},          {"sha256", model->sha256},
                {"license", model->license}, {"attribution", model->attribution}, {"note", model->note}};
    enum fv_status status = FV_OK;
    char key[KEY_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == FV_OK; i++) {
        snprintf(key, sizeof key, "%s_%s", use, rows[i].what);
        status = rows[i].value != NULL ? visit(visitor, key, rows[i].value, error) : FV_OK;
    }
    for (size_t i = 0; i < model->lineage_count && status == FV_OK; i++) {
        snprintf(key, sizeof key, "%s_lineage_%zu", use, i + 1);
        status = visit(visitor, key, model->lineage[i], error);
    }
    return status;
}

static enum fv_status give_count(const char *key, size_t count, pair_visit *visit, void *visitor,
                                 struct fv_error *error) {
    char text[FOVEA_NUMBER_SIZE];
    snprintf(text, sizeof text, "%zu", count);
    return visit(visitor, key, text, error);
}

/* Gives all that `results` says to `visit`. */
static enum fv_status give_pairs(const struct fovea_results *results, pair_visit *visit, void *visitor,
                                 struct fv_error *error) {
    const bool nets = results->grader != NULL || results->segmenter != NULL, segmenter = results->segmenter != NULL;
    struct fovea_buffer folds = {0};
    char field[FOVEA_NUMBER_SIZE], reference[FOVEA_NUMBER_SIZE];
    fovea_format_shortest(results->field_mm, field);
    fovea_format_shortest(results->reference_axial_length_mm, reference);
    fovea_results_add_folds(results, &folds);
    const struct {
        const char *key, *value; /* NULL: the question does not arise */
    } rows[] = {
        {"fovea_version", results->version},
        {"command", results->command},
        {"fov_mm", field},
        {"layer", results->layer[0] != '\0' ? results->layer : NULL},
        {"images", results->images ? "yes" : NULL},
        {"require_grade", results->require_grade ? "yes" : NULL},
        {"reference_axial_length_mm", results->reference_axial_length_mm > 0 ? reference : NULL},
        {"tta", !segmenter          ? NULL
                : results->mirrored ? "mirror"
                                    : "off"},
        {"folds", segmenter && folds.size > 0 ? folds.bytes : NULL},
        {"exact", !nets                     ? NULL
                  : results->planning.exact ? "yes"
                                            : "no"},
        {"tuned", !nets                    ? NULL
                  : results->planning.tune ? "yes"
                                           : "no"},
        {"save_probability", !segmenter             ? NULL
                             : results->probability ? "yes"
                                                    : "no"},
        {"shipped_models", !nets              ? NULL
                           : results->shipped ? "yes"
                                              : "no"},
    };
    enum fv_status status = folds.failed ? fv_error_set(error, FV_ERROR_MEMORY, "out of memory") : FV_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == FV_OK; i++) {
        status = rows[i].value != NULL ? visit(visitor, rows[i].key, rows[i].value, error) : FV_OK;
    }
    if (status == FV_OK && segmenter) {
        status = give_count("folds_of_model", results->folds_most, visit, visitor, error);
    }
    status = status != FV_OK ? status : give_model("grader", results->grader, visit, visitor, error);
    status = status != FV_OK ? status : give_model("segmenter", results->segmenter, visit, visitor, error);
    status = status != FV_OK ? status : give_count("images_planned", results->planned, visit, visitor, error);
    status = status != FV_OK ? status : give_count("files_ignored", results->ignored, visit, visitor, error);
    fovea_buffer_clear(&folds);
    return status;
}

static enum fv_status set_pair(void *visitor, const char *key, const char *value, struct fv_error *error) {
    return fovea_store_set(visitor, key, value, error);
}

enum fv_status fovea_store_describe(struct fovea_store *store, const struct fovea_results *results,
                                    struct fv_error *error) {
    enum fv_status status =
        fovea_database_run(&store->database, "DELETE FROM run WHERE key NOT IN ('share', 'exports', 'merging')", error);
    return status != FV_OK ? status : give_pairs(results, set_pair, store, error);
}

/* What must be the same for results to stand in one folder, and how a message calls it. */
static const struct {
    const char *key, *label;
    bool digest;
} identity[] = {
    {"fovea_version", "version", false},
    {"command", "command", false},
    {"fov_mm", "--fov", false},
    {"layer", "--layer", false},
    {"images", "--images", false},
    {"require_grade", "--require-grade", false},
    {"reference_axial_length_mm", "--reference-axial-length", false},
    {"tta", "--tta", false},
    {"folds", "--folds", false},
    {"exact", "--exact", false},
    {"tuned", "--tune", false},
    {"save_probability", "--save-probability", false},
    {"grader_sha256", "grader's SHA-256", true},
    {"segmenter_sha256", "segmenter's SHA-256", true},
};
enum { IDENTITY = sizeof identity / sizeof *identity };

/* The values of one side. */
struct values {
    char *texts[IDENTITY]; /* owned */
};

static enum fv_status keep_value(void *visitor, const char *key, const char *value, struct fv_error *error) {
    struct values *values = visitor;
    for (size_t i = 0; i < IDENTITY; i++) {
        if (strcmp(identity[i].key, key) == 0) {
            values->texts[i] = fv_duplicate(value);
            return values->texts[i] != NULL ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", key);
        }
    }
    return FV_OK;
}

static void add_difference(struct fovea_buffer *text, size_t i, const char *before, const char *after) {
    const int most = identity[i].digest ? DIGITS_SHOWN : 64;
    fovea_buffer_format(text, "%s%s was %.*s%s and is %.*s%s", text->size > 0 ? "; " : "", identity[i].label, most,
                        before != NULL ? before : "none", identity[i].digest && before != NULL ? "..." : "", most,
                        after != NULL ? after : "none", identity[i].digest && after != NULL ? "..." : "");
}

enum fv_status fovea_store_compare(struct fovea_store *store, const struct fovea_results *results, const char *name,
                                   struct fv_error *error) {
    struct values now = {0};
    struct fovea_buffer text = {0};
    enum fv_status status = give_pairs(results, keep_value, &now, error);
    for (size_t i = 0; i < IDENTITY && status == FV_OK; i++) {
        char *before;
        status = fovea_store_get(store, identity[i].key, &before, error);
        const char *after = now.texts[i];
        if (status == FV_OK && (before == NULL) != (after == NULL)) {
            add_difference(&text, i, before, after);
        } else if (status == FV_OK && before != NULL && strcmp(before, after) != 0) {
            add_difference(&text, i, before, after);
        }
        fv_release(before);
    }
    if (status == FV_OK && (text.failed || text.size > 0)) {
        status = text.failed ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name)
                             : fv_error_set(error, FV_ERROR_ARGUMENT, "%s holds results that were made otherwise: %s",
                                            name, text.bytes);
    }
    for (size_t i = 0; i < IDENTITY; i++) {
        fv_release(now.texts[i]);
    }
    fovea_buffer_clear(&text);
    return status;
}

/* Reading it back: the rows of `run` in the store's pool. */
struct reading {
    struct fovea_store *store;
    struct fv_error *error;
    enum fv_status status;
};

/* A value; NULL: none, or a failure, which is noted. */
static const char *read_value(struct reading *reading, const char *key) {
    char *value = NULL;
    if (reading->status == FV_OK) {
        reading->status = fovea_store_get(reading->store, key, &value, reading->error);
    }
    const char *text = value == NULL ? NULL : fv_pool_text(&reading->store->texts, value, strlen(value));
    if (value != NULL && text == NULL) {
        reading->status = fv_error_set(reading->error, FV_ERROR_MEMORY, "%s: out of memory", key);
    }
    fv_release(value);
    return text;
}

static bool read_yes(struct reading *reading, const char *key, const char *yes) {
    const char *value = read_value(reading, key);
    return value != NULL && strcmp(value, yes) == 0;
}

static size_t read_count(struct reading *reading, const char *key) {
    const char *value = read_value(reading, key);
    return value == NULL ? 0 : strtoull(value, NULL, 10);
}

static const char *read_part(struct reading *reading, const char *use, const char *what) {
    char key[2 * KEY_SIZE];
    snprintf(key, sizeof key, "%s_%s", use, what);
    return read_value(reading, key);
}

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

/* NULL if the model was not used. */
static const struct fovea_model_about *read_model(struct reading *reading, const char *use,
                                                  struct fovea_model_about *model) {
    const char *name = read_part(reading, use, "name");
    if (name == NULL) {
        return NULL;
    }
    *model = (struct fovea_model_about){.name = name,
                                        .file_name = or_empty(read_part(reading, use, "file")),
                                        .sha256 = or_empty(read_part(reading, use, "sha256")),
                                        .license = read_part(reading, use, "license"),
                                        .attribution = read_part(reading, use, "attribution"),
                                        .note = read_part(reading, use, "note")};
    char what[KEY_SIZE];
    size_t count = 0;
    do {
        snprintf(what, sizeof what, "lineage_%zu", count + 1);
        count += read_part(reading, use, what) != NULL;
    } while (strtoull(strrchr(what, '_') + 1, NULL, 10) == count);
    const char **lineage = fv_pool_take(&reading->store->texts, count + 1, sizeof *lineage);
    for (size_t i = 0; i < count && lineage != NULL; i++) {
        snprintf(what, sizeof what, "lineage_%zu", i + 1);
        lineage[i] = read_part(reading, use, what);
    }
    if (lineage == NULL && reading->status == FV_OK) {
        reading->status = fv_error_set(reading->error, FV_ERROR_MEMORY, "%s: out of memory", use);
    }
    model->lineage = lineage;
    model->lineage_count = count;
    return model;
}

static void read_folds(struct reading *reading, struct fovea_results *results) {
    const char *text = or_empty(read_value(reading, "folds"));
    size_t *folds = fv_pool_take(&reading->store->texts, strlen(text) / 2 + 1, sizeof *folds);
    if (folds == NULL && reading->status == FV_OK) {
        reading->status = fv_error_set(reading->error, FV_ERROR_MEMORY, "folds: out of memory");
    }
    while (reading->status == FV_OK && *text != '\0') {
        char *end;
        folds[results->fold_count] = strtoull(text, &end, 10);
        if (end == text) {
            break;
        }
        results->fold_count++;
        text = end;
    }
    results->folds = folds;
}

/* Passes a row on as a result. */
struct passing {
    struct fovea_store *store;
    fovea_result_visit *visit;
    void *visitor;
};

static enum fv_status note_file(void *visitor, const char *kind, const char *path, struct fv_error *error) {
    unsigned *files = visitor;
    (void)path;
    (void)error;
    *files |= fovea_output_kind_bit(kind);
    return FV_OK;
}

static enum fv_status pass(void *visitor, struct fovea_row *row, struct fv_error *error) {
    const struct passing *passing = visitor;
    enum fv_status status = fovea_store_each_file(passing->store, row->id, note_file, &row->result.files, error);
    return status != FV_OK ? status : passing->visit(passing->visitor, &row->result, error);
}

static enum fv_status each(void *context, bool pictures, fovea_result_visit *visit, void *visitor,
                           struct fv_error *error) {
    struct passing passing = {context, visit, visitor};
    return fovea_store_each(context, pictures, pass, &passing, error);
}

enum fv_status fovea_store_results(struct fovea_store *store, const struct fovea_results **results,
                                   struct fv_error *error) {
    struct reading reading = {store, error, FV_OK};
    struct fovea_results *made = &store->results;
    fv_pool_clear(&store->texts);
    *made = (struct fovea_results){.source = {store, each}};
    made->version = or_empty(read_value(&reading, "fovea_version"));
    made->command = or_empty(read_value(&reading, "command"));
    made->field_mm = strtod(or_empty(read_value(&reading, "fov_mm")), NULL);
    made->layer = or_empty(read_value(&reading, "layer"));
    made->images = read_yes(&reading, "images", "yes");
    made->require_grade = read_yes(&reading, "require_grade", "yes");
    made->reference_axial_length_mm = strtod(or_empty(read_value(&reading, "reference_axial_length_mm")), NULL);
    made->mirrored = read_yes(&reading, "tta", "mirror");
    made->planning.exact = read_yes(&reading, "exact", "yes");
    made->planning.tune = read_yes(&reading, "tuned", "yes");
    made->probability = read_yes(&reading, "save_probability", "yes");
    made->shipped = read_yes(&reading, "shipped_models", "yes");
    made->folds_most = read_count(&reading, "folds_of_model");
    made->planned = read_count(&reading, "images_planned");
    made->ignored = read_count(&reading, "files_ignored");
    made->grader = read_model(&reading, "grader", &store->grader);
    made->segmenter = read_model(&reading, "segmenter", &store->segmenter);
    read_folds(&reading, made);
    long long count = 0;
    if (reading.status == FV_OK) {
        reading.status = fovea_database_number(&store->database, "SELECT count(*) FROM images", &count, error);
    }
    made->count = (size_t)count;
    *results = made;
    return reading.status;
}
