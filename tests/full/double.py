#!/usr/bin/env python3
"""The outputs of full-size checkpoints in double precision: FOLDER/NET.double.npy beside make_full.py's NET.output.npy.

usage: double.py FOLDER NET...

The distance between the two is what PyTorch's own float32 rounding costs in that net with those weights."""
import json
import os
import sys

import numpy as np
import torch

import unet


def build(name, path):
    """The net of make_full.py, with the weights of its checkpoint."""
    import timm
    import torchvision

    if name == "se_resnext101":
        return torch.load(path)  # a whole module
    if name.startswith("nnunet"):
        net = unet.GenericUNet(7 if name.endswith("512") else 6)
        state = torch.load(os.path.join(path, "fold_0", "model_best.model"))["state_dict"]
    else:
        net = {
            "swin_l_384": lambda: timm.create_model("swin_large_patch4_window12_384", num_classes=3),
            "swin_t_224": lambda: timm.create_model("swin_tiny_patch4_window7_224", num_classes=3),
            "resnet101": lambda: torchvision.models.resnet101(num_classes=3),
            "inception_v3": lambda: torchvision.models.inception_v3(num_classes=3, aux_logits=True, init_weights=False),
            "efficientnet_b7": lambda: timm.create_model("tf_efficientnet_b7", num_classes=3),
        }[name]()
        state = torch.load(path)
    net.load_state_dict(state)
    return net


def main(folder, names):
    torch.set_num_threads(1)
    for name in names:
        target = os.path.join(folder, name + ".double.npy")
        if os.path.exists(target):
            continue
        with open(os.path.join(folder, name + ".json")) as file:
            checkpoint = json.load(file)["checkpoint"]
        net = build(name, os.path.join(folder, checkpoint)).double().eval()
        picture = torch.from_numpy(np.load(os.path.join(folder, name + ".input.npy"))).double()
        with torch.no_grad():
            output = net(picture)
        if output.dim() == 4:
            output = torch.softmax(output, 1)
        np.save(target + ".part.npy", output.numpy())
        os.rename(target + ".part.npy", target)


main(sys.argv[1], sys.argv[2:])
