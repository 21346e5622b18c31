/* Which images a project holds, and what is wrong with their names.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_COIPS_LISTING_H
#define FOVEA_APPS_COIPS_LISTING_H

#include <stdbool.h>

#include "fovea/names.h"
#include "pipeline/inputs.h"
#include "pipeline/models.h"

/* One image. Strings belong to the listing. */
struct coips_image {
    struct fovea_input input; /* its name is relative to the project */
    const char *png;          /* its name as PNG in the published folders */
    const char *stem;         /* the same up to the first dot, which names its label and mask */
    bool convert;             /* is no PNG by its name and goes through OpenCV's reading */
    bool staged;              /* lies in the published folders already, with no original in raw_OCTA_images */
    const char *refusal;      /* why the published program could not use it; NULL: it could */
};

/* In the order of their PNG names. A zeroed struct is an empty listing. */
struct coips_listing {
    struct coips_image *items;
    size_t count, capacity;
    size_t ignored;        /* files that are no images */
    struct fv_names names; /* of the PNGs */
    struct fv_pool texts;
};

/* Lists raw_OCTA_images, the images that an earlier run left in processed_OCTA_images/0 (deep: in
 * quality_assessment/gradable too), and those that lie where this layer has no use for them, which are refused. Errors:
 * FV_ERROR_FILE (a folder cannot be read, neither of the first two exists), FV_ERROR_MEMORY. On failure the listing is
 * empty; the caller gives it back with coips_listing_clear. */
enum fv_status coips_list(const char *project, enum fovea_layer layer, struct coips_listing *listing,
                          struct fv_error *error);
void coips_listing_clear(struct coips_listing *listing);

#endif
