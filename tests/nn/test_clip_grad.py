"""Clipping of gradients, and parameters as one vector."""

import math
import re

import numpy as np
import pytest
from helpers.grids import for_each

import minigrad
from minigrad import nn
from minigrad.errors import DTypeError, ShapeError
from minigrad.nn.utils import clip_grad_norm_, parameters_to_vector, vector_to_parameters

SHAPES = [(3, 4), (4,), (), (0, 2)]


def parameters(dtype=minigrad.float64):
    rng = np.random.default_rng(0)
    params = []
    for shape in SHAPES:
        params.append(nn.Parameter(minigrad.tensor(rng.standard_normal(shape), dtype=dtype)))
        params[-1].grad = minigrad.tensor(10 * rng.standard_normal(shape), dtype=dtype)
    params.append(nn.Parameter(minigrad.tensor([1.0], dtype=dtype)))  # without gradient
    return params


@pytest.mark.parametrize("max_norm", [0.0, 0.5, 30, 1e9, math.inf])
@for_each("norm_type", [1, 2.0, 3.5, math.inf, "inf", "2.0"])
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 2e-6), ("float64", 1e-12)])
def test_clip_is_torchs(torch, max_norm, norm_type, dtype, rtol):
    ours = parameters(getattr(minigrad, dtype))
    if float(norm_type) == math.inf:
        del ours[3]  # torch has no infinity norm of nothing
    theirs = []
    for p in ours:
        theirs.append(torch.nn.Parameter(torch.tensor(p.detach().numpy())))
        theirs[-1].grad = None if p.grad is None else torch.tensor(p.grad.numpy())
    norms = [
        clip_grad_norm_(ours, max_norm, norm_type),
        torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type),
    ]
    assert norms[0].dtype is getattr(minigrad, dtype) and norms[0].shape == ()
    np.testing.assert_allclose(*[norm.item() for norm in norms], rtol=rtol)
    for p, q in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=rtol)
    assert ours[-1].grad is None


@pytest.mark.parametrize("infinity", ["inf", "Infinity", np.float32("inf"), np.inf])
def test_the_infinity_norm_is_the_largest_gradient_however_it_is_written(infinity):
    params = parameters()
    largest = max(abs(p.grad.numpy()).max(initial=0) for p in params[:-1])
    assert clip_grad_norm_(params, 1.0, norm_type=infinity).item() == largest
    assert max(abs(p.grad.numpy()).max(initial=0) for p in params[:-1]) == pytest.approx(1.0)


@pytest.mark.parametrize("foreach", [None, True, False])
def test_every_documented_form_of_parameters_clips_alike(foreach):
    p = parameters()[0]
    before = p.grad.tolist()
    results = []
    for form in (p, [p], (p,), iter([p]), (each for each in [p]), {p}, {p: 1}.keys()):
        p.grad = minigrad.tensor(before, dtype=minigrad.float64)
        norm = clip_grad_norm_(form, 1.0, 2, False, foreach)
        results.append((norm.item(), p.grad.tolist()))
    assert all(result == results[0] for result in results)


def test_an_iterator_with_nothing_left_is_warned_of(torch):
    for library, clip in ((nn, clip_grad_norm_), (torch.nn, torch.nn.utils.clip_grad_norm_)):
        layer = library.Linear(2, 2)
        used = layer.parameters()
        list(used)
        with pytest.warns(UserWarning, match="iterator|generator"):
            assert clip(used, 1.0).item() == 0
        assert clip([], 1.0).item() == 0  # and no warning, which would be an error here


def test_a_norm_that_overflows_is_inf_and_warns_of_nothing():
    p = nn.Parameter(minigrad.ones(2))
    p.grad = minigrad.tensor([3e38, 3e38])
    assert clip_grad_norm_([p], 1.0).item() == math.inf
    np.testing.assert_allclose(p.grad.numpy(), [math.sqrt(0.5)] * 2, rtol=1e-6)
    p.grad = minigrad.tensor([1.0, 2.0])
    assert clip_grad_norm_([p], math.inf, 1e-4).item() == math.inf


def test_clip_in_place_and_counted():
    params = parameters()
    gradient, version = params[0].grad, params[0].grad._version
    clip_grad_norm_((p for p in params), 1.0)
    assert params[0].grad is gradient and gradient._version > version
    total = math.sqrt(sum((p.grad.numpy() ** 2).sum() for p in params[:-1]))
    assert total == pytest.approx(1.0, rel=1e-6)
    single = params[0]
    clip_grad_norm_(single, 0.1)
    assert np.linalg.norm(single.grad.numpy()) == pytest.approx(0.1, rel=1e-4)


