"""Five ways to remember a batch: PyTorch, a plain average, Keras, ONNX, Flax.

Papers: the documentation of PyTorch, Keras 3, ONNX (opset 15) and Flax; Algorithm 2 of Ioffe &
Szegedy 2015 averages over batches. They differ in which value the momentum weighs, in its default,
in ε, and in whether the variance is divided by m or by m − 1.
Here: 5 batches of 16 rows go through a layer of each kind; then NumPy computes the running
statistics, and the output in evaluation, from the words of the documentation.
Must show: all of them within 1e-6, relative to the largest value.
"""

import numpy as np

import minigrad
from minigrad import nn

from .protocol import Run, claim

# the layer; how much of the old value stays after batch t = 1, 2, …; m − 1 or m; ε
KINDS = {
    "PyTorch": (lambda: nn.BatchNorm1d(6), lambda t: 0.9, 1, 1e-5),
    "the plain average": (lambda: nn.BatchNorm1d(6, momentum=None), lambda t: (t - 1) / t, 1, 1e-5),
    "Keras": (lambda: nn.BatchNorm1d.from_keras(6), lambda t: 0.99, 0, 1e-3),
    "ONNX": (
        lambda: nn.BatchNorm1d(6, momentum=0.1, unbiased_running_var=False),
        lambda t: 0.9, 0, 1e-5,
    ),
    "Flax": (
        lambda: nn.BatchNorm1d(6, momentum=0.01, unbiased_running_var=False),
        lambda t: 0.99, 0, 1e-5,
    ),
}  # fmt: skip


@claim("A5", "Five conventions for the running statistics", "PyTorch, Keras, ONNX, Flax", 0.1)
def conventions(run: Run) -> None:
    rng = np.random.default_rng(run.seed)
    batches = [rng.normal(3, 2, (16, 6)).astype(np.float32) for _ in range(5)]
    panel = run.panel("Batches of variance 4", "batches", "mean running variance")
    final = {}
    for kind, (make, stays, less, eps) in KINDS.items():
        layer, mean, var = make(), np.zeros(6), np.ones(6)
        remembered = [var.mean()]
        for t, batch in enumerate(batches, 1):
            layer(minigrad.tensor(batch))
            mean = stays(t) * mean + (1 - stays(t)) * batch.mean(0, dtype=np.float64)
            var = stays(t) * var + (1 - stays(t)) * batch.var(0, dtype=np.float64, ddof=less)
            remembered.append(var.mean())
        y = layer.eval()(minigrad.tensor(batches[0])).detach().numpy()
        found = [layer.running_mean.numpy(), layer.running_var.numpy(), y]
        expected = [mean, var, (batches[0] - mean) / np.sqrt(var + eps)]
        worst = max(abs(a - b).max() / abs(b).max() for a, b in zip(found, expected, strict=True))
        run.must(f"{kind}, from its documentation", worst, at_most=1e-6, published="0")
        final[kind] = var.mean()
        panel.line(kind, range(6), remembered)
    for kind, var in final.items():
        run.also(f"{kind}, mean running variance after 5 batches of variance 4", var)
