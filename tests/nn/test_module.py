"""Modules, containers, state dicts: what torch's do, and what is refused."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.errors import ShapeError


def define(nn, torch):
    """For either library: parameters, buffers and children in an order that is easy to miss."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.second = nn.Linear(3, 2)
            self.scale = nn.Parameter(torch.ones(2))
            self.register_buffer("count", torch.tensor(0))
            self.first = nn.Sequential(OrderedDict(a=nn.Linear(4, 3), b=nn.ReLU()))
            self.register_buffer("cache", torch.zeros(3), persistent=False)
            self.register_parameter("off", None)
            self.register_buffer("none", None)
            self.layers = nn.ModuleList([nn.Linear(2, 2, bias=False), self.second])

        def forward(self, x):
            return self.second(self.first(x)) * self.scale

    Net.__qualname__ = "Net"  # where pickle looks for it
    return Net


Net = define(nn, minigrad)


def torch_net(torch):
    return define(torch.nn, torch)()


def values(module):
    return {key: value.numpy().copy() for key, value in module.state_dict().items()}


def assert_same(before, module):
    after = values(module)
    assert list(before) == list(after)
    for key in before:
        np.testing.assert_array_equal(before[key], after[key])


# --- registration and walking ---------------------------------------------------------------------


def test_names_and_order_are_torchs(torch):
    ours, theirs = Net(), torch_net(torch)
    assert repr(ours) == repr(theirs)
    shapes = [[(k, tuple(v.shape)) for k, v in net.state_dict().items()] for net in (ours, theirs)]
    assert shapes[0] == shapes[1]
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [k for k, _ in getattr(ours, walk)()] == [k for k, _ in getattr(theirs, walk)()]
    for options in ({"recurse": False}, {"remove_duplicate": False}, {"prefix": "net"}):
        names = [[k for k, _ in net.named_parameters(**options)] for net in (ours, theirs)]
        assert names[0] == names[1]
        names = [[k for k, _ in net.named_buffers(**options)] for net in (ours, theirs)]
        assert names[0] == names[1]
    assert [type(m).__name__ for m in ours.modules()] == [
        type(m).__name__ for m in theirs.modules()
    ]


@pytest.mark.parametrize("option", ["recurse", "remove_duplicate"])
def test_switches_of_the_walks_are_bools(option):
    net = Net()
    for walk, kind in ((net.named_parameters, "parameters"), (net.named_buffers, "buffers")):
        for bad in (1, "x", None, np.ones(2)):
            with pytest.raises(TypeError, match=f"^{kind}: {option} must be True or False"):
                list(walk(**{option: bad}))


def test_a_shared_parameter_is_listed_once():
    net = Net()
    assert net.layers[1] is net.second
    assert sum(p is net.second.weight for p in net.parameters()) == 1
    assert sum(key.endswith("weight") for key in net.state_dict()) == 4


def test_a_shared_layer_is_listed_once(torch):
    names = []
    for nn_ in (nn, torch.nn):
        norm = nn_.BatchNorm1d(2)
        net = nn_.Sequential(norm, nn_.Sequential(norm))
        walks = [net.named_buffers(), net.named_parameters(), net.named_modules()]
        walks += [net.named_buffers(remove_duplicate=False), net.named_buffers(recurse=False)]
        names.append([[name for name, _ in walk] for walk in walks])
        names[-1] += [len(list(net.buffers())), len(list(net.buffers(recurse=False)))]
        names[-1] += [list(net.state_dict())]
    assert names[0] == names[1]


