/* Mean and variance of every channel of a value, gathered by the tasks that write it while what they wrote is in the
 * second-level cache, so that instance norm and global mean need not read the whole map for them.
 *
 * A plane block's pixels are cut into pieces, by shape alone; one task gathers a piece. Pieces are joined in their
 * order, so the totals are the same for any number of threads. */
#ifndef FOVEA_OPS_STATISTICS_H
#define FOVEA_OPS_STATISTICS_H

#include "kernels/kernels.h"
#include "ops/operator.h"

/* Of one plane block's pixels so far: per lane the mean, and the sum of squared distances from it. */
struct fv_moments {
    double mean[FV_MAX_WIDTH], squares[FV_MAX_WIDTH];
    size_t pixels;
};

struct fv_statistics {
    size_t pieces;              /* of each block */
    struct fv_moments *moments; /* [blocks][pieces] */
};

/* Joins `count` consecutive pixels to the moments (of FV_GATHER_MEAN the mean alone: squares stay 0), the kernels'
 * float results in double (Chan, Golub and LeVeque 1983, eq. 2.1). */
void fv_moments_add(const struct fv_context *context, enum fv_gather gather, const float *pixels, size_t count,
                    struct fv_moments *moments);

/* Keeps what a task gathered of the piece of a block of the node's output, which gathers. */
void fv_statistics_keep(const struct fv_context *context, const struct fv_node *node, size_t block, size_t piece,
                        const struct fv_moments *moments);

/* Gathers and keeps `count` consecutive pixels from number `first` on that are all of the piece; nothing if the node
 * gathers nothing. */
void fv_statistics_gather_run(const struct fv_context *context, const struct fv_node *node, size_t block, size_t piece,
                              size_t first, size_t count);

/* All pieces of a block. */
struct fv_moments fv_statistics_total(const struct fv_statistics *statistics, size_t block);

#endif
