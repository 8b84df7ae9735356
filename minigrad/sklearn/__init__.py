"""Networks as scikit-learn's estimators: for pipelines, grid search and cross-validation.

mlp         MLPClassifier and MLPRegressor: scikit-learn's parameters, batch norm and dropout
modules     ModuleClassifier and ModuleRegressor: around a Module of your own
tasks       what classes and numbers differ in: targets, losses, answers
fitting     what all of them share: the training loop, and what is remembered of it
optimizers  SGD and Adam in scikit-learn's spelling
options     the checks of their parameters

`import minigrad` does not load this room; it needs scikit-learn, the extra `sklearn`.
"""

from .._checks import installing

try:
    import sklearn  # noqa: F401
except ImportError as _missing:
    raise ImportError(
        f"minigrad.sklearn needs scikit-learn ({_missing}): {installing('sklearn')}"
    ) from None

from .mlp import MLPClassifier, MLPRegressor
from .modules import ModuleClassifier, ModuleRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "ModuleClassifier", "ModuleRegressor"]
