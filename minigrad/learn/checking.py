"""Checks a learner's file: every exercise gets a verdict and one sentence.

The right values are computed here, from the page's own program; the learner's in a process of their
own (`child.py`) with a time limit, which hands numbers back and nothing that runs. So neither an
endless loop nor a NumPy that the file has changed can move the right value.
"""

import base64
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..diagnosis import diagnose
from . import child
from .course import Exercise, Step

SECONDS = 10.0
OPEN = "still to be written"
VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # Python may need them
LARGEST = 100_000_000  # bytes of all the answers of one process


@dataclass
class Report:
    """What is said about one exercise; `verdict` is "right", "open", "error" or a diagnosis."""

    step: int
    exercise: str
    title: str
    verdict: str
    sentence: str
    page: str
    line: int

    @property
    def ok(self) -> bool:
        return self.verdict == "right"


def report_on(step: Step, exercise: Exercise, verdict: str, sentence: str) -> Report:
    page = f"{step.name}.md#{exercise.anchor}"
    return Report(
        step.number, exercise.number, exercise.title, verdict, sentence, page, exercise.line
    )


@dataclass
class Task:
    """A source, under the name that its messages shall have, and the exercises to check in it."""

    step: Step
    source: str
    file: str
    exercises: Sequence[Exercise]


@dataclass
class Limits:
    """Seconds per exercise; and whether the file is a stranger's, who may not read the pages."""

    seconds: float = SECONDS
    refused: Path | None = None


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
    """The reports of each task; tasks of one step share a process as long as none breaks it."""
    found: list[list[Report]] = [[] for _ in tasks]
    right: dict[str, list[Comparison]] = {}
    todo = [(index, each) for index, task in enumerate(tasks) for each in task.exercises]
    with TemporaryDirectory(prefix="minigrad-learn-", ignore_cleanup_errors=True) as scratch:
        for path in data:
            shutil.copy(path, scratch)
        beside = str(Path(scratch, tasks[0].step.file)) if tasks else ""
        while todo:
            answers = list(_answers(tasks, todo, beside, limits or Limits()))
            for (index, exercise), answer in zip(todo, answers, strict=False):
                step = tasks[index].step
                if exercise.number not in right:
                    right[exercise.number] = right_values(step, exercise, beside)
                said = judge(exercise.number, right[exercise.number], answer)
                found[index].append(report_on(step, exercise, *said))
            todo = todo[len(answers) :]
    return found


# --- the right values ----------------------------------------------------------------------------


@dataclass
class Comparison:
    """One `compare` of a check, run with the solution."""

    name: str | tuple[str, ...]
    right: Any
    structure: dict[str, Any]


def right_values(step: Step, exercise: Exercise, beside: str) -> list[Comparison]:
    """Run a check with the solution."""
    solution, failed = child.definitions(step.program, f"<{step.file}>", beside)
    if failed:
        raise RuntimeError(f"the program of step {step.number} does not run: {failed[0]}")
    comparisons: list[Comparison] = []

    def compare(name: Any, function: Callable[[Any], Any], **structure: Any) -> None:
        right = decode(child.encode(function(solution)))
        comparisons.append(Comparison(name, right, structure))

    child.run_check(exercise.check, {"solution": solution}, compare)
    return comparisons


def judge(number: str, comparisons: list[Comparison], answer: dict[str, Any]) -> tuple[str, str]:
    """Verdict and sentence: the first comparison that is not right, or what stopped the check."""
    for comparison, result in zip(comparisons, answer.get("results", []), strict=False):
        try:
            yours = decode(result)
        except (ValueError, TypeError, KeyError):
            return "error", "the result cannot be read"
        verdict, sentence = compared(comparison, yours)
        if verdict != "right":
            return verdict, sentence
    stopped = answer.get("stopped") or {}
    if "open" in stopped:
        first = re.match(r"\d+\.\d+", str(stopped["open"]))
        if first and first[0] != number:
            return "open", f"{first[0]} comes first: this one needs it, and it is still open"
        return "open", OPEN
    if "missing" in stopped:
        name = str(stopped["missing"])
        return "error", f"the file has no `{name}`: put the stub's lines of it back"
    if "error" in stopped:
        return "error", str(stopped["error"])
    if len(answer.get("results", [])) < len(comparisons) or not comparisons:
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
        return Other(f"a {result['type']}")
    if "text" in result:
        return str(result["text"])
    if "tuple" in result:
        return tuple(decode(each) for each in result["tuple"])
    dtype = np.dtype(str(result["dtype"]))
    if dtype.kind not in "biufc":
        raise ValueError("not a number")
    return np.frombuffer(base64.b64decode(result["data"]), dtype).reshape(result["shape"]).copy()


