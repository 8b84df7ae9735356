"""What every call keeps, however wrong it is: errors of these kinds, and nothing else changed."""

import numpy as np
from helpers.bad_values import THEIRS

import minigrad as m
from minigrad import nn, optim
from minigrad.display import printing
from minigrad.nn import functional as F
from minigrad.optim import lr_scheduler as schedule
from minigrad.utils import data

ALLOWED = (TypeError, ValueError, IndexError, RuntimeError, MemoryError, OSError, BufferError,
           OverflowError, KeyError)  # fmt: skip
NEVER = (RecursionError, SystemError)
MOST_BYTES = 1 << 20  # of an array that is looked at: some are stretched to gigabytes


def is_of_an_argument(error):
    """Whether an argument itself has raised it, when it was asked."""
    return any(words in str(error) for words in THEIRS)


def is_allowed(error):
    if isinstance(error, ZeroDivisionError):
        return "an integer divided by zero" in str(error)  # of integers, as Python's
    return is_of_an_argument(error) or isinstance(error, ALLOWED) and not isinstance(error, NEVER)


def fingerprint(value, seen=None):
    """A value that compares equal as long as nothing in `value` changed."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return "again"
    if isinstance(value, m.Tensor):
        seen.add(id(value))
        array = np.asarray(memoryview(value.detach().numpy()))
        parts = (value.requires_grad, value._version, id(value.grad_fn))
        return (bits(array), array.shape, str(array.dtype), *parts, fingerprint(value._grad, seen))
    if isinstance(value, np.ndarray):
        return bits(value), value.shape, str(value.dtype), value.flags.writeable
    if isinstance(value, m.Generator):
        return value.get_state().numpy().tobytes()
    if isinstance(value, (list, tuple)):
        seen.add(id(value))
        return [fingerprint(each, seen) for each in value]
    if isinstance(value, dict):
        seen.add(id(value))
        return [(repr(key)[:40], fingerprint(each, seen)) for key, each in value.items()]
    if isinstance(value, (nn.Module, optim.Optimizer, schedule.LRScheduler, data.Dataset,
                          data.DataLoader, data.Pass)):  # fmt: skip
        seen.add(id(value))
        # Of a loader, the pass under way: who iterates over a loader has begun one.
        members = [pair for pair in vars(value).items() if pair[0] != "_pass"]
        return [(name, fingerprint(each, seen)) for name, each in members]
    return id(value)


def bits(array):
    if array.dtype.hasobject:
        return repr(array)
    return array.tobytes() if array.nbytes < MOST_BYTES else array.strides


def settings():
    """What the library itself remembers."""
    return (
        m.is_grad_enabled(), m.get_default_dtype(), m.use_kernels.current,
        m.get_rng_state().tolist(), repr(vars(printing.options)), m.get_num_threads(),
    )  # fmt: skip


def restore(before):
    m.set_grad_enabled(before[0])
    m.set_default_dtype(before[1])
    m.use_kernels(before[2])
    m.set_printoptions(profile="default")
    m.set_num_threads(before[5])


def training():
    """The bits of three steps of a small network: the next valid call is right."""
    generator = m.Generator().manual_seed(1)
    x = m.randn(8, 3, generator=generator)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    with m.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    adam = optim.Adam(model.parameters())
    for _ in range(3):
        adam.zero_grad()
        F.cross_entropy(model(x), m.arange(8) % 2).backward()
        adam.step()
    return [p.detach().numpy().tobytes() for p in model.parameters()]
