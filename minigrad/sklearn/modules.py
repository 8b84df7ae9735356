"""Any Module as an estimator: the network is your own, the training is that of the perceptrons."""

import contextlib
import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from .. import nn
from .fitting import Network
from .tasks import Classifier, Regressor

PREFIX = "module__"


class _Wrapped(Network):
    """What both wrappers share: a Module, or what makes one, and its own parameters."""

    def __init__(
        self,
        module: Callable[..., nn.Module] | nn.Module,
        *,
        solver: str = "adam",
        alpha: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        **module__: Any,
    ) -> None:
        self.module = module
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        for name in module__:
            if not name.startswith(PREFIX):
                raise TypeError(
                    f"{type(self).__name__}: there is no parameter {name!r}; those of the module "
                    f"begin with {PREFIX}, such as {PREFIX}{name}"
                )
        self._module_parameters = module__

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All parameters, those of the module with their prefix `module__`."""
        return super().get_params(deep) | self._module_parameters

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name: those of the module are `module__…`."""
        own = {name: value for name, value in params.items() if name.startswith(PREFIX)}
        super().set_params(**{name: params[name] for name in params if name not in own})
        self._module_parameters = self._module_parameters | own
        return self

    def _check(self) -> None:
        if not isinstance(self.module, nn.Module) and not callable(self.module):
            raise TypeError(
                f"{type(self).__name__}: module must be a Module, or a class or function that "
                f"makes one, got {type(self.module).__name__}"
            )

    def _design(self) -> dict[str, Any]:
        return {"module": self.module, **self._module_parameters}

    def _draws(self) -> bool:
        return True

    def _build(self, inputs: int, outputs: int, rng: np.random.RandomState) -> nn.Module:
        name = type(self).__name__
        own = {key.removeprefix(PREFIX): each for key, each in self._module_parameters.items()}
        if isinstance(self.module, nn.Module):
            if own:
                raise TypeError(f"{name}: module is made already, and takes no {PREFIX}{[*own][0]}")
            return copy.deepcopy(self.module)
        takes: Mapping[str, inspect.Parameter] = {}
        with contextlib.suppress(ValueError):  # some that are compiled have none
            takes = inspect.signature(self.module).parameters
        for key in own:
            if key not in takes and not any(p.kind == p.VAR_KEYWORD for p in takes.values()):
                raise TypeError(
                    f"{name}: {PREFIX}{key}: the module takes {', '.join(takes) or 'nothing'}"
                )
        known = {"in_features": inputs, "out_features": outputs}
        variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        for key, p in takes.items():
            if p.default is p.empty and p.kind not in variadic and key not in known | own:
                raise TypeError(
                    f"{name}: the module wants {key!r}; fit gives {' and '.join(known)}, by these "
                    f"names, and everything else is yours to give: {PREFIX}{key}=…"
                )
        made = self.module(**{key: known[key] for key in known if key in takes} | own)
        if not isinstance(made, nn.Module):
            raise TypeError(f"{name}: module must make a Module, got {type(made).__name__}")
        return made


class ModuleClassifier(Classifier, _Wrapped):
    """A classifier around a Module of your own.

    module
        A class or function that makes a Module. It is called by `fit` with those of in_features
        (columns of X) and out_features (scores per row) that it takes, and with all parameters of
        this estimator that begin with `module__`: module__hidden=32 becomes hidden=32. A Module
        that is made already is copied: each fit begins with its weights.

    The Module gets X as float64, and gives a score (logit, no softmax) per class, also of two
    classes, or per column of yes or no. The rest is as in `MLPClassifier`; alpha is for all
    parameters of two dimensions or more. Give a class or a function of a file, not a lambda, if the
    estimator is to be pickled or to run with n_jobs.
    """


class ModuleRegressor(Regressor, _Wrapped):
    """A regressor around a Module of your own: it gives a number per column of y.

    `module` and its parameters are as in `ModuleClassifier`, loss and score as in `MLPRegressor`.
    """
