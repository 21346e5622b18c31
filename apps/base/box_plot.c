#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/axis.h"
#include "base/plots.h"

enum { BOX_LEFT = 150, BOX_WIDTH = 520, BOX_ROW = 26, BOX_HEAD = 22, BOX_TOP = 8, LABEL_MOST = 22 };

/* Circles for the values outside the whiskers; those that would fall on another are left out. */
static void add_outliers(struct fovea_buffer *text, const struct fovea_plot_box *box, const struct fovea_axis *axis,
                         double low, double high, double y) {
    bool drawn[2 * BOX_WIDTH + 2] = {false};
    for (size_t i = 0; i < box->count; i++) {
        if (isnan(box->values[i]) || (box->values[i] >= low && box->values[i] <= high)) {
            continue;
        }
        double x = fovea_axis_place(axis, box->values[i]);
        size_t cell = (size_t)fmin(fmax(2.0 * (x - axis->from), 0.0), 2.0 * BOX_WIDTH + 1.0);
        if (!drawn[cell]) {
            fovea_buffer_format(text, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.4\" fill=\"none\" stroke=\"#5b6675\"/>", x,
                                y);
            drawn[cell] = true;
        }
    }
}

/* A label on the left, squeezed if it would not fit. */
static void add_label(struct fovea_buffer *text, const char *label, double y) {
    const char *squeeze = strlen(label) > LABEL_MOST ? " textLength=\"134\" lengthAdjust=\"spacingAndGlyphs\"" : "";
    fovea_buffer_format(text, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\"%s>", BOX_LEFT - 12, y + 4.0, squeeze);
    fovea_buffer_html(text, label);
    fovea_buffer_text(text, "</text>");
}

static void add_box(struct fovea_buffer *text, const struct fovea_plot_box *box, const struct fovea_axis *axis,
                    double y) {
    const struct fovea_spread *spread = box->spread;
    add_label(text, box->label, y);
    if (spread->count == 0) {
        fovea_buffer_format(text, "<text x=\"%d\" y=\"%.1f\">undefined</text>\n", BOX_LEFT + 8, y + 4.0);
        return;
    }
    double reach = 1.5 * (spread->upper_quartile - spread->lower_quartile);
    double low = spread->lower_quartile, high = spread->upper_quartile;
    for (size_t i = 0; i < box->count; i++) {
        double value = box->values[i];
        low = value >= spread->lower_quartile - reach && value < low ? value : low;
        high = value <= spread->upper_quartile + reach && value > high ? value : high;
    }
    double left = fovea_axis_place(axis, spread->lower_quartile),
           right = fovea_axis_place(axis, spread->upper_quartile);
    double least = fovea_axis_place(axis, low), most = fovea_axis_place(axis, high);
    fovea_buffer_format(text,
                        "<path d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\" stroke=\"#1b2430\"/>"
                        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"16\" fill=\"#9ad0f0\" stroke=\"#1b2430\"/>"
                        "<path d=\"M%.1f %.1fv16\" stroke=\"#1b2430\" stroke-width=\"2.5\"/>",
                        least, y, most, least, y - 4.0, most, y - 4.0, left, y - 8.0, fmax(right - left, 0.5),
                        fovea_axis_place(axis, spread->median), y - 8.0);
    add_outliers(text, box, axis, low, high, y);
    fovea_buffer_format(text,
                        "<path d=\"M%.1f %.1fl4.5 4.5l-4.5 4.5l-4.5 -4.5z\" fill=\"#d55e00\" stroke=\"#fff\"/>"
                        "<text x=\"%d\" y=\"%.1f\">",
                        fovea_axis_place(axis, spread->mean), y - 4.5, BOX_LEFT + BOX_WIDTH + 14, y + 4.0);
    fovea_axis_number(text, axis, spread->median, 2);
    fovea_buffer_text(text, "</text>\n");
}

/* Whether row `i` begins a group that has a name. */
static bool has_head(const struct fovea_plot_box *boxes, size_t i) {
    return boxes[i].group[0] != '\0' && (i == 0 || strcmp(boxes[i].group, boxes[i - 1].group) != 0);
}

/* The height of the rows with the heads of their groups. */
static double boxes_height(const struct fovea_plot_box *boxes, size_t count) {
    double height = BOX_TOP;
    for (size_t i = 0; i < count; i++) {
        height += BOX_ROW + (has_head(boxes, i) ? BOX_HEAD : 0);
    }
    return height;
}

static struct fovea_axis find_axis(const struct fovea_plot_box *boxes, size_t count, double most) {
    double low = INFINITY, high = isnan(most) ? -INFINITY : most;
    for (size_t i = 0; i < count; i++) {
        if (boxes[i].spread->count > 0) {
            low = fmin(low, boxes[i].spread->least);
            high = isnan(most) ? fmax(high, boxes[i].spread->most) : most;
        }
    }
    low = isfinite(low) ? low : isfinite(high) ? high : 0.0;
    high = isfinite(high) ? high : low;
    return fovea_axis_make(low, high, BOX_LEFT, BOX_LEFT + BOX_WIDTH, 6.0);
}

static void add_marks(struct fovea_buffer *text, const struct fovea_axis *axis, double bottom) {
    for (int i = 0; i < fovea_axis_marks(axis); i++) {
        double value = fovea_axis_mark(axis, i), x = fovea_axis_place(axis, value);
        fovea_buffer_format(text,
                            "<path d=\"M%.1f %dV%.1f\" stroke=\"#e6eaef\"/>"
                            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                            x, BOX_TOP, bottom, x, bottom + 18.0);
        fovea_axis_number(text, axis, value, 0);
        fovea_buffer_text(text, "</text>\n");
    }
}

void fovea_plot_boxes(struct fovea_buffer *text, const char *title, const struct fovea_plot_box *boxes, size_t count,
                      double most) {
    double bottom = boxes_height(boxes, count), y = BOX_TOP;
    struct fovea_axis axis = find_axis(boxes, count, most);
    fovea_buffer_format(text, "<svg viewBox=\"0 0 %d %.0f\" width=\"%d\" role=\"img\" aria-label=\"",
                        BOX_LEFT + BOX_WIDTH + 70, bottom + 28.0, BOX_LEFT + BOX_WIDTH + 70);
    fovea_buffer_html(text, title);
    fovea_buffer_text(text, "\">\n");
    add_marks(text, &axis, bottom);
    for (size_t i = 0; i < count; i++) {
        if (has_head(boxes, i)) {
            fovea_buffer_format(text, "<text x=\"4\" y=\"%.1f\" style=\"font-weight:600;fill:#1b2430\">", y + 16.0);
            fovea_buffer_html(text, boxes[i].group);
            fovea_buffer_text(text, "</text>");
            y += BOX_HEAD;
        }
        add_box(text, &boxes[i], &axis, y + BOX_ROW / 2.0);
        y += BOX_ROW;
    }
    fovea_buffer_text(text, "</svg>\n");
}
