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


PLACES = {
    "list": [0, 2],
    "list of NumPy's": [np.int64(0), np.uint8(2)],
    "list of tensors": [minigrad.tensor(0), minigrad.tensor(2)],
    "negative": [-4, -2],
    "array": np.array([0, 2]),
    "array of uint8": np.array([0, 2], np.uint8),
    "tensor": minigrad.tensor([0, 2]),
    "slice": slice(0, 3, 2),
    "slice from the end": slice(-4, None, 2),
    "range": range(0, 4, 2),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", [list, tuple, np.array, minigrad.tensor])
def test_several_places_are_several_samples(pairs, name, kind):
    part = Subset(pairs, kind([7, -1, 0, 7]))
    x, y = part[PLACES[name]]
    assert y.tolist() == [7, 0]
    assert x.tolist() == pairs.tensors[0][[7, 0]].tolist()
    inner = Subset(part, kind([3, 0, 1, 1]))
    assert inner[PLACES[name]][1].tolist() == [7, 9]


def test_no_places_are_no_samples(pairs):
    for nothing in ([], slice(5, 5), range(0), minigrad.tensor([], dtype=minigrad.int64)):
        assert [tuple(each.shape) for each in Subset(pairs, [7, 1])[nothing]] == [(0, 3), (0,)]


def test_several_places_are_torchs(torch):
    labels = [5, 3, 8, 1, 9]
    for places in ([0, 1], [-1, 2, 2], [4], [], slice(1, 4), slice(None, None, 2), -1, 3):
        results = []
        for library, utils in ((minigrad, data), (torch, torch.utils.data)):
            dataset = utils.TensorDataset(library.tensor(labels))
            part = utils.Subset(dataset, [3, 3, 0, 1, -1])
            results.append(
                [part[places][0].tolist(), utils.Subset(part, [0, 1, 2, 3, 4])[places][0].tolist()]
            )
        assert results[0] == results[1], places


def test_parts_of_a_split_give_several_samples(pairs):
    first, second = random_split(pairs, [4, 6], generator=seeded(1))
    assert first[[0, 1, 2, 3]][1].tolist() == first.indices
    assert second[:][1].tolist() == second.indices


def test_a_dataset_is_asked_for_plain_integers():
    class Asked(data.Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            kinds = set(map(type, index)) if isinstance(index, list) else {type(index)}
            return index, kinds

    for indices in ([4, 2], np.array([4, 2]), minigrad.tensor([4, 2])):
        part = Subset(Asked(), indices)
        assert part[1] == part[np.int64(1)] == part[minigrad.tensor(1)] == part[-1] == (2, {int})
        assert part[[1, 0]] == part[np.array([1, 0])] == ([2, 4], {int})
        assert [index for index, _ in part] == [4, 2]  # an IndexError ends a loop


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (2, IndexError, "index 2 is out of range for 2 samples"),
        (-3, IndexError, "index -3 is out of range for 2 samples"),
        ([0, 5], IndexError, "index 5 is out of range for 2 samples"),
        (np.array([2**64 - 1], np.uint64), IndexError, "index 18446744073709551615 is out"),
        (None, TypeError, "index must be an integer, got None"),
        (True, TypeError, "index must be an integer, got True"),
        (0.5, TypeError, "index must be an integer, got 0.5"),
        ("a", TypeError, "index must be an integer, got 'a'"),
        ((0, 1), TypeError, r"index must be an integer, got \(0, 1\)"),
        ([0.5], TypeError, r"index must be a sequence of integers, got \[0.5\]"),
        ([True, False], TypeError, "index must be a sequence of integers"),
        ([None], TypeError, "index must be a sequence of integers"),
        ([[0, 1]], TypeError, "index must be a sequence of integers"),
        ([[0], [0, 1]], TypeError, "index must be a sequence of integers"),
        ([2**70], TypeError, "index must be a sequence of integers"),
        (np.array([True, False]), TypeError, "index must be a sequence of integers"),
        (slice("a"), TypeError, r"the slice slice\(None, 'a', None\)"),
        (slice(0, 1, 0), ValueError, "the slice .*: slice step cannot be zero"),
    ],
)
def test_a_wrong_index_is_named(pairs, index, error, message):
    with pytest.raises(error, match=f"^Subset: {message}"):
        Subset(pairs, [7, 1])[index]


def test_a_plain_list_gives_one_sample_at_a_time():
    part = Subset([5, 6, 7], [2, 0])
    assert part[0] == 7 and list(part) == [7, 5]
    with pytest.raises(TypeError, match="Subset: a list gives one sample at a time"):
        part[[0, 1]]


def test_subset_wrong(pairs):
    with pytest.raises(IndexError, match="Subset: index 10 is out of range for 10 samples"):
        Subset(pairs, [0, 10])
    with pytest.raises(IndexError, match="Subset: index -11"):
        Subset(pairs, [-11])
    with pytest.raises(IndexError, match="Subset: index 18446744073709551615"):
        Subset(pairs, np.array([2**64 - 1], np.uint64))
    for indices in ([0.5], [True, False], 3, "ab", [[1, 2]], None, [[1], [2, 3]], [None]):
        with pytest.raises(TypeError, match="Subset: indices must be a sequence of integers"):
            Subset(pairs, indices)
    for dataset in (None, 3, iter([1]), {1, 2}):
        with pytest.raises(TypeError, match="Subset: dataset must have __getitem__ and __len__"):
            Subset(dataset, [0])
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
