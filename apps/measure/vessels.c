#include "measure/vessels.h"

#include <math.h>

#include "fovea/memory.h"
#include "measure/frangi.h"
#include "measure/thin.h"

enum { STEPS = 256 };

/* Scales in mm: a capillary, as wide as the beam, to a small arteriole. */
static const double scales_mm[] = {0.008, 0.012, 0.018, 0.027};

static size_t find_best_step(const size_t counts[STEPS], size_t total, double sum) {
    size_t below = 0, best = 0;
    double sum_below = 0.0, most = -1.0;
    for (size_t k = 0; k + 1 < STEPS; k++) {
        below += counts[k];
        sum_below += (double)counts[k] * (double)k;
        size_t above = total - below;
        if (below == 0 || above == 0) {
            continue;
        }
        double apart = sum_below / (double)below - (sum - sum_below) / (double)above;
        double variance = (double)below * (double)above * apart * apart;
        if (variance > most) {
            most = variance;
            best = k;
        }
    }
    return best;
}

float fovea_otsu(const float *values, size_t count) {
    float least = values[0], most = values[0];
    for (size_t i = 1; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    if (!(most > least)) {
        return least;
    }
    size_t counts[STEPS] = {0};
    double width = ((double)most - (double)least) / STEPS, sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        size_t step = (size_t)(((double)values[i] - (double)least) / width);
        counts[step < STEPS ? step : STEPS - 1]++;
    }
    for (size_t k = 0; k < STEPS; k++) {
        sum += (double)counts[k] * (double)k;
    }
    return (float)((double)least + width * ((double)find_best_step(counts, count, sum) + 0.5));
}

static enum fv_status check(const char *name, uint32_t width, uint32_t height, double pixel_mm,
                            struct fv_error *error) {
    size_t pixels = (size_t)width * height;
    if (pixels == 0 || !(pixel_mm > 0.0) || !isfinite(pixel_mm)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: cannot map vessels in %u x %u pixels of %g mm", name, width,
                            height, pixel_mm);
    }
    double widest = scales_mm[sizeof scales_mm / sizeof *scales_mm - 1] / pixel_mm;
    if (pixels > FOVEA_VESSELS_PIXELS_MAX || widest > FOVEA_FRANGI_SIGMA_MOST) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: vessels are mapped in images of up to %d pixels of at least %g mm, found %zu of %g mm",
                            name, FOVEA_VESSELS_PIXELS_MAX,
                            scales_mm[sizeof scales_mm / sizeof *scales_mm - 1] / FOVEA_FRANGI_SIGMA_MOST, pixels,
                            pixel_mm);
    }
    return FV_OK;
}

/* The scales in pixels; those that come to the same are one. */
static void choose_scales(double pixel_mm, struct fovea_frangi *frangi) {
    for (size_t i = 0; i < sizeof scales_mm / sizeof *scales_mm; i++) {
        double sigma = fmax(scales_mm[i] / pixel_mm, 1.0);
        if (frangi->scales == 0 || sigma > frangi->sigma_px[frangi->scales - 1]) {
            frangi->sigma_px[frangi->scales++] = sigma;
        }
    }
}

/* map = 1 where the root of the vesselness is above Otsu's threshold. */
static void apply_threshold(float *vesselness, struct fovea_vessels *vessels) {
    size_t pixels = (size_t)vessels->width * vessels->height;
    for (size_t i = 0; i < pixels; i++) {
        vesselness[i] = sqrtf(vesselness[i]);
    }
    float threshold = fovea_otsu(vesselness, pixels);
    for (size_t i = 0; i < pixels; i++) {
        vessels->map[i] = vesselness[i] > threshold ? FOVEA_VESSEL_BODY : FOVEA_VESSEL_NONE;
        vessels->pixels += vessels->map[i];
    }
    vessels->threshold = (double)threshold * (double)threshold;
}

static enum fv_status add_lines(struct fovea_vessels *vessels, struct fv_error *error) {
    uint32_t width = vessels->width, height = vessels->height;
    uint8_t *lines = fv_allocate(height, width);
    enum fv_status status = lines != NULL ? fovea_thin(vessels->map, width, height, lines, error)
                                          : fv_error_set(error, FV_ERROR_MEMORY, "vessels: out of memory");
    for (uint32_t y = 0; status == FV_OK && y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            size_t i = (size_t)y * width + x;
            double length = lines[i] != 0 ? fovea_line_length(lines, width, height, x, y) : 0.0;
            vessels->length[i] = (float)length;
            vessels->length_px += length;
            vessels->map[i] = lines[i] != 0 ? FOVEA_VESSEL_LINE : vessels->map[i];
        }
    }
    fv_release(lines);
    return status;
}

enum fv_status fovea_vessels_find(const char *name, const uint8_t *image, uint32_t width, uint32_t height,
                                  double pixel_mm, struct fovea_vessels *vessels, struct fv_error *error) {
    *vessels = (struct fovea_vessels){.width = width, .height = height};
    enum fv_status status = check(name, width, height, pixel_mm, error);
    if (status != FV_OK) {
        *vessels = (struct fovea_vessels){0};
        return status;
    }
    struct fovea_frangi frangi = {.beta = 0.5};
    choose_scales(pixel_mm, &frangi);
    size_t pixels = (size_t)width * height;
    float *vesselness = fv_allocate(pixels, sizeof *vesselness);
    vessels->map = fv_allocate(pixels, 1);
    vessels->length = fv_allocate(pixels, sizeof *vessels->length);
    if (vesselness == NULL || vessels->map == NULL || vessels->length == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for vessels", name);
    }
    if (status == FV_OK) {
        status = fovea_frangi_filter(&frangi, image, width, height, vesselness, error);
    }
    if (status == FV_OK) {
        apply_threshold(vesselness, vessels);
        status = add_lines(vessels, error);
    }
    fv_release(vesselness);
    if (status != FV_OK) {
        fovea_vessels_release(vessels);
    }
    return status;
}

void fovea_vessels_release(struct fovea_vessels *vessels) {
    fv_release(vessels->map);
    fv_release(vessels->length);
    *vessels = (struct fovea_vessels){0};
}
