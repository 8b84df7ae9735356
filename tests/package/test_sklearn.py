"""minigrad.sklearn: what scikit-learn asks of an estimator, and the same numbers as its own."""

import copy
import pickle
import time
from unittest import SkipTest

import numpy as np
import pytest
from helpers.sample_rows import three_classes

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split  # noqa: E402
from sklearn.neural_network import MLPClassifier as TheirClassifier  # noqa: E402
from sklearn.neural_network import MLPRegressor as TheirRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from minigrad import sklearn as estimators  # noqa: E402

MLPClassifier, MLPRegressor = estimators.MLPClassifier, estimators.MLPRegressor
ModuleClassifier, ModuleRegressor = estimators.ModuleClassifier, estimators.ModuleRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Normalized(nn.Module):
    """Linear – BatchNorm – ReLU – Linear, for scores or numbers."""

    def __init__(self, in_features, out_features, hidden=16):
        super().__init__()
        self.first = nn.Linear(in_features, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.last = nn.Linear(hidden, out_features)

    def forward(self, x):
        return self.last(F.relu(self.norm(self.first(x))))


class Flat(nn.Module):
    """One number per row, without a column for it."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, x):
        return self.linear(x).squeeze(1)


@pytest.fixture(scope="module")
def problem():
    return three_classes()


def digits():
    images, labels = mg.datasets.digits().tensors
    return images.flatten(1).numpy().astype(np.float64), labels.numpy()


# --- the checks of scikit-learn ------------------------------------------------------------------

ESTIMATORS = {
    "classifier": MLPClassifier((20,), max_iter=40, learning_rate_init=0.02),
    "regressor": MLPRegressor((20,), max_iter=60, learning_rate_init=0.05),
    "normalized": MLPClassifier(
        (20,), batch_norm=True, dropout=0.05, max_iter=40, learning_rate_init=0.02
    ),
    "normalized regressor": MLPRegressor(
        (20,), batch_norm=True, max_iter=60, learning_rate_init=0.05
    ),
    "module": ModuleClassifier(Normalized, module__hidden=20, max_iter=40, learning_rate_init=0.02),
    "module regressor": ModuleRegressor(Normalized, max_iter=60, learning_rate_init=0.05),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_checks_of_scikit_learn(name):
    outcomes = check_estimator(ESTIMATORS[name], on_fail=None, on_skip=None)
    kinds = [each["status"] for each in outcomes]
    assert kinds.count("passed") > 45 and kinds.count("skipped") <= 3  # pandas, array API, …
    failed = {each["check_name"]: each["exception"] for each in outcomes if each["exception"]}
    assert {name: each for name, each in failed.items() if not isinstance(each, SkipTest)} == {}


# --- the numbers of scikit-learn -----------------------------------------------------------------

slow = pytest.mark.slow
TRAININGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "without momentum": {"solver": "sgd", "momentum": 0.0},
    "without Nesterov": {"solver": "sgd", "nesterovs_momentum": False},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.2},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.2, "tol": 0.05,
        "n_iter_no_change": 2,
    },
    "in order": {"shuffle": False, "batch_size": 10},
    "early": {"early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 3,
              "tol": 0.1},
    "logistic": {"activation": "logistic", "hidden_layer_sizes": (9, 5), "alpha": 0.1},
    "tanh": {"activation": "tanh", "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    "identity": {"activation": "identity", "hidden_layer_sizes": ()},
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["sgd", *[pytest.param(n, marks=slow) for n in TRAININGS if n != "sgd"]]
)
@pytest.mark.parametrize("task", ["three classes", "two classes", "yes or no", "numbers"])
def test_the_same_training_as_scikit_learns(problem, task, name):
    X, labels = problem
    options = {"hidden_layer_sizes": (8,), "random_state": 3, "max_iter": 12} | TRAININGS[name]
    y = {
        "three classes": 10 * labels,
        "two classes": labels > 0,
        "yes or no": np.stack([labels > 0, labels < 2], 1).astype(int),
        "numbers": X @ [1.0, -2.0, 0.5] + labels,
    }[task]
    kinds = {"numbers": (MLPRegressor, TheirRegressor)}.get(task, (MLPClassifier, TheirClassifier))
    ours, theirs = [kind(**options).fit(X, y) for kind in kinds]
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)
    for one, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_,
                          strict=True):  # fmt: skip
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)
    for attribute in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    assert (ours.validation_scores_ is None) == (theirs.validation_scores_ is None)
    if ours.validation_scores_:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)
        np.testing.assert_allclose(ours.best_validation_score_, theirs.best_validation_score_)
    else:
        np.testing.assert_allclose(ours.best_loss_, theirs.best_loss_)
    if task == "numbers":
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    else:
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-10)
        np.testing.assert_allclose(ours.predict_log_proba(X), np.log(ours.predict_proba(X)))


@pytest.mark.parametrize("name", ["early", "adaptive"])
def test_verbose_says_what_scikit_learn_says(problem, capsys, name):
    options = {"random_state": 3, "max_iter": 12, "verbose": True} | TRAININGS[name]
    said = []
    for kind in (MLPClassifier, TheirClassifier):
        kind((8,), **options).fit(*problem)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and "did not improve" in said[0]


def test_several_columns_of_numbers(problem):
    """The same weights; the loss is the sum over the columns, and not their mean."""
    X, labels = problem
    y = np.stack([X[:, 0], labels + X[:, 1]], 1)
    options = {"hidden_layer_sizes": (8,), "random_state": 3, "max_iter": 12, "alpha": 0.0}
    ours, theirs = MLPRegressor(**options).fit(X, y), TheirRegressor(**options).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-10)
    np.testing.assert_allclose(ours.loss_curve_, 2 * np.array(theirs.loss_curve_))
    assert MLPRegressor(max_iter=1).fit(X, y[:, :1]).predict(X).shape == (61, 1)


def test_going_on_as_scikit_learn_does(problem):
    X, labels = problem
    for options in ({"random_state": 0}, {"random_state": 0, "solver": "sgd"}):
        ours, theirs = MLPClassifier(**options), TheirClassifier(**options)
        for start in (0, 20, 40):
            for each in (ours, theirs):
                rows = slice(start, start + 20)
                each.partial_fit(X[rows], labels[rows], classes=[0, 1, 2])
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)
        few = MLPClassifier(**options).partial_fit(X[:2], labels[:2], classes=[2, 0, 1])
        assert few.classes_.tolist() == [0, 1, 2] and few.predict_proba(X).shape == (61, 3)
        assert ours.t_ == theirs.t_ == 60 and ours.n_iter_ == theirs.n_iter_
        warm = {"max_iter": 4, "warm_start": True} | options
        ours, theirs = MLPClassifier(**warm), TheirClassifier(**warm)
        for each in (ours, theirs):
            each.fit(X, labels).fit(X, labels)
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)
        assert len(ours.loss_curve_) == 8


def test_a_warm_start_keeps_what_was_best_before(problem):
    """The second fit steps far away and comes back to the network that it began with."""
    X, labels = problem
    options = {"early_stopping": True, "warm_start": True, "max_iter": 5, "random_state": 0}
    fitted = MLPClassifier((8,), learning_rate_init=0.05, **options).fit(X, labels)
    before = fitted.coefs_[0]
    fitted.set_params(learning_rate_init=50.0, max_iter=2).fit(X, labels)
    np.testing.assert_array_equal(fitted.coefs_[0], before)
    assert len(fitted.validation_scores_) == 7


class Impatient(nn.Linear):
    """Someone presses Ctrl-C in the third epoch."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return super().forward(x)


def test_an_interrupted_training_keeps_what_it_has(problem):
    with pytest.warns(UserWarning, match="ModuleClassifier: training interrupted .* 2 epochs"):
        fitted = ModuleClassifier(Impatient).fit(*problem)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 2
    assert fitted.predict(problem[0]).shape == (61,)


# --- batch norm, dropout -------------------------------------------------------------------------


def test_batch_norm_learns_by_batch_and_answers_by_running_statistics(problem):
    X, labels = problem
    fitted = MLPClassifier((8,), batch_norm=True, max_iter=3, random_state=0).fit(X, labels)
    linear, norm, *_ = fitted.module_
    assert not fitted.module_.training
    assert linear.bias is None and norm.num_batches_tracked.item() == 3
    np.testing.assert_allclose(fitted.predict_proba(X[:1]), fitted.predict_proba(X)[:1], 1e-12)
    fitted.module_.train()
    fitted.predict(X)
    assert norm.num_batches_tracked.item() == 3
    hidden = np.maximum(X @ fitted.coefs_[0] + fitted.intercepts_[0], 0)  # folded in
    scores = hidden @ fitted.coefs_[1] + fitted.intercepts_[1]
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected)


