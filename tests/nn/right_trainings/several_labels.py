"""Several labels per sample: a sigmoid inside the loss, and another outside to look at it."""

import minigrad as mg
from minigrad import nn, optim

mg.manual_seed(0)
x = mg.randn(64, 5)
y = (x[:, :3] > 0).float()
model = nn.Sequential(nn.Linear(5, 16), nn.GELU(), nn.Linear(16, 3))
criterion = nn.BCEWithLogitsLoss(pos_weight=mg.tensor([1.0, 2.0, 1.0]))
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for _ in range(10):
    logits = model(x)
    loss = criterion(logits, y)
    model.zero_grad()
    loss.backward()
    optimizer.step()
    with mg.no_grad():
        share = ((logits.sigmoid() > 0.5) == (y > 0.5)).float().mean()
