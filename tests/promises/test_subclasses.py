"""What scripts build on: own modules, schedules, optimizers and data sets, and what they write to.

Whatever torch calls or writes through is called and written through here; nothing is skipped in
silence. The values of torch stand in the tests, and are compared with it where it is installed.
"""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler
from minigrad.utils import data

# --- modules -------------------------------------------------------------------------------------


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.ReLU(), nn.Linear(3, 1)))


def test_layers_are_exchanged_through_modules():
    model = net()
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if isinstance(child, nn.ReLU):
                module._modules[name] = nn.Tanh()
    assert [type(module) for module in model.modules()].count(nn.Tanh) == 2
    x = mg.tensor([[0.3, -2.0]])
    w, b = model[0].weight, model[0].bias
    want = model[2][1](((x @ w.T + b).tanh()).tanh())
    assert mg.allclose(model(x), want)
    del model._modules["2"]
    assert len(model) == 2
    assert model._modules.pop("1") is not None
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


def test_parameters_and_buffers_are_written_through():
    norm = nn.BatchNorm1d(2)
    norm._parameters["weight"] = nn.Parameter(mg.full((2,), 3.0))
    norm._buffers["running_mean"] = mg.ones(2)
    assert norm.weight.tolist() == [3, 3]
    assert norm.running_mean.tolist() == [1, 1]
    assert list(norm._buffers) == ["running_mean", "running_var", "num_batches_tracked"]
    weight = norm._parameters.pop("weight")
    assert [name for name, _ in norm.named_parameters()] == ["bias"]
    norm.weight = weight.detach() * 2  # a plain tensor now, as weight norm by hand has it
    assert norm.eval()(mg.ones(1, 2)).shape == (1, 2)
    with pytest.raises(TypeError, match="cannot assign 'int' as buffer 'running_var'"):
        norm._buffers["running_var"] = 3
    with pytest.raises(KeyError):
        del norm._modules["running_var"]
    assert norm.running_var.tolist() == [1, 1]


