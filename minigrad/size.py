"""The shape of a tensor."""


class Size(tuple):
    """A shape: a tuple of sizes with torch's `numel()`."""

    __slots__ = ()

    def numel(self):
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self):
        return f"minigrad.Size([{', '.join(map(str, self))}])"
