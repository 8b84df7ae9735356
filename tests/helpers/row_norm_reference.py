"""What the tests of layer and group normalization share: exact values and all derivatives."""

import numpy as np
from helpers.batch_norm_reference import EPS
from helpers.layouts import normal

import minigrad
from minigrad._kernels import active


def exact(x, dy=None, gamma=1.0, eps=EPS):
    """x_hat, and with dy also dx, of the rows of a matrix in double; gamma broadcasts along dy."""
    x = np.asarray(x, np.float64)
    centered = x - x.mean(1, keepdims=True)
    inv_std = 1 / np.sqrt((centered**2).mean(1, keepdims=True) + eps)
    x_hat = centered * inv_std
    if dy is None:
        return x_hat
    h = gamma * np.asarray(dy, np.float64)
    along = (h * x_hat).mean(1, keepdims=True)
    return x_hat, inv_std * (h - h.mean(1, keepdims=True) - x_hat * along)


def derivatives(library, function, arrays, dy, orders=2):
    """y, its gradients for the cotangent dy, and the gradients of these for random cotangents.

    What does not depend on an input counts as zeros.
    """

    def tensor(array):
        if library is not minigrad:
            array = np.array(array)  # torch knows no negative strides
        return library.as_tensor(array)

    inputs = [tensor(array).requires_grad_() for array in arrays]
    dy = tensor(dy).requires_grad_()
    y = function(*inputs)
    found = [y]
    gradients = library.autograd.grad(y, inputs, dy, create_graph=orders == 2)
    found += gradients
    if orders == 2:
        rng = np.random.default_rng(0)
        cotangents = [tensor(rng.standard_normal(tuple(g.shape))) for g in gradients]
        wanted = [*inputs, dy]
        seconds = library.autograd.grad(gradients, wanted, cotangents, allow_unused=True)
        zeros = [library.zeros_like(each) for each in wanted]
        found += [z if s is None else s for s, z in zip(seconds, zeros, strict=True)]
    return [each.detach().numpy() for each in found]


def assert_agree(found, expected, tolerance=1e-10, message=""):
    assert len(found) == len(expected)
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.shape == b.shape
        scale = max(1, np.abs(b).max(initial=0))
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * scale, err_msg=f"{message}, number {i}"
        )


def assert_refuses_nonsense(call, arrays, numbers, optional=()):
    """The compiled loops read and write without looking: what does not fit must not reach them."""
    kernel = getattr(active, call)
    kernel(*[array.copy() for array in arrays.values()], *numbers)
    for name, good in arrays.items():
        wrong = [good[:-1], np.ones(()), good.astype(np.float32), good.astype(int), "x", None]
        wrong += [np.ones(good.shape[:-1] + (good.shape[-1] + 1,))]
        wrong += [good[::-1]] if good.ndim == 1 else [np.asfortranarray(good)]
        for value in wrong:
            if value is None and name in optional:
                continue
            given = {key: array.copy() for key, array in arrays.items()} | {name: value}
            try:
                kernel(*given.values(), *numbers)
            except (ValueError, TypeError, AttributeError):
                continue
            raise AssertionError(f"{call} takes {name} = {value!r}")


def all_derivatives(library, function, configuration):
    """`derivatives` of layer_norm or group_norm, whose weight and bias may be absent."""
    x, weight, bias, dy, parts, eps = configuration
    arrays = [each for each in (x, weight, bias) if each is not None]
    ones = None
    if library is not minigrad:  # torch 2.13 has no second derivative where there is no weight
        shape = x.shape[1] if isinstance(parts, int) else parts  # groups, or normalized_shape
        ones = library.ones(shape, dtype=library.float64)

    def call(x, *rest):
        rest = list(rest)
        w = ones if weight is None else rest.pop(0)
        b = None if bias is None else rest.pop(0)
        return function(x, parts, w, b, eps)

    return derivatives(library, call, arrays, dy)


def assert_only_wanted_gradients(function, arrays, dy, expected):
    """Each selection of the three inputs gets its gradients, and nothing else gets one."""
    for wanted in ([0], [1], [2], [0, 2], [1, 2], [0, 1]):
        tensors = [minigrad.tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
        function(*tensors).backward(minigrad.tensor(dy))
        for i, each in enumerate(tensors):
            assert (each.grad is None) == (i not in wanted)
            if i in wanted:
                np.testing.assert_allclose(each.grad.numpy(), expected[i], rtol=1e-9, atol=1e-12)


def assert_is_torchs(torch, ours, theirs, x, dy):
    """Both layers print, save, load and compute the same."""
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[key].numpy(), value.numpy())
        value.copy_(torch.as_tensor(normal(*value.shape, seed=5)))
    ours.load_state_dict({k: minigrad.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    back = {k: torch.as_tensor(np.array(v.numpy())) for k, v in ours.state_dict().items()}
    theirs.load_state_dict(back)
    for train in (True, False):
        found = derivatives(minigrad, ours.train(train), [x], dy, orders=1)
        assert_agree(found, derivatives(torch, theirs.train(train), [x], dy, orders=1))
    for layer, library in ((ours, minigrad), (theirs, torch)):
        layer(library.as_tensor(x).requires_grad_()).backward(library.as_tensor(dy))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_agree([a.grad.numpy()], [b.grad.numpy()])
