"""Runs a learner's file in a process of its own, and calls its functions as the checks ask.

Started as a script by `checking.py`. What to do comes as JSON over stdin, what was computed goes as
lines of JSON to what was stdout. The file itself has neither: its prints go nowhere, and input()
finds the end of the file.

Of the file only definitions run: `def`, `class`, `import`, assignments that call none of them, and
other names for them. So a demonstration that stops at an open exercise, or takes long, is in
nobody's way.
"""

import ast
import base64
import builtins
import difflib
import json
import math
import os
import re
import sys
import threading
import time
import types
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

LARGEST = 1 << 24  # bytes of a result
TOO_LONG = 75  # the status of a process that has worked longer than it may
OVERWRITTEN = "the answer overwrites {}: make a new array (`-=`, `*=` and `x[…] =` change the old)"
CURES = {
    "NoneType": "here is None, which a function without `return` gives, too",
    "'tuple' object has no attribute": "made_from holds pairs: `for source, slope in made_from`",
    "has no attribute 'number'": "a plain number stands where a Value is needed: `Value(number)`",
    "ndarray' object is not callable": "a rule is a function of dy: `lambda dy: …`",
    r"unsupported operand.*'Value'": "a Value knows + and * alone, and both sides must be Values",
    r"unsupported operand.*'Tensor'": "a Tensor knows +, -, * and @ at most, and no **",
    r"ufunc.*Tensor": "NumPy computes with arrays: take `.data` of the Tensor",
}


class Missing(AttributeError):
    """The file does not have what the check calls."""


class Wrong(AssertionError):
    """What a check finds wrong in an answer, in words; `assert` in a check says it, too."""


class Program(types.SimpleNamespace):
    """The names of a file, as attributes."""

    def __getattr__(self, name: str) -> Any:
        raise Missing(name)


def definitions(source: str, file: str, beside: str, stub: str = "") -> tuple[Program, list[str]]:
    """Run the definitions of a file; also says what went wrong in them, in the order of lines."""
    names: dict[str, Any] = {"__name__": "learner", "__file__": beside}
    module = types.ModuleType("learner")
    module.__dict__.update(names)
    sys.modules["learner"], names = module, module.__dict__
    try:
        body = ast.parse(source, file).body
    except (SyntaxError, ValueError) as error:
        return Program(), [syntax(error, source)]
    unknown, failed = set(defined(body)), []
    for node in body:
        needed = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
        assigned = isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        renames = isinstance(assigned, ast.Name | ast.Lambda)
        known = names_read(node) <= (names.keys() | vars(builtins).keys()) - unknown
        if not (needed or renames or assigned and known):
            unknown |= names_stored(node)
            continue
        try:
            exec(compile(ast.Module([node], []), file, "exec"), names)
            unknown -= names_stored(node) if assigned else set()
        except BaseException as error:
            unknown |= names_stored(node)
            if needed:
                failed.append(own_words(error, file, source, stub))
    return Program(**names), failed


def defined(body: list[ast.stmt]) -> set[str]:
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def names_read(node: ast.stmt) -> set[str]:
    """The names that a statement reads, without those that it makes for itself."""
    inside = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    arguments = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return inside - names_stored(node) - arguments


def names_stored(node: ast.stmt) -> set[str]:
    found = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {each.id for each in found if isinstance(each.ctx, ast.Store)}


def own_words(error: BaseException, file: str, source: str = "", stub: str = "") -> str:
    """An exception, with the last line of the learner's file that it came through, and with the
    last one of these that is the learner's own, and not the stub's."""
    if isinstance(error, SyntaxError):
        return syntax(error, "")
    where, frame, trace, passed = "", None, error.__traceback__, []
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename == file:
            inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
            where, frame = f"line {trace.tb_lineno}{inside}", trace.tb_frame
            passed.append((trace.tb_lineno, where))
        trace = trace.tb_next
    if passed and stub:
        mine = own_lines(source, stub)
        last = next((line for line in reversed(passed) if line[0] in mine), None)
        if type(error) is RuntimeError and last != passed[-1]:
            return str(error)  # a sentence of the page's program, as of step 14's for the compiler
        if not last:
            where = f"{where}, which was there"
        elif last != passed[-1]:
            where = f"{last[1]}, then {where}, which was there"
    where += ": " if where else ""
    if isinstance(error, SystemExit):
        return f"{where}the program ends itself here (SystemExit)"
    try:
        said = " ".join(str(error).split())[:300]
    except BaseException:
        said = ""
    if not where and (wanted := came_back(error, said)):
        return wanted
    if frame and isinstance(error, ValueError | IndexError) and (arrays := shapes(frame)):
        # What NumPy says of @ names neither shape.
        said = "the shapes do not fit" if said.startswith("matmul: ") else said
        return f"{where}{type(error).__name__}: {said} ({arrays})"
    return f"{where}{type(error).__name__}{': ' + said if said else ''}{cure(error, said)}"


