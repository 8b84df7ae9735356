"""Several small batches per step, and clipped gradients."""

import minigrad as mg
from minigrad import nn, optim

mg.manual_seed(0)
x = mg.randn(64, 6)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = optim.AdamW(model.parameters(), lr=1e-2)
optimizer.zero_grad()
for k in range(24):
    rows = slice(16 * (k % 4), 16 * (k % 4) + 16)
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows]) / 4
    loss.backward()
    if k % 4 == 3:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
