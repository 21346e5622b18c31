#include "report/histogram.h"

#include <math.h>

#include "base/axis.h"

enum { WIDTH = 720, LEFT = 150, RIGHT = 20, ROW = 104, BAR = 66, BINS_MOST = 64, FOOT = 26, PARTS = 10 };

/* How many values lie between each two marks; a value on the last mark belongs to the last bin. */
static size_t count_bins(const struct fovea_report_group *group, const struct fovea_axis *axis, int bins,
                         size_t counts[BINS_MOST]) {
    size_t fullest = 0;
    for (int i = 0; i < BINS_MOST; i++) {
        counts[i] = 0;
    }
    for (size_t i = 0; i < group->count; i++) {
        const double place = floor((group->values[i] - axis->low) / axis->step);
        const int bin = (int)fmin(fmax(place, 0), bins - 1);
        counts[bin]++;
        fullest = counts[bin] > fullest ? counts[bin] : fullest;
    }
    return fullest;
}

static void add_row(struct fovea_buffer *text, const struct fovea_report_group *group, const struct fovea_axis *axis,
                    int bins, double bottom) {
    size_t counts[BINS_MOST];
    const size_t fullest = count_bins(group, axis, bins, counts);
    fovea_buffer_format(text, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 12, bottom - 20);
    fovea_buffer_html(text, group->name);
    fovea_buffer_format(text, "</text><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%zu images</text>\n", LEFT - 12,
                        bottom - 4, group->count);
    for (int i = 0; i < bins; i++) {
        if (counts[i] == 0) {
            continue;
        }
        const double x = fovea_axis_place(axis, fovea_axis_mark(axis, i)),
                     width = fovea_axis_place(axis, fovea_axis_mark(axis, i + 1)) - x,
                     height = fmax(BAR * (double)counts[i] / (double)fullest, 1);
        fovea_buffer_format(text,
                            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#9ad0f0\" "
                            "stroke=\"#1b2430\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%zu</text>\n",
                            x, bottom - height, width, height, x + width / 2, bottom - height - 4, counts[i]);
    }
    fovea_buffer_format(text, "<path d=\"M%d %.1fH%d\" stroke=\"#5b6675\"/>\n", LEFT, bottom, WIDTH - RIGHT);
}

static void add_axis(struct fovea_buffer *text, const struct fovea_axis *axis, double y) {
    for (int i = 0; i < fovea_axis_marks(axis); i++) {
        const double x = fovea_axis_place(axis, fovea_axis_mark(axis, i));
        fovea_buffer_format(text, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x, y);
        fovea_axis_number(text, axis, fovea_axis_mark(axis, i), 0);
        fovea_buffer_text(text, "</text>\n");
    }
}

void fovea_report_histogram(struct fovea_buffer *text, const char *title, const struct fovea_report_group *groups,
                            size_t count) {
    double low = INFINITY, high = -INFINITY;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += groups[i].count > 0;
        for (size_t k = 0; k < groups[i].count; k++) {
            low = fmin(low, groups[i].values[k]);
            high = fmax(high, groups[i].values[k]);
        }
    }
    if (rows == 0) {
        return;
    }
    const struct fovea_axis axis = fovea_axis_make(low, high, LEFT, WIDTH - RIGHT, PARTS);
    const int marks = fovea_axis_marks(&axis), bins = marks - 1 < BINS_MOST ? marks - 1 : BINS_MOST;
    fovea_buffer_format(text, "<svg viewBox=\"0 0 %d %zu\" width=\"%d\" role=\"img\" aria-label=\"", WIDTH,
                        rows * ROW + FOOT, WIDTH);
    fovea_buffer_html(text, title);
    fovea_buffer_text(text, "\">\n");
    double bottom = ROW - 6;
    for (size_t i = 0; i < count; i++) {
        if (groups[i].count > 0) {
            add_row(text, &groups[i], &axis, bins, bottom);
            bottom += ROW;
        }
    }
    add_axis(text, &axis, bottom - ROW + 18);
    fovea_buffer_text(text, "</svg>\n");
}
