"""Compare backward with central differences: is a gradient right?

With a random cotangent dy, the gradient of Σ dy · y is one number for each entry of an input, and

    dx_i ≈ Σ dy · (y(x + h e_i) − y(x − h e_i)) / 2h

needs nothing but the forward pass. A cotangent of ones would not do: softmax and batch norm have
the gradient 0 for it, and any wrong rule that gives 0 would pass.
"""

import numpy as np

from .checks import function, number
from .engine import enable_grad, grad, is_grad_enabled, no_grad
from .errors import DTypeError
from .tensor import Tensor


class GradcheckError(RuntimeError):
    """Backward and central differences disagree; the message shows the worst entry."""


def gradcheck(func, inputs, *, eps=1e-5, atol=1e-8, rtol=1e-7, raise_exception=True):
    """True if backward through `func(*inputs)` agrees with central differences of step `eps`.

    inputs: a Tensor or a tuple; those that require a gradient are checked and must be float64.
    An entry passes if |backward − differences| ≤ atol + rtol · (the input's largest gradient).
    Otherwise GradcheckError, or False if not raise_exception. A probe that could not fail is a
    ValueError: no input requires a gradient, `func` is random, or an input does not matter to it.
    torch: autograd.gradcheck, whose defaults are 10,000 times looser (rtol=1e-3).
    """
    inputs = arguments("gradcheck", inputs)
    try:
        check("gradcheck", func, inputs, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func, inputs, grad_outputs=None, *, eps=1e-5, atol=1e-8, rtol=1e-7, raise_exception=True
):
    """True if the second derivatives of `func` agree with central differences of the first.

    What is checked is the gradient as a function of the inputs and of the cotangents
    (`grad_outputs`: a Tensor an output; by default random). torch: autograd.gradgradcheck.
    """
    inputs = arguments("gradgradcheck", inputs)
    outputs = floating_outputs("gradgradcheck", function("gradgradcheck", "func", func)(*inputs))
    if grad_outputs is None:
        rng = np.random.default_rng(1)
        grad_outputs = [like(y, random_cotangent(rng, y)) for y in outputs]
    cotangents = [dy.detach().clone().requires_grad_() for dy in arguments("", grad_outputs)]
    wanted = [i for i, x in enumerate(inputs) if requires_grad(x)]

    def gradient(*values):
        xs, dys = list(values[: len(inputs)]), values[len(inputs) :]
        recorded = is_grad_enabled()
        with enable_grad():
            for i in wanted:
                xs[i] = xs[i] if xs[i].requires_grad else xs[i].detach().requires_grad_()
            ys = floating_outputs("gradgradcheck", func(*xs))
            at = [xs[i] for i in wanted]
            dxs = grad(ys, at, dys, create_graph=recorded, allow_unused=True)
        return tuple(dx for dx in dxs if dx is not None)

    try:
        check("gradgradcheck", gradient, (*inputs, *cotangents), eps, atol, rtol, may_ignore=True)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def check(name, func, inputs, eps, atol, rtol, may_ignore=False):
    """Raise GradcheckError with a report if backward and differences disagree."""
    function(name, "func", func)
    eps = number(name, "eps", eps, above=0)
    atol, rtol = number(name, "atol", atol, at_least=0), number(name, "rtol", rtol, at_least=0)
    checked = [i for i, x in enumerate(inputs) if requires_grad(x)]
    if not checked:
        raise ValueError(f"{name}: no input requires a gradient, so there is nothing to check")
    for i in checked:
        if inputs[i].dtype.itemsize != 8:
            raise DTypeError(
                f"{name}: input {i} is {inputs[i].dtype}; differences need float64 (use .double())"
            )

    with enable_grad():
        outputs = floating_outputs(name, func(*inputs))
    rng = np.random.default_rng(0)
    cotangents = [random_cotangent(rng, y) for y in outputs]
    found = backward(outputs, cotangents, [inputs[i] for i in checked])

    for y, again in zip(outputs, values(name, func, inputs), strict=True):
        if not np.array_equal(values_of(y), again, equal_nan=True):
            raise ValueError(f"{name}: func gave two results for the same inputs; seed it anew")

    reports, blunt = [], True
    for i, dx in zip(checked, found, strict=True):
        expected = differences(name, func, inputs, i, cotangents, eps)
        zero = all(np.abs(each).max(initial=0.0) <= atol for each in (dx, expected))
        if zero and dx.size and not may_ignore:
            raise ValueError(
                f"{name}: the output does not depend on input {i}: its gradient is 0 everywhere, "
                "so a wrong rule would pass; choose another func or input, or requires_grad=False"
            )
        blunt &= zero
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        reports += report(i, dx, expected, atol + rtol * scale)
    if reports:
        raise GradcheckError(f"{name}: backward is not the gradient\n" + "\n".join(reports))
    if blunt and may_ignore:
        raise ValueError(f"{name}: every second derivative is 0, so a wrong rule would pass")


