/* Stopping in good order: SIGINT and SIGTERM are noted, the image in work is finished, the results are written. A
 * second signal ends the program at once; files are written so that even this leaves none half-written.
 *
 * Thread safety: for the main thread. */
#ifndef FOVEA_APPS_INTERRUPT_H
#define FOVEA_APPS_INTERRUPT_H

#include <stdbool.h>

void fovea_interrupt_watch(void);
bool fovea_interrupted(void);

#endif
