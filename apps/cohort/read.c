/* The tables: which columns they have. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/suggestion.h"
#include "cohort/cohort.h"
#include "fovea/memory.h"
#include "fovea/text.h"

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the tables");
}

/* Adds a row of `table` to the failures, named by its field in `column` where it can be read. */
__attribute__((__format__(__printf__, 6, 0))) static enum fv_status refuse(struct fovea_cohort *cohort,
                                                                           const struct fovea_table *table, size_t row,
                                                                           long column, struct fv_error *error,
                                                                           const char *format, va_list arguments) {
    char reason[FV_MESSAGE_SIZE], broken[2];
    vsnprintf(reason, sizeof reason, format, arguments);
    const char *name =
        fovea_table_broken(table, row, broken, sizeof broken) ? "" : fovea_table_field(table, row, column);
    return fovea_failures_add(&cohort->failures, name, table->name, fovea_table_line(table, row), error, "%s", reason);
}

enum fv_status fovea_cohort_refuse_row(struct fovea_cohort *cohort, size_t row, struct fv_error *error,
                                       const char *format, ...) {
    long column = cohort->columns.file != FOVEA_TABLE_ABSENT ? cohort->columns.file : cohort->columns.subject;
    va_list arguments;
    va_start(arguments, format);
    enum fv_status status = refuse(cohort, &cohort->subjects, row, column, error, format, arguments);
    va_end(arguments);
    return status;
}

enum fv_status fovea_cohort_refuse_image(struct fovea_cohort *cohort, size_t source, size_t row, struct fv_error *error,
                                         const char *format, ...) {
    const struct fovea_cohort_source *from = &cohort->sources[source];
    va_list arguments;
    va_start(arguments, format);
    enum fv_status status = refuse(cohort, &from->table, row, from->columns.file, error, format, arguments);
    va_end(arguments);
    return status;
}

enum fv_status fovea_cohort_note(struct fovea_cohort *cohort, struct fv_error *error, const char *format, ...) {
    char text[FV_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return fovea_failures_add(&cohort->notes, "", "", 0, error, "%s", text);
}

/* What messages and reports call a file: nothing of this machine above it. */
static char *shown_name(const char *path, bool folder) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    char *cut = fv_text_format("%.*s", (int)length, path);
    char *name = cut == NULL ? NULL
                 : folder    ? fv_text_format("%s/results.csv", fovea_match_shown(cut))
                             : fv_duplicate(fovea_match_shown(cut));
    fv_release(cut);
    return name;
}

/* The folder that holds results.csv, or the file's name without its suffix. */
static const char *run_name(const char *path, struct fv_pool *texts) {
    const char *base = fv_path_basename(path);
    if (strcmp(base, "results.csv") != 0 || base == path) {
        const char *dot = strrchr(base, '.');
        return fv_pool_text(texts, base, dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base));
    }
    const char *end = base - 1;
    while (end > path && end[-1] == '/') {
        end--;
    }
    const char *start = end;
    while (start > path && start[-1] != '/') {
        start--;
    }
    return fv_pool_text(texts, start, (size_t)(end - start));
}

static void find_columns(const struct fovea_table *table, const struct fovea_cohort *cohort,
                         struct fovea_cohort_columns *columns) {
    *columns = (struct fovea_cohort_columns){
        .file = fovea_table_column(table, "file"),
        .run = fovea_table_column(table, "run"),
        .subject = fovea_table_column(table, "subject"),
        .group = cohort->group_column != NULL ? fovea_table_column(table, cohort->group_column) : FOVEA_TABLE_ABSENT,
        .eye = fovea_table_column(table, "eye"),
        .visit = fovea_table_column(table, "visit"),
        .repeat = cohort->repeat_column != NULL ? fovea_table_column(table, cohort->repeat_column) : FOVEA_TABLE_ABSENT,
        .layer = fovea_table_column(table, "layer"),
        .status = fovea_table_column(table, "status"),
    };
}

static enum fv_status open_source(struct fovea_cohort *cohort, const char *path, struct fv_error *error) {
    struct fovea_cohort_source *source = &cohort->sources[cohort->source_count];
    struct stat information;
    bool folder = stat(path, &information) == 0 && S_ISDIR(information.st_mode);
    char *name = shown_name(path, folder), *file = fv_text_format("%s%s", path, folder ? "/results.csv" : "");
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < cohort->source_count && name != NULL; i++) {
        if (strcmp(cohort->sources[i].table.name, name) == 0) { /* two folders of one name, without their parents */
            char *other = fv_text_format("%s (%zu)", name, cohort->source_count + 1);
            fv_release(name);
            name = other;
        }
    }
    source->run = file != NULL ? run_name(file, &cohort->texts) : NULL;
    if (name == NULL || source->run == NULL) {
        status = out_of_memory(error);
    } else {
        status = fovea_table_open(file, name, &source->table, error);
    }
    if (status == FV_OK) {
        cohort->source_count++;
        cohort->result_rows += fovea_table_rows(&source->table);
        find_columns(&source->table, cohort, &source->columns);
        if (source->columns.file == FOVEA_TABLE_ABSENT) {
            status = fv_error_set(error, FV_ERROR_FORMAT,
                                  "%s, line 1: there is no column 'file': expected the results.csv of fovea run or "
                                  "measure",
                                  source->table.name);
        }
    }
    fv_release(name);
    fv_release(file);
    return status;
}

