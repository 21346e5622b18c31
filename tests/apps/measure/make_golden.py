"""Writes tests/data/apps/measure: what scikit-image makes of a drawn image: vesselness, Otsu's threshold, thinning.

Run with scikit-image (0.26), for example in a virtual environment: python tests/apps/measure/make_golden.py
"""
import os

import numpy as np
from skimage.filters import frangi, threshold_otsu
from skimage.feature import hessian_matrix, hessian_matrix_eigvals
from skimage.morphology import thin

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'data', 'apps', 'measure')
HEIGHT, WIDTH, PAD = 72, 60, 40


def draw():
    """Bright curves of several widths on a slope, with noise."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    image = 40 + 0.4 * x
    for offset, slope, bend, width in ((8, 0.3, 4, 0.8), (25, -0.2, 6, 1.5), (45, 0.1, 3, 3), (66, -0.5, 2, 1)):
        distance = y - offset - slope * x - bend * np.sin(x / 7)
        image += 130 * np.exp(-distance ** 2 / (2 * width ** 2))
    image += np.random.default_rng(1).normal(0, 6, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def save(name, array):
    np.save(os.path.join(OUT, name + '.npy'), array)


def vesselness(image, sigmas, gamma):
    return frangi(image, sigmas=sigmas, beta=0.5, gamma=gamma, black_ridges=False, mode='reflect')


def main():
    os.makedirs(OUT, exist_ok=True)
    image = draw()
    save('image', image)
    unit = image / 255
    padded = np.pad(unit, PAD, mode='symmetric')
    inner = (slice(PAD, -PAD), slice(PAD, -PAD))
    save('frangi', vesselness(unit, [1, 1.5, 3], 0.05).astype(np.float32))
    save('frangi_padded', vesselness(padded, [1, 1.5, 3], 0.05)[inner].astype(np.float32))
    # gamma by scale: half of the greatest norm of the Hessian, 3 sigma and more from the border
    response = np.zeros(image.shape)
    for sigma in (1.2, 2.5):
        hessian = hessian_matrix(padded, sigma, mode='reflect', use_gaussian_derivatives=True)
        norm = np.sqrt((hessian_matrix_eigvals(hessian) ** 2).sum(0))[inner]
        margin = int(np.ceil(3 * sigma))
        gamma = norm[margin:-margin, margin:-margin].max() / 2
        response = np.maximum(response, vesselness(padded, [sigma], gamma)[inner])
    save('frangi_gamma', response.astype(np.float32))
    root = np.sqrt(response.astype(np.float32))
    threshold = threshold_otsu(root)
    save('otsu', np.array([threshold], dtype=np.float32))
    save('thin', thin(root > threshold).astype(np.uint8))
    blobs = np.random.default_rng(2).random((HEIGHT, WIDTH)) < 0.7
    save('blobs', blobs.astype(np.uint8))
    save('blobs_thin', thin(blobs).astype(np.uint8))


main()
