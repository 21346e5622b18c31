/* What the tests of the store and of run folders share. */
#ifndef FOVEA_TESTS_APPS_STORE_SUPPORT_H
#define FOVEA_TESTS_APPS_STORE_SUPPORT_H

#include "pipeline/results.h"

/* The scratch folder of the test that runs (support_make_folder). */
extern const char *store_folder;

/* The path of `name` in it, in a static buffer of several paths. */
const char *store_place(const char *name);

/* Makes a file of that name in it. */
void store_write_text(const char *name, const char *text);

/* What `count` results were made with: two models, options. They have no source. */
struct fovea_results store_results(size_t count);

#endif
