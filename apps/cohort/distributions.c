#include "cohort/distributions.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

enum { STEPS = 2 };

/* The step of Newton's method for P(x) = p; none where the density vanishes. */
static double step(double excess, double density) {
    return density > 0.0 ? excess / density : 0.0;
}

double fovea_t_two_sided(double t, double df) {
    double square = t * t; /* the smaller part of the beta variable keeps its digits */
    return isinf(square) ? 0.0
           : square < df ? gsl_cdf_beta_Q(square / (df + square), 0.5, df / 2.0)
                         : gsl_cdf_beta_P(df / (df + square), df / 2.0, 0.5);
}

double fovea_t_quantile(double p, double df) {
    double x = gsl_cdf_tdist_Pinv(p, df);
    for (int i = 0; i < STEPS; i++) {
        double tail = fovea_t_two_sided(x, df) / 2.0;
        x -= step(x > 0.0 ? (1.0 - p) - tail : tail - p, gsl_ran_tdist_pdf(x, df));
    }
    return x;
}

double fovea_f_quantile(double p, double df_above, double df_below) {
    double x = gsl_cdf_fdist_Pinv(p, df_above, df_below);
    for (int i = 0; i < STEPS; i++) {
        double excess =
            p > 0.5 ? (1.0 - p) - gsl_cdf_fdist_Q(x, df_above, df_below) : gsl_cdf_fdist_P(x, df_above, df_below) - p;
        x -= step(excess, gsl_ran_fdist_pdf(x, df_above, df_below));
    }
    return x;
}

double fovea_chi_squared_quantile(double p, double df) {
    double x = gsl_cdf_chisq_Pinv(p, df);
    for (int i = 0; i < STEPS; i++) {
        double excess = p > 0.5 ? (1.0 - p) - gsl_cdf_chisq_Q(x, df) : gsl_cdf_chisq_P(x, df) - p;
        x -= step(excess, gsl_ran_chisq_pdf(x, df));
    }
    return x;
}
