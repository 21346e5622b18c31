#include "report/pages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "report/details.h"
#include "report/page.h"

enum { NAME_SIZE = 64 };

const char fovea_report_pages_folder[] = "pages";

size_t fovea_report_page_count(size_t images) {
    return images <= FOVEA_REPORT_SINGLE ? 0 : (images - 1) / FOVEA_REPORT_PER_PAGE + 1;
}

size_t fovea_report_page_of(size_t number) {
    return (number - 1) / FOVEA_REPORT_PER_PAGE + 1;
}

static void format_name(size_t page, char name[NAME_SIZE]) {
    snprintf(name, NAME_SIZE, "page-%04zu.html", page);
}

void fovea_report_page_name(struct fovea_buffer *text, size_t page) {
    char name[NAME_SIZE];
    format_name(page, name);
    fovea_buffer_format(text, "%s/%s", fovea_report_pages_folder, name);
}

/* Pages that are being written. */
struct writing {
    const struct fovea_results *results;
    const char *folder;
    struct fovea_export export; /* of the page; empty between pages */
    size_t number;              /* images that were written */
};

static void add_link(struct fovea_buffer *text, size_t page, const char *label) {
    char name[NAME_SIZE];
    format_name(page, name);
    fovea_buffer_format(text, "<a href=\"%s\">%s</a>\n", name, label);
}

/* The links between pages. */
static void add_navigation(struct fovea_buffer *text, size_t page, size_t pages) {
    fovea_buffer_text(text, "<nav aria-label=\"Pages\">\n<a href=\"../report.html\">Report</a>\n");
    if (page > 1) {
        add_link(text, page - 1, "Previous page");
    }
    if (page < pages) {
        add_link(text, page + 1, "Next page");
    }
    fovea_buffer_text(text, "</nav>\n");
}

static enum fv_status begin_page(struct writing *writing, struct fv_error *error) {
    const size_t images = writing->results->count, page = writing->number / FOVEA_REPORT_PER_PAGE + 1,
                 last = page * FOVEA_REPORT_PER_PAGE < images ? page * FOVEA_REPORT_PER_PAGE : images;
    char name[NAME_SIZE], title[2 * NAME_SIZE];
    format_name(page, name);
    char *path = fv_text_format("%s/%s", writing->folder, name);
    enum fv_status status = path == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name)
                                         : fovea_export_begin(&writing->export, path, error);
    fv_release(path);
    if (status == FV_OK) {
        snprintf(title, sizeof title, "Images %zu to %zu of %zu", writing->number + 1, last, images);
        fovea_report_page_begin(&writing->export.text, title, "Foveal avascular zone report");
        add_navigation(&writing->export.text, page, fovea_report_page_count(images));
    }
    return status;
}

/* Ends the page, if there is one, with what came of it. */
static enum fv_status end_page(struct writing *writing, enum fv_status status, struct fv_error *error) {
    if (writing->export.output == NULL) {
        return status;
    }
    const size_t page = fovea_report_page_of(writing->number > 0 ? writing->number : 1);
    add_navigation(&writing->export.text, page, fovea_report_page_count(writing->results->count));
    fovea_report_page_end(&writing->export.text, writing->results->version,
                          "<a href=\"../results.csv\">results.csv</a> and results.json");
    return fovea_export_end(&writing->export, status, error);
}

static enum fv_status visit(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct writing *writing = visitor;
    enum fv_status status = FV_OK;
    if (writing->number % FOVEA_REPORT_PER_PAGE == 0) {
        status = end_page(writing, status, error);
        status = status != FV_OK ? status : begin_page(writing, error);
    }
    if (status == FV_OK) {
        fovea_report_details(&writing->export.text, result, ++writing->number, "../report.html");
        status = fovea_export_flush(&writing->export, error);
    }
    return status;
}

enum fv_status fovea_report_pages_write(const struct fovea_results *results, const char *pages,
                                        struct fv_error *error) {
    struct writing writing = {.results = results, .folder = pages};
    if (fovea_report_page_count(results->count) == 0) {
        return FV_OK;
    }
    enum fv_status status = fovea_folder_make(pages, error);
    status = status != FV_OK ? status : results->source.each(results->source.context, true, visit, &writing, error);
    return end_page(&writing, status, error);
}

/* The number of the page of that name; 0: it is none. */
static size_t page_of_name(const char *name) {
    size_t page;
    char same[NAME_SIZE];
    if (sscanf(name, "page-%9zu.html", &page) != 1) {
        return 0;
    }
    format_name(page, same);
    return strcmp(name, same) == 0 ? page : 0;
}

enum fv_status fovea_report_pages_trim(const char *pages, size_t keep, struct fv_error *error) {
    DIR *folder = opendir(pages);
    if (folder == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? FV_OK
                   : fv_error_set(error, FV_ERROR_FILE, "%s: cannot be read: %s", pages, strerror(errno));
    }
    enum fv_status status = FV_OK;
    for (struct dirent *entry = readdir(folder); entry != NULL && status == FV_OK; entry = readdir(folder)) {
        if (page_of_name(entry->d_name) <= keep) {
            continue;
        }
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0 && errno != ENOENT) {
            status = fv_error_set(error, FV_ERROR_FILE, "%s/%s: cannot be removed: %s", pages, entry->d_name,
                                  strerror(errno));
        }
    }
    closedir(folder);
    if (keep == 0) {
        rmdir(pages); /* if it is empty */
    }
    return status;
}

bool fovea_report_pages_exist(const char *output, size_t images) {
    const size_t pages = fovea_report_page_count(images);
    const int folder = pages > 0 ? open(output, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    bool exist = pages == 0 || folder >= 0;
    for (size_t page = 1; page <= pages && exist; page++) {
        char name[NAME_SIZE], path[2 * NAME_SIZE];
        format_name(page, name);
        snprintf(path, sizeof path, "%s/%s", fovea_report_pages_folder, name);
        exist = faccessat(folder, path, F_OK, 0) == 0;
    }
    if (folder >= 0) {
        close(folder);
    }
    return exist;
}