def own_lines(source: str, stub: str) -> set[int]:
    """The numbers of the lines that the stub does not have."""
    ours, given = source.splitlines(), stub.splitlines()
    matcher = difflib.SequenceMatcher(None, given, ours, autojunk=False)
    changes = (each for each in matcher.get_opcodes() if each[0] != "equal")
    return {line + 1 for _, _, _, first, last in changes for line in range(first, last)}


def cure(error: BaseException, said: str) -> str:
    """A second line for the messages of Python that beginners of the path meet most."""
    if not isinstance(error, AttributeError | TypeError):
        return ""
    for pattern, words in CURES.items():
        if re.search(pattern, said):
            return f"\n{words}"
    return ""


def came_back(error: BaseException, said: str) -> str:
    """What a function returned, if the check could not go on with it; "" for other errors."""
    if isinstance(error, AttributeError) and error.name:
        kind, wanted = type(error.obj).__name__, f"something with .{error.name}"
    elif isinstance(error, TypeError) and (
        found := re.search(r"must be .* a real number, not '(\w+)'|NoneType", said)
    ):
        kind, wanted = found[1] or "NoneType", "a number"
    else:
        return ""
    if kind == "NoneType":
        return "nothing (None) came back: is a `return` missing?"
    return f"what came back is of the type {kind}, and {wanted} is wanted"


def shapes(frame: types.FrameType) -> str:
    """The shapes of the arrays that a function's line could see."""
    import numpy as np

    names = frame.f_locals if frame.f_code.co_name != "<module>" else {}
    arrays = {name: each for name, each in names.items() if type(each) is np.ndarray}
    return ", ".join(f"{name} is {each.shape}" for name, each in list(arrays.items())[:6])


def syntax(error: Any, source: str) -> str:
    """A file that is not Python: the line, and what Python says of it."""
    if not isinstance(error, SyntaxError):
        return f"this is not Python: {error}"
    lines = source.splitlines()
    number = error.lineno or 0
    shown = f": {lines[number - 1].strip()[:80]}" if 0 < number <= len(lines) else ""
    return f"line {number} is not Python ({error.msg}){shown}"


def values_only(check: str) -> ast.Module:
    """A check without what only the diagnosis needs: nothing of it is computed here."""
    tree = ast.parse(check)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "compare":
            node.keywords = []
    return tree


def run_check(check: ast.Module | str, names: dict[str, Any], compare: Callable[..., None]) -> None:
    """Run the source of a check, with what it may use. What it hands in has to stay as it is."""
    import numpy as np

    def comparing(*arguments: Any, **structure: Any) -> None:
        before = held(scope)
        compare(*arguments, **structure)
        for name, content in held(scope).items():
            if before.get(name, content) != content:
                kind = type(scope[name]).__name__.replace("ndarray", "array")
                raise Wrong(OVERWRITTEN.format(f"the {kind} that came in"))

    scope = {
        "np": np,
        "math": math,
        "compare": comparing,
        "backward_twice": backward_twice,
        "known": getattr(diagnosis(), "known", None),
        **names,
    }
    code = compile(check, "<check>", "exec")
    with np.errstate(all="ignore"):
        exec(code, scope)


def held(scope: dict[str, Any]) -> dict[str, Any]:
    """What the arrays and lists of a check hold, in a form that can be compared."""
    import numpy as np

    arrays = {name: each.tobytes() for name, each in scope.items() if type(each) is np.ndarray}
    return arrays | {name: repr(each) for name, each in scope.items() if type(each) is list}


def backward_twice(y: Any, dy: Any, *inputs: tuple[Any, Any]) -> None:
    """y.backward(dy), and once more from the start; says what the rules overwrite: dy, what they
    keep, or the numbers of the inputs, each a pair (Tensor, its array)."""
    import numpy as np

    def differ(ours: Any, theirs: Any) -> bool:
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        comparable = ours.shape == theirs.shape and ours.dtype.kind == theirs.dtype.kind == "f"
        return comparable and not np.array_equal(ours, theirs, equal_nan=True)

    dy = np.array(dy, float)
    y.backward(dy.copy())
    if differ(y.grad, dy * np.ones_like(y.data)):
        raise Wrong(OVERWRITTEN.format("dy, which other inputs may still need"))
    found: dict[int, Any] = {}
    todo = [y]
    while todo:
        if id(each := todo.pop()) not in found:
            found[id(each)] = each
            todo += [pair[0] for pair in each.made_from]
    kept = [(each, np.array(each.grad)) for each in found.values() if not len(each.made_from)]
    for each in found.values():
        each.grad = 0.0
    y.backward(dy.copy())
    if any(differ(each.grad, grad) for each, grad in kept):
        raise Wrong("a second backward finds another gradient: a rule changes what it keeps")
    for each, data in inputs:
        if differ(each.data, data):
            raise Wrong(OVERWRITTEN.format("the numbers of the Tensor that came in"))


