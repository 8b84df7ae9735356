"""The one place where tensors live, under torch's names so that scripts run."""


class device:
    """`device("cpu")`; any other name is a ValueError. torch.device."""

    __slots__ = ("type", "index")

    def __init__(self, type, index=None):
        name = type.type if isinstance(type, device) else type
        if not isinstance(name, str):
            raise TypeError(f"device: expected a name such as 'cpu', got {type!r}")
        if name not in ("cpu", "cpu:0") or index not in (None, 0):
            raise ValueError(f"device: got {name!r}, but minigrad computes on 'cpu' only")
        self.type = "cpu"
        self.index = None if name == "cpu" and index is None else 0

    def __eq__(self, other):
        return isinstance(other, device)

    def __hash__(self):
        return hash(device)

    def __str__(self):
        return "cpu"

    def __repr__(self):
        return "device(type='cpu')"

    def __reduce__(self):
        return (device, ("cpu",))
