/* Networks, and the containers that hold them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made.h"

/* The network that is being made. */
static struct made_tensor *add(struct made_network *network, const char *name, uint32_t rank, size_t a, size_t b,
                               size_t c, size_t d) {
    network->tensors = realloc(network->tensors, (network->count + 1) * sizeof *network->tensors);
    made_require(network->tensors != NULL, "memory");
    struct made_tensor *tensor = &network->tensors[network->count++];
    *tensor = (struct made_tensor){.element = FV_ELEMENT_F32, .rank = rank, .shape = {a, b, c, d}, .elements = 1};
    made_require(strlen(name) < sizeof tensor->name, name);
    strcpy(tensor->name, name);
    for (uint32_t i = 0; i < rank; i++) {
        tensor->elements *= tensor->shape[i];
    }
    tensor->values = calloc(tensor->elements, sizeof *tensor->values);
    made_require(tensor->values != NULL, "memory");
    for (size_t i = 0; i < tensor->elements; i++) {
        tensor->values[i] = (double)((i * 37 + network->count * 11) % 257) / 256.0 - 0.5;
    }
    return tensor;
}

static void add_pair(struct made_network *network, const char *name, uint32_t rank, size_t a, size_t b) {
    char full[128];
    snprintf(full, sizeof full, "%.96s.weight", name);
    add(network, full, rank, a, b, 1, 1);
    snprintf(full, sizeof full, "%.96s.bias", name);
    add(network, full, 1, a, 1, 1, 1);
}

enum { WINDOW = 2, TOKENS = WINDOW * WINDOW };

static void add_index(struct made_network *network, const char *name) {
    struct made_tensor *tensor = add(network, name, 2, TOKENS, TOKENS, 1, 1);
    tensor->element = FV_ELEMENT_I64;
    for (int p = 0; p < TOKENS; p++) {
        for (int q = 0; q < TOKENS; q++) {
            tensor->values[p * TOKENS + q] =
                (p / WINDOW - q / WINDOW + WINDOW - 1) * (2 * WINDOW - 1) + p % WINDOW - q % WINDOW + WINDOW - 1;
        }
    }
}

/* A 4 x 4 map in four windows of 2 x 2, shifted by 1: in the last window row and column, the halves must not meet. */
static void add_mask(struct made_network *network, const char *name) {
    struct made_tensor *tensor = add(network, name, 3, 4, TOKENS, TOKENS, 1);
    for (int n = 0; n < 4; n++) {
        for (int p = 0; p < TOKENS; p++) {
            for (int q = 0; q < TOKENS; q++) {
                bool apart = (n / 2 == 1 && p / WINDOW != q / WINDOW) || (n % 2 == 1 && p % WINDOW != q % WINDOW);
                tensor->values[(n * TOKENS + p) * TOKENS + q] = apart ? -100 : 0;
            }
        }
    }
}

static void add_block(struct made_network *network, int stage, int block, size_t channels) {
    char prefix[48];
    char name[96];
    snprintf(prefix, sizeof prefix, "layers.%d.blocks.%d", stage, block);
    snprintf(name, sizeof name, "%s.norm1", prefix);
    add_pair(network, name, 1, channels, 1);
    snprintf(name, sizeof name, "%s.attn.relative_position_bias_table", prefix);
    add(network, name, 2, (2 * WINDOW - 1) * (2 * WINDOW - 1), 2, 1, 1);
    snprintf(name, sizeof name, "%s.attn.relative_position_index", prefix);
    add_index(network, name);
    snprintf(name, sizeof name, "%s.attn.qkv", prefix);
    add_pair(network, name, 2, 3 * channels, channels);
    snprintf(name, sizeof name, "%s.attn.proj", prefix);
    add_pair(network, name, 2, channels, channels);
    snprintf(name, sizeof name, "%s.norm2", prefix);
    add_pair(network, name, 1, channels, 1);
    snprintf(name, sizeof name, "%s.mlp.fc1", prefix);
    add_pair(network, name, 2, 4 * channels, channels);
    snprintf(name, sizeof name, "%s.mlp.fc2", prefix);
    add_pair(network, name, 2, channels, 4 * channels);
    if (stage == 0 && block == 1) {
        snprintf(name, sizeof name, "%s.attn_mask", prefix);
        add_mask(network, name);
    }
}

