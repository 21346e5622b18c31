/* From images to what is counted once: means over repeats, then visits, then (per subject) eyes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cohort/cohort.h"
#include "fovea/memory.h"

/* By what images of a subject are told apart, from the outside in; the images themselves come last. */
enum level { LEVEL_EYE, LEVEL_VISIT, LEVEL_REPEAT, LEVEL_IMAGE };

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "gathering the images of the subjects: out of memory");
}

static const char *level_name(const struct fovea_cohort_image *image, enum level level) {
    return level == LEVEL_EYE ? image->facts.eye : level == LEVEL_VISIT ? image->facts.visit : image->facts.repeat;
}

/* The images that count, in their order. */
struct selection {
    const struct fovea_cohort_image **images;
    size_t count;
};

/* The end of the run of images from `begin` that share the name at `level`. */
static size_t run_end(const struct selection *selection, size_t begin, size_t end, enum level level) {
    size_t next = begin + 1;
    while (next < end &&
           strcmp(level_name(selection->images[begin], level), level_name(selection->images[next], level)) == 0) {
        next++;
    }
    return next;
}

/* The mean of a variable over images [begin, end): of the means of the runs at `level`, missing values left out; NaN if
 * all are. */
static double mean_over(const struct selection *selection, size_t begin, size_t end, enum level level,
                        size_t variable) {
    double sum = 0.0;
    size_t count = 0;
    for (size_t next; begin < end; begin = next) {
        next = level == LEVEL_IMAGE ? begin + 1 : run_end(selection, begin, end, level);
        double value = level == LEVEL_IMAGE ? selection->images[begin]->values[variable]
                                            : mean_over(selection, begin, next, level + 1, variable);
        sum += isnan(value) ? 0.0 : value;
        count += isnan(value) ? 0 : 1;
    }
    return count > 0 ? sum / (double)count : NAN;
}

static enum fv_status add_observation(struct fovea_cohort *cohort, const struct selection *selection, size_t begin,
                                      size_t end, struct fv_error *error) {
    bool per_eye = cohort->options->per == FOVEA_COHORT_PER_EYE;
    const struct fovea_cohort_image *first = selection->images[begin];
    struct fovea_cohort_observation *observation = &cohort->observations[cohort->observation_count++];
    *observation = (struct fovea_cohort_observation){
        .subject = first->facts.subject,
        .eye = per_eye ? first->facts.eye : "",
        .group = first->group,
        .images = end - begin,
        .values = fv_pool_take(&cohort->texts, cohort->variable_count, sizeof *observation->values),
    };
    if (observation->values == NULL) {
        return out_of_memory(error);
    }
    for (size_t i = begin; i < end; i = run_end(selection, i, end, LEVEL_EYE)) {
        observation->eyes++;
    }
    for (size_t v = 0; v < cohort->variable_count; v++) {
        observation->values[v] = mean_over(selection, begin, end, per_eye ? LEVEL_VISIT : LEVEL_EYE, v);
    }
    cohort->groups[first->group].observations++;
    cohort->groups[first->group].eyes += observation->eyes;
    return FV_OK;
}

static int compare_observations(const void *a, const void *b) {
    const struct fovea_cohort_observation *left = a, *right = b;
    if (left->group != right->group) {
        return left->group < right->group ? -1 : 1;
    }
    int order = strcmp(left->subject, right->subject);
    return order != 0 ? order : strcmp(left->eye, right->eye);
}

static enum fv_status make_observations(struct fovea_cohort *cohort, const struct selection *selection,
                                        struct fv_error *error) {
    enum fv_status status = FV_OK;
    size_t end;
    cohort->observations = fv_allocate(selection->count, sizeof *cohort->observations);
    if (cohort->observations == NULL) {
        return out_of_memory(error);
    }
    for (size_t begin = 0; begin < selection->count && status == FV_OK; begin = end) {
        const char *subject = selection->images[begin]->facts.subject;
        for (end = begin + 1; end < selection->count && strcmp(subject, selection->images[end]->facts.subject) == 0;) {
            end++;
        }
        cohort->groups[selection->images[begin]->group].subjects++;
        for (size_t i = begin, next; i < end && status == FV_OK; i = next) {
            next = cohort->options->per == FOVEA_COHORT_PER_EYE ? run_end(selection, i, end, LEVEL_EYE) : end;
            status = add_observation(cohort, selection, i, next, error);
        }
    }
    if (status == FV_OK && cohort->observation_count > 0) {
        qsort(cohort->observations, cohort->observation_count, sizeof *cohort->observations, compare_observations);
    }
    return status;
}

