"""Schedules: the same rates as torch's, to rounding, also when several act on one optimizer."""

import math
import warnings

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad.optim import lr_scheduler

SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [0, 1]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.2}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (epoch + 1), lambda epoch: epoch]}),
]
every = pytest.mark.parametrize(("name", "options"), SCHEDULES)


def optimizer(framework_nn=nn, framework_optim=optim, ones=minigrad.ones):
    groups = [{"params": [framework_nn.Parameter(ones(1))]} for _ in range(2)]
    groups[1]["lr"] = 0.5
    return framework_optim.SGD(groups, lr=0.1)


def rates(opt):
    return [group["lr"] for group in opt.param_groups]


@every
def test_rates_are_torchs(torch, name, options):
    ours, theirs = optimizer(), optimizer(torch.nn, torch.optim, torch.ones)
    one = getattr(lr_scheduler, name)(ours, **options)
    other = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    theirs.step()
    for epoch in range(30):
        np.testing.assert_allclose(rates(ours), rates(theirs), rtol=1e-12, atol=1e-15)
        assert one.get_last_lr() == rates(ours) and one.last_epoch == other.last_epoch == epoch
        one.step()
        other.step()


def test_two_schedules_on_one_optimizer(torch):
    pairs = []
    for opt, module in (
        (optimizer(), lr_scheduler),
        (optimizer(torch.nn, torch.optim, torch.ones), torch.optim.lr_scheduler),
    ):
        pairs.append((opt, [module.StepLR(opt, 4), module.CosineAnnealingLR(opt, 5)]))
    pairs[1][0].step()
    for _ in range(15):
        for _, schedules in pairs:
            for schedule in schedules:
                schedule.step()
        np.testing.assert_allclose(rates(pairs[0][0]), rates(pairs[1][0]), rtol=1e-12)


@every
@pytest.mark.parametrize("k", [0, 1, 8])
def test_state_continues(name, options, k):
    ours = optimizer()
    schedule = getattr(lr_scheduler, name)(ours, **options)
    for _ in range(k):
        schedule.step()
    again = optimizer()
    other = getattr(lr_scheduler, name)(again, **options)
    state = schedule.state_dict()
    assert "optimizer" not in state
    other.load_state_dict(state)
    again.load_state_dict(ours.state_dict())
    assert other.get_last_lr() == schedule.get_last_lr()
    for _ in range(12):
        schedule.step()
        other.step()
        assert rates(ours) == rates(again)


@every
def test_resume_with_last_epoch_is_torchs(torch, name, options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about the order of steps
        results = []
        for opt, module in (
            (optimizer(), lr_scheduler),
            (optimizer(torch.nn, torch.optim, torch.ones), torch.optim.lr_scheduler),
        ):
            for group in opt.param_groups:
                group["initial_lr"] = 2 * group["lr"]
            schedule = getattr(module, name)(opt, **options, last_epoch=4)
            results.append([rates(opt)])
            for _ in range(5):
                schedule.step()
                results[-1].append(rates(opt))
    np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-15)


def test_resume_needs_the_initial_rates():
    with pytest.raises(KeyError, match="group 0 has no 'initial_lr'"):
        lr_scheduler.StepLR(optimizer(), 3, last_epoch=2)


