"""detached_copy: a copy that may run and change, while the model stays."""

import numpy as np
from helpers.layouts import normal

from minigrad import nn, tensor
from minigrad.nn.utils.detached_copy import detached_copy


class Keeps(nn.Module):
    """Keeps its last output for a look, as teaching code does."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        self.last = self.norm(x)
        return self.last


def test_values_left_in_attributes():
    model = Keeps().double()
    kept = model(tensor(normal(5, 3, seed=0), requires_grad=True))
    other = detached_copy(model)
    assert other.last is not kept and other.last.grad_fn is None
    np.testing.assert_array_equal(other.last.numpy(), kept.detach().numpy())
    other.last.zero_()
    assert model.last is kept and np.abs(kept.detach().numpy()).min() > 0


def test_nothing_is_shared():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model(tensor(normal(5, 3, seed=0, dtype=np.float32))).sum().backward()
    other = detached_copy(model)
    assert all(parameter.grad is None for parameter in other.parameters())
    for ours, theirs in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert not np.shares_memory(ours.numpy(), theirs.numpy())


def test_a_shared_layer_is_shared_in_the_twin():
    norm = nn.BatchNorm1d(3)
    other = detached_copy(nn.Sequential(norm, nn.ReLU(), norm))
    assert other[0] is other[2] is not norm


def test_hooks_are_the_models_own():
    class Record:
        calls = 0

        def __call__(self, *arguments):
            self.calls += 1

    model, before, after = nn.BatchNorm1d(3).double(), Record(), Record()
    model.register_forward_pre_hook(before)
    handle = model.register_forward_hook(after)
    other = detached_copy(model)
    handle.remove()
    other(tensor(normal(5, 3, seed=0)))
    assert (before.calls, after.calls) == (1, 1)
    assert list(model._forward_hooks) == [] and model.num_batches_tracked.item() == 0
