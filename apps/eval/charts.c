#include "eval/charts.h"

#include <math.h>
#include <string.h>

#include "fovea/memory.h"

enum { CLASSES = FOVEA_QUALITY_COUNT };

#define MINUS "\xe2\x88\x92"

void fovea_chart_confusion(struct fovea_buffer *text, const struct fovea_classification *result) {
    enum { CELL = 92, LEFT = 118, TOP = 54, WIDTH = LEFT + CLASSES * CELL + 70, HEIGHT = TOP + CLASSES * CELL + 10 };
    fovea_buffer_format(text,
                        "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"Confusion matrix\">\n"
                        "<text x=\"%d\" y=\"16\" text-anchor=\"middle\">predicted</text>\n"
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">label</text>\n"
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">images</text>\n",
                        WIDTH, HEIGHT, WIDTH, LEFT + CLASSES * CELL / 2, LEFT - 10, TOP - 12, WIDTH - 6, TOP - 12);
    for (size_t k = 0; k < CLASSES; k++) {
        const struct fovea_class_scores *scores = &result->classes[k];
        size_t middle = k * CELL + CELL / 2;
        fovea_buffer_format(text,
                            "<text x=\"%zu\" y=\"%d\" text-anchor=\"middle\">%s</text>\n"
                            "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">%s</text>\n"
                            "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">%zu</text>\n",
                            LEFT + middle, TOP - 12, fovea_quality_names[k], LEFT - 10, TOP + middle + 4,
                            fovea_quality_names[k], WIDTH - 6, TOP + middle + 4, scores->support);
        for (size_t j = 0; j < CLASSES; j++) {
            size_t images = result->confusion[k][j];
            double share = scores->support > 0 ? (double)images / (double)scores->support : 0.0;
            size_t x = LEFT + j * CELL, y = TOP + k * CELL;
            const char *ink = share > 0.5 ? "#fff" : "#1b2430";
            fovea_buffer_format(text,
                                "<rect x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" fill=\"#0072b2\" "
                                "fill-opacity=\"%.3f\" stroke=\"%s\" stroke-width=\"%d\"/>\n"
                                "<text x=\"%zu\" y=\"%zu\" text-anchor=\"middle\" style=\"fill:%s;font-size:20px;"
                                "font-weight:600\">%zu</text>\n",
                                x + 2, y + 2, CELL - 4, CELL - 4, 0.05 + 0.95 * share, j == k ? "#1b2430" : "#d9dee5",
                                j == k ? 2 : 1, x + CELL / 2, y + CELL / 2 + 2, ink, images);
            fovea_buffer_format(text,
                                "<text x=\"%zu\" y=\"%zu\" text-anchor=\"middle\" style=\"fill:%s\">%.1f %%</text>\n",
                                x + CELL / 2, y + CELL / 2 + 22, ink, 100.0 * share);
        }
    }
    fovea_buffer_text(text, "</svg>\n");
}

/* The places of a square plot of `side` pixels whose axes go from 0 to 1. */
enum { ROC_LEFT = 48, ROC_TOP = 12, ROC_SIDE = 300 };

static double roc_x(double rate) {
    return ROC_LEFT + rate * ROC_SIDE;
}

static double roc_y(double rate) {
    return ROC_TOP + (1.0 - rate) * ROC_SIDE;
}

static void add_roc_axes(struct fovea_buffer *text) {
    for (int i = 0; i <= 5; i++) {
        double rate = 0.2 * i;
        fovea_buffer_format(text,
                            "<path d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1f\" stroke=\"#e6eaef\"/>"
                            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.1f</text>"
                            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n",
                            roc_x(rate), roc_y(0.0), roc_y(1.0), roc_x(0.0), roc_y(rate), roc_x(1.0), roc_x(rate),
                            roc_y(0.0) + 18.0, rate, roc_x(0.0) - 7.0, roc_y(rate) + 4.0, rate);
    }
    fovea_buffer_format(text,
                        "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#5b6675\" stroke-dasharray=\"2 4\"/>\n"
                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">false positive rate</text>\n"
                        "<text transform=\"translate(13 %.1f) rotate(-90)\" text-anchor=\"middle\">true positive "
                        "rate</text>\n",
                        roc_x(0.0), roc_y(0.0), roc_x(1.0), roc_y(1.0), roc_x(0.5), roc_y(0.0) + 38.0, roc_y(0.5));
}

