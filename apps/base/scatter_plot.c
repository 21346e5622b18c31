#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/axis.h"
#include "base/plots.h"
#include "fovea/memory.h"

enum { PLOT_LEFT = 66, PLOT_TOP = 14, PLOT_WIDTH = 430, PLOT_HEIGHT = 250, LEGEND_ROW = 20, MARKS = 7 };

#define MINUS "\xe2\x88\x92"

/* The axes of a plot. */
struct frame {
    struct fovea_axis across, upward;
};

/* The least and the greatest values of both axes. */
struct bounds {
    double low[2], high[2];
};

static const struct bounds no_bounds = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};

static void widen(struct bounds *bounds, double x, double y) {
    if (isfinite(x) && isfinite(y)) {
        bounds->low[0] = fmin(bounds->low[0], x);
        bounds->high[0] = fmax(bounds->high[0], x);
        bounds->low[1] = fmin(bounds->low[1], y);
        bounds->high[1] = fmax(bounds->high[1], y);
    }
}

static struct frame make_frame(const struct bounds *bounds) {
    bool empty = bounds->low[0] > bounds->high[0];
    return (struct frame){
        fovea_axis_make(empty ? 0.0 : bounds->low[0], empty ? 1.0 : bounds->high[0], PLOT_LEFT, PLOT_LEFT + PLOT_WIDTH,
                        6.0),
        fovea_axis_make(empty ? 0.0 : bounds->low[1], empty ? 1.0 : bounds->high[1], PLOT_TOP + PLOT_HEIGHT, PLOT_TOP,
                        5.0),
    };
}

static void begin(struct fovea_buffer *text, const char *title, int width, int height) {
    fovea_buffer_format(text, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"", width, height,
                        width);
    fovea_buffer_html(text, title);
    fovea_buffer_text(text, "\">\n");
}

static void add_marks(struct fovea_buffer *text, const struct frame *frame) {
    for (int i = 0; i < fovea_axis_marks(&frame->across); i++) {
        double value = fovea_axis_mark(&frame->across, i), x = fovea_axis_place(&frame->across, value);
        fovea_buffer_format(text,
                            "<path d=\"M%.1f %dv%d\" stroke=\"#e6eaef\"/>"
                            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                            x, PLOT_TOP, PLOT_HEIGHT, x, PLOT_TOP + PLOT_HEIGHT + 18);
        fovea_axis_number(text, &frame->across, value, 0);
        fovea_buffer_text(text, "</text>\n");
    }
    for (int i = 0; i < fovea_axis_marks(&frame->upward); i++) {
        double value = fovea_axis_mark(&frame->upward, i), y = fovea_axis_place(&frame->upward, value);
        fovea_buffer_format(text,
                            "<path d=\"M%d %.1fh%d\" stroke=\"%s\"/>"
                            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                            PLOT_LEFT, y, PLOT_WIDTH, value == 0.0 ? "#5b6675" : "#e6eaef", PLOT_LEFT - 8, y + 4.0);
        fovea_axis_number(text, &frame->upward, value, 0);
        fovea_buffer_text(text, "</text>\n");
    }
}

static void add_axes(struct fovea_buffer *text, const struct frame *frame, const struct fovea_plot_titles *titles) {
    add_marks(text, frame);
    fovea_buffer_format(text, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", PLOT_LEFT + PLOT_WIDTH / 2,
                        PLOT_TOP + PLOT_HEIGHT + 38);
    fovea_buffer_html(text, titles->across);
    fovea_buffer_format(text, "</text>\n<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">",
                        PLOT_TOP + PLOT_HEIGHT / 2);
    fovea_buffer_html(text, titles->upward);
    fovea_buffer_text(text, "</text>\n");
}

