"""Batch normalization, float32, training: kernels and autograd against torch, on five shapes.

    python benchmarks/batch_norm.py [--threads 1]

Kernel: forward with the running statistics, then backward. Autograd: both through the graph, with
a given cotangent. Before anything is timed, all results are compared with NumPy in double.
"""

from statistics import median

import harness

SHAPES = [(64, 128), (256, 128), (1024, 256), (8192, 512), (64, 32, 26 * 26)]
EPS, MOMENTUM = 1e-5, 0.1


def problem(rng, shape):
    """x, dy, gamma, beta in float32, and what y, dx, dgamma, dbeta must be."""
    import numpy as np

    C = shape[1]
    x, dy = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
    gamma, beta = (rng.standard_normal(C, dtype=np.float32) for _ in range(2))
    axes = (0, *range(2, len(shape)))
    column = (C, *[1] * (len(shape) - 2))
    wide = x.astype(float)
    inv_std = 1 / np.sqrt(wide.var(axes, keepdims=True) + EPS)
    x_hat = (wide - wide.mean(axes, keepdims=True)) * inv_std
    dbeta, dgamma = dy.sum(axes, dtype=float), (dy * x_hat).sum(axes)
    y = gamma.reshape(column) * x_hat + beta.reshape(column)
    slope, offset = ((d / (x.size / C)).reshape(column) for d in (dgamma, dbeta))
    dx = gamma.reshape(column) * inv_std * (dy - offset - x_hat * slope)
    return (x, dy, gamma, beta), (y, dx, dgamma, dbeta)


class Kernels:
    """minigrad's kernels, or their NumPy twins, on arrays that are there already."""

    def __init__(self, kernels, x, dy, gamma, beta):
        import numpy as np

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


def contestants(arrays):
    """Name -> an object with forward and backward, and name -> a function with both."""
    import minigrad
    import minigrad.nn
    from minigrad import _kernels

    parts = {
        "minigrad": Kernels(_kernels.active, *arrays),
        "NumPy (reference kernels)": Kernels(_kernels.reference, *arrays),
    }
    whole = {"minigrad": Autograd(minigrad, *arrays)}
    try:
        import torch
    except ImportError:
        return parts, whole
    parts["torch"] = TorchKernels(*arrays)
    whole["torch"] = Autograd(torch, *arrays)
    return parts, whole


def check(name, got, expected):
    """Each array within rounding of NumPy's in double; sums over many rows are larger."""
    import numpy as np

    for result, want in zip(got, expected, strict=True):
        tolerance = 1e-5 * max(1, np.abs(want).max())
        np.testing.assert_allclose(result, want, rtol=0, atol=tolerance, err_msg=name)


def main():
    args = harness.arguments(__doc__.splitlines()[0]).parse_args()
    harness.use_threads(args.threads)
    import numpy as np

    results = {}
    for shape in SHAPES:
        arrays, expected = problem(np.random.default_rng(0), shape)
        parts, whole = contestants(arrays)
        copy = np.empty_like(arrays[0])
        calls = {"copy": lambda x=arrays[0], copy=copy: np.copyto(copy, x)}
        for name, kernels in parts.items():
            check(name, (kernels.forward(), *kernels.backward()), expected)
            calls[f"{name}: forward"] = kernels.forward
            calls[f"{name}: backward"] = kernels.backward
        for name, run in whole.items():
            check(name, run(), expected)
            calls[f"{name}: autograd, both"] = run
        results[str(shape)] = harness.time_in_turns(calls, args.rounds)

    harness.print_machine(args.threads, "numpy", "torch")
    names = list(next(iter(results.values())))
    harness.print_table(
        "µs a call: median",
        list(results),
        {name: [f"{median(t[name]) * 1e6:.1f}" for t in results.values()] for name in names},
    )
    if "torch: forward" in names:
        rows = {
            part: [
                f"{harness.ratio(t, f'torch: {part}', f'minigrad: {part}'):.2f}"
                for t in results.values()
            ]
            for part in ("forward", "backward", "autograd, both")
        }
        harness.print_table("torch / minigrad", list(results), rows)
    if args.json:
        harness.write_json(args.json, results)


if __name__ == "__main__":
    main()
