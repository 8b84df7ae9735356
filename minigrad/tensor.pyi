import builtins
from collections.abc import Iterator
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from typing_extensions import disjoint_base

from . import devices, dtypes
from ._checks import Number
from ._size import Size as Size
from .autograd import engine, hooks
from .display.graph import Graph
from .display.walk import Walk
from .ops.array import casting, gathering, inplace, interop, joining, ordering, refused, sampling
from .ops.math import arithmetic, comparison, linear, minmax, reductions, selection, shaping
from .ops.nn import activations
from .ops.nn import log_softmax as _log_softmax
from .ops.nn import softmax as _softmax

_Operand: TypeAlias = Tensor | np.ndarray[Any, Any] | Number

@disjoint_base
class Function:
    """A node of the graph: an operation that was run, and where its inputs came from.

    `inputs` has one entry per input: a reference to the Function that made it, or to the Tensor
    itself where it is a leaf that collects a gradient, or None where no gradient is wanted.
    Subclasses supply `backward(dy)`: given the gradient of the loss with respect to the output,
    return the one with respect to each input, written with Tensor operations. (A subclass whose own
    fields may lead on to other nodes needs a `__dealloc__`: see _runtime/deallocation.pyx.)
    """
    @property
    def inputs(self) -> tuple[Function | Tensor | None, ...]: ...
    @property
    def next_functions(self) -> tuple[tuple[Function | Tensor | None, int], ...]:
        """torch's view of `inputs`: pairs (what made the input, 0)."""
    @property
    def called_at(self) -> Any: ...
    @property
    def has_saved(self) -> builtins.bool:
        """Whether it holds saved values: not if backward has freed them, or it needs none."""
    def name(self) -> str: ...
    def picture(self) -> Any:
        """(value, gradient, constants) for `graph()`: arrays if small, else shapes or None."""
    def roads(self, dy: Tensor) -> dict[int, list[tuple[str, Tensor]]]:
        """{i: [(name, share)]} for an input whose gradient is a sum that a walk should show."""
    def saved_arrays(self) -> list[np.ndarray[Any, Any]]:
        """The arrays saved for backward, leaves (which exist anyway) not among them."""
    def known_values(self) -> list[tuple[Function, np.ndarray[Any, Any]]]:
        """[(node, what it made)] for the nodes around whose value is saved, and unchanged."""

