/* A run that ends at any of its calls that change files: killed before it, killed in the midst of a write, the disk
 * full from it on, or the call failing. Then the same command must go on and come to the same bytes as a run that was
 * never disturbed, with nothing else in its folder.
 *
 * FOVEA_KILL_STRIDE=N tries every N-th call, 1 all of them; without it only some are tried. */
#include <check.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "support.h"

extern char **environ;

enum { IMAGES = 4, WORDS = 24 };

static const char *folder; /* of the test */

static const char *place(const char *name) {
    return support_path(folder, name);
}

/* Runs the program with the words; `log` receives what it prints. Returns the exit status, or 128 and the signal. */
static int run(const char *const *words, const char *log) {
    posix_spawn_file_actions_t actions;
    pid_t process;
    int status = -1;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    ck_assert_int_eq(posix_spawn(&process, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The same with the shim doing `mode` at call `at`; NULL: only counting. */
static int run_disturbed(const char *const *words, const char *mode, long at) {
    char number[32];
    snprintf(number, sizeof number, "%ld", at);
    setenv("LD_PRELOAD", FOVEA_SHIM_PATH, 1);
    if (mode != NULL) {
        setenv("FOVEA_SHIM", mode, 1);
        setenv("FOVEA_SHIM_AT", number, 1);
    } else {
        setenv("FOVEA_SHIM_COUNT", place("count"), 1);
    }
    const int status = run(words, place("log"));
    unsetenv("LD_PRELOAD");
    unsetenv("FOVEA_SHIM");
    unsetenv("FOVEA_SHIM_AT");
    unsetenv("FOVEA_SHIM_COUNT");
    return status;
}

static void shell(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
static void shell(const char *format, ...) {
    char command[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    const char *const words[] = {"/bin/sh", "-c", command, NULL};
    ck_assert_msg(run(words, place("shell.log")) == 0, "%s: see %s", command, place("shell.log"));
}

/* A command that is disturbed, and the folder that it makes. */
struct command {
    const char *words[WORDS];
    int status; /* of an undisturbed run */
};

static struct command commands[3];

/* Images of which one is broken, masks with their images, a segmenter that is fast and wrong, and undisturbed runs. */
static void make_scene(void) {
    folder = support_make_folder();
    shell(
        "cd '%s' && '%s' unet_two_poolings -o model.gguf && '%s' phantom --count %d --seed 3 --size 128 -o phantoms && "
        "cp phantoms/truth/phantom_0001.png phantoms/truth/phantom_0002.tif && cp -r phantoms/images pictures && "
        "cp pictures/phantom_0001.png pictures/phantom_0002.tif && echo x >phantoms/images/broken.png && "
        "mkdir phantoms/images/sub && mv phantoms/images/phantom_0002.png \"phantoms/images/sub/a 'b' \"",
        folder, FOVEA_RANDOM_MODEL, FOVEA_PROGRAM, IMAGES);
    static char images[4096], masks[4096], pictures[4096], model[4096];
    snprintf(images, sizeof images, "%s/phantoms/images", folder);
    snprintf(masks, sizeof masks, "%s/phantoms/truth", folder);
    snprintf(pictures, sizeof pictures, "%s/pictures", folder);
    snprintf(model, sizeof model, "%s/model.gguf", folder);
    static char output[4096];
    snprintf(output, sizeof output, "%s/out", folder);
    commands[0] = (struct command){{FOVEA_PROGRAM, "segment", "--fov", "3", "--layer", "superficial", "--tta", "off",
                                    "--threads", "1", "--models", model, "-o", output, images},
                                   1};
    commands[1] =
        (struct command){{FOVEA_PROGRAM, "measure", "--fov", "3", "--images", pictures, "-o", output, masks}, 0};
    static char joined[4096];
    snprintf(joined, sizeof joined, "%s/joined", folder);
    commands[2] = (struct command){{FOVEA_PROGRAM, "merge", "-o", output, joined}, 1};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        ck_assert_int_eq(run_disturbed(commands[i].words, NULL, 0), commands[i].status);
        if (i == 0) {
            shell("cd '%s' && cp -r out joined", folder);
        }
        shell("cd '%s' && mv out right%zu && cp count count%zu && rm -f right%zu/fovea.sqlite", folder, i, i, i);
    }
}

/* How many calls the undisturbed run made. */
static long count_calls(size_t command) {
    char name[32];
    long calls = 0;
    snprintf(name, sizeof name, "count%zu", command);
    FILE *file = fopen(place(name), "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld", &calls), 1);
    fclose(file);
    ck_assert_int_gt(calls, 20);
    return calls;
}

/* The command goes on and comes to the same. */
static void expect_right(size_t command, const char *mode, long at) {
    const int status = run(commands[command].words, place("log"));
    ck_assert_msg(status == commands[command].status, "%s at call %ld, then again: exit status %d, see %s", mode, at,
                  status, place("log"));
    shell("cd '%s' && echo %s at call %ld >&2 && cp -r out seen && rm seen/fovea.sqlite && diff -r right%zu seen && "
          "rm -rf seen",
          folder, mode, at, command);
}

/* Whether the process has ended as it must; how many calls a run makes depends a little on time. */
static bool is_expected(size_t command, const char *mode, int status) {
    if (strcmp(mode, "kill") == 0 || strcmp(mode, "tear") == 0) {
        return status == 128 + SIGKILL || status == commands[command].status;
    }
    /* What cannot be written is an error; what does not matter, as the number of the process in the lock, is none. */
    return status == 4 || status == commands[command].status;
}

static void try_all(size_t command, const char *mode, long first, long stride) {
    const long calls = count_calls(command);
    size_t tried = 0, stopped = 0;
    for (long at = first; at <= calls; at += stride) {
        shell("rm -rf '%s/out'", folder);
        const int status = run_disturbed(commands[command].words, mode, at);
        ck_assert_msg(is_expected(command, mode, status), "%s at call %ld: exit status %d, see %s", mode, at, status,
                      place("log"));
        tried++;
        stopped += status != commands[command].status;
        if (at % 2 == 0) { /* stopped once more, a little later */
            run_disturbed(commands[command].words, mode, at / 3 + 2);
        }
        expect_right(command, mode, at);
    }
    printf("%s: %zu of %zu runs of fovea %s were stopped\n", mode, stopped, tried, commands[command].words[1]);
    ck_assert_uint_ge(4 * stopped, tried); /* one failure alone is often got over */
}

/* Strides for fovea segment, measure and merge; 0: not tried, since the other command shows as much. */
static const struct {
    const char *name;
    long strides[3];
} modes[] = {{"kill", {67, 23, 17}}, {"tear", {0, 29, 31}}, {"full", {83, 31, 29}}, {"error", {0, 37, 0}}};

START_TEST(stopped_anywhere_it_goes_on) {
    const char *wanted = getenv("FOVEA_KILL_STRIDE");
    const long given = wanted != NULL ? strtol(wanted, NULL, 10) : 0;
    make_scene();
    for (size_t command = 0; command < sizeof commands / sizeof *commands; command++) {
        const long stride = given > 0 ? given : modes[_i].strides[command];
        if (stride > 0) {
            try_all(command, modes[_i].name, given == 1 ? 1 : 1 + (7 * _i + 5) % stride, stride);
        }
    }
    support_remove_folder(folder);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kill");
    TCase *tests = tcase_create("kill");
    tcase_add_loop_test(tests, stopped_anywhere_it_goes_on, 0, (int)(sizeof modes / sizeof *modes));
    tcase_set_timeout(tests, 3600);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
