#include "store/plan.h"

#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "scan/columns.h"
#include "store/lock.h"
#include "store/private.h"

/* Where the comparison is. */
struct comparison {
    struct fovea_store *store;
    const char *output;
    const struct fovea_inputs *inputs;
    size_t next; /* the first input that no row was compared with */
    struct fovea_plan *plan;
};

void fovea_plan_release(struct fovea_plan *plan) {
    fv_release(plan->fates);
    fv_release((void *)(uintptr_t)plan->reasons);
    fv_pool_clear(&plan->texts);
    fv_release(plan->vanished);
    fv_release(plan->vanished_name);
    fv_release(plan->removed);
    *plan = (struct fovea_plan){0};
}

static enum fv_status out_of_memory(const char *name, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
}

static bool add_id(long long **ids, size_t *count, size_t *capacity, long long id) {
    if (*count == *capacity) {
        const size_t grown = *capacity == 0 ? 16 : 2 * *capacity;
        long long *larger = fv_reallocate(*ids, *capacity, grown, sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        *ids = larger;
        *capacity = grown;
    }
    (*ids)[(*count)++] = id;
    return true;
}

/* Settles the fate of an input. `reason` may be NULL. */
static enum fv_status settle(struct fovea_plan *plan, size_t input, enum fovea_fate fate, const char *reason,
                             struct fv_error *error) {
    if (fate == FOVEA_FATE_CHANGED && plan->counts[FOVEA_FATE_CHANGED] == 0) {
        plan->changed = input;
    }
    plan->fates[input] = (unsigned char)fate;
    plan->counts[fate]++;
    if (reason != NULL) {
        plan->reasons[input] = fv_pool_text(&plan->texts, reason, strlen(reason));
        if (plan->reasons[input] == NULL) {
            return out_of_memory(reason, error);
        }
    }
    return FV_OK;
}

/* Looks for the files of an image where they belong, and where they may still wait. */
struct look {
    const struct comparison *comparison;
    long long staged;
    char missing[FV_MESSAGE_SIZE]; /* the first that is nowhere; "": none */
};

static enum fv_status look_for(void *visitor, const char *kind, const char *path, struct fv_error *error) {
    struct look *look = visitor;
    char *place = fv_text_format("%s/%s", look->comparison->output, path);
    char *waiting = fv_text_format("%s/" FOVEA_WORK_FOLDER "/%lld.%s", look->comparison->output, look->staged, kind);
    enum fv_status status = place == NULL || waiting == NULL ? out_of_memory(path, error) : FV_OK;
    if (status == FV_OK && look->missing[0] == '\0' && access(place, F_OK) != 0 &&
        (look->staged == 0 || access(waiting, F_OK) != 0)) {
        fv_release(place);
        place = fv_text_format("%s is gone", path);
        strncpy(look->missing, place != NULL ? place : "a file is gone", sizeof look->missing - 1);
    }
    fv_release(place);
    fv_release(waiting);
    return status;
}

static enum fv_status find_staged(struct fovea_store *store, long long id, long long *staged, struct fv_error *error) {
    sqlite3_stmt *statement;
    bool row = false;
    enum fv_status status = fovea_store_statement(store, FOVEA_STATEMENT_STAGED, &statement, error);
    *staged = 0;
    if (status == FV_OK) {
        sqlite3_bind_int64(statement, 1, id);
        status = fovea_database_step(&store->database, statement, &row, error);
        *staged = row ? sqlite3_column_int64(statement, 0) : 0;
        sqlite3_reset(statement);
    }
    return status;
}

static bool same_text(const char *left, const char *right) {
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

/* The SHA-256 of a file as it is; "": it cannot be read. Fails for want of memory only. */
static enum fv_status read_digest(const char *path, char digest[FOVEA_DIGEST_SIZE], struct fv_error *error) {
    struct fv_error reason;
    const enum fv_status status = fovea_file_digest(path, digest, &reason);
    if (status == FV_ERROR_MEMORY) {
        return fv_error_set(error, status, "%s", reason.message);
    }
    if (status != FV_OK) {
        digest[0] = '\0';
    }
    return FV_OK;
}

/* Whether the fingerprint `known`, which may be NULL, is that of `scan`. */
static enum fv_status compare_scan(const struct fovea_scan *scan, const char *known, bool *same,
                                   struct fv_error *error) {
    struct fovea_buffer text = {0};
    fovea_scan_fingerprint(scan, &text);
    const enum fv_status status = text.failed ? out_of_memory("a scan", error) : FV_OK;
    *same = status == FV_OK && known != NULL && strcmp(text.bytes, known) == 0;
    fovea_buffer_clear(&text);
    return status;
}

/* Compares the partner of a deep image with what it was; *settled: the fate of the image follows from it. */
static enum fv_status settle_partner(struct comparison *comparison, size_t index, const struct fovea_row *row,
                                     bool *settled, struct fv_error *error) {
    const struct fovea_inputs *inputs = comparison->inputs;
    const struct fovea_input *input = &inputs->items[index];
    const struct fovea_input *partner = input->partner > 0 ? &inputs->items[input->partner - 1] : NULL;
    const char *known = row->result.partner_digest;
    char digest[FOVEA_DIGEST_SIZE] = "";
    *settled = true;
    if (!same_text(partner != NULL ? partner->name : NULL, row->result.grade_partner) ||
        !same_text(input->unpaired, row->result.unpaired)) {
        return settle(comparison->plan, index, FOVEA_FATE_CHANGED,
                      "another superficial image is its partner, or there is one more or less", error);
    }
    bool same = true;
    enum fv_status status =
        partner != NULL ? compare_scan(&partner->scan, row->result.partner_fingerprint, &same, error) : FV_OK;
    if (status == FV_OK && !same) {
        return settle(comparison->plan, index, FOVEA_FATE_CHANGED,
                      "the scan of its superficial partner is not what it was", error);
    }
    status = status != FV_OK || partner == NULL ? status : read_digest(partner->path, digest, error);
    *settled = digest[0] != '\0' && strcmp(digest, known) != 0;
    if (status != FV_OK || !*settled) {
        return status;
    }
    return known[0] == '\0'
               ? settle(comparison->plan, index, FOVEA_FATE_AGAIN, "its superficial partner could not be read", error)
               : settle(comparison->plan, index, FOVEA_FATE_CHANGED,
                        "its superficial partner is not what it was: another SHA-256", error);
}

/* The input is what it was. */
static enum fv_status settle_same(struct comparison *comparison, size_t input, const struct fovea_row *row,
                                  struct fv_error *error) {
    struct look look = {.comparison = comparison};
    bool settled;
    enum fv_status status = settle_partner(comparison, input, row, &settled, error);
    if (status != FV_OK || settled) {
        return status;
    }
    if (row->result.passing) {
        return settle(comparison->plan, input, FOVEA_FATE_AGAIN,
                      row->result.state == FOVEA_STATE_FAILED
                          ? "it failed for a reason that may have passed"
                          : "its superficial partner was not graded for a reason that may have passed",
                      error);
    }
    status = find_staged(comparison->store, row->id, &look.staged, error);
    status = status != FV_OK ? status : fovea_store_each_file(comparison->store, row->id, look_for, &look, error);
    if (status != FV_OK) {
        return status;
    }
    return look.missing[0] != '\0' ? settle(comparison->plan, input, FOVEA_FATE_AGAIN, look.missing, error)
                                   : settle(comparison->plan, input, FOVEA_FATE_DONE, NULL, error);
}

/* The input's file is what it was. */
static enum fv_status settle_known(struct comparison *comparison, size_t index, const struct fovea_row *row,
                                   struct fv_error *error) {
    const struct fovea_input *input = &comparison->inputs->items[index];
    char digest[FOVEA_DIGEST_SIZE] = "";
    bool same;
    enum fv_status status = compare_scan(&input->scan, row->result.scan_fingerprint, &same, error);
    if (status != FV_OK) {
        return status;
    }
    if (!same) {
        return settle(
            comparison->plan, index, FOVEA_FATE_CHANGED,
            "its scan is not what it was: another field of view, layer, eye, axial length, page, subject or visit",
            error);
    }
    status = input->image != NULL ? read_digest(input->image, digest, error) : FV_OK;
    if (status != FV_OK) {
        return status;
    }
    return strcmp(digest, row->result.image_digest) == 0
               ? settle_same(comparison, index, row, error)
               : settle(comparison->plan, index, FOVEA_FATE_CHANGED, "its image is not what it was: another SHA-256",
                        error);
}

/* The row is that of the input. */
static enum fv_status settle_pair(struct comparison *comparison, size_t index, const struct fovea_row *row,
                                  struct fv_error *error) {
    struct fovea_plan *plan = comparison->plan;
    const struct fovea_input *input = &comparison->inputs->items[index];
    char digest[FOVEA_DIGEST_SIZE];
    if (strcmp(input->stem, row->input.stem) != 0) {
        return add_id(&plan->removed, &plan->removed_count, &plan->removed_capacity, row->id)
                   ? settle(plan, index, FOVEA_FATE_AGAIN, "its files get other names", error)
                   : out_of_memory(input->name, error);
    }
    const enum fv_status status = read_digest(input->path, digest, error);
    if (status != FV_OK) {
        return status;
    }
    if (digest[0] == '\0') {
        plan->unreadable += row->result.digest[0] != '\0';
        return settle(plan, index, FOVEA_FATE_DONE,
                      row->result.digest[0] != '\0' ? "it cannot be read any more; its results stay" : NULL, error);
    }
    if (strcmp(digest, row->result.digest) == 0) {
        return settle_known(comparison, index, row, error);
    }
    return row->result.digest[0] == '\0'
               ? settle(plan, index, FOVEA_FATE_AGAIN, "it could not be read", error)
               : settle(plan, index, FOVEA_FATE_CHANGED, "it is not what it was: another SHA-256", error);
}

static enum fv_status settle_vanished(struct fovea_plan *plan, const struct fovea_row *row, struct fv_error *error) {
    if (plan->vanished_name == NULL) {
        plan->vanished_name = fv_duplicate(row->input.name);
    }
    return plan->vanished_name != NULL &&
                   add_id(&plan->vanished, &plan->vanished_count, &plan->vanished_capacity, row->id)
               ? FV_OK
               : out_of_memory(row->input.name, error);
}

/* Rows and inputs come in the same order. */
static enum fv_status compare_row(void *visitor, struct fovea_row *row, struct fv_error *error) {
    struct comparison *comparison = visitor;
    const struct fovea_inputs *inputs = comparison->inputs;
    for (; comparison->next < inputs->count; comparison->next++) {
        const struct fovea_input *input = &inputs->items[comparison->next];
        const int order = strcmp(input->name, row->input.name);
        if (order == 0 && input->copy == row->input.copy) {
            return settle_pair(comparison, comparison->next++, row, error);
        }
        if (order > 0 || (order == 0 && input->copy > row->input.copy)) {
            break;
        }
        enum fv_status status = settle(comparison->plan, comparison->next, FOVEA_FATE_NEW, NULL, error);
        if (status != FV_OK) {
            return status;
        }
    }
    return settle_vanished(comparison->plan, row, error);
}

/* New inputs must not write to files of vanished ones. */
static enum fv_status check_outputs(const struct comparison *comparison, struct fv_error *error) {
    const struct fovea_plan *plan = comparison->plan;
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < comparison->inputs->count && plan->vanished_count > 0 && status == FV_OK; i++) {
        const struct fovea_input *input = &comparison->inputs->items[i];
        long long id = 0;
        if (plan->fates[i] == FOVEA_FATE_NEW || plan->fates[i] == FOVEA_FATE_AGAIN) {
            status = fovea_store_find_output(comparison->store, input->stem, &id, error);
        }
        for (size_t k = 0; k < plan->vanished_count && id != 0 && status == FV_OK; k++) {
            if (plan->vanished[k] == id) {
                status = fv_error_set(error, FV_ERROR_ARGUMENT,
                                      "%s: its files would have the names of those of an image that is not among the "
                                      "inputs any more (%s); choose another folder",
                                      input->name, input->stem);
            }
        }
    }
    return status;
}

enum fv_status fovea_plan_make(struct fovea_store *store, const char *output, const struct fovea_inputs *inputs,
                               struct fovea_plan *plan, struct fv_error *error) {
    *plan = (struct fovea_plan){.fates = fv_allocate_zero(inputs->count, sizeof *plan->fates),
                                .reasons = fv_allocate_zero(inputs->count, sizeof *plan->reasons)};
    struct comparison comparison = {store, output, inputs, 0, plan};
    enum fv_status status = FV_OK;
    if (plan->fates == NULL || plan->reasons == NULL) {
        status = out_of_memory("planning", error);
    } else if (store != NULL) {
        status = fovea_store_each(store, false, compare_row, &comparison, error);
    }
    for (; comparison.next < inputs->count && status == FV_OK; comparison.next++) {
        status = settle(plan, comparison.next, FOVEA_FATE_NEW, NULL, error);
    }
    status = status != FV_OK || store == NULL ? status : check_outputs(&comparison, error);
    if (status != FV_OK) {
        fovea_plan_release(plan);
    }
    return status;
}
