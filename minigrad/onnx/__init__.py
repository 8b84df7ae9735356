"""Models for other programs: `export` writes what a model computes into an ONNX file.

In reading order:

    exporting  `export`: three runs of the model, compared, and the file
    tracing    one run: every recorded operation, and where its inputs came from
    rules      what each operation is called in ONNX
    draft      operations in order, before sizes are settled; and the file made of them
"""

from .exporting import export

__all__ = ["export"]
