#include "adapt/curve.h"

#include <math.h>
#include <stdbool.h>

enum { LEFT = 72, TOP = 14, PLOT_WIDTH = 620, PLOT_HEIGHT = 280, LABELS = 5 };

/* The ranges of the axes. */
struct axes {
    double epochs, loss;
};

static double place_x(const struct axes *axes, double epoch) {
    return LEFT + epoch / axes->epochs * PLOT_WIDTH;
}

static double place_y(const struct axes *axes, double loss) {
    return TOP + (1.0 - fmin(loss / axes->loss, 1.0)) * PLOT_HEIGHT;
}

static struct axes find_axes(const struct fovea_training *trainings, size_t count) {
    struct axes axes = {1.0, 0.0};
    for (size_t t = 0; t < count; t++) {
        axes.epochs = fmax(axes.epochs, (double)trainings[t].run);
        for (size_t e = 0; e <= trainings[t].run; e++) {
            axes.loss = fmax(axes.loss, fmax(trainings[t].curve[e].loss, trainings[t].curve[e].watched));
        }
    }
    axes.loss = axes.loss > 0.0 ? axes.loss : 1.0;
    return axes;
}

static void add_axes(struct fovea_buffer *text, const struct axes *axes) {
    for (int i = 0; i <= LABELS; i++) {
        double share = (double)i / LABELS, loss = share * axes->loss, epoch = floor(share * axes->epochs + 0.5);
        fovea_buffer_format(text,
                            "<path d=\"M%d %.1fH%d\" stroke=\"#e6eaef\"/>"
                            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>"
                            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                            LEFT, place_y(axes, loss), LEFT + PLOT_WIDTH, LEFT - 7, place_y(axes, loss) + 4.0, loss,
                            place_x(axes, epoch), TOP + PLOT_HEIGHT + 18, epoch);
    }
    fovea_buffer_format(text,
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">epoch</text>"
                        "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">weighted "
                        "cross-entropy</text>\n",
                        LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 36, TOP + PLOT_HEIGHT / 2);
}

static void add_line(struct fovea_buffer *text, const struct axes *axes, const struct fovea_training *training,
                     bool watched) {
    fovea_buffer_text(text, "<path fill=\"none\" d=\"");
    for (size_t e = 0; e <= training->run; e++) {
        double loss = watched ? training->curve[e].watched : training->curve[e].loss;
        fovea_buffer_format(text, "%s%.1f %.1f", e == 0 ? "M" : "L", place_x(axes, (double)e), place_y(axes, loss));
    }
    fovea_buffer_text(text, watched ? "\" stroke=\"#b36b00\" stroke-width=\"1.4\" stroke-dasharray=\"5 3\"/>\n"
                                    : "\" stroke=\"#0072b2\" stroke-width=\"1.2\" stroke-opacity=\"0.75\"/>\n");
    if (watched) {
        fovea_buffer_format(text, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"#b36b00\" stroke=\"#fff\"/>\n",
                            place_x(axes, (double)training->best),
                            place_y(axes, training->curve[training->best].watched));
    }
}

void fovea_chart_learning(struct fovea_buffer *text, const struct fovea_training *trainings, size_t count,
                          size_t chosen) {
    const struct axes axes = find_axes(trainings, count);
    fovea_buffer_format(text, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"Learning curve\">\n",
                        LEFT + PLOT_WIDTH + 14, TOP + PLOT_HEIGHT + 44, LEFT + PLOT_WIDTH + 14);
    add_axes(text, &axes);
    for (size_t t = 0; t < count; t++) {
        add_line(text, &axes, &trainings[t], false);
        add_line(text, &axes, &trainings[t], true);
    }
    fovea_buffer_format(text, "<path d=\"M%.1f %dV%d\" stroke=\"#1b2430\" stroke-dasharray=\"2 3\"/>\n</svg>\n",
                        place_x(&axes, (double)chosen), TOP, TOP + PLOT_HEIGHT);
}
