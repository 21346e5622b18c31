"""The published nets as PyTorch modules, with the keys that `fovea convert` reads. Runs on PyTorch 1.13 and 2.x.

Swin, SE-ResNeXt and nnU-Net's Generic_UNet are those of weights-tools/train/networks.py, ResNet-101 and Inception-V3
torchvision's; EfficientNet-B7 is here, with the names of lukemelas' EfficientNet-PyTorch.
"""
import math
import os
import sys
from functools import partial

from torch import nn
from torch.nn import functional as F

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(TOP, 'weights-tools', 'train'))
from networks import GenericUNet, SEResNeXt, Swin  # noqa: E402

CLASSES = 3


class Padded(nn.Conv2d):
    """TensorFlow's SAME padding for a map of `side` pixels; zeros as a separate step only where the sides differ."""

    def __init__(self, cin, cout, kernel, stride, side, groups=1):
        total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        self.zeros = (total // 2, total - total // 2)
        even = self.zeros[0] == self.zeros[1]
        super().__init__(cin, cout, kernel, stride, self.zeros[0] if even else 0, groups=groups, bias=False)
        self.uneven = not even

    def forward(self, x):
        return super().forward(F.pad(x, self.zeros * 2) if self.uneven else x)


class MobileBlock(nn.Module):
    """Inverted bottleneck: expand, depthwise, squeeze and excite, project."""

    def __init__(self, cin, cout, kernel, stride, ratio, side):
        super().__init__()
        norm = partial(nn.BatchNorm2d, eps=1e-3)
        width, hidden = cin * ratio, max(1, cin // 4)
        self.residual = stride == 1 and cin == cout
        self.expands = ratio != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(cin, width, 1, bias=False)
            self._bn0 = norm(width)
        self._depthwise_conv = Padded(width, width, kernel, stride, side, width)
        self._bn1 = norm(width)
        self._se_reduce = nn.Conv2d(width, hidden, 1)
        self._se_expand = nn.Conv2d(hidden, width, 1)
        self._project_conv = nn.Conv2d(width, cout, 1, bias=False)
        self._bn2 = norm(cout)

    def forward(self, x):
        y = F.silu(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.silu(self._bn1(self._depthwise_conv(y)))
        y = self._se_expand(F.silu(self._se_reduce(y.mean((2, 3), keepdim=True)))).sigmoid() * y
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNet(nn.Module):
    """B0's table of stages, stretched by `width` and `depth`, for images of `side` pixels."""
    STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
              (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))  # repeats, kernel, stride, expansion, channels

    def __init__(self, width, depth, side, classes=CLASSES):
        super().__init__()
        channels = self.channels(32, width)
        self._conv_stem = Padded(3, channels, 3, 2, side)
        self._bn0 = nn.BatchNorm2d(channels, eps=1e-3)
        side = math.ceil(side / 2)
        blocks = []
        for repeats, kernel, stride, ratio, outputs in self.STAGES:
            outputs = self.channels(outputs, width)
            for i in range(math.ceil(repeats * depth)):
                step = stride if i == 0 else 1
                blocks.append(MobileBlock(channels, outputs, kernel, step, ratio, side))
                channels, side = outputs, math.ceil(side / step)
        self._blocks = nn.ModuleList(blocks)
        head = self.channels(1280, width)
        self._conv_head = nn.Conv2d(channels, head, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(head, eps=1e-3)
        self._fc = nn.Linear(head, classes)

    @staticmethod
    def channels(count, width):
        """A multiple of 8 at most a tenth below the product."""
        rounded = max(8, int(count * width + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * count * width else rounded

    def forward(self, x):
        x = F.silu(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._fc(F.silu(self._bn1(self._conv_head(x))).mean((2, 3)))


class WithSoftmax(nn.Module):
    """A segmenter with the softmax that ends Fovea's."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).softmax(1)


def torchvision_net(name, **options):
    from torchvision import models

    return getattr(models, name)(weights=None, num_classes=CLASSES, **options)


def unet(poolings):
    return GenericUNet(base=32, pools=poolings, cap=480)


# How each is made, its input's channels and side, and what `fovea convert` cannot see in the tensors.
NETS = {
    'swin_t_224': (partial(Swin, 224, 96, (2, 2, 6, 2), 7), 3, 224, []),
    'swin_l_384': (partial(Swin, 384, 192, (2, 2, 18, 2), 12), 3, 384, []),
    'se_resnext101_224': (partial(SEResNeXt, (3, 4, 23, 3), 64, 128, 32), 3, 224, []),
    'resnet101_224': (partial(torchvision_net, 'resnet101'), 3, 224, []),
    'inception_v3_299': (partial(torchvision_net, 'inception_v3', aux_logits=False, init_weights=False), 3, 299,
                         ['--transform-input', 'no']),
    'efficientnet_b7_600': (partial(EfficientNet, 2.0, 3.1, 600), 3, 600, ['--image-size', '600']),
    'nnunet_512': (partial(unet, 7), 1, 512, []),
    'nnunet_320': (partial(unet, 6), 1, 320, []),
}