def test_attributes_are_registered_and_stay_of_their_kind():
    net = Net()
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'scale'"):
        net.scale = minigrad.zeros(2)
    with pytest.raises(TypeError, match="cannot assign 'int' as module 'first'"):
        net.first = 3
    with pytest.raises(TypeError, match="cannot assign 'list' as buffer 'count'"):
        net.count = [1]
    net.count = minigrad.tensor(3)
    assert dict(net.named_buffers())["count"].item() == 3
    net.scale = None
    assert "scale" not in dict(net.named_parameters()) and net.scale is None
    net.scale = nn.Parameter(minigrad.ones(2))
    assert dict(net.named_parameters())["scale"] is net.scale
    net.plain = minigrad.ones(2)
    assert "plain" not in net.state_dict()
    net.plain = nn.Parameter(minigrad.ones(2))
    assert "plain" in net.state_dict()
    net.count = nn.Linear(1, 1)
    assert "count" not in dict(net.named_buffers()) and "count.weight" in net.state_dict()
    del net.scale, net.count, net.cache, net.plain
    for name in ("scale", "count", "cache", "plain", "absent"):
        with pytest.raises(AttributeError, match=f"'Net' object has no attribute '{name}'"):
            getattr(net, name)
        with pytest.raises(AttributeError):
            delattr(net, name)


def test_a_name_used_again_is_persistent_again():
    net = Net()
    del net.cache
    net.register_buffer("cache", minigrad.ones(1))
    assert "cache" in net.state_dict()
    net.register_buffer("cache", minigrad.ones(1), persistent=False)
    assert "cache" not in net.state_dict()
    net.cache = nn.Parameter(minigrad.ones(1))
    net.cache = None
    del net.cache
    net.register_buffer("cache", minigrad.ones(1))
    assert "cache" in net.state_dict()


def test_register_refuses():
    net = Net()
    for register in (net.register_parameter, net.register_buffer, net.add_module):
        with pytest.raises(KeyError, match="already exists"):
            register("forward", None)
        for name in ("", "a.b"):
            with pytest.raises(KeyError, match="must not be empty or contain"):
                register(name, None)
        with pytest.raises(TypeError, match="name must be a string, got 3"):
            register(3, None)
        with pytest.raises(TypeError, match="cannot assign 'float' as "):
            register("new", 1.0)
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'new'"):
        net.register_parameter("new", minigrad.ones(2))
    with pytest.raises(TypeError, match="register_buffer: persistent must be True or False, got 1"):
        net.register_buffer("new", minigrad.ones(2), persistent=1)
    assert not hasattr(net, "new")
    with pytest.raises(TypeError, match="get_parameter: the path must be a string, got int"):
        net.get_parameter(3)


def test_a_forgotten_super_init_is_named():
    class Forgetful(nn.Module):
        def __init__(self, value):
            self.value = value

    for value, kind in ((nn.ReLU(), "module"), (nn.Parameter(minigrad.ones(1)), "parameter")):
        with pytest.raises(AttributeError, match=f"cannot assign {kind} before Module.__init__"):
            Forgetful(value)
    with pytest.raises(AttributeError, match=r"was super\(\).__init__\(\) called in"):
        Forgetful(3)(1)
    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        Forgetful(3).register_buffer("b", minigrad.ones(1))


def test_a_missing_forward_is_named():
    with pytest.raises(NotImplementedError, match='is missing the required "forward" function'):
        nn.Module()(1)
    with pytest.raises(NotImplementedError, match="ModuleList"):
        nn.ModuleList([nn.ReLU()])(1)


def test_members_are_ordinary_attributes():
    net = Net()
    assert vars(net)["scale"] is net.scale and net._parameters == {"scale": net.scale, "off": None}
    assert list(net._buffers) == ["count", "cache", "none"]
    assert list(net._modules) == ["second", "first", "layers"]


def test_find_by_path():
    net = Net()
    assert net.get_submodule("first.a") is net.first.a
    assert net.get_submodule("") is net
    assert net.get_submodule("layers.1") is net.second
    assert net.get_parameter("first.a.weight") is net.first.a.weight
    assert net.get_buffer("count") is net.count
    for find, path in (
        (net.get_submodule, "first.c"),
        (net.get_submodule, "scale"),
        (net.get_parameter, "first.a.weights"),
        (net.get_parameter, "count"),
        (net.get_submodule, "first.a.weight.x"),
    ):
        with pytest.raises(AttributeError, match=path.replace(".", r"\.")):
            find(path)


