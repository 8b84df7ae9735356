"""Learning rates that change from epoch to epoch: call `scheduler.step()` after each one.

Like torch's, the schedules are recursive: each computes the next rate of a group from its present
one, so that other changes to it in between survive.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .._checks import function, integer, items, number
from .optimizer import Optimizer


class LRScheduler:
    """The base of all schedules. A subclass gives `get_lr`, the next rate of every group.

    A group that `add_param_group` adds later takes part from the next step on, as in torch. What
    is computed from initial rates (LambdaLR, CosineAnnealingLR when it turns at the bottom) is then
    a ValueError.
    """

    base_lrs: list[float]
    _is_initial = False  # the constructor asks, to set the rates of the first epoch

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        name = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{name}: expected an Optimizer, got {type(optimizer).__name__}")
        last_epoch = integer(name, "last_epoch", last_epoch, at_least=-1)
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch != -1 and "initial_lr" not in group:
                raise KeyError(
                    f"{name}: group {k} has no 'initial_lr': load the optimizer's state first to "
                    f"resume with last_epoch={last_epoch}"
                )
        self.optimizer: Optimizer = optimizer
        self.base_lrs = [group.get("initial_lr", group["lr"]) for group in optimizer.param_groups]
        self.last_epoch: int = last_epoch
        before = [dict(group) for group in optimizer.param_groups]
        for group, lr in zip(optimizer.param_groups, self.base_lrs, strict=True):
            group["initial_lr"] = lr  # first: a get_lr may read it
        try:
            self._set(self._initial_lr, last_epoch + 1)
        except BaseException:
            for group, old in zip(optimizer.param_groups, before, strict=True):
                group.clear()
                group.update(old)
            raise

    def __repr__(self) -> str:
        rates = ", ".join(f"{lr:.4g}" for lr in self._last_lr)
        return f"{type(self).__name__} at epoch {self.last_epoch}, lr {rates}"

    def get_lr(self) -> list[float]:
        """The learning rates for `last_epoch`, from the previous epoch's."""
        raise NotImplementedError

    def _initial_lr(self):
        self._is_initial = True
        try:
            return self.get_lr()
        finally:
            del self._is_initial

    def get_last_lr(self) -> list[float]:
        """The learning rates now in use, one per group."""
        return list(self._last_lr)

    def step(self) -> None:
        """Go to the next epoch: set the learning rate of every group of the optimizer."""
        self._set(self.get_lr, self.last_epoch + 1)
        self.optimizer._note_schedule()

    def _set(self, rates, epoch):
        before, self.last_epoch = self.last_epoch, epoch
        groups, name = self.optimizer.param_groups, f"{type(self).__name__}.step"
        try:
            values = rates()
            if not isinstance(values, Iterable) or len(values := list(values)) != len(groups):
                raise ValueError(f"{name}: expected {len(groups)} rates, one per group: {values!r}")
            values = [number(name, f"lr of epoch {epoch}", lr, at_least=0) for lr in values]
        except BaseException:
            self.last_epoch = before
            raise
        for group, lr in zip(groups, values, strict=True):
            group["lr"] = lr
        self._last_lr = values

    def _bases(self):
        """The initial rates of all groups; for groups added later they are not known."""
        groups, known = len(self.optimizer.param_groups), len(self.base_lrs)
        if groups != known:
            raise ValueError(
                f"{type(self).__name__}.step: the optimizer has {groups} parameter groups, but had "
                f"{known} when this schedule was made, so there are {known} initial rates; make a "
                "new schedule after add_param_group"
            )
        return self.base_lrs

    def _present(self):
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All that the schedule knows; the rates themselves are in the optimizer's state."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken; a state that does not fit changes nothing."""
        name = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{name}: expected a dictionary, got {type(state_dict).__name__}")
        own = self.state_dict()
        loaded = {key: state_dict[key] for key in own if key in state_dict}
        missing = [key for key in own if key not in state_dict]
        if missing:
            raise ValueError(f"{name}: the state dict lacks {', '.join(missing)}")
        integer(name, "last_epoch", loaded["last_epoch"])
        known, groups = len(self.base_lrs), len(self.optimizer.param_groups)
        for key, counts in (("base_lrs", (known,)), ("_last_lr", (known, groups))):
            if not isinstance(loaded[key], (list, tuple)) or len(loaded[key]) not in counts:
                raise ValueError(f"{name}: {key} must be {counts[-1]} rates, one per group")
            loaded[key] = [number(name, key, lr, at_least=0) for lr in loaded[key]]
        vars(self).update(self.check_options(name, loaded))

    def check_options(self, owner: str, options: dict[str, Any]) -> dict[str, Any]:
        """A copy of the options, with this schedule's own checked."""
        return dict(options)


