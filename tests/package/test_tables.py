"""Data that comes from a table: columns of text, dates, yes or no, and float64."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader


class Table:
    """As much of a DataFrame as is looked at: columns by name, and an array of all."""

    def __init__(self, **columns):
        self.columns = columns

    def keys(self):
        return self.columns.keys()

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name):
        return self.columns[name]

    def __array__(self, dtype=None, copy=None):
        return np.stack(list(self.columns.values()), 1)


@pytest.mark.parametrize(
    ("column", "cure"),
    [
        (np.array([1.0, "a"], object), r"object, .* numbers only: \.astype\(float\)"),
        (np.array(["a", "b"]), r"<U1, .* np\.unique\(…, return_inverse=True\)"),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64.*days since the first"),
        (np.array([5], "m8[s]"), "timedelta64.*days since the first"),
    ],
)
def test_what_is_no_number_says_how_to_make_one(column, cure):
    for make in (mg.tensor, mg.as_tensor, mg.from_numpy):
        with pytest.raises(mg.DTypeError, match="has dtype .*expected one of float32"):
            make(column)
    with pytest.raises(mg.DTypeError, match=cure):
        mg.tensor(column)


def test_categories_become_numbers_by_the_cure():
    kinds, codes = np.unique(["b", "a", "b"], return_inverse=True)
    assert mg.tensor(codes).tolist() == [1, 0, 1] and kinds.tolist() == ["a", "b"]


def test_a_table_is_no_size():
    with pytest.raises(
        TypeError, match=r"^Tensor: sizes must be integers, got .*Table; mini.*as_t"
    ):
        mg.Tensor(Table(a=np.ones(2)))
    assert mg.Tensor(np.int64(2)).shape == (2,)  # but a number of NumPy is one


def test_a_table_is_no_dataset():
    """dataset[0] would be a column that is called 0, or a KeyError."""
    for dataset in (Table(a=np.ones(2)), {"a": 1}):
        with pytest.raises(
            TypeError, match="samples at 0, 1, …, .* got .*; make Tensors of the co"
        ):
            DataLoader(dataset)
    assert list(DataLoader({0: 2.0, 1: 3.0}, batch_size=2))[0].tolist() == [2.0, 3.0]


def test_yes_and_no_are_targets_of_both_binary_losses():
    x, yes = mg.tensor([0.25, 0.75], requires_grad=True), mg.tensor([True, False])
    for loss in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        expected, value = loss(x, yes.float()), loss(x, yes)
        assert value.dtype is mg.float32 and value.item() == expected.item()
        slopes = [mg.autograd.grad(each, [x])[0].tolist() for each in (value, expected)]
        assert slopes[0] == slopes[1]


def test_weights_of_classes_in_float64_say_how_to_convert_them():
    x, y = mg.zeros(2, 3), mg.tensor([0, 2])
    weight = mg.tensor(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(mg.DTypeError, match=r"convert it with \.to\(minigrad\.float32\)"):
        F.cross_entropy(x, y, weight=weight)
    assert F.cross_entropy(x, y, weight=weight.to(mg.float32)).dtype is mg.float32
