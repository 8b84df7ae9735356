"""One layer, from zero, with Adam and with plain steps; and weights moved by hand."""

import minigrad as mg
from minigrad import nn, optim

mg.manual_seed(0)
x = mg.randn(100, 2)
y = x @ mg.tensor([[2.0], [-3.4]]) + 4.2 + 0.01 * mg.randn(100, 1)
for start in ("zero", "small"):
    model = nn.Sequential(nn.Linear(2, 1))
    if start == "zero":
        nn.init.zeros_(model[0].weight)
    else:
        nn.init.normal_(model[0].weight, 0, 0.01)
    nn.init.zeros_(model[0].bias)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(30):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
for _ in range(10):
    nn.functional.mse_loss(model(x), y).backward()
    with mg.no_grad():
        for p in model.parameters():
            p -= 0.05 * p.grad
            p.grad.zero_()
