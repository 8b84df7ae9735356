"""gradcheck(…, explain=True): what is wrong, in words; and which operation it is, by its values."""

import numpy as np
import pytest
from helpers.layouts import leaf, normal

import minigrad as mg
from minigrad.autograd import Function, gradcheck
from minigrad.autograd.gradcheck import GradcheckError, Report
from minigrad.diagnosis import recognize
from minigrad.nn import functional as F

EPS = 1e-5
LABELS = mg.tensor([0, 1, 3, 3, 2, 0])


def operation(forward, backward):
    """An autograd.Function of two functions of the inputs: backward gets dy after them."""

    class Mine(Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx, dy):
            return backward(*ctx.saved_tensors, dy)

    return Mine.apply


def said(forward, backward, *inputs):
    """The text of the Report, without its head."""
    found = gradcheck(operation(forward, backward), inputs, explain=True, raise_exception=False)
    assert type(found) is Report and not found
    return str(found).split("\n", 1)


def normalized(x):
    centered = x - x.mean(0)
    r = ((centered * centered).mean(0) + EPS) ** -0.5
    return centered * r, r


def batch_norm(x, gamma, beta):
    return normalized(x)[0] * gamma + beta


def right_batch_norm(x, gamma, beta, dy):
    x_hat, r = normalized(x)
    dx = gamma * r * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))
    return dx, (dy * x_hat).sum(0), dy.sum(0)


BATCH_NORM = leaf(normal(6, 4)), leaf(normal(4, seed=1)), leaf(normal(4, seed=2))


def test_right_is_true():
    mine = operation(batch_norm, right_batch_norm)
    assert gradcheck(mine, BATCH_NORM, explain=True) is True
    assert gradcheck(mg.tanh, leaf(normal(3, 4)), explain=True) is True
    assert gradcheck(mg.mul, (leaf(normal(3)), leaf(normal(3))), explain=True) is True


def test_a_sentence_per_wrong_input():
    def wrong(x, gamma, beta, dy):
        x_hat, r = normalized(x)
        return gamma * r * dy, (dy * x_hat).mean(0), dy.sum(0)

    mine = operation(batch_norm, wrong)
    with pytest.raises(GradcheckError) as error:
        gradcheck(mine, BATCH_NORM, explain=True)
    assert str(error.value).splitlines() == [
        "gradcheck: backward is not the gradient of what seems to be batch norm in training mode",
        "  input 0: missing: roads 2 and 3 (the statistics were held still)",
        "  input 1: yours has the factor 1/m once too often",
    ]
    with pytest.raises(GradcheckError, match="24 of 24 entries differ"):
        gradcheck(mine, BATCH_NORM)
    assert gradcheck(mine, BATCH_NORM, raise_exception=False) is False


def test_inputs_have_their_names():
    gamma, beta = (each.detach() for each in BATCH_NORM[1:])
    mine = operation(batch_norm, lambda x, gamma, beta, dy: (dy * gamma, None, None))
    found = gradcheck(
        lambda pixels: mine(pixels, gamma, beta), BATCH_NORM[0], explain=True, raise_exception=False
    )
    assert "  input 0 (pixels): missing: " not in str(found)
    assert "\n  input 0 (pixels): yours lacks the factor r in road 1" in str(found)

    class Double(Function):
        @staticmethod
        def forward(ctx, value, scale):
            return value * 2

        @staticmethod
        def backward(ctx, dy):
            return dy * 3, None

    found = gradcheck(Double.apply, (leaf(normal(3)), 2), explain=True, raise_exception=False)
    assert "input 0 (value): yours is 1.5 times what is right" in str(found)


def softmax(x):
    return mg.softmax(x, 1)


