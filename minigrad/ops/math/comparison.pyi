from ...tensor import Tensor, _Operand

def eq(input: Tensor, other: _Operand) -> Tensor:
    """input = other: a bool tensor. torch.eq."""

def ne(input: Tensor, other: _Operand) -> Tensor:
    """input ≠ other: a bool tensor; NaN differs from itself. torch.ne."""

def lt(input: Tensor, other: _Operand) -> Tensor:
    """input < other: a bool tensor. torch.lt."""

def le(input: Tensor, other: _Operand) -> Tensor:
    """input ≤ other: a bool tensor. torch.le."""

def gt(input: Tensor, other: _Operand) -> Tensor:
    """input > other: a bool tensor. torch.gt."""

def ge(input: Tensor, other: _Operand) -> Tensor:
    """input ≥ other: a bool tensor. torch.ge."""

def equals(input: Tensor, other: _Operand) -> Tensor:
    """The operator ==; with None, a string and the like, Python's own answer, as in torch."""

def differs(input: Tensor, other: _Operand) -> Tensor:
    """The operator !=; see `equals`."""

def isclose(
    input: Tensor,
    other: _Operand,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """|input − other| ≤ atol + rtol · |other|: a bool tensor. One dtype. torch.isclose."""

def allclose(
    input: Tensor,
    other: _Operand,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Whether |input − other| ≤ atol + rtol · |other| everywhere, a bool. torch.allclose."""

def equal(input: Tensor, other: _Operand) -> bool:
    """Whether both have the same shape and the same values: True or False. torch.equal."""

def isnan(input: Tensor) -> Tensor:
    """Where the input is NaN: a bool tensor. torch.isnan."""

def isinf(input: Tensor) -> Tensor:
    """Where the input is ∞ or −∞: a bool tensor. torch.isinf."""

def isfinite(input: Tensor) -> Tensor:
    """Where the input is neither infinite nor NaN: a bool tensor. torch.isfinite."""

def logical_not(input: Tensor) -> Tensor:
    """Where the input is 0: a bool tensor. torch.logical_not."""

def logical_and(input: Tensor, other: _Operand) -> Tensor:
    """Where neither is 0: a bool tensor. torch.logical_and."""

def logical_or(input: Tensor, other: _Operand) -> Tensor:
    """Where not both are 0: a bool tensor. torch.logical_or."""

def logical_xor(input: Tensor, other: _Operand) -> Tensor:
    """Where just one is 0: a bool tensor. torch.logical_xor."""

def bitwise_and(input: Tensor, other: _Operand) -> Tensor:
    """The operator &: logical on bool, bit by bit on integers. torch.bitwise_and."""

def bitwise_or(input: Tensor, other: _Operand) -> Tensor:
    """The operator |: logical on bool, bit by bit on integers. torch.bitwise_or."""

def bitwise_xor(input: Tensor, other: _Operand) -> Tensor:
    """The operator ^: logical on bool, bit by bit on integers. torch.bitwise_xor."""

def bitwise_not(input: Tensor) -> Tensor:
    """The operator ~: logical on bool, bit by bit on integers. torch.bitwise_not."""