struct made_network made_swin(void) {
    struct made_network network = {0};
    add(&network, "patch_embed.proj.weight", 4, 8, 3, 4, 4);
    add(&network, "patch_embed.proj.bias", 1, 8, 1, 1, 1);
    add_pair(&network, "patch_embed.norm", 1, 8, 1);
    add_block(&network, 0, 0, 8);
    add_block(&network, 0, 1, 8);
    add(&network, "layers.0.downsample.reduction.weight", 2, 16, 32, 1, 1);
    add_pair(&network, "layers.0.downsample.norm", 1, 32, 1);
    add_block(&network, 1, 0, 16);
    add_pair(&network, "norm", 1, 16, 1);
    add_pair(&network, "head", 2, 3, 16);
    return network;
}

/* Convolution with bias and its instance norm. */
static void add_unet_block(struct made_network *network, const char *name, size_t outputs, size_t inputs, size_t height,
                           size_t width) {
    char full[128];
    snprintf(full, sizeof full, "%.96s.conv.weight", name);
    add(network, full, 4, outputs, inputs, height, width);
    snprintf(full, sizeof full, "%.96s.conv.bias", name);
    add(network, full, 1, outputs, 1, 1, 1);
    snprintf(full, sizeof full, "%.96s.instnorm", name);
    add_pair(network, full, 1, outputs, 1);
}

struct made_network made_unet(void) {
    struct made_network network = {0};
    add_unet_block(&network, "conv_blocks_localization.0.0.blocks.0", 4, 8, 3, 1);
    add_unet_block(&network, "conv_blocks_localization.0.1.blocks.0", 4, 4, 3, 1);
    add_unet_block(&network, "conv_blocks_context.0.blocks.0", 4, 2, 3, 3);
    add_unet_block(&network, "conv_blocks_context.0.blocks.1", 4, 4, 3, 3);
    add_unet_block(&network, "conv_blocks_context.1.0.blocks.0", 8, 4, 3, 1);
    add_unet_block(&network, "conv_blocks_context.1.1.blocks.0", 8, 8, 3, 1);
    add(&network, "tu.0.weight", 4, 8, 4, 2, 1);
    add(&network, "seg_outputs.0.weight", 4, 3, 4, 1, 1);
    return network;
}

static void add_batch_norm(struct made_network *network, const char *name, size_t channels) {
    char full[128];
    add_pair(network, name, 1, channels, 1);
    snprintf(full, sizeof full, "%.96s.running_mean", name);
    add(network, full, 1, channels, 1, 1, 1);
    snprintf(full, sizeof full, "%.96s.running_var", name);
    struct made_tensor *variance = add(network, full, 1, channels, 1, 1, 1);
    for (size_t i = 0; i < channels; i++) {
        variance->values[i] += 0.5;
    }
    snprintf(full, sizeof full, "%.96s.num_batches_tracked", name);
    add(network, full, 0, 1, 1, 1, 1)->element = FV_ELEMENT_I64;
}

/* A convolution without bias and its batch norm. */
static void add_convolution(struct made_network *network, const char *convolution, const char *norm, size_t outputs,
                            size_t inputs, size_t kernel) {
    char full[128];
    snprintf(full, sizeof full, "%.96s.weight", convolution);
    add(network, full, 4, outputs, inputs, kernel, kernel);
    add_batch_norm(network, norm, outputs);
}

static void add_squeeze(struct made_network *network, const char *name, size_t outputs, size_t inputs) {
    char full[128];
    snprintf(full, sizeof full, "%.96s.weight", name);
    add(network, full, 4, outputs, inputs, 1, 1);
    snprintf(full, sizeof full, "%.96s.bias", name);
    add(network, full, 1, outputs, 1, 1, 1);
}

