"""Models for other programs: `export` writes what a model computes into an ONNX file.

In reading order:

    exporting  four runs of the model, compared, and the file
    tracing    one run: every recorded operation, and where its inputs came from
    rules      what each operation is called in ONNX
    draft      operations in order, before sizes are settled; and the file made of them
"""

import os
from collections.abc import Sequence

from .. import _checks
from ..nn.module import Module
from ..serialization import atomic_write
from ..serialization.atomic_write import path_of
from ..tensor import Tensor

__all__ = ["export"]


def export(
    model: Module,
    args: Tensor | tuple[Tensor, ...],
    f: str | os.PathLike[str],
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_batch: bool = True,
) -> None:
    """Write what `model` computes in evaluation to the ONNX file `f`, whole or not at all.

    args: an example of the input, or a tuple of several. Every module can be exported that is made
    of recorded operations with a counterpart in ONNX. dynamic_batch: the file takes batches of any
    size, dimension 0 of the inputs; with False it takes the sizes of the example alone. Parameters
    keep the names of `state_dict`; inputs are called "input" (or "input_0", …), outputs "output",
    unless named. Needs the package onnx, the extra of that name; opset 21.
    Errors: ValueError for a model in training mode; GraphError, with the place, for an operation
    without counterpart, and for values computed from the input without being recorded: those of
    comparisons, argmax, detach, item. Nothing is written then. torch.onnx.export.
    """
    path = path_of("export", f)
    dynamic = _checks.flag("export", "dynamic_batch", dynamic_batch)
    from .exporting import exported  # late, so that `import minigrad` does not wait for it

    data = exported(model, args, input_names, output_names, dynamic)
    atomic_write.write(path, [data])
