#include "eval/gallery.h"

#include <math.h>
#include <stdlib.h>

#include "eval/pictures.h"
#include "fovea/memory.h"
#include "fovea/names.h"

/* By rising Dice coefficient, the undefined last; equals stay in the order of their names. */
static int compare_worst(const void *a, const void *b) {
    const struct fovea_eval_mask *const *left = a, *const *right = b;
    double first = (*left)->figures[FOVEA_MASK_DICE], second = (*right)->figures[FOVEA_MASK_DICE];
    first = isnan(first) ? 2.0 : first;
    second = isnan(second) ? 2.0 : second;
    int order = (first > second) - (first < second);
    return order != 0 ? order : (*left > *right) - (*left < *right);
}

static void add_number(struct fovea_buffer *text, double value) {
    if (isnan(value)) {
        fovea_buffer_text(text, "\xe2\x80\x93");
    } else {
        fovea_buffer_format(text, "%.3f", value);
    }
}

/* The picture, or why there is none. */
static enum fv_status add_picture(struct fovea_buffer *text, const struct fovea_eval_options *options,
                                  const struct fovea_eval_mask *mask, const struct fovea_mask_folder *images,
                                  const struct fv_names *names, struct fv_error *error) {
    size_t index;
    if (!fv_names_find(names, mask->key, &index)) {
        fovea_buffer_text(text, "<span class=\"none\">no image of this name in ");
        fovea_buffer_html(text, images->base);
        fovea_buffer_text(text, "</span>");
        return FV_OK;
    }
    struct fovea_comparison comparison = {
        .image_path = images->paths[index],
        .image_name = images->entries[index].file,
        .predicted_path = mask->predicted_path,
        .reference_path = mask->reference_path,
        .name = mask->name,
        .foreground = &options->foreground,
    };
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct fv_error problem = {0};
    enum fv_status status = fovea_comparison_draw(&comparison, &bytes, &size, &problem);
    if (status == FV_ERROR_MEMORY) {
        return fv_error_set(error, status, "%s", problem.message);
    }
    if (status != FV_OK) {
        fovea_buffer_text(text, "<span class=\"none\">");
        fovea_buffer_html(text, problem.message);
        fovea_buffer_text(text, "</span>");
        return FV_OK;
    }
    fovea_buffer_text(text, "<img loading=\"lazy\" alt=\"");
    fovea_buffer_html(text, mask->name);
    fovea_buffer_text(text, ", outlines of reference and prediction\" src=\"data:image/png;base64,");
    fovea_buffer_base64(text, bytes, size);
    fovea_buffer_text(text, "\">");
    fv_release(bytes);
    return FV_OK;
}

static enum fv_status add_pictures(struct fovea_buffer *text, const struct fovea_eval_options *options,
                                   const struct fovea_eval_set *set, struct fovea_eval_mask *const *order, size_t count,
                                   struct fv_error *error) {
    struct fovea_mask_folder images = {0};
    struct fv_names names = {0};
    enum fv_status status = fovea_mask_folder_list(set->source->images, set->match, false, &images, error);
    for (size_t i = 0; i < images.count && status == FV_OK; i++) {
        if (!fv_names_find(&names, images.entries[i].key, NULL) && !fv_names_add(&names, images.entries[i].key, i)) {
            status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", images.base);
        }
    }
    fovea_buffer_text(text, "<p class=\"lead\"><span class=\"key reference\"></span>reference, broad "
                            "<span class=\"key predicted\"></span>prediction, narrow, on top</p>\n"
                            "<div class=\"gallery\">\n");
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        const struct fovea_eval_mask *mask = order[i];
        fovea_buffer_text(text, "<figure>");
        status = add_picture(text, options, mask, &images, &names, error);
        fovea_buffer_text(text, "<figcaption><b>Dice ");
        add_number(text, mask->figures[FOVEA_MASK_DICE]);
        fovea_buffer_text(text, "</b> &middot; Jaccard ");
        add_number(text, mask->figures[FOVEA_MASK_JACCARD]);
        fovea_buffer_text(text, "<br>");
        fovea_buffer_html(text, mask->name);
        fovea_buffer_text(text, "</figcaption></figure>\n");
    }
    fovea_buffer_text(text, "</div>\n");
    fv_names_clear(&names);
    fovea_mask_folder_clear(&images);
    return status;
}

static void add_table(struct fovea_buffer *text, struct fovea_eval_mask *const *order, size_t count) {
    static const size_t shown[] = {FOVEA_MASK_DICE, FOVEA_MASK_JACCARD, FOVEA_MASK_PRECISION, FOVEA_MASK_RECALL};
    fovea_buffer_text(text, "<div class=\"scroll\"><table>\n<thead><tr><th>Image</th>");
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
        fovea_buffer_format(text, "<th class=\"number\">%s</th>", fovea_mask_figure_texts[shown[k]].label);
    }
    fovea_buffer_text(text, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < count; i++) {
        fovea_buffer_text(text, "<tr><td class=\"file\">");
        fovea_buffer_html(text, order[i]->name);
        fovea_buffer_text(text, "</td>");
        for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
            fovea_buffer_text(text, "<td class=\"number\">");
            add_number(text, order[i]->figures[shown[k]]);
            fovea_buffer_text(text, "</td>");
        }
        fovea_buffer_text(text, "</tr>\n");
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
}

enum fv_status fovea_gallery_add(struct fovea_buffer *text, const struct fovea_eval_options *options,
                                 const struct fovea_eval_set *set, struct fv_error *error) {
    struct fovea_eval_mask **order = fv_allocate(set->count, sizeof *order);
    if (order == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", set->reference);
    }
    for (size_t i = 0; i < set->count; i++) {
        order[i] = &set->masks[i];
    }
    qsort(order, set->count, sizeof *order, compare_worst);
    size_t count = set->count < options->worst ? set->count : options->worst;
    enum fv_status status = FV_OK;
    if (count > 0) {
        fovea_buffer_format(text, "<h3>%s, worst first</h3>\n",
                            count < set->count ? "The segmentations of the lowest Dice" : "All segmentations");
        if (set->source->images != NULL) {
            status = add_pictures(text, options, set, order, count, error);
        } else {
            add_table(text, order, count);
        }
    }
    fv_release(order);
    return status;
}
