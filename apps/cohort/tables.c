/* The figures as a tidy table: a line a figure. */
#include <math.h>

#include "base/buffer.h"
#include "base/number.h"
#include "cohort/cohort.h"

/* Which images there are, a line each count. */
static void add_counts(struct fovea_buffer *text, const struct fovea_cohort_group *group) {
    static const char *const names[FOVEA_COHORT_STATES] = {"images_used", "images_ungradable", "images_failed"};
    const struct {
        const char *name;
        size_t count;
    } counts[] = {{"subjects", group->subjects}, {"eyes", group->eyes}, {"observations", group->observations}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fovea_buffer_text(text, "count,,");
        fovea_buffer_csv(text, group->name);
        fovea_buffer_format(text, ",,%s,%zu,,\n", counts[i].name, counts[i].count);
    }
    for (size_t k = 0; k < FOVEA_COHORT_STATES; k++) {
        fovea_buffer_text(text, "count,,");
        fovea_buffer_csv(text, group->name);
        fovea_buffer_format(text, ",,%s,%zu,,\n", names[k], group->images[k]);
    }
}

static void add_analysis(struct fovea_buffer *text, const struct fovea_cohort *cohort,
                         const struct fovea_analysis *analysis) {
    for (size_t i = 0; i < analysis->figure_count; i++) {
        const struct fovea_figure *figure = &analysis->figures[i];
        char number[FOVEA_NUMBER_SIZE] = "";
        if (isfinite(figure->value)) {
            fovea_format_shortest(figure->value, number);
        }
        fovea_buffer_format(text, "%s,", fovea_analysis_names[analysis->kind]);
        fovea_buffer_csv(text, cohort->variables[analysis->variable].name);
        fovea_buffer_text(text, ",");
        fovea_buffer_csv(text, analysis->group);
        fovea_buffer_text(text, ",");
        fovea_buffer_csv(text, analysis->against);
        fovea_buffer_format(text, ",%s,%s,", figure->statistic, number);
        fovea_buffer_csv(text, analysis->method);
        fovea_buffer_text(text, ",");
        fovea_buffer_csv(text, isfinite(figure->value) ? "" : analysis->reason);
        fovea_buffer_text(text, "\n");
    }
}

enum fv_status fovea_cohort_write_csv(const struct fovea_cohort *cohort, const char *path, struct fv_error *error) {
    struct fovea_buffer text = {0};
    struct fovea_cohort_group totals = fovea_cohort_totals(cohort);
    fovea_buffer_text(&text, "analysis,measure,group,against,statistic,value,method,reason\n");
    add_counts(&text, &totals);
    for (size_t g = 0; g < cohort->group_count && cohort->group_count > 1; g++) {
        add_counts(&text, &cohort->groups[g]);
    }
    for (size_t i = 0; i < cohort->analyses.count; i++) {
        add_analysis(&text, cohort, &cohort->analyses.items[i]);
    }
    enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}
