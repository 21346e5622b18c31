/* The report for people: one page that loads nothing. */
#include <math.h>
#include <stdio.h>

#include "adapt/adapt.h"
#include "adapt/curve.h"
#include "base/report_style.h"
#include "commands.h"
#include "eval/charts.h"

enum { CLASSES = FOVEA_QUALITY_COUNT };

static const char adapt_style[] =
    ".charts{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;align-items:flex-start}figure{margin:.6rem 0}"
    "figcaption{margin-bottom:.5rem;font-weight:600;font-size:.95rem}.scroll{overflow-x:auto}\n"
    "@media(max-width:46rem){.scroll thead{display:table-header-group}.scroll tr{display:table-row}"
    ".scroll td{display:table-cell;padding:.4rem}}\n@media print{figure{break-inside:avoid}}\n";

static void add_value(struct fovea_buffer *text, double value) {
    if (isnan(value)) {
        fovea_buffer_text(text, "\xe2\x80\x93"); /* an en dash */
    } else {
        fovea_buffer_format(text, "%.3f", value);
    }
}

static void add_head(struct fovea_buffer *text, const struct fovea_adapt *adapt, bool written) {
    fovea_buffer_text(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                            "<title>Fovea adaptation</title>\n<style>\n");
    fovea_buffer_text(text, report_style);
    fovea_buffer_text(text, adapt_style);
    fovea_buffer_text(text, "</style>\n</head>\n<body>\n<header>\n<h1>Adaptation of a grader</h1>\n<p class=\"lead\">");
    fovea_buffer_html(text, adapt->parent->name);
    fovea_buffer_text(text, " &middot; labels ");
    fovea_buffer_html(text, adapt->labels.file);
    fovea_buffer_format(text, " &middot; fovea adapt %s &middot; %s</p>\n</header>\n<p class=\"notice\">%s</p>\n",
                        FOVEA_VERSION, adapt->date, FOVEA_NOTICE);
    if (!adapt->better) {
        fovea_buffer_format(text,
                            "<p class=\"remark\"><b>The adapted grader is not better.</b> On images that it had not "
                            "seen its accuracy is %.3f, the parent's %.3f. %s</p>\n",
                            adapt->after.accuracy, adapt->before.accuracy,
                            written ? "The model was written because --force was given; the parent is the safer choice."
                                    : "No model was written; --force writes it nonetheless.");
    }
}

static void add_count(struct fovea_buffer *text, const char *label, size_t count) {
    fovea_buffer_format(text, "<div class=\"tile\"><b>%zu</b><span>%s</span></div>\n", count, label);
}

static void add_share(struct fovea_buffer *text, const char *label, double share) {
    fovea_buffer_format(text, "<div class=\"tile\"><b>%.3f</b><span>%s</span></div>\n", share, label);
}

static void add_tiles(struct fovea_buffer *text, const struct fovea_adapt *adapt) {
    fovea_buffer_text(text, "<section>\n<h2>Summary</h2>\n<div class=\"tiles\">\n");
    add_count(text, "images used", adapt->count);
    add_share(text, "accuracy of the parent", adapt->before.accuracy);
    add_share(text, "accuracy adapted, cross-validated", adapt->after.accuracy);
    add_count(text, "wrong before, right after", adapt->mended);
    add_count(text, "right before, wrong after", adapt->broken);
    add_count(text, adapt->failures.count == 1 ? "image unusable" : "images unusable", adapt->failures.count);
    fovea_buffer_text(text, "</div>\n</section>\n");
}

static void add_matrices(struct fovea_buffer *text, const struct fovea_adapt *adapt) {
    fovea_buffer_text(text, "<section>\n<h2>Confusion matrices</h2>\n<div class=\"charts\">\n"
                            "<figure><figcaption>Before: the parent</figcaption>\n");
    fovea_chart_confusion(text, &adapt->before);
    fovea_buffer_text(text, "</figure>\n<figure><figcaption>After: cross-validated</figcaption>\n");
    fovea_chart_confusion(text, &adapt->after);
    fovea_buffer_text(text, "</figure>\n</div>\n<p>Rows: labels; columns: grades; images, and their share of the "
                            "label. \xe2\x80\x9c"
                            "After\xe2\x80\x9d grades each image by the round that neither "
                            "trained on it nor chose its epoch by it.</p>\n</section>\n");
}

