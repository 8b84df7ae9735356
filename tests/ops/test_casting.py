import copy
import pickle

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, in_every_layout
from helpers.torch_peer import assert_same, leaves

import minigrad
from minigrad import tensor


@pytest.mark.parametrize("source", DTYPES)
@for_each("target", DTYPES)
def test_casts_agree_with_torch(torch, source, target):
    array = np.array([0, 1, 2.9, 100.2]).astype(source)
    x, x_torch = leaves(array, torch)
    y, y_torch = x.to(getattr(minigrad, target)), x_torch.to(getattr(torch, target))
    assert_same(y, y_torch)
    assert_same(x.type(getattr(minigrad, target)), y_torch)
    assert_same(x.to(minigrad.zeros(1, dtype=getattr(minigrad, target))), y_torch)
    assert_same(x.to("cpu", getattr(minigrad, target)), y_torch)
    assert y.requires_grad == y_torch.requires_grad
    assert y.type().removeprefix("minigrad.") == y_torch.type().removeprefix("torch.")
    if y.grad_fn is not None:
        assert y.grad_fn.name() == y_torch.grad_fn.name()
        y.backward(tensor([1.0, 2.0, 3.0, 0.1], dtype=y.dtype))
        y_torch.backward(torch.tensor([1.0, 2.0, 3.0, 0.1], dtype=y_torch.dtype))
        assert_same(x.grad, x_torch.grad)


def test_short_names_of_casts(torch):
    x, x_torch = leaves(np.array([0.0, 1.5]), torch)
    for name in ("float", "double", "long", "int", "bool", "byte"):
        assert_same(getattr(x, name)(), getattr(x_torch, name)())


def test_casting_warns_of_nothing_and_copies_when_asked():
    assert tensor([np.nan, np.inf]).bool().tolist() == [True, True]
    tensor([np.nan, np.inf, 1e30]).int()
    assert tensor([1e300], dtype=minigrad.float64).float().tolist() == [np.inf]
    x = minigrad.zeros(2)
    y = x.to(minigrad.float32, copy=True)
    assert y is not x and not np.shares_memory(x.numpy(), y.numpy())


@pytest.mark.parametrize("name", ["contiguous", "fortran", "sliced", "flipped", "readonly"])
def test_clone_and_contiguous(name):
    array = in_every_layout(np.random.default_rng(0).standard_normal((3, 4)))[name]
    x = minigrad.from_numpy(array).requires_grad_()
    for y in (x.clone(), x.contiguous()):
        assert y.is_contiguous()
        np.testing.assert_array_equal(y.detach().numpy(), array)
        if y is not x:
            y.detach().zero_()
    assert array.any()
    x.clone().backward(minigrad.from_numpy(array))
    np.testing.assert_array_equal(x.grad.numpy(), array)


def test_devices():
    assert minigrad.zeros(1).device == minigrad.device("cpu")
    assert (
        str(minigrad.device("cpu")) == "cpu"
        and repr(minigrad.device("cpu", 0)) == "device(type='cpu')"
    )
    assert minigrad.device(minigrad.device("cpu")).type == "cpu"
    assert len({minigrad.device("cpu"), minigrad.device("cpu:0")}) == 1
    assert minigrad.cuda.is_available() is False
    for bad, error in [
        ("cuda", ValueError),
        ("cpu:1", ValueError),
        (0, TypeError),
        (None, TypeError),
    ]:
        with pytest.raises(error, match="device"):
            minigrad.device(bad)
    with pytest.raises(ValueError, match="cpu"):
        minigrad.device("cpu", 1)
    with pytest.raises(ValueError, match="cuda"):
        minigrad.zeros(2, device="cuda")


@pytest.mark.parametrize("value", [(), "x", None])
def test_type_is_of_a_tensor(value):
    with pytest.raises(TypeError, match="type: self must be a Tensor"):
        minigrad.Tensor.type(value)
    assert minigrad.Tensor.type(np.int64(6)) == "minigrad.LongTensor"


@pytest.mark.parametrize("kind", [float, int, bool])
@pytest.mark.parametrize("default", ["float32", "float64"])
def test_types_of_python_as_dtypes(torch, kind, default):
    """A Python float has 64 bits, whatever the default is: torch.float64."""
    found = []
    for m in (minigrad, torch):
        before = m.get_default_dtype()
        m.set_default_dtype(getattr(m, default))
        try:
            found.append([
                str(x.dtype).partition(".")[2]
                for x in (
                    m.zeros(1, dtype=kind), m.full((1,), 1, dtype=kind), m.eye(3, dtype=kind),
                    m.tensor([1], dtype=kind), m.ones(1).to(kind),
                    m.ones_like(m.ones(1), dtype=kind), m.ones(2).sum(dtype=kind), m.tensor(1.5),
                    m.tensor([1.5]), m.tensor([True, 1.5]), m.full((1,), 1.5), m.arange(3.0),
                )
            ])  # fmt: skip
        finally:
            m.set_default_dtype(before)
    assert found[0] == found[1]


class Named(minigrad.Tensor):
    """A tensor with a name, say."""


@pytest.mark.parametrize("kind", [Named, minigrad.nn.Parameter])
def test_attributes_come_along_with_copies_and_pickles(kind):
    x = kind(tensor([1.0, 2.0]))
    x.name, x.parts = "w", [1, tensor([3.0])]
    copies = [copy.copy(x), *(pickle.loads(pickle.dumps(x, p)) for p in range(2, 6))]
    copies += [copy.deepcopy(x)] if kind is Named else []  # torch leaves those of Parameters
    for each in copies:
        assert type(each) is kind and each.requires_grad == x.requires_grad
        assert each.name == "w" and each.parts[0] == 1 and each.parts[1].tolist() == [3]
        each.name = "v"
        assert x.name == "w"
    assert copies[0].parts is x.parts
    assert all(each.parts is not x.parts for each in copies[1:])


def test_a_copy_that_refers_to_itself():
    x = Named([1.0])
    x.me = x
    y = copy.deepcopy(x)
    assert y.me is y and y is not x
    z = pickle.loads(pickle.dumps(x))
    assert z.me is z
