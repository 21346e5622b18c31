#include "adapt/folds.h"

#include <stdlib.h>

#include "base/portable_math.h"
#include "fovea/memory.h"

/* Images that stay together. */
struct group {
    size_t counts[FOVEA_LINEAR_CLASSES_MAX], images, place; /* after shuffling */
    size_t number, fold;
};

static int compare_groups(const void *a, const void *b) {
    const struct group *left = a, *right = b;
    if (left->images != right->images) {
        return left->images > right->images ? -1 : 1;
    }
    return left->place < right->place ? -1 : left->place > right->place;
}

/* The fold that has the smallest share of the classes of `group`; of equals the one with the fewest images, of these
 * the first. */
static size_t emptiest(const struct group *group, const struct group *folds, size_t fold_count, const size_t *totals,
                       size_t classes) {
    size_t best = 0;
    double best_share = 0.0;
    for (size_t f = 0; f < fold_count; f++) {
        double share = 0.0;
        for (size_t k = 0; k < classes; k++) {
            share += totals[k] == 0 ? 0.0 : (double)group->counts[k] * (double)folds[f].counts[k] / (double)totals[k];
        }
        if (f == 0 || share < best_share || (share <= best_share && folds[f].images < folds[best].images)) {
            best = f;
            best_share = share;
        }
    }
    return best;
}

static void deal(struct group *groups, size_t group_count, struct group *folds, size_t fold_count, const size_t *totals,
                 size_t classes) {
    for (size_t g = 0; g < group_count; g++) {
        size_t f = emptiest(&groups[g], folds, fold_count, totals, classes);
        groups[g].fold = f;
        folds[f].images += groups[g].images;
        for (size_t k = 0; k < classes; k++) {
            folds[f].counts[k] += groups[g].counts[k];
        }
    }
}

/* Gives the groups random places among each other. */
static void shuffle(struct group *groups, size_t count, uint64_t seed) {
    struct random random;
    random_start(&random, seed, 0, UINT64_MAX);
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(&random, (uint32_t)i);
        size_t kept = groups[i - 1].place;
        groups[i - 1].place = groups[other].place;
        groups[other].place = kept;
    }
}

enum fv_status fovea_folds_assign(const size_t *labels, const size_t *groups, size_t count, size_t classes,
                                  size_t folds, uint64_t seed, size_t *fold, struct fv_error *error) {
    struct group *list = fv_allocate_zero(count, sizeof *list), *sums = fv_allocate_zero(folds, sizeof *sums);
    size_t *fold_of = fv_allocate(count, sizeof *fold_of);
    size_t totals[FOVEA_LINEAR_CLASSES_MAX] = {0};
    bool complete = list != NULL && sums != NULL && fold_of != NULL;
    if (complete) {
        for (size_t i = 0; i < count; i++) {
            list[i].number = list[i].place = i;
        }
        for (size_t i = 0; i < count; i++) {
            totals[labels[i]]++;
            list[groups[i]].counts[labels[i]]++;
            list[groups[i]].images++;
        }
        shuffle(list, count, seed);
        qsort(list, count, sizeof *list, compare_groups);
        deal(list, count, sums, folds, totals, classes);
        for (size_t g = 0; g < count; g++) {
            fold_of[list[g].number] = list[g].fold;
        }
        for (size_t i = 0; i < count; i++) {
            fold[i] = fold_of[groups[i]];
        }
    }
    fv_release(list);
    fv_release(sums);
    fv_release(fold_of);
    return complete ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "splitting the images into folds: out of memory");
}
