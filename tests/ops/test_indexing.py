import numpy as np
import pytest
from helpers.layouts import in_every_layout
from helpers.torch_peer import assert_same, leaves, outcome

import minigrad
from minigrad import DTypeError, GraphError, ShapeError, tensor

SHAPES = [(), (1,), (4,), (0, 3), (2, 3), (3, 1, 4), (2, 3, 4), (2, 2, 3, 2)]


def random_key(rng, shape, whole=False):
    """A key as a list of (kind, value), right most of the time; its positions are all different."""
    key, dim = [], 0
    bound = len(shape) + (rng.random() < 0.1)
    dots = rng.integers(0, 3) == 0
    while dim < bound and rng.random() < 0.85:
        size = shape[dim] if dim < len(shape) else 2
        kind = rng.choice(
            ["int", "slice", "array", "list", "mask", "number", "matrix", "none", "bool", "dots"],
            p=[0.2, 0.2, 0.16, 0.08, 0.08, 0.05, 0.06, 0.08, 0.04, 0.05],
        )
        off = 1 if rng.random() < 0.02 else 0
        if kind == "int" or kind == "number":
            key.append((kind, int(rng.integers(-size - off, size + off)) if size else 0))
        elif kind == "slice":
            bounds = [None if rng.random() < 0.3 else int(rng.integers(-6, 7)) for _ in range(2)]
            key.append((kind, slice(*bounds, None if rng.random() < 0.5 else rng.integers(1, 4))))
        elif kind in ("array", "list", "matrix"):
            count = int(rng.integers(0, size + 1)) if rng.random() < 0.5 else min(size, 2)
            picked = rng.permutation(size)[:count] + off
            picked = np.where(rng.random(count) < 0.4, picked - size, picked).astype(np.int64)
            if kind == "matrix":
                picked = picked[:, None]
            key.append((kind, picked.tolist() if kind == "list" else picked))
        elif kind == "mask":
            span = int(rng.integers(1, 3))
            part = shape[dim : dim + span]
            key.append((kind, rng.random(part if not off else (size + 1,)) < 0.5))
            dim += len(part) - 1
        elif kind == "dots":
            if not dots:
                continue
            dots = False
            key.append((kind, ...))
            dim -= 1
        else:
            key.append((kind, None if kind == "none" else bool(rng.integers(2))))
            dim -= 1
        dim += 1
    return key


def build(key, library):
    """The key for minigrad or torch."""
    tensors = {"array", "matrix", "mask", "number"}
    items = [library.tensor(value) if kind in tensors else value for kind, value in key]
    return items[0] if len(items) == 1 and key[0][0] != "list" else tuple(items)


@pytest.mark.parametrize("seed", range(5))
def test_reading_agrees_with_torch(torch, seed):
    rng = np.random.default_rng(seed)
    used = 0
    for _ in range(120):
        shape = SHAPES[rng.integers(len(SHAPES))]
        kinds = list(in_every_layout(rng.standard_normal(shape)).values())
        x, x_torch = leaves(kinds[rng.integers(len(kinds))], torch)
        key = random_key(rng, shape)
        y, error = outcome(lambda x=x, key=key: x[build(key, minigrad)])
        y_torch, error_torch = outcome(lambda x=x_torch, key=key: x[build(key, torch)])
        if error_torch is None and error is not None:
            assert y_torch.numel() == 0, (shape, key, error)  # there torch looks at no index
        else:
            assert (error is None) == (error_torch is None), (shape, key, error, error_torch)
        if error is not None:
            assert isinstance(error, (IndexError, ShapeError)), (shape, key, error)
            continue
        assert_same(y, y_torch)
        assert y.grad_fn.name() == y_torch.grad_fn.name(), (shape, key)
        dy = rng.standard_normal(y.shape)
        y.backward(tensor(dy))
        y_torch.backward(torch.tensor(dy))
        assert_same(x.grad, x_torch.grad, rtol=1e-14)
        used += 1
    assert used > 60


