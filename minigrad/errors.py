"""The exceptions of minigrad: each is also the built-in that code written for torch would catch."""


class ShapeError(ValueError, RuntimeError):
    """Shapes or sizes do not fit together; the message names the operation and both shapes."""


class DTypeError(TypeError, RuntimeError):
    """A dtype that the operation cannot take; the message names it and what is expected."""


class GraphError(RuntimeError):
    """A misuse of the graph: backward twice, a saved value changed, no gradient available."""


class CheckpointError(ValueError, RuntimeError):
    """A file that is damaged, hostile or not a checkpoint; nothing was read from it."""
