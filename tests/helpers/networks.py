"""Losses of small networks, each with its model, for pictures and walks."""

import minigrad as mg
from minigrad import datasets, nn
from minigrad.nn import functional as F


def fifteen_lines():
    points, arms = datasets.spirals(300).tensors
    model = nn.Sequential(
        nn.Linear(2, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)
    )
    return F.cross_entropy(model(points), arms), model


def cnn_step():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10),
    )  # fmt: skip
    return F.cross_entropy(model(mg.rand(2, 1, 12, 12)), mg.tensor([1, 2])), model


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return (self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + x).relu()


def residual_blocks():
    model = nn.Sequential(Residual(3), Residual(3))
    return model(mg.rand(2, 3, 5, 5, requires_grad=True)).sum(), model
