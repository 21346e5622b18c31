/* bench: how fast a model runs here, as a share of what the machine can do. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/statistics.h"
#include "base/tuning.h"
#include "bench_profile.h"
#include "commands.h"
#include "fovea/machine.h"
#include "fovea/memory.h"
#include "fovea/nets.h"
#include "fovea/npy.h"
#include "fovea/session.h"
#include "fovea/text.h"
#include "options.h"

enum { REPEATS_LEAST = 3, REPEATS_MOST = 1000, SIZE_LIMIT = 8192 };

static const double DEFAULT_SECONDS = 3, MOST_SECONDS = 3600; /* of timing, if --repeat does not say otherwise */
static const double PEAK_SECONDS = 0.5;

struct request {
    size_t threads, size, repeat;
    double seconds;    /* of timing without `repeat` */
    const char *input; /* an array; NULL: numbers without meaning */
    bool json, profile;
    struct fovea_planning planning;
};

/* What was measured. */
struct figures {
    double median, least, tenth, nine_tenths; /* seconds a pass */
    double ready;                             /* from opening the model to the end of the first pass, less one pass */
    double *passes;                           /* seconds of each, sorted; REPEATS_MOST of them have room */
    size_t repeats;
    size_t threads;
    double gflops, share; /* of all threads' peak */
    struct fv_machine_peak peak;
    struct fovea_profile *profile; /* NULL unless asked for */
    size_t peak_rss;               /* bytes */
    struct fv_session_info info;
    struct fv_shape input;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The most memory that this process has held so far, in bytes; 0 where the system does not tell. */
static size_t peak_resident(void) {
    FILE *file = fopen("/proc/self/status", "re");
    size_t kilobytes = 0;
    char line[256];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kilobytes = strtoul(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kilobytes * 1024;
}

/* Repeatable numbers of about the spread of a normalised image. */
static void fill(float *values, size_t count) {
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) * (3.0f / 8388608.0f) - 3.0f;
    }
}

/* Times passes: one to warm up, which ends what `opened` began, then `repeat`, or what fits into `seconds`. */
static void time_passes(struct fv_session *session, const float *input, float *output, const struct request *request,
                        double opened, struct figures *figures) {
    const size_t repeat = request->repeat;
    double *seconds = figures->passes;
    fv_session_run(session, input, output);
    double begin = now();
    size_t done = 0;
    while (done < REPEATS_MOST &&
           (repeat > 0 ? done < repeat : done < REPEATS_LEAST || now() - begin < request->seconds)) {
        double start = now();
        fv_session_run(session, input, output);
        seconds[done] = now() - start;
        if (figures->profile != NULL) {
            fovea_profile_add(figures->profile, seconds[done]);
        }
        done++;
    }
    fovea_sort_numbers(seconds, done);
    figures->repeats = done;
    figures->least = seconds[0];
    figures->tenth = fovea_quantile(seconds, done, 0.1);
    figures->median = fovea_quantile(seconds, done, 0.5);
    figures->nine_tenths = fovea_quantile(seconds, done, 0.9);
    figures->ready = begin - opened - figures->median;
}

/* The array in the file at `path`, which must be of the shape that the net takes. */
static enum fv_status read_input(const char *path, struct fv_shape shape, struct fv_npy *array,
                                 struct fv_error *error) {
    enum fv_status status = fv_npy_read(path, array, error);
    if (status != FV_OK) {
        return status;
    }
    const size_t *last = array->rank >= 3 ? array->shape + array->rank - 3 : array->shape;
    if (array->rank < 3 || array->elements != shape.channels * shape.height * shape.width ||
        last[0] != shape.channels || last[1] != shape.height || last[2] != shape.width) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: %zu numbers in %u dimensions, expected [1, %zu, %zu, %zu]",
                            path, array->elements, (unsigned)array->rank, shape.channels, shape.height, shape.width);
    }
    return FV_OK;
}

/* Times the session on the array that is asked for; `seconds` is how long opening and planning took so far, reading
 * the input excluded. */
static enum fv_status time_session(struct fv_session *session, const struct request *request, double seconds,
                                   struct figures *figures, struct fv_error *error) {
    struct fv_shape shape = fv_session_output_shape(session);
    size_t from = figures->input.channels * figures->input.height * figures->input.width;
    struct fv_npy array = {0};
    float *numbers = NULL;
    float *output = fv_allocate(shape.channels * shape.height * shape.width, sizeof *output);
    enum fv_status status = FV_OK;
    if (request->input != NULL) {
        status = read_input(request->input, figures->input, &array, error);
    } else if ((numbers = fv_allocate(from, sizeof *numbers)) != NULL) {
        fill(numbers, from);
    }
    const float *input = request->input != NULL ? array.values : numbers;
    if (status == FV_OK && (input == NULL || output == NULL)) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "the benchmark's input and output: out of memory");
    }
    if (status == FV_OK) {
        time_passes(session, input, output, request, now() - seconds, figures);
        figures->peak_rss = peak_resident();
    }
    fv_npy_clear(&array);
    fv_release(numbers);
    fv_release(output);
    return status;
}

