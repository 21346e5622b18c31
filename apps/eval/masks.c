/* A set of masks: read, compared and forgotten pair by pair, on all threads. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "eval/eval.h"
#include "fovea/memory.h"
#include "fovea/names.h"
#include "fovea/npy.h"
#include "pipeline/interrupt.h"

enum { BATCH = 256 }; /* pairs between two looks at interrupts */

/* What became of a pair. */
struct outcome {
    bool failed, other; /* `other`: one of the masks holds only values that were not asked for */
    const char *file;   /* to which the failure belongs */
    struct fv_error error;
};

struct work {
    const struct fovea_eval_options *options;
    struct fovea_eval_set *set;
    struct fovea_mask_folder *predicted, *reference, *maps;
    struct fv_names map_names;
    const struct fovea_match_pair *pairs;
    size_t first; /* pair of the batch */
    struct outcome *outcomes;
};

static enum fv_status fail(struct outcome *outcome, const char *file, enum fv_status status) {
    outcome->failed = true;
    outcome->file = file;
    return status;
}

/* Reads the map of `key` and sets the losses. */
static enum fv_status add_losses(const struct work *work, struct fovea_eval_mask *mask, const char *file,
                                 const struct fovea_mask *reference, struct outcome *outcome) {
    size_t index;
    if (!fv_names_find(&work->map_names, mask->key, &index)) {
        return fail(
            outcome, file,
            fv_error_set(&outcome->error, FV_ERROR_FILE, "no map %s.npy for it in %s", mask->key, work->maps->base));
    }
    const char *path = work->maps->paths[index], *name = work->maps->entries[index].file;
    struct fv_npy map;
    enum fv_status status = fv_npy_read(path, &map, &outcome->error);
    if (status != FV_OK) {
        fovea_shorten_message(&outcome->error, path, name);
        return fail(outcome, name, status);
    }
    status = fovea_mask_losses(name, &map, reference->pixels, reference->width, reference->height, mask->figures,
                               &outcome->error);
    fv_npy_clear(&map);
    return status == FV_OK ? FV_OK : fail(outcome, name, status);
}

static enum fv_status compare(const struct work *work, const struct fovea_match_entry *predicted_entry,
                              const struct fovea_match_entry *reference_entry, const struct fovea_mask *predicted,
                              const struct fovea_mask *reference, struct fovea_eval_mask *mask,
                              struct outcome *outcome) {
    if (predicted->width != reference->width || predicted->height != reference->height) {
        return fail(outcome, predicted_entry->file,
                    fv_error_set(&outcome->error, FV_ERROR_FORMAT,
                                 "it has %u x %u pixels, its reference %s has %u x %u", predicted->width,
                                 predicted->height, reference_entry->file, reference->width, reference->height));
    }
    mask->width = reference->width;
    mask->height = reference->height;
    mask->overlap =
        fovea_overlap_count(predicted->pixels, reference->pixels, (size_t)reference->width * reference->height);
    fovea_overlap_score(&mask->overlap, work->options->empty_is_one, mask->figures);
    double field_mm = work->set->source->field_mm;
    if (field_mm > 0.0 && mask->width == mask->height) {
        fovea_mask_areas(&mask->overlap, mask->height, field_mm, mask->figures);
    }
    outcome->other = predicted->other || reference->other;
    return work->maps->base == NULL ? FV_OK : add_losses(work, mask, predicted_entry->file, reference, outcome);
}

/* Evaluates pair `first` + `task` into the set's mask of that number. */
static void evaluate(void *context, size_t task, size_t thread) {
    (void)thread;
    const struct work *work = context;
    struct outcome *outcome = &work->outcomes[task];
    const struct fovea_match_pair *pair = &work->pairs[work->first + task];
    const struct fovea_match_entry *predicted_entry = &work->predicted->entries[pair->predicted];
    const struct fovea_match_entry *reference_entry = &work->reference->entries[pair->reference];
    struct fovea_eval_mask *mask = &work->set->masks[work->first + task];
    *outcome = (struct outcome){0};
    *mask = (struct fovea_eval_mask){
        .name = reference_entry->name,
        .key = reference_entry->key,
        .predicted_path = work->predicted->paths[pair->predicted],
        .reference_path = work->reference->paths[pair->reference],
    };
    for (size_t i = 0; i < FOVEA_MASK_FIGURES; i++) {
        mask->figures[i] = NAN;
    }
    const struct fovea_foreground *foreground = &work->options->foreground;
    struct fovea_mask predicted = {0}, reference = {0};
    enum fv_status status =
        fovea_mask_read(mask->reference_path, reference_entry->file, foreground, &reference, &outcome->error);
    if (status != FV_OK) {
        fail(outcome, reference_entry->file, status);
    } else {
        status = fovea_mask_read(mask->predicted_path, predicted_entry->file, foreground, &predicted, &outcome->error);
        if (status != FV_OK) {
            fail(outcome, predicted_entry->file, status);
        } else {
            compare(work, predicted_entry, reference_entry, &predicted, &reference, mask, outcome);
        }
    }
    fovea_mask_release(&predicted);
    fovea_mask_release(&reference);
}

