"""Labelled images for the graders: real images, degraded at their own resolution within documented bounds.

All lengths are in pixels of a 320 x 320 image and grow with the side; the classes are
  outstanding  a good real superficial image as it is, or one or two faint stripes
  gradable     blur of sigma 1 to 2; or 5 to 20 stripes of up to 40 % with a few shifts of up to 6;
               or a shadow of up to 50 % with slight blur and noise of sd up to 15
  ungradable   blur of sigma 3.5 and more; or 30 strong stripes and more with many shifts of tens of pixels;
               or signal below a half, heavy shadow and noise of sd 25 and more;
               or the macula off-centre by a third of the width and more; or a quarter of the contrast with blur and noise

An image travels as planes [n, n, 3]: the grey image, the FAZ (0..255, if known) and where stripes were drawn (255 x strength).
Only the first is what the grader sees; the others serve as additional targets in training.
"""
import functools
import io
import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

UNGRADABLE, GRADABLE, OUTSTANDING = 0, 1, 2
WORDS = ('ungradable', 'gradable', 'outstanding')


def grey(f):
    """Makes a function of the grey plane one of the planes."""
    @functools.wraps(f)
    def g(a, *args, **kw):
        b = a.copy()
        b[..., 0] = f(a[..., 0], *args, **kw)
        return b
    return g


def resize(a, n, pillow_filter):
    return np.stack([np.asarray(Image.fromarray(np.ascontiguousarray(a[..., k])).resize((n, n), pillow_filter if k == 0 else Image.BILINEAR))
                     for k in range(3)], -1)


@grey
def blur(a, sigma):
    return gaussian_filter(a, sigma * a.shape[0] / 320, mode='reflect', truncate=3)


@grey
def noise(a, rng, low, high):
    """Additive noise; on large images sometimes of the grain of a 320-pixel image."""
    n = a.shape[0]
    sd = rng.uniform(low, high)
    if n > 400 and rng.random() < 0.4:
        small = rng.normal(0, sd, (320, 320)).astype(np.float32)
        return a + np.asarray(Image.fromarray(small).resize((n, n), Image.BILINEAR if rng.random() < 0.5 else Image.NEAREST))
    return a + rng.normal(0, sd, a.shape).astype(np.float32)


def stripes(a, rng, count, low, high):
    """Lines along the fast scan, darker or brighter by the given share or by an offset."""
    n = a.shape[0]
    a = a.copy()
    kind = rng.integers(4)
    additive = rng.random() < 0.2
    soft = rng.random() < 0.3
    widest = 1.2 if rng.random() < 0.4 else rng.uniform(1, 5)
    for _ in range(count):
        width = max(1, int(round(rng.uniform(0.7, widest) * n / 320)))
        y = rng.integers(0, n - width + 1)
        s = rng.uniform(low, high) * (-1 if kind < 2 or (kind == 2 and rng.random() < 0.5) else 1)
        profile = np.full((width, 1), s, np.float32)
        if soft and width > 2:
            profile *= np.sin(np.pi * (np.arange(width) + 0.5) / width)[:, None]
        g = a[y:y + width, :, 0]
        a[y:y + width, :, 0] = g + 255 * 0.6 * profile if additive else g * (1 + profile)
        a[y:y + width, :, 2] = np.maximum(a[y:y + width, :, 2], 255 * np.abs(profile))
    return a


def shifts(a, rng, count, low, high):
    """Motion: bands of rows moved sideways, round or over the edge, or everything below a row."""
    n = a.shape[0]
    a = a.copy()
    for _ in range(count):
        y = rng.integers(0, n)
        h = n if rng.random() < 0.3 else int(rng.uniform(2, 40) * n / 320) + 1
        d = int(round(rng.uniform(low, high) * n / 320)) * (1 if rng.random() < 0.5 else -1)
        a[y:y + h] = np.roll(a[y:y + h], d, 1)
    return a


