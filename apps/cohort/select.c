/* Which of the joined images are used: one layer, one visit, the groups that were asked for, no contradictions. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cohort/cohort.h"
#include "fovea/memory.h"
#include "fovea/names.h"

int fovea_cohort_order(const char *a, const char *b) {
    double left, right;
    bool number_a = fovea_table_number(a, &left) == FOVEA_NUMBER_GOOD;
    bool number_b = fovea_table_number(b, &right) == FOVEA_NUMBER_GOOD;
    if (number_a != number_b) {
        return number_a ? -1 : 1;
    }
    return number_a && left != right ? (left > right) - (left < right) : strcmp(a, b);
}

/* Whether an image counts in the statistics. */
static bool counts(const struct fovea_cohort_image *image) {
    return image->usable && image->state == FOVEA_COHORT_OK;
}

/* Whether `name` is one of the two columns by which images are told apart anyway. */
static bool tells_apart(const struct fovea_cohort *cohort, const char *name) {
    return (cohort->group_column != NULL && strcasecmp(cohort->group_column, name) == 0) ||
           (cohort->repeat_column != NULL && strcasecmp(cohort->repeat_column, name) == 0);
}

static enum fv_status select_layer(struct fovea_cohort *cohort, struct fv_error *error) {
    const char *layer = cohort->options->layer, *first = NULL;
    size_t others = 0, chosen = 0;
    for (size_t i = 0; i < cohort->image_count; i++) {
        struct fovea_cohort_image *image = &cohort->images[i];
        if (layer != NULL) {
            bool own = strcasecmp(image->facts.layer, layer) == 0;
            chosen += own;
            others += !own && image->usable;
            image->usable = image->usable && own;
        } else if (counts(image) && !tells_apart(cohort, "layer")) {
            first = first != NULL ? first : image->facts.layer;
            if (strcasecmp(first, image->facts.layer) != 0) {
                return fv_error_set(error, FV_ERROR_ARGUMENT,
                                    "the images are of more than one layer ('%s' and '%s'), whose measures must not be "
                                    "mixed: choose one with --layer",
                                    first, image->facts.layer);
            }
        }
    }
    if (layer != NULL && chosen == 0) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "--layer: no image is of the layer '%s'", layer);
    }
    return others == 0 ? FV_OK
                       : fovea_cohort_note(cohort, error, "%zu images of other layers than %s were left out (--layer).",
                                           others, layer);
}

static bool same_eye(const struct fovea_cohort_image *a, const struct fovea_cohort_image *b) {
    return strcmp(a->facts.subject, b->facts.subject) == 0 && strcmp(a->facts.eye, b->facts.eye) == 0;
}

static enum fv_status select_visit(struct fovea_cohort *cohort, struct fv_error *error) {
    const char *visit = cohort->options->visit;
    bool mean = visit != NULL && strcmp(visit, "mean") == 0;
    const struct fovea_cohort_image *last = NULL; /* of those that count */
    size_t others = 0, chosen = 0, several = 0;
    for (size_t i = 0; i < cohort->image_count; i++) {
        struct fovea_cohort_image *image = &cohort->images[i];
        if (visit != NULL && !mean) {
            bool own = strcmp(image->facts.visit, visit) == 0;
            chosen += own;
            others += !own && image->usable;
            image->usable = image->usable && own;
            continue;
        }
        if (!counts(image)) {
            continue;
        }
        const struct fovea_cohort_image *before = last;
        last = image;
        if (before == NULL || !same_eye(before, image) || strcmp(before->facts.visit, image->facts.visit) == 0) {
            continue;
        }
        several++;
        if (!mean) {
            return fv_error_set(error, FV_ERROR_ARGUMENT,
                                "subject '%s'%s%s has more than one visit ('%s' and '%s'): choose one with --visit "
                                "NAME, take the mean of an eye's visits with --visit mean, or compare them with "
                                "--repeat visit",
                                image->facts.subject, image->facts.eye[0] != '\0' ? ", eye " : "", image->facts.eye,
                                before->facts.visit, image->facts.visit);
        }
    }
    if (visit != NULL && !mean && chosen == 0) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "--visit: no image is of the visit '%s'", visit);
    }
    enum fv_status status = FV_OK;
    if (others > 0) {
        status = fovea_cohort_note(cohort, error, "%zu images of other visits than %s were left out (--visit).", others,
                                   visit);
    }
    if (status == FV_OK && several > 0) {
        status = fovea_cohort_note(cohort, error,
                                   "The visits of an eye were averaged (--visit mean): %zu visits beyond the first of "
                                   "their eye.",
                                   several);
    }
    return status;
}

