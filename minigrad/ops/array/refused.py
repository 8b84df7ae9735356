"""Methods of torch's that are an error here, which says what to write instead."""

from typing import NoReturn

from ...tensor import Tensor, method


def cuda(self: Tensor, device: object = None) -> NoReturn:
    """A ValueError: minigrad computes on the CPU. torch.Tensor.cuda."""
    raise ValueError(
        "cuda: there is no GPU: leave it out, or write .to(device) with the device "
        "'cuda' if cuda.is_available() else 'cpu'"
    )


def squeeze_(self: Tensor, dim: object = None) -> NoReturn:
    """A TypeError: the shape of a tensor does not change. torch.Tensor.squeeze_."""
    raise TypeError("squeeze_: shapes do not change in place; write x = x.squeeze(…)")


def unsqueeze_(self: Tensor, dim: int) -> NoReturn:
    """A TypeError: the shape of a tensor does not change. torch.Tensor.unsqueeze_."""
    raise TypeError("unsqueeze_: shapes do not change in place; write x = x.unsqueeze(dim)")


def __round__(self: Tensor, ndigits: int | None = None) -> NoReturn:
    """A TypeError: round(x) is for Python's numbers. torch.Tensor has none either."""
    raise TypeError(
        f"round: the number of a tensor is .item(), as in round(x.item(), {ndigits or 0}), and "
        "numpy.round works on x.numpy()"
    )


for function in (cuda, squeeze_, unsqueeze_, __round__):
    method(function.__name__, function)
