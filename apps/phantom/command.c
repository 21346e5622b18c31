/* phantom: synthetic images whose foveal avascular zone is known. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/folder.h"
#include "commands.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "measure/measure.h"
#include "options.h"
#include "phantom/phantom.h"

enum degrade { DEGRADE_NONE, DEGRADE_MILD, DEGRADE_SEVERE, DEGRADE_MIXED };

/* What the command line says. */
struct request {
    const char *output;
    size_t count, seed, side;
    int field, layer, degrade; /* indices of the choices below */
};

static const char *const fields[] = {"3", "6", NULL};
static const char *const layers[] = {"superficial", "deep", NULL};
static const char *const degrees[] = {"none", "mild", "severe", "mixed", NULL};

static const char details[] =
    "DIR/images/ receives phantom_0001.png and so on; DIR/truth/ the masks (0 and 255) under the same names, and\n"
    "truth.csv: file, fov_mm, layer, seed, index, size_px, faz_pixels, faz_area_mm2, centre_x_px, centre_y_px, grade,\n"
    "degradation. The area is that of the mask.\n"
    "\n"
    "The degradation stands for a grade: none for outstanding (at most two faint stripes), mild for gradable (blur,\n"
    "stripes with small shifts, a shadow), severe for ungradable (heavy blur, many stripes and shifts, low signal, "
    "low\n"
    "contrast, off-centre); mixed takes the three in turn. Image N of a seed is the same whatever the count, on every\n"
    "machine.\n";

/* The shortest decimal that reads back as the same number. */
static void print_number(struct fovea_buffer *buffer, double value) {
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    fovea_buffer_text(buffer, text);
}

static enum fovea_phantom_grade choose_grade(const struct request *request, size_t index) {
    static const enum fovea_phantom_grade turns[] = {FOVEA_PHANTOM_OUTSTANDING, FOVEA_PHANTOM_GRADABLE,
                                                     FOVEA_PHANTOM_UNGRADABLE};
    return turns[request->degrade == DEGRADE_MIXED ? index % 3 : (size_t)request->degrade];
}

