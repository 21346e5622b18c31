#include "measure/axial_length.h"

#include "scan/scan.h"

bool fovea_axial_length_is_valid(double mm) {
    return mm >= FOVEA_AXIAL_LENGTH_LEAST_MM && mm <= FOVEA_AXIAL_LENGTH_MOST_MM;
}

double fovea_axial_length_factor(double axial_length_mm, double reference_mm) {
    static const double front_mm = 1.82; /* from the cornea to the eye's second principal point */
    return (axial_length_mm - front_mm) / (reference_mm - front_mm);
}
