"""What nobody should give to a function, and gives: arguments of wrong kinds, sizes and layouts."""

import numpy as np
from helpers.fresh_values import float64

import minigrad as m
from minigrad import nn, optim
from minigrad.utils import data

# Words of errors that an argument itself raises when it is asked.
THEIRS = ("awkward: no", "raises: no", "was super().__init__() called",
          "NotImplemented should not be used")  # fmt: skip


class Awkward:
    """Says that it can be many things, and raises when it is asked to be one."""

    def __len__(self):
        raise ValueError("awkward: no length")

    def __getitem__(self, key):
        raise ValueError("awkward: no item")

    def __iter__(self):
        raise ValueError("awkward: no iterator")

    def __index__(self):
        raise ValueError("awkward: no index")

    def __float__(self):
        raise ValueError("awkward: no float")

    def __array__(self, dtype=None, copy=None):
        raise ValueError("awkward: no array")

    def __call__(self, *_):
        raise ValueError("awkward: no call")

    def __bool__(self):
        raise ValueError("awkward: no truth")


class Lying(m.Tensor):
    pass


def raises(*_):
    raise ValueError("raises: no answer")


def circle():
    inside = []
    inside.append(inside)
    return inside


def misaligned(n):
    return np.frombuffer(bytearray(8 * n + 1), np.uint8)[1:].view(np.float64)


def read_only(array):
    array.flags.writeable = False
    return array


def spent():
    x = float64([2.0], requires_grad=True)
    y = x * x
    y.backward()
    return y


JUNK = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "Ellipsis": lambda: Ellipsis,
    "NotImplemented": lambda: NotImplemented,
    **{repr(n): (lambda n=n: n) for n in (-3, -2, -1, 0, 1, 2, 3, 7, 70_000)},
    **{f"2**{k}": (lambda k=k: 2**k) for k in (31, 40, 63, 64, 200)},
    "-2**63": lambda: -(2**63),
    **{repr(v): (lambda v=v: v) for v in (0.5, -0.5, 1.0, -1.5, 2.7, 1e308, 1e-320)},
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: -float("inf"),
    "1j": lambda: 1j,
    **{repr(s): (lambda s=s: s) for s in ("", "a", "mean", "float32", "cuda", "same", "\ud800")},
    "nul": lambda: "a\0b",
    "b'a'": lambda: b"a",
    "[]": lambda: [],
    "()": lambda: (),
    "{}": lambda: {},
    "set": lambda: {1, 2},
    "[1]": lambda: [1],
    "[0, 0]": lambda: [0, 0],
    "(1, 2)": lambda: (1, 2),
    "(-1, -1)": lambda: (-1, -1),
    "(2**40, 2**40)": lambda: (2**40, 2**40),
    "(1.0, 2.0)": lambda: (1.0, 2.0),
    "[None]": lambda: [None],
    "['a']": lambda: ["a"],
    "[[1], [2, 3]]": lambda: [[1], [2, 3]],
    "[True]": lambda: [True],
    "circle": circle,
    "{'a': 1}": lambda: {"a": 1},
    "{1: None}": lambda: {1: None},
    "slice": lambda: slice(None),
    "slice(-1, 5, -1)": lambda: slice(-1, 5, -1),
    "slice('a')": lambda: slice("a"),
    "range(3)": lambda: range(3),
    "iterator": lambda: iter([1, 2]),
    "object": object,
    "type": lambda: int,
    "function": lambda: len,
    "raises": lambda: raises,
    "awkward": Awkward,
    "module": lambda: m,
    "float32": lambda: m.float32,
    "bool": lambda: m.bool,
    "np.float32": lambda: np.float32,
    "np.dtype": lambda: np.dtype("M8[s]"),
    "np.float64(nan)": lambda: np.float64("nan"),
    "np.int8(-1)": lambda: np.int8(-1),
    "np.bool_": lambda: np.bool_(True),
    "array()": lambda: np.array(3.0),
    "array[2]": lambda: np.ones(2),
    "array[2, 3]": lambda: np.ones((2, 3)),
    "array[0]": lambda: np.zeros(0),
    "array of int": lambda: np.array([[0, 1, 5], [1, -1, 2]]),
    "array of uint64": lambda: np.array([2**64 - 1, 1], np.uint64),
    "array of float16": lambda: np.ones((2, 3), np.float16),
    "array of longdouble": lambda: np.ones((2, 3), np.longdouble),
    "array of complex": lambda: np.ones((2, 3), complex),
    "array of object": lambda: np.array([None, 1], object),
    "array of str": lambda: np.array(["a", "b"]),
    "array of datetime": lambda: np.zeros(2, "M8[s]"),
    "array of records": lambda: np.zeros(2, "i4,f8"),
    "masked": lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    "matrix": lambda: np.ones((2, 3)).view(np.matrix),
    "swapped": lambda: np.ones((2, 3), ">f8"),
    "misaligned": lambda: misaligned(6).reshape(2, 3),
    "read-only": lambda: read_only(np.ones((2, 3))),
    "reversed": lambda: np.ones((2, 3))[::-1, ::-1],
    "fortran": lambda: np.ones((2, 3), order="F"),
    "ndim 64": lambda: np.ones((1,) * 64),
    "tensor()": lambda: float64(1.5),
    "tensor[0]": lambda: m.zeros(0),
    "tensor[2]": lambda: float64([1.0, -2.0]),
    "tensor[3]": lambda: m.tensor([1.0, 2.0, 3.0]),
    "tensor[2, 3]": lambda: m.ones(2, 3),
    "tensor[3, 2]": lambda: m.ones(3, 2, dtype=m.float64),
    "tensor[0, 3]": lambda: m.zeros(0, 3, dtype=m.float64),
    "tensor[2, 3, 4]": lambda: m.ones(2, 3, 4, dtype=m.float64),
    "tensor[1, 2, 3, 4]": lambda: m.ones(1, 2, 3, 4, dtype=m.float64),
    "tensor 64-d": lambda: m.from_numpy(np.ones((1,) * 64)),
    "tensor of int": lambda: m.tensor([[0, 1, 2], [2, 1, 0]]),
    "tensor of far labels": lambda: m.tensor([0, 2**40]),
    "tensor of minus": lambda: m.tensor([-1, -100]),
    "tensor of int32": lambda: m.tensor([1, 2], dtype=m.int32),
    "tensor of uint8": lambda: m.tensor([1, 200], dtype=m.uint8),
    "tensor of bool": lambda: m.tensor([True, False]),
    "tensor of nan": lambda: float64([[float("nan"), 1.0, float("inf")]] * 2),
    "tensor of minus ones": lambda: float64([-1.0, -1.0, -1.0]),
    "leaf": lambda: float64([[1.0, 2.0, 3.0]], requires_grad=True),
    "node": lambda: float64([[1.0, 2.0, 3.0]] * 2, requires_grad=True) * 2,
    "spent": spent,
    "expanded": lambda: float64([[1.0]]).expand(2, 3),
    "transposed": lambda: m.ones(3, 2, dtype=m.float64).t(),
    "enormous": lambda: float64([1.0]).expand(1, 2**28),
    "tensor on read-only": lambda: m.from_numpy(read_only(np.ones((2, 3)))),
    "Tensor.__new__": lambda: m.Tensor.__new__(m.Tensor),
    "subclass": lambda: Lying([[1.0, 2.0, 3.0]] * 2),
    "Parameter": lambda: nn.Parameter(m.ones(2, 3)),
    "Module": nn.Module,
    "Module.__new__": lambda: nn.Linear.__new__(nn.Linear),
    "Linear": lambda: nn.Linear(3, 3),
    "nn.ReLU": lambda: nn.ReLU,
    "BatchNorm1d": lambda: nn.BatchNorm1d(2),
    "SGD": lambda: optim.SGD([nn.Parameter(m.ones(2))]),
    "Generator": m.Generator,
    "loader": lambda: data.DataLoader(data.TensorDataset(m.ones(2, 3))),
    "parameters": lambda: nn.Linear(2, 2).parameters(),
    "state dict": lambda: nn.Linear(3, 2).state_dict(),
    "Size": lambda: m.Size((2, 3)),
}  # fmt: skip


