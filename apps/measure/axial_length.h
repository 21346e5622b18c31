/* Magnification by the eye (A. G. Bennett et al., Improvements on Littmann's method of determining the size of retinal
 * features by fundus photography, Graefe's Arch 1994): a length on the retina is proportional to q = 0.01306 (AL
 * - 1.82), AL the axial length in mm. A device scales as if every eye had the axial length AL0; lengths of an eye with
 * AL are (AL - 1.82) / (AL0 - 1.82) times as large as it says, areas the square of that.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_AXIAL_LENGTH_H
#define FOVEA_APPS_MEASURE_AXIAL_LENGTH_H

#include <stdbool.h>

/* AL0 of Optovue's devices; other makers take others (Zeiss 24.46, Topcon 24.39). */
#define FOVEA_REFERENCE_AXIAL_LENGTH_MM 23.95

/* Whether `mm` is one that an eye may have (scan/scan.h). */
bool fovea_axial_length_is_valid(double mm);

/* The factor on lengths. Both arguments are valid. */
double fovea_axial_length_factor(double axial_length_mm, double reference_mm);

#endif