def test_apply_visits_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    inside = ["Linear", "ReLU", "Sequential", "Linear", "Linear", "ModuleList"]
    assert seen == ["Linear", *inside, "Net"]


def test_dir_lists_members():
    names = dir(Net())
    assert {"scale", "first", "count", "forward"} <= set(names)
    assert not any(name.isdigit() for name in dir(nn.Sequential(nn.ReLU())))


# --- modes, gradients, dtypes ---------------------------------------------------------------------


def test_train_and_eval():
    class Frozen(nn.Linear):
        def train(self, mode=True):
            return super().train(False)

    net = nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU(), Frozen(1, 1)))
    assert all(module.training is True for module in net.modules())
    assert net.eval() is net and not any(module.training for module in net.modules())
    assert net.train() is net
    assert [module.training for module in net.modules()] == [True, True, True, True, False]
    for mode in (1, None, "yes"):
        with pytest.raises(ValueError, match="training mode is expected to be boolean"):
            net.train(mode)


def test_zero_grad_and_requires_grad():
    net = Net()
    net(minigrad.ones(5, 4)).sum().backward()
    gradient = net.scale.grad
    net.zero_grad(set_to_none=False)
    assert gradient.numpy().tolist() == [0, 0] and net.layers[0].weight.grad is None
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())
    assert not net(minigrad.ones(5, 4)).requires_grad
    assert all(p.requires_grad for p in net.requires_grad_().parameters())


def test_double_and_float():
    net = Net()
    weight = net.second.weight
    net(minigrad.ones(5, 4)).sum().backward()
    assert net.double() is net
    assert net.second.weight is weight and weight.dtype is minigrad.float64
    assert weight.grad.dtype is minigrad.float64
    assert net.cache.dtype is minigrad.float64 and net.count.dtype is minigrad.int64
    assert net(minigrad.ones(5, 4, dtype=minigrad.float64)).dtype is minigrad.float64
    assert net.float().scale.dtype is minigrad.float32
    assert net.to(minigrad.float64).scale.dtype is minigrad.float64
    assert net.to("cpu") is net and net.to(minigrad.ones(1)).scale.dtype is minigrad.float32
    for wrong in (minigrad.int64, "cuda", "float33"):
        with pytest.raises((TypeError, ValueError, RuntimeError)):
            net.to(wrong)
    assert {p.dtype for p in net.parameters()} == {minigrad.float32}


# --- hooks ----------------------------------------------------------------------------------------


def test_hooks():
    calls = []
    net = nn.Linear(2, 2)
    x = minigrad.ones(1, 2)
    expected = (net(x * 3) + 1).tolist()
    handles = [
        net.register_forward_pre_hook(lambda module, args: calls.append(("pre", module, args))),
        net.register_forward_pre_hook(lambda module, args: args[0] * 3),
        net.register_forward_hook(lambda module, args, out: calls.append(("post", args[0]))),
        net.register_forward_hook(lambda module, args, out: out + 1),
    ]
    assert net(x).tolist() == expected
    assert calls[0] == ("pre", net, (x,)) and calls[1][1].tolist() == [[3, 3]]
    for handle in handles:
        handle.remove()
        handle.remove()
    assert net(x).tolist() != expected and len(calls) == 2
    with net.register_forward_hook(lambda module, args, out: "replaced"):
        assert net(x) == "replaced"
    assert net(x) is not None and net(x) != "replaced"
    for register in (net.register_forward_hook, net.register_forward_pre_hook):
        for wrong in (None, 3, "hook"):
            message = f"{register.__name__}: hook must be a function, got {type(wrong).__name__}"
            with pytest.raises(TypeError, match=message):
                register(wrong)


# --- state dicts ----------------------------------------------------------------------------------


