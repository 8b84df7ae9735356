"""Compare backward with central differences: is a gradient right?

With a random cotangent dy, the gradient of Σ dy · y is one number for each entry of an input, and

    dx_i ≈ Σ dy · (y(x + h e_i) − y(x − h e_i)) / 2h

needs nothing but the forward pass. A cotangent of ones will not do: softmax and batch norm have
the gradient 0 for it, and any wrong rule that gives 0 would pass.

Differences have errors, too: `differences.py` estimates how large they are, and tries other steps
where one does not settle it. What they cannot settle is reported as undecided, not as wrong.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._checks import flag, function, number
from ..errors import DTypeError, ShapeError
from ..random import fork_rng, get_rng_state
from ..tensor import Tensor
from .differences import Probe, floating_outputs, like, look, values_of
from .engine import grad
from .grad_mode import enable_grad, is_grad_enabled, no_grad


class GradcheckError(RuntimeError):
    """Backward and differences disagree, or cannot be compared; the message shows where."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-5,
    atol: float | None = None,
    rtol: float = 1e-7,
    raise_exception: bool = True,
    explain: bool = False,
) -> bool | Report:
    """True if backward through `func(*inputs)` agrees with central differences.

    inputs: a Tensor or a tuple; those that require a gradient are checked and must be float64:
    differences of float32 know three digits, and a check of three digits would promise too much.
    An entry passes if |backward − differences| ≤ atol + rtol · |differences|; where rounding
    hides that much, rtol · (the input's largest gradient) is enough.
    atol: by default 1e-8, or a ten-thousandth of the input's largest gradient if that is less.
    eps: the first step. An entry that it does not confirm is tried with others: smaller ones near
    corners and borders, larger ones (to a tenth of the entry, or 0.1) where rounding is too loud.

    Otherwise GradcheckError, or False if not raise_exception. Its message says "backward is not
    the gradient" only if neither truncation nor rounding can explain the difference, and "cannot
    be decided here", with the reason, at corners and jumps, beside nan, and in too much rounding.
    Undecided is not True: True must mean that a comparison took place.
    A probe that could not fail is a ValueError: no input requires a gradient, `func` is random or
    changes its inputs, or an input does not matter to it. The default generator is left as it was.

    explain: say *what* is wrong, in a sentence per wrong input ("missing: road 3"). An operation
    that minigrad.diagnosis knows is recognized by its values. A gradient of a wrong shape, which
    is a ShapeError otherwise, is explained, too. Without raise_exception the answer is then not
    False, but a Report that is false and prints as those sentences.
    torch: autograd.gradcheck, whose defaults are 10,000 times looser (rtol=1e-3); no `explain`.
    """
    return verdict(
        "gradcheck", func, inputs, eps, atol, rtol, raise_exception, explain=explain
    )  # fmt: skip


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-5,
    atol: float | None = None,
    rtol: float = 1e-7,
    raise_exception: bool = True,
) -> bool:
    """True if the second derivatives of `func` agree with central differences of the first.

    What is checked is the gradient as a function of the inputs and of the cotangents
    (`grad_outputs`: a Tensor per output; by default random). All else is as in `gradcheck`.
    torch: autograd.gradgradcheck.
    """
    name = "gradgradcheck"
    inputs = arguments(name, "inputs", inputs)
    wanted = checked_inputs(name, inputs)
    with undisturbed(inputs) as copies:
        outputs = floating_outputs(name, function(name, "func", func)(*inputs))
        refuse_changes(name, inputs, copies)
    if grad_outputs is None:
        rng = np.random.default_rng(1)
        grad_outputs = [like(y, random_cotangent(rng, y)) for y in outputs]
    grad_outputs = arguments(name, "grad_outputs", grad_outputs)
    check_cotangents(name, outputs, grad_outputs)
    cotangents = [dy.detach().clone().requires_grad_() for dy in grad_outputs]

    def gradient(*values):
        xs, dys = list(values[: len(inputs)]), values[len(inputs) :]
        recorded = is_grad_enabled()
        with enable_grad():
            for i in wanted:
                xs[i] = xs[i] if xs[i].requires_grad else xs[i].detach().requires_grad_()
            roots = [
                (y, dy)
                for y, dy in zip(floating_outputs(name, func(*xs)), dys, strict=True)
                if y.requires_grad
            ]
            if not roots:
                raise ValueError(
                    f"{name}: no output of func depends on an input that requires a gradient"
                )
            ys, dys = zip(*roots, strict=True)
            at = [xs[i] for i in wanted]
            dxs = grad(ys, at, dys, create_graph=recorded, allow_unused=True)
        return tuple(dx for dx in dxs if dx is not None)

    both = (*inputs, *cotangents)
    found = verdict(name, gradient, both, eps, atol, rtol, raise_exception, may_ignore=True)
    return bool(found)


