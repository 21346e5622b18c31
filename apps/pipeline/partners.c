#include "pipeline/partners.h"

#include <string.h>

#include "base/digest.h"
#include "fovea/memory.h"
#include "image/image.h"
#include "pipeline/image_stages.h"
#include "pipeline/scan_check.h"
#include "scan/pairs.h"

enum fv_status fovea_partners_find(struct fovea_inputs *inputs, struct fv_error *error) {
    struct fovea_pair_item *items = fv_allocate(inputs->count, sizeof *items);
    struct fovea_pair *pairs = fv_allocate(inputs->count, sizeof *pairs);
    enum fv_status status = items != NULL && pairs != NULL
                                ? FV_OK
                                : fv_error_set(error, FV_ERROR_MEMORY, "%zu inputs: out of memory", inputs->count);
    for (size_t i = 0; i < inputs->count && status == FV_OK; i++) {
        items[i] = (struct fovea_pair_item){inputs->items[i].canonical, &inputs->items[i].scan};
    }
    status = status != FV_OK ? status : fovea_pairs_find(items, inputs->count, pairs, error);
    for (size_t i = 0; i < inputs->count && status == FV_OK; i++) {
        inputs->items[i].partner = pairs[i].state == FOVEA_PAIR_FOUND ? pairs[i].partner + 1 : 0;
        inputs->items[i].unpaired = pairs[i].reason;
    }
    fv_release(items);
    fv_release(pairs);
    return status;
}

/* Where the comparison with the source is; both have one order. */
struct recollection {
    struct fovea_partners *partners;
    const bool *done;
    size_t next;
};

static enum fv_status take_result(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct recollection *recollection = visitor;
    struct fovea_partners *partners = recollection->partners;
    const struct fovea_inputs *inputs = partners->inputs;
    (void)error;
    for (; recollection->next < inputs->count; recollection->next++) {
        const struct fovea_input *input = &inputs->items[recollection->next];
        const int order = strcmp(input->name, result->input->name);
        if (order > 0 || (order == 0 && input->copy > result->input->copy)) {
            break;
        }
        if (order == 0 && input->copy == result->input->copy) {
            struct fovea_partner_grade *grade = &partners->grades[recollection->next];
            grade->known = recollection->done[recollection->next] && result->graded && result->grade_partner == NULL;
            grade->grade = result->grade;
            memcpy(grade->digest, result->digest, sizeof grade->digest);
            recollection->next++;
            break;
        }
    }
    return FV_OK;
}

enum fv_status fovea_partners_open(const struct fovea_inputs *inputs, const struct fovea_result_source *source,
                                   const bool *done, struct fovea_partners *partners, struct fv_error *error) {
    *partners = (struct fovea_partners){inputs, fv_allocate_zero(inputs->count, sizeof *partners->grades)};
    if (partners->grades == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%zu inputs: out of memory", inputs->count);
    }
    struct recollection recollection = {partners, done, 0};
    enum fv_status status = source->each(source->context, false, take_result, &recollection, error);
    if (status != FV_OK) {
        fovea_partners_release(partners);
    }
    return status;
}

void fovea_partners_release(struct fovea_partners *partners) {
    fv_release(partners->grades);
    *partners = (struct fovea_partners){0};
}

const struct fovea_input *fovea_partners_input(const struct fovea_partners *partners, const struct fovea_input *input) {
    return partners != NULL && input->partner > 0 ? &partners->inputs->items[input->partner - 1] : NULL;
}

static struct fovea_partner_grade *grade_of(const struct fovea_partners *partners, const struct fovea_result *result) {
    return &partners->grades[result->input - partners->inputs->items];
}

bool fovea_partners_recall(const struct fovea_partners *partners, struct fovea_result *result) {
    const struct fovea_partner_grade *grade = partners != NULL ? grade_of(partners, result) : NULL;
    if (grade == NULL || !grade->known || grade->status != FV_OK || strcmp(grade->digest, result->digest) != 0) {
        return false;
    }
    result->grade = grade->grade;
    result->graded = true;
    return true;
}

void fovea_partners_note(struct fovea_partners *partners, const struct fovea_result *result) {
    if (partners != NULL) {
        struct fovea_partner_grade *grade = grade_of(partners, result);
        *grade = (struct fovea_partner_grade){.known = true, .grade = result->grade};
        memcpy(grade->digest, result->digest, sizeof grade->digest);
    }
}

/* Reads and grades an image. The message is of no use: what fails here says so in a row of its own. */
static enum fv_status find_out(const struct fovea_work *work, const struct fovea_input *input,
                               struct fovea_partner_grade *grade) {
    struct fovea_image image;
    struct fv_error ignored;
    enum fv_status status = fovea_file_digest(input->path, grade->digest, &ignored);
    if (status != FV_OK) {
        grade->digest[0] = '\0';
        return status;
    }
    status = fovea_scan_check_grading(work, input->name, &input->scan, &ignored);
    status = status != FV_OK ? status : fovea_image_read_grey_page(input->path, input->scan.page, &image, &ignored);
    if (status == FV_OK) {
        fovea_progress_lap(work->progress, FOVEA_PACE_REST, 0);
        status = fovea_grader_run(work->grader, input->name, &image, &grade->grade, &ignored);
        fovea_progress_lap(work->progress, FOVEA_PACE_GRADE, 1);
        fovea_image_release(&image);
    }
    return status;
}

const struct fovea_partner_grade *fovea_partners_grade(const struct fovea_work *work, size_t index) {
    struct fovea_partner_grade *grade = &work->partners->grades[index];
    if (!grade->known) {
        grade->status = find_out(work, &work->partners->inputs->items[index], grade);
        grade->known = true;
    }
    return grade;
}
