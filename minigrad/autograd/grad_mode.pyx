"""Grad mode: whether operations are recorded. Each thread has its own, and starts with it on."""

import functools
import inspect

from .. import _checks
from ..tensor cimport Tensor

include "../_runtime/thread_local.pxd"

cdef extern from *:
    "static MINIGRAD_THREAD_LOCAL int recording_off = 0;"
    int recording_off


cdef bint grad_mode() noexcept nogil:
    """Whether operations of this thread are recorded."""
    return not recording_off


cdef bint set_grad_mode(bint enabled) noexcept nogil:
    """Switch recording on or off; returns what it was."""
    global recording_off
    cdef bint before = not recording_off
    recording_off = not enabled
    return before


cdef bint recording(Tensor a, Tensor b=None, Tensor c=None):
    """Whether an operation on these tensors is to be recorded."""
    if recording_off:
        return False
    if a.wants_grad() or (b is not None and b.wants_grad()):
        return True
    return c is not None and c.wants_grad()


def is_grad_enabled():
    """Whether operations of this thread are recorded for backward."""
    return grad_mode()


class set_grad_enabled:
    """Switch recording on or off: at once, as a context manager, or as a decorator."""

    def __init__(self, mode):
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: expected True or False, got {mode!r}")
        self.mode = mode
        self.before = set_grad_mode(mode)

    def __enter__(self):
        set_grad_mode(self.mode)
        return self

    def __exit__(self, *exception):
        set_grad_mode(self.before)

    def __call__(self, function):
        # A decorator acts while the function runs, not where it is written.
        set_grad_mode(self.before)
        mode = self.mode
        return decorated(lambda: set_grad_enabled(mode), function)


class grad_switch:
    """Context manager and decorator that sets the grad mode to `mode`: no_grad, enable_grad."""

    mode = True

    def __new__(cls, function=None):
        if function is not None:
            return decorated(cls, function)
        self = object.__new__(cls)
        self.before = []   # a stack: one object may be entered again before it is left
        return self

    def __enter__(self):
        self.before.append(set_grad_mode(self.mode))
        return self

    def __exit__(self, *exception):
        set_grad_mode(self.before.pop())

    def __call__(self, function):
        return decorated(type(self), function)


class no_grad(grad_switch):
    """Nothing is recorded, and leaves may be changed: `with no_grad(): w -= lr * w.grad`."""

    mode = False


class enable_grad(grad_switch):
    """Inside it operations are recorded, even within `no_grad`."""


def decorated(manager, function):
    """`function` run under `manager()`; a generator gets the mode in its steps, not between."""
    _checks.function("grad mode", "what it decorates", function)
    if not inspect.isgeneratorfunction(function):
        @functools.wraps(function)
        def run(*arguments, **options):
            with manager():
                return function(*arguments, **options)
        return run

    @functools.wraps(function)
    def steps(*arguments, **options):
        generator = function(*arguments, **options)
        step, given = generator.send, None
        while True:
            try:
                with manager():
                    value = step(given)
            except StopIteration as stop:
                return stop.value
            try:
                step, given = generator.send, (yield value)
            except BaseException as error:   # thrown in by the caller, or GeneratorExit
                step, given = generator.throw, error
    return steps