struct made_network made_resnet(bool legacy) {
    struct made_network network = {0};
    add_convolution(&network, legacy ? "layer0.conv1" : "conv1", legacy ? "layer0.bn1" : "bn1", 4, 1, 7);
    for (int layer = 1; layer <= 4; layer++) {
        char names[8][64];
        static const char *const parts[] = {"conv1", "bn1", "conv2",        "bn2",
                                            "conv3", "bn3", "downsample.0", "downsample.1"};
        for (int i = 0; i < 8; i++) {
            snprintf(names[i], sizeof names[i], "layer%d.0.%s", layer, parts[i]);
        }
        size_t inputs = layer == 1 ? 4 : 8;
        add_convolution(&network, names[0], names[1], 4, inputs, 1);
        add_convolution(&network, names[2], names[3], 4, 2, 3);
        add_convolution(&network, names[4], names[5], 8, 4, 1);
        add_convolution(&network, names[6], names[7], 8, inputs, 1);
        snprintf(names[0], sizeof names[0], "layer%d.0.%s.fc1", layer, legacy ? "se_module" : "se");
        add_squeeze(&network, names[0], 2, 8);
        snprintf(names[0], sizeof names[0], "layer%d.0.%s.fc2", layer, legacy ? "se_module" : "se");
        add_squeeze(&network, names[0], 8, 2);
    }
    add_pair(&network, legacy ? "last_linear" : "fc", 2, 2, 8);
    return network;
}

struct made_tensor *made_add(struct made_network *network, const char *name, uint32_t rank, size_t rows,
                             size_t columns) {
    return add(network, name, rank, rows, columns, 1, 1);
}

struct made_tensor *made_find(struct made_network *network, const char *name) {
    for (size_t i = 0; i < network->count; i++) {
        if (strcmp(network->tensors[i].name, name) == 0) {
            return &network->tensors[i];
        }
    }
    made_require(false, name);
    return NULL;
}

void made_clear(struct made_network *network) {
    for (size_t i = 0; i < network->count; i++) {
        free(network->tensors[i].values);
    }
    free(network->tensors);
    *network = (struct made_network){0};
}

static void add_values(struct bytes *bytes, const struct made_tensor *tensor) {
    for (size_t i = 0; i < tensor->elements; i++) {
        double value = tensor->values[i];
        float single = (float)value;
        uint32_t bits;
        switch (tensor->element) {
        case FV_ELEMENT_F64:
            bytes_add(bytes, &value, sizeof value);
            break;
        case FV_ELEMENT_I64:
            bytes_u64(bytes, (uint64_t)(int64_t)value);
            break;
        case FV_ELEMENT_BF16:
            memcpy(&bits, &single, sizeof bits);
            bytes_u16(bytes, bits >> 16);
            break;
        default:
            bytes_add(bytes, &single, sizeof single);
        }
    }
}

static const char *storage_class(enum fv_element element) {
    return element == FV_ELEMENT_I64    ? "LongStorage"
           : element == FV_ELEMENT_F64  ? "DoubleStorage"
           : element == FV_ELEMENT_BF16 ? "BFloat16Storage"
                                        : "FloatStorage";
}

/* The opcodes that push tensor number `i`; its storage's key is 7000 + i. Legacy persistent ids have a sixth member. */
static void put_tensor(struct bytes *pickle, const struct made_network *network, size_t i, bool legacy) {
    const struct made_tensor *tensor = &network->tensors[i];
    char key[16];
    snprintf(key, sizeof key, "%zu", 7000 + i);
    pickle_global(pickle, "torch._utils", "_rebuild_tensor_v2");
    bytes_text(pickle, "((");
    pickle_text(pickle, "storage");
    pickle_global(pickle, "torch", storage_class(tensor->element));
    pickle_text(pickle, key);
    pickle_text(pickle, "cpu");
    pickle_integer(pickle, (int32_t)tensor->elements);
    bytes_text(pickle, legacy ? "NtQ" : "tQ");
    pickle_integer(pickle, 0);
    bytes_u8(pickle, '(');
    for (uint32_t j = 0; j < tensor->rank; j++) {
        pickle_integer(pickle, (int32_t)tensor->shape[j]);
    }
    bytes_text(pickle, "t(");
    size_t stride = tensor->elements;
    for (uint32_t j = 0; j < tensor->rank; j++) {
        stride /= tensor->shape[j];
        pickle_integer(pickle, (int32_t)stride);
    }
    bytes_text(pickle, "t\x89");
    pickle_global(pickle, "collections", "OrderedDict");
    bytes_text(pickle, ")RtR");
}

/* An OrderedDict of tensors. */
static struct bytes state_dict_pickle(const struct made_network *network, bool legacy) {
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02");
    pickle_global(&pickle, "collections", "OrderedDict");
    bytes_text(&pickle, ")R(");
    for (size_t i = 0; i < network->count; i++) {
        pickle_text(&pickle, network->tensors[i].name);
        put_tensor(&pickle, network, i, legacy);
    }
    bytes_text(&pickle, "u.");
    return pickle;
}

