/* The layers of the published nets, one by one. */
#ifndef FOVEA_BENCHMARKS_LAYERS_H
#define FOVEA_BENCHMARKS_LAYERS_H

#include <stdbool.h>

/* Plans each net of tests/support/catalogue.c that is named in `names` ("A,B", or "all": every published one) with
 * random weights for one thread, and times each distinct layer of a plan (operation, algorithm, shapes, what is fused)
 * by itself, on warm caches: the best of several runs, bench_seconds each. `exact` plans without Winograd transforms.
 * Prints to the standard output; after a mistake, a message to the standard error and false. */
bool bench_layers(const char *names, bool exact);

#endif
