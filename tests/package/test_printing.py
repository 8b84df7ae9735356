import re

import numpy as np
import pytest
from helpers.rest_slow import rest_slow
from helpers.torch_peer import leaves

import minigrad
from minigrad import tensor

SHAPES = [(), (0,), (3,), (0, 3), (2, 0, 3), (1,), (30,), (2, 3), (2, 3, 4), (1001,), (40, 40),
          (3, 4, 5, 30), (2, 2, 2, 2, 2), (12, 100), (1, 1), (5, 1, 300)]  # fmt: skip


@pytest.fixture
def same_names(monkeypatch):
    """dtypes that are written as torch's, so that lines break at the same places."""
    monkeypatch.setattr(minigrad.dtype, "__repr__", lambda self: f"torch.{self.name}")


@pytest.fixture(autouse=True)
def usual_options():
    yield
    minigrad.set_printoptions(profile="default")


def random_values(rng):
    shape = SHAPES[rng.integers(len(SHAPES))]
    kind = rng.integers(10)
    if kind == 0:
        return rng.integers(-(10 ** rng.integers(1, 11)), 10 ** rng.integers(1, 11), shape)
    if kind == 1:
        return np.asarray(rng.random(shape) < 0.5)
    if kind == 2:
        return np.asarray(rng.integers(0, 255, shape), [np.uint8, np.int32][rng.integers(2)])
    if kind == 3:
        values = rng.integers(-2000, 2000, shape) * 1.0
    elif kind == 4:
        values = np.exp(rng.standard_normal(shape) * 5)
    else:
        values = rng.standard_normal(shape) * 10.0 ** rng.integers(-6, 9)
    values = np.array(values, [np.float32, np.float64][rng.integers(2)])
    if values.size and rng.random() < 0.4:
        for special in rng.choice([0.0, -0.0, np.nan, np.inf, -np.inf], 3):
            values.flat[rng.integers(values.size)] = special
    return values


@pytest.mark.parametrize("options", [False, True], ids=["usual options", "random options"])
@pytest.mark.parametrize("block", rest_slow(range(3), [0]))
def test_text_agrees_with_torch(torch, same_names, options, block):
    rng = np.random.default_rng([int(options), block])
    try:
        for _ in range(80):
            if options:
                chosen = {
                    "precision": int(rng.integers(0, 8)),
                    "linewidth": int(rng.integers(20, 140)),
                    "edgeitems": int(rng.integers(1, 5)),
                    "threshold": int(rng.integers(5, 2000)),
                    "sci_mode": [None, True, False][rng.integers(3)],
                }
                torch.set_printoptions(**chosen)
                minigrad.set_printoptions(**chosen)
            x, x_torch = leaves(random_values(rng), torch, requires_grad=False)
            if x.dtype.is_floating_point and rng.random() < 0.6:
                x.requires_grad_()
                x_torch.requires_grad_()
                if rng.random() < 0.5:
                    x, x_torch = x + 0, x_torch + 0
            assert repr(x) == repr(x_torch)
            assert str(x) == str(x_torch)
    finally:
        torch.set_printoptions(profile="default")


def test_text():
    assert repr(tensor([1.0, 2.5])) == "tensor([1.0000, 2.5000])"
    assert repr(tensor(3)) == "tensor(3)"
    assert repr(tensor([True, False])) == "tensor([ True, False])"
    assert repr(minigrad.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert repr(tensor([1.0], dtype=minigrad.float64)) == "tensor([1.], dtype=minigrad.float64)"
    assert repr(minigrad.ones(1, requires_grad=True)) == "tensor([1.], requires_grad=True)"
    assert repr(minigrad.ones(1, requires_grad=True) * 2) == "tensor([2.], grad_fn=<MulBackward0>)"
    assert repr(minigrad.nn.Parameter(minigrad.ones(1))) == (
        "Parameter containing:\ntensor([1.], requires_grad=True)"
    )


def test_profiles_agree_with_torch(torch, same_names):
    x, x_torch = leaves(np.random.default_rng(0).standard_normal((30, 40)), torch)
    try:
        for profile in ("short", "full", "default"):
            torch.set_printoptions(profile=profile)
            minigrad.set_printoptions(profile=profile)
            assert repr(x) == repr(x_torch)
        minigrad.set_printoptions(profile="short", precision=6)
        torch.set_printoptions(profile="short", precision=6)
        assert repr(x) == repr(x_torch)
    finally:
        torch.set_printoptions(profile="default")


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"precision": -1}, ValueError),
        ({"precision": 2.5}, TypeError),
        ({"threshold": "a"}, TypeError),
        ({"edgeitems": True}, TypeError),
        ({"linewidth": -3}, ValueError),
        ({"profile": "tiny"}, ValueError),
        ({"sci_mode": 1}, TypeError),
        ({"precision": 2, "profile": "tiny"}, ValueError),
        ({"precision": 2, "linewidth": None, "edgeitems": 1.5}, TypeError),
    ],
)
def test_bad_options_change_nothing(bad, error):
    before = repr(tensor([1 / 3, 2e7]))
    (name,) = [n for n in bad if n in ("profile", "sci_mode")] or [
        n for n in bad if bad[n] not in (None, 2)
    ]
    with pytest.raises(error, match=name):
        minigrad.set_printoptions(**bad)
    assert repr(tensor([1 / 3, 2e7])) == before


def test_numbers_for_notebooks():
    x = tensor([[1.0, 2.5], [3.0, 4.0]], requires_grad=True)
    assert x._repr_html_() == (
        "<div><b>Tensor</b> shape (2, 2), minigrad.float32, requires_grad<table>"
        "<tr><td>1.0000</td><td>2.5000</td></tr>"
        "<tr><td>3.0000</td><td>4.0000</td></tr></table></div>"
    )
    assert "grad_fn=MulBackward0" in (x * 2)._repr_html_()
    assert "showing [0, 0]" in minigrad.zeros(2, 3, 4, 5)._repr_html_()
    assert "<b>Parameter</b>" in minigrad.nn.Parameter(x.detach())._repr_html_()
    assert (
        minigrad.zeros(0, 3)._repr_html_()
        == "<div><b>Tensor</b> shape (0, 3), minigrad.float32</div>"
    )
    assert (
        "<td>7</td>" in tensor(7)._repr_html_() and "<td>True</td>" in tensor([True])._repr_html_()
    )
    wide = minigrad.arange(10_000).reshape(100, 100)._repr_html_()
    assert (
        len(re.findall("<tr>", wide)) == 7 and wide.count("…") == 7 + 6 and "<td>9999</td>" in wide
    )


def test_only_what_is_shown_is_copied():
    """An expanded tensor of a terabyte, and a transposed one, show their corners."""
    row = "[1., 1., 1.,  ..., 1., 1., 1.]"
    assert str(minigrad.ones(1).expand(2**40)) == f"tensor({row})"
    assert str(minigrad.ones(1, 1).expand(2**20, 2**20).t()).count(row) == 6


def test_a_signalling_nan_is_printed_like_others():
    array = np.array([0x7FA00001, 0x3F800000], np.uint32).view(np.float32)
    with np.errstate(all="raise"):
        assert repr(minigrad.from_numpy(array)) == "tensor([nan, 1.])"
