from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor

def assign(operation: str, tensors: Sequence[Tensor], arrays: Any) -> None: ...
def step(
    operation: str, kernel: Any, updates: Any, state: Any, fresh: Any, counts: Any
) -> None: ...
def clear_gradients(tensors: Sequence[Tensor], set_to_none: Any) -> None: ...