class Wrapper(nn.Module):
    """As many wrappers are written: what it has not, the inner module has."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inner"), name)

    def forward(self, x):
        return self.inner(x)


def test_a_getattr_of_ones_own_finds_members_through_super():
    wrapped = Wrapper(nn.Linear(3, 2))
    assert wrapped.in_features == 3
    assert wrapped.weight is wrapped.inner.weight
    assert copy.deepcopy(wrapped).in_features == 3
    assert list(wrapped.state_dict()) == ["inner.weight", "inner.bias"]
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = wrapped.nothing


def test_a_shallow_copy_leaves_the_original_alone():
    model = nn.Sequential(nn.Linear(2, 2))
    model.register_buffer("mask", mg.ones(1), persistent=False)
    copied = copy.copy(model)
    copied.append(nn.ReLU())
    copied.register_forward_hook(lambda module, args, output: output * 0)
    copied.register_buffer("mask", mg.ones(1))
    assert len(model) == 1
    assert len(copied) == 2
    assert "mask" not in model.state_dict()
    assert copied[0] is model[0]
    assert not (model(mg.ones(1, 2)) == 0).all()


def test_modules_with_slots_are_copied_and_pickled():
    copied = pickle.loads(pickle.dumps(Slotted(3)))
    for each in (copied, copy.copy(copied), copy.deepcopy(copied)):
        assert each.size == 3
        assert list(each.state_dict()) == ["layer.weight", "layer.bias"]


class Slotted(nn.Module):
    __slots__ = ("size",)

    def __init__(self, size):
        super().__init__()
        self.size = size
        self.layer = nn.Linear(size, 1)


class Doubled(nn.Linear):
    """More in its state dict than it has."""

    def state_dict(self, *args, **kwargs):
        state = super().state_dict(*args, **kwargs)
        state[kwargs.get("prefix", "") + "twice"] = self.bias.detach() * 2
        return state


def test_the_state_dict_of_a_child_is_its_own():
    assert list(nn.Sequential(nn.ReLU(), Doubled(1, 1)).state_dict()) == [
        "1.weight", "1.bias", "1.twice"]  # fmt: skip


class Tokens(nn.Linear):
    def __init__(self, words):
        super().__init__(1, 1)
        self.words = words

    def get_extra_state(self):
        return {"words": self.words}

    def set_extra_state(self, state):
        self.words = list(state["words"])


def test_extra_state_goes_with_the_state_dict(tmp_path):
    model = nn.Sequential(Tokens(["a", "b"]))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "0._extra_state"]
    mg.save(model.state_dict(), tmp_path / "model")
    other = nn.Sequential(Tokens([]))
    other.load_state_dict(mg.load(tmp_path / "model"))
    assert other[0].words == ["a", "b"]
    state = model.state_dict()
    del state["0._extra_state"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        other.load_state_dict(state)
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "0._extra_state"'):
        nn.Sequential(nn.Linear(1, 1)).load_state_dict(model.state_dict())


class HalfFrozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen, self.layer = nn.Linear(1, 1), nn.Linear(1, 1)

    def parameters(self, recurse=True):
        return self.layer.parameters(recurse)


def test_to_converts_all_where_parameters_is_overridden():
    model = HalfFrozen().double()
    assert {tensor.dtype for tensor in model.state_dict().values()} == {mg.float64}


def test_hooks_that_see_keyword_arguments_and_hooks_that_come_first():
    class Scale(nn.Module):
        def forward(self, x, by=1.0):
            return x * by

    model, order = Scale(), []
    model.register_forward_pre_hook(lambda module, args: order.append("args"))
    before = model.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True
    )
    model.register_forward_pre_hook(lambda module, args: order.append("first"), prepend=True)
    model.register_forward_hook(
        lambda module, args, kwargs, output: output + kwargs["by"], with_kwargs=True)  # fmt: skip
    assert model(mg.ones(1), by=2.0).tolist() == [6]
    assert order == ["first", "args"]
    before.remove()
    assert model(mg.ones(1), by=2.0).tolist() == [4]
    model.register_forward_pre_hook(lambda module, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match="expects None or a pair"):
        model(mg.ones(1), by=2.0)


# --- schedules -----------------------------------------------------------------------------------


class Warmup(lr_scheduler.LRScheduler):
    def __init__(self, optimizer, epochs, last_epoch=-1):
        self.epochs = epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = min(1, (self.last_epoch + 1) / self.epochs)
        return [group["initial_lr"] * share for group in self.optimizer.param_groups]


def rates(schedule, optimizer, epochs):
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def sgd(lr=0.5):
    return optim.SGD([nn.Parameter(mg.ones(1))], lr=lr)


def test_a_schedule_of_ones_own_decides_about_the_first_epoch_too():
    optimizer = sgd()
    assert rates(Warmup(optimizer, 4), optimizer, 6) == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]


def test_a_derived_schedule_decides_about_the_first_epoch_too():
    class Floor(lr_scheduler.ExponentialLR):
        def get_lr(self):
            return [max(lr, 0.3) / 2 for lr in super().get_lr()]

    optimizer = sgd()
    assert rates(Floor(optimizer, 0.5), optimizer, 3) == [0.25, 0.15, 0.15]


def test_a_schedule_that_fails_at_once_leaves_no_trace():
    optimizer = sgd()
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ZeroDivisionError):
        Warmup(optimizer, 0)
    assert optimizer.state_dict() == before


# --- optimizers ----------------------------------------------------------------------------------


class Momentum(optim.Optimizer):
    """As torch's users write one."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @mg.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["step"], state["buffer"] = 0, mg.zeros_like(p)
                state["step"] += 1
                state["buffer"].mul_(group["momentum"]).add_(p.grad)
                p.add_(state["buffer"], alpha=-group["lr"])


def steps(optimizer, p, count):
    for _ in range(count):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()