static void add_row(struct fovea_buffer *text, const char *label, const char *detail, double before, double after) {
    fovea_buffer_format(text, "<tr><td>%s%s</td><td class=\"number\">", label, detail);
    add_value(text, before);
    fovea_buffer_text(text, "</td><td class=\"number\">");
    add_value(text, after);
    fovea_buffer_text(text, "</td></tr>\n");
}

static void add_figures(struct fovea_buffer *text, const struct fovea_adapt *adapt) {
    static const char head[] = "<thead><tr><th>Figure</th><th class=\"number\">Before</th><th class=\"number\">After"
                               "</th></tr></thead>\n<tbody>\n";
    fovea_buffer_text(text, "<section>\n<h2>Figures</h2>\n<div class=\"scroll\"><table>\n");
    fovea_buffer_text(text, head);
    for (size_t i = 0; i < FOVEA_CLASSIFICATION_FIGURES; i++) {
        add_row(text, fovea_classification_figures[i].label, "", fovea_classification_value(&adapt->before, i),
                fovea_classification_value(&adapt->after, i));
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n<section>\n<h2>Each grade</h2>\n"
                            "<div class=\"scroll\"><table>\n");
    fovea_buffer_text(text, head);
    for (size_t k = 0; k < CLASSES; k++) {
        char detail[64];
        for (size_t i = 0; i < FOVEA_CLASS_FIGURES; i++) {
            snprintf(detail, sizeof detail, " (%zu images): %s", adapt->counts[k], fovea_class_figures[i].label);
            add_row(text, fovea_quality_names[k], detail, fovea_class_value(&adapt->before.classes[k], i),
                    fovea_class_value(&adapt->after.classes[k], i));
        }
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n");
}

static void add_curve(struct fovea_buffer *text, const struct fovea_adapt *adapt) {
    fovea_buffer_text(text, "<section>\n<h2>Learning curve</h2>\n");
    fovea_chart_learning(text, adapt->rounds, adapt->options->folds, adapt->chosen);
    fovea_buffer_format(text,
                        "<p>Each of %zu rounds: the images that train (line) and those that are watched (dashed); the "
                        "dot is the epoch that the round kept. The layer that is written trained on all images for %zu "
                        "epochs (vertical line), the median of the rounds.</p>\n</section>\n",
                        adapt->options->folds, adapt->chosen);
}

static size_t count_differences(const struct fovea_adapt *adapt) {
    size_t count = 0;
    for (size_t i = 0; i < adapt->count; i++) {
        count += adapt->images[i].after.predicted != adapt->images[i].after.truth;
    }
    return count;
}

/* The images whose grade by cross-validation is not their label. */
static void add_differences(struct fovea_buffer *text, const struct fovea_adapt *adapt) {
    fovea_buffer_format(text, "<section>\n<h2>Images graded other than labelled: %zu</h2>\n", count_differences(adapt));
    fovea_buffer_text(text, "<p>A look at these tells whether the grader or the label errs.</p>\n"
                            "<div class=\"scroll\"><table>\n<thead><tr><th>Image</th><th>Label</th><th>Before</th>"
                            "<th>After</th><th class=\"number\">Probability of the label</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < adapt->count; i++) {
        const struct fovea_adapt_image *image = &adapt->images[i];
        if (image->after.predicted != image->after.truth) {
            fovea_buffer_text(text, "<tr><td class=\"file\">");
            fovea_buffer_html(text, image->labelled->name);
            fovea_buffer_format(text, "</td><td>%s</td><td>%s</td><td>%s</td><td class=\"number\">%.3f</td></tr>\n",
                                fovea_quality_names[image->after.truth], fovea_quality_names[image->before.predicted],
                                fovea_quality_names[image->after.predicted],
                                image->after.probability[image->after.truth]);
        }
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n");
}

static void add_failures(struct fovea_buffer *text, const struct fovea_adapt *adapt) {
    if (adapt->failures.count == 0) {
        return;
    }
    fovea_buffer_text(text, "<section>\n<h2>Images that could not be used</h2>\n<div class=\"scroll\"><table>\n<thead>"
                            "<tr><th>Image</th><th>Reason</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < adapt->failures.count; i++) {
        fovea_buffer_text(text, "<tr><td class=\"file\">");
        fovea_buffer_html(text, adapt->failures.items[i].image);
        fovea_buffer_text(text, "</td><td>");
        fovea_buffer_html(text, adapt->failures.items[i].reason);
        fovea_buffer_text(text, "</td></tr>\n");
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n");
}

static void add_term(struct fovea_buffer *text, const char *term, const char *meaning) {
    fovea_buffer_format(text, "<dt>%s</dt><dd>", term);
    fovea_buffer_html(text, meaning);
    fovea_buffer_text(text, "</dd>\n");
}

static void add_method(struct fovea_buffer *text, const struct fovea_adapt *adapt) {
    const struct fovea_adapt_options *options = adapt->options;
    struct fovea_buffer line = {0};
    fovea_buffer_text(text, "<section>\n<h2>How it was made</h2>\n<dl>\n");
    add_term(text, "parent", adapt->parent->name);
    add_term(text, "its SHA-256", adapt->parent->sha256);
    add_term(text, "labels, SHA-256", adapt->labels.sha256);
    fovea_adapt_describe(adapt, &line);
    text->failed = text->failed || line.failed;
    add_term(text, "lineage", line.failed ? "" : line.bytes);
    fovea_buffer_clear(&line);
    fovea_buffer_format(text,
                        "<dt>features</dt><dd>what the last layer takes, of %zu copies of each image (seed %zu): the "
                        "image as it is, the others mirrored with probability 0.5 and turned by up to 15 "
                        "degrees</dd>\n<dt>training</dt><dd>%s, learning rate %g, weight decay %g, cosine annealing of "
                        "period %zu epochs, batches of %zu, at most %zu epochs, stopped when the watched loss has not "
                        "fallen for %zu; cross-entropy weighted by class (eq. 2 to 5 of Wang et al. 2021); it starts "
                        "from the parent's layer</dd>\n",
                        options->copies, options->seed, adapt->decoupled ? "AdamW" : "Adam", adapt->training.rate,
                        adapt->training.decay, adapt->training.period, adapt->training.batch, adapt->training.epochs,
                        adapt->training.patience);
    fovea_buffer_format(text,
                        "<dt>cross-validation</dt><dd>%zu folds by %s, every grade spread evenly; a round scores one "
                        "fold, watches the next for early stopping, and trains on the others</dd>\n</dl>\n",
                        options->folds, adapt->labels.subjects ? "subject" : "image");
    if (!adapt->labels.subjects) {
        fovea_buffer_text(text, "<p class=\"remark\">The table does not say whose the images are. If subjects have "
                                "several images, add a column <code>subject</code>: otherwise the scores after "
                                "adaptation are too good.</p>\n");
    }
    fovea_buffer_text(text, "<p>If the parent was trained on some of these images, its scores are too good.</p>\n"
                            "</section>\n");
}

enum fv_status fovea_adapt_write_report(const struct fovea_adapt *adapt, bool written, const char *path,
                                        struct fv_error *error) {
    struct fovea_buffer text = {0};
    add_head(&text, adapt, written);
    add_tiles(&text, adapt);
    add_matrices(&text, adapt);
    add_figures(&text, adapt);
    add_curve(&text, adapt);
    add_differences(&text, adapt);
    add_failures(&text, adapt);
    add_method(&text, adapt);
    fovea_buffer_text(&text, "<footer>" FOVEA_NOTICE " Made by fovea " FOVEA_VERSION
                             "; the same figures are in adapt.json, the images in adapt.csv.</footer>\n</body>\n"
                             "</html>\n");
    enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}
