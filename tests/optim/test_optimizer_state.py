"""The state of optimizers: saved and loaded it continues bit for bit, or is refused whole."""

import copy
import math

import numpy as np
import pytest
from helpers.optimizers import ALL, Adam, every, frozen, give_gradients, parameters, train, values

import minigrad
from minigrad import nn
from minigrad.errors import DTypeError, ShapeError


@every
@pytest.mark.parametrize("k", [1, 10])
def test_a_loaded_state_continues_bit_for_bit(kind, options, k):
    params = parameters()
    optimizer = kind(params, lr=0.1, **options)
    train(optimizer, params, k)
    others = [nn.Parameter(minigrad.tensor(array)) for array in values(params)]
    other = kind(others, lr=3.0)
    saved = copy.deepcopy(optimizer.state_dict())
    other.load_state_dict(saved)
    for entry in saved["state"].values():  # a loaded state is a copy
        for value in entry.values():
            if isinstance(value, minigrad.Tensor):
                value.fill_(7)
    saved["param_groups"][0]["lr"] = 5.0
    for pair in ((optimizer, params), (other, others)):
        train(*pair, k, first=k)
    for a, b in zip(values(params), values(others), strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_dict_has_torchs_structure(torch):
    for kind, options in ALL:
        ours = parameters()
        theirs = [torch.nn.Parameter(torch.tensor(array)) for array in values(ours)]
        one, other = kind(ours, **options), getattr(torch.optim, kind.__name__)(theirs, **options)
        give_gradients(ours)
        for p, q in zip(ours, theirs, strict=True):
            q.grad = torch.tensor(p.grad.numpy())
        one.step()
        other.step()
        a, b = one.state_dict(), other.state_dict()
        assert list(a) == list(b) and list(a["state"]) == list(b["state"])
        for k in a["state"]:
            assert set(a["state"][k]) == set(b["state"][k])
        group, theirs = a["param_groups"][0], b["param_groups"][0]
        assert group["params"] == theirs["params"] == [0, 1, 2, 3, 4]
        assert set(group) <= set(theirs)
        assert all(group[key] == theirs[key] for key in group)


def test_torchs_state_can_be_loaded(torch):
    theirs = [torch.nn.Parameter(torch.tensor(array)) for array in values(parameters())]
    other = torch.optim.Adam(theirs, lr=0.1, amsgrad=True)
    for q in theirs:
        q.grad = torch.ones_like(q)
    other.step()
    state = other.state_dict()
    state["state"] = {
        k: {name: minigrad.tensor(value.numpy()) for name, value in entry.items()}
        for k, entry in state["state"].items()
    }
    ours = [nn.Parameter(minigrad.tensor(q.detach().numpy())) for q in theirs]
    one = Adam(ours)
    one.load_state_dict(state)
    assert one.state[ours[0]]["step"] == 1 and one.param_groups[0]["amsgrad"] is True
    for p, q in zip(ours, theirs, strict=True):
        p.grad, q.grad = p.detach() * 2, q.detach() * 2
    one.step()
    other.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12)


def test_steps_count_exactly():
    p = nn.Parameter(minigrad.ones(1))
    optimizer = Adam([p])
    train(optimizer, [p], 1)
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["step"] = 2**53 + 1
    optimizer.load_state_dict(state)
    train(optimizer, [p], 1)
    assert optimizer.state_dict()["state"][0]["step"] == 2**53 + 2


def spoiled(change):
    params = parameters()
    optimizer = Adam(params)
    train(optimizer, params, 1)
    state = copy.deepcopy(optimizer.state_dict())
    return optimizer, change(state) or state


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: [1], TypeError, "expected a dictionary, got list"),
        (lambda s: s.pop("state") and None, ValueError, "no 'state'"),
        (lambda s: s.pop("param_groups") and None, ValueError, "no 'param_groups'"),
        (lambda s: s.update(param_groups=3), TypeError, "'param_groups' is int"),
        (lambda s: s.update(state=[]), TypeError, "'state' is list"),
        (lambda s: s["param_groups"].append({"params": []}), ValueError, "2 parameter gr.* has 1"),
        (lambda s: s["param_groups"][0]["params"].pop() and None, ValueError,
         "group 0 of the state dict has 4 parameters, of the optimizer 5"),
        (lambda s: s["param_groups"][0].pop("params") and None, TypeError, "a list 'params'"),
        (lambda s: s["param_groups"].__setitem__(0, 3), TypeError, "group 0 must be a dictionary"),
        (lambda s: s["state"].update({9: {}}), ValueError, "state for parameter 9"),
        (lambda s: s["state"].update({1: 3}), TypeError, "parameter 1: its state is int"),
        (lambda s: s["state"][0].update(exp_avg=minigrad.ones(4, 3)), ShapeError,
         r"parameter 0: 'exp_avg' has shape \(4, 3\), the parameter \(3, 4\)"),
        (lambda s: s["state"][0].update(exp_avg=minigrad.ones(3, 4).long()), DTypeError,
         "parameter 0: 'exp_avg' is minigrad.int64, the parameter minigrad.float64"),
        (lambda s: s["state"][0].update(exp_avg=3.0), TypeError, "'exp_avg' must be a Tensor"),
        (lambda s: s["state"].update({0: {"step": 1}}), ValueError, "its state has no 'exp_avg'"),
        (lambda s: s["state"][0].pop("step") and None, ValueError, "its state has no 'step'"),
        (lambda s: s["state"][0].update(step=-1), ValueError, "step must be finite and >= 0"),
        (lambda s: s["state"][0].update(step=0.5), ValueError, "step must be a whole number"),
        (lambda s: s["state"][0].update(step="3"), TypeError, "step must be a number"),
        (lambda s: s["state"][0].update(step=math.nan), ValueError, "step must be finite"),
        (lambda s: s["param_groups"][0].update(amsgrad=True), ValueError, "no 'max_exp_avg_sq'"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    optimizer, state = spoiled(change)
    before = frozen(optimizer)
    with pytest.raises(error, match=f"Adam.load_state_dict: .*{message}"):
        optimizer.load_state_dict(state)
    assert frozen(optimizer) == before


def test_an_optimizer_can_be_copied_with_its_model():
    net = nn.Linear(2, 2)
    optimizer = Adam(net.parameters())
    train(optimizer, list(net.parameters()), 2)
    other_net, other = copy.deepcopy((net, optimizer))
    assert other.param_groups[0]["params"][0] is other_net.weight
    assert other.state[other_net.weight]["step"] == 2
    for model, each in ((net, optimizer), (other_net, other)):
        train(each, list(model.parameters()), 2, first=2)
    np.testing.assert_array_equal(*[m.weight.detach().numpy() for m in (net, other_net)])