def test_an_optimizer_of_ones_own_trains_and_resumes():
    p, q = (nn.Parameter(mg.tensor([1.0, -2.0])) for _ in range(2))
    steps(Momentum([p], lr=0.05), p, 6)
    reference = optim.SGD([q], lr=0.05, momentum=0.9)
    steps(reference, q, 6)
    assert np.allclose(p.tolist(), q.tolist(), rtol=1e-6)

    half = nn.Parameter(mg.tensor([1.0, -2.0]))
    first = Momentum([half], lr=0.05)
    steps(first, half, 3)
    second = Momentum([half], lr=1.0)
    second.load_state_dict(first.state_dict())
    assert second.state[half]["step"] == 3
    assert second.state[half]["buffer"] is not first.state[half]["buffer"]
    steps(second, half, 3)
    assert half.tolist() == p.tolist()
    with pytest.raises(NotImplementedError, match="Optimizer does not define step"):
        optim.Optimizer([p], {}).step()


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW])
def test_parameters_come_with_their_names(kind):
    model, twin = net(), net()
    twin.load_state_dict(model.state_dict())
    named = kind(model.named_parameters(), lr=0.1)
    plain = kind(twin.parameters(), lr=0.1)
    names = ["0.weight", "0.bias", "2.1.weight", "2.1.bias"]
    assert named.param_groups[0]["param_names"] == names
    assert named.state_dict()["param_groups"][0]["param_names"] == names
    for optimizer, each in ((named, model), (plain, twin)):
        each(mg.ones(3, 2)).sum().backward()
        optimizer.step()
    for key, value in model.state_dict().items():
        assert mg.equal(value, twin.state_dict()[key])
    plain.load_state_dict(named.state_dict())
    named.load_state_dict(plain.state_dict())
    extra = {"params": [("extra", nn.Parameter(mg.ones(1)))]}
    named.add_param_group(extra)
    assert named.param_groups[1]["param_names"] == ["extra"]


def test_names_come_with_all_parameters_or_with_none():
    p, q = nn.Parameter(mg.ones(1)), nn.Parameter(mg.ones(1))
    with pytest.raises(ValueError, match="names with all parameters of a group, or with none"):
        optim.SGD([("p", p), q])
    with pytest.raises(ValueError, match="names with the parameters of all groups, or of none"):
        optim.SGD([{"params": [("p", p)]}, {"params": [q]}])


def test_the_state_of_another_library_is_read():
    """An optimizer's state dict from torch, as it is or through NumPy."""
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(3).standard_normal((4, 2)).astype(np.float32)
    theirs = torch.nn.Parameter(torch.tensor(values))
    optimizer = torch.optim.Adam([theirs], lr=0.1)
    (theirs**2).sum().backward()
    optimizer.step()
    through_numpy = copy.deepcopy(optimizer.state_dict())
    for name, value in through_numpy["state"][0].items():
        through_numpy["state"][0][name] = value.numpy()
    for state in (optimizer.state_dict(), through_numpy):
        p = nn.Parameter(mg.tensor(theirs.detach().numpy()))
        ours = optim.Adam([p], lr=0.5)
        ours.load_state_dict(state)
        assert ours.state[p]["step"] == 1
        steps(ours, p, 2)
        want = copy.deepcopy(theirs)
        further = torch.optim.Adam([want], lr=0.5)
        further.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        steps(further, want, 2)
        assert np.allclose(p.detach().numpy(), want.detach().numpy(), rtol=1e-6)


# --- data sets -----------------------------------------------------------------------------------


def test_a_data_set_may_give_several_samples_in_one_call():
    class Rows(data.Dataset):
        calls = 0

        def __len__(self):
            return 5

        def __getitem__(self, index):
            raise AssertionError("one at a time")

        def __getitems__(self, places):
            self.calls += 1
            return [10 * place for place in places]

    rows = Rows()
    assert [batch.tolist() for batch in data.DataLoader(rows, batch_size=2)] == [
        [0, 10], [20, 30], [40]]  # fmt: skip
    assert rows.calls == 3
    part = data.Subset(rows, [4, 1])
    assert [batch.tolist() for batch in data.DataLoader(part, batch_size=2)] == [[40, 10]]
