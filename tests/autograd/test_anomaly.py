"""detect_anomaly: it names the operation and the line where a NaN or an infinity was born."""

import re

import numpy as np
import pytest

import minigrad
from minigrad import GraphError, nn, tensor
from minigrad.autograd import Function, detect_anomaly, grad


def float32_leaf(*values):
    return tensor(values, requires_grad=True)


def harmless_then_not(x):
    y = x * 2
    y = minigrad.log(y - 2)  # born here
    return y + 1


def line_of(error):
    """The last source line that the message quotes."""
    return str(error.value).rstrip().splitlines()[-1].strip().rstrip("~^ \n")


def test_forward_names_operation_and_line():
    x = float32_leaf(1.0, 3.0)
    assert harmless_then_not(x).tolist()[0] == -np.inf
    with detect_anomaly():
        with pytest.raises(GraphError, match="LogBackward0 makes 1 infinite of 2 numbers") as error:
            harmless_then_not(x)
        text = str(error.value)
        assert "y = minigrad.log(y - 2)  # born here" in text and "in harmless_then_not" in text
        assert text.index("harmless_then_not(x)") < text.index("born here")  # the caller's caller
        with pytest.raises(GraphError, match="1 NaN and 1 infinite of 2 numbers"):
            minigrad.log(float32_leaf(-1.0, 0.0))
    assert harmless_then_not(x).tolist()[0] == -np.inf


def test_only_the_birth_is_an_error():
    """What comes in with the data passes through."""
    x = float32_leaf(np.inf, 1.0)
    with detect_anomaly():
        y = (x * 2 + 1).sum()
        y.backward()
    assert x.grad.tolist() == [2, 2]


def backward_of_sqrt(x):
    y = minigrad.sqrt(x)  # its slope at 0 is infinite
    return (y * tensor([1.0, 1.0])).sum()


def test_backward_names_operation_and_line():
    x = float32_leaf(0.0, 4.0)
    backward_of_sqrt(x).backward()
    assert x.grad.tolist() == [np.inf, 0.25]
    x.grad = None
    with detect_anomaly():
        y = backward_of_sqrt(x)
        with pytest.raises(GraphError, match="Sqrt.* 1 infinite of 2 .*input 0") as error:
            y.backward()
        assert "y = minigrad.sqrt(x)  # its slope" in str(error.value)
    assert x.grad is None
    y = backward_of_sqrt(x)
    with detect_anomaly():
        with pytest.raises(GraphError, match=r"; run forward within detect_anomaly\(\) too"):
            y.backward(retain_graph=True)
        with pytest.raises(GraphError, match="SqrtBackward0"):
            grad(y, x, retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [np.inf, 0.25]


def test_a_gradient_that_comes_in_infinite_is_nobodys_fault():
    x = float32_leaf(1.0, 2.0)
    with detect_anomaly():
        (x * 2).backward(tensor([np.inf, 1.0]))
    assert x.grad.tolist() == [np.inf, 2]


def test_lines_alone_may_be_remembered():
    x = float32_leaf(0.0, 4.0)
    with detect_anomaly(check_nan=False):
        harmless_then_not(float32_leaf(1.0, 3.0))
        y = backward_of_sqrt(x)
        y.backward(retain_graph=True)
    with detect_anomaly(), pytest.raises(GraphError, match="(?s)called here:.*= minigrad.sqrt"):
        y.backward()


def test_layers_lead_to_the_line_of_their_user():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    with minigrad.no_grad():
        model[0].weight.fill_(3e38)
    before = model[1].running_mean.numpy().copy()
    with detect_anomaly():
        with pytest.raises(GraphError, match="LinearBackward0") as error:
            model(tensor([[2.0, 2.0], [1.0, 1.0]]))  # the user's line
        assert re.search(r"the user's line\n$", str(error.value))
        assert line_of(error).startswith("model(tensor(")
    np.testing.assert_array_equal(model[1].running_mean.numpy(), before)
    assert model[1].num_batches_tracked.item() == 0


def test_batch_norm_stops_before_its_statistics_are_touched():
    layer = nn.BatchNorm1d(1)
    x = tensor([[0.0]] * 199 + [[1.0]])  # the last is 14 standard deviations away
    with detect_anomaly():
        layer(x)
    with minigrad.no_grad():
        layer.weight.fill_(1e38)
    before = layer.running_mean.item()
    with detect_anomaly(), pytest.raises(GraphError, match="BatchNorm.* makes 1 infinite of 200"):
        layer(x)
    assert layer.num_batches_tracked.item() == 1 and layer.running_mean.item() == before


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, dy):
        return dy * float("nan")


def test_custom_functions_are_seen():
    x = float32_leaf(2.0)
    with detect_anomaly():
        y = Square.apply(x).sum()  # the custom one
        with pytest.raises(GraphError, match="(?s)Square.*NaN.*the custom one"):
            y.backward()


def test_integers_pass():
    x = float32_leaf(1.0, 2.0)
    with detect_anomaly():
        x[tensor([1])].sum().backward()
        (x.max(0)[0] * 2).backward()
    assert x.grad.tolist() == [0, 3]


def test_nesting_restores():
    x = float32_leaf(-1.0)
    with detect_anomaly():
        with detect_anomaly(check_nan=False):
            minigrad.log(x)
        with pytest.raises(GraphError):
            minigrad.log(x)
    minigrad.log(x)
    with pytest.raises(ZeroDivisionError), detect_anomaly():
        _ = 1 / 0
    minigrad.log(x)


def test_bad_argument():
    with pytest.raises(TypeError, match="check_nan must be True or False, got 1"):
        detect_anomaly(1)
