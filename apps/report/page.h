/* What every page of a report has, and pieces of HTML.
 *
 * Pages load nothing: a Content-Security-Policy in each forbids it, pictures are in the page. Thread safety: a buffer
 * belongs to one thread. */
#ifndef FOVEA_APPS_REPORT_PAGE_H
#define FOVEA_APPS_REPORT_PAGE_H

#include <stdint.h>

#include "base/buffer.h"
#include "pipeline/results.h"

/* Marks that go with the words, for those who do not see the colours. */
extern const char *const fovea_report_state_marks[FOVEA_STATE_COUNT];
extern const char *const fovea_report_grade_marks[FOVEA_QUALITY_COUNT];

/* From the doctype to the head line and the notice; `lead` is HTML. */
void fovea_report_page_begin(struct fovea_buffer *text, const char *title, const char *lead);

/* The notice and the end. `same`: where the same figures are, HTML. */
void fovea_report_page_end(struct fovea_buffer *text, const char *version, const char *same);

/* A row of a list of terms; nothing if `meaning` is NULL or empty. `term` is HTML, `meaning` any text. */
void fovea_report_term(struct fovea_buffer *text, const char *term, const char *meaning);

/* A path, which is bytes, as a relative URL: all but letters, digits, "-", "_", "~", "/" and dots percent-encoded, and
 * a dot that begins a part too. */
void fovea_report_url(struct fovea_buffer *text, const char *path);

/* A PNG file as an SVG element that holds it under the id picture-NUMBER; `number` 0: without one. `name` and `what`
 * are its description. */
void fovea_report_picture(struct fovea_buffer *text, const uint8_t *png, size_t size, size_t number, const char *name,
                          const char *what);

/* The same picture again, by reference to the first, which is elsewhere in the page. */
void fovea_report_picture_again(struct fovea_buffer *text, const uint8_t *png, size_t size, size_t number,
                                const char *name, const char *what);

/* The name of the grade with its mark, the shares as a bar and as numbers. */
void fovea_report_grade(struct fovea_buffer *text, const struct fovea_grade *grade);

#endif
