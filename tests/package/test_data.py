"""utils.data: the batches that torch makes, in an order that the generator decides."""

import collections

import numpy as np
import pytest

import minigrad
from minigrad import ShapeError
from minigrad.utils.data import (
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    default_collate,
)

rng = np.random.default_rng(11)
X, Y = rng.standard_normal((10, 3)).astype(np.float32), np.arange(10)


@pytest.fixture
def pairs():
    return TensorDataset(minigrad.tensor(X), minigrad.tensor(Y))


def seeded(seed):
    return minigrad.Generator().manual_seed(seed)


def order(loader):
    """The labels in the order in which they come."""
    return [int(label) for _, labels in loader for label in labels]


class Squares(Dataset):
    """Not a TensorDataset: sample by sample."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 7

    def __getitem__(self, index):
        self.asked.append(index)
        return index, {"square": float(index**2), "name": f"n{index}"}


# Datasets


def test_tensor_dataset(pairs):
    assert len(pairs) == 10
    x, y = pairs[3]
    assert np.array_equal(x.numpy(), X[3]) and y.item() == 3
    x, y = pairs[2:5]
    assert np.array_equal(x.numpy(), X[2:5]) and y.tolist() == [2, 3, 4]


def test_tensor_dataset_wrong():
    a, b = minigrad.zeros(3, 2), minigrad.zeros(4)
    with pytest.raises(minigrad.ShapeError, match="TensorDataset: .*first sizes differ: 3, 4"):
        TensorDataset(a, b)
    with pytest.raises(TypeError, match="TensorDataset: argument 1 must be a Tensor, got ndarray"):
        TensorDataset(a, np.zeros(3))
    with pytest.raises(
        minigrad.ShapeError, match="TensorDataset: argument 0 has no first dimension"
    ):
        TensorDataset(minigrad.tensor(1.0))
    with pytest.raises(TypeError, match="TensorDataset: .* at least one"):
        TensorDataset()


def test_dataset_without_getitem():
    with pytest.raises(NotImplementedError, match="Nothing does not define __getitem__"):
        type("Nothing", (Dataset,), {})()[0]


# DataLoader: batches


@pytest.mark.parametrize(
    "batch_size, drop_last", [(1, False), (3, False), (3, True), (5, True), (11, False), (11, True)]
)
def test_batches_are_torchs(torch, pairs, batch_size, drop_last):
    theirs = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)),
        batch_size,
        drop_last=drop_last,
    )
    ours = DataLoader(pairs, batch_size, drop_last=drop_last)
    assert len(ours) == len(theirs)
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs)
    for mine, their in zip(ours, theirs, strict=True):
        assert type(mine) is type(their)
        for a, b in zip(mine, their, strict=True):
            assert np.array_equal(a.numpy(), b.numpy()) and a.numpy().dtype == b.numpy().dtype


def test_one_gather_per_batch():
    """Each tensor is indexed once per batch, also through a subset of a subset."""
    asked = []

    class Watched:
        def __getitem__(self, rows):
            asked.append(rows.tolist())
            return rows

        shape = (10,)

    pairs = TensorDataset(minigrad.tensor(X))
    pairs.tensors = (Watched(),)
    list(DataLoader(Subset(Subset(pairs, range(9, -1, -1)), [0, 2, 4, 6, 8]), batch_size=2))
    assert asked == [[9, 7], [5, 3], [1]]


def test_subclass_with_its_own_samples(pairs):
    """A TensorDataset whose __getitem__ is overridden is batched through it."""

    class Negated(TensorDataset):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return -x, y

    x, _ = next(iter(DataLoader(Negated(*pairs.tensors), batch_size=4)))
    assert np.array_equal(x.numpy(), -X[:4])

    class Doubled(Subset):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return 2 * x, y

    x, _ = next(iter(DataLoader(Doubled(pairs, [5, 6]), batch_size=2)))
    assert np.array_equal(x.numpy(), 2 * X[5:7])


def test_gather_keeps_the_graph(pairs):
    weights = minigrad.ones(10, 2, requires_grad=True)
    (x,) = next(iter(DataLoader(TensorDataset(weights), batch_size=3)))
    (x * x).sum().backward()
    assert weights.grad.tolist() == [[2, 2]] * 3 + [[0, 0]] * 7


def test_sample_by_sample():
    squares = Squares()
    batches = list(DataLoader(squares, batch_size=4))
    assert squares.asked == list(range(7)) and all(type(index) is int for index in squares.asked)
    number, rest = batches[1]
    assert number.tolist() == [4, 5, 6] and number.dtype is minigrad.int64
    assert rest["square"].tolist() == [16, 25, 36] and rest["square"].dtype is minigrad.float64
    assert rest["name"] == ["n4", "n5", "n6"]


def test_plain_sequence():
    assert [batch.tolist() for batch in DataLoader(range(5), batch_size=2)] == [[0, 1], [2, 3], [4]]


def test_collate_fn(pairs):
    loader = DataLoader(
        pairs, batch_size=4, collate_fn=lambda samples: [y.item() for _, y in samples]
    )
    assert list(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_default_collate(torch):
    Point = collections.namedtuple("Point", "x y")
    samples = [
        {
            "pair": (i, [float(i), True]),
            "point": Point(np.float32(i), np.arange(3) + i),
            "text": str(i),
        }
        for i in range(3)
    ]
    ours, theirs = default_collate(samples), torch.utils.data.default_collate(samples)

    def compare(a, b):
        if isinstance(b, torch.Tensor):
            assert a.numpy().dtype == b.numpy().dtype and np.array_equal(a.numpy(), b.numpy())
        else:
            assert type(a) is type(b) and len(a) == len(b)
            for key in b if isinstance(b, dict) else range(len(b)):
                if isinstance(b[key], str):
                    assert a[key] == b[key]
                else:
                    compare(a[key], b[key])

    compare(ours, theirs)


def test_default_collate_wrong():
    with pytest.raises(TypeError, match="got a sample of type NoneType; collate_fn"):
        default_collate([None, None])
    with pytest.raises(minigrad.ShapeError, match="differ in length"):
        default_collate([(1, 2), (1, 2, 3)])
    with pytest.raises(minigrad.ShapeError):
        default_collate([minigrad.zeros(2), minigrad.zeros(3)])


# DataLoader: order


def test_shuffle(pairs):
    loader = DataLoader(pairs, batch_size=3, shuffle=True, generator=seeded(2))
    first, second = order(loader), order(loader)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second != list(range(10))
    for x, y in loader:
        assert np.array_equal(x.numpy(), X[y.numpy()])
    again = DataLoader(pairs, batch_size=5, shuffle=True, generator=seeded(2))
    assert [order(again), order(again)] == [first, second]


def test_generator_state_decides(pairs):
    """The state at the beginning of a pass gives that pass again; nothing is drawn meanwhile."""
    generator = seeded(3)
    loader = DataLoader(pairs, batch_size=3, shuffle=True, generator=generator)
    order(loader)
    state = generator.get_state()
    second = order(loader)
    generator.set_state(state)
    assert order(loader) == second
    minigrad.manual_seed(8)
    globally = order(DataLoader(pairs, shuffle=True))
    minigrad.manual_seed(8)
    assert order(DataLoader(pairs, shuffle=True)) == globally


def test_without_shuffle_nothing_is_drawn(pairs):
    state = minigrad.get_rng_state()
    assert order(DataLoader(pairs, batch_size=4)) == list(range(10))
    assert np.array_equal(minigrad.get_rng_state().numpy(), state.numpy())


def test_passes_are_independent(pairs):
    """Two passes of one loader at once; a pass left early costs the next one nothing."""
    loader = DataLoader(pairs, batch_size=4)
    for (_, a), (_, b) in zip(loader, loader, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())
    walk = iter(loader)
    next(walk)
    assert walk.position == 4
    assert order(loader) == list(range(10))
    assert order(walk) == list(range(4, 10))


def test_empty_dataset():
    empty = TensorDataset(minigrad.zeros(0, 3))
    for shuffle in (False, True):
        loader = DataLoader(empty, batch_size=2, shuffle=shuffle)
        assert len(loader) == 0 and list(loader) == []


def test_torchs_other_arguments(pairs):
    assert len(DataLoader(pairs, num_workers=0, pin_memory=False)) == 10


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"batch_size": 0}, ValueError),
        ({"batch_size": -3}, ValueError),
        ({"batch_size": 2.0}, TypeError),
        ({"batch_size": True}, TypeError),
        ({"batch_size": None}, TypeError),
        ({"batch_size": "8"}, TypeError),
        ({"shuffle": 1}, TypeError),
        ({"shuffle": "yes"}, TypeError),
        ({"drop_last": None}, TypeError),
        ({"generator": 3}, TypeError),
        ({"generator": np.random.default_rng()}, TypeError),
        ({"collate_fn": [1]}, TypeError),
        ({"num_workers": -1}, ValueError),
        ({"pin_memory": 1}, TypeError),
        ({"sampler": 3}, TypeError),
        ({"sampler": iter([0])}, TypeError),
        ({"sampler": [0], "shuffle": True}, ValueError),
        ({"dataset": None}, TypeError),
        ({"dataset": iter([1])}, TypeError),
    ],
)
def test_wrong_arguments(pairs, arguments, error):
    with pytest.raises(error, match=f"DataLoader: {next(iter(arguments))}"):
        DataLoader(**{"dataset": pairs, **arguments})


class Backwards:
    """A sampler as in torch: it is asked anew for every pass."""

    def __iter__(self):
        return iter(range(4, -1, -2))

    def __len__(self):
        return 3


@pytest.mark.parametrize("make", [Backwards, lambda: [4, 2, 0], lambda: np.array([-1, 2, 0])])
@pytest.mark.parametrize("drop_last", [True, False])
def test_a_sampler_decides_the_order(make, drop_last):
    data = TensorDataset(minigrad.arange(5))
    loader = DataLoader(data, 2, sampler=make(), drop_last=drop_last)
    wanted = [[4, 2]] if drop_last else [[4, 2], [0]]
    for _ in range(2):
        assert [batch[0].tolist() for batch in loader] == wanted and len(loader) == len(wanted)
    next(iter(loader))
    other = DataLoader(data, 2, sampler=make(), drop_last=drop_last)
    other.load_state_dict(loader.state_dict())
    assert [batch[0].tolist() for batch in other] == (wanted[1:] or wanted)


def test_a_sampler_that_asks_for_what_is_not_there():
    with pytest.raises(IndexError, match="DataLoader: index 5 is out of range for 5 samples"):
        iter(DataLoader(TensorDataset(minigrad.arange(5)), sampler=[0, 5]))
    with pytest.raises(TypeError, match="DataLoader: sampler must be a sequence of integers"):
        iter(DataLoader(TensorDataset(minigrad.arange(5)), sampler=["a"]))


# --- the state of a loader -----------------------------------------------------------------------


def numbers(batches):
    return [batch[0].tolist() for batch in batches]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_pass_can_be_continued(shuffle, drop_last, taken):
    data = TensorDataset(minigrad.arange(14))

    def loader():
        generator = minigrad.Generator().manual_seed(3)
        return DataLoader(data, 4, shuffle, drop_last, generator)

    first = loader()
    batches = iter(first)
    for _ in range(taken):
        next(batches)
    state = first.state_dict()
    expected = numbers(batches)
    second = loader()
    second.load_state_dict(state)
    assert second.state_dict()["position"] == 4 * taken
    assert numbers(second) == expected
    assert second.state_dict() == {"order": None, "position": 0} == first.state_dict()
    assert len(numbers(second)) == len(second)  # the pass after it is a whole one


class Shrinking(minigrad.utils.data.Dataset):
    """A dataset that loses its length, and with it the next pass."""

    count = 5

    def __getitem__(self, index):
        return minigrad.tensor(index)

    def __len__(self):
        if self.count is None:
            raise OSError("the disk is gone")
        return self.count


def test_a_pass_that_cannot_begin_leaves_the_latest():
    data = Shrinking()
    loader = DataLoader(data, 2, shuffle=True)
    batches = iter(loader)
    next(batches)
    state = loader.state_dict()
    data.count = None
    with pytest.raises(OSError, match="the disk is gone"):
        iter(loader)
    data.count = 5
    after = loader.state_dict()
    assert after["position"] == 2 and after["order"].tolist() == state["order"].tolist()
    loader.load_state_dict(after)
    assert [batch.tolist() for batch in loader] == [batch.tolist() for batch in batches]


def test_between_two_passes_there_is_nothing_to_continue():
    loader = DataLoader(TensorDataset(minigrad.arange(5)), 2)
    assert loader.state_dict() == {"order": None, "position": 0}
    state = loader.state_dict()
    next(iter(loader))
    assert loader.state_dict()["position"] == 2
    loader.load_state_dict(state)
    assert loader.state_dict() == state
    assert numbers(loader) == [[0, 1], [2, 3], [4]]


ORDER = minigrad.arange(5)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (None, TypeError, "expected a dictionary of 'order' and 'position'"),
        ({"order": ORDER}, TypeError, "expected a dictionary"),
        ({"order": ORDER, "position": 1, "more": 2}, TypeError, "expected a dictionary"),
        ({"order": [0, 1, 2, 3, 4], "position": 1}, TypeError, "order must be a Tensor or None"),
        ({"order": ORDER[:4], "position": 1}, ShapeError, r"shape \(4,\), .* 5 samples"),
        ({"order": ORDER * 2, "position": 1}, ValueError, "not the state of a pass over 5 samples"),
        ({"order": ORDER * 0, "position": 1}, ValueError, "not the state of a pass over 5 samples"),
        ({"order": ORDER, "position": 6}, ValueError, "not the state of a pass over 5 samples"),
        ({"order": ORDER, "position": -1}, ValueError, "position must be >= 0, got -1"),
        ({"order": ORDER, "position": 1.0}, TypeError, "position must be an integer"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, error, message):
    loader = DataLoader(TensorDataset(ORDER), 2)
    batches = iter(loader)
    next(batches)
    with pytest.raises(error, match=f"DataLoader.load_state_dict: .*{message}"):
        loader.load_state_dict(state)
    assert loader.state_dict()["position"] == 2
    assert numbers(loader) == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("samples", [[{"a": 1}, {"b": 1}], [{"a": 1}, {}], [{"a": 1}, 2]])
def test_dictionaries_of_one_batch_have_the_same_keys(samples):
    with pytest.raises(ValueError, match="DataLoader: the dictionaries of a batch differ"):
        default_collate(samples)


def test_what_changes_no_batch_is_accepted_with_a_warning():
    with pytest.warns(
        UserWarning, match="DataLoader: num_workers, pin_memory do nothing here"
    ) as w:
        loader = DataLoader(TensorDataset(minigrad.arange(3)), num_workers=2, pin_memory=True)
    assert len(w) == 1 and [batch[0].tolist() for batch in loader] == [[0], [1], [2]]
    with pytest.warns(UserWarning, match="DataLoader: persistent_workers does nothing here"):
        DataLoader(TensorDataset(minigrad.arange(3)), persistent_workers=True)


def test_a_refused_split_draws_nothing():
    generator = minigrad.Generator().manual_seed(3)
    loader = DataLoader(TensorDataset(minigrad.zeros(2)), batch_size=1)
    with pytest.raises(TypeError, match="random_split: dataset must have __getitem__.*DataLoader"):
        minigrad.utils.data.random_split(loader, [1, 1], generator=generator)
    assert generator.get_state().equal(minigrad.Generator().manual_seed(3).get_state())


def test_a_pass_says_how_far_it_is():
    walk = iter(DataLoader(TensorDataset(minigrad.ones(5, 1)), batch_size=2))
    next(walk)
    assert repr(walk) == "Pass over 5 samples, 2 of them handed out"


@pytest.mark.parametrize(
    "columns",
    [
        (minigrad.zeros(6, 2), minigrad.zeros(6)),
        (minigrad.zeros(6, 2), minigrad.zeros(6, 2)),
        [minigrad.zeros(6, 2), minigrad.zeros(6)],
        (np.zeros((6, 2)), minigrad.zeros(6), minigrad.zeros(6)),
    ],
)
def test_columns_are_not_samples(columns):
    """Who passes (x, y) would learn from one batch of two, if the two could be stacked."""
    cure = r"of 6 rows each, so there would be . samples; write TensorDataset\(x, y\)"
    with pytest.raises(TypeError, match=f"DataLoader: dataset is a .* of . tensors {cure}"):
        DataLoader(columns, batch_size=2)


def test_tensors_in_a_list_may_be_samples():
    same = [minigrad.zeros(6, 2), minigrad.ones(6, 2)]
    assert next(iter(DataLoader(same, batch_size=2))).shape == (2, 6, 2)
    assert DataLoader((minigrad.zeros(6), minigrad.zeros(4))).dataset  # sequences, say
    assert len(next(iter(DataLoader((*same,), batch_size=2, collate_fn=list)))) == 2


def test_samples_one_by_one_may_have_any_shapes():
    loader = DataLoader([minigrad.ones(6, 3), minigrad.ones(6, 4)], batch_size=1)
    assert [tuple(each.shape) for each in loader] == [(1, 6, 3), (1, 6, 4)]
