"""What all optimizers share: groups, checks, state dicts, and steps that are all or nothing."""

import math
import signal

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.optimizers import (
    ALL,
    SGD,
    Adam,
    AdamW,
    every,
    frozen,
    give_gradients,
    parameters,
    train,
    values,
)

import minigrad
from minigrad import nn
from minigrad._kernels import use_kernels
from minigrad.errors import DTypeError, GraphError

# --- steps ----------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("kernels", ["compiled", "reference"])
def test_fifty_steps_follow_torch(torch, kind, options, kernels):
    ours = parameters()
    theirs = [torch.nn.Parameter(torch.tensor(array)) for array in values(ours)]
    lrs = [0.1, 0.01]
    groups = [
        [{"params": p[:2]}, {"params": p[2:], "lr": lr}]
        for p, lr in ((ours, lrs[1]), (theirs, lrs[1]))
    ]
    one = kind(groups[0], lr=lrs[0], **options)
    other = getattr(torch.optim, kind.__name__)(groups[1], lr=lrs[0], **options)
    with use_kernels(kernels):
        for step in range(50):
            give_gradients(ours, step)
            for p, q in zip(ours, theirs, strict=True):
                q.grad = torch.tensor(p.grad.numpy())
            if step % 7 == 3:  # a parameter that is sometimes left out
                ours[1].grad = theirs[1].grad = None
            one.step()
            other.step()
            for p, q in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(
                    p.detach().numpy(), q.detach().numpy(), rtol=1e-10, atol=1e-12
                )


@every
def test_float32_stays_float32(torch, kind, options):
    ours = parameters(minigrad.float32)
    theirs = [torch.nn.Parameter(torch.tensor(array)) for array in values(ours)]
    one, other = kind(ours, **options), getattr(torch.optim, kind.__name__)(theirs, **options)
    for step in range(5):
        give_gradients(ours, step)
        for p, q in zip(ours, theirs, strict=True):
            q.grad = torch.tensor(p.grad.numpy())
        one.step()
        other.step()
    for p, q in zip(ours, theirs, strict=True):
        assert p.dtype is minigrad.float32
        np.testing.assert_allclose(
            p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6
        )


@every
def test_strided_parameters_and_gradients(kind, options):
    rng = np.random.default_rng(0)
    base, gradient = rng.standard_normal((6, 4)), rng.standard_normal((3, 4))
    plain = nn.Parameter(minigrad.tensor(base[::2]))
    memory = np.array(base)
    strided = nn.Parameter(minigrad.from_numpy(memory[::2]))
    one, other = kind([plain], **options), kind([strided], **options)
    for _ in range(3):
        plain.grad = minigrad.tensor(gradient)
        strided.grad = minigrad.tensor(np.array(gradient.T)).T
        one.step()
        other.step()
    np.testing.assert_array_equal(plain.detach().numpy(), memory[::2])
    np.testing.assert_array_equal(memory[1::2], base[1::2])


def test_no_gradient_no_change():
    for kind, options in ALL:
        params = parameters()
        optimizer = kind(params, **options)
        before = frozen(optimizer)
        assert optimizer.step() is None
        assert frozen(optimizer) == before and not optimizer.state


def test_a_frozen_parameter_keeps_its_state():
    params = parameters()
    optimizer = Adam(params)
    train(optimizer, params, 3)
    moment = optimizer.state[params[0]]["exp_avg"].tolist()
    give_gradients(params)
    params[0].grad = None
    optimizer.step()
    assert optimizer.state[params[0]]["step"] == 3 and optimizer.state[params[1]]["step"] == 4
    assert optimizer.state[params[0]]["exp_avg"].tolist() == moment


def test_closure_is_evaluated_with_gradients_on():
    p = nn.Parameter(minigrad.tensor([3.0]))
    optimizer = SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with minigrad.no_grad():
        assert optimizer.step(closure).item() == 9
    assert p.tolist() == [0]


def test_zero_grad():
    params = parameters()
    optimizer = SGD(params)
    give_gradients(params[:2])
    memory = params[0].grad
    optimizer.zero_grad(set_to_none=False)
    assert not memory.numpy().any() and params[0].grad is not None and params[2].grad is None
    optimizer.zero_grad()
    assert all(p.grad is None for p in params)


@every
def test_a_step_counts_as_a_change(kind, options):
    w = nn.Parameter(minigrad.tensor([2.0]))
    optimizer = kind([w], **options)
    y = (w * w).sum()
    w.grad = minigrad.tensor([1.0])
    optimizer.step()
    with pytest.raises(GraphError, match=f"{kind.__name__}.step"):
        y.backward()


