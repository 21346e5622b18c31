/* `fovea doctor`: whether this machine, this build and these models work together.
 *
 * Each check prints lines on the standard output: "ok", "note" (worth knowing) or "FAIL", and what was found.
 *
 * Thread safety: for the main thread. */
#ifndef FOVEA_APPS_DOCTOR_H
#define FOVEA_APPS_DOCTOR_H

#include <stddef.h>

#include "fovea/status.h"

struct fovea_doctor {
    const char *models; /* a folder or file; NULL: the shipped ones */
    const char *output; /* the folder to be written to */
    size_t failures;    /* so far */
};

/* Print a line of each kind; failures are counted. */
void fovea_doctor_ok(const char *format, ...) FV_PRINTF(1, 2);
void fovea_doctor_note(const char *format, ...) FV_PRINTF(1, 2);
void fovea_doctor_fail(struct fovea_doctor *doctor, const char *format, ...) FV_PRINTF(2, 3);

/* Processor and instruction set, threads, memory, clock, and the libraries of this build with their versions. */
void fovea_doctor_machine(struct fovea_doctor *doctor);

/* Whether the folder can be written, and how much room its disk has. Nothing is left there. */
void fovea_doctor_output(struct fovea_doctor *doctor);

/* Opens every model, plans it with all its members, and runs it on a phantom that it serves: with one thread and with
 * all, which must give the same bits. A FAZ that a shipped model outlines must overlap the phantom's with a Dice of at
 * least 0.8, which all that ship reach by far (tests/apps/doctor.sh). */
void fovea_doctor_models(struct fovea_doctor *doctor);

#endif
