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

_tensor.install_operators({
    "add": arithmetic.add, "sub": arithmetic.sub, "mul": arithmetic.mul, "div": arithmetic.div,
    "floor_divide": arithmetic.floor_divide, "remainder": arithmetic.remainder,
    "power": arithmetic.power, "neg": arithmetic.neg,
    "positive": arithmetic.positive, "absolute": arithmetic.absolute,
    "matmul": linear.matmul, "eq": comparison.equals, "ne": comparison.differs,
    "lt": comparison.lt, "le": comparison.le, "gt": comparison.gt, "ge": comparison.ge,
    "bitwise_and": comparison.bitwise_and, "bitwise_or": comparison.bitwise_or,
    "bitwise_xor": comparison.bitwise_xor, "bitwise_not": comparison.bitwise_not,
    "add_": inplace.add_, "sub_": inplace.sub_, "mul_": inplace.mul_, "div_": inplace.div_,
    "pow_": inplace.pow_, "getitem": indexing.getitem, "setitem": indexing.setitem,
    "index": conversion.index, "contains": conversion.contains, "iterate": conversion.iterate,
    "text": _printing.text, "from_data": creation.from_arguments,
    "array_ufunc": conversion.array_ufunc,
})  # fmt: skip
_tensor.method("_repr_html_", _printing.rich)
