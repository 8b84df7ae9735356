"""Initial values: the distributions torch's functions have."""

import math
import typing

import numpy as np
import pytest
from helpers.grids import for_each

import minigrad
from minigrad import nn
from minigrad.errors import DTypeError, ShapeError
from minigrad.nn import init

SHAPE = (150, 200)


def limits(array):
    return float(np.abs(array).max())


@pytest.mark.parametrize(
    ("name", "options", "bound"),
    [
        ("xavier_uniform_", {}, math.sqrt(6 / 350)),
        ("xavier_uniform_", {"gain": 5 / 3}, 5 / 3 * math.sqrt(6 / 350)),
        ("kaiming_uniform_", {}, math.sqrt(2) * math.sqrt(3 / 200)),
        ("kaiming_uniform_", {"a": math.sqrt(5)}, 1 / math.sqrt(200)),
        ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}, math.sqrt(6 / 150)),
        ("kaiming_uniform_", {"nonlinearity": "tanh"}, 5 / 3 * math.sqrt(3 / 200)),
    ],
)
def test_uniform_bounds(torch, name, options, bound):
    array = getattr(init, name)(minigrad.empty(*SHAPE), **options).numpy()
    theirs = getattr(torch.nn.init, name)(torch.empty(*SHAPE), **options).numpy()
    for values in (array, theirs):
        assert 0.999 * bound < limits(values) <= bound * (1 + 1e-6)
        assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.size)
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    ("name", "options", "std"),
    [
        ("xavier_normal_", {"gain": 2}, 2 * math.sqrt(2 / 350)),
        ("kaiming_normal_", {}, math.sqrt(2 / 200)),
        ("kaiming_normal_", {"a": 0.5, "mode": "fan_out"}, math.sqrt(2 / 1.25 / 150)),
        ("normal_", {"mean": 0.0, "std": 3.0}, 3.0),
    ],
)
def test_normal_deviations(torch, name, options, std):
    array = getattr(init, name)(minigrad.empty(*SHAPE), **options).numpy()
    theirs = getattr(torch.nn.init, name)(torch.empty(*SHAPE), **options).numpy()
    for values in (array, theirs):
        assert values.std() == pytest.approx(std, rel=0.02)
        assert abs(values.mean()) < 4 * std / math.sqrt(values.size)
        assert 3 * std < limits(values) < 7 * std


def test_fans_count_the_receptive_field(torch):
    shape = (8, 4, 5, 5)
    for mode, fan in (("fan_in", 100), ("fan_out", 200)):
        ours = init.kaiming_uniform_(minigrad.empty(*shape), mode=mode).numpy()
        assert 0.98 * math.sqrt(6 / fan) < limits(ours) <= math.sqrt(6 / fan) * (1 + 1e-6)


def test_shifted_and_constant():
    array = init.uniform_(minigrad.empty(*SHAPE), 2.0, 3.0).numpy()
    assert 2 <= array.min() < 2.01 and 2.99 < array.max() <= 3
    assert init.normal_(minigrad.empty(2), 5.0, 0.0).tolist() == [5, 5]
    assert init.constant_(minigrad.empty(2), 7).tolist() == [7, 7]
    assert init.ones_(minigrad.empty(2)).tolist() == [1, 1]
    assert init.zeros_(minigrad.ones(2)).tolist() == [0, 0]


def test_seeded_and_by_generator():
    draws = []
    for seed in (3, 3, 4):
        minigrad.manual_seed(seed)
        draws.append(init.normal_(minigrad.empty(4)).tolist())
    assert draws[0] == draws[1] != draws[2]
    state = minigrad.get_rng_state()
    generators = [minigrad.Generator().manual_seed(9) for _ in range(2)]
    one, other = (init.uniform_(minigrad.empty(4), generator=g).tolist() for g in generators)
    assert one == other
    np.testing.assert_array_equal(minigrad.get_rng_state().numpy(), state.numpy())


