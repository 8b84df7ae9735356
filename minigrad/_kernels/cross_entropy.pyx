"""Softmax and cross-entropy in one, from logits and class labels, forward and backward.

The forward pass also writes `error`, the gradient of its result by the logits, because everything
in it is at hand there; the backward pass only scales it.

Derivation: docs/derivations/cross_entropy.md
"""

from libc.math cimport INFINITY, NAN, log1p
from libc.stdint cimport int64_t

from .rows cimport exponentials
from .types cimport check_signals_every, chunk_end, in_float32, real


cdef Py_ssize_t _label_outside(
    const int64_t[::1] targets, Py_ssize_t C, int64_t ignore_index
) except -2 nogil:
    cdef Py_ssize_t n, start, stop = 0
    while stop < targets.shape[0]:
        start, stop = stop, chunk_end(stop, targets.shape[0])
        for n in range(start, stop):
            if not 0 <= targets[n] < C and targets[n] != ignore_index:
                return n
    return -1


def label_outside(targets not None, C, ignore_index):
    """Position of the first label that is neither one of 0 … C − 1 nor ignore_index; -1 if none."""
    return _label_outside(targets, C, ignore_index)


cdef inline double weighed(double weight, double h) noexcept nogil:
    """weight · h, where a weight of 0 takes out an infinite h."""
    return 0 if weight == 0 and h == INFINITY else weight * h


cdef int _cross_entropy_forward(
    const real[:, ::1] logits, const int64_t[::1] targets, const real[::1] weight,
    real[::1] loss, real[:, ::1] error, double[::1] scratch,
    int64_t ignore_index, double label_smoothing, bint each, bint mean,
) except -1:
    cdef Py_ssize_t N = logits.shape[0], C = logits.shape[1], n, c, t, a, done = 0
    cdef bint weighted = weight is not None, with_error = error is not None
    cdef double hard = 1 - label_smoothing, soft = label_smoothing / (C or 1)
    cdef double total_weight = 0, weight_sum = 0, total = 0, scale = 1
    cdef double m, w, w_c, rest, log_sum, row, inv_sum, not_t, k, u
    if (
        targets.shape[0] != N or scratch.shape[0] < C or loss.shape[0] != (N if each else 1)
        or (weighted and weight.shape[0] != C)
        or (with_error and (error.shape[0] != N or error.shape[1] != C))
    ):
        raise ValueError(f"cross_entropy_forward: the sizes do not fit logits of ({N}, {C})")
    n = _label_outside(targets, C, ignore_index)
    if n >= 0:
        raise IndexError(f"cross_entropy_forward: label {targets[n]} at {n}, C = {C}")
    with nogil:
        for c in range(C):
            weight_sum += weight[c] if weighted else 1
        for n in range(N):
            if targets[n] != ignore_index:
                total_weight += weight[targets[n]] if weighted else 1     # (4)
        if mean:
            scale = 1 / total_weight if total_weight != 0 else 0
        for n in range(N):
            t = targets[n]
            if t == ignore_index:
                if each:
                    loss[n] = 0
                if with_error:
                    for c in range(C):
                        error[n, c] = 0
                continue
            w = weight[t] if weighted else 1
            rest = exponentials(&logits[n, 0], &scratch[0], C, &a)        # (1)
            log_sum = log1p(rest)
            m = logits[n, a]
            row = weighed(hard * w, (m - logits[n, t]) + log_sum)         # (2) (3)
            if soft != 0:
                for c in range(C):
                    w_c = weight[c] if weighted else 1
                    row += weighed(soft * w_c, (m - logits[n, c]) + log_sum)
            total += row
            if each:
                loss[n] = <real> row
            if with_error:
                inv_sum = 1 / (1 + rest)
                not_t = (rest if t == a else (1 + rest) - scratch[t]) * inv_sum   # (7)
                k = scale * (hard * w + soft * weight_sum) * inv_sum
                u = scale * soft
                for c in range(C):
                    w_c = weight[c] if weighted else 1
                    error[n, c] = <real> (k * scratch[c] - u * w_c)       # (0) (6)
                error[n, t] = <real> (u * (weight_sum * scratch[t] * inv_sum - w)
                                      - scale * hard * w * not_t)         # (8)
            check_signals_every(&done, C)
        if mean:
            total = total / total_weight if total_weight != 0 else NAN    # (5)
        if not each:
            loss[0] = <real> total
    return 0


