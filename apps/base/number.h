/* Numbers as text. Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_NUMBER_H
#define FOVEA_APPS_NUMBER_H

enum { FOVEA_NUMBER_SIZE = 32 };

/* The shortest decimal that reads back as `value`. */
void fovea_format_shortest(double value, char text[FOVEA_NUMBER_SIZE]);

/* The same as Python's repr of a float writes it: with ".0" where there is neither point nor exponent. `value` is
 * finite. */
void fovea_format_repr(double value, char text[FOVEA_NUMBER_SIZE]);

#endif