/* Times the session, and then the yardstick, which takes memory of its own. */
static enum fv_status measure(struct fv_session *session, const struct request *request, double seconds,
                              struct figures *figures, struct fv_error *error) {
    figures->info = fv_session_info(session);
    figures->input = fv_session_input_shape(session);
    enum fv_status status = FV_OK;
    if (request->profile) {
        const size_t passes = request->repeat > 0 ? request->repeat : REPEATS_MOST;
        status = fovea_profile_create(session, passes, &figures->profile, error);
    }
    if (status == FV_OK) {
        status = time_session(session, request, seconds, figures, error);
    }
    if (status == FV_OK) {
        status = fv_machine_measure(figures->info.isa, PEAK_SECONDS, &figures->peak, error);
    }
    if (status == FV_OK) {
        figures->gflops = 2 * figures->info.multiply_adds / figures->median * 1e-9;
        figures->share = figures->gflops * 1e9 / (figures->peak.flops * (double)figures->threads);
    }
    if (status == FV_OK && figures->profile != NULL) {
        fovea_profile_finish(figures->profile, figures->peak.flops * (double)figures->threads);
    }
    return status;
}

static void print_text(const char *model, const struct figures *figures) {
    printf("model          %s\n", model);
    printf("input          %zu x %zu x %zu\n", figures->input.channels, figures->input.height, figures->input.width);
    printf("isa, threads   %s, %zu\n", fv_isa_name(figures->info.isa), figures->threads);
    printf("median, least  %.3f ms, %.3f ms over %zu passes\n", figures->median * 1e3, figures->least * 1e3,
           figures->repeats);
    printf("10 %%, 90 %%     %.3f ms, %.3f ms\n", figures->tenth * 1e3, figures->nine_tenths * 1e3);
    printf("time to ready  %.3f ms, from opening the model to the end of the first pass, less one pass\n",
           figures->ready * 1e3);
    printf("speed          %.2f GFLOP/s, %.1f %% of the measured peak\n", figures->gflops, 100 * figures->share);
    printf("peak, a core   %.2f GFLOP/s, %.2f GB/s\n", figures->peak.flops * 1e-9,
           figures->peak.bytes_per_second * 1e-9);
    printf("memory         %.1f MB at most; weights %.1f MB, arena %.1f MB, scratch %.1f MB\n",
           (double)figures->peak_rss * 1e-6, (double)figures->info.weight_bytes * 1e-6,
           (double)figures->info.arena_bytes * 1e-6, (double)figures->info.scratch_bytes * 1e-6);
}

static enum fv_status print_json(const char *model, const struct figures *figures, struct fv_error *error) {
    cJSON *object = cJSON_CreateObject();
    const struct {
        const char *key;
        double number;
    } numbers[] = {
        {"median_s", figures->median},
        {"min_s", figures->least},
        {"p10_s", figures->tenth},
        {"p90_s", figures->nine_tenths},
        {"ready_s", figures->ready},
        {"repeats", (double)figures->repeats},
        {"threads", (double)figures->threads},
        {"gflops", figures->gflops},
        {"share_of_peak", figures->share},
        {"peak_gflops_per_core", figures->peak.flops * 1e-9},
        {"read_gb_per_s_per_core", figures->peak.bytes_per_second * 1e-9},
        {"multiply_adds", figures->info.multiply_adds},
        {"peak_rss_bytes", (double)figures->peak_rss},
        {"weight_bytes", (double)figures->info.weight_bytes},
        {"arena_bytes", (double)figures->info.arena_bytes},
        {"scratch_bytes", (double)figures->info.scratch_bytes},
        {"input_channels", (double)figures->input.channels},
        {"input_height", (double)figures->input.height},
        {"input_width", (double)figures->input.width},
    };
    cJSON_AddStringToObject(object, "model", model);
    cJSON_AddStringToObject(object, "isa", fv_isa_name(figures->info.isa));
    cJSON_AddStringToObject(object, "version", FOVEA_VERSION);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cJSON_AddNumberToObject(object, numbers[i].key, numbers[i].number);
    }
    cJSON_AddItemToObject(object, "passes_s", cJSON_CreateDoubleArray(figures->passes, (int)figures->repeats));
    const bool complete = figures->profile == NULL || fovea_profile_add_json(figures->profile, object);
    char *text = complete ? cJSON_Print(object) : NULL;
    cJSON_Delete(object);
    if (text == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "printing the figures: out of memory");
    }
    puts(text);
    cJSON_free(text);
    return FV_OK;
}

