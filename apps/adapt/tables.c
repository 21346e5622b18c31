/* The results for programs: adapt.json and adapt.csv. */
#include <cjson/cJSON.h>
#include <math.h>

#include "adapt/adapt.h"
#include "base/number.h"
#include "commands.h"
#include "fovea/memory.h"

enum { CLASSES = FOVEA_QUALITY_COUNT };

/* cJSON's allocation, through the engine's, so that tests can make it fail. */
static void *allocate(size_t size) {
    return fv_allocate(size, 1);
}

/* A document that is being built; `complete` falls with the first allocation that fails. */
struct document {
    cJSON *root;
    bool complete;
};

static void add_string(struct document *document, cJSON *object, const char *key, const char *text) {
    struct fovea_buffer clean = {0};
    fovea_buffer_utf8(&clean, text);
    const char *bytes = clean.size > 0 ? clean.bytes : "";
    document->complete = document->complete && !clean.failed && cJSON_AddStringToObject(object, key, bytes) != NULL;
    fovea_buffer_clear(&clean);
}

/* NaN becomes null. */
static void add_number(struct document *document, cJSON *object, const char *key, double value) {
    cJSON *item = isfinite(value) ? cJSON_AddNumberToObject(object, key, value) : cJSON_AddNullToObject(object, key);
    document->complete = document->complete && item != NULL;
}

static void add_boolean(struct document *document, cJSON *object, const char *key, bool value) {
    document->complete = document->complete && cJSON_AddBoolToObject(object, key, value) != NULL;
}

static cJSON *add_object(struct document *document, cJSON *object, const char *key) {
    cJSON *below = cJSON_AddObjectToObject(object, key);
    document->complete = document->complete && below != NULL;
    return below;
}

static cJSON *add_array(struct document *document, cJSON *object, const char *key) {
    cJSON *below = cJSON_AddArrayToObject(object, key);
    document->complete = document->complete && below != NULL;
    return below;
}

static cJSON *append_object(struct document *document, cJSON *array) {
    cJSON *item = cJSON_CreateObject();
    if (item == NULL || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        document->complete = false;
        return NULL;
    }
    return item;
}

static void append_number(struct document *document, cJSON *array, double value) {
    cJSON *item = isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
    if (item == NULL || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        document->complete = false;
    }
}

static void add_parent(struct document *document, const struct fovea_adapt *adapt) {
    cJSON *parent = add_object(document, document->root, "parent");
    add_string(document, parent, "name", adapt->parent->name);
    add_string(document, parent, "file", adapt->parent->file_name);
    add_string(document, parent, "sha256", adapt->parent->sha256);
    cJSON *labels = add_object(document, document->root, "labels");
    add_string(document, labels, "file", adapt->labels.file);
    add_string(document, labels, "sha256", adapt->labels.sha256);
    add_number(document, labels, "subjects", adapt->labels.subjects ? (double)adapt->subjects : NAN);
    cJSON *images = add_object(document, labels, "images");
    for (size_t k = 0; k < CLASSES; k++) {
        add_number(document, images, fovea_quality_names[k], (double)adapt->counts[k]);
    }
}

static void add_training(struct document *document, const struct fovea_adapt *adapt) {
    cJSON *training = add_object(document, document->root, "training");
    add_number(document, training, "seed", (double)adapt->options->seed);
    add_number(document, training, "copies", (double)adapt->options->copies);
    add_number(document, training, "folds", (double)adapt->options->folds);
    add_string(document, training, "optimizer", adapt->decoupled ? "adamw" : "adam");
    add_number(document, training, "learning_rate", adapt->training.rate);
    add_number(document, training, "weight_decay", adapt->training.decay);
    add_number(document, training, "batch", (double)adapt->training.batch);
    add_number(document, training, "schedule_period", (double)adapt->training.period);
    add_number(document, training, "patience", (double)adapt->training.patience);
    add_number(document, training, "most_epochs", (double)adapt->training.epochs);
    add_number(document, training, "epochs", (double)adapt->chosen);
}

static void add_scores(struct document *document, const char *key, const struct fovea_classification *result) {
    cJSON *scores = add_object(document, document->root, key);
    for (size_t i = 0; i < FOVEA_CLASSIFICATION_FIGURES; i++) {
        add_number(document, scores, fovea_classification_figures[i].name, fovea_classification_value(result, i));
    }
    cJSON *matrix = add_array(document, scores, "confusion_matrix"); /* rows labels, columns grades, row by row */
    cJSON *classes = add_object(document, scores, "classes");
    for (size_t k = 0; k < CLASSES && document->complete; k++) {
        cJSON *one = add_object(document, classes, fovea_quality_names[k]);
        for (size_t j = 0; j < CLASSES; j++) {
            append_number(document, matrix, (double)result->confusion[k][j]);
        }
        for (size_t i = 0; i < FOVEA_CLASS_FIGURES; i++) {
            add_number(document, one, fovea_class_figures[i].name, fovea_class_value(&result->classes[k], i));
        }
    }
}

