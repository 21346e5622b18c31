#include "catalogue.h"

#include <string.h>

#define SWIN(...) .architecture = MODEL_SWIN, .parameters.swin = {__VA_ARGS__}
#define RESNET(...) .architecture = MODEL_RESNET, .parameters.resnet = {__VA_ARGS__}
#define UNET(...) .architecture = MODEL_UNET, .parameters.unet = {__VA_ARGS__}
#define INCEPTION(...) .architecture = MODEL_INCEPTION_V3, .parameters.inception = {__VA_ARGS__}
#define EFFICIENTNET(...) .architecture = MODEL_EFFICIENTNET, .parameters.efficientnet = {__VA_ARGS__}
#define LIST(...)                                                                                                      \
    { __VA_ARGS__ }
#define SIZE(colours, rows, columns, outputs) .channels = colours, .height = rows, .width = columns, .classes = outputs
#define TWO LIST(2, 2)

/* clang-format off: a line a net */
const struct model_description catalogue_small[] = {
    {.name = "swin_two_stages",
     SIZE(3, 32, 32, 3),
     SWIN(.embed = 24, .depths = LIST(2, 2), .heads = LIST(3, 6), .window = 4, .patch = 4)},
    {.name = "swin_three_stages",
     SIZE(3, 64, 64, 3),
     SWIN(.embed = 32, .depths = LIST(2, 4, 2), .heads = LIST(1, 2, 4), .window = 4, .patch = 4)},
    {.name = "swin_window_above_grid",
     SIZE(3, 24, 24, 4),
     SWIN(.embed = 16, .depths = LIST(2, 2, 2), .heads = LIST(2, 4, 8), .window = 6, .patch = 2)},
    {.name = "swin_odd_window",
     SIZE(1, 28, 28, 5),
     SWIN(.embed = 20, .depths = LIST(2, 2), .heads = LIST(5, 10), .window = 7, .patch = 2)},
    {.name = "swin_one_stage",
     SIZE(2, 36, 36, 2),
     SWIN(.embed = 33, .depths = LIST(3), .heads = LIST(3), .window = 3, .patch = 3)},
    {.name = "resnet_plain",
     SIZE(3, 64, 64, 3),
     RESNET(.depths = LIST(1, 2, 1, 1), .widths = LIST(8, 16, 24, 32), .outputs = LIST(32, 64, 96, 128), .stem = 64,
            .groups = 1)},
    {.name = "resnet_odd",
     SIZE(1, 45, 67, 4),
     RESNET(.depths = LIST(1, 1, 1, 2), .widths = LIST(5, 6, 10, 19), .outputs = LIST(20, 24, 40, 76), .stem = 64,
            .groups = 1)},
    {.name = "resnet_three_layers",
     SIZE(2, 40, 33, 2),
     RESNET(.depths = LIST(1, 2, 1), .widths = LIST(4, 12, 7), .outputs = LIST(16, 48, 28), .stem = 64, .groups = 1)},
    {.name = "resnet_groups_4_wide",
     SIZE(3, 48, 48, 3),
     RESNET(.depths = LIST(1, 1, 1, 1), .widths = LIST(32, 64, 128, 256), .outputs = LIST(32, 64, 128, 256), .stem = 64,
            .groups = 8)},
    {.name = "resnet_groups_8_wide",
     SIZE(3, 48, 48, 3),
     RESNET(.depths = LIST(1, 1, 1, 1), .widths = LIST(32, 32, 64, 64), .outputs = LIST(64, 64, 128, 128), .stem = 64,
            .groups = 4)},
    {.name = "resnet_groups_32_wide",
     SIZE(3, 33, 47, 3),
     RESNET(.depths = LIST(1, 1), .widths = LIST(64, 64), .outputs = LIST(128, 128), .stem = 64, .groups = 2)},
    {.name = "resnet_groups_odd",
     SIZE(3, 40, 40, 3),
     RESNET(.depths = LIST(1, 1, 1), .widths = LIST(15, 15, 25), .outputs = LIST(64, 80, 112), .stem = 64,
            .groups = 5)},
    {.name = "resnet_depthwise",
     SIZE(3, 40, 40, 3),
     RESNET(.depths = LIST(1, 1), .widths = LIST(17, 17), .outputs = LIST(64, 64), .stem = 64, .groups = 17)},
    {.name = "se_resnext",
     SIZE(3, 48, 48, 3),
     RESNET(.depths = LIST(1, 2, 1, 1), .widths = LIST(16, 24, 32, 48), .outputs = LIST(64, 96, 128, 192),
            .hidden = LIST(8, 8, 8, 16), .stem = 64, .groups = 4)},
    {.name = "se_resnext_odd",
     SIZE(1, 57, 50, 5),
     RESNET(.depths = LIST(1, 1), .widths = LIST(18, 27), .outputs = LIST(72, 104), .hidden = LIST(8, 8), .stem = 64,
            .groups = 3)},
    {.name = "se_resnext_legacy",
     SIZE(3, 64, 64, 3),
     RESNET(.depths = LIST(1, 1, 2, 1), .widths = LIST(8, 16, 16, 24), .outputs = LIST(64, 128, 128, 192),
            .hidden = LIST(16, 32, 32, 48), .stem = 16, .groups = 8, .legacy = true)},
    {.name = "se_resnext_legacy_odd",
     SIZE(3, 65, 49, 3),
     RESNET(.depths = LIST(1, 1, 1, 1), .widths = LIST(4, 8, 12, 8), .outputs = LIST(64, 128, 192, 128),
            .hidden = LIST(16, 32, 48, 32), .stem = 10, .groups = 4, .legacy = true)},
    {.name = "inception_sixteenth", SIZE(3, 75, 83, 3), INCEPTION(.divisor = 16)},
    {.name = "inception_eighth_transformed", SIZE(3, 96, 80, 4), INCEPTION(.divisor = 8, .transform_input = true)},
    {.name = "inception_one_channel", SIZE(1, 80, 80, 2), INCEPTION(.divisor = 16)},
    {.name = "efficientnet_tf",
     SIZE(3, 65, 53, 3),
     EFFICIENTNET(.stem = 12, .head = 40, .repeats = LIST(1, 2, 2, 1, 1, 2, 1),
                  .outputs = LIST(4, 8, 12, 20, 28, 36, 44), .padding = "same")},
    {.name = "efficientnet_tf_even",
     SIZE(3, 48, 64, 5),
     EFFICIENTNET(.stem = 16, .head = 33, .repeats = LIST(2, 1, 1, 2, 2, 1, 1),
                  .outputs = LIST(16, 24, 16, 32, 40, 48, 24), .padding = "same")},
    {.name = "efficientnet_plain",
     SIZE(1, 64, 50, 3),
     EFFICIENTNET(.stem = 12, .head = 40, .repeats = LIST(1, 2, 2, 1, 1, 2, 1),
                  .outputs = LIST(4, 8, 12, 20, 28, 36, 44), .padding = "symmetric")},
    {.name = "efficientnet_lukemelas",
     SIZE(3, 75, 75, 3),
     EFFICIENTNET(.stem = 32, .head = 1280, .repeats = LIST(1, 2, 1, 1, 2, 1, 1),
                  .outputs = LIST(8, 12, 16, 20, 24, 28, 44), .padding = "static", .image_size = 75)},
    {.name = "efficientnet_lukemelas_other_size",
     SIZE(3, 66, 90, 3),
     EFFICIENTNET(.stem = 32, .head = 1280, .repeats = LIST(1, 2, 1, 1, 2, 1, 1),
                  .outputs = LIST(8, 12, 16, 20, 24, 28, 44), .padding = "static", .image_size = 75)},
    {.name = "unet_one_pooling", SIZE(1, 16, 16, 2), UNET(.features = LIST(8, 16), .pools = LIST(TWO))},
    {.name = "unet_two_poolings", SIZE(1, 24, 40, 2), UNET(.features = LIST(16, 32, 64), .pools = LIST(TWO, TWO))},
    {.name = "unet_three_poolings",
     SIZE(3, 32, 32, 4),
     UNET(.features = LIST(8, 16, 20, 20), .pools = LIST(TWO, TWO, TWO))},
    {.name = "unet_odd_features",
     SIZE(3, 32, 48, 3),
     UNET(.features = LIST(5, 10, 20, 40), .pools = LIST(TWO, TWO, TWO))},
    {.name = "unet_base_30", SIZE(1, 16, 24, 2), UNET(.features = LIST(30, 60, 120), .pools = LIST(TWO, TWO))},
    {.name = "unet_kernels",
     SIZE(2, 24, 32, 3),
     UNET(.features = LIST(6, 12, 24, 48), .pools = LIST(LIST(1, 2), TWO, LIST(2, 1)),
          .kernels = LIST(LIST(1, 3), LIST(3, 3), LIST(3, 1), LIST(3, 3)))},
    {.name = "unet_pools_of_three",
     SIZE(1, 36, 24, 2),
     UNET(.features = LIST(7, 14, 28), .pools = LIST(LIST(3, 2), LIST(2, 4)))},
    {.name = "unet_three_convolutions",
     SIZE(1, 16, 16, 2),
     UNET(.features = LIST(9, 18, 36), .pools = LIST(TWO, TWO), .convolutions = 3)},
    {.name = "unet_one_convolution",
     SIZE(1, 16, 16, 2),
     UNET(.features = LIST(9, 18, 36), .pools = LIST(TWO, TWO), .convolutions = 1)},
    {0},
};