# A method is the function of ops/ itself; only what needs the inside of a Tensor is defined here.
@disjoint_base
class Tensor:
    """A multi-dimensional array that can record what is computed from it, for `backward`.

    Make one with `minigrad.tensor(data)`. `Tensor(sequence)` gives a tensor of the default dtype,
    `Tensor(2, 3)` zeros of that shape (torch leaves them uninitialized).
    """

    requires_grad: builtins.bool
    grad: Tensor | Any
    data: Tensor
    __array_priority__: ClassVar[builtins.int]

    def __init__(self, *data: Any) -> None: ...
    @property
    def shape(self) -> Size:
        """The sizes, one per dimension."""
    @property
    def dtype(self) -> dtypes.dtype:
        """The element type, one of `minigrad.float32` and its five siblings."""
    @property
    def ndim(self) -> builtins.int:
        """The number of dimensions."""
    @property
    def is_leaf(self) -> builtins.bool:
        """True when no recorded operation made this tensor; only leaves collect `.grad`."""
    @property
    def grad_fn(self) -> Function | None:
        """The node of the graph that made this tensor; None on a leaf."""
    @property
    def _version(self) -> builtins.int:
        """How often the values were changed in place."""
    @property
    def _grad(self) -> Tensor | None:
        """`grad`, without the warning, for code that the user did not write."""
    @property
    def _base(self) -> Tensor | None:
        """The tensor this one is a view of, or None."""
    def _share(self, source: Tensor) -> None:
        """Become another handle on the values of `source`, without history (for subclasses)."""
    def requires_grad_(self, requires_grad: builtins.bool = True) -> Self:
        """Set `requires_grad` in place; returns the tensor."""
    def detach(self) -> Tensor:
        """The same values without history. Memory and version counter are shared."""
    @property
    def T(self) -> Tensor:
        """The dimensions in reverse order, as a view: of a matrix, its transpose. torch.Tensor.T."""
    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped, as a view. torch.Tensor.mT."""
    @property
    def device(self) -> devices.device: ...
    # It may be a float, too; but `int` alone may be added to a count without a type error.
    def item(self) -> builtins.int | Any:
        """The value of a one-element tensor as a Python number."""
    def where(self, condition: Tensor, other: _Operand) -> Tensor: ...
    def graph(self, model: Any = None, /, **names: Tensor) -> Graph:
        """The graph below this tensor: Jupyter shows it, `.save("graph.svg")` writes it.

        model: a Module whose parameters are to be called by their names; names: tensors by name, as in
        `loss.graph(w=w, x=x)`. Operations that ran within `autograd.detect_anomaly()` show the line of
        your program that called them.
        """
    def walk(self, model: Any = None, optimizer: Any = None, /) -> Walk:
        """Run `backward()` once and return it as a Walk: what arrived where, and what was handed on.

        `.grad` is afterwards what `backward()` gives, bit for bit; the graph is freed as it frees it.
        model: a Module whose parameters are to be called by their names, and whose modules can be shown
        as one box each; on the page a graph of more than 40 boxes starts so. optimizer: for its
        learning rate, so that the leaves show lr·|grad| beside |w|. GraphError beyond 500 operations.
        The graph was recorded before walk is called, and remembering the lines of your program would
        slow every operation down. So they appear where you asked for it: run the forward pass within
        `autograd.detect_anomaly()`.
        """

    backward = engine.backward
    register_hook = hooks.register_hook
    retain_grad = hooks.retain_grad
    maximum = selection.maximum
    minimum = selection.minimum
    clamp = selection.clamp
    add = arithmetic.add
    sub = arithmetic.sub
    mul = arithmetic.mul
    div = arithmetic.div
    floor_divide = arithmetic.floor_divide
    remainder = arithmetic.remainder
    pow = arithmetic.power
    neg = arithmetic.neg
    exp = arithmetic.exp
    log = arithmetic.log
    sqrt = arithmetic.sqrt
    abs = arithmetic.absolute
    sin = arithmetic.sin
    cos = arithmetic.cos
    sign = arithmetic.sign
    relu = activations.relu
    sigmoid = activations.sigmoid
    tanh = activations.tanh
    eq = comparison.eq
    ne = comparison.ne
    lt = comparison.lt
    le = comparison.le
    gt = comparison.gt
    ge = comparison.ge
    isclose = comparison.isclose
    allclose = comparison.allclose
    equal = comparison.equal
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    logical_not = comparison.logical_not
    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    bitwise_and = comparison.bitwise_and
    bitwise_or = comparison.bitwise_or
    bitwise_xor = comparison.bitwise_xor
    bitwise_not = comparison.bitwise_not
    reshape = shaping.reshape
    view = shaping.view
    view_as = shaping.view_as
    flatten = shaping.flatten
    squeeze = shaping.squeeze
    unsqueeze = shaping.unsqueeze
    transpose = shaping.transpose
    t = shaping.t
    permute = shaping.permute
    expand = shaping.expand
    broadcast_to = shaping.broadcast_to
    expand_as = shaping.expand_as
    repeat = shaping.repeat
    size = shaping.size
    stride = shaping.stride
    dim = shaping.dim
    numel = shaping.numel
    nelement = shaping.numel
    numpy = interop.numpy
    tolist = interop.tolist
    element_size = interop.element_size
    data_ptr = interop.data_ptr
    clone = casting.clone
    contiguous = casting.contiguous
    is_contiguous = casting.is_contiguous
    to = casting.to
    type = casting.type_
    cpu = casting.cpu
    cuda = refused.cuda
    squeeze_ = refused.squeeze_
    unsqueeze_ = refused.unsqueeze_
    __round__ = refused.__round__
    gather = gathering.gather
    scatter = gathering.scatter
    scatter_ = gathering.scatter_
    index_select = gathering.index_select
    masked_fill = gathering.masked_fill
    masked_fill_ = gathering.masked_fill_
    add_ = inplace.add_
    sub_ = inplace.sub_
    mul_ = inplace.mul_
    div_ = inplace.div_
    pow_ = inplace.pow_
    floor_divide_ = inplace.floor_divide_
    remainder_ = inplace.remainder_
    bitwise_and_ = inplace.bitwise_and_
    bitwise_or_ = inplace.bitwise_or_
    bitwise_xor_ = inplace.bitwise_xor_
    clamp_ = inplace.clamp_
    copy_ = inplace.copy_
    exp_ = inplace.exp_
    fill_ = inplace.fill_
    zero_ = inplace.zero_
    split = joining.split
    chunk = joining.chunk
    unbind = joining.unbind
    softmax = _softmax.softmax
    log_softmax = _log_softmax.log_softmax
    logsumexp = _log_softmax.logsumexp
    matmul = linear.matmul
    mm = linear.mm
    bmm = linear.bmm
    mv = linear.mv
    dot = linear.dot
    outer = linear.outer
    sum = reductions.sum
    mean = reductions.mean
    var = reductions.var
    std = reductions.std
    norm = reductions.norm
    cumsum = reductions.cumsum
    prod = reductions.prod
    flip = ordering.flip
    sort = ordering.sort
    argsort = ordering.argsort
    topk = ordering.topk
    unique = ordering.unique
    nonzero = ordering.nonzero
    amax = minmax.amax
    amin = minmax.amin
    argmax = minmax.argmax
    argmin = minmax.argmin
    max = minmax.max
    min = minmax.min
    any = minmax.any
    all = minmax.all
    multinomial = sampling.multinomial
    normal_ = sampling.normal_
    uniform_ = sampling.uniform_
    def bool(self) -> Tensor:
        """The values as bool; the tensor itself if that is its dtype. torch.Tensor.bool."""
    def byte(self) -> Tensor:
        """The values as uint8; the tensor itself if that is its dtype. torch.Tensor.byte."""
    def int(self) -> Tensor:
        """The values as int32; the tensor itself if that is its dtype. torch.Tensor.int."""
    def long(self) -> Tensor:
        """The values as int64; the tensor itself if that is its dtype. torch.Tensor.long."""
    def float(self) -> Tensor:
        """The values as float32; the tensor itself if that is its dtype. torch.Tensor.float."""
    def double(self) -> Tensor:
        """The values as float64; the tensor itself if that is its dtype. torch.Tensor.double."""
    def __len__(self) -> builtins.int: ...
    def __contains__(self, element: object, /) -> builtins.bool: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __bool__(self) -> builtins.bool: ...
    def __float__(self) -> builtins.float: ...
    def __int__(self) -> builtins.int: ...
    def __index__(self) -> builtins.int: ...
    def __hash__(self) -> builtins.int: ...
    def __getitem__(self, key: Any, /) -> Tensor: ...
    def __setitem__(self, key: Any, value: _Operand, /) -> None: ...
    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any
    ) -> Any: ...
    def __array__(
        self, dtype: Any = None, copy: builtins.bool | None = None
    ) -> np.ndarray[Any, Any]: ...
    def __dlpack__(self, **options: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[builtins.int, builtins.int]: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[builtins.int, Any], /) -> Self: ...
    def __neg__(self) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __abs__(self) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __add__(self, other: _Operand, /) -> Tensor: ...
    def __radd__(self, other: _Operand, /) -> Tensor: ...
    def __sub__(self, other: _Operand, /) -> Tensor: ...
    def __rsub__(self, other: _Operand, /) -> Tensor: ...
    def __mul__(self, other: _Operand, /) -> Tensor: ...
    def __rmul__(self, other: _Operand, /) -> Tensor: ...
    def __truediv__(self, other: _Operand, /) -> Tensor: ...
    def __rtruediv__(self, other: _Operand, /) -> Tensor: ...
    def __floordiv__(self, other: _Operand, /) -> Tensor: ...
    def __rfloordiv__(self, other: _Operand, /) -> Tensor: ...
    def __mod__(self, other: _Operand, /) -> Tensor: ...
    def __rmod__(self, other: _Operand, /) -> Tensor: ...
    def __matmul__(self, other: _Operand, /) -> Tensor: ...
    def __rmatmul__(self, other: _Operand, /) -> Tensor: ...
    def __and__(self, other: _Operand, /) -> Tensor: ...
    def __rand__(self, other: _Operand, /) -> Tensor: ...
    def __or__(self, other: _Operand, /) -> Tensor: ...
    def __ror__(self, other: _Operand, /) -> Tensor: ...
    def __xor__(self, other: _Operand, /) -> Tensor: ...
    def __rxor__(self, other: _Operand, /) -> Tensor: ...
    def __lt__(self, other: _Operand, /) -> Tensor: ...
    def __le__(self, other: _Operand, /) -> Tensor: ...
    def __gt__(self, other: _Operand, /) -> Tensor: ...
    def __ge__(self, other: _Operand, /) -> Tensor: ...
    def __iadd__(self, other: _Operand, /) -> Self: ...
    def __isub__(self, other: _Operand, /) -> Self: ...
    def __imul__(self, other: _Operand, /) -> Self: ...
    def __itruediv__(self, other: _Operand, /) -> Self: ...
    def __ifloordiv__(self, other: _Operand, /) -> Self: ...
    def __imod__(self, other: _Operand, /) -> Self: ...
    def __iand__(self, other: _Operand, /) -> Self: ...
    def __ior__(self, other: _Operand, /) -> Self: ...
    def __ixor__(self, other: _Operand, /) -> Self: ...
    def __pow__(self, other: _Operand, mod: None = None, /) -> Tensor: ...
    def __rpow__(self, other: _Operand, mod: None = None, /) -> Tensor: ...
    def __ipow__(self, other: _Operand, /) -> Self: ...  # type: ignore[misc]
    def __eq__(self, other: object, /) -> Tensor: ...  # type: ignore[override]
    def __ne__(self, other: object, /) -> Tensor: ...  # type: ignore[override]

@disjoint_base
class Operators:
    """The functions behind the operators above."""

def install_operators(functions: dict[str, Any]) -> None:
    """Give each operator its function (called once, by ops/__init__.py)."""

def method(name: str, function: Any) -> None:
    """Make `function` the Tensor method `name`: the method *is* the function, not a copy of it."""
