/* Golden activations of a net, and the comparison that names the first stage that differs.
 *
 * Tolerance. The golden values are double precision results. PyTorch's own float32 results lie `distance` away from
 * them (the largest difference over a whole stage); ours come from the same formulas with other orders of summation,
 * whose roundings are as large but different, and sums that run through one register instead of a tree. Allowed is
 * MARGIN times the largest distance relative to the stage's range among this stage and those before it (a stage of few
 * values may be lucky), and never more than what the house promises: 1e-4 of the logits' range, 3e-5 of a probability.
 *
 * Thread safety: Check's own; one test at a time. */
#ifndef FOVEA_TESTS_GOLDEN_H
#define FOVEA_TESTS_GOLDEN_H

#include "checks.h"

struct golden {
    struct fv_model *file;
    const struct model_description *net;
};

/* Opens the golden data of `net`. */
struct golden golden_open(const struct model_description *net);
void golden_close(struct golden *golden);

/* The first stage that differs, and how. */
struct golden_difference {
    char stage[96];
    char message[256];
};

/* Runs the net of `model` at the setting in force and compares its output; if that differs, or if `every_stage` is
 * asked for, every stage in order, each by a graph that ends there. Returns whether all fit; if not, *difference tells
 * the first stage that does not. *share is the greatest error as a share of its tolerance. */
bool golden_fits(const struct golden *golden, const struct fv_model *model, struct fv_threads *threads,
                 bool every_stage, double *share, struct golden_difference *difference);

/* As golden_fits, but a difference ends the test with a message that names the stage; `label` names the setting.
 * Returns the share. */
double golden_compare(const struct golden *golden, const struct fv_model *model, struct fv_threads *threads,
                      bool every_stage, const char *label);

#endif
