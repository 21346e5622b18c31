/* The nets that tests and benchmarks run, by name. Those with golden data are described a second time, by their
 * original definitions, in tests/nets/make_golden.py.
 *
 * Thread safety: constant data. */
#ifndef FOVEA_TESTS_CATALOGUE_H
#define FOVEA_TESTS_CATALOGUE_H

#include "random_model.h"

/* Nets of a few thousand weights, one a rule or quirk, and the full-size ones; each list ends with a NULL name. */
extern const struct model_description catalogue_small[], catalogue_full[];

/* The net of that name, or NULL. */
const struct model_description *catalogue_find(const char *name);

#endif
