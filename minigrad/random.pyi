from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from . import devices
from .devices import DeviceLike
from .tensor import Tensor

FIRST_SEED: int
STATE_BYTES: int
default_generator: Generator

class Generator:
    """A source of random numbers with a state of its own. torch.Generator.

    The same seed gives the same numbers (not torch's). `numpy` is the NumPy generator inside.
    """

    device: devices.device
    def __init__(self, device: DeviceLike = "cpu") -> None: ...
    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`, an integer from −2^63 to 2^64 − 1; returns the generator."""
    def initial_seed(self) -> int:
        """The seed that the numbers started from."""
    def seed(self) -> int:
        """Start from a seed that cannot be guessed; returns it."""
    def get_state(self) -> Tensor:
        """Where the generator stands: a uint8 tensor for `set_state`."""
    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from a state that `get_state` gave. Errors: TypeError, ValueError."""

def restored(state: Any) -> Generator:
    """A Generator in the given state (for pickle and copy)."""

def generator_or_default(operation: str, generator: Generator | None) -> np.random.Generator:
    """The NumPy generator for the argument `generator` of an operation; None: the default one."""

def manual_seed(seed: int) -> Generator:
    """Seed the default generator; returns it. torch.manual_seed."""

def initial_seed() -> int:
    """The seed of the default generator. torch.initial_seed."""

def get_rng_state() -> Tensor:
    """The state of the default generator: a uint8 tensor. torch.get_rng_state."""

def set_rng_state(new_state: Any) -> None:
    """Put the default generator into a state that get_rng_state gave. torch.set_rng_state."""

def fork_rng(devices: Any = None, enabled: bool = True) -> AbstractContextManager[None]:
    """In its `with` block draw as you like: then the default generator is where it was before.

    enabled=False does nothing. `devices` may be None or empty: there are no others than the
    processor. Errors: TypeError, ValueError. torch.random.fork_rng.
    """
