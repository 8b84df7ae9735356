"""What minigrad.sklearn says to someone who comes from scikit-learn, and did it another way."""

import numpy as np
import pytest
from helpers.sample_rows import three_classes

from minigrad import ShapeError, nn

pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder  # noqa: E402

from minigrad import sklearn as estimators  # noqa: E402

MLPClassifier, MLPRegressor = estimators.MLPClassifier, estimators.MLPRegressor
ModuleClassifier = estimators.ModuleClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).standard_normal((12, 2))
LABELS = np.arange(12) % 2
RARE = np.arange(12) == 0
TEXT = np.array(["a", "b"])[LABELS]


class Words(nn.Module):
    """A module that answers in words."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        return "three"


class Named(nn.Linear):
    """A layer that calls its sizes something else."""

    def __init__(self, n_in, out_features):
        super().__init__(n_in, out_features)


def stopping(fraction=0.2):
    return MLPClassifier(early_stopping=True, validation_fraction=fraction)


def again(model, **changed):
    """Two fits with warm_start, and something else in between."""
    return model.set_params(warm_start=True).fit(X, LABELS).set_params(**changed).fit(X, LABELS)


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
    "weights of one pass": (
        lambda: MLPRegressor().partial_fit(X, LABELS, sample_weight=X[:, 0]), TypeError,
        "^MLPRegressor: partial_fit takes X and y, not sample_weight; .* repeated"),
    "warm start of another": (lambda: again(MLPClassifier(5), hidden_layer_sizes=(3,)), ValueError,
                              r"warm_start=True goes on .* built with hidden_layer_sizes=\(5,\), "
                              r"and now hidden_layer_sizes=\(3,\); .*clone"),
    "warm start of another module": (
        lambda: again(ModuleClassifier(Named, module__n_in=2), module=nn.Linear), ValueError,
        "warm_start=True goes on .* built with module=.*Named"),
    "one more pass of another": (
        lambda: MLPClassifier().partial_fit(X, LABELS, [0, 1]).set_params(batch_norm=True)
        .partial_fit(X, LABELS), ValueError, "partial_fit goes on .* batch_norm=False, and now"),
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


def test_a_warm_start_may_change_how_it_trains():
    model = again(MLPClassifier(5, max_iter=2), max_iter=3, alpha=0.1, learning_rate_init=0.1)
    assert len(model.loss_curve_) == 5


@pytest.mark.parametrize("sizes", [5, [5], np.array([5]), (np.int64(5),)], ids=repr)
def test_one_design_may_be_written_in_several_ways(sizes):
    again(MLPClassifier((5,), max_iter=1), hidden_layer_sizes=sizes, dropout=0)


def test_what_changed_in_place_or_by_a_class_of_the_same_name_is_another_design():
    sizes = [5]
    model = MLPClassifier(sizes, max_iter=1, warm_start=True).fit(X, LABELS)
    sizes[0] = 9
    with pytest.raises(ValueError, match=r"built with hidden_layer_sizes=\(5,\), and now .*\(9,\)"):
        model.fit(X, LABELS)
    same_name = type("Named", (nn.Linear,), {"__module__": Named.__module__})
    with pytest.raises(ValueError, match="built with module="):
        again(ModuleClassifier(Named, module__n_in=2), module=same_name)


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


@pytest.fixture(scope="module")
def problem():
    return three_classes()


WRONG = {
    "lbfgs": (MLPClassifier(solver="lbfgs"), ValueError, "'lbfgs' is not here.*neural_network"),
    "solver": (MLPRegressor(solver="rms"), ValueError, "MLPRegressor: solver must be 'adam' or"),
    "sizes": (MLPClassifier((10, 0)), ValueError, "hidden_layer_sizes must be >= 1, got 0"),
    "a word": (MLPClassifier("large"), TypeError, "hidden_layer_sizes must be an integer"),
    "activation": (MLPClassifier(activation="gelu"), ValueError, "activation must be 'identity'"),
    "batch size": (MLPClassifier(batch_size="all"), ValueError, "must be 'auto' or an integer"),
    "dropout": (MLPClassifier(dropout=1), ValueError, "dropout must be finite and >= 0 and < 1"),
    "batch norm": (MLPClassifier(batch_norm=1), TypeError, "batch_norm must be True or False"),
    "epochs": (MLPClassifier(max_iter=0), ValueError, "max_iter must be >= 1, got 0"),
    "part": (MLPClassifier(early_stopping=True, validation_fraction=0.001), ValueError,
             "validation set has 1 row"),
    "no part": (MLPClassifier(validation_fraction=0.0), ValueError, "validation_fraction must be"),
    "unknown": (ModuleClassifier(nn.Linear, module__size=1), TypeError,
                "module__size: the module takes in_features, out_features, bias"),
    "columns": (ModuleClassifier(nn.Linear, module__out_features=5), ShapeError,
                r"\(n_samples, n_outputs\) = \(61, 3\), got \(61, 5\)"),
    "no module": (ModuleClassifier(3), TypeError, "a class or function that makes one, got int"),
    "made wrong": (ModuleClassifier(dict), TypeError, "module must make a Module, got dict"),
    "made": (ModuleClassifier(nn.Linear(3, 3), module__bias=False), TypeError,
             "made already, and takes no module__bias"),
    "nothing to learn": (ModuleClassifier(nn.ReLU), ValueError, "no parameters that could learn"),
    "words": (ModuleClassifier(Words), TypeError, "must give a Tensor, got str"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_are_named(problem, name):
    model, error, words = WRONG[name]
    with pytest.raises(error, match=words):
        clone(model).fit(*problem)
    assert not hasattr(model, "classes_")


def test_wrong_calls_are_answered_in_words(problem):
    X, labels = problem
    with pytest.raises(TypeError, match="no parameter 'hidden'.*such as module__hidden"):
        ModuleClassifier(nn.Linear, hidden=3)
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(X)
    with pytest.raises(AttributeError, match="MLPRegressor has no weights before fit"):
        print(MLPRegressor().coefs_)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, labels)
    fitted = MLPClassifier((4,), max_iter=1).fit(X, labels)
    for call, words in [
        (lambda: fitted.partial_fit(X, labels + 1), r"labels \[3\] that classes_ has not: \[0, 1,"),
        (lambda: fitted.partial_fit(X, labels, classes=[0, 1]), "not what the first call had"),
        (lambda: fitted.fit(X, np.stack([labels, labels], 1)), "one label per row.*multilabel"),
        (lambda: fitted.set_params(early_stopping=True).partial_fit(X, labels), "early_stopping"),
        (lambda: fitted.predict(X[:, :2]), "X has 2 features"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