@pytest.mark.parametrize(
    ("name", "forward", "backward", "inputs", "sentence"),
    [
        ("softmax over axis 1", softmax, lambda x, dy: softmax(x) * dy, [(5, 3)],
         "missing: the shared part −y·Σ(y·dy)"),
        ("log-softmax over axis 1", lambda x: mg.log_softmax(x, 1), lambda x, dy: dy, [(5, 3)],
         "missing: the shared part −y·Σdy"),
        ("cross-entropy, mean", lambda x: F.cross_entropy(x, LABELS),
         lambda x, dy: dy * (softmax(x) - mg.tensor(np.eye(4)[LABELS.numpy()])), [(6, 4)],
         "yours lacks the factor 1/N"),
        ("cross-entropy, mean", lambda x: F.cross_entropy(x, LABELS),
         lambda x, dy: dy * softmax(x) / 6, [(6, 4)], "missing: −onehot"),
        ("layer norm", lambda x: F.layer_norm(x, (4,)), lambda x, dy: -dy, [(6, 4)], "differ"),
        ("linear layer", lambda x, w, b: x @ w.t() + b,
         lambda x, w, b, dy: (dy @ w, dy.t() @ x / 5, dy.sum(0)), [(5, 4), (3, 4), (3,)],
         "input 1: yours has the factor 1/N once too often"),
        ("sigmoid", mg.sigmoid, lambda x, dy: dy * mg.sigmoid(x), [(5, 3)],
         "yours lacks the factor 1 − y"),
        ("relu", mg.relu, lambda x, dy: dy, [(5, 3)], "dy itself: the slope is missing"),
        ("power 2", lambda x: x * x, lambda x, dy: dy * x, [(5, 3)], "yours lacks the factor n"),
        ("product", lambda x, g: x * g, lambda x, g, dy: (dy * x, dy * x), [(5, 3), (3,)],
         "input 0: known mistake: a in the place of b"),
        ("product", lambda a, b: a * b, lambda a, b, dy: (dy * b, dy * b), [(5, 3), (5, 3)],
         "input 1: known mistake: b in the place of a"),
        ("softmax over axis 1", softmax, lambda x, dy: dy - softmax(x) * dy.sum(1, True), [(5, 3)],
         "the gradient of log-softmax"),
        ("variance over axis 0", lambda x: x.var(0, correction=0),
         lambda x, dy: dy * (x - x.mean(0)) / 5, [(5, 3)], "yours lacks the factor 2"),
    ],
)  # fmt: skip
def test_known_operations(name, forward, backward, inputs, sentence):
    inputs = [leaf(normal(*shape, seed=number)) for number, shape in enumerate(inputs)]
    head, text = said(forward, backward, *inputs)
    assert head == f"gradcheck: backward is not the gradient of what seems to be {name}"
    assert sentence in text


def test_an_unknown_operation_is_compared_with_differences():
    def strange(x):
        return mg.sin(x) * mg.exp(x * 0.3)

    def slope(x):
        return (mg.cos(x) + 0.3 * mg.sin(x)) * mg.exp(x * 0.3)

    for backward, sentence in (
        (lambda x, dy: 2 * dy * slope(x), "yours is 2 times what is right"),
        (lambda x, dy: -dy * slope(x), "the sign is wrong"),
        (lambda x, dy: (dy * slope(x)).t(), "yours is right, but transposed"),
        (lambda x, dy: dy * 0, "yours is 0 in every cell"),
        (lambda x, dy: dy * slope(x) + 0.1 * x * x, "cells differ, by at most"),
    ):
        head, text = said(strange, backward, leaf(normal(4, 4)))
        assert head == "gradcheck: backward is not the gradient"
        assert sentence in text
    assert text.count("\n") == 2


# --- shapes --------------------------------------------------------------------------------------


def test_a_wrong_shape_is_explained():
    def wrong(x, w, b, dy):
        return dy, x.t() @ dy, dy.sum(0)

    inputs = [leaf(normal(*shape)) for shape in ((5, 4), (3, 4), (3,))]
    head, text = said(lambda x, w, b: x @ w.t() + b, wrong, *inputs)
    assert head.endswith("linear layer")
    assert text.splitlines() == [
        "  input 0: shape (5, 3) in the place of (5, 4)",
        "  input 1: transposed: shape (4, 3) in the place of (3, 4)",
    ]
    mine = operation(lambda x, w, b: x @ w.t() + b, wrong)
    with pytest.raises(GradcheckError, match="input 1: transposed"):
        gradcheck(mine, inputs, explain=True)
    with pytest.raises(mg.ShapeError, match=r"input 0 has shape \(5, 4\), got .* \(5, 3\)"):
        gradcheck(mine, inputs)


def test_sums_too_many_and_too_few():
    x, w = leaf(normal(5, 4)), leaf(normal(3, 4))
    _, text = said(lambda x: x * 3, lambda x, dy: (dy * 3).sum(0).sum(0), leaf(normal(5, 4)))
    assert "input 0: yours is summed over axes 0 and 1, one time too many" in text
    _, text = said(
        lambda x, w: x @ w.t(),
        lambda x, w, dy: (dy @ w, dy.t().unsqueeze(1) * x.t()), x, w,
    )  # fmt: skip
    assert "input 1: yours is not summed over axis 2" in text


def test_a_wrong_shape_in_the_middle_of_func():
    mine = operation(lambda x: x * 2, lambda x, dy: dy.t())
    with pytest.raises(
        GradcheckError, match=r"gradcheck: MineBackward: input 0 has shape \(5, 4\)"
    ):
        gradcheck(lambda x: mine(x * 3), leaf(normal(5, 4)), explain=True)


