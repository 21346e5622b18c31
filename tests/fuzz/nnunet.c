#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "made_nnunet.h"

static void write_and_clear(const char *name, struct bytes bytes) {
    scratch_write(name, &bytes);
    bytes_clear(&bytes);
}

/* The folder: all files as they should be, but `name`, which is the file in memory. */
static void make_folder(const char *name, const char *file) {
    struct made_plans plans = made_plans();
    struct made_network network = made_unet();
    plans.numpy = true;
    mkdir(scratch_path("fold_0"), 0700);
    write_and_clear("plans.pkl", made_plans_pickle(&plans));
    write_and_clear("fold_0/model_best.model.pkl", made_fold_pickle(&plans));
    write_and_clear("fold_0/model_best.model", made_torch_zip(&network));
    made_clear(&network);
    if (unlink(scratch_path(name)) != 0 || symlink(file, scratch_path(name)) != 0) {
        perror(name);
        exit(EXIT_FAILURE);
    }
}

void fuzz_nnunet(const char *name, const uint8_t *data, size_t size) {
    static bool made;
    const char *file = fuzz_file(data, size);
    if (!made) {
        make_folder(name, file);
        made = true;
    }
    fuzz_checkpoint(scratch_folder());
}
