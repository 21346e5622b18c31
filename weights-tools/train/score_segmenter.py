"""Scores the members of a segmenter folder by Dice at the images' own size, four mirrors.

usage: score_segmenter.py DATA MODEL [--folds 3] [--members 0 1 2] [--half]
Cross-validation: member K on the cases of fold K, which it has not seen, alone. --half rounds the weights to fp16 first.
"""
import argparse
import numpy as np
import torch
import faz_data
from segment import dice, load_member, probability


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('data')
    p.add_argument('model')
    p.add_argument('--folds', type=int, default=3)
    p.add_argument('--members', type=int, nargs='+', default=[0, 1, 2])
    p.add_argument('--half', action='store_true')
    a = p.parse_args()
    torch.set_num_threads(1)
    cases = faz_data.load(a.data)
    folds = faz_data.fold_of(cases, a.folds)
    every = {False: [], True: []}
    for k in a.members:
        net = load_member(a.model, k)
        if a.half:
            net = net.half().float()
        here = {False: [], True: []}
        for c, f in zip(cases, folds):
            if f == k:
                here[c.deep].append((dice(probability([net], c.image), c), c.stem))
        for deep in here:
            every[deep] += here[deep]
        print(f'member {k}: superficial {np.mean([d for d, _ in here[False]]):.4f} deep {np.mean([d for d, _ in here[True]]):.4f}', flush=True)
    for deep in every:
        d = np.array([d for d, _ in every[deep]])
        print(f'{"deep" if deep else "superficial"}: mean {d.mean():.4f} sd {d.std():.4f} median {np.median(d):.4f} n {len(d)}; lowest '
              + ', '.join(f'{s} {v:.3f}' for v, s in sorted(every[deep])[:4]))


if __name__ == '__main__':
    main()
