/* Checkpoints through `fovea convert` and `fovea infer`, as a user runs them, and the result against another's.
 *
 * Failures end the test through Check. Thread safety: Check's own; one test at a time. */
#ifndef FOVEA_TESTS_CONVERSIONS_H
#define FOVEA_TESTS_CONVERSIONS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* What a run of the program took. */
struct conversions_cost {
    double seconds;
    size_t peak_bytes; /* resident, at most */
};

/* The JSON document in a file of at most 1 MB, or NULL; the caller deletes it. May be called outside of tests. */
cJSON *conversions_read_json(const char *path);

/* `program` convert CHECKPOINT -o MODEL --KEY VALUE ..., with the options of a JSON object of strings and numbers. */
struct conversions_cost conversions_convert(const char *program, const char *checkpoint, const cJSON *options,
                                            const char *model);

/* `program` infer MODEL INPUT -o OUTPUT, with `option` at the end unless that is NULL. */
struct conversions_cost conversions_infer(const char *program, const char *model, const char *input, const char *output,
                                          const char *option);

struct conversions_difference {
    double worst;                 /* the largest difference of two values */
    double range;                 /* of the expected values: the largest minus the smallest */
    size_t positions, same_class; /* pixels, or images of a classifier; those whose largest channel is the same */
};

/* Two NumPy arrays [N, C] or [N, C, H, W] of float32 or float64, of as many values and of the expected one's shape. */
struct conversions_difference conversions_compare(const char *output, const char *expected);

#endif
