#include "base/portable_math.h"

#include <math.h>
#include <string.h>

static const double LN2_HIGH = 6.93147180369123816490e-01; /* its last 32 bits are zero: exact when multiplied by k */
static const double LN2_LOW = 1.90821492927058770002e-10;

static double power_of_two(int exponent) {
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double portable_exp(double x) {
    double k = floor(x / (LN2_HIGH + LN2_LOW) + 0.5);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW; /* |r| <= ln 2 / 2 */
    double term = 1.0, sum = 1.0;
    for (int n = 1; n <= 14; n++) {
        term *= r / n;
        sum += term;
    }
    return sum * power_of_two((int)k);
}

double portable_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    bits = (bits & 0x000fffffffffffffU) | 0x3ff0000000000000U;
    double mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa);
    if (mantissa > 1.4142135623730951) {
        mantissa *= 0.5;
        exponent++;
    }
    /* log m = 2 atanh((m - 1) / (m + 1)) */
    double z = (mantissa - 1.0) / (mantissa + 1.0), square = z * z, sum = 0.0;
    for (int n = 23; n >= 1; n -= 2) {
        sum = sum * square + 1.0 / n;
    }
    return 2.0 * z * sum + (exponent * LN2_LOW + exponent * LN2_HIGH);
}

/* Taylor's series of sine (first = 1) and cosine (first = 0) for |x| <= pi / 4. */
static double series(double x, int first) {
    double term = first == 1 ? x : 1.0, sum = term, square = x * x;
    for (int n = first + 1; n <= first + 17; n += 2) {
        term *= -square / (n * (n + 1));
        sum += term;
    }
    return sum;
}

static double sine_of_quadrant(double x, int offset) {
    double k = floor(x / (PORTABLE_PI / 2.0) + 0.5);
    double r = (x - k * 1.57079632673412561417e+00) - k * 6.07710050650619224932e-11; /* pi / 2 in two parts */
    int quadrant = (int)(k - 4.0 * floor(k / 4.0)) + offset;
    double value = quadrant % 2 == 0 ? series(r, 1) : series(r, 0);
    return quadrant % 4 >= 2 ? -value : value;
}

double portable_sine(double x) {
    return sine_of_quadrant(x, 0);
}

double portable_cosine(double x) {
    return sine_of_quadrant(x, 1);
}

/* atan for 0 <= x <= 1: two halvings of the angle, then the series. */
static double arc_tangent(double x) {
    x = x / (1.0 + sqrt(1.0 + x * x));
    x = x / (1.0 + sqrt(1.0 + x * x));
    double square = x * x, sum = 0.0;
    for (int n = 21; n >= 1; n -= 2) {
        sum = 1.0 / n - square * sum;
    }
    return 4.0 * x * sum;
}

double portable_angle(double y, double x) {
    double across = fabs(x), up = fabs(y);
    if (across == 0.0 && up == 0.0) {
        return 0.0;
    }
    double angle = up <= across ? arc_tangent(up / across) : PORTABLE_PI / 2.0 - arc_tangent(across / up);
    angle = x < 0.0 ? PORTABLE_PI - angle : angle;
    return y < 0.0 ? -angle : angle;
}

static uint64_t split_mix(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

void random_start(struct random *random, uint64_t seed, uint64_t index, uint64_t stage) {
    uint64_t state = seed;
    state = split_mix(&state) ^ index;
    state = split_mix(&state) ^ stage;
    for (int i = 0; i < 4; i++) {
        random->state[i] = split_mix(&state);
    }
}

static uint64_t rotate_left(uint64_t x, int count) {
    return x << count | x >> (64 - count);
}

uint64_t random_bits(struct random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_between(struct random *random, double low, double high) {
    return low + (high - low) * ((double)(random_bits(random) >> 11) / 9007199254740992.0);
}

double random_normal(struct random *random, double mean, double deviation) {
    double u, v, s;
    do {
        u = random_between(random, -1.0, 1.0);
        v = random_between(random, -1.0, 1.0);
        s = u * u + v * v;
    } while (s >= 1.0 || s < 1e-300);
    return mean + deviation * u * sqrt(-2.0 * portable_log(s) / s);
}

uint32_t random_below(struct random *random, uint32_t count) {
    return (uint32_t)(((random_bits(random) >> 32) * count) >> 32);
}

int random_chance(struct random *random, double probability) {
    return random_between(random, 0.0, 1.0) < probability;
}
