"""Scores a grader on held-out base images with degradations written independently of degrade.py, within the same bounds.

usage: score_grader.py swin|se_resnext COIPS ROSSA MODEL.pth [--per-class 150] [--source coips|rossa] [--held 0.25]
Prints the confusion matrix (rows truth, columns prediction; ungradable, gradable, outstanding), balanced accuracy,
and the errors by kind of degradation. Nothing is shared with the training but the split.
"""
import argparse
import collections
import cv2
import numpy as np
import torch
from PIL import Image
from grader_data import balanced, bases, confusion, small
from train_grader import network


def lines(g, a, n, strength):
    h, w = a.shape
    b = a.copy()
    for y in g.choice(h, min(n, h), replace=False):
        t = g.integers(1, max(2, h // 100) + 1)
        b[y:y + t] *= 1 - strength() if g.random() < 0.7 else 1 + strength()
    return b


def tear(g, a, n, reach):
    h, w = a.shape
    b = a.copy()
    for _ in range(n):
        y0 = g.integers(0, h - 4)
        y1 = min(h, y0 + g.integers(2, h // 6))
        b[y0:y1] = np.roll(b[y0:y1], int(g.integers(-reach, reach + 1) * h / 320), axis=1)
    return b


def cloud(g, a, loss, size):
    h, w = a.shape
    yy, xx = np.ogrid[:h, :w]
    cy, cx = g.uniform(0.2, 0.8) * h, g.uniform(0.2, 0.8) * w
    return a * (1 - loss * np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / (2 * (size * h) ** 2)))


def grain(g, a, sd):
    return a + g.standard_normal(a.shape) * sd


def soft(a, s):
    return cv2.GaussianBlur(a, (0, 0), s * a.shape[0] / 320)


def moved(g, a, how):
    h, w = a.shape
    d = int(g.uniform(0.34, 0.45) * h) * g.choice([-1, 1])
    m = np.float32([[1, 0, d], [0, 1, 0]]) if g.random() < 0.5 else np.float32([[1, 0, 0], [0, 1, d]])
    return cv2.warpAffine(a, m, (w, h), borderMode={'wrap': cv2.BORDER_WRAP, 'reflect': cv2.BORDER_REFLECT, 'black': cv2.BORDER_CONSTANT}[how])


KINDS = {
    0: {'blur': lambda g, a: soft(a, g.uniform(3.5, 6)),
        'motion': lambda g, a: tear(g, lines(g, a, g.integers(30, 60), lambda: g.uniform(0.5, 0.9)), g.integers(10, 25), 50),
        'signal': lambda g, a: grain(g, cloud(g, a * g.uniform(0.25, 0.5), g.uniform(0.6, 0.9), g.uniform(0.25, 0.5)), g.uniform(25, 40)),
        'off wrap': lambda g, a: moved(g, a, 'wrap'), 'off reflect': lambda g, a: moved(g, a, 'reflect'), 'off black': lambda g, a: moved(g, a, 'black'),
        'contrast': lambda g, a: grain(g, soft(a.mean() + (a - a.mean()) * 0.25, g.uniform(1, 3)), g.uniform(8, 25))},
    1: {'blur': lambda g, a: soft(a, g.uniform(1, 2)),
        'stripes': lambda g, a: tear(g, lines(g, a, g.integers(5, 21), lambda: g.uniform(0.15, 0.4)), g.integers(1, 5), 6),
        'stripes full': lambda g, a: tear(g, lines(g, a, g.integers(5, 21), lambda: 0.4), g.integers(1, 5), 6),
        'shadow': lambda g, a: grain(g, soft(cloud(g, a, g.uniform(0.25, 0.5), g.uniform(0.15, 0.35)), g.uniform(0.5, 1)), g.uniform(5, 15))},
    2: {'as is': lambda g, a: a,
        'faint stripes': lambda g, a: lines(g, a, g.integers(1, 3), lambda: g.uniform(0.05, 0.15))},
}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('net', choices=('swin', 'se_resnext'))
    p.add_argument('coips')
    p.add_argument('rossa')
    p.add_argument('model')
    p.add_argument('--per-class', type=int, default=150)
    p.add_argument('--source')
    p.add_argument('--held', type=float, default=0.25)
    a = p.parse_args()
    torch.set_num_threads(1)
    _, held = bases(a.coips, a.rossa, a.held)
    held = [b for b in held if not b.poor and a.source in (None, b.source)]
    g = np.random.default_rng(2024)
    images, labels, kinds = [], [], []
    for k in range(3 * a.per_class):
        label = k % 3
        im = held[g.integers(len(held))].image
        if g.random() < 0.5:
            n = int(g.choice([245, 304, 350, 420, 600, 768, 1024]))
            im = im.resize((n, n), Image.BICUBIC)
        kind = list(KINDS[label])[k // 3 % len(KINDS[label])]
        x = KINDS[label][kind](g, np.asarray(im, np.float32))
        im = Image.fromarray(np.clip(np.rint(x), 0, 255).astype(np.uint8))
        images.append(small(im, a.net))
        labels.append(label)
        kinds.append(kind)
    net = network(a.net)
    net.load_state_dict(torch.load(a.model))
    table, wrong = confusion(net, a.net, np.stack(images), labels)
    print(table)
    print(f'balanced accuracy {balanced(table):.4f}; ungradable called outstanding {table[0, 2]}, the reverse {table[2, 0]}; {len(held)} base images')
    count = collections.Counter((labels[i], kinds[i], k) for i, k in wrong)
    total = collections.Counter(zip(labels, kinds))
    for (label, kind, k), n in sorted(count.items()):
        print(f'  {label} {kind}: {n} of {total[label, kind]} called {k}')


if __name__ == '__main__':
    main()
