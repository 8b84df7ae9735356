"""Softmax in the middle, masks with −∞, and cross-entropy of (N, C, L)."""

import math

import minigrad as mg
from minigrad import nn, optim


class Attention(nn.Module):
    def __init__(self, size, classes):
        super().__init__()
        self.query, self.key, self.value = [nn.Linear(size, size, bias=False) for _ in range(3)]
        self.last = nn.Linear(size, classes)

    def forward(self, x):
        length = x.shape[1]
        scores = self.query(x) @ self.key(x).transpose(1, 2) / math.sqrt(x.shape[2])
        later = mg.tensor([[j > i for j in range(length)] for i in range(length)])
        weights = scores.masked_fill(later, -math.inf).softmax(dim=-1)
        return self.last(weights @ self.value(x)).transpose(1, 2)


mg.manual_seed(0)
x = mg.randn(16, 5, 8)
y = x[:, :, :3].argmax(2)
model = Attention(8, 3)
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for _ in range(8):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
