#include "report/page.h"

#include <string.h>

#include "base/report_style.h"
#include "commands.h"
#include "report/style.h"

enum { PNG_HEADER = 24, PICTURE_SIDE = 240 };

const char *const fovea_report_state_marks[FOVEA_STATE_COUNT] = {"\xe2\x97\x8f", "\xe2\x96\xb2", "\xe2\x9c\x95"};
const char *const fovea_report_grade_marks[FOVEA_QUALITY_COUNT] = {"\xe2\x96\xb2", "\xe2\x97\x8f", "\xe2\x98\x85"};

void fovea_report_page_begin(struct fovea_buffer *text, const char *title, const char *lead) {
    fovea_buffer_text(text,
                      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
                      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                      "<title>Fovea report</title>\n<style>\n");
    fovea_buffer_text(text, report_style);
    fovea_buffer_text(text, table_style);
    fovea_buffer_text(text, narrow_style);
    fovea_buffer_text(text, paper_style);
    fovea_buffer_text(text, "</style>\n</head>\n<body>\n<header>\n<h1>");
    fovea_buffer_html(text, title);
    fovea_buffer_format(text, "</h1>\n<p class=\"lead\">%s</p>\n</header>\n<p class=\"notice\">", lead);
    fovea_buffer_html(text, FOVEA_NOTICE);
    fovea_buffer_text(text, "</p>\n");
}

void fovea_report_page_end(struct fovea_buffer *text, const char *version, const char *same) {
    fovea_buffer_text(text, "<footer>");
    fovea_buffer_html(text, FOVEA_NOTICE);
    fovea_buffer_text(text, " Made by fovea ");
    fovea_buffer_html(text, version);
    fovea_buffer_format(text, "; the same figures are in %s.</footer>\n</body>\n</html>\n", same);
}

void fovea_report_term(struct fovea_buffer *text, const char *term, const char *meaning) {
    if (meaning != NULL && meaning[0] != '\0') {
        fovea_buffer_format(text, "<dt>%s</dt><dd>", term);
        fovea_buffer_html(text, meaning);
        fovea_buffer_text(text, "</dd>\n");
    }
}

void fovea_report_url(struct fovea_buffer *text, const char *path) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~/";
    for (const char *byte = path; *byte != '\0'; byte++) {
        const bool inner_dot = *byte == '.' && byte > path && byte[-1] != '/';
        if (inner_dot || strchr(plain, *byte) != NULL) {
            fovea_buffer_add(text, byte, 1);
        } else {
            fovea_buffer_format(text, "%%%02X", (unsigned)(unsigned char)*byte);
        }
    }
}

static uint32_t read_big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Begins the element; *width and *height are of the picture, which is in the first chunk of every PNG file. */
static void begin_picture(struct fovea_buffer *text, const uint8_t *png, size_t size, const char *name,
                          const char *what, uint32_t *width, uint32_t *height) {
    const bool known = size >= PNG_HEADER && memcmp(png + 12, "IHDR", 4) == 0;
    *width = known ? read_big_endian(png + 16) : PICTURE_SIDE;
    *height = known ? read_big_endian(png + 20) : PICTURE_SIDE;
    fovea_buffer_format(text, "<svg class=\"picture\" viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"", *width,
                        *height);
    fovea_buffer_html(text, what);
    fovea_buffer_html(text, name);
    fovea_buffer_text(text, "\">");
}

void fovea_report_picture(struct fovea_buffer *text, const uint8_t *png, size_t size, size_t number, const char *name,
                          const char *what) {
    uint32_t width, height;
    begin_picture(text, png, size, name, what, &width, &height);
    fovea_buffer_text(text, "<image ");
    if (number > 0) {
        fovea_buffer_format(text, "id=\"picture-%zu\" ", number);
    }
    fovea_buffer_format(text, "width=\"%u\" height=\"%u\" href=\"data:image/png;base64,", width, height);
    fovea_buffer_base64(text, png, size);
    fovea_buffer_text(text, "\"/></svg>");
}

void fovea_report_picture_again(struct fovea_buffer *text, const uint8_t *png, size_t size, size_t number,
                                const char *name, const char *what) {
    uint32_t width, height;
    begin_picture(text, png, size, name, what, &width, &height);
    fovea_buffer_format(text, "<use href=\"#picture-%zu\"/></svg>", number);
}

void fovea_report_grade(struct fovea_buffer *text, const struct fovea_grade *grade) {
    const double *shares = grade->probability;
    fovea_buffer_format(text, "%s %s<span class=\"bar\">", fovea_report_grade_marks[grade->quality],
                        fovea_quality_names[grade->quality]);
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        fovea_buffer_format(text, "<i style=\"width:%.1f%%\"></i>", 100 * shares[k]);
    }
    fovea_buffer_format(text, "</span><span class=\"chances\">%.2f / %.2f / %.2f</span>", shares[0], shares[1],
                        shares[2]);
}
