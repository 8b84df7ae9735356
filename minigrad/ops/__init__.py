"""The rules of differentiation, one file a subject.

An operation is one function; the Tensor method and the `nn.functional` name are that function.
"""

from .. import _printing
from .. import tensor as _tensor
from . import (  # noqa: F401  each gives Tensor its methods
    activations,
    arithmetic,
    batch_norm,
    batch_renorm,
    comparison,
    conv2d,
    conversion,
    copying,
    creation,
    cross_entropy,
    dropout,
    extremes,
    gathering,
    group_norm,
    indexing,
    inplace,
    joining,
    layer_norm,
    linear,
    log_softmax,
    losses,
    max_pool2d,
    reductions,
    sampling,
    selection,
    shaping,
    softmax,
)

_tensor.connect((
    arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.div,
    arithmetic.floor_divide, arithmetic.remainder, arithmetic.power,
    arithmetic.neg, arithmetic.absolute, linear.matmul,
    comparison.equals, comparison.differs,
    comparison.lt, comparison.le, comparison.gt, comparison.ge,
    comparison.bitwise_and, comparison.bitwise_or, comparison.bitwise_xor, comparison.bitwise_not,
    inplace.add_, inplace.sub_, inplace.mul_, inplace.div_, inplace.pow_,
    indexing.getitem, indexing.setitem,
    _printing.text, creation.from_arguments, conversion.array_ufunc,
))
_tensor.method("_repr_html_", _printing.rich)
