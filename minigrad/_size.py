"""The shape of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias, overload

Shape: TypeAlias = int | Sequence[int]


class Size(tuple[int, ...]):
    """A shape: a tuple of sizes with torch's `numel()`. Its parts and sums are shapes, too."""

    __slots__ = ()

    def numel(self) -> int:
        count = 1
        for size in self:
            count *= size
        return count

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> Size: ...

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if type(found) is tuple else found

    def __add__(self, other: Any) -> Any:
        return Size((*self, *other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    def __rmul__(self, times: Any) -> Size:
        return self * times

    def __repr__(self) -> str:
        return f"minigrad.Size([{', '.join(map(str, self))}])"
