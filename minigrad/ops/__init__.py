"""The rules of differentiation, one file per subject.

An operation is one function; the Tensor method and the `nn.functional` name are that function.
Read `math` first, then `nn`; `array` can wait.
"""

from .. import tensor as _tensor
from ..display import printing
from .array import (  # noqa: F401  each gives Tensor its methods
    casting,
    creation,
    gathering,
    indexing,
    inplace,
    interop,
    joining,
    ordering,
    refused,
    sampling,
    typed,
)
from .math import (  # noqa: F401  each gives Tensor its methods
    arithmetic,
    comparison,
    linear,
    minmax,
    reductions,
    selection,
    shaping,
)
from .nn import (  # noqa: F401  each gives Tensor its methods
    activations,
    avg_pool2d,
    batch_norm,
    batch_renorm,
    conv2d,
    cross_entropy,
    dropout,
    embedding,
    group_norm,
    layer_norm,
    log_softmax,
    losses,
    max_pool2d,
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
    "index": interop.as_index, "contains": interop.contains, "iterate": interop.iterate,
    "text": printing.text, "from_data": creation.from_arguments,
    "array_ufunc": interop.array_ufunc,
})  # fmt: skip
_tensor.method("_repr_html_", printing.rich)