@pytest.mark.parametrize("seed", range(5))
def test_writing_agrees_with_torch(torch, seed):
    rng = np.random.default_rng(100 + seed)
    used = 0
    for _ in range(80):
        shape = SHAPES[rng.integers(len(SHAPES))]
        x, x_torch = leaves(rng.standard_normal(shape), torch)
        y, y_torch = x * 1, x_torch * 1
        if len(shape) > 1 and rng.random() < 0.4:
            # Write through a view; its base is what counts afterwards.
            where, where_torch = y.transpose(0, 1), y_torch.transpose(0, 1)
        else:
            where, where_torch = y, y_torch
        key = random_key(rng, where.shape)
        part, error = outcome(lambda w=where, key=key: w[build(key, minigrad)])
        if error is not None:
            continue
        value_shape = list(part.shape)
        for i in range(len(value_shape)):
            if rng.random() < 0.3:
                value_shape[i] = 1
        value_shape = [1] * rng.integers(0, 2) + value_shape[
            rng.integers(0, len(value_shape) + 1) :
        ]
        v, v_torch = leaves(rng.standard_normal(value_shape), torch)
        _, error = outcome(lambda w=where, key=key, v=v: w.__setitem__(build(key, minigrad), v))
        _, error_torch = outcome(
            lambda w=where_torch, key=key, v=v_torch: w.__setitem__(build(key, torch), v)
        )
        if (error is None) != (error_torch is None):
            pytest.fail(f"{shape} {key} {value_shape} {error} {error_torch}")
        assert_same(y, y_torch)
        if error is not None:
            continue
        dy = rng.standard_normal(shape)
        (y * tensor(dy)).sum().backward()
        (y_torch * torch.tensor(dy)).sum().backward()
        assert_same(x.grad, x_torch.grad, rtol=1e-14)
        v_grad = v_torch.grad if v_torch.grad is not None else torch.zeros_like(v_torch)
        if v.grad is None:
            assert not v_grad.any()
        else:
            assert_same(v.grad, v_grad, rtol=1e-14)
        used += 1
    assert used > 30


def test_repeated_indices_add_up():
    rng = np.random.default_rng(0)
    for shape, key in [
        ((5,), ([0, 0, 3, 0],)),
        ((5, 3), ([1, 1, 4],)),
        ((5, 3), ([[1, 1], [4, 1]],)),
        ((4, 5), ([0, 0, 3], [2, 2, 1])),
        ((4, 5, 2), ([0, 0, 3], [2, 2, 1])),
        ((4, 5, 2), (slice(None), [2, 2, 1])),
        ((4, 5, 2), ([0, 0], slice(None), [1, 1])),
        ((4, 5, 2), (slice(1, 3), slice(None), [1, 1, 1])),
    ]:
        x = tensor(rng.standard_normal(shape), requires_grad=True)
        y = x[key]
        dy = rng.standard_normal(y.shape)
        y.backward(tensor(dy))
        expected = np.zeros(shape)
        np.add.at(expected, tuple(np.array(k) if isinstance(k, list) else k for k in key), dy)
        np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-14)


def test_repeated_indices_add_up_in_double():
    dy = np.tile(np.array([1e8, 1.0, -1e8], np.float32), 1000)
    index = minigrad.zeros(3000, dtype=minigrad.int64)
    x = minigrad.zeros(2, requires_grad=True)
    x[index].backward(tensor(dy))
    assert x.grad.tolist() == [1000, 0]
    w = minigrad.zeros(2, 3, requires_grad=True)
    w[index].backward(tensor(np.repeat(dy, 3).reshape(-1, 3)))
    assert w.grad.tolist() == [[1000] * 3, [0] * 3]


def test_of_values_written_to_one_place_the_last_gets_the_gradient():
    v = tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = minigrad.zeros(2)
    x[[0, 0, 1]] = v
    assert x.tolist() == [2.0, 3.0]
    (x * tensor([5.0, 7.0])).sum().backward()
    assert v.grad.tolist() == [0.0, 5.0, 7.0]


def test_second_derivatives():
    rng = np.random.default_rng(1)
    x = tensor(rng.standard_normal((3, 4)), requires_grad=True)
    v = tensor(rng.standard_normal(4), requires_grad=True)

    def picked(x):
        return x[[0, 2, 2]] ** 3

    def viewed(x):
        return x[1:, 2] ** 3

    def written(x, v):
        y = x * x
        y[1] = v * v
        y[[0, 2], 1:3] = (v * v)[:2]
        return y * y

    assert minigrad.autograd.gradcheck(picked, (x,))
    assert minigrad.autograd.gradgradcheck(picked, (x,))
    assert minigrad.autograd.gradgradcheck(viewed, (x,))
    assert minigrad.autograd.gradcheck(written, (x, v))
    assert minigrad.autograd.gradgradcheck(written, (x, v))


