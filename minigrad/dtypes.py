"""The six element types a tensor can have, under torch's names."""

from __future__ import annotations

import builtins
from typing import Any, Self, TypeAlias

import numpy as np

from .errors import DTypeError

NAMES = ("float32", "float64", "int64", "int32", "uint8", "bool")


class dtype:
    """An element type: `name`, NumPy's own as `numpy`, `itemsize` in bytes, `is_floating_point`."""

    __slots__ = ("name", "numpy", "is_floating_point", "itemsize")
    name: str
    numpy: np.dtype[Any]
    is_floating_point: builtins.bool
    itemsize: int

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or name not in NAMES:
            raise DTypeError(f"dtype: got {name!r}, expected one of {', '.join(NAMES)}")
        self.name = name
        self.numpy = np.dtype(name)
        self.is_floating_point = self.numpy.kind == "f"
        self.itemsize = self.numpy.itemsize

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (find, (self.name,))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self


DTypeLike: TypeAlias = dtype | np.dtype[Any] | type | str  # what `find` understands

float32: dtype = dtype("float32")
float64: dtype = dtype("float64")
int64: dtype = dtype("int64")
int32: dtype = dtype("int32")
uint8: dtype = dtype("uint8")
bool: dtype = dtype("bool")

ALL = (float32, float64, int64, int32, uint8, bool)
_by_numpy = {each.numpy: each for each in ALL}
_by_type_name = {  # x.type() gives these
    "FloatTensor": float32, "DoubleTensor": float64, "LongTensor": int64, "IntTensor": int32,
    "ByteTensor": uint8, "BoolTensor": bool,
}  # fmt: skip
_by_python = {float: float64, int: int64, builtins.bool: bool}
_default = float32


def find(spec: Any) -> dtype:
    """The dtype that `spec` names: ours, NumPy's, its name, or Python's float, int, bool."""
    if isinstance(spec, dtype):
        return _by_numpy[spec.numpy]
    if isinstance(spec, type) and spec in _by_python:
        return _by_python[spec]
    found = None
    spec = (
        getattr(spec, "__name__", spec) if callable(spec) and not isinstance(spec, type) else spec
    )
    if isinstance(spec, str):
        found = {each.name: each for each in ALL}.get(spec)
        found = found or _by_type_name.get(spec.rpartition(".")[2])
    elif isinstance(spec, np.dtype) or (isinstance(spec, type) and issubclass(spec, np.generic)):
        kind: Any = getattr(spec, "type", spec)
        found = {each.numpy.type: each for each in ALL}.get(kind)
    if found is None:
        raise DTypeError(f"dtype: got {spec!r}, expected one of {', '.join(NAMES)}")
    return found


def nearest(operation: str, argument: str, numpy_dtype: np.dtype[Any]) -> dtype:
    """The smallest of our dtypes of the same kind that holds every value of a NumPy dtype.

    int8 becomes int32, float16 float32. DTypeError for uint64, longdouble and what is not a number.
    """
    kinds = {"b": (bool,), "i": (int32, int64), "u": (uint8, int32, int64), "f": (float32, float64)}
    for each in kinds.get(numpy_dtype.kind, ()):
        if np.can_cast(numpy_dtype, each.numpy, "safe"):
            return each
    words = (
        "; a tensor holds numbers only: .astype(float) reads those that are written as text, and "
        "np.unique(…, return_inverse=True) gives each category a number"
    )
    dates = "; make numbers of them, such as days since the first one"
    cures = dict.fromkeys("OUST", words) | dict.fromkeys("Mm", dates)
    raise DTypeError(
        f"{operation}: {argument} has dtype {numpy_dtype}, expected one of {', '.join(NAMES)}"
        f"{cures.get(numpy_dtype.kind, '')}"
    )


def promote_types(type1: object, type2: object) -> dtype:
    """The dtype of a result of both: a float before an integer before bool. torch.promote_types."""
    type1, type2 = find(type1), find(type2)
    if type1.is_floating_point != type2.is_floating_point:
        return type1 if type1.is_floating_point else type2
    return _by_numpy[np.promote_types(type1.numpy, type2.numpy)]


def get_default_dtype() -> dtype:
    """The dtype that Python floats become: float32 unless `set_default_dtype` said otherwise."""
    return _default


def set_default_dtype(d: object) -> None:
    """Choose the dtype that Python floats become: float32 or float64."""
    global _default
    chosen = find(d)
    if not chosen.is_floating_point:
        raise DTypeError(f"set_default_dtype: got {chosen!r}, expected float32 or float64")
    _default = chosen