const struct model_description catalogue_full[] = {
    {.name = "swin_t_224",
     SIZE(3, 224, 224, 3),
     SWIN(.embed = 96, .depths = LIST(2, 2, 6, 2), .heads = LIST(3, 6, 12, 24), .window = 7, .patch = 4)},
    {.name = "resnet101_224",
     SIZE(3, 224, 224, 3),
     RESNET(.depths = LIST(3, 4, 23, 3), .widths = LIST(64, 128, 256, 512), .outputs = LIST(256, 512, 1024, 2048),
            .stem = 64, .groups = 1)},
    {.name = "se_resnext101_224",
     SIZE(3, 224, 224, 3),
     RESNET(.depths = LIST(3, 4, 23, 3), .widths = LIST(128, 256, 512, 1024), .outputs = LIST(256, 512, 1024, 2048),
            .hidden = LIST(16, 32, 64, 128), .stem = 64, .groups = 32)},
    {.name = "inception_v3_299", SIZE(3, 299, 299, 3), INCEPTION(.divisor = 1)},
    {.name = "efficientnet_b7_600",
     SIZE(3, 600, 600, 3),
     EFFICIENTNET(.stem = 64, .head = 2560, .repeats = LIST(4, 7, 7, 10, 10, 13, 4),
                  .outputs = LIST(32, 48, 80, 160, 224, 384, 640), .padding = "same")},
    {.name = "nnunet_320",
     SIZE(1, 320, 320, 2),
     UNET(.features = LIST(32, 64, 128, 256, 480, 480, 480), .pools = LIST(TWO, TWO, TWO, TWO, TWO, TWO))},
    {.name = "nnunet_512",
     SIZE(1, 512, 512, 2),
     UNET(.features = LIST(32, 64, 128, 256, 480, 480, 480, 480), .pools = LIST(TWO, TWO, TWO, TWO, TWO, TWO, TWO))},
    {.name = "swin_l_384",
     SIZE(3, 384, 384, 3),
     SWIN(.embed = 192, .depths = LIST(2, 2, 18, 2), .heads = LIST(6, 12, 24, 48), .window = 12, .patch = 4)},
    {0},
};
/* clang-format on */

const struct model_description *catalogue_find(const char *name) {
    const struct model_description *const lists[] = {catalogue_small, catalogue_full};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const struct model_description *model = lists[i]; model->name != NULL; model++) {
            if (strcmp(model->name, name) == 0) {
                return model;
            }
        }
    }
    return NULL;
}
