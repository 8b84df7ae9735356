"""A model that ends in log-softmax, with the loss for it; logged sums of numbers."""

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler

mg.manual_seed(0)
x = mg.randn(40, 4)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2), nn.LogSoftmax(dim=1))
optimizer = optim.Adam(model.parameters(), lr=1e-2)
schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
total, criterion = 0.0, nn.NLLLoss()
for _ in range(8):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    schedule.step()
    total += loss.item()
rates = optim.SGD(model.parameters(), lr=1.0)
shown = lr_scheduler.StepLR(rates, 2)
for _ in range(5):
    shown.step()