/* Refuses what is counted once and yet in two groups: images [begin, end) of a subject, or an eye. */
static enum fv_status check_group(struct fovea_cohort *cohort, size_t begin, size_t end, struct fv_error *error) {
    const struct fovea_cohort_image *first = NULL, *other = NULL;
    for (size_t i = begin; i < end; i++) {
        if (counts(&cohort->images[i])) {
            first = first != NULL ? first : &cohort->images[i];
            other = strcmp(first->facts.group, cohort->images[i].facts.group) != 0 ? &cohort->images[i] : other;
        }
    }
    if (other == NULL) {
        return FV_OK;
    }
    bool eyes = cohort->options->per == FOVEA_COHORT_PER_SUBJECT && strcmp(first->facts.eye, other->facts.eye) != 0;
    for (size_t i = begin; i < end; i++) {
        cohort->images[i].usable = false;
    }
    return fovea_cohort_refuse_row(
        cohort, other->owner->row, error, "%s '%s' is in the groups '%s' (line %zu) and '%s': it is in none%s",
        cohort->options->per == FOVEA_COHORT_PER_SUBJECT ? "subject" : "an eye of subject", first->facts.subject,
        first->facts.group, fovea_table_line(&cohort->subjects, first->owner->row), other->facts.group,
        eyes ? "; --per eye lets its eyes be in different groups" : "");
}

/* Whether two images are of what counts once. */
static bool same_unit(const struct fovea_cohort *cohort, const struct fovea_cohort_image *a,
                      const struct fovea_cohort_image *b) {
    return cohort->options->per == FOVEA_COHORT_PER_EYE ? same_eye(a, b)
                                                        : strcmp(a->facts.subject, b->facts.subject) == 0;
}

/* Says in how many subjects, or eyes, a covariate of their rows changes; their mean is then taken. */
static enum fv_status check_covariate(struct fovea_cohort *cohort, size_t variable, struct fv_error *error) {
    const struct fovea_cohort_image *before = NULL, *first = NULL, *last = NULL; /* first and last: that differ */
    size_t units = 0;
    for (size_t i = 0; i < cohort->image_count; i++) {
        const struct fovea_cohort_image *image = &cohort->images[i];
        if (!counts(image)) {
            continue;
        }
        bool same = before != NULL && same_unit(cohort, before, image);
        double change = same ? image->values[variable] - before->values[variable] : 0.0;
        before = image;
        if (change != 0.0 && !isnan(change)) {
            units += last == NULL || !same_unit(cohort, last, image);
            first = first != NULL ? first : image;
            last = image;
        }
    }
    return units == 0 ? FV_OK
                      : fovea_cohort_note(cohort, error,
                                          "%s differs within %zu %s%s, whose mean is used; the first is %s (%s, line "
                                          "%zu).",
                                          cohort->variables[variable].name, units, fovea_cohort_unit_name(cohort),
                                          units == 1 ? "" : "s", first->facts.subject, cohort->subjects.name,
                                          fovea_table_line(&cohort->subjects, first->owner->row));
}

static enum fv_status check_covariates(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t v = cohort->measure_count; v < cohort->variable_count && status == FV_OK; v++) {
        if (cohort->variables[v].column != FOVEA_TABLE_ABSENT) {
            status = check_covariate(cohort, v, error);
        }
    }
    return status;
}

/* Checks every subject, or eye, as a whole. */
static enum fv_status check_units(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t begin = 0, end; begin < cohort->image_count && status == FV_OK; begin = end) {
        end = begin + 1;
        while (end < cohort->image_count && same_unit(cohort, &cohort->images[begin], &cohort->images[end])) {
            end++;
        }
        status = check_group(cohort, begin, end, error);
    }
    return status;
}

/* Notes subjects of whose images only some say which eye they show: those of no eye count as one more. */
static enum fv_status note_eyes(struct fovea_cohort *cohort, struct fv_error *error) {
    const struct fovea_cohort_image *before = NULL;
    size_t subjects = 0;
    for (size_t i = 0; i < cohort->image_count; i++) { /* a subject's images of no eye come first */
        const struct fovea_cohort_image *image = &cohort->images[i];
        if (counts(image)) {
            subjects += before != NULL && strcmp(before->facts.subject, image->facts.subject) == 0 &&
                        before->facts.eye[0] == '\0' && image->facts.eye[0] != '\0';
            before = image;
        }
    }
    return subjects == 0 ? FV_OK
                         : fovea_cohort_note(cohort, error,
                                             "%zu %s images of a named eye and images of which no table says the eye: "
                                             "the latter count as another eye.",
                                             subjects, subjects == 1 ? "subject has" : "subjects have");
}

static enum fv_status add_group(struct fovea_cohort *cohort, const char *name, struct fv_error *error) {
    if (cohort->group_count == FOVEA_COHORT_MOST_GROUPS) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "the column '%s' has more than %d values: groups need names, and a number with many values "
                            "is a covariate",
                            cohort->group_column, FOVEA_COHORT_MOST_GROUPS);
    }
    cohort->groups[cohort->group_count++] = (struct fovea_cohort_group){.name = name};
    return FV_OK;
}

