"""What minigrad.sklearn says to someone who comes from scikit-learn, and did it another way."""

import numpy as np
import pytest

from minigrad import nn

pytest.importorskip("sklearn")

from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder  # noqa: E402

from minigrad import sklearn as estimators  # noqa: E402

MLPClassifier, MLPRegressor = estimators.MLPClassifier, estimators.MLPRegressor
ModuleClassifier = estimators.ModuleClassifier

X = np.random.default_rng(0).standard_normal((12, 2))
LABELS = np.arange(12) % 2
RARE = np.arange(12) == 0
TEXT = np.array(["a", "b"])[LABELS]


class Named(nn.Linear):
    """A layer that calls its sizes something else."""

    def __init__(self, n_in, out_features):
        super().__init__(n_in, out_features)


def stopping(fraction=0.2):
    return MLPClassifier(early_stopping=True, validation_fraction=fraction)


# What one tries, the error, and the words that help.
TRIED = {
    "sample_weight": (lambda: MLPClassifier().fit(X, LABELS, sample_weight=X[:, 0]), TypeError,
                      "^MLPClassifier: fit takes X and y, not sample_weight; .* repeated"),
    "seed": (lambda: MLPClassifier(random_state=-1).fit(X, LABELS), ValueError,
             "random_state must be None, an integer from 0 .*, got -1"),
    "generator": (lambda: MLPClassifier(random_state=np.random.default_rng(0)).fit(X, LABELS),
                  ValueError, "a numpy.random.RandomState, got Generator"),
    "sparse": (lambda: make_pipeline(OneHotEncoder(), MLPClassifier()).fit(LABELS[:, None], LABELS),
               TypeError, r"X is sparse.*OneHotEncoder\(sparse_output=False\)"),
    "rare class": (lambda: stopping().fit(X, RARE), ValueError,
                   "validation_fraction = 0.2 of n_samples = 12: .* of two classes one of each"),
    "small part": (lambda: stopping(0.01).fit(X, LABELS), ValueError, "0.01 of n_samples = 12"),
    "no rest": (lambda: stopping(0.99).fit(X, np.arange(12)), ValueError, "0.99 of n_samples"),
    "words as numbers": (lambda: MLPRegressor().fit(X, TEXT), ValueError,
                         "MLPRegressor: y must hold numbers, got dtype <U1; .* a classifier"),
    "a number of classes": (lambda: MLPClassifier().partial_fit(X, LABELS, classes=2), ValueError,
                            "classes must be a list of all labels.*got 2"),
    "no classes": (lambda: MLPClassifier().partial_fit(X, LABELS, classes=[]), ValueError,
                   r"classes must be .* got \[\]"),
    "no order": (lambda: MLPClassifier().partial_fit(X, TEXT, classes=["a", None]), ValueError,
                 r"all strings, got \['a', None\]"),
    "other names": (lambda: ModuleClassifier(Named).fit(X, LABELS), TypeError,
                    "module wants 'n_in'; fit gives in_features and out_features.*module__n_in"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRIED)
def test_what_was_tried_is_answered_in_its_words(name):
    tried, error, words = TRIED[name]
    with pytest.raises(error, match=words):
        tried()


def test_a_name_of_ones_own_can_be_given():
    model = ModuleClassifier(Named, module__n_in=2, max_iter=500, tol=0.1).fit(X, LABELS)
    assert model.module_.in_features == 2


def test_a_training_that_diverged_does_not_go_on():
    class Counting(nn.Linear):
        calls = 0

        def forward(self, x):
            Counting.calls += 1
            return super().forward(x)

    model = estimators.ModuleRegressor(
        Counting, solver="sgd", learning_rate_init=1e300, early_stopping=False
    )
    with pytest.raises(ValueError, match="the training diverged"):  # without another warning
        model.fit(X, X[:, 0])
    assert Counting.calls < 10
