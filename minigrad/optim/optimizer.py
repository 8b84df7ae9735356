"""What all optimizers share: parameter groups, their options, and the state of each parameter."""

from __future__ import annotations

import copy
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .._checks import class_of, flag, function, items, number
from ..absent import TellsArguments, is_ours, known_elsewhere, missing
from ..absent.keras import RENAMED
from ..autograd import transaction
from ..autograd.grad_mode import enable_grad
from ..display.html import html_block, html_table, html_title
from ..errors import DTypeError, ShapeError
from ..ops.array.creation import tensor
from ..tensor import Tensor

Params: TypeAlias = Iterable[Tensor | dict[str, Any] | tuple[str, Tensor]]

MOST_STEPS = 2**62  # what fits into the integers of a kernel, with room to go on


class Optimizer(TellsArguments):
    """The base of all optimizers, as torch.optim.Optimizer.

    `params` is an iterable of tensors, or of dictionaries: groups of tensors ("params") with their
    own options. Both may come with names, as pairs from `named_parameters()`. A subclass gives
    `step`, and where it can `check_options` and `state_names`.
    """

    # For nn.lint: how many steps in a row have found no gradient, or the zeros of zero_grad(). None
    # before the first step, or -n if schedules have made n steps by then. See linting/record.py.
    _idle: int | None = None

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        name = type(self).__name__
        groups = _in_order(name, "params", params, "tensors or groups")
        if not groups:
            place = "mistakes#5-layers-in-a-plain-list-or-dictionary"
            cause = "did the module register its parameters? (more: python -m minigrad book "
            cause += f"{place})"
            if isinstance(params, Iterator):
                cause = "a generator can be used only once: call .parameters() anew"
            raise ValueError(f"{name}: params is empty; {cause}")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.defaults: dict[str, Any] = self.check_options(defaults)
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        for group in groups:
            self.add_param_group(group)

    def check_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """A copy of the options with every hyperparameter checked."""
        return dict(options)

    def state_names(self, options: dict[str, Any]) -> tuple[str, ...] | None:
        """What the state of a parameter holds under these options: "step" and names of tensors.

        None, the default: your own subclass may hold there what it likes.
        """
        return None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change all parameters that have a gradient; all or none. Returns what `closure` does."""
        raise NotImplementedError(f"{type(self).__name__} does not define step")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group {"params": tensors, option: value, …}; options left out are the defaults."""
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{name}: a parameter group must be a dict, got {param_group!r}")
        if "params" not in param_group:
            raise ValueError(f"{name}: a parameter group needs 'params', got {list(param_group)}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else params
        params = _in_order(name, "'params' of a group", params, "tensors")
        names = _names(name, params)
        params = params if names is None else [p for _, p in params]
        if self.param_groups and (names is None) == ("param_names" in self.param_groups[0]):
            raise ValueError(f"{name}: give names with the parameters of all groups, or of none")
        taken = {p for group in self.param_groups for p in group["params"]}
        for k, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{name}: params[{k}] must be a Tensor, got {class_of(p)}")
            if not p.is_leaf:
                raise ValueError(
                    f"{name}: params[{k}] is not a leaf: it was computed from other tensors. Pass "
                    "those instead, for example model.parameters() (more: "
                    "python -m minigrad book autograd_words#leaf)"
                )
            if not p.dtype.is_floating_point:
                raise DTypeError(f"{name}: params[{k}] must be float32 or float64, got {p.dtype}")
            if p in taken:
                raise ValueError(f"{name}: params[{k}] (shape {tuple(p.shape)}) appears twice")
            taken.add(p)
        options = self.check_options({**self.defaults, **param_group})
        options.pop("params")
        named = {} if names is None else {"param_names": names}
        self.param_groups.append({"params": params, **named, **options})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        flag("zero_grad", "set_to_none", set_to_none)
        params = [p for group in self.param_groups for p in group["params"]]
        transaction.clear_gradients(params, set_to_none)

    def _evaluate(self, closure):
        if closure is None:
            return None
        function(f"{type(self).__name__}.step", "closure", closure)
        with enable_grad():
            return closure()

    def _with_gradient(self):
        """Pairs (group, its parameters that have a gradient): what a step changes."""
        for group in self.param_groups:
            lr = group["lr"]  # the one option that is often changed between two steps
            if type(lr) is not float or not 0 <= lr < math.inf:
                number(f"{type(self).__name__}.step", "lr", lr, at_least=0)
            yield group, [p for p in group["params"] if p._grad is not None]

    def _step(self, kernel, updates, fresh, counts=()):
        if self._idle == -1:
            _warn_of_schedule(f"{type(self).__name__}.step")
        found = transaction.step(
            f"{type(self).__name__}.step", kernel, updates, self.state, fresh, list(counts)
        )
        idle = 0 if found else max(self._idle or 0, 0) + 1
        self.__dict__["_idle"] = idle  # without the question of __setattr__, for each step

    def _note_schedule(self):
        """A schedule has made a step: too early, if the optimizer has not made its first."""
        if self._idle is None or self._idle < 0:
            self._idle = (self._idle or 0) - 1

    # --- state -----------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue, in torch's structure.

        {"state": {index: {name: tensor or number}}, "param_groups": [{option: value, "params":
        [index, …]}]}, where parameters are counted through all groups. As in torch these are the
        tensors in use: deepcopy for a snapshot.
        """
        params = [p for group in self.param_groups for p in group["params"]]
        index = {p: k for k, p in enumerate(params)}
        return {
            "state": {index[p]: dict(state) for p, state in self.state.items()},
            "param_groups": [
                {key: group[key] for key in group if key != "params"}
                | {"params": [index[p] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a copy of what `state_dict` gave; one that does not fit changes nothing."""
        name = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{name}: expected a dictionary, got {type(state_dict).__name__}")
        for key, kind in (("state", Mapping), ("param_groups", (list, tuple))):
            if key not in state_dict:
                raise ValueError(f"{name}: the state dict has no '{key}', only {list(state_dict)}")
            if not isinstance(state_dict[key], kind):
                raise TypeError(f"{name}: '{key}' is {type(state_dict[key]).__name__}")
        groups = self._loaded_groups(name, state_dict["param_groups"])
        owners: dict[Any, Any] = {}
        for saved, group in zip(state_dict["param_groups"], groups, strict=True):
            owners.update(zip(saved["params"], [(p, group) for p in group["params"]], strict=True))
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for key, entries in state_dict["state"].items():
            if key not in owners:
                raise ValueError(f"{name}: state for parameter {key!r}, which no group has")
            p, group = owners[key]
            state[p] = self._loaded_state(f"{name}: parameter {key}", p, group, entries)
        self.state, self.param_groups = state, groups

    def _loaded_groups(self, name, saved_groups):
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                f"{name}: the state dict has {len(saved_groups)} parameter groups, "
                f"the optimizer has {len(self.param_groups)}"
            )
        groups = []
        for k, (saved, group) in enumerate(zip(saved_groups, self.param_groups, strict=True)):
            if not isinstance(saved, Mapping) or not isinstance(saved.get("params"), (list, tuple)):
                raise TypeError(f"{name}: group {k} must be a dictionary with a list 'params'")
            if len(saved["params"]) != len(group["params"]):
                raise ValueError(
                    f"{name}: group {k} of the state dict has {len(saved['params'])} parameters, "
                    f"of the optimizer {len(group['params'])}"
                )
            options = self.check_options({**self.defaults, **saved})
            if "param_names" in group:
                options.setdefault("param_names", group["param_names"])
            groups.append({**options, "params": group["params"]})
        return groups

    def _loaded_state(self, name, p, group, entries):
        if not isinstance(entries, Mapping):
            raise TypeError(f"{name}: its state is {type(entries).__name__}, expected a dictionary")
        state, expected = {}, self.state_names(group)
        if expected is None:
            return {key: _copied(p, value) for key, value in entries.items()}
        for key, value in entries.items():
            if value is None:  # torch's momentum buffer before the first step
                continue
            value = _ours(f"{name}: '{key}'", value)
            if key == "step":
                state[key] = _count(name, value)
            elif not isinstance(value, Tensor):
                raise TypeError(f"{name}: '{key}' must be a Tensor, got {class_of(value)}")
            elif value.shape != p.shape:
                raise ShapeError(
                    f"{name}: '{key}' has shape {tuple(value.shape)}, "
                    f"the parameter {tuple(p.shape)}"
                )
            elif not value.dtype.is_floating_point:
                raise DTypeError(f"{name}: '{key}' is {value.dtype}, the parameter {p.dtype}")
            else:
                state[key] = value.detach().to(p.dtype).clone()
        for key in expected:
            if state and key not in state:
                raise ValueError(f"{name}: its state has no '{key}', only {list(state)}")
        return state

    if not TYPE_CHECKING:  # type checkers know the attributes

        def __getattr__(self, name):  # only for what is not an attribute
            option = RENAMED.get(name, name)
            known = known_elsewhere("Optimizer", name)
            if option in self.__dict__.get("defaults", ()) and not known:
                raise AttributeError(
                    f"'{type(self).__name__}' object has no attribute '{name}': every parameter "
                    f'group has its own, optimizer.param_groups[0]["{option}"]',
                    name=name,
                )
            raise missing(self, "Optimizer", name)

        def __setattr__(self, name, value):
            option = RENAMED.get(name, name)
            # A subclass of yours may hold there what it likes.
            if (
                option in self.__dict__.get("defaults", ())
                and is_ours(self)
                and not hasattr(type(self), name)
            ):
                raise AttributeError(
                    f"{type(self).__name__}: setting {name} would change nothing, since every "
                    "parameter group has its own; write "
                    f'for group in optimizer.param_groups: group["{option}"] = …',
                    name=name,
                )
            super().__setattr__(name, value)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for k, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {k}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])

    def _repr_html_(self) -> str:
        groups = self.param_groups
        sizes = [[p.numel() for p in group["params"]] for group in groups]
        rows = [("params", *(f"{sum(each):,} numbers in {len(each)}" for each in sizes))]
        keys = sorted({key for group in groups for key in group} - {"params"})
        rows += [(key, *(str(group.get(key, "")) for group in groups)) for key in keys]
        names = ("", *(f"Parameter Group {k}" for k in range(len(groups))))
        return html_block(html_title(type(self).__name__), html_table(names, rows, words=(0,)))


