from ...tensor import Tensor, _Operand

def add_(self: Tensor, other: _Operand, *, alpha: float = 1) -> Tensor:
    """self ← self + alpha · other. torch.Tensor.add_."""

def sub_(self: Tensor, other: _Operand, *, alpha: float = 1) -> Tensor:
    """self ← self − alpha · other. torch.Tensor.sub_."""

def mul_(self: Tensor, other: _Operand) -> Tensor:
    """self ← self · other. torch.Tensor.mul_."""

def div_(self: Tensor, other: _Operand, *, rounding_mode: str | None = None) -> Tensor:
    """self ← self / other, rounded as by `div`. torch.Tensor.div_."""

def pow_(self: Tensor, exponent: _Operand) -> Tensor:
    """self ← self ^ exponent. torch.Tensor.pow_."""

def floor_divide_(self: Tensor, other: _Operand) -> Tensor:
    """self ← ⌊self / other⌋. torch.Tensor.floor_divide_."""

def remainder_(self: Tensor, other: _Operand) -> Tensor:
    """self ← self − ⌊self / other⌋ · other. torch.Tensor.remainder_."""

def bitwise_and_(self: Tensor, other: _Operand) -> Tensor:
    """self ← self & other, for bool and integers. torch.Tensor.bitwise_and_."""

def bitwise_or_(self: Tensor, other: _Operand) -> Tensor:
    """self ← self | other, for bool and integers. torch.Tensor.bitwise_or_."""

def bitwise_xor_(self: Tensor, other: _Operand) -> Tensor:
    """self ← self ^ other, for bool and integers. torch.Tensor.bitwise_xor_."""

def exp_(self: Tensor) -> Tensor:
    """self ← e^self. torch.Tensor.exp_."""

def clamp_(self: Tensor, min: _Operand | None = None, max: _Operand | None = None) -> Tensor:
    """self ← self, moved to the nearer end of [min, max]. torch.Tensor.clamp_."""

def copy_(self: Tensor, src: _Operand) -> Tensor:
    """self ← src, broadcast and cast to self's shape and dtype. torch.Tensor.copy_."""

def fill_(self: Tensor, value: _Operand) -> Tensor:
    """self ← value everywhere. torch.Tensor.fill_."""

def zero_(self: Tensor) -> Tensor:
    """self ← 0 everywhere. torch.Tensor.zero_."""
