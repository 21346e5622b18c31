#!/usr/bin/env python3
"""Writes golden.h: steps of PyTorch's optimisers on a small weighted cross-entropy, in double.

make_golden.py > golden.h, with PyTorch; only needed to make the numbers again.
"""
import torch

CLASSES, FEATURES, SAMPLES, EPOCHS, RATE = 3, 5, 12, 13, 0.01


def numbers(name, tensor):
    print(f"static const double {name}[] = {{")
    for value in tensor.reshape(-1).tolist():
        print(f"    {value!r},")
    print("};")


def run(name, decay):
    # The formulas stand in linear_test.c, too.
    x = torch.tensor([[(s * 7 + f * 13) % 33 / 16 - 1 for f in range(FEATURES)] for s in range(SAMPLES)]).double()
    y = torch.tensor([s * s % CLASSES if s % 4 else 2 for s in range(SAMPLES)])
    layer = torch.nn.Linear(FEATURES, CLASSES).double()
    with torch.no_grad():
        for i in range(CLASSES * FEATURES):
            layer.weight.view(-1)[i] = (i * 5 % 17 - 8) / 32
        layer.bias.copy_(torch.tensor([0.125, -0.25, 0.0625]))
    counts = torch.bincount(y, minlength=CLASSES).double()
    weights = SAMPLES / (CLASSES * counts)
    loss = torch.nn.CrossEntropyLoss(weight=weights)
    kind = torch.optim.AdamW if decay > 0 else torch.optim.Adam
    groups = [{"params": [layer.weight], "weight_decay": decay}, {"params": [layer.bias], "weight_decay": 0.0}]
    optimiser = kind(groups, lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=5)
    losses, rates = [], []
    for epoch in range(EPOCHS):
        optimiser.zero_grad()
        value = loss(layer(x), y)
        value.backward()
        if epoch == 0 and name == "adamw":
            numbers("first_gradient", torch.cat([layer.weight.grad.reshape(-1), layer.bias.grad]))
        losses.append(value.item())
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    numbers(f"{name}_losses", torch.tensor(losses, dtype=torch.float64))
    numbers(f"{name}_values", torch.cat([layer.weight.detach().reshape(-1), layer.bias.detach()]))
    if name == "adamw":
        numbers("rates", torch.tensor(rates, dtype=torch.float64))


print("/* Made by make_golden.py with PyTorch. */")
run("adamw", 0.05)
run("adam", 0.0)
