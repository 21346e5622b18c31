/* The results for programs: adapt.json and adapt.csv. */
#include <math.h>

#include "adapt/adapt.h"
#include "base/json_document.h"
#include "base/number.h"
#include "commands.h"
#include "fovea/memory.h"

enum { CLASSES = FOVEA_QUALITY_COUNT };

static void add_parent(struct fovea_json *document, const struct fovea_adapt *adapt) {
    cJSON *parent = fovea_json_object(document, document->root, "parent");
    fovea_json_string(document, parent, "name", adapt->parent->name);
    fovea_json_string(document, parent, "file", adapt->parent->file_name);
    fovea_json_string(document, parent, "sha256", adapt->parent->sha256);
    cJSON *labels = fovea_json_object(document, document->root, "labels");
    fovea_json_string(document, labels, "file", adapt->labels.file);
    fovea_json_string(document, labels, "sha256", adapt->labels.sha256);
    fovea_json_number(document, labels, "subjects", adapt->labels.subjects ? (double)adapt->subjects : NAN);
    cJSON *images = fovea_json_object(document, labels, "images");
    for (size_t k = 0; k < CLASSES; k++) {
        fovea_json_number(document, images, fovea_quality_names[k], (double)adapt->counts[k]);
    }
}

static void add_training(struct fovea_json *document, const struct fovea_adapt *adapt) {
    cJSON *training = fovea_json_object(document, document->root, "training");
    fovea_json_number(document, training, "seed", (double)adapt->options->seed);
    fovea_json_number(document, training, "copies", (double)adapt->options->copies);
    fovea_json_number(document, training, "folds", (double)adapt->options->folds);
    fovea_json_string(document, training, "optimizer", adapt->decoupled ? "adamw" : "adam");
    fovea_json_number(document, training, "learning_rate", adapt->training.rate);
    fovea_json_number(document, training, "weight_decay", adapt->training.decay);
    fovea_json_number(document, training, "batch", (double)adapt->training.batch);
    fovea_json_number(document, training, "schedule_period", (double)adapt->training.period);
    fovea_json_number(document, training, "patience", (double)adapt->training.patience);
    fovea_json_number(document, training, "most_epochs", (double)adapt->training.epochs);
    fovea_json_number(document, training, "epochs", (double)adapt->chosen);
}

static void add_scores(struct fovea_json *document, const char *key, const struct fovea_classification *result) {
    cJSON *scores = fovea_json_object(document, document->root, key);
    for (size_t i = 0; i < FOVEA_CLASSIFICATION_FIGURES; i++) {
        fovea_json_number(document, scores, fovea_classification_figures[i].name,
                          fovea_classification_value(result, i));
    }
    cJSON *matrix =
        fovea_json_array(document, scores, "confusion_matrix"); /* rows labels, columns grades, row by row */
    cJSON *classes = fovea_json_object(document, scores, "classes");
    for (size_t k = 0; k < CLASSES && document->complete; k++) {
        cJSON *one = fovea_json_object(document, classes, fovea_quality_names[k]);
        for (size_t j = 0; j < CLASSES; j++) {
            fovea_json_append_number(document, matrix, (double)result->confusion[k][j]);
        }
        for (size_t i = 0; i < FOVEA_CLASS_FIGURES; i++) {
            fovea_json_number(document, one, fovea_class_figures[i].name, fovea_class_value(&result->classes[k], i));
        }
    }
}

static void add_rounds(struct fovea_json *document, const struct fovea_adapt *adapt) {
    cJSON *rounds = fovea_json_array(document, document->root, "rounds");
    for (size_t r = 0; r < adapt->options->folds && document->complete; r++) {
        const struct fovea_training *training = &adapt->rounds[r];
        cJSON *round = fovea_json_append_object(document, rounds);
        fovea_json_number(document, round, "scored_fold", (double)r + 1.0);
        fovea_json_number(document, round, "best_epoch", (double)training->best);
        cJSON *loss = fovea_json_array(document, round, "training_loss"),
              *watched = fovea_json_array(document, round, "watched_loss");
        cJSON *accuracy = fovea_json_array(document, round, "watched_accuracy");
        for (size_t e = 0; e <= training->run && document->complete; e++) {
            fovea_json_append_number(document, loss, training->curve[e].loss);
            fovea_json_append_number(document, watched, training->curve[e].watched);
            fovea_json_append_number(document, accuracy, training->curve[e].accuracy);
        }
    }
}

static void add_failures(struct fovea_json *document, const struct fovea_adapt *adapt) {
    cJSON *failures = fovea_json_array(document, document->root, "failures");
    for (size_t i = 0; i < adapt->failures.count && document->complete; i++) {
        cJSON *item = fovea_json_append_object(document, failures);
        fovea_json_string(document, item, "image", adapt->failures.items[i].image);
        fovea_json_number(document, item, "line", (double)adapt->failures.items[i].line);
        fovea_json_string(document, item, "reason", adapt->failures.items[i].reason);
    }
}

static void fill(struct fovea_json *document, const struct fovea_adapt *adapt, bool written) {
    struct fovea_buffer line = {0};
    fovea_adapt_describe(adapt, &line);
    fovea_json_string(document, document->root, "notice", FOVEA_NOTICE);
    fovea_json_string(document, document->root, "fovea", FOVEA_VERSION);
    fovea_json_string(document, document->root, "date", adapt->date);
    fovea_json_string(document, document->root, "lineage", line.failed ? "" : line.bytes);
    document->complete = document->complete && !line.failed;
    fovea_buffer_clear(&line);
    fovea_json_boolean(document, document->root, "better", adapt->better);
    fovea_json_boolean(document, document->root, "written", written);
    add_parent(document, adapt);
    add_training(document, adapt);
    add_scores(document, "before", &adapt->before);
    add_scores(document, "after", &adapt->after);
    fovea_json_number(document, document->root, "wrong_before_right_after", (double)adapt->mended);
    fovea_json_number(document, document->root, "right_before_wrong_after", (double)adapt->broken);
    add_rounds(document, adapt);
    add_failures(document, adapt);
}

enum fv_status fovea_adapt_write_json(const struct fovea_adapt *adapt, bool written, const char *path,
                                      struct fv_error *error) {
    struct fovea_json document;
    fovea_json_begin(&document);
    if (document.complete) {
        fill(&document, adapt, written);
    }
    return fovea_json_end(&document, path, error);
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
