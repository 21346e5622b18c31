"""FAZ images and masks: loading, folds and augmentation.

A data folder holds images/STEM.* and masks/STEM.*; a stem that begins with "deep" is a deep-plexus image.
Mask foreground = any channel above 127.
"""
import glob
import os
import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

SIDE = 256          # the size at which the network works (the converter's --resize)


class Case:
    def __init__(self, image, mask):
        self.stem = os.path.splitext(os.path.basename(image))[0]
        self.deep = self.stem.startswith('deep')
        self.image = Image.open(image).convert('L')
        rgb = np.asarray(Image.open(mask).convert('RGB'))
        self.mask = Image.fromarray(((rgb > 127).any(2) * 255).astype(np.uint8))
        assert self.mask.size == self.image.size, image


def load(folder):
    masks = {os.path.splitext(os.path.basename(f))[0]: f for f in glob.glob(os.path.join(folder, 'masks', '*'))}
    images = sorted(glob.glob(os.path.join(folder, 'images', '*')))
    return [Case(f, masks[os.path.splitext(os.path.basename(f))[0]]) for f in images]


def grey_images(folder):
    return [Image.open(f).convert('L') for f in sorted(glob.glob(os.path.join(folder, '*')))]


def fold_of(cases, folds=3, seed=1):
    """A fold number for every case, superficial and deep spread evenly."""
    out = [0] * len(cases)
    for deep in (False, True):
        group = [i for i, c in enumerate(cases) if c.deep == deep]
        order = np.random.RandomState(seed).permutation(len(group))
        for k, j in enumerate(order):
            out[group[j]] = k % folds
    return out


def zscore(a):
    """nnU-Net's nonCT normalisation of the whole image."""
    a = np.asarray(a, np.float32)
    return (a - a.mean()) / (a.std() + 1e-8)


def network_input(image):
    """[1, h, w] at SIDE on the shorter side (Pillow's bilinear, antialiased), normalised."""
    w, h = image.size
    short = min(w, h)
    size = (SIDE if w == short else int(SIDE * w / short), SIDE if h == short else int(SIDE * h / short))
    return torch.from_numpy(zscore(image if (w, h) == size else image.resize(size, Image.BILINEAR)))[None]


def fold_back(u, side, band):
    """Coordinates outside 0..side-1 run to and fro in the outer band, so that no second FAZ appears."""
    def wave(d):
        d = torch.remainder(d, 2 * band)
        return torch.where(d < band, d, 2 * band - d)
    u = torch.where(u < 0, wave(-u), u)
    return torch.where(u > side - 1, side - 1 - wave(u - (side - 1)), u)


