"""The process of a learner's file: what it is told, what it says, and how long it may take.

The time limit counts the processor's time: on a busy machine a right answer only comes later. The
process watches that itself (`child.py`). Here a message may take several times as long by the
clock, so that a process which waits comes to an end, too. It hands numbers back, and nothing that
runs. An exercise that ends it costs no other its answer: the caller asks for the rest in a new one.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from . import child
from .course import NUMPY_ALONE, Exercise, Step

SECONDS = 10.0
SECONDS_TO_COMPILE = 120.0
BUSY = 6  # seconds by the clock, per second of work
PATIENCE = 30.0  # seconds by the clock, in addition
VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # Python may need them
LARGEST = 100_000_000  # bytes of all the answers of one process


@dataclass
class Task:
    """A source, under the name that its messages shall have, and the exercises to check in it."""

    step: Step
    source: str
    file: str
    exercises: Sequence[Exercise]


@dataclass
class Limits:
    """Seconds per exercise, None for what the step needs; and for a stranger's file, what it may
    not read: the pages."""

    seconds: float | None = None
    refused: Path | None = None


@dataclass
class Answer:
    """What the process says: `results` of the comparisons, and what stopped it."""

    results: list[Any]
    stopped: dict[str, Any]
    ready: bool = False  # the definitions of a file have run
    ended: bool = False  # and there will be no other answer from this process


def answers(
    tasks: Sequence[Task], todo: list[tuple[int, Exercise]], scratch: str, limits: Limits
) -> Iterator[Answer]:
    """What one process says to each exercise of `todo`, up to the one that ends the process."""
    grouped: dict[int, list[Exercise]] = {}
    for index, exercise in todo:
        grouped.setdefault(index, []).append(exercise)
    sent = [_sent(tasks[index], exercises, scratch) for index, exercises in grouped.items()]
    numpy_alone = all(tasks[index].step.number <= NUMPY_ALONE for index in grouped)
    seconds = limits.seconds or (SECONDS if numpy_alone else SECONDS_TO_COMPILE)
    job = {"scratch": scratch, "tasks": sent, "seconds": seconds}
    job["patience"] = 2 * patience(seconds)  # should nobody listen any more
    process, lines = _start(job, limits)
    try:
        answer = _heard(process, lines, seconds)
        for exercises in grouped.values():
            answer = answer if answer.ended else _heard(process, lines, seconds)
            if not answer.ready:
                yield from [answer] * len(exercises)
            for _ in exercises if answer.ready else ():
                yield (answer := _heard(process, lines, seconds))
                if answer.ended:
                    return
            if answer.ended:
                return
    finally:
        _stop(process)


def _sent(task: Task, exercises: list[Exercise], scratch: str) -> dict[str, Any]:
    """A task for the process; the solution only where a check itself calls it."""
    checks = [each.check for each in exercises]
    message = {"source": task.source, "file": task.file, "checks": checks}
    if any("solution" in check for check in checks):
        message["solution"] = task.step.program
    return message | {"beside": str(Path(scratch, task.step.file)), "stub": task.step.stub}


def patience(seconds: float) -> float:
    """How long one waits for what may take so many seconds of work."""
    return BUSY * seconds + PATIENCE


def _heard(process: subprocess.Popen, lines: "queue.Queue[bytes]", seconds: float) -> Answer:
    """The next message, or why none came."""
    try:
        message = json.loads(lines.get(timeout=patience(seconds)))
        results, stopped = message.get("results", []), message.get("stopped", {})
        if isinstance(results, list) and isinstance(stopped, dict):
            return Answer(results, stopped, ready="ready" in message)
        problem = "its answer cannot be read"
    except queue.Empty:
        problem = (
            f"not finished after {patience(seconds):g} seconds, in which it worked for less than "
            f"{seconds:g}: does it wait for something?"
        )
    except (ValueError, AttributeError, RecursionError):
        problem = "the process ended before the answer (os._exit, or a crash)"
        if _status(process) == child.TOO_LONG:
            problem = f"not finished after {seconds:g} seconds of work: an endless loop?"
    return Answer([], {"error": problem}, ended=True)


def _status(process: subprocess.Popen) -> int | None:
    """With what an ended process left; it closes its pipe a moment earlier."""
    try:
        return process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return None


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
