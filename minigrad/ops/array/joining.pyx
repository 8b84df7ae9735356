"""Tensors put together, and taken apart again: cat, stack, split, chunk, unbind."""

cimport numpy as cnp

import numpy as np

from ... import dtypes
from ..._checks import class_of, index
from ...autograd.grad_mode cimport grad_mode
from ...errors import ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from ..math.arguments cimport operand
from ..math.broadcasting cimport check_count, dimension
from ..math.broadcasting import numpy_names
from .indexing import pick

cnp.import_array()


cdef Tensor part(Tensor x, Py_ssize_t dim, Py_ssize_t start, Py_ssize_t length):
    """x from `start` on, `length` long, along `dim`: a view."""
    return pick(x, (slice(None),) * dim + (slice(start, start + length, 1), ...))


cdef tuple members(str operation, tensors):
    """A list or tuple of tensors, all in the dtype of their promotion."""
    cdef Tensor x
    if not isinstance(tensors, (list, tuple)):
        kind = type(tensors).__name__
        raise TypeError(f"{operation}: tensors must be a list or tuple of Tensors, got {kind}")
    if not tensors:
        raise ValueError(f"{operation}: tensors is empty; at least one is needed")
    for i, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"{operation}: tensors[{i}] must be a Tensor, got {class_of(each)}")
    target = tensors[0].dtype
    for x in tensors:
        target = dtypes.promote_types(target, x.dtype)
    return tuple([each.to(target) for each in tensors])


cdef class Cat(Function):
    """y = x₀, x₁, … one after the other along a dimension:  dxᵢ = its part of dy"""

    cdef readonly Py_ssize_t dim
    cdef tuple lengths

    cdef backward(self, Tensor dy):
        cdef list gradients = []
        cdef Py_ssize_t start = 0, i
        for i in range(len(self.lengths)):
            gradients.append(part(dy, self.dim, start, self.lengths[i]) if self.needs(i) else None)
            start += self.lengths[i]
        return tuple(gradients)


cdef class Stack(Function):
    """y = x₀, x₁, … along a new dimension:  dxᵢ = dy[i] in it"""

    cdef readonly Py_ssize_t dim

    cdef backward(self, Tensor dy):
        return tuple([pick(dy, (slice(None),) * self.dim + (i, ...)) if self.needs(i) else None
                      for i in range(len(self.inputs))])


@numpy_names
def cat(tensors, dim=0):
    """The tensors one after the other along `dim`; their other sizes must agree. torch.cat.

    Tensors of shape (0,) join any. Dtypes promote. Errors: ShapeError, TypeError, ValueError.
    """
    cdef tuple xs = members("cat", tensors)
    cdef Cat node
    for i, x in enumerate(xs):
        if x.ndim == 0:
            raise ShapeError(f"cat: tensors[{i}] has no dimension to join along; use stack")
    if any([x.ndim != 1 for x in xs]):
        xs = tuple([x for x in xs if x.shape != (0,)])
    cdef Py_ssize_t at = dimension("cat", dim, xs[0].ndim)
    for x in xs:
        own, first = tuple(x.shape), tuple(xs[0].shape)
        if own[:at] + own[at + 1:] != first[:at] + first[at + 1:] or len(own) != len(first):
            raise ShapeError(
                f"cat: shapes {first} and {own} do not fit: they may differ at dim {at} only")
    cdef Tensor y = wrap(np.concatenate([(<Tensor>x).array for x in xs], axis=at))
    if any_recorded(xs):
        node = Cat.__new__(Cat)
        node.dim, node.lengths = at, tuple([x.shape[at] for x in xs])
        record(node, y, xs)
    return y


@numpy_names
def stack(tensors, dim=0):
    """The tensors, all of one shape, along a new dimension `dim`. torch.stack."""
    cdef tuple xs = members("stack", tensors)
    cdef Stack node
    for x in xs:
        if x.shape != xs[0].shape:
            raise ShapeError(f"stack: shapes {tuple(xs[0].shape)} and {tuple(x.shape)} differ")
    cdef Py_ssize_t at = dimension("stack", dim, xs[0].ndim + 1)
    check_count("stack", xs[0].ndim + 1)
    cdef Tensor y = wrap(np.stack([(<Tensor>x).array for x in xs], axis=at))
    if any_recorded(xs):
        node = Stack.__new__(Stack)
        node.dim = at
        record(node, y, xs)
    return y


cdef bint any_recorded(tuple xs):
    cdef Tensor x
    if grad_mode():
        for x in xs:
            if x.wants_grad():
                return True
    return False


def split(input, split_size_or_sections, dim=0):
    """Views of `input` along `dim`: of one size (the last may be smaller), or of listed sizes.

    Errors: ValueError (sizes that do not add up). torch.split.
    """
    cdef Tensor x = operand("split", "input", input)
    cdef Py_ssize_t at = dimension("split", dim, x.ndim), length, start = 0
    if x.ndim == 0:
        raise ShapeError("split: a 0-d tensor has no dimension to split")
    length = x.shape[at]
    wanted = split_size_or_sections
    if isinstance(wanted, (list, tuple)):
        wanted = [index("split", "a section", size) for size in wanted]
        if any([size < 0 for size in wanted]) or sum(wanted) != length:
            raise ValueError(f"split: sections {wanted} must be >= 0 and add up to {length}, "
                             f"the size of dim {at}")
    else:
        if isinstance(wanted, bool) or not isinstance(wanted, (int, np.integer)):
            raise TypeError(
                f"split: expected a size or a list of sizes, got {type(wanted).__name__}")
        if wanted < 0 or (wanted == 0 and length):
            raise ValueError(f"split: the size must be positive, got {wanted}")
        wanted = [min(wanted, length - i) for i in range(0, length, wanted)] if length else [0]
    parts = []
    for size in wanted:
        parts.append(part(x, at, start, size))
        start += size
    return tuple(parts)


def chunk(input, chunks, dim=0):
    """At most `chunks` views of equal size along `dim` (the last may be smaller). torch.chunk."""
    cdef Tensor x = operand("chunk", "input", input)
    if isinstance(chunks, bool) or not isinstance(chunks, (int, np.integer)):
        raise TypeError(f"chunk: chunks must be an integer, got {type(chunks).__name__}")
    if chunks < 1:
        raise ValueError(f"chunk: chunks must be >= 1, got {chunks}")
    length = x.size(dim)
    return split(x, max(-(-length // chunks), 1), dim) if length else (x,) * chunks


def unbind(input, dim=0):
    """The parts of `input` along `dim`, each a view without that dimension. torch.unbind."""
    cdef Tensor x = operand("unbind", "input", input)
    cdef Py_ssize_t at = dimension("unbind", dim, x.ndim)
    if x.ndim == 0:
        raise ShapeError("unbind: a 0-d tensor has no parts")
    return tuple([pick(x, (slice(None),) * at + (i, ...)) for i in range(x.shape[at])])


for name, function in [("split", split), ("chunk", chunk), ("unbind", unbind)]:
    method(name, function)
