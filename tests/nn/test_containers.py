"""Sequential, ModuleList, ModuleDict: what torch's do, and what is refused."""

from collections import OrderedDict

import pytest

import minigrad
from minigrad import nn


def test_sequential():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    x = minigrad.ones(4, 2)
    assert net(x).tolist() == c(b(a(x))).tolist()
    assert len(net) == 3 and list(net) == [a, b, c]
    assert net[0] is a and net[-1] is c and list(net[1:]) == [b, c]
    assert type(net[:2]) is nn.Sequential and list(net[::2]) == [a, c]
    assert net.append(nn.Tanh()) is net and type(net[3]) is nn.Tanh
    assert list(net + nn.Sequential(a)) == [*net, a]
    net[1] = nn.Sigmoid()
    assert type(net[1]) is nn.Sigmoid
    tanh = net.pop(3)
    assert type(tanh) is nn.Tanh and list(net.state_dict()) == [
        "0.weight", "0.bias", "2.weight", "2.bias",
    ]  # fmt: skip
    del net[1]
    assert list(net._modules) == ["0", "1"] and list(net) == [a, c]
    for index, wrong, error in ((3, b, IndexError), (-3, b, IndexError), (0, abs, TypeError)):
        with pytest.raises(error, match="out of range|Sequential.insert: expected a Module"):
            net.insert(index, wrong)
    net.insert(1, b)
    assert list(net) == [a, b, c] and list(net._modules) == ["0", "1", "2"]
    assert list(net.insert(-3, tanh)) == [tanh, a, b, c]
    net.pop(0)
    net.extend([tanh])
    assert net[3] is tanh
    del net[1:3]
    assert list(net) == [a, tanh]
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            net[index]
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            del net[index]
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            net[index] = a
    with pytest.raises(TypeError, match="cannot assign 'function' as module '0'"):
        nn.Sequential(lambda x: x)
    with pytest.raises(TypeError, match="Sequential"):
        net + [a]
    assert list(nn.Sequential()) == [] and nn.Sequential()(x) is x


def test_module_list_and_dict():
    a, b = nn.Linear(2, 3), nn.ReLU()
    modules = nn.ModuleList([a])
    modules += [b]
    modules.append(a)
    assert list(modules) == [a, b, a] and modules[-2] is b and list(modules[:2]) == [a, b]
    assert type(modules[1:]) is nn.ModuleList and list(modules + [b]) == [a, b, a, b]
    assert list(modules.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert len(list(modules.parameters())) == 2
    with pytest.raises(TypeError, match="modules must be an iterable"):
        modules.extend(3)
    table = nn.ModuleDict({"a": a})
    table["b"] = b
    table.update([("c", nn.Tanh())])
    assert list(table) == ["a", "b", "c"] == list(table.keys()) and "b" in table and len(table) == 3
    assert table["a"] is a and table.pop("b") is b and list(dict(table.items())) == ["a", "c"]
    del table["c"]
    assert list(table.values()) == [a] and list(table.state_dict()) == ["a.weight", "a.bias"]
    table.clear()
    assert len(table) == 0


def test_repr_to_the_letter(torch):
    def build(nn):
        class Two(nn.Module):
            def extra_repr(self):
                return "first line\nsecond line"

        class Deep(nn.Module):
            def __init__(self):
                super().__init__()
                self.two = Two()
                self.empty = nn.Sequential()
                self.none = None
                self.body = nn.Sequential(
                    OrderedDict(
                        lin=nn.Linear(3, 4),
                        inner=nn.Sequential(nn.ReLU(), nn.Linear(4, 4, bias=False)),
                    )
                )
                self.items = nn.ModuleList(
                    [nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.Linear(1, 1))]
                )
                self.same = nn.ModuleList([nn.Sequential(nn.Tanh()) for _ in range(3)])
                self.nothing = nn.ModuleList()
                self.table = nn.ModuleDict({"a": nn.Tanh(), "b": nn.ModuleDict()})
                self.register_module("gone", None)

            def extra_repr(self):
                return "extra=1"

        return Deep()

    assert repr(build(nn)) == repr(build(torch.nn))


@pytest.mark.parametrize("wrong", [3, "x", nn.ReLU])
@pytest.mark.parametrize("kind", [nn.Sequential, nn.ModuleList])
def test_an_extension_that_fails_adds_nothing(kind, wrong):
    first, second = nn.ReLU(), nn.Tanh()
    modules = kind(first) if kind is nn.Sequential else kind([first])
    with pytest.raises(TypeError, match="cannot assign .* as module '2'"):
        modules.extend([second, wrong])
    assert list(modules) == [first]


@pytest.mark.parametrize(
    ("wrong", "error"), [({"c": 3}, TypeError), ({"c.d": nn.ReLU()}, KeyError)]
)
def test_an_update_that_fails_changes_nothing(wrong, error):
    first = nn.ReLU()
    modules = nn.ModuleDict({"a": first, "b": None})
    with pytest.raises(error):
        modules.update({"b": nn.Tanh(), "a": nn.Tanh(), "new": nn.Tanh(), **wrong})
    assert list(modules.items()) == [("a", first), ("b", None)]
