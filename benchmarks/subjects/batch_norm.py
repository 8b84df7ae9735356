"""Batch normalization in training: kernels and autograd on five shapes.

Kernel: forward with the running statistics, then backward. Autograd: both through the graph, with
a given cotangent. Before anything is timed, all results are compared with NumPy in double.
"""

import harness
import numpy as np

import minigrad
from minigrad import _kernels

TITLE = "batch normalization in training, float32"
SIZE = "shape"
PARTS = {"kernel, forward": "µs", "kernel, backward": "µs", "through autograd, both": "µs"}
EPS, MOMENTUM = 1e-5, 0.1


def sizes(part, quick):
    shapes = [(64, 128), (256, 128), (1024, 256), (8192, 512), (64, 32, 26 * 26)]
    labels = ["(64,128)", "(256,128)", "(1024,256)", "(8192,512)", "(64,32,26,26)"]
    return dict(list(zip(labels, shapes, strict=True))[: 2 if quick else None])


def contestants(part, size, everyone=True):
    """Those of one part, all results checked; `everyone`: with the slow ones."""
    arrays, expected = problem(np.random.default_rng(0), size)
    calls = {}
    if part == "through autograd, both":
        calls["minigrad"] = Autograd(minigrad, *arrays)
        if torch := harness.installed("torch"):
            calls["torch"] = Autograd(torch, *arrays)
        if everyone and harness.installed("jax"):
            calls["JAX, jitted"] = Jax(*arrays).both
        for name, call in calls.items():
            check(name, call(), expected)
    else:
        kernels = {"minigrad": Kernels(_kernels.active, *arrays)}
        if harness.installed("torch"):
            kernels["torch"] = TorchKernels(*arrays)
        if everyone:
            kernels["NumPy"] = Kernels(_kernels.reference, *arrays)
            if harness.installed("jax"):
                kernels["JAX, jitted"] = Jax(*arrays)
        for name, side in kernels.items():
            check(name, (side.forward(), *side.backward()), expected)
            calls[name] = side.forward if part == "kernel, forward" else side.backward
    x, copy = arrays[0], np.empty_like(arrays[0])
    calls["copy of x"] = lambda: np.copyto(copy, x)
    return calls


def problem(rng, shape):
    """x, dy, gamma, beta in float32, and what y, dx, dgamma, dbeta must be."""
    C = shape[1]
    x, dy = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
    gamma, beta = (rng.standard_normal(C, dtype=np.float32) for _ in range(2))
    axes = (0, *range(2, len(shape)))
    column = (C, *[1] * (len(shape) - 2))
    wide = x.astype(float)
    inv_std = 1 / np.sqrt(wide.var(axes, keepdims=True) + EPS)
    wide -= wide.mean(axes, keepdims=True)
    x_hat = np.multiply(wide, inv_std, out=wide)
    dbeta, dgamma = dy.sum(axes, dtype=float), (dy * x_hat).sum(axes)
    y = gamma.reshape(column) * x_hat + beta.reshape(column)
    slope, offset = ((d / (x.size / C)).reshape(column) for d in (dgamma, dbeta))
    dx = gamma.reshape(column) * inv_std * (dy - offset - x_hat * slope)
    return (x, dy, gamma, beta), (y, dx, dgamma, dbeta)


def check(name, got, expected):
    """Each array within rounding of NumPy's in double; torch and JAX sum up in float32."""
    rows = len(expected[0])
    slack = 1 if name in ("minigrad", "NumPy") else max(10, rows / 1000)
    for result, want in zip(got, expected, strict=True):
        tolerance = 1e-6 * slack * max(1, np.abs(want).max())
        np.testing.assert_allclose(result, want, rtol=0, atol=tolerance, err_msg=name)


class Kernels:
    """minigrad's kernels, or their NumPy twins, on arrays that are there already."""

    def __init__(self, kernels, x, dy, gamma, beta):
        C = len(gamma)
        self.kernels, self.x, self.dy, self.gamma, self.beta = kernels, x, dy, gamma, beta
        self.y, self.dx = np.empty_like(x), np.empty_like(x)
        self.dgamma, self.dbeta = np.empty_like(gamma), np.empty_like(beta)
        self.mean, self.var, self.inv_std = np.empty(C), np.empty(C), np.empty(C)
        self.running = np.zeros(C, np.float32), np.ones(C, np.float32)

    def forward(self):
        self.kernels.batch_norm_forward(
            self.x, self.gamma, self.beta, self.y, self.mean, self.var, self.inv_std, EPS, True
        )
        m = self.x.size // len(self.gamma)
        self.kernels.batch_norm_update(self.mean, self.var, *self.running, MOMENTUM, m, True)
        return self.y

    def backward(self):
        self.kernels.batch_norm_backward(
            self.dy, self.x, self.gamma, self.mean, self.inv_std,
            self.dx, self.dgamma, self.dbeta, True,
        )  # fmt: skip
        return self.dx, self.dgamma, self.dbeta


