"""Where a NaN or an infinity was born: the operation, and the line that called it.

Off, it costs one comparison per operation. On, nodes remember the lines that called them, and
`record` and the walk back show every result to the two observers here.
"""

import os
import sys
import threading
import traceback

cimport numpy as cnp

import numpy as np

from ..errors import GraphError
from ..tensor cimport Function, Tensor, observe_forward
from .engine cimport observe_backward

cnp.import_array()

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
FRAMES = 3   # of the caller's, the nearest

cdef bint remembering = False, checking = False
cdef object listener = None   # is shown what the walk back of this thread does: see `observed`
cdef object thread_of_listener = None
cdef object recorder = None   # is shown what this thread records: see `recorded`
cdef object thread_of_recorder = None


class detect_anomaly:
    """Within it, the first result or gradient that is NaN or infinite is an error.

    with autograd.detect_anomaly(): … around forward and backward. GraphError, as soon as a recorded
    operation makes such a number from finite ones, in either direction; it names the operation and
    the line that called it. check_nan=False only remembers the lines, for a later check of
    backward. Slow, and switched for all threads at once. torch.autograd.detect_anomaly, which
    checks gradients alone, and for NaN alone.
    """

    def __init__(self, check_nan=True):
        if not isinstance(check_nan, bool):
            raise TypeError(f"detect_anomaly: check_nan must be True or False, got {check_nan!r}")
        self.check_nan = check_nan

    def __enter__(self):
        self.before = remembering, checking
        switch(True, self.check_nan)
        return self

    def __exit__(self, *exception):
        remember, check = self.before
        switch(remember, check)


cdef int switch(bint remember, bint check) except -1:
    global remembering, checking
    remembering, checking = remember, check
    observe_forward(_after_forward if remember or recorder is not None else None)
    observe_backward(_after_backward if check or listener is not None else None)
    return 0


class observed:
    """Within it, `function(node, dy, answer)` is called for every node of this thread's passes."""

    def __init__(self, function):
        self.function = function

    def __enter__(self):
        global listener, thread_of_listener
        self.before = listener, thread_of_listener
        listener, thread_of_listener = self.function, threading.get_ident()
        switch(remembering, checking)
        return self

    def __exit__(self, *exception):
        global listener, thread_of_listener
        listener, thread_of_listener = self.before
        switch(remembering, checking)


class recorded:
    """Within it, `function(node, y, inputs)` is called for every operation this thread records."""

    def __init__(self, function):
        self.function = function

    def __enter__(self):
        global recorder, thread_of_recorder
        self.before = recorder, thread_of_recorder
        recorder, thread_of_recorder = self.function, threading.get_ident()
        switch(remembering, checking)
        return self

    def __exit__(self, *exception):
        global recorder, thread_of_recorder
        recorder, thread_of_recorder = self.before
        switch(remembering, checking)


def _after_forward(Function node not None, Tensor y not None, tuple inputs not None):
    """Remember the calling lines; refuse a y that is not finite though all inputs are."""
    cdef list calls = callers()
    node.called_at = calls
    if recorder is not None and threading.get_ident() == thread_of_recorder:
        recorder(node, y, inputs)
    if not checking or finite(y):
        return
    for x in inputs:
        if x is not None and not finite(x):
            return
    raise GraphError(
        f"detect_anomaly: {node.name()} makes {numbers_of(y)} from finite inputs, called here:\n"
        + "".join(traceback.format_list(calls)))


def _after_backward(Function node not None, Tensor dy not None, answer):
    """Show the listener what happens; refuse a gradient that is not finite though dy is."""
    if listener is not None and threading.get_ident() == thread_of_listener:
        listener(node, dy, answer)
    if not checking:
        return
    cdef tuple gradients = answer if type(answer) is tuple else (answer,)
    cdef Py_ssize_t i
    if not finite(dy):
        return
    for i in range(len(gradients)):
        if gradients[i] is None or finite(gradients[i]):
            continue
        calls = "; run forward within detect_anomaly() too, to see where it was called"
        if node.called_at is not None:
            calls = ", called here:\n" + "".join(traceback.format_list(node.called_at))
        raise GraphError(
            f"detect_anomaly: {node.name()} makes {numbers_of(gradients[i])} from a finite "
            f"gradient, for its input {i}{calls}")


cdef bint finite(Tensor x) except -1:
    return bool(np.isfinite(x.array).all())


cdef str numbers_of(Tensor x):
    """What is wrong with x, in words."""
    array = <object>x.array
    cdef Py_ssize_t nan = np.isnan(array).sum(), infinite = np.isinf(array).sum()
    found = [f"{count} {kind}" for count, kind in ((nan, "NaN"), (infinite, "infinite")) if count]
    return f"{' and '.join(found)} of {x.array.size} numbers"


cdef list callers():
    """The nearest lines outside the package, the calling one last."""
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return list(traceback.extract_stack(frame, limit=FRAMES)) if frame is not None else []
