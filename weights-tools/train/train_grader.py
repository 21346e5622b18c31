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
from torch import nn
from torch.nn import functional as F
import degrade
from grader_data import balanced, bases, confusion, network_input, phantoms, small
from networks import SEResNeXt, Swin


def network(name):
    return Swin(size=160, window=10, depths=(2, 2, 3)) if name == 'swin' else SEResNeXt()


def look(net, fresh=True):
    """A start for Swin's position biases: along the row and near by at first (stripes), far to the four sides later (where the macula lies)."""
    with torch.no_grad():
        for i, layer in enumerate(net.layers):
            for j, block in enumerate(layer.blocks):
                w, table = block.attn.window, block.attn.relative_position_bias_table
                d = torch.arange(1 - w, w).float()
                y, x = (v.flatten() for v in torch.meshgrid(d, d, indexing='ij'))
                if i < 2:
                    kinds = [-y.abs(), -(x * x + y * y) / 8]
                    kinds = kinds if j == 0 else kinds[::-1]
                else:
                    far = 0.64 * w
                    kinds = [5.0 * (t >= far) for t in (x, -x, y, -y)] if j == 1 else []
                for h in range(min(table.shape[1], len(kinds))):
                    table[:, h] = kinds[h] if fresh or i == 2 else table[:, h]


def draw(name, groups, rng):
    """A degraded image, its FAZ and stripes, all at the network's size, 8-bit [3, side, side], and its label."""
    label = int(rng.choice(3, p=(0.31, 0.35, 0.34)))
    synthetic = groups.get('phantom') and rng.random() < 0.12
    coips = not synthetic and rng.random() < (0.6 if name == 'swin' else 0.4)
    source = 'phantom' if synthetic else 'coips' if coips else 'rossa'
    pool = [b for b in groups[source] if label == degrade.UNGRADABLE or not b.poor]
    base = pool[rng.integers(len(pool))]
    image, faz = base.image, base.faz
    if coips and rng.random() < (0.15 if name == 'swin' else 0.66):
        image, faz = degrade.zoomed_out((image, faz), rng.uniform(*((0.6, 0.95) if name == 'swin' else (0.5, 0.8))))
    return np.stack([small(im, name) for im in degrade.make(image, label, rng, faz)]), label


