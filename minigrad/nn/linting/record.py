"""What a model and an optimizer note while they work, so that `nn.lint` can tell their story.

One number each, written where something is written anyway:

- a leaf, for `zero_grad()`: autograd/gradient_use.pxd;
- an optimizer, `_idle`: how many steps in a row have found no gradient, or only the zeros that
  zero_grad(set_to_none=False) had put in the place of one (optim/optimizer.py);
- a layer, `_record`: in training mode how many calls in a row ran under `no_grad()`, noted by what
  such calls should not have, batch normalization and dropout; in evaluation mode how often its own
  parameters had been written when the mode was switched.
"""

from collections.abc import Iterable

from ...tensor import Tensor

RENEWED = -1  # statistics were reset: calls under no_grad() gather them anew, until one is recorded


def after_call(record: int, recorded: bool) -> int:
    """The record of a layer in training mode after another call."""
    if recorded:
        return 0
    return record if record == RENEWED else record + 1


def at_switch(training: bool, own: Iterable[tuple[str, Tensor | None]]) -> int:
    """The record of a layer with these parameters after a switch to another mode."""
    return 0 if training else writes(own)


def writes(own: Iterable[tuple[str, Tensor | None]]) -> int:
    """How often these parameters have been written, all together."""
    return sum(each._version for _, each in own if each is not None)
