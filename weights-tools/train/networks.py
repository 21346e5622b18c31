"""The three small networks in plain PyTorch, with the state_dict keys of the original libraries.

GenericUNet  nnU-Net v1's Generic_UNet, 2-D, uniform 3x3 kernels and 2x2 poolings
Swin         the Swin authors' naming, relative_position_index and attn_mask buffers included
SEResNeXt    timm's naming (conv1, bn1, layerL.b.*, fc), strides in conv2
"""
import torch
from torch import nn
from torch.nn import functional as F


# ---------------------------------------------------------------- nnU-Net's Generic_UNet

class ConvBlock(nn.Module):
    """conv 3x3 -> InstanceNorm -> LeakyReLU(0.01)"""

    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride, 1)
        self.instnorm = nn.InstanceNorm2d(cout, affine=True)
        self.lrelu = nn.LeakyReLU(0.01, inplace=True)

    def forward(self, x):
        return self.lrelu(self.instnorm(self.conv(x)))


class Stack(nn.Module):
    def __init__(self, *blocks):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


class GenericUNet(nn.Module):
    def __init__(self, base=12, pools=4, modalities=1, classes=2, cap=480):
        super().__init__()
        f = [min(base * 2 ** i, cap) for i in range(pools + 1)]
        down = range(pools)
        up = [pools - 1 - u for u in range(pools)]
        self.conv_blocks_localization = nn.ModuleList(
            nn.Sequential(Stack(ConvBlock(2 * f[d], f[d])), Stack(ConvBlock(f[d], f[d]))) for d in up)
        context = [Stack(ConvBlock(modalities if d == 0 else f[d - 1], f[d], 1 if d == 0 else 2),
                         ConvBlock(f[d], f[d])) for d in down]
        context.append(nn.Sequential(Stack(ConvBlock(f[pools - 1], f[pools], 2)),
                                     Stack(ConvBlock(f[pools], f[pools]))))
        self.conv_blocks_context = nn.ModuleList(context)
        self.tu = nn.ModuleList(nn.ConvTranspose2d(f[d + 1], f[d], 2, 2, bias=False) for d in up)
        self.seg_outputs = nn.ModuleList(nn.Conv2d(f[d], classes, 1, bias=False) for d in up)
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.kaiming_normal_(m.weight, a=0.01)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x, every_level=False):
        """Logits at full size; with every_level a list, finest first (deep supervision)."""
        skips = []
        for block in self.conv_blocks_context:
            x = block(x)
            skips.append(x)
        skips.pop()
        levels = []
        for u, tu in enumerate(self.tu):
            x = self.conv_blocks_localization[u](torch.cat((tu(x), skips.pop()), 1))
            if every_level:
                levels.append(self.seg_outputs[u](x))
        return levels[::-1] if every_level else self.seg_outputs[-1](x)


# ---------------------------------------------------------------- Swin

class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class WindowAttention(nn.Module):
    def __init__(self, dim, window, heads):
        super().__init__()
        self.window, self.heads = window, heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        yx = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing='ij')).flatten(1)
        diff = yx[:, :, None] - yx[:, None, :] + window - 1
        self.register_buffer('relative_position_index', diff[0] * (2 * window - 1) + diff[1])
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask):
        """x [windows, tokens, dim]; mask [windows of one image, tokens, tokens] or None"""
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = (q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]
        a = a + bias.view(n, n, self.heads).permute(2, 0, 1)
        if mask is not None:
            w = mask.shape[0]
            a = (a.view(b // w, w, self.heads, n, n) + mask[:, None]).view(b, self.heads, n, n)
        return self.proj((a.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))


class SwinBlock(nn.Module):
    def __init__(self, dim, side, heads, window, shifted):
        super().__init__()
        self.side = side
        self.window = min(window, side)
        self.shift = window // 2 if shifted and side > window else 0
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, self.window, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim)
        self.register_buffer('attn_mask', self.mask() if self.shift else None)

    def windows(self, x):
        b, h, w, c = x.shape
        m = self.window
        return x.view(b, h // m, m, w // m, m, c).transpose(2, 3).reshape(-1, m * m, c)

    def mask(self):
        region = torch.zeros(self.side)
        region[self.side - self.window:] = 1
        region[self.side - self.shift:] = 2
        r = self.windows((3 * region[:, None] + region[None])[None, :, :, None]).squeeze(-1)
        return (r[:, None] != r[:, :, None]).float() * -100.0

    def forward(self, x):
        b, l, c = x.shape
        s, m = self.side, self.window
        y = self.norm1(x).view(b, s, s, c)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = self.attn(self.windows(y), self.attn_mask)
        y = y.view(b, s // m, s // m, m, m, c).transpose(2, 3).reshape(b, s, s, c)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y.view(b, l, c)
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, dim, side):
        super().__init__()
        self.side = side
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)

    def forward(self, x):
        b, _, c = x.shape
        x = x.view(b, self.side, self.side, c)
        x = torch.cat((x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]), -1)
        return self.reduction(self.norm(x.flatten(1, 2)))


class SwinLayer(nn.Module):
    def __init__(self, dim, side, depth, heads, window, last):
        super().__init__()
        self.blocks = nn.ModuleList(SwinBlock(dim, side, heads, window, j % 2 == 1) for j in range(depth))
        self.downsample = None if last else PatchMerging(dim, side)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class PatchEmbed(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 4, 4)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return self.norm(self.proj(x).flatten(2).transpose(1, 2))


class Swin(nn.Module):
    """Head dimension 32 in every stage: embed must be 32 * heads of the first stage."""

    def __init__(self, size=224, embed=32, depths=(2, 2, 2), window=7, classes=3):
        super().__init__()
        last = len(depths) - 1
        self.patch_embed = PatchEmbed(embed)
        self.layers = nn.ModuleList(
            SwinLayer(embed << i, size // 4 >> i, d, (embed << i) // 32, window, i == last)
            for i, d in enumerate(depths))
        self.norm = nn.LayerNorm(embed << last)
        self.head = nn.Linear(embed << last, classes)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x).mean(1))


# ---------------------------------------------------------------- SE-ResNeXt

class SE(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return x * self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()


class Bottleneck(nn.Module):
    def __init__(self, cin, width, cout, groups, stride, project):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, cout, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(cout)
        self.se = SE(cout, max(8, cout // 16))
        self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)) if project else None

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.se(self.bn3(self.conv3(y)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class SEResNeXt(nn.Module):
    def __init__(self, depths=(1, 2, 2, 1), stem=16, width=32, groups=8, classes=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        cin = stem
        for i, depth in enumerate(depths):
            w, cout = width << i, 2 * width << i
            blocks = [Bottleneck(cin if b == 0 else cout, w, cout, groups, 2 if i and b == 0 else 1, b == 0)
                      for b in range(depth)]
            setattr(self, f'layer{i + 1}', nn.Sequential(*blocks))
            cin = cout
        self.fc = nn.Linear(cin, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode='fan_out')

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))
