"""The checks of an estimator's parameters. As scikit-learn wants it, they run in `fit`."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._checks import choice, flag, integer, limit, number

SOLVERS = ("adam", "sgd")
SCHEDULES = ("constant", "invscaling", "adaptive")


def refuse_sparse(owner: str, X: Any) -> None:
    """Raise for a sparse X: what makes one in a pipeline is an encoder, which can leave it."""
    if hasattr(X, "toarray"):
        raise TypeError(
            f"{owner}: X is sparse, and must be dense: X.toarray(), or in a pipeline "
            "OneHotEncoder(sparse_output=False), ColumnTransformer(…, sparse_threshold=0)"
        )


def check_training(estimator: Any) -> None:
    """Raise for the first parameter of the training that cannot be used; its message names it."""
    owner, values = type(estimator).__name__, estimator.get_params(deep=False)
    if isinstance(values["solver"], str) and values["solver"] == "lbfgs":
        raise ValueError(
            f"{owner}: solver='lbfgs' is not here: batch norm and dropout need batches. Use 'adam' "
            "or 'sgd', or sklearn.neural_network, which has it"
        )
    choice(owner, "solver", values["solver"], SOLVERS)
    choice(owner, "learning_rate", values["learning_rate"], SCHEDULES)
    if not isinstance(values["batch_size"], str) or values["batch_size"] != "auto":
        if isinstance(values["batch_size"], str):
            got = repr(values["batch_size"])
            raise ValueError(f"{owner}: batch_size must be 'auto' or an integer >= 1, got {got}")
        integer(owner, "batch_size", values["batch_size"], at_least=1)
    integer(owner, "max_iter", values["max_iter"], at_least=1)
    limit(owner, "n_iter_no_change", values["n_iter_no_change"], at_least=1)
    for name in ("alpha", "power_t", "tol"):
        number(owner, name, values[name], at_least=0)
    for name in ("learning_rate_init", "epsilon"):
        number(owner, name, values[name], above=0)
    for name in ("beta_1", "beta_2"):
        number(owner, name, values[name], at_least=0, below=1)
    number(owner, "momentum", values["momentum"], at_least=0, at_most=1)
    number(owner, "validation_fraction", values["validation_fraction"], above=0, below=1)
    for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
        boolean(owner, name, values[name])
    if not isinstance(values["verbose"], int):
        boolean(owner, "verbose", values["verbose"])
    try:
        check_random_state(values["random_state"])
    except (TypeError, ValueError):
        raise ValueError(
            f"{owner}: random_state must be None, an integer from 0 to 2**32 - 1 or a "
            f"numpy.random.RandomState, got {values['random_state']!r}"
        ) from None


def boolean(owner: str, name: str, value: Any) -> bool:
    """The bool in `value`, also one of NumPy, which a grid made of an array has."""
    return flag(owner, name, bool(value) if isinstance(value, np.bool_) else value)


def layer_sizes(owner: str, value: Any) -> tuple[int, ...]:
    """The sizes in hidden_layer_sizes: a number, or a sequence of them, also an empty one."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    several = value if isinstance(value, (tuple, list)) else (value,)
    return tuple(integer(owner, "hidden_layer_sizes", each, at_least=1) for each in several)
