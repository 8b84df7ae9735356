"""The shape of a tensor."""


class Size(tuple):
    """A shape: a tuple of sizes with torch's `numel()`. Its parts and sums are shapes, too."""

    __slots__ = ()

    def numel(self):
        count = 1
        for size in self:
            count *= size
        return count

    def __getitem__(self, key):
        found = tuple.__getitem__(self, key)
        return Size(found) if type(found) is tuple else found

    def __add__(self, other):
        return Size((*self, *other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other):
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __repr__(self):
        return f"minigrad.Size([{', '.join(map(str, self))}])"
