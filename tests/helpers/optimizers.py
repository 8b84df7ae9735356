"""What the tests of optimizers share: settings of each kind, parameters, gradients, steps."""

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim

SGD, Adam, AdamW, RMSprop = optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop
ALL = [
    (SGD, {}),
    (SGD, {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    (SGD, {"momentum": 0.9, "nesterov": True, "maximize": True}),
    (Adam, {}),
    (Adam, {"amsgrad": True, "weight_decay": 0.1, "betas": (0.5, 0.6)}),
    (AdamW, {"weight_decay": 0.1, "maximize": True}),
    (RMSprop, {}),
    (RMSprop, {"momentum": 0.9, "centered": True, "weight_decay": 0.1}),
]
every = pytest.mark.parametrize(("kind", "options"), ALL)
SHAPES = [(3, 4), (4,), (), (2, 1, 2), (0, 3)]


def parameters(dtype=minigrad.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [nn.Parameter(minigrad.tensor(rng.standard_normal(s), dtype=dtype)) for s in SHAPES]


def give_gradients(params, seed=1):
    rng = np.random.default_rng(seed)
    for p in params:
        p.grad = minigrad.tensor(rng.standard_normal(tuple(p.shape)), dtype=p.dtype)


def train(optimizer, params, steps, first=0):
    for step in range(first, first + steps):
        give_gradients(params, step)
        optimizer.step()


def values(params):
    return [np.array(p.detach().numpy()) for p in params]


def frozen(optimizer):
    """Everything an optimizer could change, to compare before and after a refused call."""
    params = [p for group in optimizer.param_groups for p in group["params"]]
    state = {
        k: {name: v.tolist() if isinstance(v, minigrad.Tensor) else v for name, v in entry.items()}
        for k, entry in optimizer.state_dict()["state"].items()
    }
    versions = [p._version for p in params]
    return repr((values(params), state, optimizer.state_dict()["param_groups"], versions))