static void add_rounds(struct document *document, const struct fovea_adapt *adapt) {
    cJSON *rounds = add_array(document, document->root, "rounds");
    for (size_t r = 0; r < adapt->options->folds && document->complete; r++) {
        const struct fovea_training *training = &adapt->rounds[r];
        cJSON *round = append_object(document, rounds);
        add_number(document, round, "scored_fold", (double)r + 1.0);
        add_number(document, round, "best_epoch", (double)training->best);
        cJSON *loss = add_array(document, round, "training_loss"),
              *watched = add_array(document, round, "watched_loss");
        cJSON *accuracy = add_array(document, round, "watched_accuracy");
        for (size_t e = 0; e <= training->run && document->complete; e++) {
            append_number(document, loss, training->curve[e].loss);
            append_number(document, watched, training->curve[e].watched);
            append_number(document, accuracy, training->curve[e].accuracy);
        }
    }
}

static void add_failures(struct document *document, const struct fovea_adapt *adapt) {
    cJSON *failures = add_array(document, document->root, "failures");
    for (size_t i = 0; i < adapt->failures.count && document->complete; i++) {
        cJSON *item = append_object(document, failures);
        add_string(document, item, "image", adapt->failures.items[i].image);
        add_number(document, item, "line", (double)adapt->failures.items[i].line);
        add_string(document, item, "reason", adapt->failures.items[i].reason);
    }
}

static void fill(struct document *document, const struct fovea_adapt *adapt, bool written) {
    struct fovea_buffer line = {0};
    fovea_adapt_describe(adapt, &line);
    add_string(document, document->root, "notice", FOVEA_NOTICE);
    add_string(document, document->root, "fovea", FOVEA_VERSION);
    add_string(document, document->root, "date", adapt->date);
    add_string(document, document->root, "lineage", line.failed ? "" : line.bytes);
    document->complete = document->complete && !line.failed;
    fovea_buffer_clear(&line);
    add_boolean(document, document->root, "better", adapt->better);
    add_boolean(document, document->root, "written", written);
    add_parent(document, adapt);
    add_training(document, adapt);
    add_scores(document, "before", &adapt->before);
    add_scores(document, "after", &adapt->after);
    add_number(document, document->root, "wrong_before_right_after", (double)adapt->mended);
    add_number(document, document->root, "right_before_wrong_after", (double)adapt->broken);
    add_rounds(document, adapt);
    add_failures(document, adapt);
}

enum fv_status fovea_adapt_write_json(const struct fovea_adapt *adapt, bool written, const char *path,
                                      struct fv_error *error) {
    cJSON_Hooks hooks = {allocate, fv_release};
    cJSON_InitHooks(&hooks);
    struct document document = {.root = cJSON_CreateObject()};
    struct fovea_buffer text = {0};
    document.complete = document.root != NULL;
    if (document.complete) {
        fill(&document, adapt, written);
    }
    char *printed = document.complete ? cJSON_Print(document.root) : NULL;
    text.failed = printed == NULL;
    if (printed != NULL) {
        fovea_buffer_text(&text, printed);
        fovea_buffer_text(&text, "\n");
    }
    enum fv_status status = fovea_buffer_write(&text, path, error);
    cJSON_free(printed);
    cJSON_Delete(document.root);
    cJSON_InitHooks(NULL);
    fovea_buffer_clear(&text);
    return status;
}

enum fv_status fovea_adapt_write_rows(const struct fovea_adapt *adapt, const char *path, struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_buffer_text(&text, "file,subject,fold,label,parent_grade,grade,p_ungradable,p_gradable,p_outstanding\n");
    for (size_t i = 0; i < adapt->count; i++) {
        const struct fovea_adapt_image *image = &adapt->images[i];
        fovea_buffer_csv(&text, image->labelled->name);
        fovea_buffer_text(&text, ",");
        fovea_buffer_csv(&text, image->labelled->subject);
        fovea_buffer_format(&text, ",%zu,%s,%s,%s", image->fold + 1, fovea_quality_names[image->after.truth],
                            fovea_quality_names[image->before.predicted], fovea_quality_names[image->after.predicted]);
        for (size_t k = 0; k < CLASSES; k++) {
            char number[FOVEA_NUMBER_SIZE];
            fovea_format_shortest(image->after.probability[k], number);
            fovea_buffer_format(&text, ",%s", number);
        }
        fovea_buffer_text(&text, "\n");
    }
    enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}
