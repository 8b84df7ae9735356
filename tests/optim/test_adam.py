"""Adam, AdamW, AMSGrad: the kernel equals its NumPy twin, and 50 steps follow torch."""

import numpy as np
import pytest

import minigrad
from minigrad import optim
from minigrad._kernels import adam, reference
from minigrad.nn import Parameter

KERNELS = {"compiled": adam.adam_step, "reference": reference.adam_step}
VARIANTS = {
    "plain": {},
    "betas": {"betas": (0.0, 0.5)},
    "eps": {"eps": 0.1},
    "decay": {"weight_decay": 0.1},
    "maximize": {"weight_decay": 0.1, "maximize": True},
    "amsgrad": {"amsgrad": True, "betas": (0.5, 0.7)},
    "all": {"amsgrad": True, "weight_decay": 0.05, "maximize": True, "eps": 1e-3},
}
variants = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
decoupling = pytest.mark.parametrize("decoupled", [False, True], ids=["Adam", "AdamW"])


def kernel_update(g, p, m, v, v_max, t, decoupled=False, betas=(0.9, 0.999), eps=1e-8,
                  weight_decay=0.0, amsgrad=False, maximize=False):  # fmt: skip
    v_max = v_max if amsgrad else None
    options = adam.AdamOptions(
        lr=0.1, beta1=betas[0], beta2=betas[1], eps=eps, weight_decay=weight_decay,
        decoupled=decoupled, maximize=maximize,
    )  # fmt: skip
    return (g, p, m, v, v_max, t, options)


@variants
@decoupling
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 3e-6), (np.float64, 1e-14)])
def test_kernel_equals_reference(options, decoupled, dtype, rtol):
    rng = np.random.default_rng(3)
    results = []
    shapes = [(), (0,), (1,), (3, 5), (257,)]
    start = [[rng.standard_normal(shape).astype(dtype) for _ in range(5)] for shape in shapes]
    for each in start:
        each[3:] = np.abs(each[3]), np.abs(each[4])
    for kernel in KERNELS.values():
        arrays = [[np.array(array) for array in each] for each in start]
        kernel([kernel_update(*each, 3, decoupled, **options) for each in arrays])
        results.append(arrays)
    for one, other, before in zip(*results, start, strict=True):
        for k in range(5):
            assert one[k].dtype == dtype
            np.testing.assert_allclose(one[k], other[k], rtol=rtol, atol=rtol)
        np.testing.assert_array_equal(one[0], before[0])  # the gradient is only read


@pytest.mark.parametrize(
    ("position", "bad", "error", "message"),
    [
        (0, np.ones(2), ValueError, "adam_step: g has 2 elements, the parameter 3"),
        (2, np.ones(4), ValueError, "m has 4 elements"),
        (3, np.ones(3, np.float32), TypeError, "v is float32, the parameter is float64"),
        (4, np.ones(6)[::2], ValueError, "v_max is not C-contiguous"),
        (2, None, TypeError, "m is NoneType, expected an array"),
        (1, np.frombuffer(bytes(24)), ValueError, "p is read-only"),
        (3, np.frombuffer(bytes(24)), ValueError, "v is read-only"),
        (5, 0, ValueError, "t is 0, expected 1 for the first step"),
        (5, None, TypeError, "integer"),
        (6, None, TypeError, "NoneType to .*AdamOptions"),
        (6, (0.1, 0.9, 0.999, 1e-8, 0.0, False, False), TypeError, "tuple to .*AdamOptions"),
    ],
)
def test_kernel_refuses_nonsense_before_it_writes(position, bad, error, message):
    good = [np.ones(3) for _ in range(5)]
    update = list(kernel_update(*[np.ones(3) for _ in range(5)], 1, amsgrad=True))
    update[position] = bad
    with pytest.raises(error, match=message):
        adam.adam_step([kernel_update(*good, 1, amsgrad=True), tuple(update)])
    for array in good:
        np.testing.assert_array_equal(array, 1)


def test_options_are_numbers_by_name():
    numbers = {"lr": 1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0}
    options = adam.AdamOptions(**numbers, decoupled=True, maximize=False)
    assert (options.lr, options.beta1, options.decoupled, options.maximize) == (1, 0.9, True, False)
    with pytest.raises(TypeError, match="must be real number"):
        adam.AdamOptions(**{**numbers, "lr": "0.1"}, decoupled=True, maximize=False)
    with pytest.raises(TypeError, match="maximize"):
        adam.AdamOptions(**numbers, decoupled=True)


def test_steps_count_exactly():
    # At t = 2**24 + 1 the corrections differ from those of 2**24, where a float32 counter stays.
    beta = 1 - 2**-24
    results = []
    for t in (2**24, 2**24 + 1):
        p, m, v = np.zeros(1), np.zeros(1), np.zeros(1)
        adam.adam_step([kernel_update(np.ones(1), p, m, v, None, t, betas=(beta, 0.5))])
        results.append(p[0])
        expected = -0.1 * m[0] / (1 - beta**t) / (np.sqrt(v[0]) + 1e-8)
        np.testing.assert_allclose(p[0], expected, rtol=1e-12)
    assert results[0] != results[1]


@variants
@decoupling
@pytest.mark.parametrize("name", KERNELS)
def test_fifty_steps_of_the_kernel_follow_torch(torch, name, decoupled, options):
    rng = np.random.default_rng(5)
    p = rng.standard_normal((4, 3))
    target = rng.standard_normal((4, 3))
    theirs = torch.nn.Parameter(torch.tensor(p))
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    optimizer = kind([theirs], lr=0.1, **{"weight_decay": 0.0, **options})
    state = [np.zeros_like(p) for _ in range(3)]
    for step in range(50):
        theirs.grad = torch.cos(theirs.detach()) * torch.tensor(target)
        optimizer.step()
        KERNELS[name](
            [kernel_update(np.cos(p) * target, p, *state, step + 1, decoupled, **options)]
        )
        np.testing.assert_allclose(p, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_amsgrad_cannot_begin_without_its_largest_squares():
    p = Parameter(minigrad.ones(3))
    adam = optim.Adam([p], lr=0.1)
    p.grad = minigrad.ones(3)
    adam.step()
    before = p.tolist()
    adam.param_groups[0]["amsgrad"] = True
    with pytest.raises(KeyError, match="max_exp_avg_sq"):  # as in torch
        adam.step()
    assert p.tolist() == before and adam.state[p]["step"] == 1
