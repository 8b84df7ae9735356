import copy
import pickle

import numpy as np
import pytest

import minigrad
from minigrad import Generator, tensor

MAKERS = {
    "rand": lambda g: minigrad.rand(3, 5, generator=g),
    "rand double": lambda g: minigrad.rand((3, 5), dtype=minigrad.float64, generator=g),
    "randn": lambda g: minigrad.randn(7, generator=g),
    "randn odd": lambda g: minigrad.randn(3, 1, generator=g),
    "rand_like": lambda g: minigrad.rand_like(minigrad.zeros(2, 2), generator=g),
    "randn_like": lambda g: minigrad.randn_like(minigrad.zeros(2, 2), generator=g),
    "randint": lambda g: minigrad.randint(10, (3, 3), generator=g),
    "randint small": lambda g: minigrad.randint(-3, 4, (5,), generator=g, dtype=minigrad.int32),
    "randperm": lambda g: minigrad.randperm(9, generator=g),
    "normal_": lambda g: minigrad.zeros(3).normal_(1, 2, generator=g),
    "uniform_": lambda g: minigrad.zeros(3).uniform_(-1, 2, generator=g),
    "multinomial": lambda g: tensor([1.0, 2.0, 3.0]).multinomial(5, True, generator=g),
    "multinomial without": lambda g: tensor([1.0, 2.0, 3.0]).multinomial(2, generator=g),
}
makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@makers
def test_a_seed_or_a_state_repeats_the_numbers(make):
    g = Generator().manual_seed(5)
    first, state, second = make(g), g.get_state(), make(g)
    assert minigrad.equal(make(Generator().manual_seed(5)), first)
    assert minigrad.equal(make(Generator().set_state(state)), second)
    assert not minigrad.equal(make(Generator().manual_seed(6)), first) or first.numel() < 4
    for copied in (copy.deepcopy(g), pickle.loads(pickle.dumps(g)), copy.copy(g)):
        assert minigrad.equal(copied.get_state(), g.get_state()) and copied.initial_seed() == 5
        assert minigrad.equal(make(copied), make(copy.deepcopy(g)))


@makers
def test_the_default_generator(make):
    minigrad.manual_seed(3)
    first, state, second = make(None), minigrad.get_rng_state(), make(None)
    assert minigrad.manual_seed(3) is minigrad.random.default_generator
    assert minigrad.equal(make(None), first)
    minigrad.set_rng_state(state)
    assert minigrad.equal(make(None), second)
    assert minigrad.initial_seed() == 3


def test_a_state_holds_half_used_words():
    g = Generator().manual_seed(1)
    for _ in range(50):
        minigrad.randint(5, (1,), generator=g)
        minigrad.rand(1, generator=g)
        g.numpy.integers(0, 7, 1, dtype=np.int32)
        other = Generator().set_state(g.get_state())
        assert (
            g.numpy.integers(0, 9, 3, dtype=np.int32).tolist()
            == other.numpy.integers(0, 9, 3, dtype=np.int32).tolist()
        )
        assert minigrad.equal(g.get_state(), other.get_state())


def test_seeds_agree_with_torch(torch):
    for seed in (0, 5, 2**64 - 1, -1, -(2**63)):
        assert (
            Generator().manual_seed(seed).initial_seed()
            == torch.Generator().manual_seed(seed).initial_seed()
        )
    assert Generator().initial_seed() == torch.Generator().initial_seed()
    assert Generator().manual_seed(np.int64(4)).initial_seed() == 4
    g = Generator()
    assert g.seed() == g.initial_seed() != Generator().seed()
    assert g.get_state().dtype is minigrad.uint8 and g.device == minigrad.device("cpu")
    for bad, error in [(2**64, ValueError), (-(2**63) - 1, ValueError), (1.5, TypeError),
                       ("a", TypeError), (True, TypeError), (None, TypeError)]:  # fmt: skip
        with pytest.raises(error, match="seed"):
            g.manual_seed(bad)


def test_bad_states_change_nothing():
    g = Generator().manual_seed(1)
    state = g.get_state()
    for bad, error in [
        (None, TypeError), ("a", TypeError), (state.numpy(), TypeError), (state.float(), TypeError),
        (state[:-1], ValueError), (state.reshape(2, -1), ValueError),
        (minigrad.zeros(0, dtype="uint8"), ValueError),
        (minigrad.full((48,), 255, dtype=minigrad.uint8), ValueError),
    ]:  # fmt: skip
        with pytest.raises(error, match="set_state"):
            g.set_state(bad)
    assert minigrad.equal(g.get_state(), state)
    for device in ("cuda", 3):
        with pytest.raises((ValueError, TypeError), match="device"):
            Generator(device)


@makers
def test_the_generator_must_be_one(make):
    for bad in (3, "a", np.random.default_rng()):
        with pytest.raises(TypeError, match="generator must be a minigrad.Generator"):
            make(bad)


def test_draws_in_a_fork_are_taken_back():
    minigrad.manual_seed(3)
    expected = minigrad.rand(4)
    minigrad.manual_seed(3)
    with pytest.raises(KeyError), minigrad.random.fork_rng():
        minigrad.rand(100)
        minigrad.manual_seed(5)
        raise KeyError
    assert minigrad.rand(4).equal(expected)


def test_fork_rng_takes_what_torch_takes():
    minigrad.manual_seed(0)
    before = minigrad.get_rng_state()
    with minigrad.random.fork_rng(devices=[]):
        minigrad.rand(3)
    assert (minigrad.get_rng_state() == before).all()
    with minigrad.random.fork_rng(enabled=False):
        minigrad.rand(3)
    assert not (minigrad.get_rng_state() == before).all()
    with pytest.raises(ValueError, match=r"fork_rng: devices must be None or empty, got \[0\]"):
        minigrad.random.fork_rng([0]).__enter__()
