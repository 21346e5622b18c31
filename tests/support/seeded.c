#include "seeded.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static uint64_t hash64(const char *name) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static float uniform(uint64_t hash, uint64_t index) {
    uint64_t z = hash + (index + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23F - 1.0F;
}

static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

void seeded_uniform(const char *name, size_t count, float *values) {
    const uint64_t hash = hash64(name);
    for (size_t i = 0; i < count; i++) {
        values[i] = uniform(hash, i);
    }
}

static bool begins_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* What the tensor `name` does to the variance of its input. */
static double variance_of(const char *name) {
    if (begins_with(name, "Conv2d_") || begins_with(name, "Mixed_")) {
        return 2;
    }
    if (ends_with(name, ".conv_dw.weight") || ends_with(name, "._depthwise_conv.weight")) {
        return 2.5;
    }
    if (ends_with(name, "._project_conv.weight")) {
        return 8;
    }
    if (ends_with(name, ".conv_pwl.weight") || (begins_with(name, "blocks.0.") && ends_with(name, ".conv_pw.weight"))) {
        const char *number = strchr(name + strlen("blocks."), '.');
        return number != NULL && begins_with(number, ".0.") ? 8 : 0.1;
    }
    return 1;
}

void seeded_tensor(const char *name, const size_t *shape, uint32_t rank, float *values) {
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        count *= shape[i];
    }
    float offset = 0, gain = 0.1F;
    if (ends_with(name, "relative_position_bias_table")) {
        gain = 0.5F;
    } else if (rank >= 2) {
        gain = (float)sqrt(3.0 * variance_of(name) / ((double)count / (double)shape[0]));
    } else if (ends_with(name, "running_var")) {
        offset = 1;
        gain = 0.5F;
    } else if (ends_with(name, ".weight")) {
        offset = 1;
    }
    const uint64_t hash = hash64(name);
    for (size_t i = 0; i < count; i++) {
        const float scaled = gain * uniform(hash, i);
        values[i] = offset + scaled;
    }
}

void seeded_picture(size_t count, float *values) {
    seeded_uniform("input", count, values);
}
