"""Memory that several tensors share: how often it was written, and how views follow.

Every tensor on the memory shares one `Version`. A node that saves a value notes the count at that
time. A view notes the steps from its base, to repeat them once the base was written.
"""

cimport cython

from ..errors import GraphError


# Without garbage collection: these refer to nothing that could refer back, and there are as many of
# them as operations.

@cython.no_gc
@cython.freelist(256)
cdef class Version:
    """How often memory was written, and by what; `memory` is the array in which all tensors lie."""


@cython.no_gc
@cython.freelist(256)
cdef class SavedTensor:
    """A value that a rule will need, and how to know whether it was changed since.

    It holds the array rather than the Tensor: an in-place operation gives the Tensor a new history
    that may lead back here, and such a cycle would never be freed. The history is an arrow that
    the owner has anyway: `origin` says which of its inputs.
    """

    cdef int verify(self, object owner) except -1:
        """Raise an error if the value has changed."""
        if self.version.count != self.count:
            raise GraphError(
                f"{type(owner).__name__}.backward: a value saved for the backward pass was changed "
                f"in place by {self.version.writer} (version {self.version.count}, expected "
                f"{self.count}); make the change on a .clone(), or after backward (more: "
                "python -m minigrad book autograd_words#in-place)")
        return 0


@cython.no_gc
@cython.final
@cython.freelist(256)
cdef class Step:
    """One step from a base to its view, `function(x, *arguments)`, and the steps before it."""


def rebuild_view(base, Step last):
    """The view of `base` that all steps up to `last` lead to."""
    cdef list steps = []
    cdef Step step = last
    while step is not None:
        steps.append(step)
        step = step.before
    while steps:
        step = <Step>steps.pop()
        base = step.function(base, *step.arguments)
    return base