/* The part of a message after the name of the file, which is told beside it. */
static const char *without_file(const char *message, const char *file) {
    size_t length = strlen(file);
    return strncmp(message, file, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

/* Keeps what succeeded of a batch and lists the rest. */
static enum fv_status collect(struct work *work, size_t count, size_t *others, struct fv_error *error) {
    struct fovea_eval_set *set = work->set;
    for (size_t i = 0; i < count; i++) {
        const struct outcome *outcome = &work->outcomes[i];
        struct fovea_eval_mask *mask = &set->masks[work->first + i];
        *others += outcome->other;
        if (!outcome->failed) {
            set->masks[set->count++] = *mask;
            continue;
        }
        if (outcome->error.status == FV_ERROR_MEMORY) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s", outcome->error.message);
        }
        enum fv_status status = fovea_failures_add(&set->failures, mask->name, outcome->file, 0, error, "%s",
                                                   without_file(outcome->error.message, outcome->file));
        if (status != FV_OK) {
            return status;
        }
    }
    return FV_OK;
}

/* Says on a terminal how far the work is. */
static void show_progress(const char *set, size_t done, size_t total) {
    if (isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, done < total ? "\r\033[K%s: %zu of %zu" : "\r\033[K", set, done, total);
        fflush(stderr);
    }
}

static enum fv_status evaluate_all(struct work *work, size_t count, struct fv_threads *threads,
                                   struct fv_error *error) {
    struct fovea_eval_set *set = work->set;
    size_t others = 0;
    set->masks = fv_allocate(count, sizeof *set->masks);
    work->outcomes = fv_allocate(BATCH, sizeof *work->outcomes);
    enum fv_status status = set->masks == NULL || work->outcomes == NULL
                                ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", set->reference)
                                : FV_OK;
    for (work->first = 0; work->first < count && status == FV_OK; work->first += BATCH) {
        size_t batch = count - work->first < BATCH ? count - work->first : BATCH;
        if (fovea_interrupted()) {
            status = fv_error_set(error, FV_ERROR_CANCELLED, "interrupted");
            break;
        }
        fv_threads_run(threads, evaluate, work, batch);
        status = collect(work, batch, &others, error);
        show_progress(set->source->name, work->first + batch, count);
    }
    fv_release(work->outcomes);
    if (status == FV_OK && others > 0) {
        status = fovea_failures_add(&set->notes, "", set->reference, 0, error,
                                    "in %zu of %zu pairs a mask holds values beside 0 and none of them is %u, that of "
                                    "the FAZ: such a mask counts as empty",
                                    others, set->count, work->options->foreground.value);
    }
    return status;
}

/* Sums up over the images. */
static enum fv_status summarise(struct fovea_eval_set *set, bool empty_is_one, struct fv_error *error) {
    double *values = fv_allocate(set->count, 2 * sizeof *values), *second = values + set->count;
    if (values == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", set->reference);
    }
    enum fv_status status = FV_OK;
    for (size_t k = 0; k < FOVEA_MASK_FIGURES && status == FV_OK; k++) {
        for (size_t i = 0; i < set->count; i++) {
            values[i] = set->masks[i].figures[k];
        }
        status = fovea_spread_find(values, set->count, &set->spreads[k], error);
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct fovea_eval_mask *mask = &set->masks[i];
        set->pooled.true_positives += mask->overlap.true_positives;
        set->pooled.false_positives += mask->overlap.false_positives;
        set->pooled.false_negatives += mask->overlap.false_negatives;
        set->pooled.true_negatives += mask->overlap.true_negatives;
        values[i] = mask->figures[FOVEA_MASK_PREDICTED_AREA];
        second[i] = mask->figures[FOVEA_MASK_REFERENCE_AREA];
    }
    fovea_overlap_score(&set->pooled, empty_is_one, set->pooled_figures);
    set->agreement = fovea_agreement_find(values, second, set->count);
    fv_release(values);
    return status;
}

