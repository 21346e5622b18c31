/* Folds, rounds, and the last training. */
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "adapt/folds.h"
#include "fovea/memory.h"
#include "fovea/names.h"

enum { CLASSES = FOVEA_QUALITY_COUNT };

static enum fv_status check_counts(const struct fovea_adapt *adapt, struct fv_error *error) {
    const size_t folds = adapt->options->folds;
    const size_t least = 2 * folds > FOVEA_ADAPT_LEAST_IMAGES ? 2 * folds : FOVEA_ADAPT_LEAST_IMAGES;
    if (adapt->failures.count * 100 > adapt->labels.count * FOVEA_ADAPT_MOST_FAILED) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "%s: %zu of %zu images cannot be used; more than %d in a hundred are too many",
                            adapt->labels.file, adapt->failures.count, adapt->labels.count, FOVEA_ADAPT_MOST_FAILED);
    }
    for (size_t k = 0; k < CLASSES; k++) {
        if (adapt->counts[k] < least) {
            return fv_error_set(error, FV_ERROR_ARGUMENT,
                                "%s: %zu images are %s, expected at least %zu of each grade (two in each of %zu folds, "
                                "and no fewer than %d)",
                                adapt->labels.file, adapt->counts[k], fovea_quality_names[k], least, folds,
                                FOVEA_ADAPT_LEAST_IMAGES);
        }
    }
    return FV_OK;
}

/* Numbers the subjects; an image of its own is its own. */
static enum fv_status number_subjects(struct fovea_adapt *adapt, size_t *groups, struct fv_error *error) {
    struct fv_names seen = {0};
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < adapt->count && status == FV_OK; i++) {
        const char *subject = adapt->images[i].labelled->subject;
        groups[i] = i;
        if (adapt->labels.subjects && !fv_names_find(&seen, subject, &groups[i])) {
            status = fv_names_add(&seen, subject, i)
                         ? FV_OK
                         : fv_error_set(error, FV_ERROR_MEMORY, "numbering the subjects: out of memory");
        }
    }
    adapt->subjects = seen.count;
    fv_names_clear(&seen);
    return status;
}

/* Every round must train on every grade and score something. */
static enum fv_status check_folds(const struct fovea_adapt *adapt, struct fv_error *error) {
    const size_t folds = adapt->options->folds;
    size_t counts[FOVEA_ADAPT_MOST_FOLDS][CLASSES] = {{0}}, images[FOVEA_ADAPT_MOST_FOLDS] = {0};
    for (size_t i = 0; i < adapt->count; i++) {
        counts[adapt->images[i].fold][adapt->images[i].labelled->label]++;
        images[adapt->images[i].fold]++;
    }
    for (size_t r = 0; r < folds; r++) {
        for (size_t k = 0; k < CLASSES; k++) {
            size_t left = adapt->counts[k] - counts[r][k] - counts[(r + 1) % folds][k];
            if (left == 0 || images[r] == 0) {
                return fv_error_set(error, FV_ERROR_ARGUMENT,
                                    "%s: the images of %zu subjects cannot be split into %zu folds so that every round "
                                    "trains on images that are %s; more subjects are needed, or fewer --folds",
                                    adapt->labels.file, adapt->subjects, folds, fovea_quality_names[k]);
            }
        }
    }
    return FV_OK;
}

enum fv_status fovea_adapt_split(struct fovea_adapt *adapt, struct fv_error *error) {
    enum fv_status status = check_counts(adapt, error);
    if (status != FV_OK) {
        return status;
    }
    size_t *labels = fv_allocate(adapt->count, sizeof *labels), *groups = fv_allocate(adapt->count, sizeof *groups);
    size_t *folds = fv_allocate(adapt->count, sizeof *folds);
    status = labels != NULL && groups != NULL && folds != NULL
                 ? number_subjects(adapt, groups, error)
                 : fv_error_set(error, FV_ERROR_MEMORY, "splitting the images: out of memory");
    for (size_t i = 0; status == FV_OK && i < adapt->count; i++) {
        labels[i] = adapt->images[i].labelled->label;
    }
    if (status == FV_OK) {
        status = fovea_folds_assign(labels, groups, adapt->count, CLASSES, adapt->options->folds, adapt->options->seed,
                                    folds, error);
    }
    for (size_t i = 0; status == FV_OK && i < adapt->count; i++) {
        adapt->images[i].fold = folds[i];
    }
    fv_release(labels);
    fv_release(groups);
    fv_release(folds);
    return status == FV_OK ? check_folds(adapt, error) : status;
}

/* Which folds a set of samples is made of. */
enum part { PART_TRAIN, PART_WATCH, PART_ALL };

/* The rows of a part of round `round`: all copies, or of the watched images the plain one, as images are graded.
 * `counts` receives the images a class. The caller gives samples->rows back. */
