/* adapt: a clinic's own labels retrain a grader's last layer. */
#include "adapt/adapt.h"

#include <stdint.h>

#include "commands.h"
#include "options.h"

static const char summary[] =
    "Trains a grader's last layer on images of your own with your own grades, cross-validated, "
    "and writes\na new model. The parent is never changed.";

static const char details[] =
    "LABELS.csv has the columns file and grade (ungradable, gradable, outstanding, or 0, 1, 2), and, where subjects\n"
    "have several images, subject, which keeps them on one side of every split. It needs at least 10 images of each\n"
    "grade, and two for each fold. Refused are unknown grades, malformed lines, an image that is there twice (by name\n"
    "or by content), and more than one unreadable image in ten.\n"
    "\n"
    "Every image is shown to the net as it is and in augmented copies: mirrored with probability 0.5, turned by up\n"
    "to 15 degrees. What the net gives before its last layer is kept, and that layer trained on it: cross-entropy\n"
    "weighted by class, Adam (Swin: AdamW), cosine annealing, stopped when the watched loss has not fallen for 20\n"
    "epochs. Images are split into folds; each is graded by a layer that has neither trained on it nor chosen its\n"
    "epoch by it. The same labels, images, options and instruction set give the same bits, whatever --threads.\n"
    "\n"
    "A grader that is right no more often than its parent on images that it had not seen is not written, unless\n"
    "--force is given: it would replace a grader by one that is no better. Beside NEW.gguf, which must not exist\n"
    "yet, the folder of the report receives adapt.html, adapt.json and adapt.csv (a row an image).\n"
    "\n"
    "Exit status: 0 done, 1 done but some images could not be read, 2 wrong usage, 4 the labels, the model or the\n"
    "output cannot be used, or the new grader is no better, 130 interrupted (nothing is written).\n\n" FOVEA_NOTICE;

int fovea_command_adapt(int count, char **arguments) {
    struct fovea_adapt_options options = {
        .copies = 8, .folds = 5, .epochs = 300, .seed = 1, .rate = -1.0, .decay = -1.0};
    const struct fovea_option table[] = {
        {.name = "output",
         .letter = 'o',
         .kind = FOVEA_OPTION_TEXT,
         .target = &options.output,
         .value = "NEW.gguf",
         .required = true,
         .help = "the adapted model; must not exist"},
        {.name = "images",
         .kind = FOVEA_OPTION_TEXT,
         .target = &options.images,
         .value = "FOLDER",
         .help = "where the names in LABELS.csv begin; default: its own folder"},
        {.name = "report",
         .kind = FOVEA_OPTION_TEXT,
         .target = &options.report,
         .value = "FOLDER",
         .help = "where the report goes; default: NEW-report beside NEW.gguf"},
        {.name = "name",
         .kind = FOVEA_OPTION_TEXT,
         .target = &options.name,
         .value = "TEXT",
         .help = "name of the new model; default: the parent's and \", adapted\""},
        {.name = "copies",
         .kind = FOVEA_OPTION_COUNT,
         .target = &options.copies,
         .value = "K",
         .low = 1,
         .high = 64,
         .help = "copies of each image, the plain one included; default 8"},
        {.name = "folds",
         .kind = FOVEA_OPTION_COUNT,
         .target = &options.folds,
         .value = "N",
         .low = FOVEA_ADAPT_LEAST_FOLDS,
         .high = FOVEA_ADAPT_MOST_FOLDS,
         .help = "of the cross-validation; default 5"},
        {.name = "epochs",
         .kind = FOVEA_OPTION_COUNT,
         .target = &options.epochs,
         .value = "N",
         .low = 1,
         .high = 10000,
         .help = "at most; default 300"},
        {.name = "seed",
         .kind = FOVEA_OPTION_COUNT,
         .target = &options.seed,
         .value = "S",
         .high = UINT32_MAX,
         .help = "of copies, folds and shuffling; default 1"},
        {.name = "rate",
         .kind = FOVEA_OPTION_NUMBER,
         .target = &options.rate,
         .value = "X",
         .low = 1e-7,
         .high = 1,
         .help = "learning rate; default 0.001, for Swin 0.0005"},
        {.name = "weight-decay",
         .kind = FOVEA_OPTION_NUMBER,
         .target = &options.decay,
         .value = "X",
         .high = 10,
         .help = "decoupled, of the weights; default 0, for Swin 0.01"},
        {.name = "force",
         .kind = FOVEA_OPTION_FLAG,
         .target = &options.force,
         .help = "write the model even if it grades no better than its parent"},
        {.name = "threads",
         .kind = FOVEA_OPTION_COUNT,
         .target = &options.threads,
         .value = "N",
         .low = 1,
         .high = FV_THREADS_MAX,
         .help = "default: what the machine gives; the result does not depend on it"},
    };
    const struct fovea_syntax syntax = {
        .command = "adapt",
        .operands = "MODEL.gguf LABELS.csv",
        .least = 2,
        .most = 2,
        .summary = summary,
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .details = details,
    };
    size_t operands;
    enum fovea_parse parsed = fovea_options_parse(&syntax, count, arguments, &operands);
    if (parsed != FOVEA_PARSE_GO) {
        return parsed == FOVEA_PARSE_HELP ? FOVEA_EXIT_DONE : FOVEA_EXIT_USAGE;
    }
    options.model = arguments[1];
    options.table = arguments[2];
    return fovea_adapt_run(&options);
}
