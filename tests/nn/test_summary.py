"""nn.summary: true numbers, and nothing changed by asking."""

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn.utils.summary import readable_size


def network():
    return nn.Sequential(
        nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 3)
    )


def test_rows_and_totals():
    found = nn.summary(network(), (10, 6))
    assert [row.layer for row in found.rows] == [
        "0 (Linear)",
        "1 (BatchNorm1d)",
        "2 (ReLU)",
        "3 (Dropout)",
        "4 (Linear)",
    ]
    assert [row.output_shape for row in found.rows] == [(10, 4)] * 4 + [(10, 3)]
    assert [row.parameters for row in found.rows] == [28, 8, 0, 0, 15]
    assert found.parameters == found.trainable == 51
    assert found.buffers == 9


def test_saved_bytes_of_linear_layers_are_their_inputs():
    model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3))
    found = nn.summary(model, (10, 6))
    assert [row.saved_bytes for row in found.rows] == [10 * 6 * 4, 10 * 4 * 4]
    assert nn.summary(model.double(), (10, 6)).saved_bytes == 2 * found.saved_bytes


def test_memory_that_two_layers_keep_counts_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 4), nn.Linear(6, 4)

        def forward(self, x):
            return self.a(x) * self.b(x)

    found = nn.summary(Twice(), (10, 6))
    assert [(row.layer, row.saved_bytes) for row in found.rows] == [
        ("a (Linear)", 240),
        ("b (Linear)", 0),
        ("(between layers)", 320),
    ]


def test_functions_between_layers():
    class Between(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 4), nn.Linear(4, 3)

        def forward(self, x):
            return self.b(self.a(x).exp()).exp()

    found = nn.summary(Between(), (10, 6))
    assert [(row.layer, row.saved_bytes) for row in found.rows] == [
        ("a (Linear)", 240),
        ("b (Linear)", 0),  # its input is what the first exp keeps
        ("(between layers)", 160 + 120),
    ]


def test_text():
    assert str(nn.summary(network(), (10, 6))) == """\
layer            output shape  parameters  saved for backward
-------------------------------------------------------------
0 (Linear)       (10, 4)               28               240 B
1 (BatchNorm1d)  (10, 4)                8               160 B
2 (ReLU)         (10, 4)                0               160 B
3 (Dropout)      (10, 4)                0                40 B
4 (Linear)       (10, 3)               15               160 B
-------------------------------------------------------------
total                                  51               760 B
trained: 51; buffers, which follow the data: 9"""


@pytest.mark.parametrize(
    "count, text",
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (3174, "3.1 KiB"),
        (12 << 20, "12.0 MiB"),
        (3 << 30, "3.0 GiB"),
        (5000 << 30, "5000.0 GiB"),
    ],
)
def test_sizes(count, text):
    assert readable_size(count) == text


def test_frozen_parameters_are_named():
    model = network()
    model[0].requires_grad_(False)
    assert nn.summary(model, (10, 6)).trainable == 23
    assert "28 frozen" in str(nn.summary(model, (10, 6)))


def test_nothing_changes():
    model = network()
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    model[0].weight.grad = minigrad.ones(4, 6)
    before = {key: value.numpy().copy() for key, value in model.state_dict().items()}
    state = minigrad.get_rng_state().numpy().copy()
    versions = [value._version for value in model.state_dict().values()]
    str(nn.summary(model, (10, 6)))
    with pytest.raises(minigrad.ShapeError):
        nn.summary(model, (10, 7))
    with pytest.raises(ValueError):
        nn.summary(model, (1, 6))  # one value per channel
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    assert versions == [value._version for value in model.state_dict().values()]
    np.testing.assert_array_equal(minigrad.get_rng_state().numpy(), state)
    assert model.training and calls == [] and model[0].weight.grad.sum() == 24


def test_works_inside_no_grad_and_in_evaluation():
    model = network().eval()
    with minigrad.no_grad():
        assert nn.summary(model, (1, 6)).saved_bytes > 0


@pytest.mark.parametrize("shape", [784, None, "big"])
def test_bad_shapes_say_what_is_expected(shape):
    with pytest.raises(TypeError, match="batch included"):
        nn.summary(network(), shape)


def test_no_module():
    with pytest.raises(TypeError, match="Module"):
        nn.summary(lambda x: x, (1, 2))


def test_a_batch_in_the_place_of_its_shape_is_answered_with_the_shape():
    with pytest.raises(TypeError, match=r"got Tensor: give its shape, \(3, 2\)$"):
        nn.summary(nn.Linear(2, 1), minigrad.ones(3, 2))