def test_batch_norm_learns_as_torch_does(problem, torch):
    """From the same weights: losses, and answers by the running statistics."""
    X, labels = problem
    options = {"batch_size": 20, "shuffle": False, "solver": "sgd", "alpha": 0.0, "tol": 0.0}
    ours = MLPClassifier((8,), batch_norm=True, max_iter=1, random_state=0, **options)
    start = copy.deepcopy(ours).set_params(learning_rate_init=1e-300).fit(X, labels)
    ours.set_params(learning_rate_init=0.1, max_iter=5).fit(X, labels)
    network = torch.nn.Sequential(
        torch.nn.Linear(3, 8, bias=False), torch.nn.BatchNorm1d(8), torch.nn.ReLU(),
        torch.nn.Linear(8, 3),
    ).double()  # fmt: skip
    with torch.no_grad():
        for theirs, mine in zip(network.parameters(), start.module_.parameters(), strict=True):
            theirs.copy_(torch.from_numpy(mine.detach().numpy().copy()))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    x, target = torch.from_numpy(X), torch.from_numpy(labels)
    for expected in ours.loss_curve_:
        total = 0.0
        for rows in (slice(0, 20), slice(20, 40), slice(40, 61)):  # the last row is not alone
            loss = torch.nn.functional.cross_entropy(network(x[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x[rows])
        assert abs(total / 61 - expected) < 1e-12
    answers = network.eval()(x).softmax(1).detach().numpy()
    np.testing.assert_allclose(ours.predict_proba(X), answers, rtol=1e-10)


@pytest.mark.parametrize(
    ("size", "sizes"), [(10, [10] * 5 + [11]), (20, [20, 20, 21]), (60, [61]), (25, [25, 25, 11])]
)
def test_no_batch_of_one_row(problem, size, sizes):
    """Of 61 rows the last joins those before it; without batch norm it stays alone."""
    X, labels = problem
    seen = []
    for normalized in (True, False):
        options = {"batch_size": size, "batch_norm": normalized, "max_iter": 1}
        fitted = MLPClassifier((4,), **options).fit(X, labels)
        seen.append([batch.stop - batch.start for batch in fitted._batches(61)])
        assert sum(seen[-1]) == 61
    assert seen[0] == sizes
    assert (1 in seen[1]) == (61 % size == 1)


def test_one_row_and_batch_norm(problem):
    X, labels = problem
    alone = MLPClassifier((4,), batch_norm=True)
    with pytest.raises(ValueError, match="n_samples = 1, batch_size = auto"):
        alone.partial_fit(X[:1], labels[:1], classes=[0, 1, 2])
    with pytest.raises(ValueError, match="two rows or more.* batch_size = 1"):
        ModuleClassifier(Normalized, batch_size=1).fit(X, labels)
    assert not hasattr(alone, "module_") and not hasattr(alone, "classes_")
    alone.partial_fit(X, labels, classes=[0, 1, 2])
    before = pickle.dumps(alone.module_.state_dict())
    with pytest.raises(ValueError, match="n_samples = 1"):
        alone.partial_fit(X[:1], labels[:1])
    assert pickle.dumps(alone.module_.state_dict()) == before


def test_early_stopping_restores_the_best_network_as_a_whole(problem):
    """Weights and running statistics: its score is the best one there was."""
    X, labels = problem
    rng = np.random.default_rng(1)
    noisy = np.where(rng.random(61) < 0.3, rng.integers(0, 3, 61), labels)
    fitted = MLPClassifier(
        (8,), batch_norm=True, early_stopping=True, validation_fraction=0.3, random_state=0,
        learning_rate_init=0.05, n_iter_no_change=5, batch_size=8,
    ).fit(X, noisy)  # fmt: skip
    best = int(np.argmax(fitted.validation_scores_))
    assert best < fitted.n_iter_ - 1, "the last one is the best"
    batches = fitted.module_[1].num_batches_tracked.item()
    assert batches == (best + 1) * len(fitted._batches(42))
    assert fitted.best_validation_score_ == fitted.validation_scores_[best]
    _, X_held, _, y_held = train_test_split(
        X, noisy, test_size=0.3, random_state=_after_the_weights(0, [3, 8, 3])
    )
    assert fitted.score(X_held, y_held) == fitted.best_validation_score_


def _after_the_weights(seed, sizes):
    """The random state behind the draws of a network with batch norm in its hidden layers."""
    rng = np.random.RandomState(seed)
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        rng.uniform(size=(inputs, outputs))
    rng.uniform(size=sizes[-1])
    return rng


def test_dropout_acts_in_training_alone(problem):
    X, labels = problem
    options = {"max_iter": 3, "random_state": 0}
    plain = MLPClassifier((8,), **options).fit(X, labels)
    dropped = MLPClassifier((8,), dropout=0.5, **options).fit(X, labels)
    assert abs(plain.loss_curve_[0] - dropped.loss_curve_[0]) > 1e-3
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))
    assert dropped.module_[2].p == 0.5
    dropped.set_params(warm_start=True, shuffle=False)
    ways = [copy.deepcopy(dropped).set_params(random_state=k).fit(X, labels) for k in (1, 2)]
    assert ways[0].loss_ != ways[1].loss_  # by what is dropped, and nothing else


