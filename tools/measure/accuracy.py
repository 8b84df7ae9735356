"""How exact float32 results are, here and in PyTorch: a table.

    python tools/measure/accuracy.py

The largest error in units of the last place (0.5 is the best that rounding allows), over inputs
that are hard: every size a float32 can have, near 0, tiny differences, sure rows, many classes.
Results below 1.2e-38, which have fewer digits, are counted apart. And the largest error of batch
norm, of a batch with standard deviation 1, far from 0. What is exact is computed in long double.
PyTorch's columns are empty if it is not installed.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad
from minigrad.display.terminal import command_line

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from helpers.ulps import ulps  # noqa: E402

OFFSETS = [0, 1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7]


def every_size(rng, count=1 << 18):
    """Random bits: signs, exponents and digits of all finite float32 numbers."""
    x = rng.integers(0, 1 << 32, count, dtype=np.uint32).view(np.float32)
    usual = np.linspace(-20, 20, count // 4, dtype=np.float32)
    return np.concatenate([x[np.isfinite(x)], usual])


def rows(rng):
    """Logits: {what is hard about them: array (N, C)}."""
    def normal(*shape):
        return rng.standard_normal(shape)

    sure = normal(4000, 10)
    sure[:, 0] += np.linspace(5, 110, 4000)  # the loss of class 0 falls to 1e-45
    many = {
        "usual": normal(2000, 10), "wide": 30 * normal(2000, 10), "sure": sure,
        "two classes": normal(4000, 2) * np.logspace(-8, 2, 4000)[:, None],
        "tiny differences": 1e-6 * normal(2000, 10) + 1, "far": normal(2000, 10) + 1e4,
        "10,000 classes": 3 * normal(20, 10_000), "all equal": np.full((5, 1000), 7.0),
    }  # fmt: skip
    return {name: x.astype(np.float32) for name, x in many.items()}


def exact_log_softmax(x):
    """The largest logit apart, so that nothing cancels: log Σ = x_max + log1p(Σ of the others)."""
    x = x.astype(np.longdouble)
    i = x.argmax(1)[:, None]
    shifted = x - np.take_along_axis(x, i, 1)
    others = np.exp(shifted)
    np.put_along_axis(others, i, 0, 1)
    return shifted - np.log1p(others.sum(1, keepdims=True))


def minigrads(name, *arrays):
    """A call in this library, as an array."""
    function = getattr(minigrad, name, None) or getattr(minigrad.nn.functional, name)
    return function(*map(minigrad.tensor, arrays), **OPTIONS.get(name, {})).numpy()


def torchs(name, *arrays):
    import torch

    function = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    return function(*map(torch.tensor, arrays), **OPTIONS.get(name, {})).numpy()


OPTIONS = {
    "softmax": {"dim": 1}, "log_softmax": {"dim": 1}, "cross_entropy": {"reduction": "none"},
}  # fmt: skip


def worst(library):
    """{operation: largest errors in units of the last place, (usual, subnormal results)}."""
    rng = np.random.default_rng(0)
    found = {}

    def note(name, exact, *arrays):
        result, exact = library(name, *arrays), exact.astype(np.float64)
        usual = ~(np.abs(exact) < np.finfo(np.float32).smallest_normal)
        errors = ulps(result[usual], exact[usual]), ulps(result[~usual], exact[~usual])
        found[name] = np.maximum(found.get(name, 0), errors)

    x = every_size(rng)
    wide = x.astype(np.longdouble)
    with np.errstate(all="ignore"):
        e = np.exp(-np.abs(wide))
        note("sigmoid", np.where(x < 0, e, 1) / (1 + e), x)
        note("tanh", np.tanh(wide), x)
        for logits in rows(rng).values():
            exact = exact_log_softmax(logits)
            note("softmax", np.exp(exact), logits)
            note("log_softmax", exact, logits)
            for labels in (np.zeros(len(logits), np.int64), logits.argmax(1), logits.argmin(1)):
                note("cross_entropy", -exact[np.arange(len(logits)), labels], logits, labels)
    return found


def normalized(module, offset, shape):
    """(y, dx) of batch norm in training on one batch around `offset`, and its gradient dy."""
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(shape) + offset).astype(np.float32)
    dy = rng.standard_normal(shape).astype(np.float32)
    z = module.tensor(x, requires_grad=True)
    y = module.nn.functional.batch_norm(z, None, None, training=True)
    y.backward(module.tensor(dy))
    return x, dy, y.detach().numpy(), z.grad.numpy()


def batch_norm_errors(module, offset, shape=(512, 8)):
    """Largest absolute errors of (y, dx); both are of size 1."""
    x, dy, y, dx = normalized(module, offset, shape)
    x, dy = x.astype(np.longdouble), dy.astype(np.longdouble)
    axes = tuple(i for i in range(len(shape)) if i != 1)
    centered = x - x.mean(axes, keepdims=True)
    inv_std = 1 / np.sqrt((centered**2).mean(axes, keepdims=True) + np.longdouble(1e-5))
    x_hat = centered * inv_std
    slope = (dy * x_hat).mean(axes, keepdims=True)
    exact = inv_std * (dy - dy.mean(axes, keepdims=True) - x_hat * slope)
    return float(np.abs(y - x_hat).max()), float(np.abs(dx - exact).max())


def main():
    try:
        import torch
    except ImportError:
        torch = None
    ours, theirs = worst(minigrads), worst(torchs) if torch else {}
    print("largest error in units of the last place, float32 (subnormal results apart)")
    print(f"{'operation':16}{'minigrad':>10}{'torch':>12}{'minigrad':>14}{'torch':>12}")
    for name, errors in ours.items():
        others = [f"{each:.3g}" for each in theirs[name]] if torch else ["", ""]
        print(f"{name:16}{errors[0]:10.3f}{others[0]:>12}{errors[1]:14.3f}{others[1]:>12}")
    print("\nlargest error of batch norm (512, 8), standard deviation 1, float32")
    print(f"{'mean':>8}{'minigrad y':>12}{'torch y':>12}{'minigrad dx':>13}{'torch dx':>12}")
    for offset in OFFSETS:
        y, dx = batch_norm_errors(minigrad, offset)
        other_y, other_dx = batch_norm_errors(torch, offset) if torch else ("", "")
        shown = [f"{each:.1e}" if each != "" else "" for each in (y, other_y, dx, other_dx)]
        print(f"{offset:8.0e}{shown[0]:>12}{shown[1]:>12}{shown[2]:>13}{shown[3]:>12}")


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
