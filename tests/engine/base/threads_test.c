/* The thread pool: the split, repeated calls, sleeping workers, barriers; and what limits the number of threads. */
#include <check.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "fovea/memory.h"
#include "fovea/threads.h"
#include "suite.h"
#include "temporary_folder.h"

enum { MOST_TASKS = 100, MOST_THREADS = 8 };

struct record {
    atomic_int runs[MOST_TASKS];
    size_t thread[MOST_TASKS];
};

static void note(void *context, size_t task, size_t thread) {
    struct record *record = context;
    atomic_fetch_add(&record->runs[task], 1);
    record->thread[task] = thread;
}

static void check_split(struct fv_threads *pool, size_t count, size_t tasks) {
    struct record record = {0};
    fv_threads_run(pool, note, &record, tasks);
    for (size_t task = 0; task < MOST_TASKS; task++) {
        ck_assert_int_eq(atomic_load(&record.runs[task]), task < tasks ? 1 : 0);
        if (task < tasks && tasks > 1) { /* thread t runs t*tasks/count .. (t+1)*tasks/count-1 */
            const size_t thread = record.thread[task];
            ck_assert_uint_lt(thread, count);
            ck_assert_uint_ge(task, thread * tasks / count);
            ck_assert_uint_lt(task, (thread + 1) * tasks / count);
        }
    }
}

START_TEST(every_task_runs_once_on_its_thread) {
    const size_t count = (size_t)_i, numbers[] = {0, 1, count - 1, count, count + 1, 97};
    struct fv_threads *pool = NULL;
    ck_assert_int_eq(fv_threads_create(count, &pool, NULL), FV_OK);
    ck_assert_uint_eq(fv_threads_count(pool), count);
    for (int repeat = 0; repeat < 50; repeat++) {
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            check_split(pool, count, numbers[i]);
        }
    }
    fv_threads_destroy(pool);
}
END_TEST

START_TEST(sleeping_workers_wake_up) {
    struct fv_threads *pool = NULL;
    ck_assert_int_eq(fv_threads_create(4, &pool, NULL), FV_OK);
    for (int i = 0; i < 20; i++) {
        usleep(2000); /* far beyond the time that they spin */
        check_split(pool, 4, 13);
    }
    fv_threads_destroy(pool);
}
END_TEST

static void sleep_on_last(void *context, size_t task, size_t thread) {
    note(context, task, thread);
    if (task == 1) {
        usleep(3000);
    }
}

START_TEST(the_caller_waits_for_slow_workers) {
    struct fv_threads *pool = NULL;
    ck_assert_int_eq(fv_threads_create(2, &pool, NULL), FV_OK);
    for (int i = 0; i < 10; i++) {
        struct record record = {0};
        fv_threads_run(pool, sleep_on_last, &record, 2);
        ck_assert_int_eq(atomic_load(&record.runs[1]), 1);
    }
    fv_threads_destroy(pool);
}
END_TEST

/* Steps that depend on each other: in each, a thread adds up what all threads wrote in the step before. */
struct steps {
    struct fv_threads *pool;
    size_t count;
    unsigned long long values[2][MOST_THREADS]; /* of even and odd steps, by task */
    useconds_t nap;                             /* before the barrier, of one thread a step in turn */
    atomic_int failures;                        /* Check's assertions belong to the calling thread */
};
enum { STEPS = 200, NAPS = 40 };

static void add_up(void *context, size_t task, size_t thread) {
    struct steps *steps = context;
    const size_t last = steps->nap != 0 ? NAPS : STEPS;
    unsigned long long expected = 0; /* of every thread: `count` times the step before, and 1 */
    atomic_fetch_add(&steps->failures, task != thread ? 1 : 0);
    for (size_t step = 1; step <= last; step++) {
        unsigned long long sum = 1;
        for (size_t t = 0; t < steps->count; t++) {
            sum += steps->values[(step + 1) % 2][t];
        }
        expected = expected * steps->count + 1; /* modulo 2^64, as the sum */
        atomic_fetch_add(&steps->failures, sum != expected ? 1 : 0);
        steps->values[step % 2][task] = sum;
        if (steps->nap != 0 && step % steps->count == task) {
            usleep(steps->nap);
        }
        fv_threads_barrier(steps->pool);
    }
}

static void check_steps(struct fv_threads *pool, size_t count, useconds_t nap) {
    struct steps steps = {.pool = pool, .count = count, .nap = nap};
    fv_threads_run(pool, add_up, &steps, count);
    ck_assert_int_eq(atomic_load(&steps.failures), 0);
}

START_TEST(barrier_parts_the_steps_of_all_threads) {
    const size_t count = (size_t)_i;
    struct fv_threads *pool = NULL;
    ck_assert_int_eq(fv_threads_create(count, &pool, NULL), FV_OK);
    for (int repeat = 0; repeat < 5; repeat++) {
        check_steps(pool, count, 0);
        check_split(pool, count, 13); /* calls without barriers in between */
    }
    fv_threads_destroy(pool);
}
END_TEST

START_TEST(threads_asleep_at_a_barrier_wake_up) {
    struct fv_threads *pool = NULL;
    ck_assert_int_eq(fv_threads_create(3, &pool, NULL), FV_OK);
    for (int repeat = 0; repeat < 3; repeat++) {
        check_steps(pool, 3, 1000); /* far beyond the time that they spin */
    }
    fv_threads_destroy(pool);
}
END_TEST