static bool find_group(const struct fovea_cohort *cohort, const char *name, size_t *index) {
    for (*index = 0; *index < cohort->group_count; (*index)++) {
        if (strcmp(cohort->groups[*index].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The groups of --groups, in their order. */
static enum fv_status take_named_groups(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (const char *name = cohort->options->groups; status == FV_OK;) {
        size_t length = strcspn(name, ","), index, images = 0;
        const char *own = fv_pool_text(&cohort->texts, name, length);
        if (own == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the groups");
        }
        for (size_t i = 0; i < cohort->image_count; i++) {
            images += strcmp(cohort->images[i].facts.group, own) == 0;
        }
        if (images == 0 || find_group(cohort, own, &index)) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "--groups: %s '%s'",
                                images == 0 ? "no image is in the group" : "twice the group", own);
        }
        status = add_group(cohort, own, error);
        if (name[length] == '\0') {
            break;
        }
        name += length + 1;
    }
    return status;
}

static int compare_groups(const void *a, const void *b) {
    const struct fovea_cohort_group *left = a, *right = b;
    return fovea_cohort_order(left->name, right->name);
}

/* "all" means all groups together, in every table that is written. */
static enum fv_status check_names(const struct fovea_cohort *cohort, struct fv_error *error) {
    size_t index;
    return cohort->group_count > 1 && find_group(cohort, "all", &index)
               ? fv_error_set(error, FV_ERROR_ARGUMENT,
                              "the column '%s' has a group 'all', which is what the results call all groups together: "
                              "give it another name",
                              cohort->group_column)
               : FV_OK;
}

static enum fv_status select_groups(struct fovea_cohort *cohort, struct fv_error *error) {
    bool named = cohort->options->groups != NULL;
    size_t index, others = 0;
    enum fv_status status = named ? take_named_groups(cohort, error) : FV_OK;
    for (size_t i = 0; i < cohort->image_count && status == FV_OK && !named; i++) {
        if (cohort->images[i].usable && !find_group(cohort, cohort->images[i].facts.group, &index)) {
            status = add_group(cohort, cohort->images[i].facts.group, error);
        }
    }
    status = status == FV_OK ? check_names(cohort, error) : status;
    if (status != FV_OK) {
        return status;
    }
    if (!named) {
        qsort(cohort->groups, cohort->group_count, sizeof *cohort->groups, compare_groups);
    }
    for (size_t i = 0; i < cohort->image_count; i++) {
        struct fovea_cohort_image *image = &cohort->images[i];
        if (!find_group(cohort, image->facts.group, &image->group)) {
            others += image->usable;
            image->usable = false;
        } else if (image->usable) {
            cohort->groups[image->group].images[image->state]++;
        }
    }
    return others == 0
               ? FV_OK
               : fovea_cohort_note(cohort, error, "%zu images of other groups were left out (--groups).", others);
}

/* Notes that images which are compared were not made alike. */
static enum fv_status check_alike(struct fovea_cohort *cohort, const char *column, const char *what,
                                  struct fv_error *error) {
    const char *first = NULL, *other = NULL;
    for (size_t i = 0; i < cohort->image_count; i++) {
        const struct fovea_cohort_image *image = &cohort->images[i];
        const struct fovea_table *table = &cohort->sources[image->source].table;
        const char *own = fovea_table_field(table, image->row, fovea_table_column(table, column));
        if (counts(image) && !tells_apart(cohort, column)) {
            first = first != NULL ? first : own;
            other = strcmp(first, own) != 0 ? own : other;
        }
    }
    return other == NULL ? FV_OK
                         : fovea_cohort_note(cohort, error,
                                             "The images differ in %s ('%s' and '%s'): their measures may not be "
                                             "comparable.",
                                             what, first, other);
}

/* Notes how many images carry warnings of their own measurement. */
static enum fv_status count_warnings(struct fovea_cohort *cohort, struct fv_error *error) {
    size_t count = 0;
    for (size_t i = 0; i < cohort->image_count; i++) {
        const struct fovea_cohort_image *image = &cohort->images[i];
        const struct fovea_table *table = &cohort->sources[image->source].table;
        count +=
            counts(image) && fovea_table_field(table, image->row, fovea_table_column(table, "warnings"))[0] != '\0';
    }
    return count == 0
               ? FV_OK
               : fovea_cohort_note(cohort, error,
                                   "%zu of the images used carry warnings, in the column warnings of the results.",
                                   count);
}

enum fv_status fovea_cohort_select(struct fovea_cohort *cohort, struct fv_error *error) {
    static const char *const alike[][2] = {{"fov_mm", "the field of view, in mm"},
                                           {"segmenter", "the model that outlined them"},
                                           {"perimeter_method", "the method of the perimeter"},
                                           {"fovea_version", "the version of Fovea that measured them"}};
    enum fv_status status = select_layer(cohort, error);
    status = status != FV_OK ? status : select_visit(cohort, error);
    status = status != FV_OK ? status : check_units(cohort, error);
    status = status != FV_OK ? status : select_groups(cohort, error);
    status = status != FV_OK ? status : note_eyes(cohort, error);
    status = status != FV_OK ? status : check_covariates(cohort, error);
    for (size_t i = 0; i < sizeof alike / sizeof *alike && status == FV_OK; i++) {
        status = check_alike(cohort, alike[i][0], alike[i][1], error);
    }
    return status == FV_OK ? count_warnings(cohort, error) : status;
}
