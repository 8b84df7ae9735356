"""A penalty on the weights and one on the gradient of the inputs (create_graph)."""

import minigrad as mg
from minigrad import autograd, nn, optim

mg.manual_seed(0)
x = mg.randn(32, 4)
y = x[:, :1] * x[:, 1:2]
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for _ in range(6):
    inputs = x.clone().requires_grad_()
    output = model(inputs)
    (slope,) = autograd.grad(output.sum(), [inputs], create_graph=True)
    loss = nn.functional.mse_loss(output, y) + 1e-2 * (slope**2).mean()
    loss = loss + 1e-4 * sum((p * p).sum() for p in model.parameters())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