def verdict(
    name: str,
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    eps: float,
    atol: float | None,
    rtol: float,
    raise_exception: bool,
    may_ignore: bool = False,
    explain: bool = False,
) -> bool | Report:
    """True, or what `raise_exception` and `explain` ask for instead."""
    function(name, "func", func)
    inputs = arguments(name, "inputs", inputs)
    flag(name, "raise_exception", raise_exception)
    eps = number(name, "eps", eps, above=0)
    atol = atol if atol is None else number(name, "atol", atol, at_least=0)
    rtol = number(name, "rtol", rtol, at_least=0)
    with undisturbed(inputs) as copies:
        report = compare_gradients(name, func, inputs, copies, eps, atol, rtol, may_ignore, explain)
    if raise_exception and not report:
        raise GradcheckError(str(report))
    return bool(report) or (report if explain else False)


class Report:
    """True if nothing speaks against backward; printed, what is wrong with each input."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[bool | None, list[str]] = {False: [], None: []}
        self.operation = ""  # what `explain` has recognized

    def __bool__(self) -> bool:
        return not self.lines[False] and not self.lines[None]

    def __str__(self) -> str:
        head = "backward is not the gradient" if self.lines[False] else "cannot be decided here"
        if self.operation:
            head += f" of what seems to be {self.operation}"
        return "\n".join([f"{self.name}: {head}", *self.lines[False], *self.lines[None]])

    __repr__ = __str__

    def add(self, number: int, dx: Any, findings: dict[tuple[int, ...], Any]) -> None:
        """`findings`: one per entry of input `number` that is not right, by index."""
        shape = tuple(map(int, dx.shape))
        wrong = {at: each for at, each in findings.items() if each.right is False}
        if wrong:
            off = {at: abs(dx[at] - each.slope) for at, each in wrong.items()}
            at = max(off, key=lambda at: math.inf if math.isnan(off[at]) else off[at])
            self.lines[False].append(
                f"  input {number} of shape {shape}: {len(wrong)} of {dx.size} entries differ; "
                f"the worst, at {list(at)}: backward {dx[at]:.10g}, "
                f"differences {wrong[at].slope:.10g} "
                f"(error {off[at]:.2g}, allowed {wrong[at].allowed:.2g})"
            )
        open_ones = {at: each for at, each in findings.items() if each.right is None}
        if open_ones:
            at, found = next(iter(open_ones.items()))
            self.lines[None].append(
                f"  input {number} of shape {shape}: {len(open_ones)} of {dx.size} entries cannot "
                f"be decided; the first, at {list(at)}: backward {dx[at]:.10g}, "
                f"differences {found.slope:.10g}, because {found.reason}"
            )


def compare_gradients(
    name: str,
    func: Callable[..., Any],
    inputs: Sequence[Any],
    copies: Sequence[Any],
    eps: float,
    atol: float | None,
    rtol: float,
    may_ignore: bool,
    explain: bool,
) -> Report:
    """The Report on backward beside differences."""
    checked = checked_inputs(name, inputs)
    if explain:  # what is read of a wrong gradient is imported where one may be wrong
        from .explanation import explanations, slopes_at
    # Leaves of our own over the same memory: the layout counts, the caller's graph and hooks do not
    inputs = [x.detach().requires_grad_() if i in checked else x for i, x in enumerate(inputs)]
    with enable_grad():
        outputs = floating_outputs(name, func(*inputs))
    rng = np.random.default_rng(0)
    cotangents = [random_cotangent(rng, y) for y in outputs]
    found = analytic_gradients(name, outputs, cotangents, [inputs[i] for i in checked], explain)
    drew = get_rng_state().tolist()
    probe = Probe(name, func, inputs, cotangents)
    refuse_changes(name, inputs, copies)
    for y, again in zip(outputs, probe.ys, strict=True):
        if not np.array_equal(values_of(y), again, equal_nan=True):
            raise ValueError(f"{name}: func gave two results for the same inputs; seed it anew")
    if probe.drew != drew:
        raise ValueError(
            f"{name}: func draws random numbers, so two calls may differ; seed it anew in func, or "
            "use evaluation mode"
        )

    report, silent, refusal = Report(name), True, None
    wrong, slopes = {}, {}  # for `explain`, by number of the input
    for i, dx in zip(checked, found, strict=True):
        if explain and (dx is None or dx.shape != inputs[i].shape):
            slopes[i] = slopes_at(probe, i, eps, atol, rtol)
            if dx is not None:
                wrong[i], silent = dx, False
            continue
        findings, size, is_zero = look(probe, i, dx, eps, atol, rtol)
        silent &= is_zero
        if explain:
            slopes[i] = np.array(dx)
            for at, each in findings.items():
                slopes[i][at] = each.slope
            if any(each.right is False for each in findings.values()):
                wrong[i] = dx
        if not is_zero:
            report.add(i, dx, findings)
        elif dx.size and not may_ignore:
            refusal = refusal or ValueError(
                f"{name}: the output does not depend on input {i}: its gradient is 0 everywhere, "
                "or rounding, so a wrong rule would pass; choose another func or input, or "
                "requires_grad=False"
                if atol is None or not size
                else f"{name}: the gradient of input {i} is at most {size:.2g}, so a wrong rule "
                f"would pass with atol={atol:g}; choose a smaller one"
            )
    if wrong:
        report.operation, report.lines[False] = explanations(
            func, inputs, probe.ys, cotangents, wrong, slopes
        )
    if not report.lines[False]:
        if refusal:
            raise refusal
        if silent and may_ignore:
            raise ValueError(f"{name}: every second derivative is 0, so a wrong rule would pass")
    return report


def analytic_gradients(
    name: str,
    outputs: Sequence[Tensor],
    cotangents: Sequence[np.ndarray],
    inputs: Sequence[Any],
    explain: bool,
) -> list[Any]:
    """The gradients of the outputs as arrays; 0 where backward finds no path.

    With `explain` one may have a wrong shape, and those that were not reached then are None.
    """
    roots = [(y, like(y, dy)) for y, dy in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not roots:
        return [np.zeros(x.shape) for x in inputs]
    ys, dys = zip(*roots, strict=True)
    try:
        dxs: Sequence[Any] = grad(ys, inputs, dys, allow_unused=True)
    except ShapeError as error:
        if not explain:
            raise
        answers = getattr(error, "gradients", [])
        dxs = [next((dx for key, dx in answers if key is x), None) for x in inputs]
        if all(dx is None or dx.shape == x.shape for x, dx in zip(inputs, dxs, strict=True)):
            raise GradcheckError(f"{name}: {error}") from error  # inside, at no input of func
        return [None if dx is None else values_of(dx) for dx in dxs]
    return [
        np.zeros(x.shape) if dx is None else values_of(dx)
        for x, dx in zip(inputs, dxs, strict=True)
    ]


@contextlib.contextmanager
def undisturbed(inputs: Sequence[Any]) -> Iterator[list[Any]]:
    """Put back the default generator, and the inputs if `func` has changed them."""
    copies = [np.array(values_of(x)) if isinstance(x, Tensor) else None for x in inputs]
    try:
        with fork_rng():
            yield copies
    finally:
        for i in changed_inputs(inputs, copies):
            with no_grad():
                inputs[i].detach().copy_(copies[i])


def changed_inputs(inputs: Sequence[Any], copies: Sequence[Any]) -> list[int]:
    """The numbers of the inputs whose values differ from the saved copies."""
    return [
        i
        for i, before in enumerate(copies)
        if before is not None and before.tobytes() != np.array(values_of(inputs[i])).tobytes()
    ]


def refuse_changes(name: str, inputs: Sequence[Any], copies: Sequence[Any]) -> None:
    for i in changed_inputs(inputs, copies):
        raise ValueError(f"{name}: func changes input {i} in place; let it work on a copy")


def arguments(name: str, argument: str, value: Any) -> tuple[Any, ...]:
    """A Tensor, or several in a tuple or list, as a tuple."""
    if isinstance(value, Tensor):
        return (value,)
    if not isinstance(value, (tuple, list)):
        raise TypeError(
            f"{name}: {argument} must be a Tensor or a tuple, got {type(value).__name__}"
        )
    return tuple(value)


def checked_inputs(name: str, inputs: Sequence[Any]) -> list[int]:
    """The numbers of the inputs that require a gradient: at least one, all float64."""
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError(f"{name}: no input requires a gradient, so there is nothing to check")
    for i in checked:
        if inputs[i].dtype.itemsize != 8:
            raise DTypeError(
                f"{name}: input {i} is {inputs[i].dtype}; differences need float64 (use .double())"
            )
    return checked


def check_cotangents(name: str, outputs: Sequence[Tensor], grad_outputs: Sequence[Any]) -> None:
    if len(grad_outputs) != len(outputs):
        raise ValueError(
            f"{name}: func has {len(outputs)} outputs, but {len(grad_outputs)} grad_outputs"
        )
    for i, (y, dy) in enumerate(zip(outputs, grad_outputs, strict=True)):
        if not isinstance(dy, Tensor):
            raise TypeError(f"{name}: grad_outputs[{i}] must be a Tensor, got {type(dy).__name__}")
        if dy.shape != y.shape:
            raise ShapeError(
                f"{name}: the output has shape {tuple(y.shape)}, grad_outputs[{i}] "
                f"{tuple(dy.shape)}"
            )
        if dy.dtype is not y.dtype:
            raise DTypeError(
                f"{name}: grad_outputs[{i}] is {dy.dtype}, the output {y.dtype} (use .double())"
            )


def random_cotangent(rng: np.random.Generator, y: Tensor) -> np.ndarray:
    """Random signs and sizes, none near 0, so that each output counts."""
    return rng.choice([-1.0, 1.0], y.shape) * rng.uniform(0.5, 1.5, y.shape)
