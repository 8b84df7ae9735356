"""Layers hold state: parameters, which are learned, and buffers, which are not.

A `Module` finds both by itself, in the order in which they were assigned: they are ordinary
attributes, and a plain dictionary says which attributes they are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Protocol, Self, TypeVar

from .._checks import class_of, flag, function
from ..absent import TellsArguments, is_ours, missing
from ..absent.keras import IGNORED, RENAMED
from ..autograd import transaction
from ..autograd.hooks import HookHandle
from ..tensor import Tensor
from ._html import module_html
from ._members import Members
from .linting.record import at_switch
from .state_dict import StateDict

P = ParamSpec("P")
Output = TypeVar("Output", covariant=True)


class HasForward(Protocol[P, Output]):
    """For type checkers: `model(x)` takes what its `forward` takes, and gives what that gives."""

    _forward_pre_hooks: dict[Any, Any]
    _forward_hooks: dict[Any, Any]

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> Output: ...


class Parameter(Tensor):
    """A tensor that is learned: assigned to a Module, it is one of its `parameters()`.

    It shares the memory of `data` and requires grad; as torch.nn.Parameter.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        data = Tensor() if data is None else data
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter: data must be a Tensor, got {class_of(data)}")
        self._share(data.detach())
        self.requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:  # without the gradient, as in torch
        if id(self) not in memo:
            memo[id(self)] = type(self)(copy.deepcopy(self.detach(), memo), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Module(StateDict, TellsArguments):
    """The base of all layers and models, as torch.nn.Module.

    A subclass calls `super().__init__()`, assigns its parameters and layers as attributes, and
    defines `forward`; calling the module runs it.
    """

    training: bool
    _kinds: dict[str, type]  # of an attribute: Parameter, Tensor (a buffer) or Module
    _non_persistent: set[str]
    _forward_pre_hooks: dict[Any, Any]
    _forward_hooks: dict[Any, Any]
    _record = 0  # for nn.lint: see linting/record.py
    _younger: tuple[str, ...] = ()  # names of buffers that state dicts have since version 2

    def __init__(self) -> None:
        set_plain = super().__setattr__
        set_plain("training", True)
        set_plain("_kinds", {})
        set_plain("_non_persistent", set())
        set_plain("_forward_pre_hooks", {})
        set_plain("_forward_hooks", {})

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self: HasForward[P, Output], *args: P.args, **kwargs: P.kwargs) -> Output:
        if not self._forward_pre_hooks and not self._forward_hooks:
            return self.forward(*args, **kwargs)
        for hook in tuple(self._forward_pre_hooks.values()):
            if isinstance(hook, _WithKeywords):
                changed = hook.function(self, args, kwargs)
                if changed is not None:
                    args, kwargs = _both("forward pre-hook", changed)
                continue
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)  # type: ignore[assignment]
        output = self.forward(*args, **kwargs)
        for hook in tuple(self._forward_hooks.values()):
            if isinstance(hook, _WithKeywords):
                changed = hook.function(self, args, kwargs, output)
            else:
                changed = hook(self, args, output)
            if changed is not None:
                output = changed
        return output

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, args)` before each forward; what it returns replaces the arguments.

        with_kwargs: `hook(module, args, kwargs)`, which may return both. prepend: ahead of others.
        """
        return _hooked(
            "register_forward_pre_hook", self._forward_pre_hooks, hook, prepend, with_kwargs
        )

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, args, output)` after it; what it returns replaces the output.

        with_kwargs: `hook(module, args, kwargs, output)`. prepend: before the others.
        """
        return _hooked("register_forward_hook", self._forward_hooks, hook, prepend, with_kwargs)

    # --- attributes ------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        kind: Any = next((kind for kind in (Parameter, Module) if isinstance(value, kind)), None)
        kinds = self.__dict__.get("_kinds")
        if kind is None and (kinds is None or name not in kinds):
            if (name in IGNORED or name in RENAMED) and type(self) is not Module and is_ours(self):
                _refuse_ignored(self, name, value)
            super().__setattr__(name, value)
            return
        if kinds is None:
            raise AttributeError(f"cannot assign {WORDS[kind]} before Module.__init__() call")
        if kind is not None and kinds.get(name) is not kind:
            self.__dict__.pop(name, None)
            kinds.pop(name, None)
            self._non_persistent.discard(name)
            self._register(kind, name, value)
        else:
            self.__dict__[name] = _of_kind(kinds[name], name, value)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._kinds.pop(name, None)
        self._non_persistent.discard(name)

    def __getattr__(self, name: str) -> Any:
        # Only for what is not an attribute, or by an override of it.
        if name in self.__dict__.get("_kinds", ()):
            return self.__dict__[name]
        if "_kinds" not in self.__dict__:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}': was super().__init__() "
                "called in its __init__?",
                name=name,
            )
        raise missing(self, "Module", name)

    def __setstate__(self, state: Any) -> None:
        """For copies and pickles. A copy has lists of its own of what its members and hooks are."""
        plain, slots = state if isinstance(state, tuple) else (state, {})
        self.__dict__.update(plain)
        for name in ("_kinds", "_non_persistent", "_forward_pre_hooks", "_forward_hooks"):
            if name in self.__dict__:
                self.__dict__[name] = self.__dict__[name].copy()
        for name, value in slots.items():
            setattr(self, name, value)

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name[0].isdigit())

    def _register(self, kind, name, value):
        what = WORDS[kind]
        if "_kinds" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name must be a string, got {name!r}")
        if not name or "." in name:
            raise KeyError(f'{what} name must not be empty or contain ".", got {name!r}')
        if self._kinds.get(name) is not kind and _is_taken(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        self.__dict__[name] = _of_kind(kind, name, value)
        self._kinds[name] = kind

    def _members(self, kind):
        """Pairs (name, value or None) of one kind, in the order of definition."""
        return [(name, self.__dict__[name]) for name, each in self._kinds.items() if each is kind]

    @property
    def _parameters(self):
        return Members(self, Parameter)

    @property
    def _buffers(self):
        return Members(self, Tensor)

    @property
    def _modules(self):
        return Members(self, Module)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a Parameter under `name`, or None for one that is switched off."""
        self._register(Parameter, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not learned; in `state_dict` unless not persistent."""
        flag("register_buffer", "persistent", persistent)
        self._register(Tensor, name, tensor)
        (self._non_persistent.discard if persistent else self._non_persistent.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child module under `name`."""
        self._register(Module, name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as `register_module`."""
        self.register_module(name, module)

    # --- walking the tree ------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Pairs (path, module) of this module and all below it, parents first."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._members(Module):
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Pairs (name, module) of the modules directly in this one, each once."""
        seen = set()
        for name, module in self._members(Module):
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly in this one, each once."""
        return (module for _, module in self.named_children())

    def _named_tensors(self, kind, prefix, recurse, remove_duplicate):
        owner = "parameters" if kind is Parameter else "buffers"
        flag(owner, "recurse", recurse)
        flag(owner, "remove_duplicate", remove_duplicate)
        seen = set()
        below = self.named_modules(None, prefix, remove_duplicate)
        for path, module in below if recurse else [(prefix, self)]:
            for name, tensor in module._members(kind):
                if tensor is None or tensor in seen:
                    continue
                if remove_duplicate:
                    seen.add(tensor)
                yield f"{path}.{name}" if path else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Pairs (path, parameter), in the order of definition, parents first."""
        return self._named_tensors(Parameter, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once: what an optimizer needs."""
        return (tensor for _, tensor in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Pairs (path, buffer), in the order of definition, parents first."""
        return self._named_tensors(Tensor, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    def _tensors(self):
        """All parameters and buffers, each once, also where a subclass overrides `parameters`."""
        for kind in (Parameter, Tensor):
            for _, tensor in self._named_tensors(kind, "", True, True):
                yield tensor

    def _own_state(self, prefix):
        """Pairs (key, tensor) of what a state dict has of this module, without those below it."""
        for name, tensor in self._members(Parameter):
            if tensor is not None:
                yield prefix + name, tensor
        for name, tensor in self._members(Tensor):
            if tensor is not None and name not in self._non_persistent:
                yield prefix + name, tensor

    def _persistent(self, prefix):
        """Pairs (key, tensor) of all that belongs in a state dict, in torch's order."""
        yield from self._own_state(prefix)
        for name, module in self._members(Module):
            if module is not None:
                yield from module._persistent(f"{prefix}{name}.")

    def _find(self, target, kind, what):
        if not isinstance(target, str):
            raise TypeError(f"get_{what}: the path must be a string, got {type(target).__name__}")
        found = self
        for name in target.split(".") if target else ():
            if not isinstance(found, Module) or not hasattr(found, name):
                raise AttributeError(f"{type(self).__name__} has no {what} '{target}'")
            found = getattr(found, name)
        if not isinstance(found, kind):
            raise AttributeError(f"'{target}' is {type(found).__name__}, not a {what}")
        return found

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as "encoder.0"."""
        return self._find(target, Module, "module")

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "encoder.0.weight"."""
        return self._find(target, Parameter, "parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as "norm.running_mean"."""
        return self._find(target, Tensor, "buffer")

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn(module)` on every module, children first; returns self."""
        function("apply", "fn", fn)
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # --- modes, gradients -----------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and below (dropout, batch statistics); returns self."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        if mode is not self.training:
            vars(self)["_record"] = at_switch(mode, self._members(Parameter))
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """The same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters collect gradients, or freeze them; returns self."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        flag("zero_grad", "set_to_none", set_to_none)
        transaction.clear_gradients(self.parameters(), set_to_none)

    # --- repr ------------------------------------------------------------------------------------

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr; subclasses name their arguments."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr().splitlines()
        children = [f"({name}): {_indent(module)}" for name, module in self._members(Module)]
        if not children and len(extra) < 2:
            return f"{self._get_name()}({''.join(extra)})"
        return "\n  ".join([f"{self._get_name()}(", *extra, *children]) + "\n)"

    def _repr_html_(self) -> str | None:
        return module_html(self)


WORDS: dict[type, str] = {Parameter: "parameter", Tensor: "buffer", Module: "module"}


def _refuse_ignored(module, name, value):
    """For an attribute that the layers of this package do not look at: what does what it says."""
    if name in IGNORED:
        if name == "activation" and not isinstance(value, str):
            return  # a function that a forward of yours may call
        hint = IGNORED[name]
    elif hasattr(module, RENAMED[name]):
        hint = f"it is {RENAMED[name]} here"
    else:
        return
    raise AttributeError(
        f"{type(module).__name__}: setting {name} would change nothing; {hint}", name=name
    )


def _of_kind(kind, name, value):
    if value is not None and not isinstance(value, kind):
        came, library = type(value).__name__, type(value).__module__.partition(".")[0]
        if library not in ("builtins", "minigrad", "numpy", "__main__"):
            came = f"{library}.{came}"  # torch.Tensor, say
        raise TypeError(
            f"cannot assign '{came}' as {WORDS[kind]} '{name}' "
            f"({kind.__name__} or None expected{_repair(kind, value)})"
        )
    return value


def _repair(kind, value):
    """For what is almost a layer: what makes it one."""
    if kind is not Module:
        return ""
    if isinstance(value, (list, tuple)):
        return "; write Sequential(*layers), with the star, or append them one by one"
    if isinstance(value, type):
        return f"; this is a class: write {value.__name__}()"
    if isinstance(value, str) or callable(value):
        return "; activations are layers here: ReLU(), Tanh(), …; other functions go into a forward"
    return ""


def _is_taken(module, name):
    """hasattr, which would spend its time on the words of `__getattr__`."""
    try:
        object.__getattribute__(module, name)
    except AttributeError:
        return False
    return True


def _indent(module):
    return repr(module).replace("\n", "\n  ")


class _WithKeywords:
    """A hook that is shown the keyword arguments, too."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def _hooked(operation, hooks, hook, prepend, with_kwargs):
    function(operation, "hook", hook)
    first = flag(operation, "prepend", prepend)
    handle = HookHandle(
        hooks, _WithKeywords(hook) if flag(operation, "with_kwargs", with_kwargs) else hook
    )
    if first:
        for key in [key for key in hooks if key is not handle.key]:
            hooks[key] = hooks.pop(key)
    return handle


def _both(what, changed):
    if not isinstance(changed, tuple) or len(changed) != 2 or not isinstance(changed[0], tuple):
        raise RuntimeError(
            f"{what}: with_kwargs=True expects None or a pair (arguments, keyword arguments), got "
            f"{changed!r:.100}"
        )
    return changed