def is_plain(value):
    """An array as kernels take it, or nearly."""
    return type(value) is np.ndarray and value.dtype.kind in "fiu" and 0 < value.ndim < 8


# The same array as it may wrongly come to a kernel.
ARRAYS = {
    "shorter": lambda a, b: a[:-1].copy(),
    "longer": lambda a, b: np.concatenate([a, a]) if a.ndim else a,
    "empty": lambda a, b: a[:0].copy(),
    "0-d": lambda a, b: a.ravel()[0:1].reshape(()) if a.size else a,
    "one dimension more": lambda a, b: a[None],
    "flat": lambda a, b: a.ravel(),
    "transposed": lambda a, b: a.T,
    "fortran": lambda a, b: np.asfortranarray(a),
    "reversed": lambda a, b: a[::-1],
    "every other": lambda a, b: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a,
    "one for all": lambda a, b: one_for_all(a),
    "float32": lambda a, b: a.astype(np.float32),
    "float64": lambda a, b: a.astype(np.float64),
    "int32": lambda a, b: a.astype(np.int32),
    "int64": lambda a, b: a.astype(np.int64),
    "object": lambda a, b: a.astype(object),
    "swapped": lambda a, b: a.astype(a.dtype.newbyteorder()),
    "misaligned": lambda a, b: unaligned(a),
    "read-only": lambda a, b: read_only(a.copy()),
    "list": lambda a, b: a.tolist(),
    "None": lambda a, b: None,
    "another": lambda a, b: b,
    "overlapping": lambda a, b: overlapping(b),
    "far labels": lambda a, b: np.full_like(a, 2**40) if a.dtype == np.int64 else a,
    "negative": lambda a, b: -a if a.dtype.kind in "fi" else a,
    "nan": lambda a, b: np.full_like(a, np.nan) if a.dtype.kind == "f" else a,
}


def one_for_all(a):
    first = a.ravel()[:1].reshape((1,) * a.ndim) if a.size else a
    return np.broadcast_to(first, a.shape)


def unaligned(a):
    memory = np.zeros(a.nbytes + 1, np.uint8)
    memory[1:] = np.frombuffer(a.tobytes(), np.uint8)
    return memory[1:].view(a.dtype).reshape(a.shape)


def overlapping(a):
    """A block of a's shape, one element further in the memory of a (and beyond it)."""
    if not a.size:
        return a
    memory = np.resize(a.ravel(), a.size + 1)
    return memory[1:].reshape(a.shape)
