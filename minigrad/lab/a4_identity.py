"""γ and β can undo the normalization: the layer can be the identity.

Paper: Ioffe & Szegedy 2015, section 3: with γ = √(σ² + ε) and β = μ the output is the input, so
normalizing takes nothing away that the network could not restore.
Here: float64, 64 rows of 8 channels. Once with the statistics of the same batch, in training; once
in evaluation, with the running statistics set to μ and σ². Then γ and β of the *population*, in
training, on batches of 8 to 512: each has its own μ and σ, so the identity is only approximate.
Must show: below 1e-12 in both modes; an error that falls with every larger batch.
"""

import numpy as np

import minigrad
from minigrad import nn

from .protocol import Run, claim

SIZES = (8, 32, 128, 512)


@claim("A4", "γ and β can make the layer the identity", "Ioffe & Szegedy 2015, section 3", 0.1)
def identity_restored(run: Run) -> None:
    rng = np.random.default_rng(run.seed)
    mean, std = rng.normal(size=8), rng.uniform(0.5, 3, 8)
    x = rng.normal(mean, std, (64, 8))
    layer = _layer(x.mean(0), x.var(0))
    run.must("training, same batch", _error(layer, x), at_most=1e-12, published="0, theory")
    layer = _layer(x.mean(0), x.var(0)).eval()
    run.must("evaluation, same statistics", _error(layer, x), at_most=1e-12)
    errors = []
    for size in SIZES:
        batches = [rng.normal(mean, std, (size, 8)) for _ in range(20)]
        errors.append(float(np.mean([_error(_layer(mean, std**2), each) for each in batches])))
        run.also(f"training, γ and β of the population, batches of {size}", errors[-1])
    run.must_be_so("the error falls with every larger batch", bool((np.diff(errors) < 0).all()))
    panel = run.panel("γ and β of the population", "batch size", "largest |y − x| / |x|", "xy")
    panel.line("mean of 20 batches", SIZES, errors)


def _layer(mean, var) -> nn.BatchNorm1d:
    """With γ = √(var + ε) and β = mean, and these as its running statistics."""
    layer = nn.BatchNorm1d(8).double()
    with minigrad.no_grad():
        layer.weight.copy_(minigrad.tensor(np.sqrt(var + layer.eps)))
        layer.bias.copy_(minigrad.tensor(mean))
        layer.running_mean.copy_(minigrad.tensor(mean))
        layer.running_var.copy_(minigrad.tensor(var))
    return layer


def _error(layer: nn.BatchNorm1d, x) -> float:
    return abs(layer(minigrad.tensor(x)).detach().numpy() - x).max() / abs(x).max()