def diagnosis() -> types.ModuleType:
    """The room beside this one, wherever both are, and without the package around them."""
    if __name__ != "__main__":
        return import_module("..diagnosis", __package__)
    if "rooms" not in sys.modules:
        rooms = sys.modules["rooms"] = types.ModuleType("rooms")
        rooms.__path__ = [str(Path(__file__).parents[1])]
    return import_module("rooms.diagnosis")


def outcome(error: BaseException, task: dict[str, Any], failed: list[str]) -> dict[str, str]:
    """What stopped a check: an open exercise, a name that is not there, or an error."""
    if isinstance(error, NotImplementedError):
        return {"open": " ".join(str(error).split())[:200]}
    if failed and isinstance(error, Missing | NameError):
        return {"error": failed[0]}
    if isinstance(error, Missing):
        return {"missing": str(error)}
    if isinstance(error, AssertionError) and said_by_the_check(error):
        return {"known": str(error)}
    return {"error": own_words(error, task["file"], task["source"], task["stub"])}


def said_by_the_check(error: AssertionError) -> bool:
    """Is this a sentence of the check, and not an `assert` in the learner's file?"""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    asserted = trace and trace.tb_frame.f_code.co_filename == "<check>"
    return bool(str(error)) and (isinstance(error, Wrong) or bool(asserted))


def encode(value: Any, depth: int = 0) -> dict[str, Any]:
    """A result as JSON: numbers and arrays byte for byte; of others only what they are."""
    import numpy as np

    if value is None:
        return {"none": True}
    if isinstance(value, str):
        return {"text": value[:100_000]}
    if isinstance(value, tuple) and depth < 3 and len(value) < 100:
        return {"tuple": [encode(each, depth + 1) for each in value]}
    try:
        array = np.asarray(value)
    except Exception:
        array = np.asarray(None)
    if array.dtype.kind not in "biufc" or array.nbytes > LARGEST:
        cells = array.flat if array.ndim and array.dtype.kind == "O" else ()
        strange = [each for each in cells if not isinstance(each, int | float | np.number)]
        if any(each is None for each in strange):
            return {"type": "None in an array"}
        if strange:
            return {"type": f"an array of {type(strange[0]).__name__}s"}
        return {"type": f"something of the type {type(value).__name__}"}
    if array.dtype.itemsize > 16 or array.dtype.char in "gG":  # long double differs by platform
        array = array.astype(float)
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}


class Watch:
    """Ends the process where one exercise takes more of the processor's time than it may.

    A thread sees to that: every platform has them. Should the caller be gone while the process
    waits for something, the clock on the wall ends it.
    """

    end: float
    late: float

    def __init__(self, seconds: float, patience: float):
        self.seconds: float = seconds
        self.patience: float = patience
        self.restart()
        threading.Thread(target=self.look, daemon=True).start()

    def restart(self) -> None:
        self.end, self.late = time.process_time() + self.seconds, time.monotonic() + self.patience

    def look(self) -> None:
        while (left := self.end - time.process_time()) > 0:
            if time.monotonic() > self.late:
                os._exit(1)
            time.sleep(max(left / 2, 0.01))  # half: several threads are faster than the clock
        os._exit(TOO_LONG)


def work(job: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    """Run every file with its checks, and say what each gives."""
    say({})
    for task in job["tasks"]:
        given = (task[each] for each in ("source", "file", "beside", "stub"))
        program, failed = definitions(*given)
        if failed and not vars(program):
            say({"stopped": {"error": failed[0]}})
            continue
        names: dict[str, Any] = {}
        if "solution" in task:
            names["solution"] = definitions(task["solution"], "<solution>", task["beside"])[0]
        say({"ready": True})
        for source in task["checks"]:
            results: list[dict[str, Any]] = []

            def compare(name: Any, function: Any, results=results, program=program) -> None:
                results.append(encode(function(program)))

            stopped = {}
            try:
                run_check(values_only(source), names, compare)
            except BaseException as error:
                stopped = outcome(error, task, failed)
            say({"results": results, "stopped": stopped})


def main() -> None:
    refused, folders = sys.argv[1], sys.argv[2:]
    sys.path += folders
    channel = os.fdopen(os.dup(1), "w", encoding="ascii")
    job = json.loads(sys.stdin.buffer.read())
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
    sys.stdin = open(os.devnull, encoding="utf-8")

    watch = Watch(job["seconds"], job["patience"])

    def say(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()
        watch.restart()

    os.chdir(job["scratch"])
    diagnosis()  # and with it NumPy, which is not the learner's time
    if refused:  # a stranger's file, which may not read the pages there
        import_module("rooms.learn.sandbox").close_sandbox(job["scratch"], folders, refused)
    work(job, say)
    os._exit(0)  # not waiting for threads that are still there


if __name__ == "__main__":
    main()
