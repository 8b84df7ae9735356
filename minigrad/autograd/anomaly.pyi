from collections.abc import Callable
from typing import Any, Self

from ..tensor import Function, Tensor

FRAMES: int
PACKAGE: str

class detect_anomaly:
    """Within it, the first result or gradient that is NaN or infinite is an error.

    with autograd.detect_anomaly(): … around forward and backward. GraphError, as soon as a recorded
    operation makes such a number from finite ones, in either direction; it names the operation and
    the line that called it. check_nan=False only remembers the lines, for a later check of
    backward. Slow, and switched for all threads at once. torch.autograd.detect_anomaly, which
    checks gradients alone, and for NaN alone.
    """

    check_nan: bool
    def __init__(self, check_nan: bool = True) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

class recorded:
    """Within it, `function(node, y, inputs)` is called for every operation this thread records."""

    function: Callable[[Function, Tensor, tuple[Tensor | None, ...]], object]
    def __init__(
        self, function: Callable[[Function, Tensor, tuple[Tensor | None, ...]], object]
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

class observed:
    """Within it, `function(node, dy, answer)` is called for every node of this thread's passes."""

    function: Callable[[Function, Tensor, Any], object]
    def __init__(self, function: Callable[[Function, Tensor, Any], object]) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
