/* Probabilities and quantiles, by GSL's incomplete beta and gamma functions.
 *
 * GSL's own function for Student's t is an expansion that errs by some 1e-10 above 30 degrees of freedom, and its
 * inverses stop at about as much: here t goes through the beta distribution, and two steps of Newton's method follow
 * each inverse. Errors are then about 1e-13. GSL's error handler must be off; NaN where GSL finds nothing.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_COHORT_DISTRIBUTIONS_H
#define FOVEA_APPS_COHORT_DISTRIBUTIONS_H

/* The probability that Student's t of `df` degrees of freedom is further from 0 than `t`. */
double fovea_t_two_sided(double t, double df);

/* The value below which Student's t of `df` degrees of freedom lies with probability `p`. */
double fovea_t_quantile(double p, double df);

/* The same of F. */
double fovea_f_quantile(double p, double df_above, double df_below);

/* The same of chi-squared. */
double fovea_chi_squared_quantile(double p, double df);

#endif
