"""Limits on a process: memory, and time for a call. Windows has neither; there none is set."""

import contextlib
import os
import signal

try:
    import resource
except ImportError:
    resource = None

HERE = resource is not None and hasattr(signal, "setitimer")


def limit_memory(size):
    """What asks for more than `size` bytes of address space is refused by the system."""
    # AddressSanitizer maps terabytes, and has a limit of its own.
    if resource and "libasan" not in os.environ.get("LD_PRELOAD", ""):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


@contextlib.contextmanager
def at_most(seconds, error):
    """Raise `error` in what takes longer: seconds of its own, whatever else the machine does."""
    if not HERE:
        yield
        return

    def too_long(*_):
        raise error

    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
