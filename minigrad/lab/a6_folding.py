"""In evaluation batch norm is a linear map, and folds into the layer before it.

Paper: Ioffe & Szegedy 2015, Algorithm 2, line 11: y = (γ r) x + (β − γ r μ) with fixed statistics.
Here: a convolution and a dense layer, each with batch norm, random γ, β and running statistics,
float32; `nn.utils.fold_batch_norm` against the network as it was, on 10,000 random images. Then:
max pooling may be exchanged with batch norm where γ > 0, for it keeps the order; not where γ < 0.
Must show: relative error below 1e-5; the same answer for all 10,000; γ < 0 does not commute (the
difference is above that same 1e-5), and γ > 0 does.
"""

import copy

import minigrad
from minigrad import nn

from .protocol import Run, claim

IMAGES = 10_000


@claim("A6", "In evaluation it folds into one linear map", "Ioffe & Szegedy 2015, Alg. 2", 0.2)
def folding(run: Run) -> None:
    convolution = nn.Sequential(
        nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(72, 10),
    )  # fmt: skip
    dense = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10)
    )
    x = minigrad.randn(IMAGES, 1, 8, 8)
    for name, model in (("convolution", convolution), ("dense", dense)):
        for layer in model:
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
                _settle(layer)
        with minigrad.no_grad():
            whole = model.eval()(x)
            folded = nn.utils.fold_batch_norm(copy.deepcopy(model))(x)
        same = (whole.argmax(1) == folded.argmax(1)).sum().item()
        error = _apart(folded, whole)
        run.must(f"{name}, relative error", error, at_most=1e-5, published="0, theory")
        run.must(f"{name}, same answers of {IMAGES}", same, at_least=IMAGES)
    norm, pool, apart = nn.BatchNorm2d(1).eval(), nn.MaxPool2d(2), {}
    _settle(norm)
    for gamma in (-2.0, -1.0, -0.5, -0.1, 0.1, 0.5, 1.0, 2.0):
        with minigrad.no_grad():
            norm.weight.fill_(gamma)
            apart[gamma] = _apart(pool(norm(x)), norm(pool(x)))
    run.must("γ > 0, pooling before and after", max(apart[g] for g in apart if g > 0), at_most=1e-5)
    run.must(
        "γ < 0, pooling before and after", min(apart[g] for g in apart if g < 0), at_least=1e-5
    )
    panel = run.panel("Pooling before and after batch norm", "γ", "largest difference, relative")
    panel.line("difference", apart, apart.values())


def _settle(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    with minigrad.no_grad():
        layer.weight.normal_()
        layer.bias.normal_()
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.2, 3)


def _apart(a: minigrad.Tensor, b: minigrad.Tensor) -> float:
    return ((a - b).abs().max() / b.abs().max()).item()
