"""With how many threads minigrad computes: the public side of `workers.pyx`."""

import os

from .. import _checks
from . import workers


def set_num_threads(count: int, /) -> None:
    """Work on large arrays and matrix products with at most so many threads, from now on.

    No result depends on it. Ctrl-C is answered when the others have finished their parts. The
    threads of NumPy's BLAS are its own: OPENBLAS_NUM_THREADS, or `threadpoolctl`. Errors:
    TypeError, ValueError. torch.set_num_threads.
    """
    workers.allow(_checks.integer("set_num_threads", "count", count, at_least=1))


def get_num_threads() -> int:
    """With how many threads large arrays and products are computed at most. torch.get_num_threads.

    At first MINIGRAD_THREADS, or the number of processors that this process may use.
    """
    return workers.allowed_threads()


def _processors():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _from_environment():
    asked = os.environ.get("MINIGRAD_THREADS", "")
    if asked and not (asked.isdecimal() and int(asked) > 0):
        raise ValueError(f"MINIGRAD_THREADS must be a number of threads from 1 on, got {asked!r}")
    set_num_threads(int(asked or _processors()))


_from_environment()
