/* What holds where several say something about a scan.
 *
 * The more closely it was said of this very image the more it counts:
 *   field of view: the table, then the image's own file (DICOM), then the command line;
 *   eye:           the table, then the file, then its name;
 *   layer:         the table, then the name, then the command line.
 * The size in a name ("6x6") is never taken for the field of view. Whatever contradicts what holds is remarked.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_SCAN_RESOLVE_H
#define FOVEA_APPS_SCAN_RESOLVE_H

#include "fovea/pool.h"
#include "fovea/status.h"
#include "image/image.h"
#include "scan/scan.h"
#include "scan/table.h"

/* What is said. */
struct fovea_scan_claims {
    double option_field_mm; /* of the command line; 0: none */
    bool option_has_layer;
    enum fovea_layer option_layer;
    const struct fovea_scan_row *row;      /* of the table; NULL: none */
    const struct fovea_image_facts *facts; /* of the file; NULL: it could not be read */
    const char *name;                      /* of the file */
};

/* Settles `scan`, whose texts come to lie in `texts`. A spacing becomes a field of view by the size in `facts`.
 * Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_scan_resolve(const struct fovea_scan_claims *claims, struct fv_pool *texts,
                                  struct fovea_scan *scan, struct fv_error *error);

#endif