def test_state_dict_shares_memory_and_nothing_else():
    net = Net()
    state = net.state_dict()
    assert type(state) is OrderedDict
    assert not any(value.requires_grad for value in state.values())
    assert "cache" not in state and "off" not in state and "none" not in state
    with minigrad.no_grad():
        net.scale.fill_(7)
    assert state["scale"].tolist() == [7, 7]
    assert net.state_dict(keep_vars=True)["scale"] is net.scale
    assert list(net.state_dict(prefix="net.")) == ["net." + key for key in state]


def test_load_copies_and_counts_a_change():
    net, other = Net(), Net()
    other.count = minigrad.tensor(41)
    weight, version = net.second.weight, net.second.weight._version
    result = net.load_state_dict(other.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    state = other.state_dict()
    unexpected = net.load_state_dict({**state, "more": other.count}, strict=False)
    assert repr(unexpected) == "_IncompatibleKeys(missing_keys=[], unexpected_keys=['more'])"
    del state["count"]
    missing = net.load_state_dict(state, strict=False)
    assert repr(missing) == "_IncompatibleKeys(missing_keys=['count'], unexpected_keys=[])"
    assert_same(values(other), net)
    assert net.second.weight is weight and weight._version > version
    assert not np.shares_memory(weight.detach().numpy(), other.second.weight.detach().numpy())
    y = (net.scale * net.scale).sum()
    net.load_state_dict(other.state_dict())
    with pytest.raises(RuntimeError, match="load_state_dict"):
        y.backward()


def test_swapping_two_tensors_through_their_aliases():
    pair = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    before, state = values(pair), pair.state_dict()
    pair.load_state_dict({"0.weight": state["1.weight"], "1.weight": state["0.weight"]})
    after = values(pair)
    np.testing.assert_array_equal(before["0.weight"], after["1.weight"])
    np.testing.assert_array_equal(before["1.weight"], after["0.weight"])


def test_load_lists_every_problem_and_changes_nothing():
    net = Net()
    before = values(net)
    state = OrderedDict((key, value + 1) for key, value in net.state_dict().items())
    state["second.weight"] = minigrad.zeros(3, 2)
    state["first.a.bias"] = minigrad.zeros(1)
    state["scale"] = [1.0, 1.0]
    state["first.a.weight"] = minigrad.full((3, 4), float("nan"))
    state["strange"] = minigrad.zeros(1)
    del state["count"]
    with pytest.raises(ShapeError) as error:
        net.load_state_dict(state)
    for part in (
        "Error(s) in loading state_dict for Net:",
        'Missing key(s) in state_dict: "count".',
        'Unexpected key(s) in state_dict: "strange".',
        "size mismatch for second.weight",
        "shape (3, 2) from the state dict, the shape in the current model is (2, 3)",
        "size mismatch for first.a.bias",
        "scale: expected a Tensor or an array, got list",
        "first.a.weight: NaN or infinite values",
    ):
        assert part in str(error.value)
    assert_same(before, net)
    with pytest.raises(ShapeError, match="second.weight"):
        net.load_state_dict(state, strict=False)
    assert_same(before, net)


def test_load_strict_and_not():
    net, other = Net(), Net()
    state = other.state_dict()
    del state["scale"], state["count"]
    state["extra"] = minigrad.zeros(1)
    with pytest.raises(RuntimeError, match='Missing.*: "scale", "count"'):
        net.load_state_dict(state)
    missing, unexpected = result = net.load_state_dict(state, strict=False)
    assert missing == result.missing_keys == ["scale", "count"]
    assert unexpected == result.unexpected_keys == ["extra"]
    assert "missing_keys=['scale', 'count']" in repr(result)
    assert net.second.weight.tolist() == other.second.weight.tolist()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (float("nan"), ValueError, "scale: NaN or infinite values"),
        (float("-inf"), ValueError, "scale: NaN or infinite values"),
        (1e300, ValueError, "scale: minigrad.float64 values that overflow minigrad.float32"),
    ],
)
def test_load_refuses_values(value, error, message):
    net = Net()
    before = values(net)
    state = dict(net.state_dict(), scale=minigrad.tensor([1, value], dtype=minigrad.float64))
    with pytest.raises(error, match=message):
        net.load_state_dict(state)
    assert_same(before, net)
    net.load_state_dict(state, allow_nonfinite=True)
    assert net.scale.tolist()[0] == 1 and not np.isfinite(net.scale.tolist()[1])


