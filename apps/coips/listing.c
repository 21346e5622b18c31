#include "coips/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "coips/layout.h"
#include "fovea/memory.h"

#define REFUSED_SUFFIX "the published program reads names that end in .jpg, .tif, jpeg or .png, in small letters, only"
#define REFUSED_SUBFOLDER "lies in a subfolder, where the published program does not look"
#define REFUSED_STAGED_SUFFIX "lies among the processed images but is not named .png, as the published program does"
#define REFUSED_NO_STEM "its name has nothing before the first dot, by which its results would be named"
#define REFUSED_UNGRADED "lies in quality_assessment but in no folder of inputs, so that this run cannot grade it"
#define REFUSED_SAME_STEM                                                                                              \
    "shares its name up to the first dot with another image; their results would overwrite each other"

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), part = strlen(end);
    return length >= part && strcmp(text + length - part, end) == 0;
}

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "listing the project: out of memory");
}

/* Texts in the pool: the first `length` bytes of `text`, then `end`. */
static const char *join(struct fv_pool *texts, const char *text, size_t length, const char *end) {
    size_t size = length + strlen(end) + 1;
    char *joined = fv_pool_take(texts, size, 1);
    if (joined != NULL) {
        snprintf(joined, size, "%.*s%s", (int)length, text, end);
    }
    return joined;
}

/* What the published program makes of a file of that name in raw_OCTA_images. */
static void judge_raw(struct coips_image *image, const char *name) {
    image->convert = ends_with(name, ".jpg") || ends_with(name, ".tif") || ends_with(name, "jpeg");
    if (strchr(name, '/') != NULL) {
        image->refusal = REFUSED_SUBFOLDER;
    } else if (!image->convert && !ends_with(name, ".png")) {
        image->refusal = REFUSED_SUFFIX;
    }
}

/* And in a folder that earlier runs filled. */
static void judge_staged(struct coips_image *image, const char *name) {
    image->staged = true;
    if (strchr(name, '/') != NULL) {
        image->refusal = REFUSED_SUBFOLDER;
    } else if (!ends_with(name, ".png")) {
        image->refusal = REFUSED_STAGED_SUFFIX;
    }
}

static struct coips_image *grow(struct coips_listing *listing) {
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity == 0 ? 64 : listing->capacity * 2;
        struct coips_image *grown = fv_reallocate(listing->items, listing->capacity, capacity, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        listing->items = grown;
        listing->capacity = capacity;
    }
    return &listing->items[listing->count];
}

static enum fv_status add(struct coips_listing *listing, const struct fovea_input *input, const char *folder,
                          const char *refusal, struct fv_error *error) {
    struct coips_image *image = grow(listing);
    if (image == NULL) {
        return out_of_memory(error);
    }
    const char *name = input->name;
    *image = (struct coips_image){.input = *input};
    if (strcmp(folder, COIPS_RAW) == 0) {
        judge_raw(image, name);
    } else {
        judge_staged(image, name);
    }
    size_t stem = strcspn(name, ".");
    image->stem = join(&listing->texts, name, stem, "");
    image->png = image->convert ? join(&listing->texts, name, stem, ".png") : name;
    const char *prefix = join(&listing->texts, folder, strlen(folder), "/");
    image->input.name = prefix == NULL ? NULL : join(&listing->texts, prefix, strlen(prefix), name);
    if (image->stem == NULL || image->png == NULL || image->input.name == NULL) {
        return out_of_memory(error);
    }
    image->input.stem = image->stem;
    if (image->refusal == NULL) {
        image->refusal = stem == 0 ? REFUSED_NO_STEM : refusal;
    }
    bool known = fv_names_find(&listing->names, image->png, NULL);
    if (!known && !fv_names_add(&listing->names, image->png, listing->count)) {
        return out_of_memory(error);
    }
    /* What stems from an image of another folder is not an image of its own. */
    listing->count += !(image->staged && known);
    return FV_OK;
}

