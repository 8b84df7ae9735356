"""Sample calls: what an operation is given, and what is known of its result."""

import types
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SHAPES = [(2, 3), (), (1, 3, 1), (0, 3)]
# Equal, one longer, sizes 1, 0-d, zero-size, both stretched.
BROADCASTS = [
    ((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((2, 3), ()), ((), (2, 3)),
    ((1,), (2, 3)), ((2, 3), (1,)), ((2, 1, 3), (4, 1)), ((0, 3), (3,)), ((0, 1), (1, 3)), ((), ()),
]  # fmt: skip


@dataclass(frozen=True)
class Input:
    """An array that is drawn anew for every use: a kind of values in a shape.

    normal · positive: 0.5 to 2 · unit: 0.1 to 0.9 · apart: no two, and none and 0, within 0.05, so
    that differences never step over a kink · ties: −1, 0 and 1 only, all kinks · tread: about 0.32,
    and between: away from its multiples · labels, mask.
    """

    shape: tuple
    kind: str = "normal"
    classes: int = 0

    def array(self, number=0, seed=0):
        key = zlib.crc32(repr((self.shape, self.kind, number, seed)).encode())
        rng, size = np.random.default_rng(key), int(np.prod(self.shape))
        if self.kind == "normal":
            flat = rng.standard_normal(size)
        elif self.kind == "positive":
            flat = rng.uniform(0.5, 2, size)
        elif self.kind == "unit":
            flat = rng.uniform(0.1, 0.9, size)
        elif self.kind == "middle":  # where 1/x and its derivatives are moderate
            flat = rng.uniform(0.3, 0.7, size)
        elif self.kind == "apart":
            steps = np.arange(size) - size // 2
            flat = rng.permutation(0.2 * steps + 0.05 + 0.06 * number) + rng.uniform(0, 0.005, size)
        elif self.kind == "tread":
            flat = rng.uniform(0.319, 0.321, size)
        elif self.kind == "between":
            flat = 0.32 * rng.integers(-2, 4, size) + rng.uniform(0.08, 0.24, size)
        elif self.kind == "ties":
            flat = rng.integers(-1, 2, size).astype(float)
        elif self.kind == "labels":
            flat = rng.integers(0, self.classes, size)
        else:
            flat = rng.random(size) < 0.5
        return flat.reshape(self.shape)


def gauss(*shape):
    return Input(shape)


def positive(*shape):
    return Input(shape, "positive")


def unit(*shape):
    return Input(shape, "unit")


def middle(*shape):
    return Input(shape, "middle")


def apart(*shape):
    return Input(shape, "apart")


def ties(*shape):
    return Input(shape, "ties")


def mask(*shape):
    return Input(shape, "mask")


def labels(classes, *shape):
    return Input(shape, "labels", classes)


@dataclass(frozen=True)
class Sample:
    """A call `call(m, *tensors)` with m = minigrad or torch, and what its tensors hold.

    torch: the same call there; None if it has none, or another call that computes the same.
    differences: False where the derivative is no limit of differences (a kink, a rounding, a
    constant by definition); then torch decides.
    """

    call: Callable
    inputs: tuple
    torch: Callable | None
    differences: bool = True


def sample(call, *inputs, torch=True, differences=True):
    if any(x.kind == "ties" for x in inputs):
        differences = False
    return Sample(call, inputs, call if torch is True else torch, differences)


def elementwise(call, kind="normal", **options):
    """A call of one tensor, in shapes of every sort; where there are kinks, also on them."""
    samples = [sample(call, Input(shape, kind), **options) for shape in SHAPES]
    on_kinks = kind == "apart" and options.get("torch", True) is not None
    return samples + [sample(call, ties(3, 4), **options)] * on_kinks


def binary(call, *kinds, **options):
    """A call of two tensors, for every way in which shapes broadcast."""
    kinds = kinds or ("normal", "normal")
    samples = [
        sample(call, *(Input(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)),
               **options)
        for shapes in BROADCASTS
    ]  # fmt: skip
    return samples + [sample(call, ties(3, 4), ties(4), **options)] * (kinds[0] == "apart")


def with_parameters(module, **values):
    """The layer with tensors in the place of its parameters, so that they can be inputs."""
    for name, value in values.items():
        delattr(module, name)
        setattr(module, name, value)
    return module


class Spy:
    """A module or class that notes in `seen` the path of everything that is taken from it."""

    def __init__(self, subject, seen, path=""):
        self.subject, self.seen, self.path = subject, seen, path

    def __getattr__(self, name):
        found, path = getattr(self.subject, name), f"{self.path}{name}"
        self.seen.add(path)
        if isinstance(found, types.ModuleType) or path == "Tensor":
            return Spy(found, self.seen, f"{path}.")
        return found
