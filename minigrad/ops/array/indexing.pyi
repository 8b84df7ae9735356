from typing import Any

from ...tensor import Tensor, _Operand

def pick(x: Tensor, key: Any, called: Any = None) -> Any:
    """x[key] for a NumPy key that `parse` made: a view if it is basic, else a copy."""

def scatter(x: Tensor, key: Any, shape: tuple[int, ...]) -> Tensor:
    """Zeros of `shape` with x added up at `key`: the transpose of `pick`."""

def scattered(x: Tensor, key: Any, shape: tuple[int, ...]) -> Any:
    """np.add.at(zeros, key, x), added up in double."""

def getitem(self: Tensor, key: Any) -> Tensor:
    """self[key] as in torch: a view for integers, slices, None and ...; else a copy.

    Errors: IndexError (out of range, too many, masks that do not fit), TypeError, ValueError.
    """

def setitem(self: Tensor, key: Any, value: _Operand) -> None:
    """self[key] = value as in torch: broadcast and cast to fit; both sides keep their gradients.

    Errors: those of self[key]; ShapeError, GraphError (a leaf that requires grad), ValueError.
    """
