#!/usr/bin/env python3
"""What PyTorch computes with the nets' original definitions and seeded weights: tests/data/nets/NET.gguf.

usage: make_golden.py OUT [net ...]      (run by hand; OUT is tests/data/nets; all nets unless named)
needs: Debian's python3-torch and python3-torchvision in a venv with --system-site-packages, and from PyPI with --no-deps
       timm==0.4.12 efficientnet_pytorch==0.7.1 nnunet==1.6.6 batchgenerators==0.21 threadpoolctl

Each file holds, per stage of the net (a stage's name is the scope of the graph's nodes), a sample of its activation as a
vector: every STAGE.stride-th value of the whole, computed in double precision and rounded once. STAGE.range is the
largest magnitude in the whole, STAGE.distance the largest difference between PyTorch's float32 and double results: what
its own rounding costs. "output" is the logits, or the softmax; "output.mean" its mean over each channel's plane.
The hyper-parameters stand here and in tests/support/catalogue.c; a difference between the two makes the tests fail.
"""
import os
import sys
from functools import partial

import numpy as np
import torch
from torch import nn

import gguf
import seeded

SAMPLES = {"small": (384, 1024), "full": (192, 4096)}  # of a stage, of the output


def swin(side, patch, channels, classes, embed, depths, heads, window):
    from timm.models.swin_transformer import SwinTransformer

    net = SwinTransformer(side, patch, channels, classes, embed, depths, heads, window)
    stages = {"patch_embed": "patch_embed"}
    for i, depth in enumerate(depths):
        stages.update({f"layers.{i}.blocks.{j}": f"layers.{i}.blocks.{j}" for j in range(depth)})
        if i + 1 < len(depths):
            stages[f"layers.{i}.downsample"] = f"layers.{i}.downsample"
    return net, stages, (1, channels, side, side), ""


def resnet_stages(depths):
    return {f"layer{i + 1}.{j}": f"layer{i + 1}.{j}" for i, depth in enumerate(depths) for j in range(depth)}


def resnet(height, width, channels, classes, depths, planes, groups=1, base_width=64, squeeze=False):
    """timm's ResNet with other numbers of channels than 64, 128, 256, 512."""
    from timm.models import resnet as timm_resnet

    original = timm_resnet.make_blocks
    timm_resnet.make_blocks = lambda block, _, *rest, **options: original(block, planes, *rest, **options)
    arguments = dict(block_args=dict(attn_layer="se")) if squeeze else {}
    net = timm_resnet.ResNet(timm_resnet.Bottleneck, depths, classes, channels, groups, base_width, **arguments)
    timm_resnet.make_blocks = original
    for missing in range(len(depths), 4):
        net.add_module(f"layer{missing + 1}", nn.Identity())
    net.fc = nn.Linear(4 * planes[-1], classes)
    return net, {"stem": "maxpool", **resnet_stages(depths)}, (1, channels, height, width), ""


def legacy(height, width, channels, classes, depths, planes, groups, reduction, stem):
    """timm's copy of Cadene's SENet, likewise."""
    from timm.models import senet

    class Small(senet.SENet):
        def _make_layer(self, block, **options):
            options["planes"] = planes[[64, 128, 256, 512].index(options["planes"])]
            return super()._make_layer(block, **options)

    net = Small(senet.SEResNeXtBottleneck, depths, groups, reduction, num_classes=classes, in_chans=channels,
                inplanes=stem, downsample_kernel_size=1, downsample_padding=0)
    net.last_linear = nn.Linear(4 * planes[-1], classes)
    return net, {"stem": "pool0", **resnet_stages(depths)}, (1, channels, height, width), ""


def unet(height, width, channels, classes, base, pools, kernels=None, convolutions=2, cap=480):
    from nnunet.network_architecture.generic_UNet import Generic_UNet

    count = len(pools)
    net = Generic_UNet(channels, base, classes, count, convolutions, 2, nn.Conv2d, nn.InstanceNorm2d,
                       dict(eps=1e-5, affine=True), nn.Dropout2d, dict(p=0, inplace=True), nn.LeakyReLU,
                       dict(negative_slope=1e-2, inplace=True), False, False, lambda x: x, None, pools,
                       kernels or [(3, 3)] * (count + 1), False, True, True, cap)
    blocks = [name for name, module in net.named_modules() if type(module).__name__ == "ConvDropoutNormNonlin"]
    levels = [f"conv_blocks_context.{d}." for d in range(count + 1)]
    steps = [f"conv_blocks_localization.{u}." for u in range(count)]
    stages = {block: block for start in levels + steps for block in blocks if block.startswith(start)}
    return net, stages, (1, channels, height, width), "fold_0."


