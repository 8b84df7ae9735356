"""Sources of random numbers: `Generator`, and the one that is used when none is given.

The numbers come from NumPy's PCG64. A state is a uint8 tensor, so it can be saved with `save`.
"""

import os
from contextlib import contextmanager

cimport numpy as cnp

import numpy as np

from . import dtypes
from ._checks import flag, index
from .devices import device as Device
from .tensor cimport Tensor, wrap

cnp.import_array()

FIRST_SEED = 67280421310721   # torch's, for a Generator that was not seeded
STATE_BYTES = 16 + 16 + 8 + 8


class Generator:
    """A source of random numbers with a state of its own. torch.Generator.

    The same seed gives the same numbers (not torch's). `numpy` is the NumPy generator inside.
    """

    def __init__(self, device="cpu"):
        self.device = Device(device)
        self.manual_seed(FIRST_SEED)

    def __repr__(self):
        return f"<Generator seeded with {self._seed}>"

    def manual_seed(self, seed):
        """Start again from `seed`, an integer from −2^63 to 2^64 − 1; returns the generator."""
        number = index("manual_seed", "seed", seed)
        if not -(2**63) <= number < 2**64:
            raise ValueError(f"manual_seed: seed must be from -2**63 to 2**64 - 1, got {number}")
        self._seed = number % 2**64
        self.numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self

    def initial_seed(self):
        """The seed that the numbers started from."""
        return self._seed

    def seed(self):
        """Start from a seed that cannot be guessed; returns it."""
        return self.manual_seed(int.from_bytes(os.urandom(8), "little")).initial_seed()

    def get_state(self):
        """Where the generator stands: a uint8 tensor for `set_state`."""
        state = self.numpy.bit_generator.state
        half = state["uinteger"] | state["has_uint32"] << 32   # 32 random bits may be left over
        packed = b"".join([
            state["state"]["state"].to_bytes(16, "little"),
            state["state"]["inc"].to_bytes(16, "little"),
            half.to_bytes(8, "little"),
            self._seed.to_bytes(8, "little"),
        ])
        return wrap(np.frombuffer(packed, np.uint8).copy())

    def set_state(self, new_state):
        """Go on from a state that `get_state` gave. Errors: TypeError, ValueError."""
        if not isinstance(new_state, Tensor) or new_state.dtype is not dtypes.uint8:
            raise TypeError(f"set_state: expected a tensor from get_state, got {new_state!r:.60}")
        packed = new_state.numpy().tobytes()

        def number(start, end):
            return int.from_bytes(packed[start:end], "little")

        if new_state.shape != (STATE_BYTES,) or number(36, 40) > 1:
            raise ValueError("set_state: this uint8 tensor is not a state of a minigrad Generator")
        bits = np.random.PCG64()
        bits.state = {
            "bit_generator": "PCG64", "state": {"state": number(0, 16), "inc": number(16, 32)},
            "uinteger": number(32, 36), "has_uint32": number(36, 40)}
        self.numpy = np.random.Generator(bits)
        self._seed = number(40, 48)
        return self

    def __reduce__(self):
        return (restored, (self.get_state(),))


def restored(state):
    """A Generator in the given state (for pickle and copy)."""
    return Generator().set_state(state)


default_generator = Generator()
default_generator.seed()


def generator_or_default(operation, generator):
    """The NumPy generator for the argument `generator` of an operation; None: the default one."""
    if generator is None:
        return default_generator.numpy
    if not isinstance(generator, Generator):
        kind = type(generator).__name__
        raise TypeError(f"{operation}: generator must be a minigrad.Generator or None, got {kind}")
    return generator.numpy


def manual_seed(seed):
    """Seed the default generator; returns it. torch.manual_seed."""
    return default_generator.manual_seed(seed)


def initial_seed():
    """The seed of the default generator. torch.initial_seed."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator: a uint8 tensor. torch.get_rng_state."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Put the default generator into a state that get_rng_state gave. torch.set_rng_state."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices=None, enabled=True):
    """In its `with` block draw as you like: then the default generator is where it was before.

    enabled=False does nothing. `devices` may be None or empty: there are no others than the
    processor. Errors: TypeError, ValueError. torch.random.fork_rng.
    """
    if devices:
        raise ValueError(f"fork_rng: devices must be None or empty, got {devices!r}")
    if not flag("fork_rng", "enabled", enabled):
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