/* Plans the net for the size that is asked for. */
static enum fv_status make_session(const struct fv_model *model, struct fv_threads *threads,
                                   const struct request *request, struct fv_session **session, struct fv_error *error) {
    struct fv_net_options options = {request->size, request->size, 0};
    struct fv_graph *graph;
    enum fv_status status = fv_net_build(model, &options, &graph, error);
    if (status != FV_OK) {
        return status;
    }
    const struct fv_session_options session_options = {.threads = threads, .profile = request->profile};
    status = fovea_session_create(model, graph, &session_options, &request->planning, session, error);
    fv_graph_destroy(graph);
    return status;
}

/* Makes sure that the measurements are there before the clock runs. */
static enum fv_status measure_first(const char *path, const struct request *request, struct fv_error *error) {
    struct fv_model *model = NULL;
    struct fv_threads *threads = NULL;
    struct fv_session *session = NULL;
    enum fv_status status = fv_model_open(path, &model, error);
    status = status != FV_OK ? status : fv_threads_create(request->threads, &threads, error);
    status = status != FV_OK ? status : make_session(model, threads, request, &session, error);
    fv_session_destroy(session);
    fv_threads_destroy(threads);
    fv_model_close(model);
    return status;
}

static enum fv_status bench(const char *path, const struct request *request, struct fv_error *error) {
    static double passes[REPEATS_MOST];
    struct fv_model *model = NULL;
    struct fv_threads *threads = NULL;
    struct fv_session *session = NULL;
    struct figures figures = {.passes = passes};
    enum fv_status status = request->planning.tune ? measure_first(path, request, error) : FV_OK;
    const double start = now();
    status = status != FV_OK ? status : fv_model_open(path, &model, error);
    status = status != FV_OK ? status : fv_threads_create(request->threads, &threads, error);
    status = status != FV_OK ? status : make_session(model, threads, request, &session, error);
    const double seconds = now() - start;
    figures.threads = fv_threads_count(threads);
    status = status != FV_OK ? status : measure(session, request, seconds, &figures, error);
    const char *name = fv_path_basename(path);
    if (status == FV_OK && request->json) {
        status = print_json(name, &figures, error);
    } else if (status == FV_OK) {
        print_text(name, &figures);
        if (figures.profile != NULL) {
            fovea_profile_print(figures.profile);
        }
    }
    fovea_profile_destroy(figures.profile);
    if (session != NULL) {
        fv_session_destroy(session);
    }
    fv_threads_destroy(threads);
    fv_model_close(model);
    return status;
}

int fovea_command_bench(int count, char **arguments) {
    struct request request = {.seconds = DEFAULT_SECONDS};
    const struct fovea_option table[] = {
        {.name = "threads",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.threads,
         .value = "N",
         .low = 1,
         .high = FV_THREADS_MAX,
         .help = "default: what the machine gives"},
        {.name = "size",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.size,
         .value = "N",
         .low = 1,
         .high = SIZE_LIMIT,
         .help = "height and width of the input, for nets that take any;\ndefault: what the model says"},
        {.name = "repeat",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.repeat,
         .value = "N",
         .low = 1,
         .high = REPEATS_MOST,
         .help = "passes to time; default: what fits into --seconds, at\nleast 3"},
        {.name = "seconds",
         .kind = FOVEA_OPTION_NUMBER,
         .target = &request.seconds,
         .value = "S",
         .low = 0,
         .high = MOST_SECONDS,
         .help = "of timing, unless --repeat is given; default: 3"},
        {.name = "input",
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.input,
         .value = "IN.npy",
         .help = "the array to run the net on, as for fovea infer; default:\nnumbers without meaning"},
        {.name = "json",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.json,
         .help = "print one object with median_s, p10_s, p90_s, passes_s, ready_s,\n"
                 "peak_rss_bytes, threads, isa, gflops, share_of_peak and more"},
        {.name = "profile",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.profile,
         .help = "add where the time goes: medians by operation and by node\n(ms, share of the pass, GFLOP/s, share of "
                 "the peak, GB/s),\n"
                 "and the sum that makes a pass"},
        {.name = "exact",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.planning.exact,
         .help = "direct sums for all convolutions, no Winograd transforms"},
        {.name = "tune",
         .kind = FOVEA_OPTION_FLAG,
         .target = &request.planning.tune,
         .help = "choose each layer's algorithm by measurements on this processor,\nwhich are made first if "
                 "MODEL.tuning.json beside the model has none"},
    };
    const struct fovea_syntax syntax = {
        .command = "bench",
        .operands = "MODEL.gguf",
        .least = 1,
        .most = 1,
        .summary = "Times one pass of a model (of an ensemble: of its first member) on numbers without meaning, and\n"
                   "measures in the same run what the machine can do at most.",
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .details = "Exit status: 0 done, 2 wrong usage, 4 the model cannot be used.",
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    struct fv_error error;
    if (bench(arguments[1], &request, &error) != FV_OK) {
        fprintf(stderr, "fovea bench: %s\n", error.message);
        return FOVEA_EXIT_UNUSABLE;
    }
    return FOVEA_EXIT_DONE;
}
