/* The pipeline: read, grade, skip the ungradable, segment, measure, draw, report; or some of these.
 *
 * Thread safety: for the main thread; it watches signals and prints. */
#ifndef FOVEA_APPS_PIPELINE_H
#define FOVEA_APPS_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/tuning.h"
#include "pipeline/inputs.h"
#include "pipeline/models.h"

/* What a command does with each image, in this order. */
struct fovea_stages {
    bool grade;   /* by quality; the ungradable go no further */
    bool segment; /* outline the FAZ and draw it */
    bool masks;   /* the inputs are masks already */
    bool measure; /* the size of pixels is required, or the image fails */
};

struct fovea_pipeline_options {
    const char *command;
    struct fovea_stages stages;
    double field_mm; /* of images of which neither the table nor their files tell another; 0: of none */
    bool has_layer;  /* `layer` is that of images of which neither the table nor their names tell another */
    enum fovea_layer layer;
    const char *scans;                /* the table of scans; NULL: none */
    double reference_axial_length_mm; /* of the eye that the device assumes; 0: FOVEA_REFERENCE_AXIAL_LENGTH_MM */
    const char *models;               /* a folder or file; NULL: the shipped ones */
    size_t threads;                   /* 0: what the machine gives */
    bool mirror;                      /* average the segmentation over mirrored views */
    const size_t *folds;              /* numbers of the segmenter's folds to use; */
    size_t fold_count;                /* 0: all */
    struct fovea_planning planning;
    bool save_probability;    /* write the maps of probability too */
    bool require_grade;       /* a deep image without a partner to take the grade of fails */
    const char *images;       /* with masks: the folder of their images, whose vessels are measured; NULL: none */
    struct fovea_share share; /* of the inputs: this one only */
    bool json_lines;          /* the standard output gets lines of JSON (json_lines.h), and nothing else */
    bool go_on;               /* the output must hold results already */
    bool overwrite;           /* what does not fit any more is done again */
    bool dry;                 /* say what would be done, and do nothing */
    const char *output;       /* the folder that is written */
    const char *list;         /* a file with an input a line; NULL: none */
    const char *const *operands;
    size_t operand_count;
};

/* Does it all: lists the inputs, chooses the models, opens the run folder and sees what is left to do, loads the models
 * if something is, works through the images (one that fails does not stop the others), writes the exports, and prints
 * progress, failures and a summary. Returns the program's exit status. */
int fovea_pipeline_run(const struct fovea_pipeline_options *options);

#endif
