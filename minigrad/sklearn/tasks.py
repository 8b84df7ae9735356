"""What classes and numbers differ in: targets, losses, answers, and the score of early stopping."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..nn import functional as F
from ..ops.array.creation import zeros_like
from ..ops.array.joining import cat
from ..tensor import Tensor
from .fitting import Network


class Classifier(ClassifierMixin, Network):
    """Classes, from scores: labels of any kind, or several yes or no per row (multilabel)."""

    classes_: np.ndarray
    _columns_of_two_classes = 2

    def _encoded(self, y: np.ndarray, first: bool, classes: Any) -> np.ndarray:
        """Positions in `classes_`; as numbers from 0 to 1 in columns where each is a yes or no."""
        check_classification_targets(y)
        name = type(self).__name__
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        multilabel = type_of_target(y) == "multilabel-indicator"
        if y.ndim == 2 and not multilabel:
            raise ValueError(
                f"{name}: y must hold one label per row, or only 0 and 1 (multilabel), "
                f"got shape {y.shape}"
            )
        if multilabel:
            if first:
                self._learn_classes(np.arange(y.shape[1]), multilabel)
            if not self._multilabel or y.shape[1] != self.n_outputs_:
                raise ValueError(f"{name}: y has {y.shape[1]} columns, which no earlier call had")
            return y.astype(np.float64)
        if first:
            self._learn_classes(np.unique(y) if classes is None else classes, multilabel)
        unknown = np.setdiff1d(y, self.classes_)
        if self._multilabel or len(unknown):
            raise ValueError(
                f"{name}: y has labels {unknown.tolist() or 'in one column'} that classes_ has "
                f"not: {self.classes_.tolist()}"
            )
        codes = np.searchsorted(self.classes_, y)
        return codes[:, None].astype(np.float64) if self.n_outputs_ == 1 else codes

    def _learn_classes(self, classes: np.ndarray, multilabel: bool) -> None:
        self.classes_, self._multilabel = classes, multilabel
        two = len(classes) == 2 and not multilabel
        self.n_outputs_ = self._columns_of_two_classes if two else len(classes)
        single = multilabel or self.n_outputs_ < len(classes)
        self.out_activation_ = "logistic" if single else "softmax"

    def partial_fit(self, X: Any, y: Any, classes: Any = None, **unknown: Any) -> Self:
        """One pass over X and y, on top of what is learned. The first call names all `classes`."""
        self._refuse("partial_fit", unknown)
        labels = None if classes is None else self._labels(classes)
        if not hasattr(self, "module_"):
            if labels is None:
                raise ValueError(
                    f"{type(self).__name__}: classes must be passed on the first call to "
                    "partial_fit: all labels that any call will have"
                )
        elif labels is not None and not np.array_equal(self.classes_, labels):
            raise ValueError(
                f"{type(self).__name__}: classes={classes} is not what the first call had: "
                f"{self.classes_.tolist()}"
            )
        return self._fit(X, y, incremental=True, classes=labels)

    def _labels(self, classes: Any) -> np.ndarray:
        """The sorted labels in what `partial_fit` was given as `classes`."""
        try:
            if np.ndim(classes) and len(classes):
                return np.unique(classes)
        except (TypeError, ValueError):  # labels that have no order, or lists of several lengths
            pass
        raise ValueError(
            f"{type(self).__name__}: classes must be a list of all labels, all numbers or all "
            f"strings, got {classes!r}"
        )

    def predict(self, X: Any) -> np.ndarray:
        """The label with the highest score; of several yes or no, a 1 where yes is likelier."""
        scores = self._answer(X)
        if self._multilabel:
            return (scores.numpy() > 0).astype(int)
        return self.classes_[self._scores_of_classes(scores).argmax(1).numpy()]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n_samples, n_classes), in the order of `classes_`."""
        scores = self._answer(X)
        if self._multilabel:
            return F.sigmoid(scores).numpy().copy()
        return F.softmax(self._scores_of_classes(scores), 1).numpy().copy()

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of `predict_proba`, finite where a probability is too small for it."""
        scores = self._answer(X)
        if self._multilabel:
            return -np.logaddexp(0, -scores.numpy())
        return F.log_softmax(self._scores_of_classes(scores), 1).numpy().copy()

    def _scores_of_classes(self, output: Tensor) -> Tensor:
        """A score per class: the one output of two classes is that of the second, beside a 0."""
        if output.shape[1] == len(self.classes_):
            return output
        return cat([zeros_like(output), output], 1)

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        if target.ndim == 1:
            return F.cross_entropy(output, target)
        total = F.binary_cross_entropy_with_logits(output, target, reduction="sum")
        return total / len(target)

    def _score_of(self, output: Tensor, target: np.ndarray) -> float:
        """The share of rows that are right, in all their columns."""
        scores = output.numpy()
        if target.ndim == 1:
            return float(np.mean(scores.argmax(1) == target))
        return float(np.mean(((scores > 0) == target).all(1)))

    def _stratified_by(self, target: np.ndarray) -> np.ndarray | None:
        return target if len(self.classes_) == 2 and not self._multilabel else None

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class Regressor(RegressorMixin, MultiOutputMixin, Network):
    """Numbers, one column or several."""

    def _encoded(self, y: np.ndarray, first: bool, classes: Any) -> np.ndarray:
        columns = y if y.ndim == 2 else y[:, None]
        if first:
            self.n_outputs_, self.out_activation_ = columns.shape[1], "identity"
            self._flat = y.ndim == 1
        elif columns.shape[1] != self.n_outputs_:
            raise ValueError(
                f"{type(self).__name__}: y has {columns.shape[1]} columns, the first call had "
                f"{self.n_outputs_}"
            )
        try:
            return columns.astype(np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                f"{type(self).__name__}: y must hold numbers, got dtype {y.dtype}; labels are for "
                "a classifier"
            ) from None

    def partial_fit(self, X: Any, y: Any, **unknown: Any) -> Self:
        """One pass over X and y, on top of what is learned."""
        self._refuse("partial_fit", unknown)
        return self._fit(X, y, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """Numbers in the shape of y: (n_samples,), or (n_samples, n_outputs)."""
        output = self._answer(X).numpy().copy()
        return output[:, 0] if self._flat else output

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        """1/2 Σ (output − y)², summed over the columns, the mean over the rows."""
        return ((output - target) ** 2).sum() * (0.5 / len(target))

    def _score_of(self, output: Tensor, target: np.ndarray) -> float:
        return float(r2_score(target, output.numpy()))

    def _stratified_by(self, target: np.ndarray) -> np.ndarray | None:
        return None
