"""Makes one net for every engine from the same seed.

usage: prepare.py NET FOLDER        with Debian's python3-torch and python3-torchvision

FOLDER receives checkpoint.pth (nnU-Net: checkpoint/, a model folder), traced.pt, model.onnx, input.npy, and output.npy,
which is what PyTorch computes in double precision. Statistics of batch norms are those of the seeded pictures, so that
activations neither grow nor vanish; the seed is refused if an activation is denormal or not finite all the same.
"""
import json
import os
import sys

import numpy as np
import torch
from torch import nn

from published import NETS, WithSoftmax

PICTURES = 2  # that calibrate


def pictures(count, channels, side):
    """Smooth structures and noise, of about the spread of normalised images."""
    coarse = nn.functional.interpolate(torch.randn(count, channels, side // 16 + 1, side // 16 + 1), (side, side),
                                       mode='bilinear', align_corners=False)
    return coarse + 0.5 * torch.randn(count, channels, side, side)


def seed_weights(net):
    """The modules' own random weights; norms and biases, which would be ones and zeros, a little off."""
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d, nn.LayerNorm)):
            nn.init.normal_(module.weight, 1, 0.1)
            nn.init.normal_(module.bias, 0, 0.1)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, module.in_features ** -0.5)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.normal_(module.bias, 0, 0.02)


def calibrate(net, batch):
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    if norms:
        net.train()
        net(batch)
    net.eval()


def check_activations(net, picture):
    """The names of modules whose output is denormal or not finite are an error."""
    tiny = torch.finfo(torch.float32).tiny
    bad = []

    def look(name):
        def hook(_, __, result):
            size = result.abs()
            if not torch.isfinite(result).all() or ((size > 0) & (size < tiny)).any():
                bad.append(name)
        return hook

    hooks = [module.register_forward_hook(look(name)) for name, module in net.named_modules()]
    net(picture)
    for hook in hooks:
        hook.remove()
    if bad:
        sys.exit(f'prepare.py: activations are denormal or not finite in {", ".join(bad[:5])}')


def save_checkpoint(net, name, folder, side):
    if not name.startswith('nnunet'):
        torch.save(net.state_dict(), os.path.join(folder, 'checkpoint.pth'))
        return
    from nnunet_folder import write_fold
    write_fold(os.path.join(folder, 'checkpoint'), 0, net.state_dict(), 32, len(net.tu), side, 0)


def main(name, folder):
    build, channels, side, options = NETS[name]
    torch.manual_seed(1)
    torch.set_grad_enabled(False)
    net = build()
    seed_weights(net)
    calibrate(net, pictures(PICTURES, channels, side))
    picture = pictures(1, channels, side)
    check_activations(net, picture)
    save_checkpoint(net, name, folder, side)
    net = (WithSoftmax(net) if name.startswith('nnunet') else net).eval()
    torch.jit.trace(net, picture).save(os.path.join(folder, 'traced.pt'))
    torch.onnx.export(net, picture, os.path.join(folder, 'model.onnx'), opset_version=17, input_names=['input'],
                      output_names=['output'])
    np.save(os.path.join(folder, 'input.npy'), picture.numpy())
    np.save(os.path.join(folder, 'output.npy'), net.double()(picture.double()).numpy())
    with open(os.path.join(folder, 'net.json'), 'w') as file:
        json.dump({'channels': channels, 'side': side, 'convert': options}, file)


if __name__ == '__main__':
    main(*sys.argv[1:])