@grey
def shadow(a, rng, low, high, wide=False):
    """A dark blob, band or side; the share is the loss in its middle."""
    n = a.shape[0]
    y, x = np.mgrid[:n, :n].astype(np.float32) / n
    depth = rng.uniform(low, high)
    kind = rng.integers(4)
    if kind < 2:
        r = rng.uniform(0.25, 0.6) if wide else rng.uniform(0.1, 0.35)
        cy, cx, q = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.5, 2)
        d2 = ((y - cy) ** 2 * q + (x - cx) ** 2 / q) / (r * r)
        s = np.exp(-d2 / 2) if kind == 0 else 1 / (1 + np.exp(np.minimum(30, (np.sqrt(d2) - 1.2) * rng.uniform(4, 15))))
    elif kind == 2:
        t, c, r = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8), rng.uniform(0.15, 0.4) if wide else rng.uniform(0.06, 0.2)
        s = np.exp(-(((x - c) * np.cos(t) + (y - c) * np.sin(t)) / r) ** 2 / 2)
    else:
        t = rng.uniform(0, 2 * np.pi)
        s = np.clip(((x - 0.5) * np.cos(t) + (y - 0.5) * np.sin(t)) * rng.uniform(1, 2.5) + rng.uniform(0.2, 0.6), 0, 1)
    return a * (1 - depth * s)


def off_centre(a, rng):
    """The macula moved by a third of the width or more; what comes in is the far side, a reflection, the edge or black; or a crop."""
    n = a.shape[0]
    d = rng.uniform(0.33, 0.55) * n
    t = rng.choice([0, 0.5, 1, 1.5]) * np.pi if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
    dy, dx = int(round(d * np.sin(t))), int(round(d * np.cos(t)))
    kind = rng.integers(5)
    if kind == 0:
        return np.roll(a, (dy, dx), (0, 1))
    if kind == 1:
        m = int(n * rng.uniform(0.55, 0.75))     # the window of a crop whose centre lies far enough off
        need = 0.34 * m
        t = rng.choice([0, 0.5, 1, 1.5]) * np.pi + rng.uniform(-0.3, 0.3)
        c = np.clip(n / 2 + need * 1.15 * np.array([np.sin(t), np.cos(t)]), m / 2, n - m / 2)
        if np.abs(c - n / 2).max() < need * 0.95:
            return np.roll(a, (dy, dx), (0, 1))
        y, x = (c - m / 2).astype(int)
        return resize(a[y:y + m, x:x + m], n, Image.BICUBIC)
    b = np.pad(a, ((n - 1, n - 1), (n - 1, n - 1), (0, 0)), mode={2: 'reflect', 3: 'edge', 4: 'constant'}[int(kind)])
    return b[n - 1 - dy:2 * n - 1 - dy, n - 1 - dx:2 * n - 1 - dx]


def gradable(a, rng):
    k = rng.choice(4, p=(0.22, 0.46, 0.18, 0.14))
    if k == 0:
        a = blur(a, rng.uniform(1, 2))
        if rng.random() < 0.2:
            a = stripes(a, rng, rng.integers(1, 8), 0.05, 0.3)
    elif k == 1:
        a = stripes(a, rng, rng.integers(5, 21), rng.choice([0.15, 0.25, 0.38]), 0.4)
        if rng.random() < 0.85:
            a = shifts(a, rng, rng.integers(1, 6), 1, 6)
        if rng.random() < 0.15:
            a = blur(a, rng.uniform(0.4, 1))
    elif k == 2:
        a = shadow(a, rng, 0.25, 0.5, rng.random() < 0.5)
        a = noise(blur(a, rng.uniform(0.4, 1.0)), rng, 5, 15)
    else:
        a = shadow(a, rng, 0.2, 0.5, rng.random() < 0.5)
        a = blur(a, rng.uniform(0.5, 1.5))
        if rng.random() < 0.5:
            a = noise(a, rng, 3, 15)
        if rng.random() < 0.3:
            a = stripes(a, rng, rng.integers(3, 12), 0.1, 0.3)
    return a


def ungradable(a, rng):
    k = rng.choice(6, p=(0.12, 0.13, 0.12, 0.25, 0.25, 0.13))
    if k == 0:
        a = blur(a, rng.uniform(3.5, 7) if rng.random() < 0.8 else rng.uniform(7, 12))
        if rng.random() < 0.3:
            a = noise(a, rng, 1, 20)
    elif k == 1:
        steps = [lambda a: stripes(a, rng, rng.integers(30, 90), rng.choice([0.35, 0.5, 0.7]), rng.choice([0.7, 0.95])),
                 lambda a: shifts(a, rng, rng.integers(8, 40), 10, rng.choice([25, 60, 100]))]
        for i in rng.permutation(2):
            a = steps[i](a)
    elif k == 2:
        a = a * np.float32((rng.uniform(0.15, 0.5), 1, 1))
        for _ in range(rng.integers(1, 4)):
            a = shadow(a, rng, 0.6, 0.95, True)
        a = noise(a, rng, 25, 50)
        if rng.random() < 0.2:
            a = blur(a, rng.uniform(0.3, 1.5))
    elif k < 5 and rng.random() < 0.85:
        a = off_centre(a, rng)
        if rng.random() < 0.2:
            a = gradable(a, rng)
    else:
        m = a[..., 0].mean() if rng.random() < 0.6 else rng.uniform(0, 128)
        a[..., 0] = m + (a[..., 0] - m) * rng.uniform(0.12, 0.27)
        a = noise(blur(a, rng.uniform(1, 3.5)), rng, 6, 30)
    return a


