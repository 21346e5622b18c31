"""Writes the FAZ masks that a segmenter folder gives for a folder of images (PNG, 0 and 255).

usage: write_masks.py MODEL IMAGES OUT [--members 0]
"""
import argparse
import glob
import os
import numpy as np
import torch
from PIL import Image
from scipy.ndimage import label
from segment import MIRRORS, load_member, probability

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('model')
p.add_argument('images')
p.add_argument('out')
p.add_argument('--members', type=int, nargs='+', default=[0])
a = p.parse_args()
torch.set_num_threads(1)
nets = [load_member(a.model, k) for k in a.members]
os.makedirs(a.out, exist_ok=True)
for f in sorted(glob.glob(os.path.join(a.images, '*'))):
    m = probability(nets, Image.open(f).convert('L'), MIRRORS[:1]) > 0.5
    parts, n = label(m)
    if n > 1:                    # the largest part only
        m = parts == 1 + np.argmax([(parts == k + 1).sum() for k in range(n)])
    Image.fromarray((m * 255).astype(np.uint8)).save(os.path.join(a.out, os.path.splitext(os.path.basename(f))[0] + '.png'))
