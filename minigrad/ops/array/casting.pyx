"""The same values in memory of their own, in another dtype, or in one block."""

cimport numpy as cnp

from ... import dtypes
from ..._runtime.array_pool cimport copied
from ..._runtime.fp_warnings import quietly
from ...autograd.grad_mode cimport recording
from ...devices import device as Device
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from ..math.arguments cimport operand

cnp.import_array()


cdef class Clone(Function):
    """y = a copy of x:  dx = dy"""

    cdef backward(self, Tensor dy):
        return dy


def clone(input):
    """A copy with memory of its own; the gradient passes through. torch.clone."""
    cdef Tensor x = operand("clone", "input", input)
    cdef Tensor y = wrap(copied(x.array))
    if recording(x):
        record(Clone.__new__(Clone), y, (x,))
    return y


def contiguous(Tensor self not None):
    """The tensor, or a clone if its elements are not in one block. torch.Tensor.contiguous."""
    return self if cnp.PyArray_IS_C_CONTIGUOUS(self.array) else clone(self)


def is_contiguous(Tensor self not None):
    """Whether the elements lie in one block, in order. torch.Tensor.is_contiguous."""
    return bool(cnp.PyArray_IS_C_CONTIGUOUS(self.array))


cdef class ToCopy(Function):
    """y = x in another float dtype:  dx = dy in x's dtype"""

    cdef object dtype

    cdef backward(self, Tensor dy):
        return dy.to(self.dtype)


def to(self, *target, dtype=None, device=None, non_blocking=False, copy=False):
    """The values in another dtype; the tensor itself if there is nothing to do. torch.Tensor.to.

    target: a dtype, a device ("cpu" is the only one), both, or a Tensor whose dtype is meant.
    """
    cdef Tensor x = operand("to", "input", self)
    cdef ToCopy node
    for each in target:
        if isinstance(each, Tensor):
            dtype = each.dtype
        elif isinstance(each, (str, Device)):
            device = each
        elif each is not None:
            dtype = each
    if device is not None:
        Device(device)
    found = x.dtype if dtype is None else dtypes.find(dtype)
    if found is x.dtype:
        return clone(x) if copy else x
    cdef Tensor y = wrap(quietly((<object>x.array).astype, found.numpy))
    if recording(x) and found.is_floating_point:
        node = ToCopy.__new__(ToCopy)
        node.dtype = x.dtype
        record(node, y, (x,))
    return y


TYPE_NAMES = {
    dtypes.float32: "minigrad.FloatTensor", dtypes.float64: "minigrad.DoubleTensor",
    dtypes.int64: "minigrad.LongTensor", dtypes.int32: "minigrad.IntTensor",
    dtypes.uint8: "minigrad.ByteTensor", dtypes.bool: "minigrad.BoolTensor",
}


def type_(self, dtype=None):
    """The values in `dtype`; without it, the name of this type of tensor. torch.Tensor.type."""
    cdef Tensor x = operand("type", "self", self)
    return TYPE_NAMES[x.dtype] if dtype is None else to(x, dtype=dtype)


def cpu(Tensor self not None):
    """The tensor itself: it lives on the CPU. torch.Tensor.cpu."""
    return self


def converter(name, dtype):
    def convert(self):
        return to(self, dtype)
    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = (
        f"The values as {dtype.name}; the tensor itself if that is its dtype. torch.Tensor.{name}.")
    return convert


for name, function in [
    ("clone", clone), ("contiguous", contiguous), ("is_contiguous", is_contiguous), ("to", to),
    ("type", type_), ("cpu", cpu), ("device", property(lambda self: Device("cpu"))),
    ("float", converter("float", dtypes.float32)), ("double", converter("double", dtypes.float64)),
    ("long", converter("long", dtypes.int64)), ("int", converter("int", dtypes.int32)),
    ("byte", converter("byte", dtypes.uint8)), ("bool", converter("bool", dtypes.bool)),
]:
    method(name, function)
