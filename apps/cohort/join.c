/* Images of the results find their rows in the table of subjects. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cohort/cohort.h"
#include "fovea/memory.h"
#include "fovea/names.h"

static const char separator[] = "\x1f"; /* between the parts of a key: no table holds it by accident */

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "joining the tables: out of memory");
}

/* "OD" or "OS" for the usual words, "" for a blank; NULL for anything else. */
static const char *parse_eye(const char *text) {
    static const char *const words[2][4] = {{"OD", "R", "RE", "right"}, {"OS", "L", "LE", "left"}};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < 4; i++) {
            if (strcasecmp(text, words[k][i]) == 0) {
                return words[k][0];
            }
        }
    }
    return text[0] == '\0' ? "" : NULL;
}

/* Everything that `columns` say of a row; the eye is NULL if it is none. */
static struct fovea_cohort_facts read_facts(const struct fovea_table *table, size_t row,
                                            const struct fovea_cohort_columns *columns) {
    return (struct fovea_cohort_facts){
        .file = fovea_table_field(table, row, columns->file),
        .run = fovea_table_field(table, row, columns->run),
        .subject = fovea_table_field(table, row, columns->subject),
        .group = fovea_table_field(table, row, columns->group),
        .eye = parse_eye(fovea_table_field(table, row, columns->eye)),
        .visit = fovea_table_field(table, row, columns->visit),
        .repeat = fovea_table_field(table, row, columns->repeat),
        .layer = fovea_table_field(table, row, columns->layer),
    };
}

/* The parts joined to a key, in the texts of the cohort; NULL if memory is exhausted. */
static const char *join_key(struct fovea_cohort *cohort, const char *const *parts, size_t count) {
    size_t length = 1;
    for (size_t i = 0; i < count; i++) {
        length += strlen(parts[i]) + 1;
    }
    char *key = fv_pool_take(&cohort->texts, length, 1);
    for (size_t i = 0; i < count && key != NULL; i++) {
        strcat(strcat(key, parts[i]), separator);
    }
    return key;
}

/* The key of a row, or of an image as the rows name it. */
static const char *find_key(struct fovea_cohort *cohort, const struct fovea_cohort_facts *facts, const char *run) {
    const struct fovea_cohort_columns *columns = &cohort->columns;
    if (columns->run == FOVEA_TABLE_ABSENT) {
        run = "";
    }
    if (columns->file != FOVEA_TABLE_ABSENT) {
        const char *file = fovea_match_key(cohort->options->match, facts->file, &cohort->texts);
        return file != NULL ? join_key(cohort, (const char *const[]){run, file}, 2) : NULL;
    }
    const char *const parts[] = {
        run,
        facts->subject,
        columns->eye != FOVEA_TABLE_ABSENT ? facts->eye : "",
        columns->visit != FOVEA_TABLE_ABSENT ? facts->visit : "",
        columns->repeat != FOVEA_TABLE_ABSENT ? facts->repeat : "",
    };
    return join_key(cohort, parts, sizeof parts / sizeof *parts);
}

/* Says which covariates of a row are no numbers; they are missing then. */
static enum fv_status check_covariates(struct fovea_cohort *cohort, size_t row, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t v = 0; v < cohort->variable_count && status == FV_OK; v++) {
        const struct fovea_cohort_variable *variable = &cohort->variables[v];
        const char *text = fovea_table_field(&cohort->subjects, row, variable->column);
        double value;
        enum fovea_number_kind kind = fovea_table_number(text, &value);
        if (kind != FOVEA_NUMBER_GOOD && kind != FOVEA_NUMBER_BLANK) {
            status =
                fovea_cohort_refuse_row(cohort, row, error, "%s is '%s', %s: the value is left out", variable->name,
                                        text, kind == FOVEA_NUMBER_COMMA ? "expected a decimal point" : "no number");
        }
    }
    return status;
}

/* Whether two rows say the same in every field. */
static bool same_row(const struct fovea_table *table, size_t a, size_t b) {
    for (size_t i = 0; i < table->columns; i++) {
        if (strcmp(fovea_table_field(table, a, (long)i), fovea_table_field(table, b, (long)i)) != 0) {
            return false;
        }
    }
    return true;
}

