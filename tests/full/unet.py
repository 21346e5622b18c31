"""nnU-Net 1.6.6's Generic_UNet for two-dimensional plans of 3x3 kernels and poolings of 2, by its tensors' names."""
import torch
from torch import nn


def stack(*blocks):
    """Convolution, instance norm and leaky ReLU, once or several times: (inputs, outputs, stride) each."""
    layers = nn.Sequential()
    for number, (inputs, outputs, stride) in enumerate(blocks):
        block = nn.Sequential()
        block.add_module("conv", nn.Conv2d(inputs, outputs, 3, stride, 1))
        block.add_module("instnorm", nn.InstanceNorm2d(outputs, affine=True))
        block.add_module("lrelu", nn.LeakyReLU(0.01))
        layers.add_module(str(number), block)
    module = nn.Sequential()
    module.add_module("blocks", layers)
    return module


class GenericUNet(nn.Module):
    def __init__(self, pools, inputs=1, classes=2, base=32, most=480):
        super().__init__()
        width = [min(base << level, most) for level in range(pools + 1)]
        below = [inputs, *width]
        steps = list(reversed(range(pools)))
        down = [stack((below[d], width[d], 2 if d else 1), (width[d], width[d], 1)) for d in range(pools)]
        bottom = nn.Sequential(stack((width[-2], width[-1], 2)), stack((width[-1], width[-1], 1)))
        self.conv_blocks_context = nn.ModuleList([*down, bottom])
        self.conv_blocks_localization = nn.ModuleList(
            nn.Sequential(stack((2 * width[d], width[d], 1)), stack((width[d], width[d], 1))) for d in steps)
        self.tu = nn.ModuleList(nn.ConvTranspose2d(width[d + 1], width[d], 2, 2, bias=False) for d in steps)
        self.seg_outputs = nn.ModuleList(nn.Conv2d(width[d], classes, 1, bias=False) for d in steps)

    def forward(self, x):
        skips = []
        for level in self.conv_blocks_context:
            x = level(x)
            skips.append(x)
        skips.pop()
        for up, level in zip(self.tu, self.conv_blocks_localization):
            x = level(torch.cat((up(x), skips.pop()), 1))
        return self.seg_outputs[-1](x)
