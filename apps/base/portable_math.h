/* Elementary functions and random numbers that give the same bits on every machine.
 *
 * C libraries differ in the last bits of exp, log, sin and cos, and a phantom or an augmented image must not. These use
 * only additions, multiplications, divisions and square roots, which IEEE 754 rounds in one way (build with
 * -ffp-contract=off). Their errors stay below 1e-12, relative or absolute, on the ranges named.
 *
 * Thread safety: reentrant; a generator belongs to one thread. */
#ifndef FOVEA_APPS_PORTABLE_MATH_H
#define FOVEA_APPS_PORTABLE_MATH_H

#include <stdint.h>

#define PORTABLE_PI 3.14159265358979323846

double portable_exp(double x);             /* |x| <= 700 */
double portable_log(double x);             /* x > 0 and normal */
double portable_sine(double x);            /* |x| <= 1e6 */
double portable_cosine(double x);          /* |x| <= 1e6 */
double portable_angle(double y, double x); /* atan2: in (-pi, pi]; 0 for (0, 0) */

/* xoshiro256** (Blackman and Vigna 2018), its state filled by splitmix64. */
struct random {
    uint64_t state[4];
};

/* Streams with different (seed, index, stage) are independent, so that a change in one stage of a phantom, or in the
 * number of phantoms, leaves the others as they are. */
void random_start(struct random *random, uint64_t seed, uint64_t index, uint64_t stage);

/* 64 random bits. */
uint64_t random_bits(struct random *random);

/* Uniform in [low, high), of 53 random bits. */
double random_between(struct random *random, double low, double high);

/* Normal with the given mean and standard deviation, by the polar method. */
double random_normal(struct random *random, double mean, double deviation);

/* Uniform in 0 .. count - 1; count > 0. */
uint32_t random_below(struct random *random, uint32_t count);

/* 1 with the given probability, else 0. */
int random_chance(struct random *random, double probability);

#endif