def test_an_error_of_less_than_the_diagnosis_looks_at():
    mine = operation(lambda x: x * 3, lambda x, dy: dy * (3 + 1e-8))
    found = gradcheck(
        mine, leaf(normal(3, 4)), atol=1e-11, rtol=1e-11, explain=True, raise_exception=False
    )
    assert not found and "12 of 12 cells differ" in str(found)
    assert "nearly equal: yes" in str(found)


def test_what_cannot_be_decided_stays_so():
    found = gradcheck(mg.abs, leaf(np.zeros(2)), explain=True, raise_exception=False)
    assert not found and "cannot be decided here" in str(found)
    with pytest.raises(ValueError, match="does not depend on input 0"):
        gradcheck(mg.sign, leaf(normal(3)), explain=True)


def test_one_row_and_no_row():
    _, text = said(lambda x: x * 3, lambda x, dy: dy, leaf(normal(1, 4)))
    assert "input 0: yours is 0.3333 times what is right" in text
    assert recognize(np.zeros(3), [np.zeros((0, 3))], np.ones(3)) is None


# --- recognition ---------------------------------------------------------------------------------


def by_differences(function, inputs, number, dy, h=1e-6):
    x = inputs[number]
    slopes = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        moved = []
        for step in (h, -h):
            there = x.copy()
            there[at] += step
            moved.append(function(*inputs[:number], there, *inputs[number + 1 :]))
        slopes[at] = np.sum((moved[0] - moved[1]) * dy) / (2 * h)
    return slopes


def rows(x, axis):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-3)


X, G, B, V = normal(6, 4), normal(4, seed=1) + 3, normal(4, seed=2), normal(4, seed=3) ** 2 + 1
W, C, T = normal(3, 4, seed=4), normal(3, seed=5), np.array([0, 1, 3, 3, 2, 0])


@pytest.mark.parametrize(
    ("name", "function", "inputs", "known"),
    [
        ("batch norm in training mode", lambda x, g, b: rows(x, 0) * g + b, (X, G, B), [0, 1, 2]),
        ("batch norm in training mode", lambda g, b, x: rows(x, 0) * g + b, (G, B, X), [0, 1, 2]),
        ("batch norm in training mode", lambda x, m, v, g, b: rows(x, 0) * g + b,
         (X, B, V, G, B + 1), [0, 3, 4]),
        ("batch norm in training mode", lambda x: rows(x, 0) * G + B, (X,), [0]),
        ("batch norm in training mode",
         lambda x, g: (x - x.mean(0)) / np.sqrt(x.var(0) + 0.07) * g, (X, G), [0, 1]),
        ("batch norm in evaluation mode", lambda x, m, v, g, b: (x - m) / np.sqrt(v + 1e-5) * g + b,
         (X, B, V, G, B + 1), [0, 3, 4]),
        ("layer norm", lambda x, g, b: rows(x, 1) * g + b, (X, G, B), [0, 1, 2]),
        ("layer norm", lambda x: rows(x, 1) * G + B, (X,), [0]),
        ("linear layer", lambda x, w, b: x @ w.T + b, (X, W, C), [0, 1, 2]),
        ("linear layer", lambda x, w: x @ w.T + C, (X, W), [0, 1]),
        ("matrix product", lambda x, w: x @ w, (X, W.T), [0, 1]),
        ("cross-entropy, none", lambda x: -np.log(np.exp(x) / np.exp(x).sum(1, keepdims=True))[
            np.arange(6), T], (X,), [0]),
        ("leaky relu", lambda x, slope: np.where(x > 0, x, slope * x), (X, 0.3), [0]),
        ("power 2.5", lambda x, n: x**n, (V, 2.5), [0]),
        ("quotient", lambda a, b: b / a, (V, G), [0, 1]),
        ("squared error, mean", lambda a, b: np.mean((a - b) ** 2), (G, B), [0, 1]),
        ("standard deviation over axis 1", lambda x: x.std(1, ddof=1), (X,), [0]),
        (None, lambda x: rows(x, 0) * G + x, (X,), []),
        (None, lambda x: 2 * x + 1, (X,), []),
        (None, lambda a, b: a * b + 1, (X, G), []),
        (None, np.sin, (X,), []),
    ],
)  # fmt: skip
def test_operations_are_recognized_by_their_values(name, function, inputs, known):
    y = function(*inputs)
    dy = normal(*np.shape(y), seed=7) + 3
    rights = {i: by_differences(function, inputs, i, dy)
              for i, x in enumerate(inputs) if isinstance(x, np.ndarray)}  # fmt: skip
    found = recognize(y, inputs, dy, rights)
    assert (found and found.name) == name
    if found:
        assert sorted(found.cases) == known
        for number, case in found.cases.items():
            np.testing.assert_allclose(case()["right"], rights[number], rtol=1e-5, atol=1e-6)