class Extra(nn.Module):
    """Additional targets that show the net where to look: stripes and FAZ place by place, and how far off the FAZ lies. Not part of the model."""

    def __init__(self, net):
        super().__init__()
        if isinstance(net, Swin):
            parts = [(layer.blocks[-1], layer.blocks[0].norm1.normalized_shape[0]) for layer in net.layers]
        else:
            parts = [(layer, layer[-1].conv3.out_channels) for layer in (net.layer1, net.layer2, net.layer3)]
        head = net.head if isinstance(net, Swin) else net.fc
        self.stripes = nn.ModuleList(nn.Linear(c, 1) for _, c in parts[:2])
        self.faz = nn.ModuleList(nn.Linear(c, 1) for _, c in parts[1:])
        self.whole = nn.Linear(head.in_features, 2)
        self.far = nn.Linear(parts[-1][1], 4)
        self.last = len(parts) - 1
        self.seen = {}
        for i, (part, _) in enumerate(parts):
            part.register_forward_hook(lambda m, args, out, i=i: self.seen.update({i: (out if out.dim() == 3 else out.flatten(2).transpose(1, 2)).float()}))
        head.register_forward_hook(lambda m, args, out: self.seen.update(pooled=args[0].float()))

    @staticmethod
    def beyond(faz):
        """[n, tokens] -> [n, tokens, 4]: does a FAZ lie two thirds of the width and more to the right, left, below, above of the token?"""
        side = int(faz.shape[1] ** 0.5)
        f = faz.view(-1, side, side)
        k = torch.arange(side)
        far = (k[None] - k[:, None] >= 0.64 * side).float()              # [token, key]
        cols, rows = f.sum(1), f.sum(2)
        out = [(cols @ far.T)[:, None].expand_as(f), (cols @ far)[:, None].expand_as(f),
               (rows @ far.T)[:, :, None].expand_as(f), (rows @ far)[:, :, None].expand_as(f)]
        return (torch.stack(out, -1).flatten(1, 2) > 0.5 * f.sum((1, 2)).clamp(min=0.5).view(-1, 1, 1)).float()

    def loss(self, faz, stripes):
        """faz, stripes: [n, side, side] in 0..1"""
        def grid(t, tokens):
            return F.avg_pool2d(t[:, None], t.shape[-1] // int(tokens ** 0.5)).flatten(1)
        total = 0
        for i, head in enumerate(self.stripes):
            x = self.seen[i]
            total = total + F.mse_loss(head(x)[..., 0], 5 * grid(stripes, x.shape[1]))
        for i, head in enumerate(self.faz, 1):
            x = self.seen[i]
            total = total + 0.5 * F.binary_cross_entropy_with_logits(head(x)[..., 0], grid(faz, x.shape[1]), pos_weight=torch.tensor(5.0))
        x = self.seen[self.last]
        total = total + 0.5 * F.binary_cross_entropy_with_logits(self.far(x), self.beyond(grid(faz, x.shape[1])), pos_weight=torch.tensor(3.0))
        n = faz.shape[-1]
        u = (torch.arange(n) + 0.5) / n - 0.5
        mass = faz.sum((1, 2))
        dx, dy = (faz.sum(1) * u).sum(1) / (mass + 1), (faz.sum(2) * u).sum(1) / (mass + 1)
        off = torch.where(mass > n * n / 1000, torch.maximum(dx.abs(), dy.abs()), torch.full_like(dx, 0.5))
        known = (faz.amax((1, 2)) > 0).float()
        guess = self.whole(self.seen['pooled'])
        return total + 0.5 * ((guess[:, 0] - 4 * off) ** 2 * known).mean() + 0.5 * F.mse_loss(guess[:, 1], 10 * stripes.mean((1, 2)))


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
    p.add_argument('--minutes', type=float, default=1e9, help='end by then even if there are steps left; the learning rate falls accordingly')
    p.add_argument('--batch', type=int, default=16)
    p.add_argument('--lr', type=float, default=1e-3)
    p.add_argument('--held', type=float, default=0.25)
    p.add_argument('--init')
    p.add_argument('--bias', choices=('all', 'last', 'keep'), default='all', help='with --init: which position biases start anew')
    p.add_argument('--rossa-masks', default='masks', help='folder of FAZ masks of ROSSA (a segmenter\'s will do), for the additional targets')
    p.add_argument('--phantoms', help='folder that `fovea phantom` made, to train on as well')
    p.add_argument('--pool', type=int, default=8000)
    p.add_argument('--decay', type=float, default=0.995)
    p.add_argument('--bfloat16', action='store_true', help='products in bfloat16, where the processor has it')
    p.add_argument('--save-every', type=float, default=4, help='minutes')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--threads', type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    train, held = bases(a.coips, a.rossa, a.held, rossa_masks=a.rossa_masks)
    by = {s: [b for b in train if b.source == s] for s in ('coips', 'rossa')}
    by['phantom'] = phantoms(a.phantoms) if a.phantoms else []
    test = []
    if held:
        r = np.random.default_rng(77)
        test = [draw(a.net, {s: [b for b in held if b.source == s] for s in ('coips', 'rossa')}, r) for _ in range(240)]
    net = network(a.net).to(memory_format=torch.channels_last)
    if a.init:
        net.load_state_dict(torch.load(a.init))
    if a.net == 'swin' and a.bias != 'keep':
        look(net, a.bias == 'all')
    mean = copy.deepcopy(net)
    named = list(net.named_parameters())
    table = [q for n, q in named if 'bias_table' in n]
    opt = torch.optim.AdamW([{'params': [q for n, q in named if q.dim() > 1 and 'bias_table' not in n], 'weight_decay': 0.05},
                             {'params': [q for n, q in named if q.dim() == 1], 'weight_decay': 0},
                             {'params': table, 'weight_decay': 0}], lr=a.lr)
    share = (1, 1, 10, 2)        # position biases must reach several units
    extra = Extra(net)
    opt.add_param_group({'params': extra.parameters(), 'weight_decay': 0})
    print(f'{sum(q.numel() for q in net.parameters())} parameters, {len(train)} bases to train on, {len(held)} held out', flush=True)
    pool, running, last, start, step = [], 0.0, time.time(), time.time(), -1
    done = 0.0
    while done < 1:
        step += 1
        done = max((step + 1) / a.steps, (time.time() - start) / (60 * a.minutes))
        warm = min(1.0, (step + 1) / 100)
        for g, k in zip(opt.param_groups, share):
            g['lr'] = k * a.lr * warm * (0.5 + 0.5 * np.cos(np.pi * min(1, done)))
        fresh = [draw(a.net, by, rng) for _ in range(a.batch if len(pool) < 4 * a.batch else a.batch // 4)]
        batch = fresh + [pool[i] for i in rng.integers(0, max(1, len(pool)), a.batch - len(fresh))]
        for f in fresh:
            if len(pool) < a.pool:
                pool.append(f)
            else:
                pool[rng.integers(a.pool)] = f
        planes = np.stack([im[:, :, ::-1] if rng.random() < 0.5 else im for im, _ in batch])
        y = torch.tensor([k for _, k in batch])
        net.train()
        with torch.autocast('cpu', torch.bfloat16, enabled=a.bfloat16):
            value = net(network_input(planes[:, 0], a.net).contiguous(memory_format=torch.channels_last))
        value = F.cross_entropy(value.float(), y, label_smoothing=0.03)
        running += (float(value.detach()) - running) / min(step + 1, 100)
        value = value + extra.loss(*(torch.from_numpy(planes[:, k].astype(np.float32) / 255) for k in (1, 2)))
        opt.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        opt.step()
        d = min(a.decay, (step + 1) / (step + 10))
        with torch.no_grad():
            for q, r in zip(mean.state_dict().values(), net.state_dict().values()):
                q.lerp_(r, 1 - d) if q.dtype.is_floating_point and q.dim() and (r > -50).all() else q.copy_(r)
        if time.time() - last > 60 * a.save_every or done >= 1:
            write(a.out, mean)
            line = ''
            if test:
                table, _ = confusion(mean, a.net, np.stack([t[0][0] for t in test]), [t[1] for t in test])
                line = f'balanced accuracy {balanced(table):.4f} {table.tolist()}'
            print(f'step {step} loss {running:.4f} {line} {time.process_time():.0f} s of CPU', flush=True)
            last = time.time()


if __name__ == '__main__':
    main()
