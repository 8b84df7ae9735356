"""Points in the plane that a straight line cannot separate, drawn from a generator."""

from __future__ import annotations

import math

import numpy as np

from .._checks import integer, number
from ..ops.array.creation import from_numpy
from ..ops.array.sampling import rand, randn
from ..random import Generator
from ..utils.data import TensorDataset

MOST = 2**31  # points, or classes


@np.errstate(all="ignore")  # of noise that float32 does not have
def spirals(
    samples: int = 300, classes: int = 3, noise: float = 0.2, generator: Generator | None = None
) -> TensorDataset:
    """Arms that wind out from the origin: r = t, angle = 4·t + 2π·k/classes + noise·ε, 0 < t ≤ 1.

    Gives a TensorDataset of points (samples, 2) float32 and arms k (samples,) int64; sample i lies
    on arm i mod `classes`. ε is standard normal, from `generator`, else from the global one.
    """
    k, t = _classes_and_places("spirals", samples, classes, noise)
    angle = 4 * t + 2 * math.pi * k / classes + noise * _normal(generator, samples)
    return _dataset([t * np.sin(angle), t * np.cos(angle)], k)


@np.errstate(all="ignore")  # of noise that float32 does not have
def moons(
    samples: int = 200, noise: float = 0.1, generator: Generator | None = None
) -> TensorDataset:
    """Two half circles, linked: (cos a, sin a) and (1 − cos a, ½ − sin a), 0 < a ≤ π.

    Gives a TensorDataset of points (samples, 2) float32, with noise·ε added to each coordinate, and
    moons (samples,) int64, alternately 0 and 1. ε is standard normal, from `generator`, else from
    the global one.
    """
    k, t = _classes_and_places("moons", samples, 2, noise)
    x, y = np.cos(math.pi * t), np.sin(math.pi * t)
    points = np.where(k == 0, [x, y], [1 - x, 0.5 - y])
    return _dataset(points + noise * _normal(generator, 2, samples), k)


@np.errstate(all="ignore")  # of noise that float32 does not have
def blobs(
    samples: int = 300, classes: int = 3, noise: float = 1.0, generator: Generator | None = None
) -> TensorDataset:
    """`classes` round clouds: center + noise·ε, each center uniform in the square from −10 to 10.

    Gives a TensorDataset of points (samples, 2) float32 and clouds (samples,) int64; sample i
    belongs to cloud i mod `classes`. Centers and the standard normal ε come from `generator`, else
    from the global one.
    """
    k, _ = _classes_and_places("blobs", samples, classes, noise)
    centers = 20 * rand(2, classes, generator=generator).numpy() - 10
    return _dataset(centers[:, k] + noise * _normal(generator, 2, samples), k)


def _classes_and_places(name, samples, classes, noise):
    """The class of each sample, and its position on the curve of its class, from above 0 to 1."""
    samples = integer(name, "samples", samples, at_least=1)
    classes = integer(name, "classes", classes, at_least=1)
    if max(samples, classes) > MOST:
        raise ValueError(f"{name}: samples and classes must be <= {MOST}, got {samples}, {classes}")
    number(name, "noise", noise, at_least=0)
    i = np.arange(samples)
    return i % classes, (i // classes + 1) / math.ceil(samples / classes)


def _normal(generator, *shape):
    return randn(*shape, generator=generator).numpy()


def _dataset(points, k):
    points = np.ascontiguousarray(np.transpose(points), np.float32)
    return TensorDataset(from_numpy(points), from_numpy(k.astype(np.int64)))