START_TEST(no_pool_runs_on_the_caller) {
    ck_assert_uint_eq(fv_threads_count(NULL), 1);
    check_split(NULL, 1, 17);
    check_steps(NULL, 1, 0);
    fv_threads_destroy(NULL);
}
END_TEST

START_TEST(too_many_threads_are_refused) {
    struct fv_threads *pool = NULL;
    struct fv_error error = {0};
    ck_assert_int_eq(fv_threads_create(FV_THREADS_MAX + 1, &pool, &error), FV_ERROR_ARGUMENT);
    ck_assert_ptr_null(pool);
}
END_TEST

START_TEST(exhausted_memory_is_reported) {
    struct fv_threads *pool = NULL;
    struct fv_error error = {0};
    fv_memory_fail_after(0);
    const enum fv_status status = fv_threads_create(2, &pool, &error);
    fv_memory_fail_after(-1);
    ck_assert_int_eq(status, FV_ERROR_MEMORY);
    ck_assert_ptr_null(pool);
}
END_TEST

START_TEST(affinity_limits_the_number_of_threads) {
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    ck_assert_uint_ge(fv_threads_available(), 1);
    ck_assert_uint_le(fv_threads_available(), (size_t)CPU_COUNT(&set));
    size_t first = 0;
    while (!CPU_ISSET(first, &set)) {
        first++;
    }
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    ck_assert_int_eq(sched_setaffinity(0, sizeof set, &set), 0); /* in the forked test process only */
    ck_assert_uint_eq(fv_threads_available(), 1);
}
END_TEST

/* A folder of files that look like /sys/fs/cgroup. */
static char root[TEMPORARY_FOLDER_SIZE];

static void make_root(void) {
    ck_assert(temporary_folder_make(NULL, root));
}

static void remove_root(void) {
    ck_assert(temporary_folder_remove(root));
}

static void write_file(const char *path, const char *text) {
    char full[256];
    snprintf(full, sizeof full, "%s/%s", root, path);
    FILE *file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(const char *path) {
    char full[256];
    snprintf(full, sizeof full, "%s/%s", root, path);
    ck_assert_int_eq(mkdir(full, 0700), 0);
}

static size_t limit_of(const char *membership) {
    char path[256];
    write_file("membership", membership);
    snprintf(path, sizeof path, "%s/membership", root);
    return fv_cgroup_limit(path, root);
}

START_TEST(no_control_group_is_no_limit) {
    ck_assert_uint_eq(fv_cgroup_limit("/nonexistent", root), 0);
    ck_assert_uint_eq(limit_of("0::/\n"), 0);
    ck_assert_uint_eq(limit_of("not a membership\n"), 0);
}
END_TEST

START_TEST(version_2_quota_is_rounded_up) {
    make_folder("a");
    write_file("a/cpu.max", "250000 100000\n");
    ck_assert_uint_eq(limit_of("0::/a\n"), 3);
    write_file("a/cpu.max", "max 100000\n");
    ck_assert_uint_eq(limit_of("0::/a\n"), 0);
}
END_TEST

START_TEST(the_tightest_parent_counts) {
    make_folder("a");
    make_folder("a/b");
    write_file("a/cpu.max", "100000 100000\n");
    write_file("a/b/cpu.max", "400000 100000\n");
    ck_assert_uint_eq(limit_of("0::/a/b\n"), 1);
    ck_assert_uint_eq(limit_of("0::/a/missing\n"), 1);
}
END_TEST

START_TEST(version_1_quota_counts) {
    make_folder("cpu");
    make_folder("cpu/a");
    write_file("cpu/a/cpu.cfs_quota_us", "150000\n");
    write_file("cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(limit_of("7:memory:/a\n3:cpu,cpuacct:/a\n"), 2);
    write_file("cpu/a/cpu.cfs_quota_us", "-1\n");
    ck_assert_uint_eq(limit_of("3:cpuacct,cpu:/a\n"), 0);
    ck_assert_uint_eq(limit_of("3:cpuset:/a\n"), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads");
    TCase *pool = tcase_create("pool");
    tcase_set_timeout(pool, 60);
    tcase_add_loop_test(pool, every_task_runs_once_on_its_thread, 1, MOST_THREADS + 1);
    tcase_add_test(pool, sleeping_workers_wake_up);
    tcase_add_test(pool, the_caller_waits_for_slow_workers);
    tcase_add_loop_test(pool, barrier_parts_the_steps_of_all_threads, 1, MOST_THREADS + 1);
    tcase_add_test(pool, threads_asleep_at_a_barrier_wake_up);
    tcase_add_test(pool, no_pool_runs_on_the_caller);
    tcase_add_test(pool, too_many_threads_are_refused);
    tcase_add_test(pool, exhausted_memory_is_reported);
    tcase_add_test(pool, affinity_limits_the_number_of_threads);
    suite_add_tcase(suite, pool);
    TCase *cgroup = tcase_create("cgroup");
    tcase_add_checked_fixture(cgroup, make_root, remove_root);
    tcase_add_test(cgroup, no_control_group_is_no_limit);
    tcase_add_test(cgroup, version_2_quota_is_rounded_up);
    tcase_add_test(cgroup, the_tightest_parent_counts);
    tcase_add_test(cgroup, version_1_quota_counts);
    suite_add_tcase(suite, cgroup);
    return suite_run(suite);
}