def outstanding(a, rng):
    return stripes(a, rng, rng.integers(1, 3), 0.04, 0.14) if rng.random() < 0.45 else a


def warped(a, rng):
    """The same eye drawn otherwise: turned by up to 10 degrees, up to a fifth larger, vessels bent smoothly. Few base images
    are at hand; without this a net learns them by heart and takes an unknown good one for a degraded one."""
    n = a.shape[0]
    t, scale = np.deg2rad(rng.uniform(-10, 10)), 1 / rng.uniform(1.05, 1.25)
    y, x = np.mgrid[:n, :n].astype(np.float32) - (n - 1) / 2
    bend = rng.normal(0, 1, (2, 7, 7)).astype(np.float32) * 0.012 * n
    by, bx = (cv2.resize(b, (n, n), interpolation=cv2.INTER_CUBIC) for b in bend)
    u = (scale * (np.cos(t) * x - np.sin(t) * y) + bx + (n - 1) / 2).astype(np.float32)
    v = (scale * (np.sin(t) * x + np.cos(t) * y) + by + (n - 1) / 2).astype(np.float32)
    return cv2.remap(a, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def at_own_size(image, faz, rng):
    """The planes of the image as another export of it might be: another size, turned over, another tone."""
    n = image.size[0]
    faz = np.zeros((n, n), np.float32) if faz is None else np.asarray(faz, np.float32)
    a = np.stack((np.asarray(image, np.float32), faz, np.zeros((n, n), np.float32)), -1)
    if rng.random() < 0.6:
        a = warped(a, rng)
    if rng.random() < 0.6:
        n = int(rng.choice([256, 304, 320, 384, 400, 480, 512, 640]) if rng.random() < 0.5 else np.exp(rng.uniform(np.log(245), np.log(800))))
        a = resize(a, n, Image.BICUBIC if rng.random() < 0.5 else Image.BILINEAR)
    if rng.random() < 0.5:
        a = a[:, ::-1]
    if rng.random() < 0.3:
        a = a[::-1]
    a = np.ascontiguousarray(a)
    if rng.random() < 0.4:
        a[..., 0] = 255 * (np.clip(a[..., 0], 0, 255) / 255) ** np.exp(rng.uniform(-0.25, 0.25))
    if rng.random() < 0.3:
        a[..., 0] *= rng.uniform(0.85, 1.15)
    return a


def make(image, label, rng, faz=None):
    """One 8-bit image of the class, square, at its own resolution; with its FAZ and its stripes."""
    a = at_own_size(image, faz, rng)
    a = (ungradable, gradable, outstanding)[label](a, rng)
    a = np.clip(a + 0.5, 0, 255).astype(np.uint8)
    out = Image.fromarray(np.ascontiguousarray(a[..., 0]))
    if rng.random() < 0.3:
        f = io.BytesIO()
        out.save(f, 'JPEG', quality=int(rng.integers(75, 97)))
        out = Image.open(f).convert('L')
    return out, Image.fromarray(np.ascontiguousarray(a[..., 1])), Image.fromarray(np.ascontiguousarray(a[..., 2]))


def zoomed_out(images, share):
    """Images shrunk as a larger field of view shows them; the surroundings are their outer band, folded to and fro."""
    n = images[0].size[0]
    m = int(n * share)
    band = int(0.2 * m)
    u = np.arange(n) - (n - m) // 2
    d = np.where(u < 0, -u, u - (m - 1)) % (2 * band)
    d = np.where(d < band, d, 2 * band - d)
    u = np.where(u < 0, d, np.where(u > m - 1, m - 1 - d, u))
    return [Image.fromarray(np.asarray(i.resize((m, m), Image.BILINEAR))[u][:, u]) for i in images]