@pytest.mark.slow
def test_digits_in_a_second():
    X, y = digits()
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = MLPClassifier(
        batch_norm=True, dropout=0.1, learning_rate_init=0.005, max_iter=30, random_state=0
    )
    start = time.perf_counter()
    accuracy = model.fit(X_train, y_train).score(X_test, y_test)
    assert accuracy >= 0.97 and time.perf_counter() - start < 3  # one second on a quiet machine


# --- randomness, failures, copies ----------------------------------------------------------------


def test_a_fit_leaves_the_global_generator_alone(problem):
    X, labels = problem
    mg.manual_seed(7)
    expected = mg.rand(3).tolist()
    mg.manual_seed(7)
    fits = [
        clone(each).set_params(random_state=0, max_iter=2).fit(X, labels)
        for each in (ESTIMATORS["normalized"], ESTIMATORS["module"])
    ]
    with pytest.raises(ValueError):
        MLPClassifier(dropout=0.5, alpha=-1.0).fit(X, labels)
    assert mg.rand(3).tolist() == expected
    with mg.no_grad():
        for fitted in fits:
            again = clone(fitted).fit(X, labels)
            assert again.loss_curve_ == fitted.loss_curve_
            other = clone(fitted).set_params(random_state=1).fit(X, labels)
            assert other.loss_curve_ != fitted.loss_curve_


