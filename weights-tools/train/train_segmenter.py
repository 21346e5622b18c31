"""Trains one member of the FAZ segmenter (nnU-Net's Generic_UNet) and writes it into an nnU-Net v1 model folder.

usage: train_segmenter.py DATA MODEL --fold K [--folds 3] [--steps 2400 1000] [--patches 192 256] ...
  --fold K       trains on every case outside fold K and scores fold K; K >= folds trains on everything
  --wide FOLDER  unlabelled wide-field images; superficial images are set into their middles, so that real outer parts are background
  --init FOLD    starts from that member of MODEL instead of from random weights
The exponential mean of the weights is what is written, every few minutes and at the end.
"""
import argparse
import copy
import time
import numpy as np
import torch
from torch.nn import functional as F
import faz_data
from networks import GenericUNet
from nnunet_folder import write_fold
from segment import MIRRORS, dice, load_member, probability


def loss(levels, target):
    """nnU-Net's Dice + cross-entropy with deep supervision; soft targets, batch Dice of the foreground."""
    total, weights = 0, [0.5 ** i for i in range(len(levels) - 1)]
    t = target[:, None]
    for w, y in zip(weights, levels):
        if y.shape[2] != t.shape[2]:
            t = F.avg_pool2d(t, 2)
        d = y[:, 1:] - y[:, :1]
        p = d.sigmoid()
        overlap = (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
        total = total + w * (F.binary_cross_entropy_with_logits(d, t) - overlap)
    return total / sum(weights)


def score(net, cases, mirrors):
    out = {}
    for deep in (False, True):
        d = [dice(probability([net], c.image, mirrors), c) for c in cases if c.deep == deep]
        out['deep' if deep else 'superficial'] = float(np.mean(d)) if d else float('nan')
    return ' '.join(f'{k} {v:.4f}' for k, v in out.items())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('data')
    p.add_argument('model')
    p.add_argument('--fold', type=int, required=True)
    p.add_argument('--folds', type=int, default=3)
    p.add_argument('--init', type=int)
    p.add_argument('--wide')
    p.add_argument('--base', type=int, default=16)
    p.add_argument('--pools', type=int, default=4)
    p.add_argument('--batch', type=int, default=2)
    p.add_argument('--steps', type=int, nargs='+', default=[2400, 1000])
    p.add_argument('--patches', type=int, nargs='+', default=[192, 256])
    p.add_argument('--minutes', type=float, default=1e9, help='end by then even if there are steps left; patches and learning rate follow')
    p.add_argument('--lr', type=float, default=1.5e-3)
    p.add_argument('--decay', type=float, default=0.997, help='of the mean of the weights')
    p.add_argument('--save-every', type=float, default=4, help='minutes')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--threads', type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(100 * a.seed + a.fold)
    rng = np.random.default_rng(100 * a.seed + a.fold)

    cases = faz_data.load(a.data)
    folds = faz_data.fold_of(cases, a.folds)
    train = [c for c, f in zip(cases, folds) if f != a.fold]
    valid = [c for c, f in zip(cases, folds) if f == a.fold]
    wide = faz_data.grey_images(a.wide) if a.wide else []
    net = GenericUNet(a.base, a.pools) if a.init is None else load_member(a.model, a.init)
    mean = copy.deepcopy(net).eval()
    decayed = [q for q in net.parameters() if q.dim() > 1]
    plain = [q for q in net.parameters() if q.dim() == 1]
    opt = torch.optim.AdamW([{'params': decayed, 'weight_decay': 0.02}, {'params': plain, 'weight_decay': 0}], lr=a.lr)
    sizes = [s for s, n in zip(a.patches, a.steps) for _ in range(n)]
    print(f'{sum(q.numel() for q in net.parameters())} parameters, {len(train)} to train on, {len(valid)} to score, {len(sizes)} steps', flush=True)

    def save(step):
        write_fold(a.model, a.fold, mean.state_dict(), a.base, a.pools, faz_data.SIDE, step)

    order, running, last, start, step = [], 0.0, time.time(), time.time(), -1
    done = 0.0
    while done < 1:
        step += 1
        done = max(done, (step + 1) / len(sizes), (time.time() - start) / (60 * a.minutes))
        patch = sizes[min(len(sizes) - 1, int(done * len(sizes)))]
        warm = min(1.0, (step + 1) / 100)
        for g in opt.param_groups:
            g['lr'] = a.lr * warm * (0.5 + 0.5 * np.cos(np.pi * min(1, done)))
        if len(order) < a.batch:
            order = order + list(rng.permutation(len(train)))
        views = [faz_data.augment(train[order.pop(0)], rng, patch, wide) for _ in range(a.batch)]
        x, t = torch.stack([v[0] for v in views]).float(), torch.stack([v[1] for v in views])
        value = loss(net(x, every_level=True), t)
        opt.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        d = min(a.decay, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1 - d)
        running += (float(value.detach()) - running) / min(step + 1, 100)
        if time.time() - last > 60 * a.save_every:
            save(step)
            print(f'step {step} loss {running:.4f} {score(mean, valid, MIRRORS[:1])} {time.process_time():.0f} s of CPU', flush=True)
            last = time.time()
    save(step + 1)
    print(f'final, four mirrors: {score(mean, valid, MIRRORS)} {time.process_time():.0f} s of CPU', flush=True)


if __name__ == '__main__':
    main()