/* Adds the images of a folder; `refusal` is the reason for all of them. */
static enum fv_status add_folder(struct coips_listing *listing, const char *project, const char *folder,
                                 const char *refusal, bool *exists, struct fv_error *error) {
    char *path = coips_path(project, folder, "");
    struct stat information;
    if (path == NULL) {
        return out_of_memory(error);
    }
    enum fv_status status = FV_OK;
    *exists = stat(path, &information) == 0;
    if (*exists) {
        const char *operand = path;
        struct fovea_inputs inputs;
        status = fovea_inputs_collect(&operand, 1, NULL, NULL, &inputs, error);
        for (size_t i = 0; status == FV_OK && i < inputs.count; i++) {
            struct fovea_input copy = inputs.items[i];
            copy.path = fv_pool_text(&listing->texts, copy.path, strlen(copy.path));
            copy.canonical = fv_pool_text(&listing->texts, copy.canonical, strlen(copy.canonical));
            copy.name = fv_pool_text(&listing->texts, copy.name, strlen(copy.name));
            status = copy.path == NULL || copy.canonical == NULL || copy.name == NULL
                         ? out_of_memory(error)
                         : add(listing, &copy, folder, refusal, error);
        }
        listing->ignored += inputs.ignored;
        fovea_inputs_clear(&inputs);
    }
    fv_release(path);
    return status;
}

static int compare_png(const void *a, const void *b) {
    const struct coips_image *left = a, *right = b;
    int order = strcmp(left->png, right->png);
    return order != 0 ? order : strcmp(left->input.name, right->input.name);
}

static int compare_stem(const void *a, const void *b) {
    const struct coips_image *const *left = a, *const *right = b;
    return strcmp((*left)->stem, (*right)->stem);
}

/* Refuses all images that share a stem: which of them would be right? */
static enum fv_status refuse_shared_stems(struct coips_listing *listing, struct fv_error *error) {
    struct coips_image **order = fv_allocate(listing->count, sizeof *order);
    if (order == NULL) {
        return out_of_memory(error);
    }
    size_t count = 0;
    for (size_t i = 0; i < listing->count; i++) {
        order[count] = &listing->items[i];
        count += listing->items[i].refusal == NULL;
    }
    qsort(order, count, sizeof *order, compare_stem);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(order[i - 1]->stem, order[i]->stem) == 0) {
            order[i - 1]->refusal = order[i]->refusal = REFUSED_SAME_STEM;
        }
    }
    fv_release(order);
    return FV_OK;
}

enum fv_status coips_list(const char *project, enum fovea_layer layer, struct coips_listing *listing,
                          struct fv_error *error) {
    *listing = (struct coips_listing){0};
    bool raw, processed, other;
    bool deep = layer == FOVEA_LAYER_DEEP;
    enum fv_status status = add_folder(listing, project, COIPS_RAW, NULL, &raw, error);
    status = status != FV_OK ? status : add_folder(listing, project, COIPS_PROCESSED, NULL, &processed, error);
    if (status == FV_OK && !raw && !processed) {
        status = fv_error_set(error, FV_ERROR_FILE,
                              "no image found: %s: has neither " COIPS_RAW " nor " COIPS_PROCESSED, project);
    }
    for (size_t grade = FOVEA_GRADABLE; status == FV_OK && grade <= FOVEA_OUTSTANDING; grade++) {
        bool used = deep && grade == FOVEA_GRADABLE;
        status =
            add_folder(listing, project, coips_grade_folders[grade], used ? NULL : REFUSED_UNGRADED, &other, error);
    }
    status = status != FV_OK ? status : refuse_shared_stems(listing, error);
    if (status != FV_OK) {
        coips_listing_clear(listing);
    } else if (listing->count > 0) {
        qsort(listing->items, listing->count, sizeof *listing->items, compare_png);
    }
    return status;
}

void coips_listing_clear(struct coips_listing *listing) {
    fv_release(listing->items);
    fv_names_clear(&listing->names);
    fv_pool_clear(&listing->texts);
    *listing = (struct coips_listing){0};
}