/* The curve without the points that would not be seen. */
static void add_curve(struct fovea_buffer *text, const struct fovea_roc *roc, const char *style) {
    const double visible = 0.3; /* pixels */
    double x = roc_x(0.0), y = roc_y(0.0);
    fovea_buffer_format(text, "<path fill=\"none\" stroke-linejoin=\"round\" %s d=\"M%.1f %.1f", style, x, y);
    for (size_t i = 1; i < roc->count; i++) {
        double next_x = roc_x(roc->points[i].false_positive_rate), next_y = roc_y(roc->points[i].true_positive_rate);
        if (fabs(next_x - x) + fabs(next_y - y) >= visible || i + 1 == roc->count) {
            fovea_buffer_format(text, "L%.1f %.1f", next_x, next_y);
            x = next_x;
            y = next_y;
        }
    }
    fovea_buffer_text(text, "\"/>\n");
}

void fovea_chart_roc(struct fovea_buffer *text, const struct fovea_classification *result) {
    static const char *const styles[FOVEA_ROC_COUNT] = {
        "stroke=\"#d55e00\" stroke-width=\"2.5\"",
        "stroke=\"#009e73\" stroke-width=\"2.5\" stroke-dasharray=\"9 4\"",
        "stroke=\"#0072b2\" stroke-width=\"2.5\" stroke-dasharray=\"2.5 3\"",
        "stroke=\"#1b2430\" stroke-width=\"1.5\"",
    };
    enum { LEGEND = ROC_LEFT + ROC_SIDE + 22, WIDTH = LEGEND + 190, HEIGHT = ROC_TOP + ROC_SIDE + 46 };
    fovea_buffer_format(text, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"ROC curves\">\n",
                        WIDTH, HEIGHT, WIDTH);
    add_roc_axes(text);
    for (size_t k = 0; k < FOVEA_ROC_COUNT; k++) {
        double auc = k < CLASSES ? result->classes[k].auc : result->micro_auc;
        size_t y = ROC_TOP + 24 + 40 * k;
        if (result->rocs[k].count > 0) {
            add_curve(text, &result->rocs[k], styles[k]);
        }
        fovea_buffer_format(text, "<path d=\"M%d %zuh34\" %s/><text x=\"%d\" y=\"%zu\">%s</text>", LEGEND, y, styles[k],
                            LEGEND + 44, y - 3, k < CLASSES ? fovea_quality_names[k] : "all (micro)");
        if (isnan(auc)) {
            fovea_buffer_format(text, "<text x=\"%d\" y=\"%zu\">undefined</text>\n", LEGEND + 44, y + 13);
        } else {
            fovea_buffer_format(text, "<text x=\"%d\" y=\"%zu\">AUC %.4f</text>\n", LEGEND + 44, y + 13, auc);
        }
    }
    fovea_buffer_text(text, "</svg>\n");
}

/* A step of 1, 2 or 5 times a power of ten that cuts `range` into about `parts`. */
static double nice_step(double range, double parts) {
    double step = pow(10.0, floor(log10(range / parts))), scale = range / parts / step;
    return step * (scale < 1.5 ? 1.0 : scale < 3.5 ? 2.0 : scale < 7.5 ? 5.0 : 10.0);
}

/* An axis of a plot: where values lie. */
struct axis {
    double low, high; /* values at its ends */
    double from, to;  /* places in pixels */
    double step;      /* between its marks */
};

