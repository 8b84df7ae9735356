import numpy as np
import pytest
from helpers.torch_peer import outcome

import minigrad
from minigrad import DTypeError, Generator, GraphError, ShapeError, tensor


def test_distributions():
    minigrad.manual_seed(0)
    n = 200_000
    for dtype in (minigrad.float32, minigrad.float64):
        u = minigrad.rand(n, dtype=dtype).numpy()
        assert 0 <= u.min() and u.max() < 1 and abs(u.mean() - 0.5) < 0.005
        z = minigrad.randn(n, dtype=dtype).numpy()
        assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01 and abs((z**4).mean() - 3) < 0.15
        v = minigrad.empty(n, dtype=dtype).uniform_(-3, 5).numpy()
        assert -3 <= v.min() < -2.99 and 4.99 < v.max() <= 5 and abs(v.mean() - 1) < 0.03
        w = minigrad.empty(n, dtype=dtype).normal_(10, 0.5).numpy()
        assert abs(w.mean() - 10) < 0.01 and abs(w.std() - 0.5) < 0.01
    k = minigrad.randint(-2, 3, (n,))
    assert k.dtype is minigrad.int64
    np.testing.assert_allclose(np.bincount(k.numpy() + 2) / n, 0.2, atol=0.01)
    assert sorted(minigrad.randperm(50).tolist()) == list(range(50))
    assert minigrad.zeros(3).normal_(2, 0).tolist() == [2, 2, 2]
    assert minigrad.zeros(2).uniform_(1, 1).tolist() == [1, 1]


def test_permutations_up_to_the_last_integer_of_a_dtype():
    assert sorted(minigrad.randperm(256, dtype="uint8").tolist()) == list(range(256))
    with pytest.raises(ValueError, match="uint8 does not hold the integers up to 256"):
        minigrad.randperm(257, dtype="uint8")


def test_in_place_filling_respects_layout_graph_and_versions():
    x = minigrad.zeros(4, 4)
    x.T[1:3].normal_()
    assert x[:, 1:3].numpy().all() and not x[:, 0].numpy().any() and not x[:, 3].numpy().any()
    leaf = minigrad.zeros(3, requires_grad=True)
    state = minigrad.get_rng_state()
    for fill in (leaf.normal_, leaf.uniform_, minigrad.zeros(1).expand(3).normal_):
        with pytest.raises((GraphError, ValueError), match="no_grad|read-only"):
            fill()
    assert minigrad.equal(minigrad.get_rng_state(), state)
    with minigrad.no_grad():
        leaf.normal_()
    assert leaf.detach().numpy().all() and leaf._version == 1
    y = leaf * 2
    z = y * y
    y.uniform_()
    with pytest.raises(GraphError, match="uniform_"):
        z.sum().backward()


def test_multinomial():
    minigrad.manual_seed(0)
    weights = tensor([[1.0, 0.0, 3.0, 4.0], [0.0, 5.0, 5.0, 0.0]])
    drawn = weights.multinomial(50_000, replacement=True)
    assert drawn.shape == (2, 50_000) and drawn.dtype is minigrad.int64
    for row, expected in zip(drawn.numpy(), weights.numpy(), strict=True):
        np.testing.assert_allclose(
            np.bincount(row, minlength=4) / 50_000, expected / expected.sum(), atol=0.01
        )
    # Without replacement the first is drawn as with it, and the second from what is left.
    pairs = np.array([weights[0].multinomial(2).tolist() for _ in range(20_000)])
    assert (pairs[:, 0] != pairs[:, 1]).all() and 1 not in pairs
    np.testing.assert_allclose(
        np.bincount(pairs[:, 0], minlength=4) / 20_000, [1 / 8, 0, 3 / 8, 1 / 2], atol=0.015
    )
    after_2 = pairs[pairs[:, 0] == 2, 1]
    np.testing.assert_allclose((after_2 == 3).mean(), 4 / 5, atol=0.02)
    assert tensor([0.0, 1e-300, 0.0], dtype=minigrad.float64).multinomial(1).tolist() == [1]
    assert minigrad.zeros(0, 3).multinomial(2).shape == (0, 2)


