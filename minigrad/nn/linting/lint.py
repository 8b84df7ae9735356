"""`nn.lint`: what is wrong in a training that runs without an error."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...optim import Optimizer
from ...tensor import Tensor
from ..module import Module
from .finding import MISTAKES, Finding, Findings, found
from .graph import mistakes_in_graph
from .history import History
from .model import last_layer_and_loss, mistakes_in_model
from .training import gradient_use, large_steps, mistakes_in_training, parameters_of, progress_of
from .trial import Trial, run_trial
from .values import gradients_apart, mistakes_in_values, short

Loss = Tensor | Callable[..., Any] | None


def lint(
    model: Module,
    loss: Loss = None,
    optimizer: Optimizer | None = None,
    batch: Any = None,
    *,
    ignore: Sequence[str] = (),
) -> Findings:
    """The mistakes in a training that nothing else complains of; nothing changes by asking.

    loss: a value with its graph, best before backward(), or a function `loss(output, y)` for the
    batch. batch: `(x, y)`, x alone, or an item of a loader; y may be None. A copy of the model
    runs on it once. The more is given, the more is seen. ignore: codes not to report.
    Call it inside the training loop, or after some steps; it knows no earlier losses. Returns a
    list of findings, each with code, layer, line, what was seen, why, cure and link; print it, or
    take `.to_json()`. Its `notes` say what could not be looked at. Errors: TypeError, ValueError
    for an unknown code. Every mistake with its cure: docs/mistakes.md. torch has no such function.
    """
    check_arguments(model, loss, optimizer, ignore)
    inputs, target = parts_of(batch)
    caller = sys._getframe(1)
    own_line = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    notes: list[str] = []
    findings = [
        *mistakes_in_model(model, set(parameters_of(optimizer))),
        *mistakes_in_training(model, optimizer),
    ]
    progress = progress_of(model)
    if isinstance(loss, Tensor):
        findings += mistakes_in_loss(model, loss, progress, own_line, notes)
    trial = None
    if inputs is not None:
        function = None if isinstance(loss, Tensor) else loss
        trial = run_trial(model, function, inputs, target)
        notes += trial.notes
        seen = trial.output if trial.loss is None else trial.loss
        if trial.loss is not None:
            findings += mistakes_in_origin(trial.loss, trial.names)
        if seen is not None:
            history = History(seen, trial.names, own_line)
            data = inputs[0].detach().numpy() if isinstance(inputs[0], Tensor) else None
            findings += mistakes_in_history(history, progress, data)
    elif callable(loss) and not isinstance(loss, Tensor):
        findings += last_layer_and_loss(model, loss)
        notes.append("a loss function is used on a batch, and there is none: lint(…, batch=(x, y))")
    if not {"norm-probed-by-sum", "infinite-loss"} & {each.code for each in findings}:
        findings += mistakes_in_gradients(model, optimizer, trial)
    return Findings(once_each(findings, set(ignore)), notes)


def mistakes_in_loss(
    model: Module, loss: Tensor, progress: str, own_line: str, notes: list[str]
) -> Iterator[Finding]:
    """Findings in a loss that the caller has computed."""
    names: dict[Tensor, str] = {each: name for name, each in model.named_parameters()}
    rebuilt = list(mistakes_in_origin(loss, names))
    yield from rebuilt
    if loss.grad_fn is None:
        if not rebuilt:
            notes.append("the loss has no graph: it was computed under no_grad(), or detached")
        return
    history = History(loss, names, own_line)
    if not rebuilt and not any(each in history.uses for each in names):
        notes.append("the graph of the loss leads to no parameter of this model")
    if history.is_freed():
        notes.append(
            "backward() has freed the values in the graph of the loss; ask before it, to have them "
            "looked at"
        )
    yield from mistakes_in_history(history, progress, None)


def mistakes_in_origin(loss: Tensor, names: Mapping[Tensor, str]) -> Iterator[Finding]:
    """Whether all that a loss leads to is one number, which is no parameter: it was rebuilt."""
    leaves = {each for each in History(loss, names, None).uses if isinstance(each, Tensor)}
    if loss.grad_fn is None and loss.requires_grad:
        leaves = {loss}
    is_number = len(leaves) == 1 and all(each.numel() == 1 for each in leaves)
    if is_number and not leaves & set(names) and any(each.requires_grad for each in names):
        what = (
            f"the loss, {short(loss.detach().numpy())}, leads back to one number and no parameter"
        )
        yield found("loss-without-history", what)


def mistakes_in_history(history: History, progress: str, data: Any) -> Iterator[Finding]:
    yield from mistakes_in_graph(history)
    yield from mistakes_in_values(history, progress, data)


def mistakes_in_gradients(
    model: Module, optimizer: Optimizer | None, trial: Trial | None
) -> Iterator[Finding]:
    """Findings in the gradients of a trial, or else in those that wait for the next step."""
    names: dict[Tensor, str] = {each: name for name, each in model.named_parameters()}
    if trial is not None and trial.gradients:
        gradients = {
            each: trial.gradients[name] for each, name in names.items() if name in trial.gradients
        }
    else:
        gradients = {
            each: each._grad
            for each in names
            if each._grad is not None and gradient_use(each) == ""
        }
    yield from gradients_apart({names[each]: g.numpy() for each, g in gradients.items()})
    if optimizer is not None and gradients:
        yield from large_steps(optimizer, gradients, names)


def once_each(findings: list[Finding], ignored: set[str]) -> list[Finding]:
    """Without what is to be ignored, and without what was seen in two ways."""
    kept: dict[tuple[str, str], Finding] = {}
    for each in findings:
        if each.code not in ignored:
            kept.setdefault((each.code, each.layer), each)
    return list(kept.values())


def check_arguments(model: object, loss: Any, optimizer: object, ignore: object) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"lint: model must be a Module, got {type(model).__name__}")
    if loss is not None and not isinstance(loss, Tensor) and not callable(loss):
        raise TypeError(
            f"lint: loss must be a Tensor, a function loss(output, y) or None, got "
            f"{type(loss).__name__}"
        )
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"lint: optimizer must be an Optimizer or None, got {type(optimizer).__name__}; for "
            "several, call lint once for each"
        )
    if isinstance(ignore, str) or not isinstance(ignore, (tuple, list, set, frozenset)):
        raise TypeError(f"lint: ignore must be codes in a tuple or list, got {ignore!r}")
    for code in ignore:
        if not isinstance(code, str) or code not in MISTAKES:
            raise ValueError(
                f"lint: ignore has {code!r}, which is no code; they are {', '.join(MISTAKES)}"
            )


def parts_of(batch: Any) -> tuple[tuple[Any, ...] | None, Any]:
    """The inputs of the model and the target of a batch; None and None if there is no batch."""
    if batch is None:
        return None, None
    if isinstance(batch, Tensor):
        return (batch,), None
    if not isinstance(batch, (tuple, list)) or not batch or not isinstance(batch[0], Tensor):
        inside = ""
        if isinstance(batch, (tuple, list)):
            inside = f" that begins with {type(batch[0]).__name__}" if batch else " without items"
        raise TypeError(
            "lint: batch must be a Tensor x, a pair (x, y) of Tensors, or an item of a loader that "
            f"begins with x; got {type(batch).__name__}{inside}"
        )
    return (batch[0],), batch[1] if len(batch) > 1 else None
