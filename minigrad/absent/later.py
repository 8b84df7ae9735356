"""Names that come at their first use, so that `import minigrad` stays quick: where each is.

By module: the name, and the module that defines it; None where it is a module itself. A module
that is listed here imports these names for type checkers alone.
"""

LATER: dict[str, dict[str, str | None]] = {
    "minigrad": {
        "datasets": None,
        "diagnosis": None,
        "explain": "minigrad.book.opening",
        "onnx": None,
        "source": "minigrad.book.subject",
    },
    "minigrad.nn": {
        "inspect_batch_norm": "minigrad.nn.utils.inspection",
        "lint": "minigrad.nn.linting.lint",
        "summary": "minigrad.nn.utils.summary",
    },
    "minigrad.utils": {
        "History": "minigrad.utils.history",
    },
    "minigrad.nn.utils": {
        "fold_batch_norm": "minigrad.nn.utils.folding",
        "recalibrate": "minigrad.nn.utils.recalibration",
        "weights_from_keras": "minigrad.nn.utils.keras_weights",
        "weights_to_keras": "minigrad.nn.utils.keras_weights",
    },
}