/* Notes images that nothing tells apart: of one eye and visit, without different names of the repeat. */
static enum fv_status note_alike(struct fovea_cohort *cohort, const struct selection *selection,
                                 struct fv_error *error) {
    size_t more = 0;
    for (size_t i = 1; i < selection->count; i++) {
        const struct fovea_cohort_image *before = selection->images[i - 1], *image = selection->images[i];
        bool same = strcmp(before->facts.subject, image->facts.subject) == 0;
        for (enum level level = LEVEL_EYE; level < LEVEL_IMAGE; level++) {
            same = same && strcmp(level_name(before, level), level_name(image, level)) == 0;
        }
        more += same;
    }
    return more == 0
               ? FV_OK
               : fovea_cohort_note(cohort, error,
                                   "%zu images are of a subject, eye, visit and repeat that another image is of, as "
                                   "far as the tables say: their means are used.",
                                   more);
}

static int compare_labels(const void *a, const void *b) {
    return fovea_cohort_order(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the repeats; blanks are none. */
static enum fv_status find_labels(struct fovea_cohort *cohort, const struct selection *selection,
                                  struct fv_error *error) {
    struct fovea_cohort_repeats *repeats = &cohort->repeats;
    for (size_t i = 0; i < selection->count; i++) {
        const char *label = selection->images[i]->facts.repeat;
        size_t k = 0;
        while (k < repeats->label_count && strcmp(repeats->labels[k], label) != 0) {
            k++;
        }
        if (label[0] == '\0' || k < repeats->label_count) {
            continue;
        }
        if (repeats->label_count == FOVEA_COHORT_MOST_REPEATS) {
            return fv_error_set(error, FV_ERROR_ARGUMENT,
                                "the column '%s' has more than %d values: expected few repeats of every eye, such as 1 "
                                "and 2",
                                cohort->repeat_column, FOVEA_COHORT_MOST_REPEATS);
        }
        repeats->labels[repeats->label_count++] = label;
    }
    qsort(repeats->labels, repeats->label_count, sizeof *repeats->labels, compare_labels);
    return FV_OK;
}

/* The place of the value of `label` of the eye `row`. */
static double *repeat_place(const struct fovea_cohort *cohort, size_t variable, size_t row, size_t rows,
                            const char *label) {
    const struct fovea_cohort_repeats *repeats = &cohort->repeats;
    size_t k = 0;
    while (strcmp(repeats->labels[k], label) != 0) {
        k++;
    }
    return &repeats->values[(variable * rows + row) * repeats->label_count + k];
}

/* Fills the rows; `rows` is their number, or 0 to count those that have two repeats at least. */
static size_t fill_repeats(struct fovea_cohort *cohort, const struct selection *selection, size_t rows) {
    size_t row = 0, end;
    for (size_t begin = 0; begin < selection->count; begin = end) {
        const struct fovea_cohort_image *first = selection->images[begin];
        for (end = begin + 1; end < selection->count; end++) {
            const struct fovea_cohort_image *image = selection->images[end];
            if (strcmp(first->facts.subject, image->facts.subject) != 0 ||
                strcmp(first->facts.eye, image->facts.eye) != 0 ||
                strcmp(first->facts.visit, image->facts.visit) != 0) {
                break;
            }
        }
        size_t labels = 0;
        for (size_t i = begin; i < end; i = run_end(selection, i, end, LEVEL_REPEAT)) {
            labels += selection->images[i]->facts.repeat[0] != '\0';
        }
        if (labels < 2) {
            continue;
        }
        for (size_t i = begin, next; i < end && rows > 0; i = next) {
            next = run_end(selection, i, end, LEVEL_REPEAT);
            const char *label = selection->images[i]->facts.repeat;
            for (size_t v = 0; v < cohort->variable_count && label[0] != '\0'; v++) {
                *repeat_place(cohort, v, row, rows, label) = mean_over(selection, i, next, LEVEL_IMAGE, v);
            }
        }
        row++;
    }
    return row;
}

static enum fv_status make_repeats(struct fovea_cohort *cohort, const struct selection *selection,
                                   struct fv_error *error) {
    struct fovea_cohort_repeats *repeats = &cohort->repeats;
    enum fv_status status = find_labels(cohort, selection, error);
    if (status != FV_OK) {
        return status;
    }
    size_t size;
    repeats->eyes = fill_repeats(cohort, selection, 0);
    if (repeats->eyes == 0) {
        repeats->label_count = 0;
        return fovea_cohort_note(cohort, error,
                                 "No eye was seen twice at a visit, by the column %s: there is no repeatability.",
                                 cohort->repeat_column);
    }
    if (!fv_multiply(repeats->eyes, repeats->label_count * cohort->variable_count, &size)) {
        return out_of_memory(error);
    }
    repeats->values = fv_pool_take(&cohort->texts, size, sizeof *repeats->values);
    if (repeats->values == NULL) {
        return out_of_memory(error);
    }
    for (size_t i = 0; i < size; i++) {
        repeats->values[i] = NAN;
    }
    fill_repeats(cohort, selection, repeats->eyes);
    return FV_OK;
}

enum fv_status fovea_cohort_gather(struct fovea_cohort *cohort, struct fv_error *error) {
    struct selection selection = {fv_allocate(cohort->image_count, sizeof *selection.images), 0};
    if (selection.images == NULL) {
        return out_of_memory(error);
    }
    for (size_t i = 0; i < cohort->image_count; i++) {
        if (cohort->images[i].usable && cohort->images[i].state == FOVEA_COHORT_OK) {
            selection.images[selection.count++] = &cohort->images[i];
        }
    }
    enum fv_status status = make_observations(cohort, &selection, error);
    status = status == FV_OK ? note_alike(cohort, &selection, error) : status;
    status = status == FV_OK && cohort->repeat_column != NULL ? make_repeats(cohort, &selection, error) : status;
    fv_release(selection.images);
    return status;
}

size_t fovea_cohort_values(const struct fovea_cohort *cohort, size_t variable, size_t group, double *values) {
    size_t count = 0;
    for (size_t i = 0; i < cohort->observation_count; i++) {
        const struct fovea_cohort_observation *observation = &cohort->observations[i];
        if (group == FOVEA_COHORT_MOST_GROUPS || observation->group == group) {
            values[count++] = observation->values[variable];
        }
    }
    return count;
}

size_t fovea_cohort_repeated(const struct fovea_cohort *cohort, size_t variable, double *values) {
    const struct fovea_cohort_repeats *repeats = &cohort->repeats;
    size_t count = 0;
    for (size_t row = 0; row < repeats->eyes; row++) {
        const double *own = repeats->values + (variable * repeats->eyes + row) * repeats->label_count;
        bool complete = true;
        for (size_t k = 0; k < repeats->label_count; k++) {
            values[count * repeats->label_count + k] = own[k];
            complete = complete && !isnan(own[k]);
        }
        count += complete;
    }
    return count;
}

const char *fovea_cohort_unit_name(const struct fovea_cohort *cohort) {
    return cohort->options->per == FOVEA_COHORT_PER_EYE ? "eye" : "subject";
}

struct fovea_cohort_group fovea_cohort_totals(const struct fovea_cohort *cohort) {
    struct fovea_cohort_group totals = {.name = "all"};
    for (size_t g = 0; g < cohort->group_count; g++) {
        totals.subjects += cohort->groups[g].subjects;
        totals.eyes += cohort->groups[g].eyes;
        totals.observations += cohort->groups[g].observations;
        for (size_t k = 0; k < FOVEA_COHORT_STATES; k++) {
            totals.images[k] += cohort->groups[g].images[k];
        }
    }
    return totals;
}
