"""The rules of differentiation, one file a subject.

An operation is one function; the Tensor method and the `nn.functional` name are that function.
"""

from .. import tensor as _tensor
from . import arithmetic, inplace, linear, reductions, selection, shaping

_tensor.connect((
    arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.div, arithmetic.floor_divide, arithmetic.remainder,
    arithmetic.power, arithmetic.neg, arithmetic.absolute, linear.matmul,
    selection.eq, None, None, None, None, None,
    None, None, None, None,
    inplace.add_, inplace.sub_, inplace.mul_, inplace.div_, inplace.pow_,
    None, None, None, None, None,
))
