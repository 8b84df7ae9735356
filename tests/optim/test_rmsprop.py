"""RMSprop: the kernel equals its NumPy twin, and 50 steps of the optimizer follow torch."""

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad._kernels import reference, rmsprop

KERNELS = {"compiled": rmsprop.rmsprop_step, "reference": reference.rmsprop_step}
VARIANTS = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "maximize": {"weight_decay": 0.1, "maximize": True},
    "momentum": {"momentum": 0.9, "alpha": 0.5},
    "centered": {"centered": True, "eps": 1e-3},
    "all": {"momentum": 0.7, "centered": True, "weight_decay": 0.05, "eps": 1e-2},
}
variants = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


def kernel_update(g, p, v, m, buf, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0,
                  centered=False, maximize=False):  # fmt: skip
    options = rmsprop.RMSpropOptions(
        lr=0.1, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
        maximize=maximize,
    )  # fmt: skip
    return g, p, v, m if centered else None, buf if momentum else None, options


@variants
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_kernel_equals_reference(options, dtype, rtol):
    rng = np.random.default_rng(3)
    start = []
    for shape in [(), (0,), (1,), (3, 5), (257,)]:
        g, p, m, buf = (rng.standard_normal(shape).astype(dtype) for _ in range(4))
        start.append([g, p, np.asarray(m * m + 1, dtype), m, buf])
    results = []
    for kernel in KERNELS.values():
        arrays = [[np.array(array) for array in each] for each in start]
        kernel([kernel_update(*each, **options) for each in arrays])
        results.append(arrays)
    for one, other, before in zip(*results, start, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.dtype == dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
        np.testing.assert_array_equal(one[0], before[0])  # the gradient is only read


def test_a_variance_below_zero_counts_as_zero():
    """Of equal gradients, rounding can leave v − m² a little below 0: torch's root of it is NaN."""
    for kernel in KERNELS.values():
        p = np.ones(1)
        kernel([kernel_update(np.ones(1), p, np.ones(1), np.full(1, 1.1), None, centered=True,
                              eps=1.0)])  # fmt: skip
        np.testing.assert_allclose(p, 1 - 0.1)


@pytest.mark.parametrize(
    ("place", "bad", "error", "message"),
    [
        (0, np.ones(2), ValueError, "rmsprop_step: g has 2 elements, the parameter 3"),
        (1, [1.0], TypeError, "p is list, expected an array"),
        (2, np.ones(3, np.float32), TypeError, "v is float32, the parameter is float64"),
        (3, np.ones(6)[::2], ValueError, "m is not C-contiguous"),
        (4, np.frombuffer(bytes(24)), ValueError, "buf is read-only"),
    ],
)
def test_kernel_refuses_nonsense_before_it_writes(place, bad, error, message):
    good = np.ones(3)
    arrays = [np.ones(3) for _ in range(5)]
    arrays[place] = bad
    first = kernel_update(np.ones(3), good, np.ones(3), None, None)
    with pytest.raises(error, match=message):
        rmsprop.rmsprop_step([first, kernel_update(*arrays, momentum=0.5, centered=True)])
    np.testing.assert_array_equal(good, 1)


@variants
@pytest.mark.parametrize("name", KERNELS)
def test_fifty_steps_follow_torch(torch, name, options):
    rng = np.random.default_rng(5)
    start, target = rng.standard_normal((2, 4, 3))
    with minigrad.use_kernels(name):
        ours = nn.Parameter(minigrad.tensor(start))
        theirs = torch.nn.Parameter(torch.tensor(start))
        pair = optim.RMSprop([ours], **options), torch.optim.RMSprop([theirs], **options)
        for _ in range(50):
            for library, p, optimizer in zip((minigrad, torch), (ours, theirs), pair, strict=True):
                optimizer.zero_grad()
                (p.sin() * library.tensor(target)).sum().backward()
                optimizer.step()
            np.testing.assert_allclose(
                ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-11
            )
    state, wanted = (each.state_dict()["state"][0] for each in pair)
    assert set(state) == set(wanted)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"alpha": 1.5}, ValueError, "RMSprop: alpha must be finite and >= 0 and <= 1, got 1.5"),
        ({"momentum": -1}, ValueError, "RMSprop: momentum must be finite and >= 0"),
        ({"eps": None}, TypeError, "RMSprop: eps must be a number"),
        ({"centered": 1}, TypeError, "RMSprop: centered must be True or False"),
    ],
)
def test_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        optim.RMSprop([nn.Parameter(minigrad.ones(1))], **options)