# --- the learner's process -----------------------------------------------------------------------


def _answers(
    tasks: Sequence[Task], todo: list[tuple[int, Exercise]], beside: str, limits: Limits
) -> Iterator[dict[str, Any]]:
    """What one process says to each exercise of `todo`, up to the one that ends the process."""
    grouped: dict[int, list[Exercise]] = {}
    for index, exercise in todo:
        grouped.setdefault(index, []).append(exercise)
    sent, unsent = [], list(todo)
    for index, exercises in grouped.items():
        checks = [(each.number, each.check) for each in exercises]
        sent.append({"source": tasks[index].source, "file": tasks[index].file, "checks": checks})
    job: dict[str, Any] = {"tasks": sent, "beside": beside}
    if any("solution" in each.check for _, each in todo):
        job["solution"] = tasks[todo[0][0]].step.program
    for kind, answer in _conversation(job, [len(each) for each in grouped.values()], limits):
        if kind == "broken":
            here = list(grouped)[answer.pop("task")]
            whole = answer.pop("whole")
            stop = [each for each in unsent if each[0] == here] if whole else unsent[:1]
            yield from (answer for _ in stop)
            return
        yield answer
        unsent = unsent[1:]


def _conversation(
    job: dict[str, Any], counts: list[int], limits: Limits
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Talk to a process: ("answer", …) per exercise, and ("broken", …) if it comes to an end."""
    process, lines = _start(job, limits)
    task, whole, left = 0, True, 0
    try:
        deadline = time.monotonic() + limits.seconds + 10  # also Python and NumPy have to start
        while True:
            problem = ""
            try:
                line = lines.get(timeout=max(deadline - time.monotonic(), 0))
                message = json.loads(line) if line else {}
            except queue.Empty:
                problem = f"it is not finished after {limits.seconds:g} seconds: an endless loop?"
                message = {}
            except ValueError:
                message = {}
            if "begin" in message and left == 0 and message["begin"] == "file":
                task, left, whole = int(message["task"]), counts[int(message["task"])], True
                deadline = time.monotonic() + limits.seconds
            elif "begin" in message and left:
                whole, deadline = False, time.monotonic() + limits.seconds
            elif "unreadable" in message:
                for _ in range(left):
                    yield "answer", {"stopped": {"error": str(message["unreadable"])}}
                left = 0
            elif "results" in message and left:
                left -= 1
                yield "answer", message
            elif "end" in message:
                return
            else:
                problem = problem or "the process ended before the answer (os._exit, or a crash)"
                stopped = {"stopped": {"error": problem}, "task": task, "whole": whole}
                yield "broken", stopped
                return
    finally:
        _stop(process)


def _start(job: dict[str, Any], limits: Limits) -> tuple[subprocess.Popen, "queue.Queue[bytes]"]:
    """The process, and what it says, line by line; an empty line is its end."""
    folders, environment = [str(Path(np.__file__).parents[1])], None
    if limits.refused:
        environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    else:  # the last steps compile, and use the package
        homes = (find_spec(name) for name in ("Cython", "setuptools"))
        folders += [str(Path(spec.origin).parents[1]) for spec in homes if spec and spec.origin]
        folders.append(str(Path(__file__).parents[2]))
    options = ["-I", "-X", "utf8"]
    arguments = [child.__file__, str(limits.refused or ""), *folders]
    process = subprocess.Popen(
        [sys.executable, *options, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    lines: queue.Queue[bytes] = queue.Queue()
    assert process.stdin and process.stdout

    def send(pipe=process.stdin) -> None:
        with pipe:
            pipe.write(json.dumps(job).encode("ascii"))

    def listen(pipe=process.stdout) -> None:
        size = 0
        with pipe:
            while size < LARGEST and (line := pipe.readline(LARGEST)):
                size += len(line)
                lines.put(line)
        lines.put(b"")

    for work in (send, listen):
        threading.Thread(target=_quietly, args=(work,), daemon=True).start()
    return process, lines


def _quietly(work: Callable[[], None]) -> None:
    try:
        work()
    except (OSError, ValueError):  # the process is gone
        pass


def _stop(process: subprocess.Popen) -> None:
    """End the process, and on POSIX also those that it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass
    process.wait()
