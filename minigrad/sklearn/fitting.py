"""What all estimators share: the training loop, and what is remembered of it.

Everything is computed in float64: what scikit-learn hands over is float64, and an answer must not
depend, but for the last digits, on the rows that it is asked beside. A fit draws from
`random_state` alone: the generator that `minigrad.manual_seed` seeds is afterwards where it was.
"""

import contextlib
import copy
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import random
from ..autograd import enable_grad, no_grad
from ..dtypes import float64
from ..errors import ShapeError
from ..nn import Module
from ..nn.batch_norm import _BatchNorm
from ..ops.array.creation import tensor
from ..tensor import Tensor
from .optimizers import EpsilonHatAdam, VelocitySGD
from .options import check_training, refuse_sparse

SMALLEST_RATE = 1e-6  # where "adaptive" stops dividing


class Network(BaseEstimator, ABC):
    """An estimator whose `module_` is a Module. A task says what its numbers mean."""

    # What a subclass has as parameters, by scikit-learn's names.
    solver: str
    alpha: float
    batch_size: Any
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: Any
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float

    # None where early stopping, or its absence, does not ask for them.
    best_loss_: Any
    best_validation_score_: Any
    validation_scores_: Any

    @abstractmethod
    def _check(self) -> None:
        """Check the parameters that the training does not know."""

    @abstractmethod
    def _build(self, inputs: int, outputs: int, rng: np.random.RandomState) -> Module:
        """A new network for this many columns."""

    @abstractmethod
    def _design(self) -> dict[str, Any]:
        """The parameters that the network is built from."""

    @abstractmethod
    def _draws(self) -> bool:
        """Whether building and training draw from minigrad's generator."""

    @abstractmethod
    def _encoded(self, y: np.ndarray, first: bool, classes: Any) -> np.ndarray:
        """The targets as the loss wants them; the first time, also what they can be."""

    @abstractmethod
    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean loss of the rows of a batch."""

    @abstractmethod
    def _score_of(self, output: Tensor, target: np.ndarray) -> float:
        """How good the answers are, for early stopping."""

    @abstractmethod
    def _stratified_by(self, target: np.ndarray) -> np.ndarray | None:
        """What the validation part should have in the same shares as the rest."""

    def fit(self, X: Any, y: Any, **unknown: Any) -> Self:
        """Train a new network on X (n_samples, n_features) and y; with warm_start, the one of the
        last call. A fit that fails leaves the estimator as it was."""
        self._refuse("fit", unknown)
        return self._fit(X, y, incremental=False)

    def _refuse(self, method: str, unknown: dict[str, Any]) -> None:
        if unknown:
            raise TypeError(
                f"{type(self).__name__}: {method} takes X and y, not {', '.join(unknown)}; rows "
                "that shall count for more can be repeated (sklearn.utils.resample)"
            )

    def _fit(self, X: Any, y: Any, incremental: bool, classes: Any = None) -> Self:
        check_training(self)
        self._check()
        if self.early_stopping and incremental:
            raise ValueError(
                f"{type(self).__name__}: partial_fit does not support early_stopping=True: it "
                "makes one pass, and has nothing to stop"
            )
        kept = self.__dict__.copy()
        try:
            self._fit_or_raise(X, y, incremental, classes)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(kept)
            raise
        return self

    def _fit_or_raise(self, X: Any, y: Any, incremental: bool, classes: Any) -> None:
        first = not hasattr(self, "module_") or not (self.warm_start or incremental)
        refuse_sparse(type(self).__name__, X)
        X, y = validate_data(self, X, y, multi_output=True, dtype=np.float64, reset=first)
        target = self._encoded(y, first, classes)
        rng = check_random_state(self.random_state)
        with _seeded(rng.randint(2**31) if self._draws() else 0), enable_grad():
            if first:
                self.module_ = self._build(X.shape[1], self.n_outputs_, rng).double()
                self._built_from = {key: _kept(each) for key, each in self._design().items()}
                self.n_iter_ = self.t_ = self._without_progress = 0
                self.loss_curve_: list[float] = []
                self.best_loss_ = None if self.early_stopping else math.inf
                self.validation_scores_ = [] if self.early_stopping else None
                self.best_validation_score_ = -math.inf if self.early_stopping else None
                self._optimizer = self._new_optimizer()
            else:  # on copies, which replace nothing if the training fails
                self._check_design("partial_fit" if incremental else "warm_start=True")
                self.module_, self._optimizer = copy.deepcopy((self.module_, self._optimizer))
                self.loss_curve_ = list(self.loss_curve_)
                if not incremental:
                    self._optimizer = self._new_optimizer()
                if self.early_stopping:
                    self.validation_scores_ = list(self.validation_scores_ or [])
                    if self.best_validation_score_ is None:
                        self.best_validation_score_ = -math.inf
                elif self.best_loss_ is None:
                    self.best_loss_ = math.inf
            self._train(X, target, rng, 1 if incremental else self.max_iter, incremental)
        self.module_.eval()
        if not all(np.isfinite(each.detach().numpy()).all() for each in self.module_._tensors()):
            raise ValueError(
                f"{type(self).__name__}: the training diverged, weights are NaN or infinite. Scale "
                "the columns of X (StandardScaler), or try a smaller learning_rate_init"
            )

    def _check_design(self, what: str) -> None:
        """What goes on with a network cannot change what that was built from."""
        for name, now in self._design().items():
            before = getattr(self, "_built_from", {}).get(name, now)  # older pickles have none
            if before is not now and not _equal(before, now):
                raise ValueError(
                    f"{type(self).__name__}: {what} goes on with the network of the last call, "
                    f"which was built with {name}={before!r}, and now {name}={now!r}; for a new "
                    "network use sklearn.base.clone(estimator), or fit with warm_start=False"
                )

    def _new_optimizer(self) -> EpsilonHatAdam | VelocitySGD:
        parameters, rate = list(self.module_.parameters()), self.learning_rate_init
        if not parameters:
            raise ValueError(
                f"{type(self).__name__}: the module has no parameters that could learn"
            )
        if self.solver == "adam":
            return EpsilonHatAdam(parameters, rate, (self.beta_1, self.beta_2), self.epsilon)
        nesterov = bool(self.nesterovs_momentum and self.momentum > 0)
        return VelocitySGD(parameters, rate, self.momentum, nesterov=nesterov)

    def _train(
        self, X: np.ndarray, target: np.ndarray, rng: Any, epochs: int, incremental: bool
    ) -> None:
        held, best = None, None
        if self.early_stopping:
            try:
                X, X_held, target, y_held = train_test_split(
                    X,
                    target,
                    random_state=rng,
                    test_size=self.validation_fraction,
                    stratify=self._stratified_by(target),
                )
            except ValueError:
                raise ValueError(
                    f"{type(self).__name__}: early_stopping=True cannot hold back "
                    f"validation_fraction = {self.validation_fraction} of n_samples = {len(X)}: "
                    "both parts need a row or more, of two classes one of each; give more rows, "
                    "also of the rarer class, or another fraction"
                ) from None
            if len(X_held) < 2:
                raise ValueError(
                    f"{type(self).__name__}: the validation set has {len(X_held)} row; increase "
                    "validation_fraction or the number of samples"
                )
            held = tensor(X_held), y_held
            if self.best_validation_score_ > -math.inf:  # warm_start: of an earlier call
                best = copy.deepcopy(self.module_.state_dict())
        batches = self._batches(len(X))
        order = np.arange(len(X))
        self.n_iter_ = 0
        try:
            for _ in range(epochs):
                if self.shuffle:
                    rng.shuffle(order)
                self.module_.train()
                total = sum(self._step(X[order[rows]], target[order[rows]]) for rows in batches)
                self.n_iter_ += 1
                self.t_ += len(X)
                self.loss_ = total / len(X)
                self.loss_curve_.append(self.loss_)
                if math.isnan(self.loss_):  # so are the weights now, and remain so
                    break
                if self.verbose:
                    print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
                if held is None:
                    self._note_loss()
                elif self._note_score(*held):
                    best = copy.deepcopy(self.module_.state_dict())  # the running statistics, too
                self._end_epoch()
                if self._without_progress > self.n_iter_no_change and self._stops():
                    break
                if self.n_iter_ == self.max_iter and not incremental:
                    warnings.warn(
                        f"{type(self).__name__}: after max_iter = {self.max_iter} epochs the "
                        "training has not converged yet",
                        ConvergenceWarning,
                        stacklevel=5,
                    )
        except KeyboardInterrupt:
            warnings.warn(
                f"{type(self).__name__}: training interrupted by user after {self.n_iter_} epochs",
                stacklevel=5,
            )
        if best is not None:
            self.module_.load_state_dict(best)

    def _step(self, X: np.ndarray, target: np.ndarray) -> float:
        """One step on a batch; the sum of the losses of its rows."""
        loss = self._loss(self._output(tensor(X)), tensor(target))
        if self.alpha:  # 1/2 α Σ w² / rows: an L2 penalty for weights, not for biases, γ and β
            squares = [(each * each).sum() for each in self.module_.parameters() if each.ndim > 1]
            for each in squares:
                loss = loss + each * (0.5 * self.alpha / len(X))
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss.item() * len(X)

    def _batches(self, rows: int) -> list[slice]:
        """All rows in batches. With batch norm none has one row alone: it joins the one before."""
        size = min(200 if self.batch_size == "auto" else self.batch_size, rows)
        batches = list(gen_batches(rows, size))
        if any(isinstance(layer, _BatchNorm) for layer in self.module_.modules()):
            if size == 1:
                raise ValueError(
                    f"{type(self).__name__}: batch norm needs batches of two rows or more, for one "
                    f"row has no variance; got n_samples = {rows}, batch_size = {self.batch_size}"
                )
            if rows % size == 1:
                batches[-2:] = [slice(batches[-2].start, rows)]
        return batches

    def _note_loss(self) -> None:
        better = self.loss_ <= self.best_loss_ - self.tol
        self._without_progress = 0 if better else self._without_progress + 1
        self.best_loss_ = min(self.best_loss_, self.loss_)

    def _note_score(self, X: Tensor, target: np.ndarray) -> bool:
        """Score the network as it would answer; whether it is the best one so far."""
        self.module_.eval()
        with no_grad():
            score = self._score_of(self._output(X), target)
        self.validation_scores_.append(score)
        if self.verbose:
            print(f"Validation score: {score:.6f}")
        better = score >= self.best_validation_score_ + self.tol
        self._without_progress = 0 if better else self._without_progress + 1
        best = score > self.best_validation_score_
        self.best_validation_score_ = max(score, self.best_validation_score_)
        return best

    def _end_epoch(self) -> None:
        if isinstance(self._optimizer, VelocitySGD) and self.learning_rate == "invscaling":
            self._optimizer.set_rate(self.learning_rate_init / (self.t_ + 1) ** self.power_t)

    def _stops(self) -> bool:
        """Whether a training without progress ends here; "adaptive" goes on with smaller steps."""
        smaller, optimizer = None, self._optimizer
        if isinstance(optimizer, VelocitySGD) and self.learning_rate == "adaptive":
            rate = optimizer.param_groups[0]["lr"]
            if rate > SMALLEST_RATE:
                smaller = rate / 5
                optimizer.set_rate(smaller)
                self._without_progress = 0
        if self.verbose:
            what = "Validation score" if self.early_stopping else "Training loss"
            then = "Stopping." if smaller is None else f"Setting learning rate to {smaller:f}"
            print(
                f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
                f"consecutive epochs. {then}"
            )
        return smaller is None

    def _output(self, X: Tensor) -> Tensor:
        """What the network says: a row per sample, and a column per output."""
        output = self.module_(X)
        if not isinstance(output, Tensor):
            raise TypeError(
                f"{type(self).__name__}: the module must give a Tensor, got {type(output).__name__}"
            )
        if self.n_outputs_ == 1 and output.shape == X.shape[:1]:
            output = output.unsqueeze(1)
        if output.shape != (X.shape[0], self.n_outputs_):
            raise ShapeError(
                f"{type(self).__name__}: the module must give (n_samples, n_outputs) = "
                f"{(X.shape[0], self.n_outputs_)}, got {tuple(output.shape)}"
            )
        return output

    def _answer(self, X: Any) -> Tensor:
        """The network's output for rows that it has not learned from, unrecorded."""
        check_is_fitted(self, "module_")
        refuse_sparse(type(self).__name__, X)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        self.module_.eval()
        with no_grad():
            return self._output(tensor(X, dtype=float64))


def _kept(value: Any) -> Any:
    """A parameter as it is now, also if its list is changed in place."""
    return copy.deepcopy(value) if isinstance(value, (list, dict, np.ndarray)) else value


def _equal(before: Any, now: Any) -> bool:
    """Whether two values of a parameter are the same; arrays and others that compare oddly, too."""
    same = before == now
    return bool(same) if isinstance(same, (bool, np.bool_)) else repr(before) == repr(now)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """minigrad's generator starts from `seed`; afterwards it is where it was before."""
    with random.fork_rng():
        random.manual_seed(seed)
        yield