@pytest.mark.parametrize(
    ("name", "options", "error", "argument"),
    [
        ("StepLR", {"step_size": 0}, ValueError, "step_size"),
        ("StepLR", {"step_size": -3}, ValueError, "step_size"),
        ("StepLR", {"step_size": 2.0}, TypeError, "step_size"),
        ("StepLR", {"step_size": True}, TypeError, "step_size"),
        ("StepLR", {"step_size": 1, "gamma": math.nan}, ValueError, "gamma"),
        ("StepLR", {"step_size": 1, "gamma": -1}, ValueError, "gamma"),
        ("StepLR", {"step_size": 1, "last_epoch": -2}, ValueError, "last_epoch"),
        ("StepLR", {"step_size": 1, "last_epoch": 1.0}, TypeError, "last_epoch"),
        ("MultiStepLR", {"milestones": 3}, TypeError, "milestones"),
        ("MultiStepLR", {"milestones": "3"}, TypeError, "milestones"),
        ("MultiStepLR", {"milestones": [1.5]}, TypeError, "milestones"),
        ("MultiStepLR", {"milestones": [-1]}, ValueError, "milestones"),
        ("MultiStepLR", {"milestones": [1], "gamma": math.inf}, ValueError, "gamma"),
        ("ExponentialLR", {"gamma": None}, TypeError, "gamma"),
        ("ExponentialLR", {"gamma": math.nan}, ValueError, "gamma"),
        ("CosineAnnealingLR", {"T_max": 0}, ValueError, "T_max"),
        ("CosineAnnealingLR", {"T_max": 2.5}, TypeError, "T_max"),
        ("CosineAnnealingLR", {"T_max": 2, "eta_min": math.nan}, ValueError, "eta_min"),
        ("CosineAnnealingLR", {"T_max": 2, "eta_min": -1.0}, ValueError, "eta_min"),
        ("LambdaLR", {"lr_lambda": 3}, TypeError, "lr_lambda"),
        ("LambdaLR", {"lr_lambda": [abs]}, ValueError, "expected 2 functions, got 1"),
        ("LambdaLR", {"lr_lambda": lambda epoch: math.nan}, ValueError, "lr of epoch 0"),
        ("LambdaLR", {"lr_lambda": lambda epoch: "x"}, TypeError, r"lr_lambda\(0\) .*number"),
        ("LambdaLR", {"lr_lambda": lambda epoch: None}, TypeError, r"lr_lambda\(0\) .*None"),
        ("LambdaLR", {"lr_lambda": lambda epoch: {}}, TypeError, r"lr_lambda\(0\) .*number"),
    ],
)
def test_bad_options(name, options, error, argument):
    opt = optimizer()
    with pytest.raises(error, match=argument or None):
        getattr(lr_scheduler, name)(opt, **options)
    assert rates(opt) == [0.1, 0.5]
    with pytest.raises(TypeError, match=f"{name}: expected an Optimizer, got list"):
        getattr(lr_scheduler, name)([], **{**dict(SCHEDULES)[name], "last_epoch": -1})


def add_group(opt, framework_nn=nn, ones=minigrad.ones):
    opt.add_param_group({"params": [framework_nn.Parameter(ones(1))], "lr": 0.3})


@every
def test_a_group_that_is_added_later_follows_as_in_torch_or_is_refused_in_words(
    torch, name, options
):
    ours, theirs = optimizer(), optimizer(torch.nn, torch.optim, torch.ones)
    one = getattr(lr_scheduler, name)(ours, **options)
    other = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    theirs.step()
    one.step()
    other.step()
    add_group(ours)
    add_group(theirs, torch.nn, torch.ones)
    refused = 0
    for _ in range(20):
        try:
            other.step()
        except ValueError:  # torch's zip(), which leaves its epoch ahead
            other.last_epoch -= 1
            before = one.state_dict(), rates(ours)
            with pytest.raises(ValueError, match=f"{name}.step: .*3 parameter groups, but had 2"):
                one.step()
            assert (one.state_dict(), rates(ours)) == before
            refused += 1
            continue
        one.step()
        np.testing.assert_allclose(rates(ours), rates(theirs), rtol=1e-12, atol=1e-15)
        assert one.get_last_lr() == rates(ours) and one.last_epoch == other.last_epoch
    assert (refused > 0) == (name in ("LambdaLR", "CosineAnnealingLR"))


def test_a_schedule_with_a_group_that_was_added_later_can_be_resumed():
    states = []
    for _ in range(2):
        opt = optimizer()
        schedule = lr_scheduler.StepLR(opt, 2)
        add_group(opt)
        if states:
            opt.load_state_dict(states[0])
            schedule.load_state_dict(states[1])
        else:
            schedule.step()
            states = [opt.state_dict(), schedule.state_dict()]
    assert schedule.get_last_lr() == [0.1, 0.5, 0.3]
    schedule.step()
    np.testing.assert_allclose(rates(opt), [0.01, 0.05, 0.03])