@every
def test_a_refused_step_changes_nothing(kind, options):
    params = parameters()
    optimizer = kind(params, **options)
    train(optimizer, params, 2)
    optimizer.add_param_group({"params": [nn.Parameter(minigrad.ones(3))]})
    late = optimizer.param_groups[1]["params"][0]
    give_gradients(params)
    late.grad = minigrad.ones(3)
    late.data = minigrad.ones(3, dtype=minigrad.float64)
    before = frozen(optimizer)
    with pytest.raises(DTypeError, match=f"{kind.__name__}.step: a minigrad.float64 parameter has"):
        optimizer.step()
    assert frozen(optimizer) == before
    read_only = np.ones(3, np.float32)
    read_only.flags.writeable = False
    late.grad = None
    late.data = minigrad.from_numpy(read_only)
    late.grad = minigrad.ones(3)
    before = frozen(optimizer)
    with pytest.raises((ValueError, GraphError), match=f"{kind.__name__}.step: .*read-only"):
        optimizer.step()
    assert frozen(optimizer) == before


@every
@for_each(
    ("lr", "error"), [(math.nan, ValueError), (-0.1, ValueError), (math.inf, ValueError),
                      ("x", TypeError), (None, TypeError), (True, TypeError)]
)  # fmt: skip
def test_a_rate_made_wrong_later_is_refused(kind, options, lr, error):
    params = parameters()
    optimizer = kind(params, **options)
    train(optimizer, params, 1)
    give_gradients(params)
    optimizer.param_groups[0]["lr"] = lr
    before = frozen(optimizer)
    with pytest.raises(error, match=f"^{kind.__name__}.step: lr must be"):
        optimizer.step()
    assert repr(frozen(optimizer)) == repr(before)
    optimizer.param_groups[0]["lr"] = 0  # an int will do
    optimizer.step()


def test_a_kernel_that_fails_leaves_no_new_state(monkeypatch):
    from minigrad._kernels import active

    def broken(updates):
        raise MemoryError("none left")

    params = parameters()
    optimizer = Adam(params)
    give_gradients(params)
    monkeypatch.setattr(active, "adam_step", broken)
    before = frozen(optimizer)
    with pytest.raises(MemoryError):
        optimizer.step()
    assert frozen(optimizer) == before and not optimizer.state


@every
@pytest.mark.parametrize("steps", [0, 1])
def test_no_memory_no_change(kind, options, steps):
    """Whichever allocation of a step fails, nothing has changed."""
    testcapi = pytest.importorskip("_testcapi")
    params = [nn.Parameter(minigrad.ones(3)) for _ in range(3)]
    optimizer = kind(params, **options)
    train(optimizer, params, steps)
    give_gradients(params)
    before, failures, allocation = frozen(optimizer), 0, 0
    while allocation < failures + 20:  # all later ones happen outside of the step
        testcapi.set_nomemory(allocation, allocation + 1)
        try:
            optimizer.step()
        except MemoryError:
            testcapi.remove_mem_hooks()
            assert frozen(optimizer) == before
            failures += 1
        else:
            testcapi.remove_mem_hooks()
            optimizer = kind(params, **options)
            train(optimizer, params, steps)
            give_gradients(params)
            before = frozen(optimizer)
        allocation += 1
    assert failures > 10


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.parametrize("kernels", ["compiled", "reference"])
def test_an_interrupt_finds_whole_steps(kernels):
    with use_kernels(kernels):
        interrupt_steps(20 if kernels == "reference" else 1)