BAD = [
    (lambda g: minigrad.rand(generator=g), TypeError, "expected a size"),
    (lambda g: minigrad.rand(-1, generator=g), ValueError, ">= 0"),
    (lambda g: minigrad.rand(2.0, generator=g), TypeError, "2.0"),
    (lambda g: minigrad.rand(2**40, 2**40, generator=g), MemoryError, "overflow"),
    (lambda g: minigrad.randn(2**42, generator=g), MemoryError, "17592186044416 bytes"),
    (lambda g: minigrad.rand(2, dtype=minigrad.int64, generator=g), DTypeError, "int64"),
    (lambda g: minigrad.randn_like(minigrad.zeros(2).long(), generator=g), DTypeError, "int64"),
    (lambda g: minigrad.randn_like([1], generator=g), TypeError, "input"),
    (lambda g: minigrad.rand(2, requires_grad=1, generator=g), TypeError, "requires_grad"),
    (lambda g: minigrad.randn(2, device="cuda", generator=g), ValueError, "cuda"),
    (lambda g: minigrad.randint(5, 5, (3,), generator=g), ValueError, "from 5 to 5"),
    (lambda g: minigrad.randint(5, 3, generator=g), TypeError, "size"),
    (lambda g: minigrad.randint(0, 2.5, (3,), generator=g), TypeError, "2.5"),
    (lambda g: minigrad.randint(0, 300, (3,), dtype="uint8", generator=g), ValueError, "uint8"),
    (lambda g: minigrad.randint(-1, 3, (3,), dtype=bool, generator=g), ValueError, "bool"),
    (lambda g: minigrad.randint(0, 2**63 + 1, (3,), generator=g), ValueError, "int64"),
    (lambda g: minigrad.randint(0, 2**25, (3,), dtype="float32", generator=g), ValueError,
     "float32"),
    (lambda g: minigrad.randint(3, (2,), requires_grad=True, generator=g), DTypeError,
     "requires_grad"),
    (lambda g: minigrad.randperm(-1, generator=g), ValueError, ">= 0"),
    (lambda g: minigrad.randperm(5.0, generator=g), TypeError, "5.0"),
    (lambda g: minigrad.randperm(300, dtype="uint8", generator=g), ValueError, "uint8"),
    (lambda g: minigrad.zeros(2).normal_(0, -1, generator=g), ValueError, "std >= 0"),
    (lambda g: minigrad.zeros(2).normal_(0, float("nan"), generator=g), ValueError, "nan"),
    (lambda g: minigrad.zeros(2).normal_("a", generator=g), ValueError, "'a'"),
    (lambda g: minigrad.zeros(2).uniform_(2, 1, generator=g), ValueError, "a <= b"),
    (lambda g: minigrad.zeros(2).uniform_(0, float("inf"), generator=g), ValueError, "inf"),
    (lambda g: minigrad.zeros(2).uniform_(-1e308, 1e308, generator=g), ValueError, "finite"),
    (lambda g: minigrad.zeros(2).long().normal_(generator=g), DTypeError, "int64"),
    (lambda g: tensor([1, 2]).multinomial(1, generator=g), DTypeError, "int64"),
    (lambda g: tensor([1.0, 2.0]).multinomial(3, generator=g), ValueError, "3 samples without"),
    (lambda g: tensor([0.0, 0.0]).multinomial(3, True, generator=g), ValueError, "3 samples with "),
    (lambda g: tensor([0.0, 2.0]).multinomial(2, generator=g), ValueError, "only 1"),
    (lambda g: tensor([-1.0, 2.0]).multinomial(1, generator=g), ValueError, "negative"),
    (lambda g: tensor([float("nan")]).multinomial(1, generator=g), ValueError, "nan"),
    (lambda g: tensor([1.0]).multinomial(0, generator=g), ValueError, "num_samples"),
    (lambda g: tensor([1.0]).multinomial(1.0, generator=g), TypeError, "num_samples"),
    (lambda g: tensor([1.0]).multinomial(1, 1, generator=g), TypeError, "replacement"),
    (lambda g: tensor(1.0).multinomial(1, generator=g), ShapeError, r"\(\)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_arguments_draw_nothing(call, error, words):
    g = Generator().manual_seed(0)
    state = g.get_state()
    with pytest.raises(error, match=words):
        call(g)
    assert minigrad.equal(g.get_state(), state)


def test_dtypes_of_integers(torch):
    for name in ("float32", "float64", "int64", "int32", "uint8", "bool"):
        for make in (
            lambda library, d: library.randint(2, (3,), dtype=d),
            lambda library, d: library.randperm(2, dtype=d),
        ):
            theirs, error = outcome(lambda make=make, name=name: make(torch, getattr(torch, name)))
            if error is None:
                assert make(minigrad, getattr(minigrad, name)).dtype.name == name
