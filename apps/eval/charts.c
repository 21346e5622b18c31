#include "eval/charts.h"

#include <math.h>

enum { CLASSES = FOVEA_QUALITY_COUNT };

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
