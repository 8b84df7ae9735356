"""The multilayer perceptron: scikit-learn's parameters, and with them scikit-learn's numbers.

The first weights, the order of the rows and the validation part are drawn from `random_state` as
sklearn.neural_network draws them. So the same estimator there learns the same, to rounding.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from .. import nn
from .._checks import choice, number
from ..autograd import no_grad
from ..dtypes import float64
from ..nn.utils import fold_batch_norm
from ..ops.array.creation import tensor
from .fitting import Network
from .options import boolean, layer_sizes
from .tasks import Classifier, Regressor

ACTIVATIONS = {"identity": nn.Identity, "logistic": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


class _Perceptron(Network):
    """Linear – (BatchNorm) – activation – (Dropout) per hidden layer, and a last Linear."""

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
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
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
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
        self.batch_norm = batch_norm
        self.dropout = dropout

    def _check(self) -> None:
        name = type(self).__name__
        layer_sizes(name, self.hidden_layer_sizes)
        choice(name, "activation", self.activation, tuple(ACTIVATIONS))
        boolean(name, "batch_norm", self.batch_norm)
        number(name, "dropout", self.dropout, at_least=0, below=1)

    def _design(self) -> dict[str, Any]:
        names = ("activation", "batch_norm", "dropout")
        sizes = layer_sizes(type(self).__name__, self.hidden_layer_sizes)
        return {"hidden_layer_sizes": sizes} | {name: getattr(self, name) for name in names}

    def _draws(self) -> bool:
        return self.dropout > 0

    def _build(self, inputs: int, outputs: int, rng: np.random.RandomState) -> nn.Module:
        hidden = layer_sizes(type(self).__name__, self.hidden_layer_sizes)
        self.n_layers_ = len(hidden) + 2
        layers: list[nn.Module] = []
        for position, sizes in enumerate(pairwise([inputs, *hidden, outputs])):
            last = position == len(hidden)
            layers.append(self._linear(*sizes, rng, biased=last or not self.batch_norm))
            if last:
                break
            if self.batch_norm:  # its mean would take a bias out again
                layers.append(nn.BatchNorm1d(sizes[1]))
            layers.append(ACTIVATIONS[self.activation]())
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
        return nn.Sequential(*layers)

    def _linear(self, fan_in: int, fan_out: int, rng: Any, biased: bool) -> nn.Linear:
        """Glorot's uniform weights, narrower for the logistic function; scikit-learn's draws."""
        bound = math.sqrt((2 if self.activation == "logistic" else 6) / (fan_in + fan_out))
        layer = nn.Linear(fan_in, fan_out, bias=biased, dtype=float64)
        with no_grad():
            layer.weight.copy_(tensor(rng.uniform(-bound, bound, (fan_in, fan_out)).T))
            if biased:
                layer.bias.copy_(tensor(rng.uniform(-bound, bound, fan_out)))
        return layer

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights of the fitted network, (inputs, outputs) per layer, batch norm folded in."""
        return [layer.weight.detach().numpy().T.copy() for layer in self._folded()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of the fitted network, (outputs,) per layer, batch norm folded in."""
        return [layer.bias.detach().numpy().copy() for layer in self._folded()]

    def _folded(self) -> list[nn.Linear]:
        if not hasattr(self, "module_"):
            raise AttributeError(f"{type(self).__name__} has no weights before fit")
        network = fold_batch_norm(self.module_)
        return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


class MLPClassifier(Classifier, _Perceptron):
    """A multilayer perceptron for classes. sklearn.neural_network.MLPClassifier.

    Hidden layers z = h W + b, then `activation`: "identity", "logistic", "tanh" or "relu". The loss
    is cross-entropy (of two classes: of one score, and its sigmoid) + alpha / 2 · Σ w² / rows, per
    batch. Labels are numbers or strings; rows of 0 and 1 are several yes or no (multilabel).

    batch_norm
        True puts batch normalization before each hidden activation. While it learns, every row
        is normalized by its batch; answers, and the scores of early stopping, use the running
        statistics. A last batch of one row joins the batch before it.
    dropout
        The probability with which a hidden value is 0 in training.

    The other parameters mean what they mean there. solver: "adam" or "sgd"; learning_rate
    ("constant", "invscaling", "adaptive"), power_t, momentum and nesterovs_momentum are for "sgd".
    There is no sample_weight.

    Attributes: module_ (the network, a Module), classes_, loss_, best_loss_, loss_curve_,
    validation_scores_, best_validation_score_, n_iter_, t_, n_layers_, n_outputs_,
    out_activation_, n_features_in_, feature_names_in_, coefs_, intercepts_.

    Errors: TypeError or ValueError from `fit` for a parameter that cannot be used, for NaN in X,
    and for a training that diverges; after it the estimator is as it was.
    """

    _columns_of_two_classes = 1


class MLPRegressor(Regressor, _Perceptron):
    """A multilayer perceptron for numbers. sklearn.neural_network.MLPRegressor.

    The loss is the squared error, 1/2 Σ (output − y)², summed over the columns of y, the mean over
    the rows. (There `loss_` is the mean over the columns, and the gradient that of the sum.) Early
    stopping scores with R². Parameters and attributes are those of `MLPClassifier`, without
    classes_.
    """
