#include "pipeline/folders.h"

const char *const fovea_folder_names[FOVEA_FOLDER_COUNT] = {"masks",  "overlays", "contours",
                                                            "labels", "vessels",  "probability"};
