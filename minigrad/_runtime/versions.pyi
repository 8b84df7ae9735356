from typing import Any, final

from typing_extensions import disjoint_base

@disjoint_base
class Version:
    """How often memory was written, and by what; `memory` is the array in which all tensors lie."""

@disjoint_base
class SavedTensor:
    """A value that a rule will need, and how to know whether it was changed since.

    It holds the array rather than the Tensor: an in-place operation gives the Tensor a new history
    that may lead back here, and such a cycle would never be freed. The history is an arrow that
    the owner has anyway: `origin` says which of its inputs.
    """

@final
class Step:
    """One step from a base to its view, `function(x, *arguments)`, and the steps before it."""

def rebuild_view(base: Any, last: Step | None) -> Any:
    """The view of `base` that all steps up to `last` lead to."""