static bool choose_rows(const struct fovea_adapt *adapt, size_t round, enum part part, size_t **rows,
                        struct fovea_samples *samples, size_t counts[CLASSES]) {
    const size_t copies = adapt->options->copies, watched = (round + 1) % adapt->options->folds;
    *rows = fv_allocate(adapt->count, copies * sizeof **rows);
    if (*rows == NULL) {
        return false;
    }
    *samples = (struct fovea_samples){adapt->features, adapt->row_labels, *rows, 0};
    memset(counts, 0, CLASSES * sizeof *counts);
    for (size_t i = 0; i < adapt->count; i++) {
        size_t fold = adapt->images[i].fold;
        bool inside = part == PART_ALL || (part == PART_WATCH ? fold == watched : fold != watched && fold != round);
        counts[adapt->images[i].labelled->label] += inside;
        for (size_t c = 0; inside && c < (part == PART_WATCH ? 1 : copies); c++) {
            (*rows)[samples->count++] = i * copies + c;
        }
    }
    return true;
}

struct rounds {
    struct fovea_adapt *adapt;
    struct fv_error errors[FOVEA_ADAPT_MOST_FOLDS];
};

static void run_round(void *context, size_t task, size_t thread) {
    struct rounds *rounds = context;
    struct fovea_adapt *adapt = rounds->adapt;
    struct fv_error *error = &rounds->errors[task];
    struct fovea_samples train, watch;
    size_t *train_rows = NULL, *watch_rows = NULL, counts[CLASSES], watched[CLASSES];
    double weights[CLASSES];
    (void)thread;
    if (choose_rows(adapt, task, PART_TRAIN, &train_rows, &train, counts) &&
        choose_rows(adapt, task, PART_WATCH, &watch_rows, &watch, watched)) {
        fovea_class_weights(counts, CLASSES, weights);
        fovea_train(&adapt->start, &train, &watch, weights, &adapt->training, task, &adapt->rounds[task], error);
    } else {
        fv_error_set(error, FV_ERROR_MEMORY, "round %zu of the cross-validation: out of memory", task + 1);
    }
    fv_release(train_rows);
    fv_release(watch_rows);
}

static int compare_sizes(const void *a, const void *b) {
    const size_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* The median of the rounds' best epochs, a half rounded up. */
static size_t median_epoch(const struct fovea_adapt *adapt) {
    size_t best[FOVEA_ADAPT_MOST_FOLDS], count = adapt->options->folds;
    for (size_t r = 0; r < count; r++) {
        best[r] = adapt->rounds[r].best;
    }
    qsort(best, count, sizeof *best, compare_sizes);
    return count % 2 == 1 ? best[count / 2] : (best[count / 2 - 1] + best[count / 2] + 1) / 2;
}

static enum fv_status train_on_all(struct fovea_adapt *adapt, struct fv_error *error) {
    struct fovea_samples all;
    size_t *rows, counts[CLASSES];
    double weights[CLASSES];
    if (!choose_rows(adapt, 0, PART_ALL, &rows, &all, counts)) {
        return fv_error_set(error, FV_ERROR_MEMORY, "training on all images: out of memory");
    }
    struct fovea_training_options training = adapt->training;
    training.epochs = adapt->chosen;
    fovea_class_weights(counts, CLASSES, weights);
    enum fv_status status =
        fovea_train(&adapt->start, &all, NULL, weights, &training, adapt->options->folds, &adapt->final, error);
    fv_release(rows);
    return status;
}

static struct fovea_graded_pair grade(const struct fovea_adapt *adapt, const struct fovea_linear *layer, size_t image) {
    struct fovea_graded_pair pair = {.truth = adapt->images[image].labelled->label};
    fovea_linear_predict(layer, adapt->features + image * adapt->options->copies * layer->features, pair.probability);
    pair.predicted = fovea_most_probable(pair.probability, CLASSES);
    return pair;
}

static enum fv_status score(struct fovea_adapt *adapt, struct fv_error *error) {
    struct fovea_graded_pair *pairs = fv_allocate(adapt->count, 2 * sizeof *pairs);
    if (pairs == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "scoring: out of memory");
    }
    for (size_t i = 0; i < adapt->count; i++) {
        struct fovea_adapt_image *image = &adapt->images[i];
        image->before = pairs[i] = grade(adapt, &adapt->start, i);
        image->after = pairs[adapt->count + i] = grade(adapt, &adapt->rounds[image->fold].layer, i);
        bool before = image->before.predicted == image->before.truth;
        bool after = image->after.predicted == image->after.truth;
        adapt->mended += !before && after;
        adapt->broken += before && !after;
    }
    enum fv_status status = fovea_classify(pairs, adapt->count, true, &adapt->before, error);
    status = status != FV_OK ? status : fovea_classify(pairs + adapt->count, adapt->count, true, &adapt->after, error);
    adapt->better = adapt->mended > adapt->broken;
    fv_release(pairs);
    return status;
}

enum fv_status fovea_adapt_train(struct fovea_adapt *adapt, struct fv_error *error) {
    struct rounds rounds = {.adapt = adapt};
    fv_threads_run(adapt->threads, run_round, &rounds, adapt->options->folds);
    for (size_t r = 0; r < adapt->options->folds; r++) {
        if (rounds.errors[r].status != FV_OK) {
            return fv_error_set(error, rounds.errors[r].status, "%s", rounds.errors[r].message);
        }
    }
    adapt->chosen = median_epoch(adapt);
    enum fv_status status = train_on_all(adapt, error);
    return status != FV_OK ? status : score(adapt, error);
}
