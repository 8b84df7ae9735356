"""Parts of datasets: what `Subset` gives, and how `random_split` shares out."""

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest

import minigrad
from minigrad.utils import data
from minigrad.utils.data import DataLoader, Subset, TensorDataset, random_split

TENTHS = [0.4, 0.2, 0.3, 0.1]


@pytest.fixture
def pairs():
    rows = np.random.default_rng(11).standard_normal((10, 3))
    return TensorDataset(minigrad.tensor(rows), minigrad.arange(10))


def seeded(seed):
    return minigrad.Generator().manual_seed(seed)


def order(loader):
    """The labels in the order in which they come."""
    return [int(label) for _, labels in loader for label in labels]


@pytest.mark.parametrize("kind", [list, tuple, np.array, minigrad.tensor])
def test_subset(pairs, kind):
    part = Subset(pairs, kind([7, -1, 0, 7]))
    assert len(part) == 4
    assert part[1][1].item() == 9
    assert order(DataLoader(part, batch_size=3)) == [7, 9, 0, 7]
    assert order(DataLoader(Subset(part, [3, 1]), batch_size=2)) == [7, 9]


def test_subset_wrong(pairs):
    with pytest.raises(IndexError, match="Subset: index 10 is out of range for 10 samples"):
        Subset(pairs, [0, 10])
    with pytest.raises(IndexError, match="Subset: index -11"):
        Subset(pairs, [-11])
    for indices in ([0.5], [True, False], 3, "ab", [[1, 2]]):
        with pytest.raises(TypeError, match="Subset: indices must be a sequence of integers"):
            Subset(pairs, indices)
    assert order(DataLoader(Subset(pairs, []))) == []


# random_split


def test_random_split_by_lengths(pairs):
    first, second, third = random_split(pairs, [5, 3, 2], generator=seeded(1))
    assert [len(part) for part in (first, second, third)] == [5, 3, 2]
    labels = [order(DataLoader(part)) for part in (first, second, third)]
    assert sorted(sum(labels, [])) == list(range(10)) and sum(labels, []) != list(range(10))
    again = random_split(pairs, [5, 3, 2], generator=seeded(1))
    assert [order(DataLoader(part)) for part in again] == labels
    minigrad.manual_seed(4)
    expected = [part.indices for part in random_split(pairs, [4, 6])]
    minigrad.manual_seed(4)
    assert [part.indices for part in random_split(pairs, [4, 6])] == expected


@pytest.mark.parametrize(
    "fractions", [[0.5, 0.5], [0.3, 0.3, 0.4], [0.85, 0.15], [1.0], [0.9, 0.1]]
)
@pytest.mark.parametrize("size", [10, 11, 103])
def test_random_split_by_fractions(torch, fractions, size):
    ours = random_split(range(size), fractions)
    theirs = torch.utils.data.random_split(range(size), fractions)
    assert [len(part) for part in ours] == [len(part) for part in theirs]


@pytest.mark.parametrize("fractions", [TENTHS, np.float32(TENTHS), [0.1] * 10, [1 / 49] * 49])
def test_fractions_that_sum_to_1_but_for_rounding_are_accepted(fractions):
    parts = random_split(range(490), fractions)
    assert [len(part) for part in parts] == pytest.approx([490 * f for f in fractions], abs=1)
    assert sorted(i for part in parts for i in part.indices) == list(range(490))


def test_any_fractions_with_a_common_denominator_are_accepted_and_shared_as_torch_does(torch):
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(300):
        n, parts, count = rng.integers(1, 200), rng.integers(1, 12), rng.integers(50, 400)
        cuts = np.sort(rng.integers(0, n + 1, parts - 1))
        fractions = [k / n for k in np.diff(cuts, prepend=0, append=n).tolist()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about empty parts
            sizes = [len(part) for part in random_split(range(count), fractions)]
            assert sum(sizes) == count and len(sizes) == parts
            rest = count - sum(math.floor(count * f) for f in fractions)
            expected = [math.floor(count * f) + (k < rest) for k, f in enumerate(fractions)]
            assert sizes == expected
            if sum(fractions) <= 1:
                theirs = torch.utils.data.random_split(range(int(count)), fractions)
                assert sizes == [len(part) for part in theirs]
                compared += 1
    assert 150 < compared < 300


@pytest.mark.parametrize(
    "lengths",
    [
        [np.int64(3), np.uint8(7)],
        minigrad.tensor([3, 7]),
        np.array([3, 7]),
        [Fraction(3, 10), Fraction(7, 10)],
        np.float32([0.3, 0.7]),
        minigrad.tensor([0.3, 0.7]),
        [0.3, 0.7 + 1e-7],
        (length for length in (3, 7)),
    ],
)
def test_lengths_are_numbers_of_any_kind(pairs, lengths):
    assert [len(part) for part in random_split(pairs, lengths)] == [3, 7]


def test_shares_never_exceed_what_there_is():
    assert data._shares(4 * 10**9, [0.5, 0.5 + 9e-10]) == [2 * 10**9, 2 * 10**9]
    assert data._shares(10, [0.0, 0.55, 0.45]) == [1, 5, 4]
    assert data._shares(0, [0.5, 0.5]) == [0, 0]


def test_random_split_empty_part():
    with pytest.warns(UserWarning, match="part 1 is empty"):
        assert len(random_split(range(3), [0.9, 0.1])[1]) == 0


@pytest.mark.parametrize(
    "lengths, error",
    [
        ([5, 4], ValueError),
        ([5, 6], ValueError),
        ([-1, 11], ValueError),
        ([0.5, 0.6], ValueError),
        ([0.5, 0.5 + 1e-5], ValueError),
        ([0.4, 0.5], ValueError),
        ([0.4, 0.7], ValueError),
        ([1.5, -0.5], ValueError),
        ([0.5, 5], ValueError),
        ([float("inf"), 10], ValueError),
        ([float("inf"), float("-inf")], ValueError),
        ([1e308, 1e308], ValueError),
        ([10**400], ValueError),
        ([5.0, 5.0], ValueError),
        ([float("nan"), 1], ValueError),
        ([], ValueError),
        (["a"], TypeError),
        (10, TypeError),
        (None, TypeError),
        ([None, 10], TypeError),
        ([1j, 10], TypeError),
        ([True, False], TypeError),
        ([True, 9], TypeError),
        ([np.bool_(True), 9], TypeError),
        ([[5, 5]], TypeError),
        ([np.array([5, 5])], TypeError),
    ],
)
def test_random_split_wrong(pairs, lengths, error):
    state = minigrad.get_rng_state()
    with pytest.raises(error, match="random_split: lengths must"):
        random_split(pairs, lengths)
    assert np.array_equal(minigrad.get_rng_state().numpy(), state.numpy())