enum { MOST_CHILDREN = 64, PART_SIZE = 96 };

/* Adds the part of `name` that follows `prefix`, up to the next dot, to the list, once. */
static void add_part(char parts[MOST_CHILDREN][PART_SIZE], size_t *count, const char *prefix, const char *name) {
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0) {
        return;
    }
    size_t size = strcspn(name + length, ".");
    for (size_t i = 0; i < *count; i++) {
        if (strlen(parts[i]) == size && strncmp(parts[i], name + length, size) == 0) {
            return;
        }
    }
    made_require(*count < MOST_CHILDREN && size < PART_SIZE, name);
    memcpy(parts[*count], name + length, size);
    parts[(*count)++][size] = '\0';
}

/* Numbers in their order, after all names. */
static int compare_parts(const void *left, const void *right) {
    return atoi(left) - atoi(right);
}

/* The names of a module's children: those that have tensors, and those that have attributes. */
static size_t find_children(char parts[MOST_CHILDREN][PART_SIZE], const struct made_network *network,
                            const char *prefix, const struct made_attribute *attributes, size_t attribute_count) {
    size_t count = 0;
    for (size_t i = 0; i < network->count; i++) {
        const char *name = network->tensors[i].name;
        if (strncmp(name, prefix, strlen(prefix)) == 0 && strchr(name + strlen(prefix), '.') != NULL) {
            add_part(parts, &count, prefix, name);
        }
    }
    for (size_t i = 0; i < attribute_count; i++) {
        if (strlen(attributes[i].module) > strlen(prefix)) {
            add_part(parts, &count, prefix, attributes[i].module);
        }
    }
    if (count > 0 && parts[0][0] >= '0' && parts[0][0] <= '9') {
        qsort(parts, count, sizeof parts[0], compare_parts);
    }
    return count;
}

/* Whether an attribute is of the module whose tensors' names begin with `prefix`. */
static bool belongs(const struct made_attribute *attribute, const char *prefix) {
    size_t length = strlen(attribute->module);
    return strncmp(attribute->module, prefix, length) == 0 && strcmp(prefix + length, length > 0 ? "." : "") == 0;
}

/* GLOBAL of the module's class: as an attribute CLASS says, a Linear if it has a weight of two dimensions, else a class
 * of no known meaning. */
static void put_class(struct bytes *pickle, const struct made_network *network, const char *prefix,
                      const struct made_attribute *attributes, size_t count) {
    char weight[192];
    snprintf(weight, sizeof weight, "%.160sweight", prefix);
    for (size_t i = 0; i < count; i++) {
        if (belongs(&attributes[i], prefix) && strcmp(attributes[i].name, "CLASS") == 0) {
            bytes_text(pickle, attributes[i].opcodes);
            return;
        }
    }
    for (size_t i = 0; i < network->count; i++) {
        if (strcmp(network->tensors[i].name, weight) == 0 && network->tensors[i].rank == 2) {
            pickle_global(pickle, "torch.nn.modules.linear", "Linear");
            return;
        }
    }
    pickle_global(pickle, "torchvision.models.resnet", "Part");
}

/* The module whose tensors' names begin with `prefix` ("" or ending in a dot). */
static void put_module(struct bytes *pickle, const struct made_network *network, const char *prefix,
                       const struct made_attribute *attributes, size_t count) {
    put_class(pickle, network, prefix, attributes, count);
    bytes_text(pickle, ")\x81}(");
    pickle_text(pickle, "_buffers");
    bytes_u8(pickle, '}');
    pickle_text(pickle, "_parameters");
    bytes_text(pickle, "}(");
    for (size_t i = 0; i < network->count; i++) {
        const char *name = network->tensors[i].name;
        if (strncmp(name, prefix, strlen(prefix)) == 0 && strchr(name + strlen(prefix), '.') == NULL) {
            pickle_text(pickle, name + strlen(prefix));
            put_tensor(pickle, network, i, false);
        }
    }
    bytes_u8(pickle, 'u');
    pickle_text(pickle, "_modules");
    bytes_text(pickle, "}(");
    char parts[MOST_CHILDREN][PART_SIZE];
    size_t children = find_children(parts, network, prefix, attributes, count);
    for (size_t i = 0; i < children; i++) {
        char inner[192];
        snprintf(inner, sizeof inner, "%.80s%.95s.", prefix, parts[i]);
        pickle_text(pickle, parts[i]);
        put_module(pickle, network, inner, attributes, count);
    }
    bytes_u8(pickle, 'u');
    for (size_t i = 0; i < count; i++) {
        if (belongs(&attributes[i], prefix) && strcmp(attributes[i].name, "CLASS") != 0) {
            pickle_text(pickle, attributes[i].name);
            bytes_text(pickle, attributes[i].opcodes);
        }
    }
    bytes_text(pickle, "ub");
}

