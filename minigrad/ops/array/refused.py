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


for function in (cuda, squeeze_, unsqueeze_):
    method(function.__name__, function)
