/* The pool. A call raises `generation`; every worker that sees a new generation runs its range and lowers `pending`;
 * the caller runs range 0 and waits for `pending` to reach zero. Between the steps of one call, barriers keep the
 * workers awake. All spin shortly before they sleep on a condition variable, because steps follow each other within
 * microseconds. */
#include "fovea/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "fovea/memory.h"

enum { SPIN_NANOSECONDS = 50000, SPINS_PER_CLOCK = 64 };

struct worker {
    struct fv_threads *pool;
    size_t number;
    pthread_t thread;
};

struct fv_threads {
    size_t count;
    fv_task *task;
    void *context;
    size_t tasks;
    atomic_size_t generation, pending; /* spun on; changed under `lock` where a sleeper may wait for the change */
    atomic_size_t arrived, barriers;   /* threads at the present barrier, and barriers passed */
    bool stop, caller_sleeps;
    pthread_mutex_t lock;
    pthread_cond_t start, done, passed;
    struct worker workers[]; /* 1 .. count-1; entry 0 stands for the caller */
};

size_t fv_threads_available(void) {
    size_t count = 0;
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        count = (size_t)CPU_COUNT(&set);
    }
    const size_t quota = fv_cgroup_limit("/proc/self/cgroup", "/sys/fs/cgroup");
    if (count != 0 && quota != 0 && quota < count) {
        count = quota;
    }
#endif
    if (count == 0) {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        count = online > 0 ? (size_t)online : 1;
    }
    return count < FV_THREADS_MAX ? count : FV_THREADS_MAX;
}

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Spins while *value is `unwanted`; false if that lasted too long. */
static bool spin_while(atomic_size_t *value, size_t unwanted, bool equal) {
    const long long end = nanoseconds() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            if ((atomic_load_explicit(value, memory_order_acquire) == unwanted) != equal) {
                return true;
            }
            relax();
        }
    } while (nanoseconds() < end);
    return false;
}

static void run_range(const struct fv_threads *pool, size_t number) {
    const size_t tasks = pool->tasks, count = pool->count;
    const size_t end = (number + 1) * tasks / count;
    for (size_t task = number * tasks / count; task < end; task++) {
        pool->task(pool->context, task, number);
    }
}

/* Waits for a generation other than `seen`; false when the pool ends. */
static bool wait_for_work(struct fv_threads *pool, size_t *seen) {
    if (!spin_while(&pool->generation, *seen, true)) {
        pthread_mutex_lock(&pool->lock);
        while (atomic_load(&pool->generation) == *seen) {
            pthread_cond_wait(&pool->start, &pool->lock);
        }
        pthread_mutex_unlock(&pool->lock);
    }
    *seen = atomic_load(&pool->generation);
    return !pool->stop;
}

static void *work(void *argument) {
    const struct worker *worker = argument;
    struct fv_threads *pool = worker->pool;
    size_t seen = 0;
    while (wait_for_work(pool, &seen)) {
        run_range(pool, worker->number);
        if (atomic_fetch_sub(&pool->pending, 1) == 1) {
            pthread_mutex_lock(&pool->lock);
            if (pool->caller_sleeps) {
                pthread_cond_signal(&pool->done);
            }
            pthread_mutex_unlock(&pool->lock);
        }
    }
    return NULL;
}

/* Publishes what the caller has written into the pool, and wakes the sleepers. */
static void raise_generation(struct fv_threads *pool) {
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->generation, 1);
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
}

static void wait_for_workers(struct fv_threads *pool) {
    if (spin_while(&pool->pending, 0, false)) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->caller_sleeps = true;
    while (atomic_load(&pool->pending) != 0) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    pool->caller_sleeps = false;
    pthread_mutex_unlock(&pool->lock);
}

void fv_threads_run(struct fv_threads *threads, fv_task *task, void *context, size_t tasks) {
    if (threads == NULL || threads->count == 1 || tasks <= 1) {
        for (size_t i = 0; i < tasks; i++) {
            task(context, i, 0);
        }
        return;
    }
    threads->task = task;
    threads->context = context;
    threads->tasks = tasks;
    atomic_store(&threads->pending, threads->count - 1);
    raise_generation(threads);
    run_range(threads, 0);
    wait_for_workers(threads);
}

void fv_threads_barrier(struct fv_threads *threads) {
    if (threads == NULL || threads->count == 1) {
        return;
    }
    const size_t number = atomic_load(&threads->barriers);
    if (atomic_fetch_add(&threads->arrived, 1) + 1 == threads->count) {
        atomic_store(&threads->arrived, 0);
        pthread_mutex_lock(&threads->lock);
        atomic_fetch_add(&threads->barriers, 1);
        pthread_cond_broadcast(&threads->passed);
        pthread_mutex_unlock(&threads->lock);
    } else if (!spin_while(&threads->barriers, number, true)) {
        pthread_mutex_lock(&threads->lock);
        while (atomic_load(&threads->barriers) == number) {
            pthread_cond_wait(&threads->passed, &threads->lock);
        }
        pthread_mutex_unlock(&threads->lock);
    }
}

size_t fv_threads_count(const struct fv_threads *threads) {
    return threads != NULL ? threads->count : 1;
}

void fv_threads_destroy(struct fv_threads *threads) {
    if (threads == NULL) {
        return;
    }
    threads->stop = true;
    raise_generation(threads);
    for (size_t i = 1; i < threads->count; i++) {
        pthread_join(threads->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&threads->done);
    pthread_cond_destroy(&threads->passed);
    pthread_cond_destroy(&threads->start);
    pthread_mutex_destroy(&threads->lock);
    fv_release(threads);
}

enum fv_status fv_threads_create(size_t count, struct fv_threads **threads, struct fv_error *error) {
    *threads = NULL;
    if (count > FV_THREADS_MAX) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%zu threads asked for, at most %d are possible", count,
                            (int)FV_THREADS_MAX);
    }
    if (count == 0) {
        count = fv_threads_available();
    }
    struct fv_threads *pool = fv_allocate_zero(1, sizeof *pool + count * sizeof pool->workers[0]);
    if (pool == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "no memory for a pool of %zu threads", count);
    }
    pthread_mutex_init(&pool->lock, NULL); /* default attributes: cannot fail on Linux */
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->done, NULL);
    pthread_cond_init(&pool->passed, NULL);
    for (pool->count = 1; pool->count < count; pool->count++) {
        struct worker *worker = &pool->workers[pool->count];
        worker->pool = pool;
        worker->number = pool->count;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            const size_t started = pool->count;
            fv_threads_destroy(pool);
            return fv_error_set(error, FV_ERROR_MEMORY, "the system gives only %zu of %zu threads", started, count);
        }
    }
    *threads = pool;
    return FV_OK;
}
