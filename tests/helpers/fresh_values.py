"""What the names in a valid call stand for, made anew for every call."""

import atexit
import functools
import os
import shutil
import tempfile

import numpy as np

import minigrad as m
from minigrad import nn, optim
from minigrad.optim import lr_scheduler as schedule
from minigrad.utils import data

FOLDER = tempfile.mkdtemp()  # what calls may write to
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

float64 = functools.partial(m.tensor, dtype=m.float64)


class Double(m.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, dy):
        return dy * 2


def with_gradient(tensor, value=0.5):
    tensor.grad = m.full_like(tensor, value)
    return tensor


def trained_adam():
    parameter = with_gradient(nn.Parameter(float64([[1.0, 2.0, 3.0]])))
    adam = optim.Adam([parameter])
    adam.step()
    return adam


def norm_model():
    return nn.Sequential(nn.Linear(3, 2, dtype=m.float64), nn.BatchNorm1d(2, dtype=m.float64))


FRESH = {
    "x": lambda: float64([[1.0, 2.0, 0.5], [0.1, 0.2, 0.3]], requires_grad=True),
    "y": lambda: float64([[3.0, 1.0, 4.0], [1.5, 9.0, 2.0]]),
    "z": lambda: float64([[1.0, 2.0, 0.5], [0.1, 0.2, 0.3]]),
    "d": lambda: float64([1.0, 2.0], requires_grad=True),
    "w": lambda: float64([[1.0], [2.0], [3.0]]),
    "v": lambda: float64([[1.0, 2.0, 3.0]] * 4),
    "c": lambda: float64([1.0, 2.0, 3.0, 4.0]),
    "b": lambda: m.tensor([[True, False, True], [False, False, True]]),
    "i": lambda: m.tensor([[0, 1, 1], [1, 0, 0]]),
    "k": lambda: m.tensor([0, 1]),
    "p": lambda: m.tensor([0.5, 0.5, 1.0]),
    "a": lambda: np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    "labels": lambda: m.tensor([0, 2]),
    "image": lambda: m.arange(64, dtype=m.float64).reshape(2, 2, 4, 4).requires_grad_(),
    "filters": lambda: m.ones(4, 2, 3, 3, dtype=m.float64),
    "rm": lambda: float64([0.0, 0.1, 0.2]),
    "rv": lambda: float64([1.0, 1.1, 1.2]),
    "gamma": lambda: float64([1.0, 2.0, 3.0]),
    "beta": lambda: float64([0.0, 1.0, 2.0]),
    "vector": lambda: float64([5.0, 6.0, 7.0]),
    "parameter": lambda: nn.Parameter(float64([[1.0, 2.0, 3.0]])),
    "graded": lambda: with_gradient(nn.Parameter(float64([[1.0, 2.0, 3.0]]))),
    "g": lambda: m.Generator().manual_seed(5),
    "state": lambda: m.Generator().manual_seed(6).get_state(),
    "f": lambda: lambda *_: None,
    "rate": lambda: lambda epoch: 0.5,
    "square": lambda: lambda x: x * x,
    "linear": lambda: nn.Linear(3, 2, dtype=m.float64),
    "relu": lambda: nn.ReLU(),
    "sequence": lambda: nn.Sequential(nn.Linear(3, 2, dtype=m.float64), nn.ReLU()),
    "norms": norm_model,
    "weights": lambda: norm_model().state_dict(),
    "bn": lambda: nn.BatchNorm1d(3, dtype=m.float64),
    "bn2": lambda: nn.BatchNorm2d(2, dtype=m.float64),
    "renorm": lambda: nn.BatchRenorm1d(3, dtype=m.float64),
    "sgd": lambda: optim.SGD([with_gradient(nn.Parameter(float64([1.0, 2.0])))], 0.1, 0.9),
    "adam": trained_adam,
    "adam_state": lambda: trained_adam().state_dict(),
    "steps": lambda: schedule.StepLR(optim.SGD([nn.Parameter(float64([1.0]))]), 2),
    "dataset": lambda: data.TensorDataset(m.zeros(2, 3), m.tensor([0, 1])),
    "loader": lambda: data.DataLoader(data.TensorDataset(m.zeros(2, 3)), shuffle=True),
    "path": lambda: saved(os.path.join(FOLDER, "file.svg")),
    "folder": lambda: os.path.join(FOLDER, "folder"),
}


def saved(path):
    if not os.path.exists(path):
        m.save({"a": m.zeros(2)}, path)
    return path
