"""What `module._parameters`, `._buffers` and `._modules` are: the members of one kind, live.

Programs that exchange layers write through them, `model._modules["1"] = nn.Tanh()`, so these are
not copies: what is put in is registered, and what is deleted is gone from the module.
"""

from collections.abc import MutableMapping


class Members(MutableMapping):
    """The attributes of `module` that are of `kind`, as a dictionary from name to value or None.

    A loop over it goes over those that are there when it begins, so it may change them.
    """

    def __init__(self, module, kind):
        self._module, self._kind = module, kind

    def __getitem__(self, name):
        if self._module._kinds.get(name) is not self._kind:
            raise KeyError(name)
        return self._module.__dict__[name]

    def __setitem__(self, name, value):
        self._module._register(self._kind, name, value)

    def __delitem__(self, name):
        self[name]  # a KeyError for anything else
        delattr(self._module, name)

    def __iter__(self):
        return iter([name for name, _ in self._module._members(self._kind)])

    def __len__(self):
        return len(self._module._members(self._kind))

    def __repr__(self):
        return repr(dict(self))

    def copy(self):
        """A plain dictionary of what is there now."""
        return dict(self)
