"""Residual blocks, the last layer of each branch at zero, and LayerNorm."""

import minigrad as mg
from minigrad import nn, optim


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.first, self.second = nn.Linear(size, 2 * size), nn.Linear(2 * size, size)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(self.first(self.norm(x)).relu())


mg.manual_seed(0)
x = mg.randn(64, 8)
y = x[:, :4].argmax(1)
blocks = nn.ModuleList([Block(8) for _ in range(3)])
model = nn.Sequential(*blocks, nn.LayerNorm(8), nn.Linear(8, 4))
optimizer = optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(10):
    loss = nn.functional.cross_entropy(model(x), y, label_smoothing=0.1)
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