static double place(const struct axis *axis, double value) {
    return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

/* An axis that holds all of `low` to `high`. */
static struct axis make_axis(double low, double high, double from, double to, double parts) {
    double step = nice_step(high > low ? high - low : 1.0, parts);
    struct axis axis = {floor(low / step) * step, ceil(high / step) * step, from, to, step};
    if (axis.high <= axis.low) {
        axis.high = axis.low + step;
    }
    return axis;
}

enum { BOX_LEFT = 150, BOX_WIDTH = 520, BOX_ROW = 26, BOX_HEAD = 22, BOX_TOP = 8 };

/* Dots for the values outside the whiskers; those that would fall on another are left out. */
static void add_outliers(struct fovea_buffer *text, const struct fovea_chart_box *box, const struct axis *axis,
                         double low, double high, double y) {
    bool drawn[2 * BOX_WIDTH + 2] = {false};
    for (size_t i = 0; i < box->count; i++) {
        if (isnan(box->values[i]) || (box->values[i] >= low && box->values[i] <= high)) {
            continue;
        }
        double x = place(axis, box->values[i]);
        size_t cell = (size_t)fmin(fmax(2.0 * (x - axis->from), 0.0), 2.0 * BOX_WIDTH + 1.0);
        if (!drawn[cell]) {
            fovea_buffer_format(text, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.4\" fill=\"none\" stroke=\"#5b6675\"/>", x,
                                y);
            drawn[cell] = true;
        }
    }
}

static void add_box(struct fovea_buffer *text, const struct fovea_chart_box *box, const struct axis *axis, double y) {
    const struct fovea_spread *spread = box->spread;
    fovea_buffer_format(text, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", BOX_LEFT - 12, y + 4.0);
    fovea_buffer_html(text, box->label);
    fovea_buffer_text(text, "</text>");
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
    double left = place(axis, spread->lower_quartile), right = place(axis, spread->upper_quartile);
    fovea_buffer_format(text,
                        "<path d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\" stroke=\"#1b2430\"/>"
                        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"16\" fill=\"#9ad0f0\" stroke=\"#1b2430\"/>"
                        "<path d=\"M%.1f %.1fv16\" stroke=\"#1b2430\" stroke-width=\"2.5\"/>",
                        place(axis, low), y, place(axis, high), place(axis, low), y - 4.0, place(axis, high), y - 4.0,
                        left, y - 8.0, fmax(right - left, 0.5), place(axis, spread->median), y - 8.0);
    add_outliers(text, box, axis, low, high, y);
    fovea_buffer_format(text,
                        "<path d=\"M%.1f %.1fl4.5 4.5l-4.5 4.5l-4.5 -4.5z\" fill=\"#d55e00\" stroke=\"#fff\"/>"
                        "<text x=\"%d\" y=\"%.1f\">%.3f</text>\n",
                        place(axis, spread->mean), y - 4.5, BOX_LEFT + BOX_WIDTH + 14, y + 4.0, spread->median);
}

/* The height of the rows with the heads of their groups. */
static double boxes_height(const struct fovea_chart_box *boxes, size_t count) {
    double height = BOX_TOP;
    for (size_t i = 0; i < count; i++) {
        bool head = i == 0 || strcmp(boxes[i].group, boxes[i - 1].group) != 0;
        height += BOX_ROW + (head ? BOX_HEAD : 0);
    }
    return height;
}

void fovea_chart_boxes(struct fovea_buffer *text, const char *title, const struct fovea_chart_box *boxes, size_t count,
                       double most) {
    double low = most, bottom = boxes_height(boxes, count), y = BOX_TOP;
    for (size_t i = 0; i < count; i++) {
        low = boxes[i].spread->least < low ? boxes[i].spread->least : low;
    }
    struct axis axis = make_axis(low, most, BOX_LEFT, BOX_LEFT + BOX_WIDTH, 6.0);
    fovea_buffer_format(text, "<svg viewBox=\"0 0 %d %.0f\" width=\"%d\" role=\"img\" aria-label=\"",
                        BOX_LEFT + BOX_WIDTH + 70, bottom + 28.0, BOX_LEFT + BOX_WIDTH + 70);
    fovea_buffer_html(text, title);
    fovea_buffer_text(text, "\">\n");
    for (int i = 0; axis.low + i * axis.step <= axis.high + 0.5 * axis.step; i++) {
        double value = axis.low + i * axis.step, x = place(&axis, value);
        fovea_buffer_format(text,
                            "<path d=\"M%.1f %dV%.1f\" stroke=\"#e6eaef\"/>"
                            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.4g</text>\n",
                            x, BOX_TOP, bottom, x, bottom + 18.0, fabs(value) < 1e-9 ? 0.0 : value);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(boxes[i].group, boxes[i - 1].group) != 0) {
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

enum { PLOT_LEFT = 66, PLOT_TOP = 14, PLOT_WIDTH = 470, PLOT_HEIGHT = 250 };

/* A horizontal line at `value` with its name. */
static void add_level(struct fovea_buffer *text, const struct axis *vertical, double value, const char *name,
                      const char *style) {
    double y = place(vertical, value);
    fovea_buffer_format(text,
                        "<path d=\"M%d %.1fH%d\" %s/><text x=\"%d\" y=\"%.1f\">%s</text>"
                        "<text x=\"%d\" y=\"%.1f\">%s%.4f</text>\n",
                        PLOT_LEFT, y, PLOT_LEFT + PLOT_WIDTH, style, PLOT_LEFT + PLOT_WIDTH + 8, y - 2.0, name,
                        PLOT_LEFT + PLOT_WIDTH + 8, y + 11.0, value < 0.0 ? MINUS : "", fabs(value));
}

static void add_plot_axes(struct fovea_buffer *text, const struct axis *across, const struct axis *vertical) {
    for (int i = 0; across->low + i * across->step <= across->high + 0.5 * across->step; i++) {
        double value = across->low + i * across->step, x = place(across, value);
        fovea_buffer_format(text,
                            "<path d=\"M%.1f %dv%d\" stroke=\"#e6eaef\"/>"
                            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>\n",
                            x, PLOT_TOP, PLOT_HEIGHT, x, PLOT_TOP + PLOT_HEIGHT + 18, value);
    }
    for (int i = 0; vertical->low + i * vertical->step <= vertical->high + 0.5 * vertical->step; i++) {
        double value = vertical->low + i * vertical->step, y = place(vertical, value);
        bool zero = fabs(value) < 1e-9;
        fovea_buffer_format(text,
                            "<path d=\"M%d %.1fh%d\" stroke=\"%s\"/>"
                            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s%.4g</text>\n",
                            PLOT_LEFT, y, PLOT_WIDTH, zero ? "#5b6675" : "#e6eaef", PLOT_LEFT - 8, y + 4.0,
                            value < 0.0 && !zero ? MINUS : "", zero ? 0.0 : fabs(value));
    }
    fovea_buffer_format(text,
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">mean of the two areas, mm\xc2\xb2</text>\n"
                        "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">predicted %s "
                        "reference, mm\xc2\xb2</text>\n",
                        PLOT_LEFT + PLOT_WIDTH / 2, PLOT_TOP + PLOT_HEIGHT + 38, PLOT_TOP + PLOT_HEIGHT / 2, MINUS);
}

/* Dots, those that would fall on another left out. */
static void add_dots(struct fovea_buffer *text, const double *predicted, const double *reference, size_t count,
                     const struct axis *across, const struct axis *vertical) {
    bool *drawn = fv_allocate_zero((size_t)PLOT_WIDTH + 1, (size_t)PLOT_HEIGHT + 1);
    if (drawn == NULL) {
        text->failed = true;
        return;
    }
    fovea_buffer_text(text, "<g fill=\"#0072b2\" fill-opacity=\".55\" stroke=\"#fff\" stroke-width=\".6\">\n");
    for (size_t i = 0; i < count; i++) {
        double difference = predicted[i] - reference[i];
        if (isnan(difference)) {
            continue;
        }
        double x = place(across, (predicted[i] + reference[i]) / 2.0), y = place(vertical, difference);
        bool *cell = &drawn[(size_t)(x - PLOT_LEFT) * (PLOT_HEIGHT + 1) + (size_t)(y - PLOT_TOP)];
        if (!*cell) {
            fovea_buffer_format(text, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", x, y);
            *cell = true;
        }
    }
    fovea_buffer_text(text, "</g>\n");
    fv_release(drawn);
}

void fovea_chart_agreement(struct fovea_buffer *text, const double *predicted, const double *reference, size_t count,
                           const struct fovea_agreement *agreement) {
    double low[2] = {INFINITY, 0.0}, high[2] = {-INFINITY, 0.0};
    for (size_t i = 0; i < count; i++) {
        double mean = (predicted[i] + reference[i]) / 2.0, difference = predicted[i] - reference[i];
        if (!isnan(mean)) {
            low[0] = fmin(low[0], mean);
            high[0] = fmax(high[0], mean);
            low[1] = fmin(low[1], difference);
            high[1] = fmax(high[1], difference);
        }
    }
    low[1] = isnan(agreement->lower) ? low[1] : fmin(low[1], agreement->lower);
    high[1] = isnan(agreement->upper) ? high[1] : fmax(high[1], agreement->upper);
    struct axis across = make_axis(low[0], high[0], PLOT_LEFT, PLOT_LEFT + PLOT_WIDTH, 6.0);
    struct axis vertical = make_axis(low[1], high[1], PLOT_TOP + PLOT_HEIGHT, PLOT_TOP, 5.0);
    fovea_buffer_format(text,
                        "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"Agreement of areas\">\n",
                        PLOT_LEFT + PLOT_WIDTH + 100, PLOT_TOP + PLOT_HEIGHT + 46, PLOT_LEFT + PLOT_WIDTH + 100);
    add_plot_axes(text, &across, &vertical);
    add_dots(text, predicted, reference, count, &across, &vertical);
    if (!isnan(agreement->lower)) {
        const char *limit = "stroke=\"#d55e00\" stroke-width=\"1.5\" stroke-dasharray=\"7 4\"";
        add_level(text, &vertical, agreement->lower, MINUS "1.96 SD", limit);
        add_level(text, &vertical, agreement->upper, "+1.96 SD", limit);
    }
    add_level(text, &vertical, agreement->bias, "bias", "stroke=\"#1b2430\" stroke-width=\"2\"");
    fovea_buffer_text(text, "</svg>\n");
}
