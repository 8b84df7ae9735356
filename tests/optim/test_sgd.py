"""SGD: the kernel equals its NumPy twin, and 50 steps of the optimizer follow torch."""

import numpy as np
import pytest

from minigrad import _kernels
from minigrad._kernels import reference, sgd

KERNELS = {"compiled": sgd.sgd_step, "reference": reference.sgd_step}
VARIANTS = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "maximize": {"weight_decay": 0.1, "maximize": True},
    "momentum": {"momentum": 0.9},
    "dampened": {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "all": {"momentum": 0.7, "nesterov": True, "weight_decay": 0.05, "maximize": True},
}
variants = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


def kernel_update(g, p, buf, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False,
                  maximize=False):  # fmt: skip
    buf = buf if momentum else None
    options = sgd.SGDOptions(
        lr=0.1, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov, maximize=maximize
    )
    return (g, p, buf, dampening, options)


@variants
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 3e-6), (np.float64, 1e-14)])
def test_kernel_equals_reference(options, dtype, rtol):
    rng = np.random.default_rng(3)
    results = []
    shapes = [(), (0,), (1,), (3, 5), (257,)]
    start = [[rng.standard_normal(shape).astype(dtype) for _ in range(3)] for shape in shapes]
    for kernel in KERNELS.values():
        arrays = [[np.array(array) for array in each] for each in start]
        kernel([kernel_update(*each, **options) for each in arrays])
        results.append(arrays)
    for one, other, before in zip(*results, start, strict=True):
        for k in range(3):
            assert one[k].dtype == dtype
            np.testing.assert_allclose(one[k], other[k], rtol=rtol, atol=rtol)
        np.testing.assert_array_equal(one[0], before[0])  # the gradient is only read


def test_one_call_takes_both_dtypes():
    p32, p64 = np.ones(3, np.float32), np.ones(3)
    pairs = (np.ones(3, np.float32), p32), (p64 * 2, p64)
    sgd.sgd_step([kernel_update(g, p, None) for g, p in pairs])
    np.testing.assert_array_equal(p32, np.float32(0.9))
    np.testing.assert_array_equal(p64, 0.8)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ((np.ones(2), np.ones(3), None), ValueError, "sgd_step: g has 2 elements, the parameter 3"),
        ((np.ones(3), np.ones(3), np.ones(4)), ValueError, "buf has 4 elements"),
        ((np.ones(3, np.float32), np.ones(3), None), TypeError, "g is float32, the parameter is"),
        ((np.ones(3, int), np.ones(3, int), None), TypeError, "p is int64, expected float32 or"),
        (([1.0], np.ones(1), None), TypeError, "g is list, expected an array"),
        ((np.ones(1), None, None), TypeError, "p is NoneType, expected an array"),
        ((np.ones(6)[::2], np.ones(3), None), ValueError, "g is not C-contiguous"),
        ((np.ones(3), np.ones(6)[::2], None), ValueError, "p is not C-contiguous"),
        ((np.ones(3), np.ones(3).astype(">f8"), None), (ValueError, TypeError), "sgd_step"),
        ((np.ones(3), np.broadcast_to(1.0, 3), None), ValueError, "p is "),
        ((np.ones(3), np.frombuffer(bytes(24)), None), ValueError, "p is read-only"),
    ],
)
def test_kernel_refuses_nonsense_before_it_writes(bad, error, message):
    good = np.ones(3)
    updates = [kernel_update(np.ones(3), good, None), kernel_update(*bad, momentum=0.5)]
    with pytest.raises(error, match=message):
        sgd.sgd_step(updates)
    np.testing.assert_array_equal(good, 1)


def test_kernel_refuses_a_wrong_number_of_arguments():
    arrays = np.ones(3), np.ones(3), None
    for updates in ([()], [(1,) * 10], [3], [(*arrays, 0.0, None)], [(*arrays, 0.0, 0.1)]):
        with pytest.raises((ValueError, TypeError)):
            sgd.sgd_step(updates)
    sgd.sgd_step([])


@variants
@pytest.mark.parametrize("name", KERNELS)
def test_fifty_steps_of_the_kernel_follow_torch(torch, name, options):
    rng = np.random.default_rng(5)
    p = rng.standard_normal((4, 3))
    target = rng.standard_normal((4, 3))
    theirs = torch.nn.Parameter(torch.tensor(p))
    optimizer = torch.optim.SGD([theirs], lr=0.1, **options)
    buf = np.zeros_like(p)
    for step in range(50):
        theirs.grad = torch.cos(theirs.detach()) * torch.tensor(target)
        optimizer.step()
        first = {"dampening": 0.0} if step == 0 else {}
        KERNELS[name]([kernel_update(np.cos(p) * target, p, buf, **{**options, **first})])
        np.testing.assert_allclose(p, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_the_active_kernel_is_the_compiled_one():
    assert _kernels.active.sgd_step is sgd.sgd_step