def test_a_fit_that_fails_changes_nothing(problem):
    X, labels = problem
    fitted = ModuleClassifier(nn.Linear, solver="sgd", batch_size=20, max_iter=2).fit(X, labels)
    before = fitted.predict_proba(X)
    diverged = "the training diverged.*StandardScaler.*learning_rate_init"
    fitted.set_params(learning_rate_init=1e300)
    with pytest.raises(ValueError, match=diverged):
        fitted.fit(X[:, :2] * 1e200, labels % 2)
    with pytest.raises(ValueError, match=diverged):
        fitted.partial_fit(X * 1e300, labels)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert fitted.n_features_in_ == 3 and fitted.classes_.tolist() == [0, 1, 2]
    assert len(fitted.loss_curve_) == 2


def test_pickles_copies_and_pipelines(problem):
    X, labels = problem
    names = np.array(["ox", "yak", "zebu"])[labels]
    model = MLPClassifier((8,), batch_norm=True, dropout=0.2, max_iter=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, names)
    assert set(pipeline.predict(X)) <= {"ox", "yak", "zebu"}
    fitted = pipeline[-1]
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
        continued = [each.partial_fit(X, names).loss_ for each in (other, copy.deepcopy(fitted))]
        assert continued[0] == continued[1]  # with the optimizer's moments
    assert len(cross_val_score(model, X, names, cv=3)) == 3