def test_load_refuses_kinds():
    net = Net()
    before = values(net)
    for state in (None, [], "state", 3):
        with pytest.raises(TypeError, match="load_state_dict: expected a dictionary"):
            net.load_state_dict(state)
    for value in (None, 1.0, [1, 1], np.float32, "x"):
        with pytest.raises(TypeError, match="scale: expected a Tensor"):
            net.load_state_dict(dict(net.state_dict(), scale=value))
    with pytest.raises(ValueError, match="count: minigrad.float32 values that minigrad.int64"):
        net.load_state_dict(dict(net.state_dict(), count=minigrad.tensor(0.5)))
    assert_same(before, net)
    net.load_state_dict(dict(net.state_dict(), count=minigrad.tensor(5.0)))
    assert net.count.item() == 5 and net.count.dtype is minigrad.int64


def test_weights_move_both_ways(torch):
    ours, theirs = Net(), torch_net(torch)
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_allclose(
        ours(minigrad.tensor(x)).tolist(), theirs(torch.tensor(x)).tolist(), rtol=1e-5, atol=1e-6
    )
    fresh = torch_net(torch)
    state = {k: minigrad.from_numpy(v.numpy()) for k, v in fresh.state_dict().items()}
    ours.load_state_dict(state)
    np.testing.assert_allclose(
        ours(minigrad.tensor(x)).tolist(), fresh(torch.tensor(x)).tolist(), rtol=1e-5, atol=1e-6
    )


# --- copies ---------------------------------------------------------------------------------------


def test_deepcopy_is_independent_and_keeps_sharing():
    net = Net()
    net.second.weight.grad = minigrad.ones(2, 3)
    other = copy.deepcopy(net)
    assert_same(values(net), other)
    assert other.layers[1] is other.second and other.second.weight is not net.second.weight
    assert isinstance(other.second.weight, nn.Parameter) and other.second.weight.requires_grad
    with minigrad.no_grad():
        other.scale.fill_(9)
    assert net.scale.tolist() == [1, 1]
    other.second.requires_grad_(False)
    assert not copy.deepcopy(other).second.weight.requires_grad and net.second.weight.requires_grad


def test_deepcopy_keeps_memory_that_parameters_and_buffers_share():
    net = nn.Module()
    flat = minigrad.arange(6.0)
    net.register_buffer("all", flat)
    net.register_buffer("half", flat[:3])
    net.inner = nn.Module()
    net.inner.register_buffer("square", flat[2:].view(2, 2).t())
    net.weight = nn.Parameter(flat[4:])
    net.tied = net.weight
    net.same_memory = nn.Parameter(net.weight.data)
    other = copy.deepcopy(net)
    assert other.tied is other.weight and type(other.same_memory) is nn.Parameter
    other.half.fill_(7)
    assert other.all.tolist() == [7, 7, 7, 3, 4, 5]
    assert other.inner.square.tolist() == [[7, 4], [3, 5]]
    with minigrad.no_grad():
        other.weight.zero_()
    assert other.all.tolist() == [7, 7, 7, 3, 0, 0] and other.same_memory.tolist() == [0, 0]
    assert net.all.tolist() == [0, 1, 2, 3, 4, 5] and net.weight.tolist() == [4, 5]


def test_pickle():
    net = Net().eval()
    other = pickle.loads(pickle.dumps(net))
    assert_same(values(net), other)
    assert repr(other) == repr(net) and not other.training
    assert other.layers[1] is other.second and other.scale.requires_grad
