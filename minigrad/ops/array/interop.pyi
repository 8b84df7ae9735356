from typing import Any

import numpy as np

from ...dtypes import DTypeLike
from ...tensor import Tensor

def numpy(self: Tensor, *, force: bool = False) -> np.ndarray[Any, Any]:
    """The values as a read-only NumPy array on the same memory; `.copy()` it to write.

    force: as .detach().numpy(). Errors: GraphError if it requires grad. torch.Tensor.numpy.
    """

def array(
    self: Tensor, dtype: DTypeLike | None = None, copy: bool | None = None
) -> np.ndarray[Any, Any]:
    """What np.asarray(tensor) and np.array(tensor) call: `numpy()`, or a copy if one is needed."""

def array_ufunc(ufunc: Any, how: Any, inputs: Any, options: Any) -> Any:
    """NumPy's functions on tensors: np.exp(tensor) is exp, np.multiply(array, tensor) is mul.

    A function without counterpart computes on the values and gives a Tensor without history; on a
    tensor that requires grad it is a GraphError.
    """

def tolist(self: Tensor) -> Any:
    """The values as nested Python lists; a 0-d tensor gives a number. torch.Tensor.tolist."""

def dlpack(self: Tensor, **options: Any) -> Any:
    """The values for another library, on the same memory: what it writes there is not noticed.

    Errors: BufferError on a tensor that requires grad, as DLPack wants it.
    """

def dlpack_device(self: Tensor) -> tuple[int, int]:
    """Where the values are: the CPU, in DLPack's numbers."""

def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of another library's array or tensor. torch.from_dlpack."""

def as_index(self: Tensor) -> int:
    """The tensor as an index of a Python list."""

def contains(self: Tensor, element: Any) -> bool:
    """Whether an element is equal to `element`."""

def iterate(self: Tensor) -> Any:
    """self[0], self[1], …"""

def rebuilt(kind: Any, array: np.ndarray[Any, Any], requires_grad: bool) -> Tensor:
    """A leaf of class `kind` around an array (for pickle and copy)."""

def shallow_copy(self: Tensor) -> Tensor:
    """Another leaf on the same memory, for copy.copy."""

def deep_copy(self: Tensor, memo: Any) -> Tensor:
    """A leaf with memory and gradient of its own, for copy.deepcopy. torch.Tensor.__deepcopy__.

    Tensors that share memory share it in the copy, with its version counter.
    """

def reduce_ex(self: Tensor, protocol: Any) -> Any:
    """For pickle: values, requires_grad and attributes of a leaf; its gradient stays behind."""

def formatted(self: Tensor, spec: Any) -> str:
    """f"{tensor:.3f}": a 0-d tensor as its number; others take no format. As in torch."""

def element_size(self: Tensor) -> int:
    """The bytes of one element. torch.Tensor.element_size."""

def data_ptr(self: Tensor) -> int:
    """The address of the first element. torch.Tensor.data_ptr."""