@pytest.mark.slow
def test_grid_search_with_two_processes(problem):
    X, labels = problem
    model = MLPClassifier((8,), max_iter=20, random_state=0, learning_rate_init=0.05)
    grid = {"batch_norm": np.array([False, True]), "dropout": [0.0, 0.1]}
    two, one = [GridSearchCV(model, grid, cv=3, n_jobs=jobs).fit(X, labels) for jobs in (2, 1)]
    np.testing.assert_array_equal(
        two.cv_results_["mean_test_score"], one.cv_results_["mean_test_score"]
    )
    assert two.best_score_ > 0.5
    search = GridSearchCV(
        ModuleClassifier(nn.Linear, max_iter=20), {"module__bias": [True, False]}, n_jobs=2, cv=3
    ).fit(X, labels)
    assert set(search.best_params_) == {"module__bias"}


# --- a Module of one's own -----------------------------------------------------------------------


def test_a_module_of_ones_own(problem):
    X, labels = problem
    model = ModuleClassifier(Normalized, module__hidden=5, max_iter=2, random_state=0)
    assert "module__hidden=5" in repr(model)
    model = clone(model).set_params(module__hidden=7, alpha=0.1)
    assert model.get_params()["module__hidden"] == 7 and model.get_params()["alpha"] == 0.1
    assert copy.copy(model).set_params(module__hidden=9).module is model.module
    fitted = model.fit(X, labels)
    assert fitted.module_.first.weight.shape == (7, 3) and fitted.module_.last.bias.shape == (3,)
    two = clone(model).fit(X, labels > 0)
    assert two.module_.last.out_features == 2 and two.predict(X).dtype == bool
    made = Normalized(3, 3)
    start = made.first.weight.tolist()
    copied = ModuleClassifier(made, max_iter=1).fit(X, labels)
    assert made.first.weight.tolist() == start != copied.module_.first.weight.tolist()
    assert made.first.weight.dtype is mg.float32
    numbers = ModuleRegressor(Flat, max_iter=1).fit(X, X[:, 0])
    assert numbers.predict(X).shape == (61,)


def test_alpha_is_the_penalty_of_weights_and_not_of_biases(problem):
    X, labels = problem
    options = {"random_state": 0, "max_iter": 1, "solver": "sgd", "learning_rate_init": 1e-9}
    plain, heavy = [
        ModuleClassifier(Normalized, alpha=alpha, **options).fit(X, labels) for alpha in (0.0, 8.0)
    ]
    squares = sum(
        (layer.weight**2).sum().item() for layer in (plain.module_.first, plain.module_.last)
    )
    assert abs(heavy.loss_ - plain.loss_ - 4 * squares / 61) < 1e-6