def test_a_parameter_is_filled_without_being_recorded():
    layer = nn.Linear(3, 2)
    version = layer.weight._version
    assert init.ones_(layer.weight) is layer.weight
    assert layer.weight.is_leaf and layer.weight._version > version
    y = (layer.weight * layer.weight).sum()
    init.zeros_(layer.weight)
    with pytest.raises(RuntimeError, match="fill_"):
        y.backward()


GAINS = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
GAINS += [f"conv{kind}{d}d" for kind in ("", "_transpose") for d in (1, 2, 3)]


@pytest.mark.parametrize("name", GAINS)
@for_each("param", [None, 0, 0.3, -2, 5.0])
def test_every_gain_is_torchs(torch, name, param):
    expected = torch.nn.init.calculate_gain(name, param)
    assert init.calculate_gain(name, param) == expected


def test_torch_knows_no_gain_that_is_missing_here(torch):
    names = typing.get_args(torch.nn.init._NonlinearityType)
    assert sorted(names) == sorted(GAINS)


def test_the_gain_of_selu_is_three_quarters():
    assert init.calculate_gain("selu") == 0.75
    array = init.kaiming_normal_(minigrad.empty(*SHAPE), nonlinearity="selu").numpy()
    assert array.std() == pytest.approx(0.75 / math.sqrt(200), rel=0.02)


def test_a_steep_slope_has_no_gain():
    assert init.calculate_gain("leaky_relu", 1e200) == 0.0


@pytest.mark.parametrize("name", ["swish", "", "SELU", None, 3, ["relu"], {}, minigrad.ones(2)])
def test_an_unknown_nonlinearity_is_named(name):
    with pytest.raises(ValueError, match="calculate_gain: nonlinearity must be .*selu.* got "):
        init.calculate_gain(name)


@pytest.mark.parametrize("param", [True, "0.1", [0.1]])
def test_a_slope_that_is_no_number_is_named(param):
    with pytest.raises(TypeError, match="calculate_gain: param"):
        init.calculate_gain("leaky_relu", param)


FILL = [init.uniform_, init.normal_, init.ones_, init.zeros_]
FAN = [init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_]


@pytest.mark.parametrize("function", FILL + FAN)
def test_zero_elements_and_wrong_tensors(function):
    assert function(minigrad.empty(0, 3)).shape == (0, 3)
    assert function(minigrad.empty(3, 0)).shape == (3, 0)
    for wrong in (None, [1.0], np.ones((2, 2)), 3):
        with pytest.raises(TypeError, match="tensor must be a Tensor"):
            function(wrong)
    with pytest.raises(DTypeError, match="tensor must be float32 or float64"):
        function(minigrad.tensor([[1, 2], [3, 4]]))


@pytest.mark.parametrize("function", FAN)
def test_fans_need_a_matrix(function):
    for shape in ((), (3,)):
        with pytest.raises(ShapeError, match="fans need at least 2 dimensions"):
            function(minigrad.empty(shape))


def test_bad_numbers_change_nothing():
    x = minigrad.ones(2, 2)
    for call in (
        lambda: init.uniform_(x, 1.0, 0.0),
        lambda: init.uniform_(x, math.nan),
        lambda: init.normal_(x, std=-1.0),
        lambda: init.normal_(x, mean=math.inf),
        lambda: init.constant_(x, math.nan),
        lambda: init.xavier_uniform_(x, gain=math.inf),
        lambda: init.kaiming_uniform_(x, a=math.nan),
        lambda: init.kaiming_uniform_(x, mode="fan"),
        lambda: init.kaiming_normal_(x, nonlinearity="?"),
    ):
        with pytest.raises(ValueError):
            call()
    for call in (
        lambda: init.uniform_(x, "a"),
        lambda: init.constant_(x, None),
        lambda: init.normal_(x, generator=3),
    ):
        with pytest.raises(TypeError):
            call()
    assert x.tolist() == [[1, 1], [1, 1]]
