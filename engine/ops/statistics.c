#include "ops/statistics.h"

/* Joins `count` pixels of the given mean and squares, which are NULL if they are not wanted. */
static void join(size_t count, const double *mean, const double *squares, struct fv_moments *moments) {
    const double before = (double)moments->pixels, part = (double)count / (before + (double)count);
    for (size_t lane = 0; lane < FV_MAX_WIDTH; lane++) {
        const double distance = mean[lane] - moments->mean[lane];
        moments->mean[lane] += distance * part;
        if (squares != NULL) {
            moments->squares[lane] += squares[lane] + distance * distance * before * part;
        }
    }
    moments->pixels += count;
}

void fv_moments_add(const struct fv_context *context, enum fv_gather gather, const float *pixels, size_t count,
                    struct fv_moments *moments) {
    float mean[FV_MAX_WIDTH] = {0}, variance[FV_MAX_WIDTH] = {0};
    double wide_mean[FV_MAX_WIDTH], squares[FV_MAX_WIDTH];
    if (count == 0) {
        return;
    }
    if (gather == FV_GATHER_MEAN) {
        context->kernels->mean(pixels, count, mean);
    } else {
        context->kernels->moments(pixels, count, mean, variance);
    }
    for (size_t lane = 0; lane < FV_MAX_WIDTH; lane++) {
        wide_mean[lane] = mean[lane];
        squares[lane] = (double)variance[lane] * (double)count;
    }
    join(count, wide_mean, gather == FV_GATHER_MEAN ? NULL : squares, moments);
}

void fv_statistics_keep(const struct fv_context *context, const struct fv_node *node, size_t block, size_t piece,
                        const struct fv_moments *moments) {
    const struct fv_statistics *statistics = context->views[node->output].statistics;
    statistics->moments[block * statistics->pieces + piece] = *moments;
}

void fv_statistics_gather_run(const struct fv_context *context, const struct fv_node *node, size_t block, size_t piece,
                              size_t first, size_t count) {
    struct fv_moments moments = {.pixels = 0};
    if (node->gather != FV_GATHER_NOTHING) {
        fv_moments_add(context, node->gather,
                       context->views[node->output].block[block] + first * context->kernels->width, count, &moments);
        fv_statistics_keep(context, node, block, piece, &moments);
    }
}

struct fv_moments fv_statistics_total(const struct fv_statistics *statistics, size_t block) {
    struct fv_moments total = {.pixels = 0};
    for (size_t piece = 0; piece < statistics->pieces; piece++) {
        const struct fv_moments *moments = &statistics->moments[block * statistics->pieces + piece];
        if (moments->pixels > 0) {
            join(moments->pixels, moments->mean, moments->squares, &total);
        }
    }
    return total;
}
