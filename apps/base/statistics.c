#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "fovea/memory.h"

static int compare_numbers(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

void fovea_sort_numbers(double *numbers, size_t count) {
    qsort(numbers, count, sizeof *numbers, compare_numbers);
}

double fovea_quantile(const double *sorted, size_t count, double share) {
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count) {
        return sorted[count - 1];
    }
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

enum fv_status fovea_spread_find(const double *values, size_t count, struct fovea_spread *spread,
                                 struct fv_error *error) {
    *spread = (struct fovea_spread){0, 0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    double *sorted = fv_allocate(count, sizeof *sorted);
    if (sorted == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu values", count);
    }
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            sorted[spread->count++] = values[i];
            sum += values[i];
        }
    }
    spread->undefined = count - spread->count;
    if (spread->count > 0) {
        spread->mean = sum / (double)spread->count;
        for (size_t i = 0; i < spread->count; i++) {
            squares += (sorted[i] - spread->mean) * (sorted[i] - spread->mean);
        }
        spread->sd = spread->count > 1 ? sqrt(squares / (double)(spread->count - 1)) : NAN;
        fovea_sort_numbers(sorted, spread->count);
        spread->least = sorted[0];
        spread->lower_quartile = fovea_quantile(sorted, spread->count, 0.25);
        spread->median = fovea_quantile(sorted, spread->count, 0.5);
        spread->upper_quartile = fovea_quantile(sorted, spread->count, 0.75);
        spread->most = sorted[spread->count - 1];
    }
    fv_release(sorted);
    return FV_OK;
}

struct fovea_agreement fovea_agreement_find(const double *predicted, const double *reference, size_t count) {
    struct fovea_agreement agreement = {0, NAN, NAN, NAN, NAN, NAN};
    double sum = 0.0, absolute = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        double difference = predicted[i] - reference[i];
        if (!isnan(difference)) {
            agreement.count++;
            sum += difference;
            absolute += fabs(difference);
        }
    }
    if (agreement.count == 0) {
        return agreement;
    }
    agreement.bias = sum / (double)agreement.count;
    agreement.mean_absolute = absolute / (double)agreement.count;
    for (size_t i = 0; i < count; i++) {
        double difference = predicted[i] - reference[i] - agreement.bias;
        squares += isnan(difference) ? 0.0 : difference * difference;
    }
    if (agreement.count > 1) {
        agreement.sd = sqrt(squares / (double)(agreement.count - 1));
        agreement.lower = agreement.bias - 1.96 * agreement.sd;
        agreement.upper = agreement.bias + 1.96 * agreement.sd;
    }
    return agreement;
}
