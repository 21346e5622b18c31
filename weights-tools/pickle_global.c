/* The classes and functions that a pickle may name. What is not here is refused by name. */
#include <string.h>

#include "pickle.h"

#define INERT(module, name)                                                                                            \
    { GLOBAL_CLASS, 0, module, name }
#define STORAGE(name, element)                                                                                         \
    { GLOBAL_STORAGE_CLASS, element, "torch", name }

static const struct global known[] = {
    {GLOBAL_ORDERED_DICT, 0, "collections", "OrderedDict"},
    {GLOBAL_SET, 0, "__builtin__", "set"},
    {GLOBAL_SET, 0, "builtins", "set"},
    {GLOBAL_BYTES, 0, "__builtin__", "bytes"},
    {GLOBAL_BYTES, 0, "builtins", "bytes"},
    {GLOBAL_ENCODE, 0, "_codecs", "encode"},
    {GLOBAL_REBUILD_TENSOR, 0, "torch._utils", "_rebuild_tensor_v2"},
    {GLOBAL_REBUILD_TENSOR, 0, "torch._utils", "_rebuild_tensor"},
    {GLOBAL_REBUILD_PARAMETER, 0, "torch._utils", "_rebuild_parameter"},
    {GLOBAL_REBUILD_PARAMETER, 0, "torch._utils", "_rebuild_parameter_with_state"},
    {GLOBAL_DEVICE, 0, "torch", "device"},
    {GLOBAL_SIZE, 0, "torch", "Size"},
    STORAGE("DoubleStorage", FV_ELEMENT_F64),
    STORAGE("FloatStorage", FV_ELEMENT_F32),
    STORAGE("HalfStorage", FV_ELEMENT_F16),
    STORAGE("BFloat16Storage", FV_ELEMENT_BF16),
    STORAGE("LongStorage", FV_ELEMENT_I64),
    STORAGE("IntStorage", FV_ELEMENT_I32),
    STORAGE("ShortStorage", FV_ELEMENT_I16),
    STORAGE("CharStorage", FV_ELEMENT_I8),
    STORAGE("ByteStorage", FV_ELEMENT_U8),
    STORAGE("BoolStorage", FV_ELEMENT_BOOL),
    {GLOBAL_DTYPE, 0, "numpy", "dtype"},
    {GLOBAL_NDARRAY, 0, "numpy", "ndarray"},
    {GLOBAL_SCALAR, 0, "numpy.core.multiarray", "scalar"},
    {GLOBAL_SCALAR, 0, "numpy._core.multiarray", "scalar"},
    {GLOBAL_RECONSTRUCT, 0, "numpy.core.multiarray", "_reconstruct"},
    {GLOBAL_RECONSTRUCT, 0, "numpy._core.multiarray", "_reconstruct"},
    {GLOBAL_FUNCTION, 0, "timm.models.layers.activations", "sigmoid"},
    {GLOBAL_NAMED_TUPLE, 0, "efficientnet_pytorch.utils", "GlobalParams"},
    {GLOBAL_NAMED_TUPLE, 0, "efficientnet_pytorch.utils", "BlockArgs"},
    INERT("torch.nn.modules.activation", "GELU"),
    INERT("torch.nn.modules.activation", "ReLU"),
    INERT("torch.nn.modules.activation", "SiLU"),
    INERT("torch.nn.modules.activation", "Sigmoid"),
    INERT("torch.nn.modules.activation", "Softmax"),
    INERT("torch.nn.modules.batchnorm", "BatchNorm2d"),
    INERT("torch.nn.modules.container", "ModuleList"),
    INERT("torch.nn.modules.container", "Sequential"),
    INERT("torch.nn.modules.conv", "Conv2d"),
    INERT("torch.nn.modules.dropout", "Dropout"),
    INERT("torch.nn.modules.flatten", "Flatten"),
    INERT("torch.nn.modules.linear", "Identity"),
    INERT("torch.nn.modules.linear", "Linear"),
    INERT("torch.nn.modules.normalization", "LayerNorm"),
    INERT("torch.nn.modules.padding", "ZeroPad2d"),
    INERT("torch.nn.modules.pooling", "AdaptiveAvgPool1d"),
    INERT("torch.nn.modules.pooling", "AdaptiveAvgPool2d"),
    INERT("torch.nn.modules.pooling", "AvgPool2d"),
    INERT("torch.nn.modules.pooling", "MaxPool2d"),
    INERT("torch.nn.parallel.data_parallel", "DataParallel"),
};

/* Packages whose classes may become inert records: the nets that we know, wherever their authors keep them. Functions
 * of theirs come through here too and fail as soon as they are called. */
static bool holds_nets(const char *module) {
    static const char *const prefixes[] = {
        "models", "SwinTransformer", "timm.", "torchvision.models.", "pretrainedmodels.", "efficientnet_pytorch."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(module, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return strcmp(module, "__main__") == 0;
}

enum fv_status pickle_resolve(struct pickle *pickle, const char *module, const char *name,
                              const struct global **global) {
    /* Storages that were saved on a GPU. */
    const char *home = strcmp(module, "torch.cuda") == 0 ? "torch" : module;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0 && strcmp(known[i].module, home) == 0) {
            *global = &known[i];
            return FV_OK;
        }
    }
    if (!holds_nets(module)) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "the class or function %.100s %.100s is refused", module,
                           name);
    }
    struct global *inert = fv_pool_take(pickle->pool, 1, sizeof *inert);
    if (inert == NULL) {
        return pickle_out_of_memory(pickle);
    }
    /* STACK_GLOBAL's strings and GLOBAL's lines live in the pool already. */
    *inert = (struct global){.kind = GLOBAL_CLASS, .module = module, .name = name};
    *global = inert;
    return FV_OK;
}