def test_basic_keys_give_views_and_others_copies():
    x = minigrad.zeros(3, 4)
    for key in (0, slice(1, 3), (..., 1), None, (0, None), minigrad.tensor(2)):
        y = x[key]
        assert y._base is x
        assert np.shares_memory(y.numpy(), x.numpy())
    for key in ([0, 1], tensor([True, False, True]), (0, [1, 2]), True):
        assert not np.shares_memory(x[key].numpy(), x.numpy())
    x[1][2] = 5
    assert x[1, 2].item() == 5


@pytest.mark.parametrize("key", [0, [0], ..., (slice(None), None)], ids=str)
def test_a_change_of_a_saved_value_is_noticed(key):
    x = minigrad.ones(2, requires_grad=True)
    y = (x * x).sum()
    with minigrad.no_grad():
        x[key] = 5
    with pytest.raises(GraphError, match="setitem"):
        y.backward()


def test_an_index_changed_later_does_not_change_the_gradient():
    index = tensor([0, 1])
    x = minigrad.ones(3, requires_grad=True)
    y = x[index]
    index += 1
    y.backward(tensor([2.0, 3.0]))
    assert x.grad.tolist() == [2.0, 3.0, 0.0]


def test_in_place_on_a_part():
    x = tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    y[0] += 10
    y[:, 1] *= y[:, 0].clone()
    y[[1], [0]] -= 1
    (y * tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert y.tolist() == [[11.0, 132.0], [2.0, 12.0]]
    assert x.grad.tolist() == [[1.0 + 2 * 12, 2.0 * 11], [3.0 + 4 * 4, 4.0 * 3]]


def test_infinite_gradients_do_not_leak_through_what_was_overwritten():
    x = tensor([0.0, 4.0], requires_grad=True)
    y = x * 1
    y[0] = 1.0
    y.backward(tensor([np.inf, 1.0]))
    assert x.grad.tolist() == [0.0, 1.0]
    x.grad = None
    y = x * 1
    y[[0]] = 1.0
    y.backward(tensor([np.inf, 1.0]))
    assert x.grad.tolist() == [0.0, 1.0]


def test_writing_through_a_reshaped_view_of_a_transposed_base():
    rng = np.random.default_rng(2)
    x = tensor(rng.standard_normal((3, 4)).T, requires_grad=True)
    base = (minigrad.from_numpy(np.asfortranarray(x.detach().numpy())) * 1).detach()
    assert not base.is_contiguous()
    y = base.copy_(x)
    view = y.T.view(-1)
    view[2:5] *= 3
    dy = rng.standard_normal((4, 3))
    y.backward(tensor(dy))
    factor = np.ones(12)
    factor[2:5] = 3
    np.testing.assert_allclose(x.grad.numpy(), dy * factor.reshape(3, 4).T)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_values_are_cast_to_the_dtype(torch, dtype):
    for value in (1, 1.0, True, np.float64(3), np.array([1.0, 0.0, 3.0])):
        x, x_torch = leaves(np.zeros(3, dtype), torch, requires_grad=False)
        x[:] = value
        x_torch[:] = torch.tensor(value) if isinstance(value, np.ndarray) else value
        assert_same(x, x_torch)
    with pytest.raises(ValueError, match="does not fit"):
        tensor([1, 2], dtype=minigrad.uint8)[0] = 300


@pytest.mark.parametrize(
    ("key", "error", "words"),
    [
        (3, IndexError, "3 is out of range for dim 0 of size 3"),
        (-4, IndexError, "-4 is out of range for dim 0 of size 3"),
        ((0, 4), IndexError, "4 is out of range for dim 1 of size 4"),
        ((..., -5), IndexError, "-5 is out of range for dim 1 of size 4"),
        ((slice(None), [0, 4]), IndexError, "4 is out of range for dim 1 of size 4"),
        (([-4],), IndexError, "-4 is out of range for dim 0 of size 3"),
        (2**70, IndexError, "out of range"),
        ((0, 0, 0), IndexError, "3 indices for a 2-d tensor of shape"),
        ((0, None, 0, 0), IndexError, "3 indices for a 2-d"),
        (slice(None, None, -1), ValueError, "must be positive, got -1"),
        (slice(0, 2.5), TypeError, "slice"),
        (1.0, TypeError, "got float"),
        ("a", TypeError, "got str"),
        ({1}, TypeError, "got set"),
        ([1.0], DTypeError, "float64"),
        (np.array([1.0]), DTypeError, "float64"),
        (([0, 1], [0, 1, 2]), IndexError, r"\(2,\), \(3,\) do not broadcast"),
        ([[0, 1], [1, 0]], IndexError, "ambiguous"),
        (([[0, 1], [1]],), ShapeError, "different lengths"),
        ([0, slice(None)], IndexError, "ambiguous"),
        (np.array([True, False]), IndexError, r"mask of shape \(2,\)"),
        ((0, np.array([True] * 3)), IndexError, r"mask of shape \(3,\)"),
        (np.ones((3, 4, 1), bool), IndexError, "3 indices"),
        (np.array([1, 0, 1], np.uint8), IndexError, "uint8"),
    ],
    ids=str,
)
def test_bad_keys(key, error, words):
    x = minigrad.zeros(3, 4)
    with pytest.raises(error, match=words):
        x[key]
    with pytest.raises(error, match=words):
        x[key] = 1.0
    assert not x.numpy().any()
    assert x._version == 0


def test_bad_values_change_nothing():
    x = minigrad.zeros(3, 4)
    readonly = minigrad.from_numpy(in_every_layout(np.zeros((3, 4)))["readonly"])
    for key, value, error, words in [
        (0, minigrad.ones(5), ShapeError, r"\(5,\).*\(4,\)"),
        (([0, 1],), minigrad.ones(3), ShapeError, r"\(3,\).*\(2, 4\)"),
        (0, minigrad.ones(2, 4), ShapeError, r"\(2, 4\).*\(4,\)"),
        (0, [1.0], TypeError, "list"),
        (0, None, TypeError, "NoneType"),
        (0, "a", TypeError, "str"),
    ]:
        for requires_grad in (False, True):
            if isinstance(value, minigrad.Tensor):
                value = value.detach().requires_grad_(requires_grad)
            with pytest.raises(error, match=words):
                x[key] = value
    with pytest.raises(ValueError, match="read-only"):
        readonly[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        minigrad.zeros(1, 3).expand(2, 3)[0] = 1
    leaf = minigrad.zeros(3, requires_grad=True)
    for key in (0, [0], ..., tensor([True, False, False])):
        with pytest.raises(GraphError, match="no_grad"):
            leaf[key] = 1
    with pytest.raises(GraphError, match="no_grad"):
        leaf[:2][0] = 1
    with minigrad.no_grad():
        part = leaf[:2]
        leaf[0] = 1
    with pytest.raises(GraphError, match="no_grad"):
        part[0] = 2
    assert leaf.tolist() == [1, 0, 0]
    assert not x.detach().numpy().any() and x._version == 0
    with pytest.raises(IndexError):
        tensor(1.0)[0]


def test_iteration_and_membership():
    x = tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    a, b = x
    (a * b).sum().backward()
    assert x.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert 3 in x.detach() and 5 not in x.detach()


@pytest.mark.parametrize("key", [
    ((0, 2),), ((2, 0), slice(1)), (slice(None), (0, 3)), ((0, 1, 2), (3, 1, 0)), ([0], (1, 2)),
    (..., (1, 1)), (((0, 1), (1, 2)),), ((True, False, True),), (0, ()), ((),),
], ids=str)  # fmt: skip
def test_tuples_within_a_key_are_lists(torch, key):
    array = np.arange(12.0).reshape(3, 4)
    found = []
    for m in (minigrad, torch):
        x = m.tensor(array, requires_grad=True)
        y = x[key]
        (y * m.tensor(np.cos(np.arange(y.numel()) + 1).reshape(y.shape))).sum().backward()
        z = m.tensor(array)
        z[key] = -1
        found.append([y.detach().numpy(), x.grad.numpy(), z.numpy()])
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours, theirs)