struct bytes made_zip_with(const void *pickle, size_t size, const struct made_network *network) {
    struct zip_made zip = {0};
    zip_made_add(&zip, "some name/data.pkl", pickle, size);
    for (size_t i = 0; i < network->count; i++) {
        char name[64];
        struct bytes values = {0};
        snprintf(name, sizeof name, "some name/data/%zu", 7000 + i);
        add_values(&values, &network->tensors[i]);
        zip_made_add(&zip, name, values.at, values.size);
        bytes_clear(&values);
    }
    zip_made_add(&zip, "some name/version", "3\n", 2);
    return zip_made_end(&zip, true);
}

struct bytes made_state_dict_pickle(const struct made_network *network) {
    return state_dict_pickle(network, false);
}

struct bytes made_module_pickle(const struct made_network *network, const struct made_attribute *attributes,
                                size_t count) {
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02");
    put_module(&pickle, network, "", attributes, count);
    bytes_u8(&pickle, '.');
    return pickle;
}

/* The pickle is freed. */
static struct bytes zip_of(struct bytes pickle, const struct made_network *network) {
    struct bytes file = made_zip_with(pickle.at, pickle.size, network);
    bytes_clear(&pickle);
    return file;
}

struct bytes made_torch_zip(const struct made_network *network) {
    return zip_of(made_state_dict_pickle(network), network);
}

struct bytes made_module_zip(const struct made_network *network, const struct made_attribute *attributes,
                             size_t count) {
    return zip_of(made_module_pickle(network, attributes, count), network);
}

struct bytes made_torch_legacy(const struct made_network *network) {
    struct bytes file = {0};
    bytes_add(&file, "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19\x2E", 15);
    bytes_text(&file, "\x80\x02M\xE9\x03.");
    bytes_text(&file, "\x80\x02}(");
    pickle_text(&file, "protocol_version");
    bytes_text(&file, "M\xE9\x03");
    pickle_text(&file, "little_endian");
    bytes_text(&file, "\x88u.");
    struct bytes pickle = state_dict_pickle(network, true);
    bytes_add(&file, pickle.at, pickle.size);
    bytes_clear(&pickle);
    bytes_text(&file, "\x80\x02](");
    for (size_t i = 0; i < network->count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%zu", 7000 + i);
        pickle_text(&file, key);
    }
    bytes_text(&file, "e.");
    for (size_t i = 0; i < network->count; i++) {
        bytes_u64(&file, network->tensors[i].elements);
        add_values(&file, &network->tensors[i]);
    }
    return file;
}

struct bytes made_safetensors(const struct made_network *network) {
    struct bytes header = {0};
    struct bytes data = {0};
    bytes_text(&header, "{\"__metadata__\":{\"format\":\"p\\u0074\"}");
    for (size_t i = 0; i < network->count; i++) {
        const struct made_tensor *tensor = &network->tensors[i];
        char text[256];
        size_t begin = data.size;
        add_values(&data, tensor);
        const char *type = tensor->element == FV_ELEMENT_I64   ? "I64"
                           : tensor->element == FV_ELEMENT_F64 ? "F64"
                                                               : "F32";
        snprintf(text, sizeof text, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", tensor->name, type);
        bytes_text(&header, text);
        for (uint32_t j = 0; j < tensor->rank; j++) {
            snprintf(text, sizeof text, "%s%zu", j == 0 ? "" : ",", tensor->shape[j]);
            bytes_text(&header, text);
        }
        snprintf(text, sizeof text, "],\"data_offsets\":[%zu,%zu]}", begin, data.size);
        bytes_text(&header, text);
    }
    bytes_text(&header, "}  ");
    struct bytes file = {0};
    bytes_u64(&file, header.size);
    bytes_add(&file, header.at, header.size);
    bytes_add(&file, data.at, data.size);
    bytes_clear(&header);
    bytes_clear(&data);
    return file;
}
