"""Operations that write into a tensor: each computes the plain operation, then `overwrite`s.

Nodes that saved the old values notice by the version counter; where gradients are recorded the
tensor takes over the history of its new values.
"""

from functools import partial

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact

from ..._runtime.array_pool cimport copied
from ...autograd.grad_mode cimport grad_mode
from ...autograd.in_place cimport may_write, overwrite
from ...errors import ShapeError
from ...tensor cimport Tensor, wrap
from ...tensor import method
from ..math.arguments cimport is_number, operand, operands, refuse_bool, scalar_like, stored
from ..math.arithmetic import add, div, exp, floor_divide, mul, power, remainder, sub
from ..math.arithmetic cimport scaled
from ..math.comparison import bitwise_and, bitwise_or, bitwise_xor
from ..math.elementwise cimport ADD, DIV, MUL, SUB, Operation, broadcast_binary
from ..math.selection import clamp

cnp.import_array()


cdef Tensor tensor_itself(str operation, object x):
    if not isinstance(x, Tensor):
        raise TypeError(f"{operation}: expected a Tensor to write into, got {type(x).__name__}")
    return x


cdef Tensor frozen(Tensor x, other):
    """x as it is now: what the plain operation may save although x is about to change."""
    if not needs_history(x, other):
        return x
    cdef Tensor before = wrap(copied(x.array))
    before.node, before.is_grad_leaf = x.history(), False
    return before


cdef bint needs_history(Tensor x, other):
    return grad_mode() and (
        x.wants_grad() or (isinstance(other, Tensor) and (<Tensor>other).wants_grad()))


cdef Tensor arithmetic_(str name, Operation operation, plain, target, other):
    cdef Tensor x = tensor_itself(name, target), a, b
    if needs_history(x, other):
        if operation == SUB:
            refuse_bool(name, x, other)
    else:
        a, b = operands(name, x, other)
        if operation == SUB and (cnp.PyArray_ISBOOL(x.array)
                                 or b is not other and not PyFloat_CheckExact(other)):
            refuse_bool(name, x, other)
        if a is x and keeps_type(operation, x.array) and fits(b.array, x.array):
            may_write(name, x)
            broadcast_binary(name, operation, x.array, b.array, x.array)
            x.written(name)
            return x
    return overwrite(name, x, out_of_place(name, plain, frozen(x, other), other))


cdef Tensor out_of_place(str name, plain, Tensor x, other):
    """The result of the plain operation, whose errors name the one that was called."""
    try:
        return plain(x, other)
    except ShapeError as error:
        raise ShapeError(f"{name}:{str(error).partition(':')[2]}") from None


cdef bint keeps_type(Operation operation, cnp.ndarray x) noexcept:
    """Whether x op x has x's dtype: a quotient of integers does not, bools have no difference."""
    return cnp.PyArray_ISFLOAT(x) or (operation != DIV and cnp.PyArray_ISINTEGER(x))


cdef bint fits(cnp.ndarray small, cnp.ndarray large) noexcept:
    """Whether `large op= small` may be computed in place, element after element."""
    cdef char *a = <char *>cnp.PyArray_DATA(small)
    cdef char *b = <char *>cnp.PyArray_DATA(large)
    if cnp.PyArray_NDIM(small) != 0 and not cnp.PyArray_SAMESHAPE(small, large):
        return False
    if not (cnp.PyArray_IS_C_CONTIGUOUS(small) and cnp.PyArray_IS_C_CONTIGUOUS(large)):
        return True   # NumPy's loop, which looks after memory that both share
    # x /= x[0] would divide by an x[0] that is 1 already.
    return (a + cnp.PyArray_NBYTES(small) <= b or b + cnp.PyArray_NBYTES(large) <= a
            or (a == b and cnp.PyArray_SAMESHAPE(small, large)))


cdef Tensor multiple(str operation, object target, object other, object alpha):
    """alpha · other in the dtype that the result will have."""
    cdef Tensor b
    _, b = operands(operation, tensor_itself(operation, target), other)
    return scaled(operation, b, alpha)


