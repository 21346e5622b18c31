"""Trains a quality grader on synthetically degraded real images and writes its state_dict.

usage: train_grader.py swin|se_resnext COIPS ROSSA OUT.pth [--steps 2600] [--held 0.25] [--seed 1] [--init FILE.pth]
  swin: serves 3 mm images, stress on COIPS; se_resnext: serves 6 mm, stress on ROSSA and zoomed-out COIPS
  --held 0 trains on every base image
The exponential mean of the weights is what is written, every few minutes and at the end.
"""
import argparse
import copy
import os
import time
import numpy as np
import torch
from torch.nn import functional as F
import degrade
from grader_data import balanced, bases, confusion, network_input, small
from networks import SEResNeXt, Swin


def network(name):
    return Swin(size=192, window=12, depths=(2, 2, 3)) if name == 'swin' else SEResNeXt()


def draw(name, groups, rng):
    """A degraded image, ready at the network's size, and its label."""
    label = int(rng.choice(3, p=(0.36, 0.34, 0.30)))
    coips = rng.random() < (0.75 if name == 'swin' else 0.4)
    pool = [b for b in groups['coips' if coips else 'rossa'] if label == degrade.UNGRADABLE or not b.poor]
    image = pool[rng.integers(len(pool))].image
    if coips and name == 'se_resnext' and rng.random() < 0.6:
        image = degrade.zoomed_out(image, rng)
    elif coips and rng.random() < 0.15:
        image = degrade.zoomed_out(image, rng, 0.6, 0.95)
    return small(degrade.make(image, label, rng), name), label


def write(path, net):
    torch.save(net.state_dict(), path + '.part')
    os.replace(path + '.part', path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('net', choices=('swin', 'se_resnext'))
    p.add_argument('coips')
    p.add_argument('rossa')
    p.add_argument('out')
    p.add_argument('--steps', type=int, default=2600)
    p.add_argument('--batch', type=int, default=8)
    p.add_argument('--lr', type=float, default=1e-3)
    p.add_argument('--held', type=float, default=0.25)
    p.add_argument('--init')
    p.add_argument('--pool', type=int, default=8000)
    p.add_argument('--decay', type=float, default=0.995)
    p.add_argument('--save-every', type=float, default=4, help='minutes')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--threads', type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    train, held = bases(a.coips, a.rossa, a.held)
    by = {s: [b for b in train if b.source == s] for s in ('coips', 'rossa')}
    test = []
    if held:
        r = np.random.default_rng(77)
        test = [draw(a.net, {s: [b for b in held if b.source == s] for s in by}, r) for _ in range(240)]
    net = network(a.net)
    if a.init:
        net.load_state_dict(torch.load(a.init))
    mean = copy.deepcopy(net)
    plain = [q for q in net.parameters() if q.dim() == 1]
    opt = torch.optim.AdamW([{'params': [q for q in net.parameters() if q.dim() > 1], 'weight_decay': 0.05},
                             {'params': plain, 'weight_decay': 0}], lr=a.lr)
    print(f'{sum(q.numel() for q in net.parameters())} parameters, {len(train)} bases to train on, {len(held)} held out', flush=True)
    pool, running, last = [], 0.0, time.time()
    for step in range(a.steps):
        warm = min(1.0, (step + 1) / 100)
        for g in opt.param_groups:
            g['lr'] = a.lr * warm * (0.5 + 0.5 * np.cos(np.pi * step / a.steps))
        fresh = [draw(a.net, by, rng) for _ in range(a.batch if len(pool) < 4 * a.batch else a.batch * 3 // 8)]
        batch = fresh + [pool[i] for i in rng.integers(0, max(1, len(pool)), a.batch - len(fresh))]
        for f in fresh:
            if len(pool) < a.pool:
                pool.append(f)
            else:
                pool[rng.integers(a.pool)] = f
        turned = [(im[:, ::-1] if rng.random() < 0.5 else im) for im, _ in batch]
        y = torch.tensor([k for _, k in batch])
        net.train()
        value = F.cross_entropy(net(network_input(np.stack(turned), a.net)), y, label_smoothing=0.03)
        opt.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        opt.step()
        d = min(a.decay, (step + 1) / (step + 10))
        with torch.no_grad():
            for q, r in zip(mean.state_dict().values(), net.state_dict().values()):
                q.lerp_(r, 1 - d) if q.dtype.is_floating_point and q.dim() and (r > -50).all() else q.copy_(r)
        running += (float(value.detach()) - running) / min(step + 1, 100)
        if time.time() - last > 60 * a.save_every or step == a.steps - 1:
            write(a.out, mean)
            line = ''
            if test:
                table, _ = confusion(mean, a.net, np.stack([t[0] for t in test]), [t[1] for t in test])
                line = f'balanced accuracy {balanced(table):.4f} {table.tolist()}'
            print(f'step {step} loss {running:.4f} {line} {time.process_time():.0f} s of CPU', flush=True)
            last = time.time()


if __name__ == '__main__':
    main()