def inlay(a, m, surround, rng):
    """A shrunk 3 mm image set into the middle of an unlabelled wide one, whose outer part is background: what a wide field shows."""
    side = int(round(SIDE * rng.uniform(0.85, 1.15)))
    b = np.asarray(surround.resize((side, side), Image.BILINEAR), np.float32)
    if rng.random() < 0.5:
        b = b[:, ::-1]
    if rng.random() < 0.7:       # the tone of the wide image
        a = (a - a.mean()) * (b.std() / (a.std() + 1e-3)) * rng.uniform(0.8, 1.8) + b.mean()
    n = a.shape[0]
    y0, x0 = ((side - n) // 2 + rng.integers(-6, 7, 2)).clip(0, side - n)
    edge = int(rng.integers(2, n // 3))
    ramp = np.clip((np.minimum(np.arange(n), np.arange(n)[::-1]) + 1) / edge, 0, 1).astype(np.float32)
    w = np.minimum(ramp[:, None], ramp[None])
    out, mask = b.copy(), np.zeros_like(b)
    out[y0:y0 + n, x0:x0 + n] += w * (a - out[y0:y0 + n, x0:x0 + n])
    mask[y0:y0 + n, x0:x0 + n] = m
    return out.clip(0, 255), mask


def augment(case, rng, patch, surrounds=()):
    """One random view of patch x patch pixels at the network's own pixel scale: input [1, p, p], target [p, p] in 0..1."""
    scale = float(np.exp(rng.uniform(np.log(0.5), np.log(1.4)))) if rng.random() < 0.6 else rng.uniform(0.9, 1.1)
    wide = len(surrounds) > 0 and not case.deep and rng.random() < 0.35
    if wide:
        scale = rng.uniform(0.5, 0.75)
    side = int(round(SIDE * scale))
    image = case.image
    if rng.random() < 0.25:      # as if it came from a device or an export of lower resolution
        low = int(rng.uniform(0.3, 0.9) * image.size[0])
        image = image.resize((low, low), Image.BILINEAR if rng.random() < 0.5 else Image.BICUBIC)
    a = np.asarray(image.resize((side, side), Image.BILINEAR), np.float32)
    m = np.asarray(case.mask.resize((side, side), Image.BILINEAR), np.float32) / 255
    if wide:
        a, m = inlay(a, m, surrounds[rng.integers(len(surrounds))], rng)
        side = a.shape[0]
    a, m = torch.from_numpy(a.copy()), torch.from_numpy(m.copy())

    angle = rng.uniform(-np.pi, np.pi) if rng.random() < 0.7 else 0.0
    aspect = np.exp(rng.normal(0, 0.06)) if rng.random() < 0.3 else 1.0
    room = max(0.0, (side - patch) / 2) + 0.12 * min(side, patch)
    cy, cx = (side - 1) / 2 + rng.uniform(-room, room, 2) * 0.8
    g = torch.arange(patch, dtype=torch.float32) - (patch - 1) / 2
    y, x = torch.meshgrid(g * aspect, g / aspect, indexing='ij')
    if rng.random() < 0.5:
        x = -x
    c, s = np.cos(angle), np.sin(angle)
    u, v = cy + c * y - s * x, cx + s * y + c * x
    if angle == 0:
        u, v = u.round(), v.round()
    band = 0.2 * side
    grid = torch.stack((fold_back(v, side, band), fold_back(u, side, band)), -1) * (2 / (side - 1)) - 1
    both = F.grid_sample(torch.stack((a, m))[None], grid[None], 'bilinear', 'border', align_corners=True)[0]
    return intensity(both[0].numpy(), rng), both[1].clamp(0, 1)


def blur(a, sigma):
    r = int(3 * sigma + 1)
    k = torch.exp(-torch.arange(-r, r + 1, dtype=torch.float32) ** 2 / (2 * sigma * sigma))
    k = k / k.sum()
    t = torch.from_numpy(np.ascontiguousarray(a))[None, None]
    t = F.conv2d(F.pad(t, (r, r, r, r), 'reflect'), k.view(1, 1, 1, -1))
    return F.conv2d(t, k.view(1, 1, -1, 1))[0, 0].numpy()


def intensity(a, rng):
    """Brightness, gamma, sharpness, noise, stripes, shadow; ends with the z-score."""
    n = a.shape[0]
    p = rng.random(8)
    if p[0] < 0.25:
        a = blur(a, rng.uniform(0.4, 1.5))
    elif p[0] < 0.4:
        a = a + rng.uniform(0.3, 1.2) * (a - blur(a, rng.uniform(0.7, 1.5)))
    if p[1] < 0.5:
        top = max(a.max(), 1.0)
        a = top * (a.clip(0) / top) ** np.exp(rng.uniform(-0.6, 0.6))
    if p[2] < 0.3:
        a = (a * rng.uniform(0.7, 1.6) + rng.uniform(-30, 30)).clip(0, 255)
    while p[3] < 0.35:           # slow shadows, round or long; sometimes clipped to black
        gy, gx = np.mgrid[:n, :n] / n
        t, q = rng.uniform(0, np.pi), np.exp(rng.uniform(0, 2))
        y, x = gy - rng.uniform(0, 1), gx - rng.uniform(0, 1)
        d2 = (np.cos(t) * y - np.sin(t) * x) ** 2 * q + (np.sin(t) * y + np.cos(t) * x) ** 2 / q
        s = rng.uniform(0.2, 0.8) * np.exp(-d2 / (2 * rng.uniform(0.08, 0.35) ** 2))
        a = a * (1 - s) if rng.random() < 0.5 else (a - 150 * s).clip(0)
        p[3] = rng.random() * 0.7
    if p[6] < 0.2:               # hard contrast
        low = np.percentile(a, rng.uniform(5, 40))
        a = ((a - low) * rng.uniform(1.2, 2.5)).clip(0, 255)
    if p[4] < 0.2:               # scan-line stripes
        lines = 1 + rng.normal(0, rng.uniform(0.05, 0.3), n) * (rng.random(n) < rng.uniform(0.05, 1))
        a = a * lines[:, None] if p[7] < 0.5 else a * lines[None]
    if p[5] < 0.3:
        a = a + rng.normal(0, rng.uniform(2, 20), a.shape)
    elif p[5] < 0.4:
        a = a * rng.normal(1, rng.uniform(0.05, 0.3), a.shape)
    return torch.from_numpy(zscore(a))[None]
