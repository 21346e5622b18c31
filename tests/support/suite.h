/* Running a suite of Check. */
#ifndef FOVEA_TESTS_SUITE_H
#define FOVEA_TESTS_SUITE_H

#include <check.h>

/* Runs the suite as the environment asks (CK_VERBOSITY), and frees it; the exit status for main. */
int suite_run(Suite *suite);

#endif