def backward(outputs, cotangents, inputs):
    """The gradients of the outputs as arrays; 0 where backward knows no road."""
    roots = [(y, like(y, dy)) for y, dy in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not roots:
        return [np.zeros(x.shape) for x in inputs]
    ys, dys = zip(*roots, strict=True)
    dxs = grad(ys, inputs, dys, allow_unused=True)
    return [
        np.zeros(x.shape) if dx is None else values_of(dx)
        for x, dx in zip(inputs, dxs, strict=True)
    ]


def differences(name, func, inputs, number, cotangents, eps):
    """d Σ dy · y / d inputs[number], entry by entry."""
    x = np.array(values_of(inputs[number]))
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        here = x[index]
        sides = []
        for step in (eps, -eps):
            x[index] = here + step
            at = [*inputs[:number], like(inputs[number], x), *inputs[number + 1 :]]
            sides.append((x[index], values(name, func, at)))
        x[index] = here
        (above, ys), (below, zs) = sides
        with np.errstate(all="ignore"):
            change = sum(((y - z) * dy).sum() for y, z, dy in zip(ys, zs, cotangents, strict=True))
            gradient[index] = change / (above - below)
    return gradient


def report(number, dx, expected, allowed):
    """A line on the worst entry, or nothing if all are within `allowed`."""
    if dx.shape != expected.shape:
        return [f"  input {number}: gradient of shape {dx.shape}, the input has {expected.shape}"]
    with np.errstate(all="ignore"):
        error = np.where(dx == expected, 0.0, np.abs(dx - expected))
    wrong = ~(error <= allowed)
    if not wrong.any():
        return []
    worst = np.unravel_index(np.nan_to_num(error, nan=np.inf).argmax(), error.shape)
    return [
        f"  input {number} of shape {dx.shape}: {wrong.sum()} of {dx.size} entries differ; "
        f"the worst, at {list(map(int, worst))}: backward {dx[worst]:.10g}, "
        f"differences {expected[worst]:.10g} (error {error[worst]:.2g}, allowed {allowed:.2g})"
    ]


def arguments(name, inputs):
    if isinstance(inputs, Tensor):
        return (inputs,)
    if not isinstance(inputs, (tuple, list)):
        raise TypeError(f"{name}: inputs must be a Tensor or a tuple, got {type(inputs).__name__}")
    return tuple(inputs)


def requires_grad(x):
    return isinstance(x, Tensor) and x.requires_grad


def floating_outputs(name, outputs):
    """The outputs that can have a gradient, as a list."""
    outputs = [outputs] if isinstance(outputs, Tensor) else outputs
    if not isinstance(outputs, (tuple, list)) or not all(isinstance(y, Tensor) for y in outputs):
        raise TypeError(f"{name}: func must return a Tensor or a tuple of them")
    outputs = [y for y in outputs if y.dtype.is_floating_point]
    for y in outputs:
        if y.dtype.itemsize != 8:
            raise DTypeError(f"{name}: func returns {y.dtype}; differences need float64")
    if not outputs:
        raise ValueError(f"{name}: func returns no float tensor, so there is nothing to check")
    return outputs


def values(name, func, inputs):
    """The outputs as arrays, nothing recorded."""
    with no_grad():
        return [np.array(values_of(y)) for y in floating_outputs(name, func(*inputs))]


def values_of(x):
    return x.detach().numpy()


def like(x, array):
    """`array` as a tensor of x's shape and dtype, without history."""
    return x.detach().clone().copy_(array)


def random_cotangent(rng, y):
    """Random signs and sizes, none near 0, so that each output counts."""
    return rng.choice([-1.0, 1.0], y.shape) * rng.uniform(0.5, 1.5, y.shape)