/* Whether any of the tables has the column. */
static bool is_somewhere(const struct fovea_cohort *cohort, const char *name) {
    bool found = fovea_table_column(&cohort->subjects, name) != FOVEA_TABLE_ABSENT;
    for (size_t i = 0; i < cohort->source_count; i++) {
        found = found || fovea_table_column(&cohort->sources[i].table, name) != FOVEA_TABLE_ABSENT;
    }
    return found;
}

/* Checks an option that names a column. */
static enum fv_status check_column(const struct fovea_cohort *cohort, const char *option, const char *name,
                                   struct fv_error *error) {
    if (name == NULL || is_somewhere(cohort, name)) {
        return FV_OK;
    }
    enum { MOST = 256 };
    const char *names[MOST];
    size_t count = cohort->subjects.columns < MOST ? cohort->subjects.columns : MOST;
    for (size_t i = 0; i < count; i++) {
        names[i] = fovea_table_column_name(&cohort->subjects, i);
    }
    const char *meant = fovea_suggestion(name, names, count);
    return fv_error_set(error, FV_ERROR_ARGUMENT, "--%s: no table has a column '%s'%s%s%s", option, name,
                        meant != NULL ? "; did you mean '" : "", meant != NULL ? meant : "", meant != NULL ? "'?" : "");
}

/* A table of subjects without files finds its images by subject, eye and visit, which the results must then have. */
static enum fv_status check_keys(const struct fovea_cohort *cohort, struct fv_error *error) {
    const struct fovea_cohort_columns *own = &cohort->columns;
    if (own->subject == FOVEA_TABLE_ABSENT) {
        return fv_error_set(error, FV_ERROR_FORMAT,
                            "%s, line 1: there is no column 'subject'; expected file and subject, and perhaps group, "
                            "age, eye, visit, repeat",
                            cohort->subjects.name);
    }
    for (size_t i = 0; i < cohort->source_count && own->file == FOVEA_TABLE_ABSENT; i++) {
        const struct fovea_cohort_columns *other = &cohort->sources[i].columns;
        const struct {
            long own, other;
            const char *name;
        } keys[] = {
            {own->subject, other->subject, "subject"},
            {own->eye, other->eye, "eye"},
            {own->visit, other->visit, "visit"},
            {own->repeat, other->repeat, cohort->repeat_column},
        };
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            if (keys[k].own != FOVEA_TABLE_ABSENT && keys[k].other == FOVEA_TABLE_ABSENT) {
                return fv_error_set(error, FV_ERROR_FORMAT,
                                    "%s has no column 'file' and finds images by '%s', which %s does not have: add a "
                                    "column 'file' with the names in results.csv",
                                    cohort->subjects.name, keys[k].name, cohort->sources[i].table.name);
            }
        }
    }
    return FV_OK;
}

enum fv_status fovea_cohort_read(struct fovea_cohort *cohort, struct fv_error *error) {
    const struct fovea_cohort_options *options = cohort->options;
    char *name = shown_name(options->subjects, false);
    enum fv_status status =
        name != NULL ? fovea_table_open(options->subjects, name, &cohort->subjects, error) : out_of_memory(error);
    fv_release(name);
    cohort->group_column = options->group != NULL ? options->group : "group";
    cohort->repeat_column = options->repeat != NULL ? options->repeat : "repeat";
    for (size_t i = 0; i < options->result_count && status == FV_OK; i++) {
        status = open_source(cohort, options->results[i], error);
    }
    status = status != FV_OK ? status : check_column(cohort, "group", options->group, error);
    status = status != FV_OK ? status : check_column(cohort, "repeat", options->repeat, error);
    if (status != FV_OK) {
        return status;
    }
    find_columns(&cohort->subjects, cohort, &cohort->columns);
    cohort->group_column = is_somewhere(cohort, cohort->group_column) ? cohort->group_column : NULL;
    cohort->repeat_column = is_somewhere(cohort, cohort->repeat_column) ? cohort->repeat_column : NULL;
    if (cohort->repeat_column != NULL && strcasecmp(cohort->repeat_column, "visit") == 0) {
        /* Visits are then the repeats, and no visit is told from another. */
        cohort->columns.visit = FOVEA_TABLE_ABSENT;
        for (size_t i = 0; i < cohort->source_count; i++) {
            cohort->sources[i].columns.visit = FOVEA_TABLE_ABSENT;
        }
    }
    return check_keys(cohort, error);
}
