"""gradcheck where differences err: right passes, wrong does not, and the rest is in words."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import Function, gradcheck, gradgradcheck
from minigrad.autograd.gradcheck import GradcheckError
from minigrad.nn import functional as F


class Scaled(Function):
    """x, but its gradient comes out `factor` times too large."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.factor, None


class ScaledLater(Function):
    """x, whose gradient is right, and the gradient of that `factor` times too large."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, dy):
        return Scaled.apply(dy, ctx.factor), None


def at(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def verdict(func, x, factor=1.0, **options):
    """What gradcheck says of func, whose gradient is `factor` times too large."""
    try:
        gradcheck(lambda a: func(Scaled.apply(a, factor)), x, **options)
    except GradcheckError as error:
        return "wrong" if "backward is not the gradient" in str(error) else "undecided"
    except ValueError as error:
        assert "does not depend on input 0" in str(error)
        return "refused"
    return "right"


ANYWHERE = [
    (-5e-6,), (0.3,), (1 + 1e-9,), (-1.3,), (2.7,), (1e-6, 1.0), (0.4, -1.2, 2.0), (1e-3, 9.0, -4.0)
]  # fmt: skip
POSITIVE = [(1e-12,), (1e-7,), (5e-6,), (1e-3,), (0.01,), (1.0,), (1e5,), (1e12,), (1e-6, 1e6)]
VECTORS = [(1e-6, 1.0), (0.4, -1.2, 2.0), (1e-3, 3.0, -4.0), (50.0, 49.0)]
CASES = {
    "add a constant": (lambda a: a + 7, ANYWHERE),
    "huge": (lambda a: a * 1e12, ANYWHERE + POSITIVE),
    "tiny": (lambda a: a * 1e-12, ANYWHERE + POSITIVE),
    "exp": (mg.exp, ANYWHERE),
    "exp of exp": (lambda a: mg.exp(mg.exp(a)), [(0.3,), (1.5,), (-1.2, 2.0)]),
    "log": (mg.log, POSITIVE),
    "log near its border": (lambda a: mg.log(a - 1), [(1 + 1e-5,), (1.001,), (1e5,)]),
    "sqrt": (mg.sqrt, POSITIVE),
    "reciprocal": (lambda a: 1 / a, [*POSITIVE, (-0.01,), (-1e5,)]),
    "reciprocal square": (lambda a: 1 / (a * a), [(1e-7,), (0.01, -2.0), (1e5,)]),
    "square": (lambda a: a * a, [*ANYWHERE, *POSITIVE, (-1e5,), (1e5, 1.0), (1e-12, 1e-9)]),
    "cube": (lambda a: a**3, [(0.01,), (-1.3,), (1e5,), (0.4, -1.2, 2.0)]),
    "power 2.5": (lambda a: a**2.5, POSITIVE),
    "relu": (mg.relu, [(1e-12,), (5e-6,), (0.3,), (1e5,), (-5e-6, 1.0), (1e-12, -1e-12, 2.0)]),
    "relu beside 1": (lambda a: mg.relu(a - 1), [(1 + 1e-7,), (1 + 1e-5, 1 - 1e-5)]),
    "abs": (mg.abs, [(1e-12,), (-5e-6,), (-1e5,), (0.3, -1e-9)]),
    "leaky_relu": (F.leaky_relu, [(1e-12,), (-5e-6,), (1.0, -2.0)]),
    "clamp": (lambda a: mg.clamp(a, -1, 1), [(0.3,), (1 - 1e-6, 2.0)]),
    "sin": (mg.sin, [*ANYWHERE, (1e5,), (1e-12,)]),
    "cos": (mg.cos, [(0.3,), (-1.3,), (1e5,)]),
    "fast sine": (lambda a: mg.sin(1e4 * a), [(0.3,), (1.0, -2.0)]),
    "tanh": (mg.tanh, ANYWHERE),
    "steep tanh": (lambda a: mg.tanh(1e5 * a), [(1e-6,), (0.0,), (-7e-6, 1e-7)]),
    "sigmoid": (mg.sigmoid, [*ANYWHERE, (12.0,), (-20.0,)]),
    "gelu": (F.gelu, ANYWHERE),
    "softmax": (lambda a: F.softmax(a, 0), VECTORS),
    "log_softmax": (lambda a: F.log_softmax(a, 0), VECTORS),
    "logsumexp": (lambda a: mg.logsumexp(a, 0), [*VECTORS, (1e-6, 1e6)]),
    "mean": (mg.mean, [*ANYWHERE, (1e5, 1.0)]),
    "var": (mg.var, [*VECTORS, (1e5, 1.0)]),
    "std": (mg.std, VECTORS),
    "norm": (mg.norm, [*VECTORS, (1e-9, 1e-8)]),
    "layer_norm": (lambda a: F.layer_norm(a, (len(a),)), [(0.4, -1.2, 2.0), (1e-3, 3.0, -4.0)]),
    "amax": (lambda a: mg.amax(a, 0), [(1.0, 1.0 - 1e-6), (1e-6, 0.0, -1.0)]),
    "several outputs": (lambda a: (a * a, a.sum(), mg.argmax(a), mg.exp(a)), VECTORS[:3]),
}


@pytest.mark.parametrize("name", CASES)
def test_right_gradients_pass_and_wrong_ones_do_not(name):
    func, points = CASES[name]
    for values in points:
        said = [verdict(func, at(*values), f) for f in (1, 1.01, 0.99, 1.001, -1, 2)]
        assert said == ["right"] + ["wrong"] * 5, values
        assert verdict(func, at(*values), 0) in ("wrong", "refused"), values


@pytest.mark.parametrize("name", ["log", "sqrt", "reciprocal", "square", "relu"])
def test_the_same_in_reference_mode_and_under_no_grad(name):
    func, points = CASES[name]
    with mg.use_kernels("reference"), mg.no_grad():
        assert {verdict(func, at(*values)) for values in points} == {"right"}


def test_one_wrong_entry_among_larger_ones_is_found():
    weak = mg.tensor([1.0, 1.01], dtype=mg.float64)
    found = r"input 0 of shape \(2,\): 1 of 2 entries differ; the worst, at \[1\]"
    with pytest.raises(GradcheckError, match=found):
        gradcheck(lambda a: mg.log(Scaled.apply(a, weak)), at(1e-6, 1.0))


@pytest.mark.parametrize("values", [(0.01,), (0.3, 2.0), (1e5,)])
@pytest.mark.parametrize("name", ["log", "reciprocal", "square", "sqrt"])
def test_second_derivatives(name, values):
    func = CASES[name][0]
    assert gradgradcheck(func, at(*values))

    for factor in (1.01, 0.99, -1, 0):
        with pytest.raises(GradcheckError, match="gradgradcheck: backward is not the gradient"):
            gradgradcheck(lambda a: func(ScaledLater.apply(a, factor)), at(*values))  # noqa: B023


def test_second_derivatives_at_a_corner_are_undecided():
    with pytest.raises(GradcheckError, match=r"gradgradcheck: cannot be decided.*\n.*x\[0\]"):
        gradgradcheck(mg.relu, at(0.0))


# --- what cannot be decided is said in words, and is False -----


def undecided(func, x, **options):
    assert gradcheck(func, x, raise_exception=False, **options) is False
    with pytest.raises(GradcheckError, match="cannot be decided here") as error:
        gradcheck(func, x, **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("func", "values", "place"),
    [
        (mg.relu, (0.0,), "x[0]"),
        (mg.abs, (0.0,), "x[0]"),
        (mg.abs, (0.3, 0.0, -1.0), "x[1]"),
        (F.leaky_relu, (2.0, 0.0), "x[1]"),
        (lambda a: mg.relu(a - 1), (1.0,), "x[0]"),
        (lambda a: mg.clamp(a, -1, 1), (1.0,), "x[0]"),
        (lambda a: mg.amax(a, 0), (3.0, 3.0), "x[0]"),
        (lambda a: mg.maximum(a, mg.ones_like(a)), (2.0, 1.0), "x[1]"),
        (mg.norm, (0.0, 0.0), "x[0]"),
    ],
)
def test_a_corner_is_named(func, values, place):
    text = undecided(func, at(*values))
    assert f"the function has a corner at {place}: slope " in text
    assert "on the left" in text and "on the right" in text


def test_a_corner_of_a_scalar_has_no_index():
    corner = mg.tensor(0.0, dtype=mg.float64, requires_grad=True)
    assert "the function has a corner at x: slope" in undecided(mg.relu, corner)


def test_the_slopes_at_a_corner_are_shown():
    text = undecided(lambda a: mg.relu(a) + 2 * a, at(0.0))
    dy = np.random.default_rng(0)
    dy = dy.choice([-1.0, 1.0], 1) * dy.uniform(0.5, 1.5, 1)
    assert f"slope {2 * dy[0]:.6g} on the left, {3 * dy[0]:.6g} on the right" in text


def test_wrong_beside_a_corner_is_wrong_all_the_same():
    with pytest.raises(GradcheckError, match="not the gradient") as error:
        gradcheck(lambda a: mg.relu(Scaled.apply(a, 1.01)), at(0.0, 1.0))
    assert "1 of 2 entries differ; the worst, at [1]" in str(error.value)
    assert "corner at x[0]" in str(error.value)


def test_jumps_and_borders_are_named():
    assert "func jumps at x[0]" in undecided(lambda a: a + mg.sign(a), at(0.0))
    assert "func jumps at x[0]" in undecided(lambda a: a + (a // 1).detach(), at(3.0))
    assert "infinite on the left of x[0]" in undecided(mg.sqrt, at(0.0, 1.0))
    assert "func returns nan or infinity" in undecided(lambda a: mg.log(a) + 0, at(-1.0))


def test_rounding_is_named():
    assert "rounding leaves them off" in undecided(lambda a: a + 1e12, at(0.3))
    stairs = undecided(lambda a: (a + 1e8) - 1e8, at(0.3))  # 1 in steps of 1.5e-8
    assert "rounding leaves" in stairs or "depend on the step" in stairs
    assert gradcheck(lambda a: a + 1e12, at(0.3), rtol=0.1, atol=0)


def test_what_is_finer_than_the_numbers_is_not_called_wrong():
    def ripple(a):
        return a + 1e-8 * mg.sin(1e8 * a)

    assert [verdict(ripple, at(value)) for value in (0.3, 1e3, 1e5)] == ["undecided"] * 3
    assert undecided(mg.sin, at(1e12))  # neighbors of 1e12 are 1.2e-4 apart
    assert verdict(lambda a: mg.sin(a * 1e8), at(1.0)) == "undecided"  # a · 1e8 is rounded


class SteepAtZero(Function):
    """∛x, whose slope at 0 is infinite."""

    @staticmethod
    def forward(ctx, x):
        return mg.tensor(np.cbrt(x.detach().numpy()))

    @staticmethod
    def backward(ctx, dy):
        return dy * np.inf


def test_an_infinite_slope_is_neither_shown_nor_refuted():
    assert "inf, differences" in undecided(SteepAtZero.apply, at(0.0))


def test_a_gradient_of_rounding_errors_counts_as_zero():
    x = mg.tensor(np.random.default_rng(4).standard_normal((3, 7)), requires_grad=True)
    with pytest.raises(ValueError, match="does not depend on input 0: .* 0 everywhere, or round"):
        gradcheck(lambda a: F.softmax(a, 1).sum(1), x)
    y = mg.tensor(np.random.default_rng(5).uniform(1, 2, 7), requires_grad=True)
    assert gradgradcheck(lambda a, b: a * b / (b * 1.1), (x, y))  # no second derivative by b


def test_an_infinite_gradient_is_wrong_where_the_differences_are_finite():
    for factor in (np.inf, np.nan):
        assert verdict(mg.exp, at(1.0, 2.0), factor) == "wrong"
        assert verdict(mg.log, at(1e-7, 1.0), factor) == "wrong"


# --- eps, atol and rtol are the caller's -----


def test_atol_of_ones_own_is_kept():
    nearly = functools.partial(verdict, lambda a: a * 1e-3, at(1.0, 2.0), 1.01)
    assert nearly() == "wrong"
    assert nearly(atol=1e-4) == "right"
    with pytest.raises(ValueError, match=r"at most 0.00\d+, so a wrong rule would pass with atol"):
        gradcheck(lambda a: a * 1e-3, at(1.0, 2.0), atol=1e-2)
    assert verdict(lambda a: a * a, at(1e-12), atol=0) == "right"


def test_rtol_of_ones_own_is_kept():
    assert verdict(mg.exp, at(0.3, 1.0), 1.001, rtol=1e-2) == "right"
    assert verdict(mg.exp, at(0.3, 1.0), 1.05, rtol=1e-2) == "wrong"
    assert verdict(mg.exp, at(0.3, 1.0), rtol=1e-16, atol=0) == "undecided"


@pytest.mark.parametrize("eps", [1e-2, 1e-3, 1e-6, 1e-8, 1e-11])
def test_any_sensible_step_will_do(eps):
    for name in ("exp", "log", "square", "tanh"):
        func = CASES[name][0]
        assert verdict(func, at(0.3, 1.5), eps=eps) == "right", name
        assert verdict(func, at(0.3, 1.5), 1.01, eps=eps) == "wrong", name


def calls(func, x):
    count = [0]

    def counted(a):
        count[0] += 1
        return func(a)

    gradcheck(counted, x, raise_exception=False)
    return count[0]


def test_smooth_functions_are_called_twice_per_entry_and_wrong_ones_six_times():
    x = mg.tensor(np.random.default_rng(2).standard_normal(50), requires_grad=True)
    assert calls(mg.exp, x) == 2 * 50 + 2
    assert calls(lambda a: mg.exp(Scaled.apply(a, 1.01)), x) <= 6 * 50 + 2


# --- functions that may not be checked, and what is left alone -----


def test_random_functions_are_refused_even_if_two_calls_agree():
    for seed in range(8):
        mg.manual_seed(seed)
        with pytest.raises(ValueError, match="draws random numbers|two results"):
            gradcheck(lambda a: F.dropout(a, 0.5), at(1.0))

    def seeded(a):
        mg.manual_seed(3)
        return F.dropout(a, 0.5)

    assert gradcheck(seeded, at(*range(1, 9)))


def test_the_default_generator_is_left_as_it_was():
    def seeded(a):
        mg.manual_seed(3)
        return a * mg.rand(2, dtype=mg.float64)

    for func in (seeded, lambda a: a * mg.randn(2, dtype=mg.float64), lambda a: 1 / 0):
        for check in (gradcheck, gradgradcheck):
            mg.manual_seed(11)
            before = mg.get_rng_state()
            try:
                check(func, at(1.0, 2.0))
            except (ValueError, ZeroDivisionError):
                pass
            assert mg.equal(before, mg.get_rng_state())


def test_a_function_that_changes_its_input_is_refused_and_undone():
    def careless(a, b):
        with mg.no_grad():
            b += 1
        return a * b

    for check in (gradcheck, gradgradcheck):
        b = mg.tensor([3.0, 4.0], dtype=mg.float64)
        with pytest.raises(ValueError, match="func changes input 1 in place"):
            check(careless, (at(1.0, 2.0), b))
        assert b.tolist() == [3.0, 4.0]


def test_hooks_and_graphs_of_the_caller_are_left_alone():
    seen = []
    x = at(0.5, 1.0)
    x.register_hook(seen.append)
    y = x * 2
    assert gradcheck(mg.exp, x) and gradcheck(mg.exp, y)
    assert not seen and x.grad is None
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_cotangents_of_scalar_outputs_keep_their_digits():
    assert gradcheck(lambda a: a.sum() * 3, at(1.0, 2.0), rtol=1e-9, atol=0)


def test_shapes_that_depend_on_values_are_refused():
    with pytest.raises(ValueError, match="shapes of func's outputs depend"):
        gradcheck(lambda a: a[a.detach() >= 1.0], at(1.0, 2.0))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (1.0, TypeError, "grad_outputs must be a Tensor or a tuple, got float"),
        ((1.0,), TypeError, r"grad_outputs\[0\] must be a Tensor, got float"),
        (mg.ones(2, dtype=mg.float64), mg.ShapeError, r"has shape \(\), grad_outputs\[0\] \(2,\)"),
        (mg.tensor(1.0), mg.DTypeError, r"grad_outputs\[0\] is minigrad.float32, the output"),
        (mg.tensor(1), mg.DTypeError, r"grad_outputs\[0\] is minigrad.int64, the output"),
        ((), ValueError, "func has 1 outputs, but 0 grad_outputs"),
    ],
)
def test_grad_outputs_must_fit_the_outputs(given, error, message):
    with pytest.raises(error, match=f"gradgradcheck: .*{message}"):
        gradgradcheck(lambda a: mg.exp(a).sum(), at(1.0), given)