/* Gives a usable row its key, unless an earlier row has it. */
static enum fv_status key_row(struct fovea_cohort *cohort, struct fovea_cohort_row *row, struct fv_names *names,
                              struct fv_error *error) {
    size_t first;
    const char *key = find_key(cohort, &row->facts, row->facts.run);
    if (key == NULL) {
        return out_of_memory(error);
    }
    if (!fv_names_find(names, key, &first)) {
        row->key = key;
        return fv_names_add(names, key, (size_t)(row - cohort->rows)) ? FV_OK : out_of_memory(error);
    }
    struct fovea_cohort_row *before = &cohort->rows[first];
    size_t line = fovea_table_line(&cohort->subjects, before->row);
    if (before->key == NULL) {
        return fovea_cohort_refuse_row(cohort, row->row, error,
                                       "names the same images as line %zu, which is not used either", line);
    }
    if (same_row(&cohort->subjects, before->row, row->row)) {
        return fovea_cohort_refuse_row(cohort, row->row, error, "repeats line %zu, which is used", line);
    }
    before->key = NULL;
    return fovea_cohort_refuse_row(cohort, row->row, error,
                                   "names the same images as line %zu and says something else: neither is used", line);
}

static enum fv_status take_row(struct fovea_cohort *cohort, size_t index, struct fv_names *names,
                               struct fv_error *error) {
    struct fovea_cohort_row *row = &cohort->rows[index];
    const struct fovea_cohort_columns *columns = &cohort->columns;
    char reason[FV_MESSAGE_SIZE / 2];
    *row = (struct fovea_cohort_row){.row = index};
    if (fovea_table_broken(&cohort->subjects, index, reason, sizeof reason)) {
        return fovea_cohort_refuse_row(cohort, index, error, "%s", reason);
    }
    row->facts = read_facts(&cohort->subjects, index, columns);
    if (row->facts.eye == NULL) {
        return fovea_cohort_refuse_row(cohort, index, error, "the eye is '%s', expected OD or OS (R, L, right, left)",
                                       fovea_table_field(&cohort->subjects, index, columns->eye));
    }
    const struct {
        long column;
        const char *text, *name;
    } needed[] = {
        {columns->subject, row->facts.subject, "subject"},
        {columns->file, row->facts.file, "file"},
        {columns->group, row->facts.group, cohort->group_column},
        {columns->run, row->facts.run, "run"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (needed[i].column != FOVEA_TABLE_ABSENT && needed[i].text[0] == '\0') {
            return fovea_cohort_refuse_row(cohort, index, error, "the %s is blank", needed[i].name);
        }
    }
    enum fv_status status = check_covariates(cohort, index, error);
    return status == FV_OK ? key_row(cohort, row, names, error) : status;
}

static enum fv_status take_rows(struct fovea_cohort *cohort, struct fv_names *names, struct fv_error *error) {
    cohort->row_count = fovea_table_rows(&cohort->subjects);
    cohort->rows = fv_allocate(cohort->row_count, sizeof *cohort->rows);
    enum fv_status status = cohort->rows != NULL ? FV_OK : out_of_memory(error);
    for (size_t i = 0; i < cohort->row_count && status == FV_OK; i++) {
        status = take_row(cohort, i, names, error);
    }
    return status;
}

/* The numbers of an image; those of a usable one that are none are reported. */
static enum fv_status take_values(struct fovea_cohort *cohort, struct fovea_cohort_image *image,
                                  struct fv_error *error) {
    const struct fovea_table *table = &cohort->sources[image->source].table;
    enum fv_status status = FV_OK;
    image->values = fv_pool_take(&cohort->texts, cohort->variable_count, sizeof *image->values);
    if (image->values == NULL) {
        return out_of_memory(error);
    }
    for (size_t v = 0; v < cohort->variable_count && status == FV_OK; v++) {
        const struct fovea_cohort_variable *variable = &cohort->variables[v];
        if (variable->column != FOVEA_TABLE_ABSENT) {
            fovea_table_number(fovea_table_field(&cohort->subjects, image->owner->row, variable->column),
                               &image->values[v]);
            continue;
        }
        const char *text = fovea_table_field(table, image->row, variable->result_columns[image->source]);
        enum fovea_number_kind kind = fovea_table_number(text, &image->values[v]);
        if (image->state == FOVEA_COHORT_OK && kind != FOVEA_NUMBER_GOOD && kind != FOVEA_NUMBER_BLANK) {
            status = fovea_cohort_refuse_image(cohort, image->source, image->row, error,
                                               "%s is '%s', %s: the value is left out", variable->name, text,
                                               kind == FOVEA_NUMBER_COMMA ? "expected a decimal point" : "no number");
        }
    }
    return status;
}

/* What the row says goes before what the results say; two eyes that differ are an error somewhere. */
static enum fv_status merge_facts(struct fovea_cohort *cohort, struct fovea_cohort_image *image,
                                  struct fv_error *error) {
    const struct fovea_cohort_facts *row = &image->owner->facts;
    struct fovea_cohort_facts *facts = &image->facts;
    if (row->eye[0] != '\0' && facts->eye[0] != '\0' && strcmp(row->eye, facts->eye) != 0) {
        image->usable = false;
        return fovea_cohort_refuse_image(
            cohort, image->source, image->row, error, "the results say it is %s, %s, line %zu, says %s", facts->eye,
            cohort->subjects.name, fovea_table_line(&cohort->subjects, image->owner->row), row->eye);
    }
    facts->subject = row->subject;
    facts->group = cohort->columns.group != FOVEA_TABLE_ABSENT ? row->group
                   : cohort->group_column == NULL              ? "all"
                                                               : facts->group;
    facts->eye = row->eye[0] != '\0' ? row->eye : facts->eye;
    facts->visit = row->visit[0] != '\0' ? row->visit : facts->visit;
    facts->repeat = row->repeat[0] != '\0' ? row->repeat : facts->repeat;
    facts->layer = row->layer[0] != '\0' ? row->layer : facts->layer;
    if (facts->group[0] == '\0' && image->state == FOVEA_COHORT_OK) {
        image->usable = false;
        return fovea_cohort_refuse_image(cohort, image->source, image->row, error, "its %s is blank",
                                         cohort->group_column);
    }
    facts->group = facts->group[0] != '\0' ? facts->group : "(blank)";
    return FV_OK;
}

static bool parse_state(const char *text, enum fovea_cohort_state *state) {
    static const char *const names[FOVEA_COHORT_STATES] = {"ok", "ungradable", "failed"};
    for (size_t k = 0; k < FOVEA_COHORT_STATES; k++) {
        if (strcasecmp(text, names[k]) == 0) {
            *state = (enum fovea_cohort_state)k;
            return true;
        }
    }
    *state = FOVEA_COHORT_OK;
    return text[0] == '\0';
}

/* Which row an image belongs to; *owner is NULL after it was reported that there is none. */
static enum fv_status find_owner(struct fovea_cohort *cohort, const struct fovea_cohort_image *image,
                                 const struct fv_names *rows, struct fovea_cohort_row **owner, struct fv_error *error) {
    size_t index;
    const char *key = find_key(cohort, &image->facts, cohort->sources[image->source].run);
    *owner = NULL;
    if (key == NULL) {
        return out_of_memory(error);
    }
    if (!fv_names_find(rows, key, &index)) {
        return fovea_cohort_refuse_image(cohort, image->source, image->row, error, "no row of %s names it",
                                         cohort->subjects.name);
    }
    if (cohort->rows[index].key == NULL) {
        return fovea_cohort_refuse_image(
            cohort, image->source, image->row, error, "its row, line %zu of %s, cannot be used",
            fovea_table_line(&cohort->subjects, cohort->rows[index].row), cohort->subjects.name);
    }
    *owner = &cohort->rows[index];
    return FV_OK;
}

/* Refuses an image that is there twice, and the first of the two. */
static enum fv_status check_repeat(struct fovea_cohort *cohort, size_t index, struct fv_names *names,
                                   struct fv_error *error) {
    struct fovea_cohort_image *image = &cohort->images[index];
    bool one = cohort->columns.file != FOVEA_TABLE_ABSENT; /* a row that names a file has one image */
    const char *const parts[] = {image->owner->key, one ? "" : image->facts.file};
    const char *key = join_key(cohort, parts, 2);
    size_t first;
    if (key == NULL) {
        return out_of_memory(error);
    }
    if (!fv_names_find(names, key, &first)) {
        return fv_names_add(names, key, index) ? FV_OK : out_of_memory(error);
    }
    struct fovea_cohort_image *before = &cohort->images[first];
    before->usable = image->usable = false;
    const struct fovea_table *table = &cohort->sources[before->source].table;
    return fovea_cohort_refuse_image(cohort, image->source, image->row, error,
                                     "is there twice, also in %s, line %zu: neither is used", table->name,
                                     fovea_table_line(table, before->row));
}

static enum fv_status take_image(struct fovea_cohort *cohort, size_t source, size_t row, const struct fv_names *rows,
                                 struct fv_names *images, struct fv_error *error) {
    const struct fovea_cohort_source *from = &cohort->sources[source];
    struct fovea_cohort_image *image = &cohort->images[cohort->image_count];
    char reason[FV_MESSAGE_SIZE / 2];
    *image = (struct fovea_cohort_image){.source = source, .row = row, .usable = true};
    if (fovea_table_broken(&from->table, row, reason, sizeof reason)) {
        return fovea_cohort_refuse_image(cohort, source, row, error, "%s", reason);
    }
    image->facts = read_facts(&from->table, row, &from->columns);
    if (image->facts.file[0] == '\0') {
        return fovea_cohort_refuse_image(cohort, source, row, error, "the name of the image is blank");
    }
    if (image->facts.eye == NULL) {
        return fovea_cohort_refuse_image(cohort, source, row, error, "its eye is '%s', expected OD or OS",
                                         fovea_table_field(&from->table, row, from->columns.eye));
    }
    const char *state = fovea_table_field(&from->table, row, from->columns.status);
    if (!parse_state(state, &image->state)) {
        return fovea_cohort_refuse_image(cohort, source, row, error,
                                         "its status is '%s', expected ok, ungradable or failed", state);
    }
    enum fv_status status = find_owner(cohort, image, rows, &image->owner, error);
    if (status != FV_OK || image->owner == NULL) {
        return status;
    }
    image->owner->images++;
    status = merge_facts(cohort, image, error);
    status = status == FV_OK ? take_values(cohort, image, error) : status;
    status = status == FV_OK ? check_repeat(cohort, cohort->image_count, images, error) : status;
    cohort->image_count++;
    return status;
}

static int compare_images(const void *a, const void *b) {
    const struct fovea_cohort_image *left = a, *right = b;
    const struct fovea_cohort_facts *l = &left->facts, *r = &right->facts;
    const int orders[] = {
        strcmp(l->subject, r->subject),           strcmp(l->eye, r->eye),   fovea_cohort_order(l->visit, r->visit),
        fovea_cohort_order(l->repeat, r->repeat), strcmp(l->file, r->file),
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return strcmp(left->owner->key, right->owner->key);
}

/* Rows that no image was found for. */
static enum fv_status check_rows(struct fovea_cohort *cohort, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < cohort->row_count && status == FV_OK; i++) {
        if (cohort->rows[i].key != NULL && cohort->rows[i].images == 0) {
            status = fovea_cohort_refuse_row(cohort, i, error, "the results have no image of it");
        }
    }
    return status;
}

enum fv_status fovea_cohort_join(struct fovea_cohort *cohort, struct fv_error *error) {
    struct fv_names rows = {0}, images = {0};
    enum fv_status status = take_rows(cohort, &rows, error);
    cohort->images = fv_allocate(cohort->result_rows, sizeof *cohort->images);
    if (status == FV_OK && cohort->images == NULL) {
        status = out_of_memory(error);
    }
    for (size_t s = 0; s < cohort->source_count && status == FV_OK; s++) {
        for (size_t i = 0; i < fovea_table_rows(&cohort->sources[s].table) && status == FV_OK; i++) {
            status = take_image(cohort, s, i, &rows, &images, error);
        }
    }
    status = status == FV_OK ? check_rows(cohort, error) : status;
    if (status == FV_OK && cohort->image_count > 0) {
        qsort(cohort->images, cohort->image_count, sizeof *cohort->images, compare_images);
    }
    fv_names_clear(&rows);
    fv_names_clear(&images);
    return status;
}
