from ...random import Generator
from ...tensor import Tensor, _Device, _DType, _Shape

def rand(
    *shape: _Shape,
    size: _Shape | None = None,
    generator: Generator | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def randn(
    *shape: _Shape,
    size: _Shape | None = None,
    generator: Generator | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: _Shape | None = None,
    *,
    generator: Generator | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def randint(
    low: int,
    high: _Shape | None = None,
    size: _Shape | None = None,
    *,
    generator: Generator | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor: ...
def normal_(
    self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None
) -> Tensor: ...
def uniform_(
    self: Tensor, a: float = 0, b: float = 1, *, generator: Generator | None = None
) -> Tensor: ...
