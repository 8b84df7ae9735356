"""Small networks and trainings for the tests of nn.lint."""

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F


class Scores(nn.Module):
    """A model that ends in whatever `last` does to its scores."""

    def __init__(self, last, outputs=3):
        super().__init__()
        self.body, self.last = nn.Linear(8, outputs), last

    def forward(self, x):
        return self.last(self.body(x))


def network(norm=False, dropout=0.0):
    mg.manual_seed(0)
    layers = [nn.Linear(8, 16, bias=not norm)]
    layers += [nn.BatchNorm1d(16)] if norm else []
    layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.ReLU(), nn.Linear(16, 3))


def data(samples=32):
    generator = mg.Generator().manual_seed(1)
    x = mg.randn(samples, 8, generator=generator)
    return x, x[:, :3].argmax(1)


def sgd(model, lr=0.1):
    return optim.SGD(model.parameters(), lr=lr)


def train(model, optimizer, steps=2):
    x, y = data()
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def only(findings, code):
    assert findings.codes == (code,), str(findings)
    return findings[0]
