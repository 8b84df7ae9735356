"""The one place where tensors live, under torch's names so that scripts run."""

from __future__ import annotations

from typing import Any, TypeAlias


class device:
    """`device("cpu")`; any other name is a ValueError. torch.device."""

    __slots__ = ("type", "index")
    type: str
    index: int | None

    def __init__(self, type: str | device, index: int | None = None) -> None:
        name = type.type if isinstance(type, device) else type
        if not isinstance(name, str):
            raise TypeError(f"device: expected a name such as 'cpu', got {type!r}")
        if name not in ("cpu", "cpu:0") or index not in (None, 0):
            raise ValueError(f"device: got {name!r}, but minigrad computes on 'cpu' only")
        self.type = "cpu"
        self.index = None if name == "cpu" and index is None else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device)

    def __hash__(self) -> int:
        return hash(device)

    def __str__(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __reduce__(self) -> tuple[Any, ...]:
        return (device, ("cpu",))


DeviceLike: TypeAlias = device | str