def interrupt_steps(patience):
    params = [nn.Parameter(minigrad.zeros(100_000 // patience)) for _ in range(3)]
    twin = nn.Parameter(minigrad.zeros(1))
    optimizer, reference = Adam(params), Adam([twin])
    for p in (*params, twin):
        p.grad = minigrad.ones(tuple(p.shape))

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    taken = 0
    try:
        for k in range(40):
            with pytest.raises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, patience * (2e-4 + 3e-5 * k))
                while True:
                    optimizer.step()
            counts = {state["step"] for state in optimizer.state.values()}
            assert len(counts) <= 1
            for _ in range(max(counts, default=0) - taken):
                reference.step()
                taken += 1
            for p in params:
                assert set(np.unique(p.detach().numpy())) == {twin.item()}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert taken > 10


# --- construction ---------------------------------------------------------------------------------

NAN, INF = math.nan, math.inf
BAD_NUMBERS = [
    *[(k, {name: v}) for k in (SGD, Adam, AdamW) for name in ("lr", "weight_decay")
      for v in (-0.1, NAN, INF, -INF)],
    *[(SGD, {"momentum": v}) for v in (-0.1, NAN, INF)],
    *[(SGD, {"momentum": 0.9, "dampening": v}) for v in (NAN, INF)],
    *[(k, {"eps": v}) for k in (Adam, AdamW) for v in (-1e-9, NAN, INF)],
    *[(Adam, {"betas": v}) for v in ((1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, NAN), (0.9,))],
    (SGD, {"nesterov": True}),
    (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
]  # fmt: skip
BAD_KINDS = [
    *[(k, {name: v}) for k in (SGD, Adam, AdamW) for name in ("lr", "weight_decay")
      for v in (None, "0.1", 1j, True, [0.1], np.ones(1))],
    *[(SGD, {name: True}) for name in ("momentum", "dampening")],
    *[(SGD, {name: v}) for name in ("nesterov", "maximize") for v in (1, None, "yes")],
    *[(Adam, {name: v}) for name in ("amsgrad", "maximize") for v in (1, None)],
    *[(Adam, {"betas": v}) for v in (0.9, None, ("0.9", 0.9), (True, 0.9), {0.9, 0.99})],
    (Adam, {"eps": None}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [(*case, ValueError) for case in BAD_NUMBERS] + [(*case, TypeError) for case in BAD_KINDS],
)
def test_bad_options_are_refused_everywhere(kind, options, error):
    argument = list(options)[-1] if "momentum" in options else list(options)[0]
    message = rf"{kind.__name__}.*{argument}"
    with pytest.raises(error, match=message):
        kind(parameters(), **options)
    with pytest.raises(error, match=message):
        kind([{"params": parameters(), **options}])
    optimizer = kind(parameters())
    before = frozen(optimizer)
    with pytest.raises(error, match=message):
        optimizer.add_param_group({"params": [nn.Parameter(minigrad.ones(1))], **options})
    state = optimizer.state_dict()
    state["param_groups"][0].update(options)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert frozen(optimizer) == before


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_bad_parameters_are_refused(kind):
    p = nn.Parameter(minigrad.ones(2))
    cases = [
        (p, TypeError, "params must be tensors"),
        (None, TypeError, "params must be tensors or groups in a list.*got NoneType"),
        (3, TypeError, "got int"),
        ("abc", TypeError, "got str"),
        ({p}, TypeError, "got set"),
        ([], ValueError, "params is empty"),
        (nn.ReLU().parameters(), ValueError, "params is empty"),
        ([1, 2], TypeError, r"params\[0\] must be a Tensor, got int"),
        ([p, np.ones(2)], TypeError, r"params\[1\] must be a Tensor, got ndarray"),
        ([p, p * 2], ValueError, r"params\[1\] is not a leaf"),
        ([p, minigrad.tensor([1, 2])], DTypeError, r"params\[1\] must be float32 or float64"),
        ([p, p], ValueError, r"params\[1\] \(shape \(2,\)\) appears twice"),
        ([{"params": [p]}, {"params": p}], ValueError, "appears twice"),
        ([{"params": [p]}, p], TypeError, "a parameter group must be a dict"),
        ([{"lr": 1.0}], ValueError, "needs 'params'"),
        ([{"params": {p}}], TypeError, "got set"),
        ([{"params": None}], TypeError, "got NoneType"),
    ]
    for params, error, message in cases:
        with pytest.raises(error, match=f"{kind.__name__}: .*{message}"):
            kind(params)
    optimizer = kind([nn.Parameter(minigrad.ones(1))])
    for params, _, message in cases[1:]:
        if "empty" not in message:  # an empty group is allowed
            with pytest.raises((TypeError, ValueError)):
                optimizer.add_param_group({"params": params})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_defaults_are_torchs(torch, kind):
    theirs = getattr(torch.optim, kind.__name__)([torch.ones(1)]).defaults
    ours = kind([nn.Parameter(minigrad.ones(1))]).defaults
    assert set(ours) <= set(theirs) and ours == {key: theirs[key] for key in ours}


def test_groups_take_the_defaults_they_lack():
    a, b = nn.Parameter(minigrad.ones(2)), nn.Parameter(minigrad.ones(3))
    given = {"params": a, "lr": 0.5, "name": "first"}
    optimizer = SGD([given, {"params": (q for q in [b])}], lr=0.1, momentum=0.9)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.9]
    assert optimizer.param_groups[0]["name"] == "first"
    assert optimizer.param_groups[0]["params"] == [a] and given["params"] is a
    assert optimizer.defaults["lr"] == 0.1


def test_repr_shows_groups_as_torch_does(torch):
    ours = repr(SGD([nn.Parameter(minigrad.ones(1))], lr=0.1, momentum=0.9)).split("\n")
    theirs = repr(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9))
    assert set(ours) <= set(theirs.split("\n")) and "    momentum: 0.9" in ours


def test_zero_grad_where_one_number_stands_for_many():
    p, q = nn.Parameter(minigrad.ones(3)), nn.Parameter(minigrad.ones(3))
    p.grad, q.grad = minigrad.ones(3), minigrad.ones(()).expand(3)
    SGD([p, q]).zero_grad(set_to_none=False)
    assert p.grad.tolist() == q.grad.tolist() == [0, 0, 0]