/* The marks of the kinds of points; shapes relative to their centres. */
static const struct {
    const char *shape, *colour;
} marks[MARKS] = {
    {"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", "#0072b2"},                /* disc */
    {"m-3.7 -3.7h7.4v7.4h-7.4z", "#d55e00"},                           /* square */
    {"m0 -5l4.6 8h-9.2z", "#009e73"},                                  /* triangle */
    {"m0 -5.2l5.2 5.2l-5.2 5.2l-5.2 -5.2z", "#cc79a7"},                /* diamond */
    {"m0 5l4.6 -8h-9.2z", "#b58900"},                                  /* triangle, on its tip */
    {"m-1.5 -5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z", "#1b2430"}, /* cross */
    {"m-4.6 -2.7v5.4l4.6 2.7l4.6 -2.7v-5.4l-4.6 -2.7z", "#56b4e9"},    /* hexagon */
};

/* Begins and ends a path that holds marks of one kind. */
static void begin_marks(struct fovea_buffer *text, size_t kind) {
    fovea_buffer_format(text, "<path fill=\"%s\" fill-opacity=\".7\" stroke=\"#fff\" stroke-width=\".6\" d=\"",
                        marks[kind % MARKS].colour);
}

static void add_mark(struct fovea_buffer *text, size_t kind, double x, double y) {
    fovea_buffer_format(text, "M%.1f %.1f%s", x, y, marks[kind % MARKS].shape);
}

static void end_marks(struct fovea_buffer *text) {
    fovea_buffer_text(text, "\"/>\n");
}

/* The points of one kind, those that would hide another of it left out. */
static void add_points(struct fovea_buffer *text, const struct fovea_plot_series *series, size_t kind,
                       const struct frame *frame) {
    bool *drawn = fv_allocate_zero((size_t)PLOT_WIDTH + 1, (size_t)PLOT_HEIGHT + 1);
    if (drawn == NULL) {
        text->failed = true;
        return;
    }
    begin_marks(text, kind);
    for (size_t i = 0; i < series->count; i++) {
        if (!isfinite(series->x[i]) || !isfinite(series->y[i])) {
            continue;
        }
        double x = fovea_axis_place(&frame->across, series->x[i]), y = fovea_axis_place(&frame->upward, series->y[i]);
        size_t column = (size_t)fmin(fmax(x - PLOT_LEFT, 0.0), PLOT_WIDTH);
        size_t row = (size_t)fmin(fmax(y - PLOT_TOP, 0.0), PLOT_HEIGHT);
        bool *cell = &drawn[column * (PLOT_HEIGHT + 1) + row];
        if (!*cell) {
            add_mark(text, kind, x, y);
            *cell = true;
        }
    }
    end_marks(text);
    fv_release(drawn);
}

/* The part of the line that lies above the points and inside the plot. */
static void add_line(struct fovea_buffer *text, const struct frame *frame, const struct bounds *bounds,
                     const struct fovea_plot_line *line) {
    double x[2] = {bounds->low[0], bounds->high[0]}, y[2];
    for (size_t k = 0; k < 2; k++) {
        y[k] = line->intercept + line->slope * x[k];
        double inside = fmin(fmax(y[k], frame->upward.low), frame->upward.high);
        if (inside != y[k]) {
            x[k] = (inside - line->intercept) / line->slope;
            y[k] = inside;
        }
    }
    if (isfinite(x[0] + x[1] + y[0] + y[1])) {
        fovea_buffer_format(text, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#1b2430\" stroke-width=\"1.6\"/>\n",
                            fovea_axis_place(&frame->across, x[0]), fovea_axis_place(&frame->upward, y[0]),
                            fovea_axis_place(&frame->across, x[1]), fovea_axis_place(&frame->upward, y[1]));
    }
}

