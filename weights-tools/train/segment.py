"""Inference as the program does it: resize, z-score, four mirrors, mean of members, probabilities resized back."""
import os
import numpy as np
import torch
from torch.nn import functional as F
from faz_data import network_input
from networks import GenericUNet

MIRRORS = ((), (3,), (2,), (2, 3))


def load_member(folder, fold):
    state = torch.load(os.path.join(folder, f'fold_{fold}', 'model_best.model'), map_location='cpu', weights_only=False)['state_dict']
    base = state['conv_blocks_context.0.blocks.0.conv.weight'].shape[0]
    pools = sum(k.startswith('tu.') for k in state)
    net = GenericUNet(base, pools)
    net.load_state_dict(state)
    return net.eval()


@torch.no_grad()
def probability(nets, image, mirrors=MIRRORS):
    """FAZ probability [h, w] at the image's own size."""
    x = network_input(image)[None]
    step = 16
    h, w = x.shape[2:]
    x = F.pad(x, (0, -w % step, 0, -h % step))
    p = 0
    for net in nets:
        for dims in mirrors:
            y = net(x.flip(dims) if dims else x).softmax(1)[:, 1:]
            p = p + (y.flip(dims) if dims else y)
    p = p[..., :h, :w] / (len(nets) * len(mirrors))
    return F.interpolate(p, image.size[::-1], mode='bilinear', align_corners=False)[0, 0].numpy()


def dice(p, case):
    """Dice of the thresholded probability against the case's mask, at the image's own size."""
    a, b = p > 0.5, np.asarray(case.mask) > 127
    return 2 * (a & b).sum() / max(1, a.sum() + b.sum())
