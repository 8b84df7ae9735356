"""Learning-rate schedules, parameter groups, weight decay, gradient clipping."""
import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR

rng = np.random.default_rng(5)
layer = nn.Linear(5, 3)
with torch.no_grad():
    layer.weight.copy_(torch.from_numpy(rng.normal(size=(3, 5))))
    layer.bias.zero_()
groups = [{"params": [layer.weight], "weight_decay": 0.1}, {"params": [layer.bias], "lr": 0.5}]
optimizer = torch.optim.AdamW(groups, lr=0.01, weight_decay=0.0)
schedule = StepLR(optimizer, step_size=2, gamma=0.5)
x = torch.from_numpy(rng.normal(size=(8, 5))).float()
y = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
for epoch in range(6):
    loss = nn.functional.cross_entropy(layer(x) * 10, y)
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(layer.parameters(), max_norm=0.5)
    optimizer.step()
    schedule.step()
    rates = [group["lr"] for group in optimizer.param_groups]
    print(epoch, f"{loss.item():.5f} {norm.item():.5f}", schedule.get_last_lr(), rates)
print(layer.bias.detach().numpy().round(4))
sgd = torch.optim.SGD(layer.parameters(), lr=1.0)
cosine = CosineAnnealingLR(sgd, T_max=4)
seen = []
for _ in range(5):
    seen.append(round(cosine.get_last_lr()[0], 6))
    sgd.step()
    cosine.step()
print(seen)