/* Says what is undefined and why. */
static enum fv_status add_notes(struct fovea_eval_set *set, bool empty_is_one, struct fv_error *error) {
    size_t both = 0, predicted = 0, reference = 0, oblong = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct fovea_overlap *overlap = &set->masks[i].overlap;
        bool no_prediction = overlap->true_positives + overlap->false_positives == 0;
        bool no_reference = overlap->true_positives + overlap->false_negatives == 0;
        both += no_prediction && no_reference;
        predicted += no_prediction && !no_reference;
        reference += no_reference && !no_prediction;
        oblong += set->masks[i].width != set->masks[i].height;
    }
    enum fv_status status = FV_OK;
    if (both > 0) {
        status = fovea_failures_add(&set->notes, "", set->reference, 0, error,
                                    "in %zu of %zu pairs both masks are empty: Dice, Jaccard, precision and recall %s",
                                    both, set->count,
                                    empty_is_one ? "count as 1, as --empty one says"
                                                 : "are undefined there and left out of the means (--empty one counts "
                                                   "them as 1)");
    }
    if (status == FV_OK && predicted > 0) {
        status = fovea_failures_add(&set->notes, "", set->predicted, 0, error,
                                    "predictions that are empty where the reference is not: %zu; their precision is "
                                    "undefined",
                                    predicted);
    }
    if (status == FV_OK && reference > 0) {
        status = fovea_failures_add(&set->notes, "", set->reference, 0, error,
                                    "references that are empty where the prediction is not: %zu; their recall is "
                                    "undefined",
                                    reference);
    }
    if (status == FV_OK && set->areas && oblong > 0) {
        status = fovea_failures_add(&set->notes, "", set->reference, 0, error,
                                    "masks that are not square and have no area, since one field of view cannot scale "
                                    "both sides: %zu",
                                    oblong);
    }
    size_t infinite = set->spreads[FOVEA_MASK_CROSS_ENTROPY].undefined;
    if (status == FV_OK && set->probabilities && infinite > 0) {
        status =
            fovea_failures_add(&set->notes, "", set->reference, 0, error,
                               "the cross-entropy of %zu of %zu images is infinite and left out: a pixel gives its "
                               "true class a probability of 0",
                               infinite, set->count);
    }
    return status;
}

/* Fills work->map_names. */
static enum fv_status index_maps(struct work *work, struct fv_error *error) {
    for (size_t i = 0; i < work->maps->count; i++) {
        const char *key = work->maps->entries[i].key;
        if (!fv_names_find(&work->map_names, key, NULL) && !fv_names_add(&work->map_names, key, i)) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", work->maps->base);
        }
    }
    return FV_OK;
}

enum fv_status fovea_eval_masks(const struct fovea_eval_options *options, const struct fovea_eval_source *source,
                                struct fv_threads *threads, struct fovea_eval_set *set, struct fv_error *error) {
    *set = (struct fovea_eval_set){
        .source = source,
        .match = options->match_given ? options->match : FOVEA_MATCH_STEM,
        .probabilities = source->probability != NULL,
        .areas = source->field_mm > 0.0,
    };
    struct fovea_mask_folder maps = {0};
    struct work work = {options, set, &set->predicted_folder, &set->reference_folder, &maps, {0}, NULL, 0, NULL};
    enum fv_status status = fovea_mask_folder_list(source->predicted, set->match, false, work.predicted, error);
    status =
        status != FV_OK ? status : fovea_mask_folder_list(source->reference, set->match, false, work.reference, error);
    if (status == FV_OK && source->probability != NULL) {
        status = fovea_mask_folder_list(source->probability, set->match, true, &maps, error);
        status = status != FV_OK ? status : index_maps(&work, error);
    }
    struct fovea_match_pair *pairs = NULL;
    size_t count = 0;
    if (status == FV_OK) {
        set->predicted = set->predicted_folder.base;
        set->reference = set->reference_folder.base;
        struct fovea_match_side sides[2] = {fovea_mask_folder_side(work.predicted),
                                            fovea_mask_folder_side(work.reference)};
        status = fovea_match(&sides[0], &sides[1], &pairs, &count, &set->failures, error);
    }
    work.pairs = pairs;
    status = status != FV_OK ? status : evaluate_all(&work, count, threads, error);
    status = status != FV_OK ? status : summarise(set, options->empty_is_one, error);
    status = status != FV_OK ? status : add_notes(set, options->empty_is_one, error);
    fv_release(pairs);
    fv_names_clear(&work.map_names);
    fovea_mask_folder_clear(&maps);
    return status;
}
