"""Values to start from. Every function fills a tensor in place, unrecorded, and returns it.

fan_in is the number of inputs that one output sums over, fan_out the other way round; a weight has
shape (out, in, …). Signals of unit variance neither vanish nor explode from layer to layer.
"""

from __future__ import annotations

import math

from .._checks import choice, class_of, number
from ..autograd import no_grad
from ..errors import DTypeError, ShapeError
from ..random import Generator
from ..tensor import Tensor

CONVOLUTIONS = [f"conv{kind}{d}d" for kind in ("", "_transpose") for d in (1, 2, 3)]
GAINS: dict[str, float] = {
    **dict.fromkeys(["linear", *CONVOLUTIONS, "sigmoid"], 1),
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,  # found by experiment, in torch's pull request 50664
}


def _checked(function, tensor):
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{function}: tensor must be a Tensor, got {class_of(tensor)}")
    if not tensor.dtype.is_floating_point:
        raise DTypeError(f"{function}: tensor must be float32 or float64, got {tensor.dtype}")
    return tensor


@no_grad()
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw evenly from [a, b). torch.nn.init.uniform_."""
    a, b = number("uniform_", "a", a), number("uniform_", "b", b)
    return _checked("uniform_", tensor).uniform_(a, b, generator=generator)


@no_grad()
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw from the normal distribution. torch.nn.init.normal_."""
    mean, std = number("normal_", "mean", mean), number("normal_", "std", std, at_least=0)
    return _checked("normal_", tensor).normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value. torch.nn.init.constant_."""
    return _checked("constant_", tensor).fill_(number("constant_", "val", val))


@no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1. torch.nn.init.ones_."""
    return _checked("ones_", tensor).fill_(1.0)


@no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0. torch.nn.init.zeros_."""
    return _checked("zeros_", tensor).fill_(0.0)


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """U(−a, a), a = gain · √(6 / (fan_in + fan_out)). torch.nn.init.xavier_uniform_."""
    gain = number("xavier_uniform_", "gain", gain)
    bound = abs(gain) * math.sqrt(6 / max(sum(_fans("xavier_uniform_", tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, std²), std = gain · √(2 / (fan_in + fan_out)). torch.nn.init.xavier_normal_."""
    gain = number("xavier_normal_", "gain", gain)
    std = abs(gain) * math.sqrt(2 / max(sum(_fans("xavier_normal_", tensor)), 1))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """U(−b, b), b = gain · √(3 / fan); a is leaky_relu's slope. torch.nn.init.kaiming_uniform_."""
    a, fan = number("kaiming_uniform_", "a", a), _fan("kaiming_uniform_", tensor, mode)
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / max(fan, 1))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """N(0, std²), std = gain / √fan; a is leaky_relu's slope. torch.nn.init.kaiming_normal_."""
    a, fan = number("kaiming_normal_", "a", a), _fan("kaiming_normal_", tensor, mode)
    std = calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))
    return normal_(tensor, 0.0, std, generator)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What a weight's deviation is multiplied by to make up for the activation that follows.

    `param` is the negative slope of "leaky_relu" (0.01); it has no meaning for the others. Networks
    that normalize themselves with SELU take "linear". torch.nn.init.calculate_gain.
    """
    if isinstance(nonlinearity, str) and nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else number("calculate_gain", "param", param)
        return math.sqrt(2 / (1 + slope * slope))
    if not isinstance(nonlinearity, str) or nonlinearity not in GAINS:
        raise ValueError(
            f"calculate_gain: nonlinearity must be {', '.join(GAINS)} or leaky_relu, got "
            f"{nonlinearity!r}"
        )
    return GAINS[nonlinearity]


def _fans(function, tensor):
    if _checked(function, tensor).ndim < 2:
        raise ShapeError(
            f"{function}: fans need at least 2 dimensions, got shape {tuple(tensor.shape)}"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _fan(function, tensor, mode):
    choice(function, "mode", mode, ("fan_in", "fan_out"))
    return _fans(function, tensor)[mode == "fan_out"]