@pytest.mark.parametrize("rates", [None, 3, 0.1])
def test_rates_that_are_no_list_are_named(rates):
    opt = optimizer()
    wrong = {"get_lr": lambda self: rates if self.last_epoch else [0.1, 0.2]}
    schedule = type("Wrong", (lr_scheduler.LRScheduler,), wrong)(opt)
    with pytest.raises(ValueError, match=f"Wrong.step: expected 2 rates, one per group: {rates}"):
        schedule.step()
    assert schedule.last_epoch == 0


def test_a_schedule_that_fails_stays_where_it_was():
    opt = optimizer()
    schedule = lr_scheduler.LambdaLR(opt, lambda epoch: 1.0 if epoch < 2 else math.inf)
    schedule.step()
    for _ in range(2):
        with pytest.raises(ValueError, match="LambdaLR.step: lr of epoch 2 must be finite"):
            schedule.step()
        assert schedule.last_epoch == 1 and rates(opt) == [0.1, 0.5]


def test_a_rate_for_each_group_or_none_is_set():
    opt, given = optimizer(), [0.3, 0.7]

    class Given(lr_scheduler.LRScheduler):
        def get_lr(self):
            return given

    schedule = Given(opt)
    schedule.step()
    assert rates(opt) == [0.3, 0.7]
    for wrong in ([0.4], [0.4, 0.5, 0.6]):
        given[:] = wrong
        with pytest.raises(ValueError, match=r"Given.step: expected 2 rates, one per group: \[0.4"):
            schedule.step()
        assert schedule.last_epoch == 1 and rates(opt) == schedule.get_last_lr() == [0.3, 0.7]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"step_size": 0}, ValueError, "step_size must be >= 1"),
        ({"gamma": math.nan}, ValueError, "gamma must be finite"),
        ({"last_epoch": None}, TypeError, "last_epoch must be an integer"),
        ({"base_lrs": [0.1]}, ValueError, "base_lrs must be 2 rates"),
        ({"_last_lr": [0.1, math.nan]}, ValueError, "_last_lr must be finite"),
        ({"base_lrs": 3}, ValueError, "base_lrs must be 2 rates"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    schedule = lr_scheduler.StepLR(optimizer(), 3)
    before = dict(schedule.state_dict())
    with pytest.raises(error, match=f"StepLR.load_state_dict: .*{message}"):
        schedule.load_state_dict({**before, **change})
    state = dict(before)
    del state["gamma"]
    with pytest.raises(ValueError, match="the state dict lacks gamma"):
        schedule.load_state_dict(state)
    with pytest.raises(TypeError, match="expected a dictionary, got NoneType"):
        schedule.load_state_dict(None)
    assert schedule.state_dict() == before
    schedule = lr_scheduler.MultiStepLR(optimizer(), [3, 3])
    with pytest.raises(TypeError, match="milestones must be counted, got"):
        schedule.load_state_dict({**schedule.state_dict(), "milestones": [3, 4]})
    assert schedule.milestones == {3: 2}


def test_a_schedule_that_cannot_be_made_leaves_the_optimizer():
    optimizer = optim.SGD([nn.Parameter(minigrad.ones(1))], lr=0.5)
    before = dict(optimizer.param_groups[0])
    for function, error in [(lambda epoch: -1.0, ValueError), (lambda epoch: {}["a"], KeyError)]:
        with pytest.raises(error):
            lr_scheduler.LambdaLR(optimizer, function)
        assert optimizer.param_groups[0] == before


def test_a_schedule_says_where_it_is():
    optimizer = optim.SGD([nn.Parameter(minigrad.ones(1))], lr=0.5)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    schedule.step()
    assert repr(schedule) == "ExponentialLR at epoch 1, lr 0.25"