void fovea_plot_scatter(struct fovea_buffer *text, const struct fovea_plot_titles *titles,
                        const struct fovea_plot_series *series, size_t count, const struct fovea_plot_line *line) {
    enum { BELOW = 46 };
    struct bounds bounds = no_bounds;
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < series[k].count; i++) {
            widen(&bounds, series[k].x[i], series[k].y[i]);
        }
    }
    struct frame frame = make_frame(&bounds);
    size_t rows = count > 1 ? (count + 2) / 3 : 0; /* of the legend, three names each */
    begin(text, titles->title, PLOT_LEFT + PLOT_WIDTH + 24, PLOT_TOP + PLOT_HEIGHT + BELOW + (int)rows * LEGEND_ROW);
    add_axes(text, &frame, titles);
    if (line != NULL) {
        add_line(text, &frame, &bounds, line);
    }
    for (size_t k = 0; k < count; k++) {
        add_points(text, &series[k], k, &frame);
    }
    for (size_t k = 0; k < count && count > 1; k++) {
        double x = PLOT_LEFT + (double)(k % 3) * (PLOT_WIDTH / 3.0);
        double y = PLOT_TOP + PLOT_HEIGHT + BELOW + 8.0 + (double)(k / 3) * LEGEND_ROW;
        begin_marks(text, k);
        add_mark(text, k, x + 6.0, y);
        end_marks(text);
        fovea_buffer_format(text, "<text x=\"%.1f\" y=\"%.1f\"%s>", x + 16.0, y + 4.0,
                            strlen(series[k].name) > 22 ? " textLength=\"134\" lengthAdjust=\"spacingAndGlyphs\"" : "");
        fovea_buffer_html(text, series[k].name);
        fovea_buffer_text(text, "</text>\n");
    }
    fovea_buffer_text(text, "</svg>\n");
}

/* A horizontal line at `value` with its name. */
static void add_level(struct fovea_buffer *text, const struct frame *frame, double value, const char *name,
                      const char *style) {
    double y = fovea_axis_place(&frame->upward, value);
    fovea_buffer_format(text,
                        "<path d=\"M%d %.1fH%d\" %s/><text x=\"%d\" y=\"%.1f\">%s</text>"
                        "<text x=\"%d\" y=\"%.1f\">",
                        PLOT_LEFT, y, PLOT_LEFT + PLOT_WIDTH, style, PLOT_LEFT + PLOT_WIDTH + 8, y - 2.0, name,
                        PLOT_LEFT + PLOT_WIDTH + 8, y + 11.0);
    fovea_axis_number(text, &frame->upward, value, 2);
    fovea_buffer_text(text, "</text>\n");
}

/* The means and differences of the pairs, one block behind the other, owned by the caller; NULL if memory is exhausted.
 */
static double *find_differences(const double *left, const double *right, size_t count) {
    double *places = fv_allocate(count, 2 * sizeof *places);
    for (size_t i = 0; places != NULL && i < count; i++) {
        places[i] = (left[i] + right[i]) / 2.0;
        places[count + i] = left[i] - right[i];
    }
    return places;
}

void fovea_plot_agreement(struct fovea_buffer *text, const struct fovea_plot_titles *titles, const double *left,
                          const double *right, size_t count, const struct fovea_agreement *agreement) {
    double *places = find_differences(left, right, count);
    if (places == NULL) {
        text->failed = true;
        return;
    }
    const struct fovea_plot_series series = {"", places, places + count, count};
    struct bounds bounds = no_bounds;
    for (size_t i = 0; i < count; i++) {
        widen(&bounds, series.x[i], series.y[i]);
    }
    bounds.low[1] = fmin(bounds.low[1], isnan(agreement->lower) ? 0.0 : fmin(agreement->lower, 0.0));
    bounds.high[1] = fmax(bounds.high[1], isnan(agreement->upper) ? 0.0 : fmax(agreement->upper, 0.0));
    struct frame frame = make_frame(&bounds);
    begin(text, titles->title, PLOT_LEFT + PLOT_WIDTH + 100, PLOT_TOP + PLOT_HEIGHT + 46);
    add_axes(text, &frame, titles);
    add_points(text, &series, 0, &frame);
    if (!isnan(agreement->lower)) {
        const char *limit = "stroke=\"#d55e00\" stroke-width=\"1.5\" stroke-dasharray=\"7 4\"";
        add_level(text, &frame, agreement->lower, MINUS "1.96 SD", limit);
        add_level(text, &frame, agreement->upper, "+1.96 SD", limit);
    }
    add_level(text, &frame, agreement->bias, "bias", "stroke=\"#1b2430\" stroke-width=\"2\"");
    fovea_buffer_text(text, "</svg>\n");
    fv_release(places);
}