class LambdaLR(LRScheduler):
    """initial lr · lr_lambda(epoch), with one function, or a list with one for each group."""

    lr_lambdas: list[Callable[[int], float]]

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(getattr(optimizer, "param_groups", ()))
        lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if isinstance(optimizer, Optimizer) and len(lambdas) != groups:
            raise ValueError(f"LambdaLR: expected {groups} functions, got {len(lambdas)}")
        self.lr_lambdas = [function("LambdaLR", "lr_lambda", each) for each in lambdas]
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        factors = [factor(self.last_epoch) for factor in self.lr_lambdas]
        try:
            return [lr * factor for lr, factor in zip(self._bases(), factors, strict=True)]
        except TypeError:
            raise TypeError(
                f"LambdaLR: lr_lambda({self.last_epoch}) must be a number, got {factors!r}"
            ) from None

    def state_dict(self) -> dict[str, Any]:
        """All that the schedule knows, without the functions, which cannot be saved."""
        return {key: value for key, value in super().state_dict().items() if key != "lr_lambdas"}


class StepLR(LRScheduler):
    """lr · gamma after every `step_size` epochs."""

    step_size: int
    gamma: float

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        options = self.check_options("StepLR", {"step_size": step_size, "gamma": gamma})
        vars(self).update(options)
        super().__init__(optimizer, last_epoch)

    def check_options(self, owner: str, options: dict[str, Any]) -> dict[str, Any]:
        step_size = integer(owner, "step_size", options["step_size"], at_least=1)
        gamma = number(owner, "gamma", options["gamma"], at_least=0)
        return {**options, "step_size": step_size, "gamma": gamma}

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self._present()
        return [lr * self.gamma for lr in self._present()]


class MultiStepLR(LRScheduler):
    """lr · gamma at each of the `milestones`; twice where one is listed twice."""

    milestones: Counter[int]
    gamma: float

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        milestones = items("MultiStepLR", "milestones", milestones, "epochs in a list")
        epochs = [integer("MultiStepLR", "milestones", epoch) for epoch in milestones]
        options = {"milestones": Counter(epochs), "gamma": gamma}
        vars(self).update(self.check_options("MultiStepLR", options))
        super().__init__(optimizer, last_epoch)

    def check_options(self, owner: str, options: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(options["milestones"], Mapping):
            raise TypeError(f"{owner}: milestones must be counted, got {options['milestones']!r}")
        milestones: Counter[int] = Counter()
        for epoch, times in options["milestones"].items():
            milestones[integer(owner, "milestones", epoch)] = integer(owner, "milestones", times)
        gamma = number(owner, "gamma", options["gamma"], at_least=0)
        return {**options, "milestones": milestones, "gamma": gamma}

    def get_lr(self) -> list[float]:
        times = self.milestones[self.last_epoch]
        return [lr * self.gamma**times if times else lr for lr in self._present()]


class ExponentialLR(LRScheduler):
    """lr · gamma after every epoch."""

    gamma: float

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        vars(self).update(self.check_options("ExponentialLR", {"gamma": gamma}))
        super().__init__(optimizer, last_epoch)

    def check_options(self, owner: str, options: dict[str, Any]) -> dict[str, Any]:
        return {**options, "gamma": number(owner, "gamma", options["gamma"], at_least=0)}

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self._present()
        return [lr * self.gamma for lr in self._present()]


class CosineAnnealingLR(LRScheduler):
    """From the initial rate down to `eta_min` in `T_max` epochs along half a cosine, and up again.

    lr(t) = eta_min + (initial lr − eta_min) · (1 + cos(π t / T_max)) / 2, computed recursively.
    """

    T_max: int
    eta_min: float

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        options = self.check_options("CosineAnnealingLR", {"T_max": T_max, "eta_min": eta_min})
        vars(self).update(options)
        super().__init__(optimizer, last_epoch)

    def check_options(self, owner: str, options: dict[str, Any]) -> dict[str, Any]:
        T_max = integer(owner, "T_max", options["T_max"], at_least=1)
        eta_min = number(owner, "eta_min", options["eta_min"], at_least=0)
        return {**options, "T_max": T_max, "eta_min": eta_min}

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self._present()
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        if (t - 1 - T) % (2 * T) == 0:  # at the bottom the recursion would divide by zero
            rise = (1 - math.cos(math.pi / T)) / 2
            pairs = zip(self._present(), self._bases(), strict=True)
            return [lr + (base - low) * rise for lr, base in pairs]
        ratio = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return [low + ratio * (lr - low) for lr in self._present()]
