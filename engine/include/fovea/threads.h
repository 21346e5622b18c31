/* A pool of worker threads with a fixed, static split of the work.
 *
 * A call runs tasks 0 .. tasks-1. Thread t of T runs the contiguous range [t*tasks/T, (t+1)*tasks/T); which thread runs
 * a task never changes what the task computes, so results are the same bits for any number of threads.
 *
 * Thread safety: one thread at a time may use a pool. */
#ifndef FOVEA_THREADS_H
#define FOVEA_THREADS_H

#include <stddef.h>

#include "fovea/status.h"

struct fv_threads;

enum { FV_THREADS_MAX = 256 };

/* One task: `context` as given to fv_threads_run, `task` its number, `thread` the number (0 .. count-1) of the thread
 * that runs it, for choosing scratch memory only. */
typedef void fv_task(void *context, size_t task, size_t thread);

/* The number of threads that this process may use at once: CPU affinity and cgroup quota (v1 and v2, rounded up) are
 * respected. At least 1, at most FV_THREADS_MAX. */
size_t fv_threads_available(void);

/* Creates a pool of `count` threads in all, the caller's included (0: fv_threads_available()). Workers wait for work,
 * spin for at most 50 microseconds and then sleep.
 * Errors: FV_ERROR_ARGUMENT (count above FV_THREADS_MAX), FV_ERROR_MEMORY (memory or threads exhausted). On failure
 * *threads is NULL. */
enum fv_status fv_threads_create(size_t count, struct fv_threads **threads, struct fv_error *error);

/* The number of threads, the caller's included; 1 for NULL. */
size_t fv_threads_count(const struct fv_threads *threads);

/* Runs `tasks` tasks and returns when all are done. With a NULL pool, the calling thread runs all. Never fails. Tasks
 * must not call fv_threads_run on the same pool. */
void fv_threads_run(struct fv_threads *threads, fv_task *task, void *context, size_t tasks);

/* Waits, inside a task, until every thread of the pool has called it as often: for a call of fv_threads_run with as
 * many tasks as the pool has threads, so that each runs exactly one, whose steps depend on each other. What threads
 * wrote before the barrier, all see after it. With a NULL pool or one thread it returns at once. Never fails. */
void fv_threads_barrier(struct fv_threads *threads);

/* Ends the workers and frees the pool. NULL is allowed. */
void fv_threads_destroy(struct fv_threads *threads);

#endif
