#include <stdio.h>
/* jpeglib.h uses what stdio.h declares. */
#include <cjson/cJSON.h>
#include <jpeglib.h>
#include <png.h>
#include <sqlite3.h>
#include <sys/statvfs.h>
#include <tiffio.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "doctor/doctor.h"
#include "fovea/cpu.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "fovea/threads.h"
#include "image/dicom.h"

#if FOVEA_OPENBLAS
#include <cblas.h>
#endif

#ifdef FOVEA_GSL
#include <gsl/gsl_version.h>
#else
#define GSL_VERSION "none"
#endif

static const double GIGABYTE = 1e9;
static const double LEAST_MEMORY = 0.5, LEAST_DISK = 1; /* GB; below, a run of full-size models may fail */

/* 2026-01-01: before it, no clock is right. */
enum { EARLIEST_TIME = 1767225600 };

static void check_processor(struct fovea_doctor *doctor) {
    char name[FV_CPU_NAME_SIZE], others[64] = "no other";
    struct fv_error error = {0};
    enum fv_isa used;
    fv_cpu_name(name);
    if (fv_isa_select(&used, &error) != FV_OK) {
        fovea_doctor_fail(doctor, "processor: %s: %s", name, error.message);
        return;
    }
    size_t length = 0;
    for (int isa = 0; isa < FV_ISA_COUNT; isa++) {
        if (isa != (int)used && fv_isa_supported((enum fv_isa)isa)) {
            length += (size_t)snprintf(others + length, sizeof others - length, "%s%s", length > 0 ? ", " : "",
                                       fv_isa_name((enum fv_isa)isa));
        }
    }
    const struct fv_caches caches = fv_cpu_caches();
    fovea_doctor_ok("processor: %s, kernels for %s (it also runs %s); caches %zu KB, %zu KB, %zu KB", name,
                    fv_isa_name(used), others, caches.level1 / 1024, caches.level2 / 1024, caches.level3 / 1024);
    if (used == FV_ISA_SCALAR || used == FV_ISA_SSE) { /* benchmarks/RESULTS.md */
        fovea_doctor_note("models take %s times as long as with kernels for AVX2",
                          used == FV_ISA_SSE ? "several" : "dozens of");
    }
    fovea_doctor_ok("threads: %zu of %ld processors, as affinity and control groups allow", fv_threads_available(),
                    sysconf(_SC_NPROCESSORS_ONLN));
}

static void check_memory(void) {
    const double page = (double)sysconf(_SC_PAGESIZE);
    const double all = page * (double)sysconf(_SC_PHYS_PAGES) / GIGABYTE;
    if (all < LEAST_MEMORY) {
        fovea_doctor_note("memory: %.2f GB; full-size models need up to 1 GB", all);
    } else {
        fovea_doctor_ok("memory: %.1f GB", all);
    }
}

static void check_clock(void) {
    const time_t now = time(NULL);
    if (now < EARLIEST_TIME) {
        char text[32] = "?";
        struct tm parts;
        if (gmtime_r(&now, &parts) != NULL) {
            strftime(text, sizeof text, "%Y-%m-%d", &parts);
        }
        fovea_doctor_note("clock: says %s; results hold no times, but files do", text);
    }
}

static void check_libraries(void) {
    const unsigned turbo = LIBJPEG_TURBO_VERSION_NUMBER, tiff = TIFFLIB_VERSION;
#if FOVEA_OPENBLAS
    fovea_doctor_ok("libraries: %s", openblas_get_config());
#endif
    fovea_doctor_ok("libraries: libpng %s, libjpeg-turbo %u.%u.%u, libtiff of %u, zlib %s, cJSON %s, SQLite %s",
                    png_libpng_ver, turbo / 1000000, turbo / 1000 % 1000, turbo % 1000, tiff, zlibVersion(),
                    cJSON_Version(), sqlite3_libversion());
    fovea_doctor_ok("libraries: GSL %s for fovea cohort, %s for DICOM", GSL_VERSION, fovea_dicom_library());
}

void fovea_doctor_machine(struct fovea_doctor *doctor) {
    check_processor(doctor);
    check_memory();
    check_clock();
    check_libraries();
}

void fovea_doctor_output(struct fovea_doctor *doctor) {
    struct fv_error error = {0};
    struct fv_output *file = NULL;
    struct statvfs disk;
    char *probe = fv_text_format("%s/fovea-doctor-probe", doctor->output);
    enum fv_status status =
        probe != NULL ? fv_output_create(probe, &file, &error) : fv_error_set(&error, FV_ERROR_MEMORY, "out of memory");
    status = status == FV_OK ? fv_output_write(file, "probe", sizeof "probe", &error) : status;
    fv_output_abandon(file);
    fv_release(probe);
    if (status != FV_OK) {
        fovea_doctor_fail(doctor, "folder: %s", error.message);
        return;
    }
    if (statvfs(doctor->output, &disk) != 0) {
        fovea_doctor_ok("folder: %s can be written", doctor->output);
        return;
    }
    const double room = (double)disk.f_bavail * (double)disk.f_frsize / GIGABYTE;
    if (room < LEAST_DISK) {
        fovea_doctor_note("folder: %s can be written, but its disk has only %.2f GB left", doctor->output, room);
    } else {
        fovea_doctor_ok("folder: %s can be written, %.1f GB are free", doctor->output, room);
    }
}