static enum fv_status add_row(const struct fovea_phantom_request *made, const struct fovea_phantom *phantom,
                              const char *name, struct fovea_buffer *table, struct fv_error *error) {
    struct fovea_measures measures;
    const struct fovea_measure_request request = {.name = name,
                                                  .mask = phantom->mask.pixels.u8,
                                                  .width = made->side,
                                                  .height = made->side,
                                                  .field_mm = made->field_mm};
    enum fv_status status = fovea_measure(&request, &measures, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_buffer_format(table, "%s,%u,%s,%" PRIu64 ",%" PRIu64 ",%u,%zu,", name, made->field_mm,
                        fovea_phantom_layer_name(made->layer), made->seed, made->index, made->side,
                        measures.faz_pixels);
    print_number(table, measures.faz_area_mm2);
    fovea_buffer_format(table, ",%.2f,%.2f,%s,", phantom->centre_x_px, phantom->centre_y_px,
                        fovea_phantom_grade_name(made->grade));
    fovea_buffer_csv(table, phantom->degradation);
    fovea_buffer_text(table, "\n");
    return FV_OK;
}

static enum fv_status write_picture(const char *folder, const char *kind, const char *name,
                                    const struct fovea_image *image, struct fv_error *error) {
    char *path = fv_text_format("%s/%s/%s", folder, kind, name);
    enum fv_status status = path == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", folder)
                                         : fovea_image_write_png(path, image, error);
    fv_release(path);
    return status;
}

static enum fv_status make_one(const struct request *request, size_t index, struct fovea_buffer *table,
                               struct fv_error *error) {
    struct fovea_phantom_request made = {
        .seed = request->seed,
        .index = index + 1,
        .side = (uint32_t)request->side,
        .field_mm = request->field == 0 ? 3 : 6,
        .layer = request->layer == 0 ? FOVEA_PHANTOM_SUPERFICIAL : FOVEA_PHANTOM_DEEP,
        .grade = choose_grade(request, index),
    };
    char name[48];
    snprintf(name, sizeof name, "phantom_%04zu.png", index + 1);
    struct fovea_phantom phantom;
    enum fv_status status = fovea_phantom_make(&made, &phantom, error);
    if (status == FV_OK) {
        status = write_picture(request->output, "images", name, &phantom.image, error);
    }
    if (status == FV_OK) {
        status = write_picture(request->output, "truth", name, &phantom.mask, error);
    }
    if (status == FV_OK) {
        status = add_row(&made, &phantom, name, table, error);
    }
    fovea_phantom_release(&phantom);
    return status;
}

static enum fv_status make_folder(const char *folder, const char *kind, struct fv_error *error) {
    char *path = fv_text_format("%s/%s", folder, kind);
    enum fv_status status = path == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", folder)
                                         : fovea_folder_make(path, error);
    fv_release(path);
    return status;
}

static enum fv_status make_all(const struct request *request, struct fv_error *error) {
    struct fovea_buffer table = {0};
    fovea_buffer_text(&table, "file,fov_mm,layer,seed,index,size_px,faz_pixels,faz_area_mm2,centre_x_px,centre_y_px,"
                              "grade,degradation\n");
    enum fv_status status = make_folder(request->output, "images", error);
    if (status == FV_OK) {
        status = make_folder(request->output, "truth", error);
    }
    for (size_t i = 0; i < request->count && status == FV_OK; i++) {
        status = make_one(request, i, &table, error);
    }
    if (status == FV_OK) {
        char *path = fv_text_format("%s/truth/truth.csv", request->output);
        status = path == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", request->output)
                              : fovea_buffer_write(&table, path, error);
        fv_release(path);
    }
    fovea_buffer_clear(&table);
    return status;
}

int fovea_command_phantom(int count, char **arguments) {
    struct request request = {.seed = 1, .side = 320};
    const struct fovea_option options[] = {
        {.name = "count",
         .letter = 'n',
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.count,
         .value = "N",
         .help = "how many images",
         .required = true,
         .low = 1,
         .high = 100000},
        {.name = "seed",
         .letter = 's',
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.seed,
         .value = "S",
         .help = "the series; 1 by default",
         .low = 0,
         .high = 9007199254740991.0},
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &request.output,
         .value = "DIR",
         .help = "folder for images and truth",
         .required = true},
        {.name = "size",
         .kind = FOVEA_OPTION_COUNT,
         .target = &request.side,
         .value = "PIXELS",
         .help = "width and height; 320 by default",
         .low = FOVEA_PHANTOM_MIN_SIDE,
         .high = FOVEA_PHANTOM_MAX_SIDE},
        {.name = "fov",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.field,
         .value = "MM",
         .help = "field of view: 3 (the default) or 6 mm a side",
         .choices = fields},
        {.name = "layer",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.layer,
         .value = "LAYER",
         .help = "superficial (the default) or deep",
         .choices = layers},
        {.name = "degrade",
         .kind = FOVEA_OPTION_CHOICE,
         .target = &request.degrade,
         .value = "DEGREE",
         .help = "none (the default), mild, severe or mixed",
         .choices = degrees},
    };
    const struct fovea_syntax syntax = {
        .command = "phantom",
        .operands = "",
        .summary = "Makes synthetic OCTA images with a known foveal avascular zone.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .details = details,
    };
    size_t operands;
    enum fovea_parse parse = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parse != FOVEA_PARSE_GO) {
        return parse == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    struct fv_error error = {0};
    if (make_all(&request, &error) != FV_OK) {
        fprintf(stderr, "fovea phantom: %s\n", error.message);
        return FOVEA_EXIT_UNUSABLE;
    }
    return FOVEA_EXIT_DONE;
}
