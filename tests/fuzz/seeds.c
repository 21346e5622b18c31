/* Writes the seeds of the fuzz targets: sound files of every kind that the tests' generators make.
 * usage: seeds FOLDER      the seeds of target T go to FOLDER/T/ */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fovea/convert.h"
#include "fovea/npy.h"
#include "made_dicom.h"
#include "made_nnunet.h"

static const char *top;

/* "FOLDER/target/name"; the folders are made. */
static const char *place(const char *target, const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", top, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", top, target, name);
    return path;
}

static void put(const char *target, const char *name, struct bytes bytes) {
    const char *path = place(target, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.at, 1, bytes.size, file) != bytes.size || fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    bytes_clear(&bytes);
}

static void require(enum fv_status status, const struct fv_error *error) {
    if (status != FV_OK) {
        fprintf(stderr, "seeds: %s\n", error->message);
        exit(EXIT_FAILURE);
    }
}

/* The network in every container, and as a model. */
static void put_network(const char *name, struct made_network network) {
    static const struct made_attribute attributes[] = {
        {"conv1", "stride", "K\x02K\x02\x86"},
        {"layer1.0.conv2", "groups", "K\x02"},
        {"layer1.0.bn1", "eps", "G\x3E\xE4\xF8\xB5\x88\xE3\x68\xF1"},
        {"conv1", "padding_mode", "U\x05zeros"},
    };
    struct fv_error error;
    struct fv_checkpoint *checkpoint;
    struct fv_convert_options options;
    put("torch_zip", name, made_torch_zip(&network));
    put("torch_legacy", name, made_torch_legacy(&network));
    put("safetensors", name, made_safetensors(&network));
    put("pickle", name, made_state_dict_pickle(&network));
    char module[64];
    snprintf(module, sizeof module, "%.48s-module", name);
    put("torch_zip", module, made_module_zip(&network, attributes, 4));
    put("pickle", module, made_module_pickle(&network, attributes, 4));
    fv_convert_options_default(&options);
    struct bytes file = made_torch_zip(&network);
    require(fv_checkpoint_open(scratch_write("network", &file), &checkpoint, &error), &error);
    require(fv_convert(checkpoint, place("gguf", name), &options, &error), &error);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    made_clear(&network);
}

static void put_arrays(void) {
    static const float values[24] = {0, 1, 2, 3};
    static const size_t shape[] = {2, 3, 4};
    struct fv_error error;
    for (uint32_t rank = 0; rank <= 3; rank++) {
        char name[16];
        snprintf(name, sizeof name, "rank-%u", rank);
        require(fv_npy_write(place("npy", name), values, shape, rank, &error), &error);
    }
}

static void put_plans(void) {
    for (int numpy = 0; numpy < 2; numpy++) {
        struct made_plans plans = made_plans();
        plans.numpy = numpy == 1;
        put("nnunet_plans", numpy ? "numpy" : "plain", made_plans_pickle(&plans));
        put("nnunet_fold", numpy ? "numpy" : "plain", made_fold_pickle(&plans));
    }
}

/* Uncompressed in every encoding, with functional groups, and compressed. */
static void put_dicom(void) {
    static const char *const syntaxes[] = {MADE_EXPLICIT, MADE_IMPLICIT, MADE_BIG, MADE_RLE, MADE_JPEG};
    static struct made_dicom made;
    for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++) {
        const struct made_dicom_image image = {.syntax = syntaxes[i],
                                               .spacing = "0.01\\0.01",
                                               .shared_spacing = "0.01\\0.01",
                                               .shared_laterality = "R",
                                               .plain = i == 1};
        made_dicom_image(&made, &image);
        if (strcmp(syntaxes[i], MADE_RLE) == 0) {
            made_dicom_rle(&made, MADE_WIDTH * MADE_HEIGHT, 1);
        } else if (strcmp(syntaxes[i], MADE_JPEG) == 0) {
            made_dicom_open_pixels(&made);
            made_dicom_fragment(&made, "\xff\xd8\xff\xd9", 4);
            made_dicom_close_sequence(&made);
        } else {
            made_dicom_pixels(&made, MADE_WIDTH * MADE_HEIGHT, 1);
        }
        char name[16];
        snprintf(name, sizeof name, "image-%zu", i);
        FILE *file = fopen(place("dicom", name), "wb");
        if (file == NULL || fwrite(made.bytes, 1, made.size, file) != made.size || fclose(file) != 0) {
            perror(name);
            exit(EXIT_FAILURE);
        }
    }
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: seeds FOLDER\n");
        return 2;
    }
    top = arguments[1];
    put_network("swin", made_swin());
    put_network("resnet", made_resnet(false));
    put_network("resnet-legacy", made_resnet(true));
    put_arrays();
    put_plans();
    put_dicom();
    return 0;
}