def _warn_of_schedule(name):
    warnings.warn(
        f"{name}: a schedule made its step before the optimizer made its first, so the initial "
        "learning rate was never used; call optimizer.step() first, then scheduler.step()",
        UserWarning,
        stacklevel=4,
    )


def _in_order(owner, name, params, what):
    """The list of what is in `params`; a set has no order, and one tensor is not a list."""
    wanted = f"{what} in a list or another ordered iterable"
    if isinstance(params, (Tensor, set, frozenset)):
        raise TypeError(f"{owner}: {name} must be {wanted}, got {type(params).__name__}")
    if hasattr(params, "parameters"):  # a model
        found = type(params).__name__
        raise TypeError(f"{owner}: {name} must be {wanted}, got {found}; write model.parameters()")
    return items(owner, name, params, wanted)


def _names(owner, params):
    """The names of parameters that come as pairs (name, tensor); None if they are tensors."""
    pairs = [isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str) for p in params]
    if not any(pairs):
        return None
    if not all(pairs):
        raise ValueError(f"{owner}: give names with all parameters of a group, or with none")
    return [name for name, _ in params]


def _ours(name, value):
    """`value`, a tensor of another library or an array as a Tensor."""
    if isinstance(value, Tensor) or not hasattr(type(value), "__array__"):
        return value
    try:
        return tensor(np.asarray(value.detach() if hasattr(value, "detach") else value))
    except Exception as error:  # whatever another library raises
        raise TypeError(f"{name}: NumPy cannot read the {type(value).__name__}: {error}") from None


def _copied(p, value):
    """A copy of something in the state of p, floating tensors in p's dtype, as torch does it."""
    value = copy.deepcopy(value.detach() if isinstance(value, Tensor) else value)
    if isinstance(value, Tensor) and value.dtype.is_floating_point:
        return value.to(p.dtype)
    return value


def _count(name, value):
    """A number of steps as an int: torch stores it in a float32 tensor."""
    if isinstance(value, Tensor):
        value = value.item()
    value = number(name, "step", value, at_least=0, at_most=MOST_STEPS)
    if value != int(value):
        raise ValueError(f"{name}: step must be a whole number, got {value!r}")
    return int(value)
