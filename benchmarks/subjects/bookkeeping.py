"""What an operation costs beside its arithmetic: chains of 10,000 operations on tiny tensors."""

import harness
import numpy as np

import minigrad

TITLE = "bookkeeping: chains of 10,000 operations on tiny tensors, and back"
SIZE = "operation"
PARTS = {
    "recorded, and backward": "ns per operation",
    "recorded": "ns per operation",
    "not recorded": "ns per operation",
}
LENGTH = 10_000

# Name -> shape of x and of y, and y's next value. They neither grow nor vanish in 10,000 steps.
CHAINS = {
    "x + y, scalars": ((), (), lambda torch, y, x: y + x),
    "x · y": ((3,), (3,), lambda torch, y, x: y * x),
    "x @ y": ((2, 2), (2, 2), lambda torch, y, x: y @ x),
    "relu": ((), (3,), lambda torch, y, x: torch.relu(y)),
    "tanh": ((), (3,), lambda torch, y, x: torch.tanh(y)),
    "reshape": ((), (4,), lambda torch, y, x: y.reshape(2, 2) if y.ndim == 1 else y.reshape(4)),
}


def sizes(part, quick):
    names = list(CHAINS)[:2] if quick else CHAINS
    return {name: (name, LENGTH // 10 if quick else LENGTH) for name in names}


def contestants(part, size):
    name, length = size
    libraries = {"minigrad": minigrad}
    if torch := harness.installed("torch"):
        libraries["torch"] = torch
    calls = {key: chain(library, part, name, length) for key, library in libraries.items()}
    if part == "not recorded" and name != "relu":
        calls["NumPy"] = numpy_chain(name, length)
    first = np.asarray(calls["minigrad"]())
    for key, call in calls.items():
        np.testing.assert_allclose(np.asarray(call()), first, rtol=1e-3, err_msg=key)
    return calls


def count(size):
    return size[1]


def starts(name):
    """x and y, float32: their product, in any order, is a rotation or close to 1."""
    x_shape, y_shape, _ = CHAINS[name]
    if "@" in name:
        return np.float32([[0, 1], [-1, 0]]), np.float32([[0.5, 2], [3, -1]])
    x, y = np.full(x_shape, 1 + 1e-5, np.float32), np.full(y_shape, 0.7, np.float32)
    return x, y


def chain(torch, part, name, length):
    """Function that computes the chain; it returns a gradient, or the last value."""
    x, y = (torch.tensor(u) for u in starts(name))
    operation = CHAINS[name][2]
    leaves = [u.requires_grad_() for u in (x, y)]
    dy = torch.ones_like(y)

    def forward():
        z = y
        for _ in range(length):
            z = operation(torch, z, x)
        return z

    def backward():
        for leaf in leaves:
            leaf.grad = None
        forward().backward(dy)
        return y.grad

    def recorded():
        return forward().detach()

    def not_recorded():
        with torch.no_grad():
            return forward().detach()

    functions = {"recorded, and backward": backward, "recorded": recorded}
    return functions.get(part, not_recorded)


def numpy_chain(name, length):
    """The same in bare NumPy: most of what is left is its own dispatch."""
    x, y = starts(name)
    operation = CHAINS[name][2]

    def run():
        z = y
        for _ in range(length):
            z = operation(np, z, x)
        return z

    return run
