"""gradcheck: right rules pass, wrong ones are shown, probes that could not fail are refused."""

import numpy as np
import pytest
from helpers.layouts import leaf, normal, stretched

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.autograd.gradcheck import GradcheckError

x, y = leaf(normal(3, 4)), leaf(normal(4, seed=1))


def half(a):
    """a², with half of its gradient missing."""
    return a * a.detach()


def test_right_rules_pass():
    assert gradcheck(mg.mul, (x, y)) is True
    assert gradcheck(mg.exp, x) is True
    assert gradcheck(lambda a: (a.sum(), a * 2, mg.argmax(a)), [x]) is True
    assert gradcheck(lambda a, n: a**n, (x, 3)) is True


def test_a_wrong_rule_is_shown_at_its_worst_entry():
    with pytest.raises(GradcheckError) as error:
        gradcheck(half, x)
    dy = np.random.default_rng(0)
    cotangent = dy.choice([-1.0, 1.0], (3, 4)) * dy.uniform(0.5, 1.5, (3, 4))
    wrong = (cotangent * x.detach().numpy()).ravel()
    worst = int(np.abs(wrong).argmax())
    message = str(error.value)
    assert "input 0 of shape (3, 4): 12 of 12 entries differ" in message
    assert f"the worst, at {[worst // 4, worst % 4]}" in message
    assert f"backward {wrong[worst]:.10g}, differences {2 * wrong[worst]:.5g}" in message


def test_the_answer_can_be_false():
    assert gradcheck(half, x, raise_exception=False) is False
    assert gradgradcheck(lambda a: half(a) * a, x, raise_exception=False) is False


def test_each_input_is_looked_at():
    with pytest.raises(GradcheckError, match=r"input 1 of shape \(4,\)") as error:
        gradcheck(lambda a, b: a * half(b), (x, y))
    assert "input 0" not in str(error.value)


def test_a_forgotten_input_fails():
    with pytest.raises(GradcheckError, match="input 0.* backward 0, differences"):
        gradcheck(lambda a, b: a.detach() * b, (x, y))
    with pytest.raises(GradcheckError, match="input 0.* backward 0, differences"):
        gradcheck(lambda a: a.detach() * 3, x)


@pytest.mark.parametrize("error", [1e-6, 1e-4])
def test_small_errors_are_found(error):
    with pytest.raises(GradcheckError):
        gradcheck(lambda a: a * 3 + a.detach() * 3 * error, x)
    assert gradcheck(lambda a: a * 3 + a.detach() * 3 * error, x, rtol=1e-2)


def test_nan_and_infinity_do_not_pass():
    zero = leaf(np.array([0.0, 1.0]))
    with pytest.raises(GradcheckError, match=r"at \[0\]: backward inf"):
        gradcheck(mg.sqrt, zero)
    with pytest.raises(GradcheckError, match="nan"):
        gradcheck(lambda a: a * mg.tensor([np.nan, 1.0], dtype=mg.float64), zero)


def test_second_derivatives():
    assert gradgradcheck(mg.mul, (x, y)) is True
    assert gradgradcheck(lambda a: mg.exp(a).sum(), x) is True
    assert gradgradcheck(mg.mul, (x, y), leaf(normal(3, 4, seed=9))) is True
    with pytest.raises(GradcheckError, match="gradgradcheck"):
        gradgradcheck(lambda a: mg.exp(a) * a.detach(), x)


# --- probes that could not fail are refused -----


@pytest.mark.parametrize("function", [lambda a: a * 0, lambda a: mg.ones(3, dtype=mg.float64),
                                      lambda a: mg.sign(a), lambda a: a.detach() * 0])  # fmt: skip
def test_a_function_that_does_not_depend_on_the_input(function):
    with pytest.raises(ValueError, match="does not depend on input 0.*a wrong rule would pass"):
        gradcheck(function, x)


def test_a_linear_function_has_no_second_derivative_but_one_in_the_cotangent():
    assert gradgradcheck(lambda a: a * 2, x) is True
    with pytest.raises(ValueError, match="every second derivative is 0"):
        gradgradcheck(mg.sign, x)


def test_nothing_to_check():
    with pytest.raises(ValueError, match="no input requires a gradient"):
        gradcheck(mg.exp, x.detach())
    with pytest.raises(ValueError, match="returns no float tensor"):
        gradcheck(mg.argmax, x)
    with pytest.raises(ValueError, match="gradgradcheck: no input requires a gradient"):
        gradgradcheck(mg.exp, x.detach())
    with pytest.raises(ValueError, match="gradgradcheck: no output of func depends on an input"):
        gradgradcheck(lambda a: mg.exp(a).detach(), x)
    assert gradgradcheck(lambda a: (mg.exp(a), mg.ones(3, dtype=mg.float64)), x)


def test_a_random_function():
    with pytest.raises(ValueError, match="two results for the same inputs"):
        gradcheck(lambda a: a * mg.randn(3, 4, dtype=mg.float64), x)


def test_only_float64():
    single = mg.tensor([1.0], requires_grad=True)
    with pytest.raises(mg.DTypeError, match="input 0 is minigrad.float32.*float64"):
        gradcheck(mg.exp, single)
    with pytest.raises(mg.DTypeError, match="gradgradcheck: input 0 is minigrad.float32"):
        gradgradcheck(mg.exp, single)
    with pytest.raises(mg.DTypeError, match="func returns minigrad.float32"):
        gradcheck(lambda a: a.float(), x)


@pytest.mark.parametrize("bad", [None, 1.0, "a", np.ones(3)])
def test_bad_arguments(bad):
    with pytest.raises(TypeError, match="gradcheck: inputs must be a Tensor or a tuple"):
        gradcheck(mg.exp, bad)
    with pytest.raises(TypeError, match="gradcheck: func must return a Tensor"):
        gradcheck(lambda a: bad, x)
    with pytest.raises(TypeError, match="gradcheck: raise_exception must be True or False"):
        gradcheck(mg.exp, x, raise_exception=bad)


# --- what it leaves alone -----


def test_inputs_and_their_gradients_are_untouched():
    before = x.detach().numpy().copy()
    x.grad = None
    gradcheck(lambda a, b: mg.exp(a) * b, (x, y))
    gradgradcheck(lambda a, b: mg.exp(a) * b, (x, y))
    assert x.grad is None
    assert np.array_equal(x.detach().numpy(), before)


def test_views_and_repeated_memory_can_be_inputs():
    assert gradcheck(mg.exp, leaf(stretched(normal(3, 4), 0)))
    base = mg.tensor(normal(4, 3), requires_grad=True)
    assert gradcheck(mg.exp, base.t())


def test_the_step_may_be_that_of_torch_or_far_too_large():
    assert gradcheck(mg.exp, x, eps=1e-6, atol=1e-5, rtol=1e-3)
    assert gradcheck(mg.exp, x, eps=1e-2)  # smaller ones are tried, and extrapolated
    with pytest.raises(GradcheckError, match="not the gradient"):
        gradcheck(lambda a: mg.exp(a) + (mg.exp(a) * 1e-6).detach() * a, x, eps=1e-2)


def test_zero_size_inputs_are_checked_for_their_shape():
    assert gradcheck(lambda a: a * 2, leaf(np.zeros((0, 3))))


def test_in_no_grad_too():
    with mg.no_grad():
        assert gradcheck(mg.exp, x)
        assert not mg.is_grad_enabled()
