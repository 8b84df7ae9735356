"""Cross-entropy of logits, in one operation, and the same from log-probabilities.

The formulas are in `_kernels/cross_entropy.pyx`, derived in docs/derivations/cross_entropy.md. The
backward is an operation of its own with a rule of its own, so that it can be differentiated again.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t

import numpy as np

from ..._checks import class_of, index, number
from ..._kernels import active as kernels
from ...autograd.grad_mode cimport recording
from ...errors import DTypeError, GraphError, ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating, operand
from ..math.broadcasting cimport contiguous_array, empty_array_like
from ..math.selection import where
from .log_softmax import log_softmax
from .losses cimport reduced_loss, reduction_named, weighed_product
from .softmax cimport softmax_backward
from .softmax import softmax

cnp.import_array()


cdef class CrossEntropy(Function):
    """loss = −log softmax(x) at the target:  dx = dloss · (softmax x − onehot) / N  (0)"""

    cdef int64_t ignore_index
    cdef double label_smoothing
    cdef str reduction

    cdef backward(self, Tensor dloss):
        logits, targets, weight, error = self.saved()
        return cross_entropy_backward(self, dloss, logits, targets, weight, error)


cdef class CrossEntropyBackward(CrossEntropy):
    """dlogits = dloss · error with error = y Σq − q, where y = softmax logits and q is the target:

    dL/d(dloss) = Σ ddx · error
    dL/dlogits = dloss · Σq · y · (ddx − Σ ddx · y)
    """

    cdef backward(self, Tensor ddx):
        dloss, logits, targets, weight = self.saved()
        cdef bint each = self.reduction == "none"
        q = distribution(self, logits, targets, weight)
        counted = np.not_equal((<Tensor>targets).array, self.ignore_index)
        if not counted.all():   # whatever is in the other rows, also NaN
            logits = where(wrap(counted[:, None]), logits, 0.0)
        q_sum = q.sum(1, keepdim=True)
        y = softmax(logits, 1)
        ddloss = dlogits = None
        if self.needs(0):
            ddloss = ddx * (y * q_sum - q)
            ddloss = ddloss.sum(1) if each else ddloss.sum()
        if self.needs(1):
            dlogits = (dloss.unsqueeze(1) if each else dloss) * q_sum * softmax_backward(ddx, y, 1)
        return ddloss, dlogits


cdef Tensor distribution(CrossEntropy self, Tensor logits, Tensor targets, Tensor weight):
    """What the logits are compared with: the q of (3b) for each row, for a mean divided by (4)."""
    t = targets.array
    counted = np.not_equal(t, self.ignore_index)
    rows, labels = np.flatnonzero(counted), t[counted]
    q = np.zeros_like(logits.array, order="C")
    q[rows] = self.label_smoothing / q.shape[1]
    q[rows, labels] += 1 - self.label_smoothing
    w = np.ones(q.shape[1], q.dtype) if weight is None else weight.array
    q *= w
    if self.reduction == "mean" and w[labels].any():
        q /= w[labels].sum(dtype=np.float64)
    return wrap(q)


cdef Tensor cross_entropy_backward(
    CrossEntropy call, Tensor dloss, Tensor logits, Tensor targets, Tensor weight, Tensor error
):
    cdef Tensor dlogits = wrap(empty_array_like(error.array))
    cdef CrossEntropyBackward node
    kernels.cross_entropy_backward(
        cnp.PyArray_Ravel(dloss.array, cnp.NPY_CORDER), error.array, targets.array, dlogits.array,
        call.ignore_index)
    if recording(dloss, logits):
        node = CrossEntropyBackward.__new__(CrossEntropyBackward)
        node.ignore_index = call.ignore_index
        node.label_smoothing = call.label_smoothing
        node.reduction = call.reduction
        record(node, dlogits, (dloss, logits)).save((dloss, logits, targets, weight))
    return dlogits


def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
    reduction="mean", label_smoothing=0.0
):
    """−w_t · log softmax(input)_t of the right class t, and its mean (default), its sum, or each.

    input: logits (N, C), (C,) or (N, C, …), float32 or float64.
    target: integer labels (N,), () or (N, …) from 0 to C − 1; those equal to ignore_index have loss
    and gradient 0. Or class probabilities: floats in the shape of the input.
    weight: (C,), a factor for each class. The mean is divided by the sum of the weights of the
    labels; it is nan when no label counts. label_smoothing: the share of the target, from 0 to 1,
    that is spread over all classes. Errors: IndexError for a label that is not a class, ShapeError,
    DTypeError, ValueError. torch.nn.functional.cross_entropy (which takes no int32 labels).
    In the book: python -m minigrad book cross_entropy
    """
    cdef str name = "cross_entropy"
    cdef Tensor x = scores(name, input, target), t, labels, w, loss
    cdef tuple shape = (<object>target_array(name, target)).shape
    cdef Py_ssize_t C = class_count(name, x)
    reduction = reduction_named(name, reduction, size_average, reduce)
    label_smoothing = number(name, "label_smoothing", label_smoothing, at_least=0, at_most=1)
    cdef int64_t ignored = label_to_ignore(name, ignore_index)
    w = class_weight(name, weight, x, C)
    if shape == (<object>x.array).shape:
        t = operand(name, "target", target)
        return of_probabilities(x, t, w, ignored, label_smoothing, reduction)
    labels = class_labels(name, x, target, C, ignored)
    loss = of_labels(rows_of_logits(x, C), labels, w, ignored, label_smoothing, reduction)
    return loss if reduction != "none" or len(shape) == 1 else loss.reshape(shape)


cdef Tensor of_labels(
    Tensor logits, Tensor labels, Tensor weight, int64_t ignore_index, double label_smoothing,
    str reduction
):
    """The loss of logits (N, C) and labels (N,), all verified."""
    shape = (<object>labels.array).shape if reduction == "none" else ()
    cdef Tensor loss = wrap(np.empty(shape, (<object>logits.array).dtype))
    cdef Tensor error = wrap(empty_array_like(logits.array)) if recording(logits) else None
    cdef CrossEntropy node
    kernels.cross_entropy_forward(
        contiguous_array(logits), labels.array, None if weight is None else weight.array,
        cnp.PyArray_Ravel(loss.array, cnp.NPY_CORDER), None if error is None else error.array,
        np.empty(cnp.PyArray_DIM(logits.array, 1)), ignore_index, label_smoothing, reduction)
    if error is not None:
        node = CrossEntropy.__new__(CrossEntropy)
        node.ignore_index = ignore_index
        node.label_smoothing = label_smoothing
        node.reduction = reduction
        record(node, loss, (logits,)).save((logits, labels, weight, error))
    return loss


cdef Tensor of_probabilities(
    Tensor x, Tensor target, Tensor weight, int64_t ignore_index, double label_smoothing,
    str reduction
):
    """The loss of logits and class probabilities of one shape: −Σ_c w_c q_c log softmax(x)_c."""
    cdef Py_ssize_t ndim = cnp.PyArray_NDIM(x.array), dim = 0 if ndim == 1 else 1
    cdef Py_ssize_t C = cnp.PyArray_DIM(x.array, dim)
    if not cnp.PyArray_ISFLOAT(target.array):
        raise DTypeError(
            f"cross_entropy: a target of the input's shape {tuple(x.shape)} is class probabilities "
            f"and must be float32 or float64, got {target.dtype}; turn one-hot rows into floats "
            f"with .float() or into labels with .argmax({dim}) (more: "
            "python -m minigrad book cross_entropy#eq-6a)")
    if ignore_index >= 0:
        raise ValueError(
            "cross_entropy: ignore_index is for labels, but target is class probabilities; "
            f"got ignore_index={ignore_index}")
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / C
    if weight is not None:
        target = weighed_product(target, weight.reshape(C, *[1] * max(ndim - 2, 0)))
    return reduced_loss(-weighed_product(target, log_softmax(x, dim)).sum(dim), reduction)


# --- nll_loss ----------------------------------------------------------------------------------

def nll_loss(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"
):
    """−w_t · input_t of the right class t, and its mean (default), its sum, or each.

    input: log-probabilities (N, C), (C,) or (N, C, …); the rest is as for cross_entropy with
    labels, which is this after log_softmax. torch.nn.functional.nll_loss.
    """
    cdef str name = "nll_loss"
    cdef Tensor x = scores(name, input, target)
    cdef tuple shape = (<object>target_array(name, target)).shape
    cdef Py_ssize_t C = class_count(name, x)
    reduction = reduction_named(name, reduction, size_average, reduce)
    cdef int64_t ignored = label_to_ignore(name, ignore_index)
    cdef Tensor w = class_weight(name, weight, x, C)
    labels = class_labels(name, x, target, C, ignored).array
    counted = labels != ignored
    labels = np.where(counted, labels, 0)
    factors = counted * (np.ones(C) if w is None else w.array)[labels]
    picked = rows_of_logits(x, C)[np.arange(len(labels)), labels]
    losses = weighed_product(-picked, wrap(factors.astype((<object>x.array).dtype)))
    losses = where(counted, losses, 0.0)
    if reduction == "none":
        return losses if len(shape) == 1 else losses.reshape(shape)
    total = losses.sum()
    return total / float(factors.sum(dtype=np.float64)) if reduction == "mean" else total


# --- what is checked before a kernel runs --------------------------------------------------------

cdef Tensor scores(str name, object input, object target):
    """input, which must be floats; labels in its place are mostly the two arguments swapped."""
    cdef Tensor x = operand(name, "input", input)
    if not cnp.PyArray_ISFLOAT(x.array) and isinstance(target, Tensor):
        if cnp.PyArray_ISFLOAT((<Tensor>target).array):
            raise DTypeError(
                f"{name}: input is {x.dtype} of shape {tuple(x.shape)}, target {target.dtype} of "
                f"shape {tuple(target.shape)}: these look swapped; write {name}(scores, labels)")
    return floating(name, "input", x)


cdef Py_ssize_t class_count(str name, Tensor x) except -1:
    """The number of classes: the size of dimension 1, or of a single dimension."""
    cdef int ndim = cnp.PyArray_NDIM(x.array)
    if ndim == 0:
        raise ShapeError(f"{name}: input must have a dimension of classes, got a 0-d tensor")
    cdef Py_ssize_t C = cnp.PyArray_DIM(x.array, 0 if ndim == 1 else 1)
    if C == 0:
        raise ShapeError(f"{name}: input of shape {tuple(x.shape)} has no classes")
    return C


cdef Tensor class_weight(str name, object weight, Tensor x, Py_ssize_t C):
    """The weights of the classes, or None."""
    if weight is None:
        return None
    cdef Tensor w = floating(name, "weight", weight)
    if (<object>w.array).shape != (C,):
        raise ShapeError(
            f"{name}: weight must have shape ({C},), a number for each class, got {tuple(w.shape)}")
    if w.dtype is not x.dtype:
        raise DTypeError(
            f"{name}: weight must have the input's dtype {x.dtype}, got {w.dtype}; convert it with "
            f".to({x.dtype})")
    if w.wants_grad():
        raise GraphError(
            f"{name}: weight requires a gradient, but the loss has none by it; use weight.detach()")
    if not (np.isfinite(w.array).all() and np.greater_equal(w.array, 0).all() and np.any(w.array)):
        raise ValueError(
            f"{name}: weight must be finite, >= 0 and not all 0, got {(<object>w.array).tolist()}")
    return w if cnp.PyArray_IS_C_CONTIGUOUS(w.array) else wrap(contiguous_array(w))


cdef int64_t label_to_ignore(str name, object ignore_index) except? -100:
    ignored = index(name, "ignore_index", ignore_index)
    if not -2**63 <= ignored < 2**63:
        raise ValueError(f"{name}: ignore_index must fit into int64, got {ignore_index}")
    return ignored


cdef cnp.ndarray target_array(str name, object target):
    if isinstance(target, Tensor):
        return (<Tensor>target).array
    if isinstance(target, np.ndarray) and not isinstance(target, np.ma.MaskedArray):
        return target
    raise TypeError(
        f"{name}: target must be a Tensor or a NumPy array, got {class_of(target)}")


cdef Tensor class_labels(str name, Tensor x, object target, Py_ssize_t C, int64_t ignore_index):
    """The labels as one row of int64, each verified to be a class or ignore_index."""
    cdef cnp.ndarray t = target_array(name, target)
    cdef Tensor labels
    cdef Py_ssize_t bad
    if (<object>t).dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: class labels must be integers, got {(<object>t).dtype} of shape "
            f"{(<object>t).shape}; convert them with .long() (more: "
            "python -m minigrad book cross_entropy#eq-0a)")
    check_label_shape(name, (<object>x.array).shape, (<object>t).shape)
    if (<object>t).dtype.kind == "u":
        too_large = np.greater(t, 2**63 - 1)
        if too_large.any():
            raise label_error(name, t, too_large.argmax(), C, ignore_index)
    if (isinstance(target, Tensor) and cnp.PyArray_TYPE(t) == cnp.NPY_INT64
            and cnp.PyArray_IS_C_CONTIGUOUS(t)):
        labels = target if cnp.PyArray_NDIM(t) == 1 else target.reshape(-1)
    else:
        labels = wrap(np.ascontiguousarray(t, dtype=np.int64).reshape(-1))
    bad = kernels.label_outside(labels.array, C, ignore_index)
    if bad >= 0:
        raise label_error(name, t, bad, C, ignore_index)
    return labels


cdef object label_error(
    str name, cnp.ndarray t, Py_ssize_t bad, Py_ssize_t C, int64_t ignore_index
):
    cdef tuple position = tuple(map(int, np.unravel_index(bad, (<object>t).shape)))
    at = f" at position {position[0] if len(position) == 1 else position}" if position else ""
    return IndexError(
        f"{name}: label {t[position]}{at} is not a class: with {C} classes the labels go from "
        f"0 to {C - 1}, and {ignore_index} is ignored")


cdef int check_label_shape(str name, tuple shape, tuple labels) except -1:
    cdef tuple expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if labels == expected:
        return 0
    message = f"{name}: input of shape {shape} takes labels of shape {expected}, got {labels}"
    if labels == shape[:1] + (1,) + shape[2:]:
        message += "; remove the dimension of size 1 with .squeeze(1)"
    elif labels and expected and labels[0] != expected[0]:
        message += f": the batch sizes {expected[0]} and {labels[0]} differ"
    raise ShapeError(message)


cdef Tensor rows_of_logits(Tensor x, Py_ssize_t C):
    """(C,) as (1, C), and (N, C, …) as (N · …, C)."""
    cdef int ndim = cnp.PyArray_NDIM(x.array)
    if ndim == 2:
        return x
    if ndim == 1:
        return x.reshape(1, C)
    return x.permute(0, *range(2, ndim), 1).reshape(cnp.PyArray_SIZE(x.array) // C, C)