def cross_entropy_forward(
    logits not None, targets not None, weight, loss not None, error, scratch not None,
    ignore_index, label_smoothing, reduction,
):
    """error = (softmax(x) − onehot(t)) / N                             (0)   the plain case

    Without weights, smoothing and ignored rows, that is, and for the mean. In general: loss of
    logits (N, C) and labels t (N,), and error, the gradient of loss by the logits.

    Of one row x of logits, with a = argmax x, m = x_a and ε = label_smoothing:

    rest = Σ_{c≠a} exp(x_c − m)                                      (1)
    h_c = −log y_c = (m − x_c) + log1p(rest)                         (2)
    loss = (1 − ε) w_t h_t + ε/C · Σ_c w_c h_c                       (3)   reduction "none"
    total_weight = Σ_n w_t                                           (4)
    mean_loss = Σ_n loss / total_weight                              (5)   reduction "mean"
    error_c = ((1 − ε) w_t + ε/C · Σ_j w_j) y_c − ε/C · w_c          (6)   for c ≠ t
    not_t = 1 − y_t = (1 + rest − exp(x_t − m)) / (1 + rest)         (7)
    error_t = ε/C · (y_t Σ_j w_j − w_t) − (1 − ε) w_t · not_t        (8)

    A term of (3) whose factor is 0 is 0, also where h = ∞. Rows whose label is ignore_index are
    in no sum; their loss and error are 0. loss is (N,) for
    "none", else (1,), and with "mean" error is divided by total_weight too. weight (C,) may be None
    (all ones); so may error, when no gradient is wanted; scratch holds C float64.
    """
    cdef bint each = reduction == "none", mean = reduction == "mean"
    if in_float32("cross_entropy_forward", logits):
        _cross_entropy_forward[float](logits, targets, weight, loss, error, scratch,
                                      ignore_index, label_smoothing, each, mean)
    else:
        _cross_entropy_forward[double](logits, targets, weight, loss, error, scratch,
                                       ignore_index, label_smoothing, each, mean)


cdef int _cross_entropy_backward(
    const real[::1] dloss, const real[:, ::1] error, const int64_t[::1] targets,
    real[:, ::1] dlogits, int64_t ignore_index,
) except -1:
    cdef Py_ssize_t N = error.shape[0], C = error.shape[1], n, c, done = 0
    cdef bint each = dloss.shape[0] != 1
    cdef real g
    if (
        dloss.shape[0] not in (1, N) or targets.shape[0] != N
        or dlogits.shape[0] != N or dlogits.shape[1] != C
    ):
        raise ValueError(f"cross_entropy_backward: the sizes do not fit an error of ({N}, {C})")
    with nogil:
        for n in range(N):
            g = 0 if targets[n] == ignore_index else dloss[n if each else 0]
            for c in range(C):
                dlogits[n, c] = g * error[n, c]                           # (9)
            check_signals_every(&done, C)
    return 0


def cross_entropy_backward(
    dloss not None, error not None, targets not None, dlogits not None, ignore_index
):
    """dlogits from dloss, (N,) or (1,), and the error (N, C) of the forward pass.

    dlogits_nc = dloss_n · error_nc          (9)   0 where the label is ignore_index
    """
    if in_float32("cross_entropy_backward", error):
        _cross_entropy_backward[float](dloss, error, targets, dlogits, ignore_index)
    else:
        _cross_entropy_backward[double](dloss, error, targets, dlogits, ignore_index)