def add_(self, other, *, alpha=1):
    """self ← self + alpha · other. torch.Tensor.add_."""
    other = other if alpha is 1 else multiple("add_", self, other, alpha)
    return arithmetic_("add_", ADD, add, self, other)


def sub_(self, other, *, alpha=1):
    """self ← self − alpha · other. torch.Tensor.sub_."""
    if alpha is not 1:
        refuse_bool("sub_", self, other)
        other = multiple("sub_", self, other, alpha)
    return arithmetic_("sub_", SUB, sub, self, other)


def mul_(self, other):
    """self ← self · other. torch.Tensor.mul_."""
    return arithmetic_("mul_", MUL, mul, self, other)


def div_(self, other, *, rounding_mode=None):
    """self ← self / other, rounded as by `div`. torch.Tensor.div_."""
    if rounding_mode is not None:
        return rewritten("div_", partial(div, rounding_mode=rounding_mode), self, other)
    return arithmetic_("div_", DIV, div, self, other)


cdef Tensor rewritten(str name, plain, target, other):
    cdef Tensor x = tensor_itself(name, target)
    return overwrite(name, x, out_of_place(name, plain, frozen(x, other), other))


def pow_(self, exponent):
    """self ← self ^ exponent. torch.Tensor.pow_."""
    return rewritten("pow_", power, self, exponent)


def floor_divide_(self, other):
    """self ← ⌊self / other⌋. torch.Tensor.floor_divide_."""
    return rewritten("floor_divide_", floor_divide, self, other)


def remainder_(self, other):
    """self ← self − ⌊self / other⌋ · other. torch.Tensor.remainder_."""
    return rewritten("remainder_", remainder, self, other)


def exp_(self):
    """self ← e^self. torch.Tensor.exp_."""
    cdef Tensor x = tensor_itself("exp_", self)
    return overwrite("exp_", x, exp(x))


def clamp_(self, min=None, max=None):
    """self ← self, moved to the nearer end of [min, max]. torch.Tensor.clamp_."""
    cdef Tensor x = tensor_itself("clamp_", self)
    return overwrite("clamp_", x, clamp(x, min, max))


def bitwise_and_(self, other):
    """self ← self & other, for bool and integers. torch.Tensor.bitwise_and_."""
    return rewritten("bitwise_and_", bitwise_and, self, other)


def bitwise_or_(self, other):
    """self ← self | other, for bool and integers. torch.Tensor.bitwise_or_."""
    return rewritten("bitwise_or_", bitwise_or, self, other)


def bitwise_xor_(self, other):
    """self ← self ^ other, for bool and integers. torch.Tensor.bitwise_xor_."""
    return rewritten("bitwise_xor_", bitwise_xor, self, other)


def copy_(self, src):
    """self ← src, broadcast and cast to self's shape and dtype. torch.Tensor.copy_."""
    cdef Tensor x = tensor_itself("copy_", self)
    if is_number(src):   # straight into self's dtype, as in fill_
        return overwrite("copy_", x, scalar_like("copy_", src, cnp.PyArray_TYPE(x.array)))
    cdef Tensor y = operand("copy_", "src", src)
    return overwrite("copy_", x, y.to(x.dtype))


def fill_(self, value):
    """self ← value everywhere. torch.Tensor.fill_."""
    cdef Tensor x = tensor_itself("fill_", self)
    cdef Tensor y
    if is_number(value):
        return overwrite("fill_", x, stored("fill_", value, cnp.PyArray_TYPE(x.array)))
    y = operand("fill_", "value", value)
    if cnp.PyArray_NDIM(y.array) != 0:
        raise ShapeError(f"fill_: expected a number or a 0-d tensor, got shape {tuple(y.shape)}")
    return overwrite("fill_", x, y.to(x.dtype))


def zero_(self):
    """self ← 0 everywhere. torch.Tensor.zero_."""
    cdef Tensor x = tensor_itself("zero_", self)
    return overwrite("zero_", x, scalar_like("zero_", 0, cnp.PyArray_TYPE(x.array)))


for function in (
    add_, sub_, mul_, div_, pow_, floor_divide_, remainder_, bitwise_and_, bitwise_or_,
    bitwise_xor_, clamp_, copy_, exp_, fill_, zero_,
):
    method(function.__name__, function)
