/* How well the cost model chooses between algorithms. */
#ifndef FOVEA_BENCHMARKS_CHOICES_H
#define FOVEA_BENCHMARKS_CHOICES_H

#include <stdbool.h>

/* Measures, for each net that is named in `names` ("A,B", or "all"), every algorithm of each layer that has several, on
 * one thread within whole passes, `bench_seconds` for each algorithm, and prints it beside what the model of costs
 * expects; then what choosing by the model loses against choosing by the measurement. After a mistake, a message to
 * the standard error and false. */
bool bench_choices(const char *names);

#endif
