"""The graders' base images, their split, and the network input of one image."""
import glob
import os
import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
REGIME = {   # side, filter, mean, standard deviation; all but the side as the published pipeline has it
    'swin': (160, Image.BICUBIC, (.485, .456, .406), (.229, .224, .225)),
    'se_resnext': (160, Image.BILINEAR, (.5, .5, .5), (.5, .5, .5)),
}


class Base:
    """A real image, with its FAZ mask if one is known."""

    def __init__(self, file, masks, source, poor):
        self.stem = os.path.splitext(os.path.basename(file))[0]
        self.source, self.poor = source, poor
        self.image = Image.open(file).convert('L')
        self.faz = Image.new('L', self.image.size)
        for m in glob.glob(os.path.join(masks, self.stem + '.*')):
            rgb = np.asarray(Image.open(m).convert('RGB'))
            self.faz = Image.fromarray(((rgb > 127).any(2) * 255).astype(np.uint8))


def bases(coips, rossa, held=0.25, seed=1, rossa_masks='masks'):
    """(train, held out); superficial COIPS images and all of ROSSA, split within each source. held 0: everything to train."""
    with open(os.path.join(HERE, 'poor_bases.txt')) as f:
        poor = {line.strip() for line in f if not line.startswith('#')}
    train, out = [], []
    for source, pattern, masks in (('coips', os.path.join(coips, 'images', 'superficial_*'), os.path.join(coips, 'masks')),
                                   ('rossa', os.path.join(rossa, 'images', '*'), rossa_masks)):
        files = sorted(glob.glob(pattern))
        order = np.random.RandomState(seed).permutation(len(files))
        n = int(round(held * len(files)))
        for k, i in enumerate(order):
            stem = os.path.splitext(os.path.basename(files[i]))[0]
            (out if k < n else train).append(Base(files[i], masks, source, stem in poor))
    return train, out


def phantoms(folder):
    """Undegraded synthetic images of `fovea phantom`, with their masks."""
    return [Base(f, os.path.join(folder, 'truth'), 'phantom', False) for f in sorted(glob.glob(os.path.join(folder, 'images', '*')))]


def small(image, net):
    """8-bit and square at the network's side, resized as the program does it."""
    side, pillow_filter = REGIME[net][:2]
    return np.asarray(image if image.size == (side, side) else image.resize((side, side), pillow_filter))


def network_input(batch, net):
    """[n, 3, h, w] from 8-bit [n, h, w]"""
    mean, sd = REGIME[net][2:]
    x = torch.from_numpy(np.array(batch, np.float32))[:, None].expand(-1, 3, -1, -1) / 255
    return (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(sd).view(1, 3, 1, 1)


def confusion(net, name, images, labels):
    """Rows truth, columns prediction; also the wrong ones as (index, predicted)."""
    table, wrong = np.zeros((3, 3), int), []
    net.eval()
    with torch.no_grad():
        for i in range(0, len(labels), 25):
            y = net(network_input(images[i:i + 25], name)).argmax(1).numpy()
            for j, k in enumerate(y):
                table[labels[i + j], k] += 1
                if k != labels[i + j]:
                    wrong.append((i + j, int(k)))
    return table, wrong


def balanced(table):
    return float(np.mean(np.diag(table) / table.sum(1)))
