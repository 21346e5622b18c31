#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fovea_format_shortest(double value, char text[FOVEA_NUMBER_SIZE]) {
    int digits = 0;
    do {
        snprintf(text, FOVEA_NUMBER_SIZE, "%.*e", digits, value);
    } while (strtod(text, NULL) != value && ++digits < 17);
    const char *exponent = strchr(text, 'e');
    long power = exponent != NULL ? strtol(exponent + 1, NULL, 10) : 0;
    if (exponent != NULL && power > -5 && power < 16) { /* where a plain decimal is easier to read */
        snprintf(text, FOVEA_NUMBER_SIZE, "%.*f", digits > power ? (int)(digits - power) : 0, value);
    }
}

void fovea_format_repr(double value, char text[FOVEA_NUMBER_SIZE]) {
    fovea_format_shortest(value, text);
    if (strpbrk(text, ".e") == NULL) {
        strcat(text, ".0"); /* at most 17 characters so far */
    }
}