def test_no_overflow_on_the_way():
    p = nn.Parameter(minigrad.ones(2))
    p.grad = minigrad.tensor([3e30, 4e30])
    assert clip_grad_norm_([p], 1.0).item() == pytest.approx(5e30)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_clip_of_what_is_not_finite(torch, value):
    params = parameters()
    params[1].grad = minigrad.tensor([value, 1.0, 2.0, 3.0], dtype=minigrad.float64)
    before = [p.grad.tolist() for p in params[:-1]]
    with pytest.raises(RuntimeError, match="clip_grad_norm_: the norm of the gradients is"):
        clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert repr([p.grad.tolist() for p in params[:-1]]) == repr(before)
    theirs = [torch.nn.Parameter(torch.tensor(p.detach().numpy())) for p in params[:-1]]
    for p, q in zip(params, theirs, strict=False):
        q.grad = torch.tensor(p.grad.numpy())
    norm = clip_grad_norm_(params, 1.0)
    assert repr(norm.item()) == repr(torch.nn.utils.clip_grad_norm_(theirs, 1.0).item())
    for p, q in zip(params, theirs, strict=False):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())


def test_clip_without_gradients_and_with_bad_arguments():
    assert clip_grad_norm_([], 1.0).item() == 0
    assert clip_grad_norm_([nn.Parameter(minigrad.ones(2))], 1.0).item() == 0
    params = parameters()
    before = [p.grad.tolist() for p in params[:-1]]
    for options, error in (
        ({"max_norm": -1}, ValueError),
        ({"max_norm": math.nan}, ValueError),
        ({"max_norm": "1"}, TypeError),
        ({"max_norm": 1, "norm_type": 0}, ValueError),
        ({"max_norm": 1, "norm_type": math.nan}, ValueError),
        ({"max_norm": 1, "norm_type": -1}, ValueError),
        ({"max_norm": 1, "norm_type": -math.inf}, ValueError),
        ({"max_norm": 1, "norm_type": "-inf"}, ValueError),
        ({"max_norm": 1, "norm_type": "nan"}, ValueError),
        ({"max_norm": 1, "norm_type": "fro"}, TypeError),
        ({"max_norm": 1, "norm_type": None}, TypeError),
        ({"max_norm": 1, "norm_type": True}, TypeError),
        ({"max_norm": 1, "error_if_nonfinite": None}, TypeError),
        ({"max_norm": 1, "foreach": "yes"}, TypeError),
    ):
        *_, name = options
        value = re.escape(repr(options[name]))
        with pytest.raises(error, match=f"clip_grad_norm_: {name} must be .*, got {value}"):
            clip_grad_norm_(params, **options)
    with pytest.raises(TypeError, match=r"parameters\[0\] must be a Tensor, got int"):
        clip_grad_norm_([1], 1.0)
    assert [p.grad.tolist() for p in params[:-1]] == before


def test_vector_round_trip(torch):
    params = parameters()
    vector = parameters_to_vector(params)
    theirs = torch.nn.utils.parameters_to_vector([torch.tensor(p.detach().numpy()) for p in params])
    np.testing.assert_array_equal(vector.detach().numpy(), theirs.numpy())
    weights = np.random.default_rng(1).standard_normal(vector.shape)
    for p in params:
        p.grad = None
    (vector * minigrad.tensor(weights)).sum().backward()
    assert parameters_to_vector([p.grad for p in params]).tolist() == weights.tolist()
    source = minigrad.tensor(weights)
    vector_to_parameters(source, params)
    assert parameters_to_vector(params).tolist() == weights.tolist()
    source.fill_(0)
    assert parameters_to_vector(params).tolist() == weights.tolist()
    assert all(p.is_leaf and p.requires_grad for p in params)


@pytest.mark.parametrize("nothing", [[], iter(()), nn.ReLU().parameters()])
def test_a_vector_of_nothing_is_an_error_that_names_the_parameters(nothing):
    with pytest.raises(ValueError, match="parameters_to_vector: parameters is empty"):
        parameters_to_vector(nothing)


def test_a_vector_that_does_not_fit_changes_nothing():
    params = parameters()
    before = parameters_to_vector(params).tolist()
    for vector, error, message in (
        (minigrad.ones(17, dtype=minigrad.float64), ShapeError, "18 elements, vec has shape"),
        (minigrad.ones(18, 1, dtype=minigrad.float64), ShapeError, "18 elements"),
        (minigrad.ones(18), DTypeError, "vec is minigrad.float32, a parameter minigrad.float64"),
        (np.ones(18), TypeError, "vec must be a Tensor, got ndarray"),
    ):
        with pytest.raises(error, match=f"vector_to_parameters: .*{message}"):
            vector_to_parameters(vector, params)
    assert parameters_to_vector(params).tolist() == before
    vector_to_parameters(minigrad.ones(0), [])
