"""Variable, of scripts from before 2018, when tensors and variables became one."""

from .._checks import class_of, flag
from ..tensor import Tensor


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """A tensor with the memory of `data` and without its history: data.detach(), a leaf.

    Since 2018 every tensor is a variable, so leave it out. torch.autograd.Variable.
    """
    if not isinstance(data, Tensor):
        raise TypeError(f"Variable: data must be a Tensor, got {class_of(data)}")
    return data.detach().requires_grad_(flag("Variable", "requires_grad", requires_grad))
