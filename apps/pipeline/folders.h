/* The folders inside an output folder. Thread safety: constant. */
#ifndef FOVEA_APPS_FOLDERS_H
#define FOVEA_APPS_FOLDERS_H

enum fovea_folder {
    FOVEA_FOLDER_MASKS,       /* STEM.png: 0 and 255, the input's size */
    FOVEA_FOLDER_OVERLAYS,    /* STEM.png: the published blend */
    FOVEA_FOLDER_CONTOURS,    /* STEM.png: the image with the outline drawn on it */
    FOVEA_FOLDER_LABELS,      /* STEM.nii.gz: the class of each pixel */
    FOVEA_FOLDER_VESSELS,     /* STEM.png: 0 nothing, 128 a vessel, 255 its centre line */
    FOVEA_FOLDER_PROBABILITY, /* STEM.npy: of each class; STEM.png: of the FAZ; only on request */
    FOVEA_FOLDER_COUNT,
};

/* "masks", "overlays", "contours", "labels", "vessels", "probability". */
extern const char *const fovea_folder_names[FOVEA_FOLDER_COUNT];

#endif
