/* What this machine can do at most, measured: the yardstick for shares of the peak.
 *
 * Thread safety: reentrant; the figures are those of the calling thread's core, so other load lowers them. */
#ifndef FOVEA_MACHINE_H
#define FOVEA_MACHINE_H

#include "fovea/cpu.h"
#include "fovea/status.h"

struct fv_machine_peak {
    double flops;            /* float operations a second of one core: independent multiply-adds in registers */
    double bytes_per_second; /* reading memory beyond all caches with one core */
};

/* Measures for about `seconds` in all, each figure the best of many short runs.
 * Errors: FV_ERROR_UNSUPPORTED (this machine or build lacks `isa`), FV_ERROR_MEMORY. */
enum fv_status fv_machine_measure(enum fv_isa isa, double seconds, struct fv_machine_peak *peak,
                                  struct fv_error *error);

#endif
