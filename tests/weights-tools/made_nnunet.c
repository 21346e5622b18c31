#include "made_nnunet.h"

static void put_bytes(struct bytes *pickle, const void *bytes, size_t size) {
    bytes_u8(pickle, 'C');
    bytes_u8(pickle, (unsigned)size);
    bytes_add(pickle, bytes, size);
}

/* dtype(code, False, True), then its state. */
static void put_type(struct bytes *pickle, const char *code) {
    pickle_global(pickle, "numpy", "dtype");
    pickle_text(pickle, code);
    bytes_text(pickle, "\x89\x88\x87R(K\x03");
    pickle_text(pickle, "<");
    bytes_text(pickle, "NNN");
    pickle_integer(pickle, -1);
    pickle_integer(pickle, -1);
    pickle_integer(pickle, 0);
    bytes_text(pickle, "tb");
}

/* A one-dimensional array. */
static void put_array(struct bytes *pickle, const char *code, int elements, const void *data, size_t size) {
    pickle_global(pickle, "numpy.core.multiarray", "_reconstruct");
    pickle_global(pickle, "numpy", "ndarray");
    pickle_integer(pickle, 0);
    bytes_u8(pickle, 0x85);
    put_bytes(pickle, "b", 1);
    bytes_text(pickle, "\x87R(K\x01");
    pickle_integer(pickle, elements);
    bytes_u8(pickle, 0x85);
    put_type(pickle, code);
    bytes_u8(pickle, 0x89);
    put_bytes(pickle, data, size);
    bytes_text(pickle, "tb");
}

static void put_list(struct bytes *pickle, const int *values) {
    bytes_text(pickle, "](");
    for (size_t i = 0; values[i] >= 0; i++) {
        pickle_integer(pickle, values[i]);
    }
    bytes_u8(pickle, 'e');
}

static void put_pairs(struct bytes *pickle, const int *values) {
    bytes_text(pickle, "](");
    for (size_t i = 0; values[i] >= 0; i += 2) {
        bytes_text(pickle, "](");
        pickle_integer(pickle, values[i]);
        pickle_integer(pickle, values[i + 1]);
        bytes_u8(pickle, 'e');
    }
    bytes_u8(pickle, 'e');
}

/* A dictionary from each modality's number to the value whose opcodes are `value`. */
static void put_each(struct bytes *pickle, const struct made_plans *plans, const struct bytes *value) {
    bytes_text(pickle, "}(");
    for (int i = 0; i < plans->modalities; i++) {
        pickle_integer(pickle, i);
        bytes_add(pickle, value->at, value->size);
    }
    bytes_u8(pickle, 'u');
}

static void put_stage(struct bytes *pickle, const struct made_plans *plans) {
    bytes_text(pickle, "}(");
    pickle_integer(pickle, 0);
    bytes_text(pickle, "}(");
    pickle_text(pickle, "patch_size");
    if (plans->numpy) {
        const int64_t patch[2] = {plans->patch[0], plans->patch[1]};
        const double spacing[3] = {999, 1, 1};
        put_array(pickle, "i8", 2, patch, sizeof patch);
        pickle_text(pickle, "current_spacing");
        put_array(pickle, "f8", 3, spacing, sizeof spacing);
    } else {
        put_list(pickle, plans->patch);
    }
    if (plans->without_lists) {
        pickle_text(pickle, "num_pool_per_axis");
        put_list(pickle, plans->counts);
    } else {
        pickle_text(pickle, "pool_op_kernel_sizes");
        put_pairs(pickle, plans->pools);
        pickle_text(pickle, "conv_kernel_sizes");
        put_pairs(pickle, plans->kernels);
    }
    bytes_text(pickle, "uu");
}

static void put_plans(struct bytes *pickle, const struct made_plans *plans) {
    struct bytes scheme = {0};
    struct bytes masked = {0};
    pickle_text(&scheme, plans->scheme);
    bytes_u8(&masked, 0x88);
    bytes_text(pickle, "}(");
    pickle_text(pickle, "num_modalities");
    pickle_integer(pickle, plans->modalities);
    pickle_text(pickle, "num_classes");
    if (plans->numpy) {
        const int64_t classes = plans->classes;
        pickle_global(pickle, "numpy.core.multiarray", "scalar");
        put_type(pickle, "i8");
        put_bytes(pickle, &classes, sizeof classes);
        bytes_text(pickle, "\x86R");
    } else {
        pickle_integer(pickle, plans->classes);
    }
    pickle_text(pickle, "base_num_features");
    pickle_integer(pickle, plans->features);
    pickle_text(pickle, "transpose_forward");
    put_list(pickle, plans->transpose);
    pickle_text(pickle, "normalization_schemes");
    put_each(pickle, plans, &scheme);
    pickle_text(pickle, "use_mask_for_norm");
    put_each(pickle, plans, &masked);
    pickle_text(pickle, "preprocessor_name");
    pickle_text(pickle, plans->preprocessor);
    pickle_text(pickle, "plans_per_stage");
    put_stage(pickle, plans);
    bytes_u8(pickle, 'u');
    bytes_clear(&scheme);
    bytes_clear(&masked);
}

struct made_plans made_plans(void) {
    return (struct made_plans){
        .modalities = 2,
        .classes = 2,
        .features = 4,
        .patch = {8, 12, -1},
        .pools = {2, 1, -1},
        .kernels = {3, 3, 3, 1, -1},
        .transpose = {0, 1, 2, -1},
        .scheme = "nonCT",
        .preprocessor = "PreprocessorFor2D",
        .trainer = "nnUNetTrainerV2",
    };
}

struct bytes made_plans_pickle(const struct made_plans *plans) {
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x04");
    put_plans(&pickle, plans);
    bytes_u8(&pickle, '.');
    return pickle;
}

struct bytes made_fold_pickle(const struct made_plans *plans) {
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x04}(");
    pickle_text(&pickle, "name");
    pickle_text(&pickle, plans->trainer);
    pickle_text(&pickle, "init");
    bytes_text(&pickle, "(NNNNN");
    pickle_integer(&pickle, 0); /* the stage */
    bytes_u8(&pickle, 't');
    pickle_text(&pickle, "plans");
    put_plans(&pickle, plans);
    bytes_text(&pickle, "u.");
    return pickle;
}
