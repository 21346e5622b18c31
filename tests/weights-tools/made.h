/* Checkpoints made by the tests themselves: bytes, pickles and zips (made_bytes.c), tiny nets in
 * every container (made.c), and the folder to put them in (scratch.c). */
#ifndef FOVEA_TESTS_MADE_H
#define FOVEA_TESTS_MADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/checkpoint.h"

/* Ends the program unless all is fine: a test fails by that, and so does a program that is no test. */
void made_require(bool fine, const char *what);

/* Bytes that grow. A zeroed struct is empty; bytes_clear frees. The tests end when memory does. */
struct bytes {
    uint8_t *at;
    size_t size;
    size_t capacity;
};

void bytes_add(struct bytes *bytes, const void *added, size_t size);
void bytes_u8(struct bytes *bytes, unsigned value);
void bytes_u16(struct bytes *bytes, unsigned value);
void bytes_u32(struct bytes *bytes, uint32_t value);
void bytes_u64(struct bytes *bytes, uint64_t value);
void bytes_text(struct bytes *bytes, const char *text); /* without its zero */
struct bytes bytes_copy(const struct bytes *bytes);
void bytes_clear(struct bytes *bytes);

/* Offset of the `number`-th occurrence (from 0) of `pattern`; the test fails if there is none. */
size_t bytes_find(const struct bytes *bytes, const void *pattern, size_t size, size_t number);

/* Pickle opcodes with their arguments. */
void pickle_text(struct bytes *pickle, const char *text);
void pickle_integer(struct bytes *pickle, int32_t value);
void pickle_global(struct bytes *pickle, const char *module, const char *name);

/* A zip as torch writes it: stored, sizes of 0 in the local headers, data at multiples of 64. */
struct zip_made {
    struct bytes file;
    struct bytes directory;
    unsigned count;
};
void zip_made_add(struct zip_made *zip, const char *name, const void *data, size_t size);
/* Ends the archive and hands over its bytes, with Zip64 records if asked for. */
struct bytes zip_made_end(struct zip_made *zip, bool zip64);

/* States the CRC-32 of every entry in the directory, where zip_made_add states none (0). */
void zip_add_checksums(struct bytes *file);

/* A torch zip that holds nothing but this pickle. */
struct bytes torch_zip_of(const struct bytes *pickle);

/* One tensor of a made checkpoint. */
struct made_tensor {
    char name[96];
    enum fv_element element;
    uint32_t rank;
    size_t shape[4];
    size_t elements;
    double *values;
};

struct made_network {
    struct made_tensor *tensors;
    size_t count;
};

/* A Swin Transformer for 16 x 16 inputs: embed 8, depths 2 and 1, 2 heads, windows of 2, 3 classes, with the authors'
 * names and buffers; all values are exact in 16 bits. */
struct made_network made_swin(void);
/* A Generic_UNet of one pooling: 2 channels in, 3 classes, 4 and 8 features, pooling 2 x 1, kernels 3 x 3 and 3 x 1. */
struct made_network made_unet(void);
/* A ResNet of one block a layer: 1 channel in, 2 classes, stem 4, widths 4, outputs 8, 2 groups, squeeze to 2, with
 * timm's or the legacy names. */
struct made_network made_resnet(bool legacy);
/* One more tensor, of one or two dimensions. */
struct made_tensor *made_add(struct made_network *network, const char *name, uint32_t rank, size_t rows,
                             size_t columns);
struct made_tensor *made_find(struct made_network *network, const char *name);
void made_clear(struct made_network *network);

/* The network as a file. */
struct bytes made_torch_zip(const struct made_network *network);
struct bytes made_torch_legacy(const struct made_network *network);
/* A whole module: one object a dotted part of the names. Each of the `count` attributes is given to its module, which
 * is made if it has no tensors; an attribute CLASS is no attribute but the opcodes of the module's class. Children with
 * numbers for names come in their order. */
struct made_attribute {
    const char *module;
    const char *name;
    const char *opcodes; /* that push its value */
};
struct bytes made_module_zip(const struct made_network *network, const struct made_attribute *attributes, size_t count);

/* The parts of the zips: their data.pkl, and a zip with any data.pkl and the network's storages. */
struct bytes made_state_dict_pickle(const struct made_network *network);
struct bytes made_module_pickle(const struct made_network *network, const struct made_attribute *attributes,
                                size_t count);
struct bytes made_zip_with(const void *pickle, size_t size, const struct made_network *network);

struct bytes made_safetensors(const struct made_network *network);

/* A folder that is removed, with what is in it, when the test program ends. */
const char *scratch_folder(void);
/* A path in it; the last 16 answers stay valid. */
const char *scratch_path(const char *name);
/* Writes the file `name` there and returns its path. */
const char *scratch_write(const char *name, const struct bytes *bytes);
/* How many files of that folder have a name that begins so. */
size_t scratch_count(const char *prefix);

#endif
