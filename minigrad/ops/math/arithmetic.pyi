from ...tensor import Tensor, _Operand

def add(input: Tensor, other: _Operand, *, alpha: float = 1) -> Tensor:
    """y = input + alpha · other, elementwise with broadcasting. torch.add."""

def sub(input: Tensor, other: _Operand, *, alpha: float = 1) -> Tensor:
    """y = input − alpha · other, elementwise with broadcasting. Not for bool. torch.sub."""

def mul(input: Tensor, other: _Operand) -> Tensor:
    """y = input · other, elementwise with broadcasting. torch.mul."""

def div(input: Tensor, other: _Operand, *, rounding_mode: str | None = None) -> Tensor:
    """y = input / other, elementwise with broadcasting; integers give the default float dtype.

    rounding_mode: None, "floor" or "trunc" (a rounded result has the gradient 0). torch.div.
    """

def floor_divide(input: Tensor, other: _Operand) -> Tensor:
    """y = ⌊input / other⌋, elementwise; gradient 0. torch.floor_divide."""

def remainder(input: Tensor, other: _Operand) -> Tensor:
    """y = input − ⌊input / other⌋ · other, elementwise: the sign of `other`. torch.remainder."""

def power(input: Tensor, exponent: _Operand) -> Tensor:
    """y = input ^ exponent, elementwise with broadcasting. torch.pow."""

def neg(input: Tensor) -> Tensor:
    """y = −input, elementwise. torch.neg."""

def positive(input: Tensor) -> Tensor:
    """The tensor itself; a bool has no sign. torch.positive."""

def exp(input: Tensor) -> Tensor:
    """y = eˣ, elementwise; integers give the default float dtype. torch.exp."""

def log(input: Tensor) -> Tensor:
    """y = ln x, elementwise: −inf at 0, nan below. torch.log."""

def sqrt(input: Tensor) -> Tensor:
    """y = √x, elementwise: nan below 0, infinite gradient at 0. torch.sqrt."""

def absolute(input: Tensor) -> Tensor:
    """y = |x|, elementwise; the gradient at 0 is 0. torch.abs."""

def sin(input: Tensor) -> Tensor:
    """y = sin x, elementwise, x in radians. torch.sin."""

def cos(input: Tensor) -> Tensor:
    """y = cos x, elementwise, x in radians. torch.cos."""

def sign(input: Tensor) -> Tensor:
    """y = −1 where x < 0, 1 where x > 0, else 0; gradient 0. torch.sign."""
