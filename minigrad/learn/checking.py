"""Checks a learner's file: every exercise gets a verdict and one sentence.

The right values are computed here, from the page's own program; the learner's in a process of their
own (`process.py`). So nothing that a file does, to NumPy for example, can move a right value.
"""

import base64
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..diagnosis import diagnose
from . import child
from .course import Exercise, Step
from .process import Answer, Limits, Task, answers

OPEN = "still to be written"


class CannotCheck(Exception):
    """The right values cannot be computed here, as where step 14 finds no compiler."""


@dataclass
class Report:
    """What is said about one exercise; `verdict` is "right", "open", "error" or a diagnosis."""

    step: int
    exercise: str
    title: str
    verdict: str
    sentence: str
    page: str
    page_line: int

    @property
    def ok(self) -> bool:
        return self.verdict == "right"


def report_on(step: Step, exercise: Exercise, verdict: str, sentence: str) -> Report:
    page = f"{step.name}.md#{exercise.anchor}"
    return Report(
        step.number, exercise.number, exercise.title, verdict, sentence, page, exercise.line
    )


def check_step(
    step: Step,
    source: str,
    file: str,
    data: Iterable[Path],
    limits: Limits | None = None,
    exercises: Sequence[Exercise] | None = None,
) -> list[Report]:
    """The reports on one file; on all exercises of the step, or on these."""
    return check_tasks([Task(step, source, file, exercises or step.exercises)], data, limits)[0]


def check_tasks(
    tasks: Sequence[Task], data: Iterable[Path], limits: Limits | None = None
) -> list[list[Report]]:
    """The reports of each task; all tasks share a process as long as none breaks it."""
    found: list[list[Report]] = [[] for _ in tasks]
    todo = [(index, each) for index, task in enumerate(tasks) for each in task.exercises]
    with TemporaryDirectory(prefix="minigrad-learn-", ignore_cleanup_errors=True) as scratch:
        for path in data:
            shutil.copy(path, scratch)
        # Now, because a learner's file may write into the scratch folder.
        right = right_values(tasks, scratch)
        while todo:
            said = list(answers(tasks, todo, scratch, limits or Limits()))
            for (index, exercise), answer in zip(todo, said, strict=False):
                verdict, sentence = verdict_of(exercise.number, right[exercise.number], answer)
                found[index].append(report_on(tasks[index].step, exercise, verdict, sentence))
            todo = todo[len(said) :]
    return found


# --- the right values ----------------------------------------------------------------------------


@dataclass
class Comparison:
    """One `compare` of a check, run with the solution."""

    name: str | tuple[str, ...]
    right: Any
    structure: dict[str, Any]


def right_values(tasks: Sequence[Task], scratch: str) -> dict[str, list[Comparison]]:
    """Run the checks of all exercises, each once, with the solutions of their steps."""
    solutions: dict[int, tuple[child.Program, list[str]]] = {}
    right: dict[str, list[Comparison]] = {}
    for step, exercise in ((task.step, each) for task in tasks for each in task.exercises):
        if step.number not in solutions:
            beside = str(Path(scratch, step.file))
            solutions[step.number] = child.definitions(step.program, f"<{step.file}>", beside)
        if exercise.number not in right:
            right[exercise.number] = _comparisons(exercise, *solutions[step.number])
    return right


def _comparisons(
    exercise: Exercise, solution: child.Program, failed: list[str]
) -> list[Comparison]:
    found: list[Comparison] = []

    def compare(name: Any, function: Callable[[Any], Any], **structure: Any) -> None:
        found.append(Comparison(name, decode(child.encode(function(solution))), structure))

    try:
        child.run_check(exercise.check, {"solution": solution}, compare)
    except Exception as error:
        said = error if isinstance(error, RuntimeError) else f"{type(error).__name__}: {error}"
        why = failed[0] if failed else said
        raise CannotCheck(f"exercise {exercise.number} cannot be checked here: {why}") from error
    return found


def verdict_of(number: str, comparisons: list[Comparison], answer: Answer) -> tuple[str, str]:
    """Verdict and sentence: the first comparison that is not right, or what stopped the check."""
    for comparison, result in zip(comparisons, answer.results, strict=False):
        try:
            yours = decode(result)
        except (ValueError, TypeError, KeyError, RecursionError):
            return "error", "the result cannot be read"
        verdict, sentence = compared(comparison, yours)
        if verdict != "right":
            return verdict, sentence
    for kind, what in answer.stopped.items():
        if kind == "open":
            first = re.match(r"\d+\.\d+", str(what))
            if first and first[0] != number:
                return "open", f"{first[0]} comes first: this one needs it, and it is still open"
            return "open", OPEN
        if kind == "missing":
            return "error", f"the file has no `{what}`: put the stub's lines of it back"
        if kind == "known":
            return "known", str(what)
        return "error", str(what)
    if len(answer.results) != len(comparisons) or not comparisons:
        return "error", "the check was not finished"
    return "right", "right"


@dataclass
class Other:
    """A result that is neither a number nor an array: what it is, in words."""

    words: str


def compared(comparison: Comparison, yours: Any) -> tuple[str, str]:
    """Verdict and sentence of one comparison."""
    name, right = comparison.name, comparison.right
    if isinstance(right, tuple):
        names = (
            name if isinstance(name, tuple) else tuple(f"{name}[{i}]" for i in range(len(right)))
        )
        if not isinstance(yours, tuple) or len(yours) != len(right):
            got = f"{len(yours)} values" if isinstance(yours, tuple) else described(yours)
            return (
                "type",
                f"{', '.join(names)}: {len(right)} values are expected, and you return {got}",
            )
        for each, mine, theirs in zip(names, yours, right, strict=True):
            structure = {
                key: (value or {}).get(each) for key, value in comparison.structure.items()
            }
            verdict, sentence = compared(Comparison(each, theirs, structure), mine)
            if verdict != "right":
                return verdict, sentence
        return "right", "right"
    label = name if isinstance(name, str) else ", ".join(name)
    if isinstance(right, str) and isinstance(yours, str):
        if yours == right:
            return "right", "right"
        return "different", f"{label} is {yours[:80]!r}, and should be {right[:80]!r}"
    if isinstance(yours, str | Other) or isinstance(right, str):
        return "type", f"{label}: {described(right)} is expected, and you return {described(yours)}"
    found = diagnose(yours, right, name=label, **comparison.structure)
    return ("right" if found.ok else found.verdict), found.sentence


def described(value: Any) -> str:
    if isinstance(value, Other):
        return value.words
    if value is None:
        return "nothing (None): is a `return` missing?"
    if isinstance(value, tuple):
        return f"{len(value)} values"
    if isinstance(value, str):
        return "a text"
    return f"an array of shape {value.shape}" if value.ndim else "a number"


def decode(result: dict[str, Any]) -> Any:
    """What `child.encode` wrote: a tuple, a text, an array, or in words what else it was."""
    if "none" in result:
        return None
    if "type" in result:
        return Other(str(result["type"]))
    if "text" in result:
        return str(result["text"])
    if "tuple" in result:
        return tuple(decode(each) for each in result["tuple"])
    dtype = np.dtype(str(result["dtype"]))
    if dtype.kind not in "biufc":
        raise ValueError("not a number")
    return np.frombuffer(base64.b64decode(result["data"]), dtype).reshape(result["shape"]).copy()