INCEPTION_STAGES = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3",
                    *(f"Mixed_{block}" for block in "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split())]


def inception(height, width, channels, classes, divisor, transform_input=False):
    """torchvision's Inception3 with its numbers of channels divided."""
    from torchvision.models import inception as original

    class Unit(original.BasicConv2d):
        def __init__(self, inputs, outputs, **options):
            super().__init__(channels if inputs == 3 else inputs // divisor, outputs // divisor, **options)

    blocks = [original.InceptionA, original.InceptionB, original.InceptionC, original.InceptionD, original.InceptionE]
    parts = [Unit, *(partial(block, conv_block=Unit) for block in blocks), None]
    net = original.Inception3(classes, False, transform_input, parts, False)
    net.fc = nn.Linear(2048 // divisor, classes)
    return net, {stage: stage for stage in INCEPTION_STAGES}, (1, channels, height, width), ""


def efficientnet_strings(repeats, outputs):
    """One of timm's descriptions of a stage each: its kernel, stride and expansion are those of all EfficientNets."""
    kinds = ["ds_r{}_k3_s1_e1_c{}_se0.25", "ir_r{}_k3_s2_e6_c{}_se0.25", "ir_r{}_k5_s2_e6_c{}_se0.25",
             "ir_r{}_k3_s2_e6_c{}_se0.25", "ir_r{}_k5_s1_e6_c{}_se0.25", "ir_r{}_k5_s2_e6_c{}_se0.25",
             "ir_r{}_k3_s1_e6_c{}_se0.25"]
    return [[kind.format(*numbers)] for kind, numbers in zip(kinds, zip(repeats, outputs))]


def efficientnet(height, width, channels, classes, stem, head, repeats, outputs, padding):
    """timm's EfficientNet of other widths and depths: tf_ pads as "same" with epsilon 1e-3, plain "" with 1e-5."""
    from timm.models import efficientnet as original

    norm = partial(nn.BatchNorm2d, eps=1e-3 if padding == "same" else 1e-5)
    net = original.EfficientNet(
        original.decode_arch_def(efficientnet_strings(repeats, outputs)), classes, head, channels, stem, fix_stem=True,
        pad_type=padding, round_chs_fn=lambda count, *_, **__: int(count), act_layer=nn.SiLU, norm_layer=norm)
    stages = {"stem": "act1"}
    stages.update({f"blocks.{i}.{j}": f"blocks.{i}.{j}" for i, count in enumerate(repeats) for j in range(count)})
    return net, stages, (1, channels, height, width), ""


def lukemelas(height, width, classes, repeats, outputs, image_size):
    from efficientnet_pytorch import EfficientNet
    from efficientnet_pytorch.utils import BlockArgs, GlobalParams

    kernels, strides, inputs = [3, 3, 5, 3, 5, 5, 3], [1, 2, 2, 2, 1, 2, 1], [32, *outputs]
    blocks = [BlockArgs(repeats[i], kernels[i], [strides[i]], 1 if i == 0 else 6, inputs[i], outputs[i], 0.25, True)
              for i in range(len(repeats))]
    net = EfficientNet(blocks, GlobalParams(None, None, image_size, 0.2, classes, 0.99, 1e-3, 0.2, 8, None, True))
    stages = {f"_blocks.{i}": f"_blocks.{i}" for i in range(sum(repeats))}
    return net, stages, (1, 3, height, width), ""


def full_efficientnet(name, side, depths):
    last = {f"blocks.{i}.{depth - 1}": f"blocks.{i}.{depth - 1}" for i, depth in enumerate(depths)}
    return timm_model(name), {"stem": "act1", **last}, (1, 3, side, side), ""


def full_resnet(create, depths):
    last = {f"layer{i + 1}.{depth - 1}": f"layer{i + 1}.{depth - 1}" for i, depth in enumerate(depths)}
    return create(), {"stem": "maxpool", **last}, (1, 3, 224, 224), ""


def torchvision_resnet101():
    import torchvision

    return torchvision.models.resnet101(num_classes=3)


def timm_model(name):
    import timm

    return timm.create_model(name, num_classes=3)


def full_swin(name, side, depths):
    last = {f"layers.{i}.blocks.{d - 1}": f"layers.{i}.blocks.{d - 1}" for i, d in enumerate(depths)}
    return timm_model(name), {"patch_embed": "patch_embed", **last}, (1, 3, side, side), ""


def full_unet(side, count):
    net, stages, shape, prefix = unet(side, side, 1, 2, 32, [(2, 2)] * count)
    return net, {name: name for name in list(stages)[1::2]}, shape, prefix


NETS = {
    "swin_two_stages": partial(swin, 32, 4, 3, 3, 24, (2, 2), (3, 6), 4),
    "swin_three_stages": partial(swin, 64, 4, 3, 3, 32, (2, 4, 2), (1, 2, 4), 4),
    "swin_window_above_grid": partial(swin, 24, 2, 3, 4, 16, (2, 2, 2), (2, 4, 8), 6),
    "swin_odd_window": partial(swin, 28, 2, 1, 5, 20, (2, 2), (5, 10), 7),
    "swin_one_stage": partial(swin, 36, 3, 2, 2, 33, (3,), (3,), 3),
    "resnet_plain": partial(resnet, 64, 64, 3, 3, (1, 2, 1, 1), (8, 16, 24, 32)),
    "resnet_odd": partial(resnet, 45, 67, 1, 4, (1, 1, 1, 2), (5, 6, 10, 19)),
    "resnet_three_layers": partial(resnet, 40, 33, 2, 2, (1, 2, 1), (4, 12, 7)),
    "resnet_groups_4_wide": partial(resnet, 48, 48, 3, 3, (1, 1, 1, 1), (8, 16, 32, 64), 8, 32),
    "resnet_groups_8_wide": partial(resnet, 48, 48, 3, 3, (1, 1, 1, 1), (16, 16, 32, 32), 4, 32),
    "resnet_groups_32_wide": partial(resnet, 33, 47, 3, 3, (1, 1), (32, 32), 2, 64),
    "resnet_groups_odd": partial(resnet, 40, 40, 3, 3, (1, 1, 1), (16, 20, 28), 5, 12),
    "resnet_depthwise": partial(resnet, 40, 40, 3, 3, (1, 1), (16, 16), 17, 4),
    "se_resnext": partial(resnet, 48, 48, 3, 3, (1, 2, 1, 1), (16, 24, 32, 48), 4, 16, True),
    "se_resnext_odd": partial(resnet, 57, 50, 1, 5, (1, 1), (18, 26), 3, 24, True),
    "se_resnext_legacy": partial(legacy, 64, 64, 3, 3, (1, 1, 2, 1), (16, 32, 32, 48), 8, 4, 16),
    "se_resnext_legacy_odd": partial(legacy, 65, 49, 3, 3, (1, 1, 1, 1), (16, 32, 48, 32), 4, 4, 10),
    "inception_sixteenth": partial(inception, 75, 83, 3, 3, 16),
    "inception_eighth_transformed": partial(inception, 96, 80, 3, 4, 8, True),
    "inception_one_channel": partial(inception, 80, 80, 1, 2, 16),
    "efficientnet_tf": partial(efficientnet, 65, 53, 3, 3, 12, 40, (1, 2, 2, 1, 1, 2, 1),
                               (4, 8, 12, 20, 28, 36, 44), "same"),
    "efficientnet_tf_even": partial(efficientnet, 48, 64, 3, 5, 16, 33, (2, 1, 1, 2, 2, 1, 1),
                                    (16, 24, 16, 32, 40, 48, 24), "same"),
    "efficientnet_plain": partial(efficientnet, 64, 50, 1, 3, 12, 40, (1, 2, 2, 1, 1, 2, 1),
                                  (4, 8, 12, 20, 28, 36, 44), ""),
    "efficientnet_lukemelas": partial(lukemelas, 75, 75, 3, (1, 2, 1, 1, 2, 1, 1), (8, 12, 16, 20, 24, 28, 44), 75),
    "efficientnet_lukemelas_other_size": partial(lukemelas, 66, 90, 3, (1, 2, 1, 1, 2, 1, 1),
                                                 (8, 12, 16, 20, 24, 28, 44), 75),
    "unet_one_pooling": partial(unet, 16, 16, 1, 2, 8, [(2, 2)]),
    "unet_two_poolings": partial(unet, 24, 40, 1, 2, 16, [(2, 2)] * 2),
    "unet_three_poolings": partial(unet, 32, 32, 3, 4, 8, [(2, 2)] * 3, None, 2, 20),
    "unet_odd_features": partial(unet, 32, 48, 3, 3, 5, [(2, 2)] * 3),
    "unet_base_30": partial(unet, 16, 24, 1, 2, 30, [(2, 2)] * 2),
    "unet_kernels": partial(unet, 24, 32, 2, 3, 6, [(1, 2), (2, 2), (2, 1)], [(1, 3), (3, 3), (3, 1), (3, 3)]),
    "unet_pools_of_three": partial(unet, 36, 24, 1, 2, 7, [(3, 2), (2, 4)]),
    "unet_three_convolutions": partial(unet, 16, 16, 1, 2, 9, [(2, 2)] * 2, None, 3),
    "unet_one_convolution": partial(unet, 16, 16, 1, 2, 9, [(2, 2)] * 2, None, 1),
}
FULL = {
    "swin_t_224": partial(full_swin, "swin_tiny_patch4_window7_224", 224, (2, 2, 6, 2)),
    "resnet101_224": partial(full_resnet, torchvision_resnet101, (3, 4, 23, 3)),
    "se_resnext101_224": partial(full_resnet, partial(timm_model, "gluon_seresnext101_32x4d"), (3, 4, 23, 3)),
    "inception_v3_299": partial(inception, 299, 299, 3, 3, 1),
    "efficientnet_b7_600": partial(full_efficientnet, "tf_efficientnet_b7", 600, (4, 7, 7, 10, 10, 13, 4)),
    "nnunet_320": partial(full_unet, 320, 6),
    "nnunet_512": partial(full_unet, 512, 7),
    "swin_l_384": partial(full_swin, "swin_large_patch4_window12_384", 384, (2, 2, 18, 2)),
}


def fill(net, prefix):
    buffers = ("num_batches_tracked", "relative_position_index", "attn_mask")
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if not name.endswith(buffers):
                value.copy_(torch.from_numpy(seeded.tensor(prefix + name, tuple(value.shape))))


def run(net, stages, picture):
    """The stages' activations and the output, each flat."""
    caught = {}
    hooks = []
    for stage, module in stages.items():
        keep = lambda _, __, result, stage=stage: caught.__setitem__(stage, result.numpy().ravel().copy())
        hooks.append(net.get_submodule(module).register_forward_hook(keep))
    with torch.no_grad():
        output = net(picture)
    for hook in hooks:
        hook.remove()
    if output.dim() == 4:
        output = torch.softmax(output, 1)
        caught["output.mean"] = output.mean((0, 2, 3)).numpy()
    caught["output"] = output.numpy().ravel()
    return caught


def stride_for(count, samples):
    """1, or a prime: it shares no factor with the sides and the channels, so that the sample comes by all of them."""
    stride = -(-count // samples)
    while any(stride % factor == 0 for factor in range(2, int(stride**0.5) + 1)):
        stride += 1
    return stride


def make(name, build, samples, folder):
    net, stages, shape, prefix = build()
    net.eval()
    fill(net, prefix)
    picture = torch.from_numpy(seeded.picture(shape))
    single = run(net, stages, picture)
    double = run(net.double(), stages, picture.double())
    metadata, vectors = {"general.architecture": "golden", "golden.net": name}, {}
    worst = 0
    for stage in [*stages, *(["output.mean"] if "output.mean" in double else []), "output"]:
        values = double[stage]
        assert np.isfinite(values).all(), (name, stage)
        stride = stride_for(values.size, samples[stage == "output"])
        largest, distance = float(np.abs(values).max()), float(np.abs(values - single[stage]).max())
        metadata.update({f"{stage}.stride": stride, f"{stage}.range": largest, f"{stage}.distance": distance})
        vectors[stage] = values[::stride].astype(np.float32)
        worst = max(worst, distance / largest)
        print(f"  {stage:40} {values.size:9} values, range {largest:8.3f}, rms {np.sqrt((values**2).mean()):8.4f}, "
              f"distance {distance:.2e}")
    gguf.write(os.path.join(folder, name + ".gguf"), metadata, vectors)
    print(name, sum(p.numel() for p in net.parameters()), "parameters, output", double["output"][:4],
          f"distance / range at most {worst:.2e}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted = sys.argv[2:] or [*NETS, *FULL]
    for name in wanted:
        make(name, {**NETS, **FULL}[name], SAMPLES["full" if name in FULL else "small"], sys.argv[1])