class TorchKernels:
    """The operators that torch's autograd calls."""

    def __init__(self, x, dy, gamma, beta):
        import torch

        self.ops = torch.ops.aten
        self.x, self.dy, self.gamma, self.beta = map(torch.from_numpy, (x, dy, gamma, beta))
        self.running = torch.zeros(len(gamma)), torch.ones(len(gamma))
        self.forward()

    def forward(self):
        y, *self.saved = self.ops.native_batch_norm(
            self.x, self.gamma, self.beta, *self.running, True, MOMENTUM, EPS
        )
        return y

    def backward(self):
        return self.ops.native_batch_norm_backward(
            self.dy, self.x, self.gamma, *self.running, *self.saved, True, EPS, [True] * 3
        )


class Jax:
    """The formulas, jitted: forward, backward from saved statistics, and both by jax.vjp."""

    def __init__(self, x, dy, gamma, beta):
        import jax
        import jax.numpy as jnp

        axes = (0, *range(2, x.ndim))
        column = (-1, *[1] * (x.ndim - 2))
        m = x.size // len(gamma)

        def forward(x, gamma, beta, running):
            mean, var = x.mean(axes), x.var(axes)
            r = jax.lax.rsqrt(var + EPS)
            y = (x - mean.reshape(column)) * (gamma * r).reshape(column) + beta.reshape(column)
            new = mean, var * (m / (m - 1))
            running = [u + MOMENTUM * (v - u) for u, v in zip(running, new, strict=True)]
            return y, (mean, r), running

        def backward(dy, x, gamma, mean, r):
            x_hat = (x - mean.reshape(column)) * r.reshape(column)
            dbeta, dgamma = dy.sum(axes), (dy * x_hat).sum(axes)
            dx = dy - (dbeta / m).reshape(column) - x_hat * (dgamma / m).reshape(column)
            return (gamma * r).reshape(column) * dx, dgamma, dbeta

        def both(x, gamma, beta, running, dy):
            def y_of(x, gamma, beta):
                y, _, new = forward(x, gamma, beta, running)
                return y, new

            y, pull_back, new = jax.vjp(y_of, x, gamma, beta, has_aux=True)
            return (y, *pull_back(dy)), new

        self.x, self.dy, self.gamma, self.beta = map(jnp.asarray, (x, dy, gamma, beta))
        self.running = [jnp.zeros_like(gamma), jnp.ones_like(gamma)]
        self.functions = jax.jit(forward), jax.jit(backward), jax.jit(both)
        self.wait = jax.block_until_ready

    def forward(self):
        run = self.functions[0](self.x, self.gamma, self.beta, self.running)
        y, self.saved, self.running = self.wait(run)
        return y

    def backward(self):
        return self.wait(self.functions[1](self.dy, self.x, self.gamma, *self.saved))

    def both(self):
        run = self.functions[2](self.x, self.gamma, self.beta, self.running, self.dy)
        results, self.running = self.wait(run)
        return results


class Autograd:
    """torch, or minigrad in its place: `functional.batch_norm` and the way back."""

    def __init__(self, torch, x, dy, gamma, beta):
        leaves = [torch.from_numpy(a).requires_grad_() for a in (x, gamma, beta)]
        self.x, self.gamma, self.beta = leaves
        self.dy = torch.from_numpy(dy)
        self.running = torch.zeros(len(gamma)), torch.ones(len(gamma))
        self.batch_norm = torch.nn.functional.batch_norm

    def __call__(self):
        self.x.grad = self.gamma.grad = self.beta.grad = None
        y = self.batch_norm(
            self.x, *self.running, self.gamma, self.beta,
            training=True, momentum=MOMENTUM, eps=EPS,
        )  # fmt: skip
        y.backward(self.dy)
        return y.detach(), self.x.grad, self.gamma.grad, self.beta.grad
