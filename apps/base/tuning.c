#include "base/tuning.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/json_document.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"

#define ABOUT "How long layers took with each algorithm of Fovea's engine (--tune). Delete this file to measure anew."

static const double TUNE_SECONDS = 2; /* for each algorithm */

/* What the measurements hold for, which the caller frees. */
static enum fv_status make_key(const struct fv_model *model, const struct fv_graph *graph, char **key,
                               struct fv_error *error) {
    char digest[FOVEA_DIGEST_SIZE], processor[FV_CPU_NAME_SIZE];
    enum fv_isa isa;
    enum fv_status status = fovea_file_digest(fv_model_path(model), digest, error);
    status = status != FV_OK ? status : fv_isa_select(&isa, error);
    if (status != FV_OK) {
        return status;
    }
    fv_cpu_name(processor);
    const struct fv_caches caches = fv_cpu_caches();
    const struct fv_shape input = fv_graph_input_shape(graph);
    *key = fv_text_format("%s, %s, caches %zu %zu %zu, input %zu x %zu, fovea " FOVEA_VERSION ", model %s", processor,
                          fv_isa_name(isa), caches.level1, caches.level2, caches.level3, input.height, input.width,
                          digest);
    return *key != NULL ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(model));
}

/* Begins with the file's document, or an empty one if there is no file; what is wrong with the file is an error. */
static enum fv_status read_document(const char *path, struct fovea_json *document, struct fv_error *error) {
    struct fv_mapping file = {0};
    fovea_json_begin(document);
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        fovea_json_string(document, document->root, "about", ABOUT);
        fovea_json_array(document, document->root, "entries");
        return FV_OK;
    }
    const enum fv_status status = fv_file_map(path, &file, error);
    if (status != FV_OK) {
        return status;
    }
    cJSON_Delete(document->root);
    document->root = cJSON_ParseWithLength((const char *)file.bytes, file.size);
    fv_file_unmap(&file);
    return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(document->root, "entries"))
               ? FV_OK
               : fv_error_set(error, FV_ERROR_FORMAT,
                              "%s: expected a JSON object with a list of entries, as --tune writes it", path);
}

/* The entry of that key, or NULL. */
static const cJSON *find_entry(const struct fovea_json *document, const char *key) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(document->root, "entries")) {
        const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "for"));
        if (found != NULL && strcmp(found, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

static enum fv_status read_layer(const char *path, const cJSON *layer, struct fv_tuning *tuning,
                                 struct fv_error *error) {
    const char *node = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "layer"));
    const char *algorithm = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "algorithm"));
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(layer, "seconds");
    if (node == NULL || algorithm == NULL || !cJSON_IsNumber(seconds) || !(seconds->valuedouble > 0)) {
        return fv_error_set(error, FV_ERROR_FORMAT,
                            "%s: measurement %zu: expected a layer, an algorithm and a positive number of seconds",
                            path, tuning->count);
    }
    struct fv_measurement *measurement = &tuning->measurements[tuning->count++];
    *measurement = (struct fv_measurement){fv_duplicate(node), fv_duplicate(algorithm), seconds->valuedouble};
    return measurement->node != NULL && measurement->algorithm != NULL
               ? FV_OK
               : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
}

static enum fv_status read_entry(const char *path, const cJSON *entry, struct fv_tuning *tuning,
                                 struct fv_error *error) {
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(entry, "layers"), *layer;
    const int count = cJSON_GetArraySize(layers);
    tuning->measurements = fv_allocate_zero((size_t)count + 1, sizeof *tuning->measurements);
    if (tuning->measurements == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    cJSON_ArrayForEach(layer, layers) {
        const enum fv_status status = read_layer(path, layer, tuning, error);
        if (status != FV_OK) {
            return status;
        }
    }
    return FV_OK;
}

static void add_entry(struct fovea_json *document, const char *key, size_t threads, const struct fv_tuning *tuning) {
    cJSON *entries = cJSON_GetObjectItemCaseSensitive(document->root, "entries");
    cJSON *entry = fovea_json_append_object(document, entries);
    fovea_json_string(document, entry, "for", key);
    fovea_json_number(document, entry, "threads", (double)threads);
    cJSON *layers = fovea_json_array(document, entry, "layers");
    for (size_t m = 0; m < tuning->count; m++) {
        cJSON *layer = fovea_json_append_object(document, layers);
        fovea_json_string(document, layer, "layer", tuning->measurements[m].node);
        fovea_json_string(document, layer, "algorithm", tuning->measurements[m].algorithm);
        fovea_json_number(document, layer, "seconds", tuning->measurements[m].seconds);
    }
}

/* Whether a file can be made or replaced there, before time is spent. */
static enum fv_status probe(const char *path, struct fv_error *error) {
    struct fv_output *output;
    const enum fv_status status = fv_output_create(path, &output, error);
    fv_output_abandon(output);
    return status;
}

/* Measures, and adds what came out to the document, which it ends if that is to be written. */
static enum fv_status measure(const char *path, struct fovea_json *document, const char *key,
                              const struct fv_graph *graph, const struct fv_session_options *options,
                              struct fv_tuning *tuning, struct fv_error *error) {
    enum fv_status status = probe(path, error);
    status = status != FV_OK ? status : fv_tune(graph, options, TUNE_SECONDS, tuning, error);
    if (status != FV_OK || tuning->count == 0) {
        return status;
    }
    add_entry(document, key, fv_threads_count(options->threads), tuning);
    status = fovea_json_end(document, path, error);
    if (status == FV_OK) {
        fprintf(stderr, "%s: %zu measurements of layers on this processor were added (--tune)\n", path, tuning->count);
    }
    return status;
}

/* The measurements of that key, from the file at `path` or made and added there. */
static enum fv_status get(const char *path, const char *key, const struct fv_graph *graph,
                          const struct fv_session_options *options, struct fv_tuning *tuning, struct fv_error *error) {
    struct fovea_json document;
    enum fv_status status = read_document(path, &document, error);
    if (status == FV_OK) {
        const cJSON *entry = find_entry(&document, key);
        status = entry != NULL ? read_entry(path, entry, tuning, error)
                               : measure(path, &document, key, graph, options, tuning, error);
    }
    fovea_json_abandon(&document);
    return status;
}

enum fv_status fovea_tuning_get(const struct fv_model *model, const struct fv_graph *graph,
                                const struct fv_session_options *options, struct fv_tuning *tuning,
                                struct fv_error *error) {
    *tuning = (struct fv_tuning){0};
    char *path = fv_text_format("%s.tuning.json", fv_model_path(model)), *key = NULL;
    enum fv_status status = path != NULL
                                ? make_key(model, graph, &key, error)
                                : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(model));
    status = status != FV_OK ? status : get(path, key, graph, options, tuning, error);
    if (status != FV_OK) {
        fv_tuning_clear(tuning);
    }
    fv_release(key);
    fv_release(path);
    return status;
}

enum fv_status fovea_session_create(const struct fv_model *model, const struct fv_graph *graph,
                                    const struct fv_session_options *options, const struct fovea_planning *planning,
                                    struct fv_session **session, struct fv_error *error) {
    struct fv_session_options planned = *options;
    struct fv_tuning tuning = {0};
    enum fv_status status = FV_OK;
    *session = NULL;
    planned.exact = planning->exact;
    if (planning->tune) {
        status = fovea_tuning_get(model, graph, &planned, &tuning, error);
        planned.measurements = tuning.measurements;
        planned.measurement_count = tuning.count;
    }
    status = status != FV_OK ? status : fv_session_create(graph, &planned, session, error);
    fv_tuning_clear(&tuning);
    return status;
}
