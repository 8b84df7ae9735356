"""Random malformed calls of everything public, and of the compiled kernels: who breaks a promise?

    python tests/helpers/malformed.py --calls 10000 --seed 1  # prints a summary as JSON
    python tests/helpers/malformed.py --seed 1 --only 123     # one of them, with its traceback

Each call begins as a valid one, of VALID or of kernel_calls.py; then arguments are replaced,
dropped, added or exchanged. It may succeed or raise an error of an allowed type; a call that raises
must leave everything that it was given, and the library's own settings, as they were.
"""

import argparse
import ast
import collections
import contextlib
import importlib
import io
import json
import os
import pkgutil
import random
import re
import sys
import tempfile
import traceback
import urllib.request
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # `helpers`, where this runs by itself

import numpy as np  # noqa: E402
from helpers import kernel_calls  # noqa: E402
from helpers.bad_values import ARRAYS, JUNK, is_plain  # noqa: E402
from helpers.call_promises import (  # noqa: E402
    NEVER,
    fingerprint,
    is_allowed,
    is_of_an_argument,
    restore,
    settings,
    training,
)
from helpers.fresh_values import FRESH, Double  # noqa: E402
from helpers.limits import at_most, limit_memory  # noqa: E402
from helpers.valid_calls import VALID  # noqa: E402

import minigrad as m  # noqa: E402
from minigrad import _kernels, nn, ops, optim  # noqa: E402
from minigrad.nn import functional as F  # noqa: E402
from minigrad.nn import init  # noqa: E402
from minigrad.optim import lr_scheduler as schedule  # noqa: E402
from minigrad.utils import data  # noqa: E402

SECONDS = 10  # a call that takes longer hangs
MEMORY = 3 << 29  # bytes of address space: what asks for more is refused by the system
FINDERS = ("get_parameter", "get_buffer", "get_submodule")
WARNED = ("Data type alias", "mse_loss", "l1_loss", "smooth_l1_loss", "DataLoader: ",
          "random_split", "tensor: data requires", "Tensor: data requires", "var: degrees",
          "std: degrees", "clip_grad_norm_: parameters is an iterator",
          )  # fmt: skip  # documented UserWarnings

# --- a call --------------------------------------------------------------------------------------


class Call:
    """A valid call, later a malformed one: a function, what it belongs to, and arguments."""

    def __init__(self, text, owner, function, args, kwargs):
        self.text = text
        self.owner, self.function = owner, function
        self.args, self.kwargs = args, kwargs
        self.bystanders = []  # what else must not change
        self.changes = []

    def spoil(self, rng):
        """Replace, drop, add or exchange arguments."""
        if self.function is setattr:  # of which only the value comes from the user
            self.args[2] = self._junk(rng, 2)
            return
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            places = [*range(len(self.args)), *self.kwargs]
            kind = rng.random()
            if not places or kind < 0.05:
                self.args.append(self._junk(rng, "appended"))
            elif kind < 0.08:
                name = rng.choice(["dim", "out", "dtype", "device", "size", "nonsense", "axis"])
                self.kwargs[name] = self._junk(rng, name)
            elif kind < 0.12 and self.args:
                self.args.pop(rng.randrange(len(self.args)))
                self.changes.append("dropped")
            elif kind < 0.16 and len(self.args) > 1:
                rng.shuffle(self.args)
                self.changes.append("shuffled")
            else:
                place = rng.choice(places)
                where = self.args if isinstance(place, int) else self.kwargs
                if is_plain(where[place]) and rng.random() < 0.7:
                    name, change = rng.choice(list(ARRAYS.items()))
                    others = [a for a in self.args if is_plain(a)]
                    where[place] = change(where[place], rng.choice(others or [where[place]]))
                    self.changes.append(f"{place} {name}")
                elif isinstance(where[place], list) and where[place] and rng.random() < 0.6:
                    self._spoil_inside(where, place, rng)
                else:
                    where[place] = self._junk(rng, place)

    def _spoil_inside(self, where, place, rng):
        """Of a list, one element (of an optimizer's updates, one part of a tuple)."""
        inside = list(where[place])
        k = rng.randrange(len(inside))
        if isinstance(inside[k], tuple) and inside[k]:
            parts = list(inside[k])
            j = rng.randrange(len(parts))
            if is_plain(parts[j]) and rng.random() < 0.7:
                name, change = rng.choice(list(ARRAYS.items()))
                parts[j] = change(parts[j], parts[j])
                self.changes.append(f"{place}[{k}][{j}] {name}")
            else:
                parts[j] = self._junk(rng, f"{place}[{k}][{j}]")
            inside[k] = tuple(parts)
        else:
            inside[k] = self._junk(rng, f"{place}[{k}]")
        where[place] = inside

    def _junk(self, rng, place):
        name = rng.choice(list(JUNK))
        self.changes.append(f"{place} = {name}")
        return JUNK[name]()

    def __str__(self):
        return f"{self.text}  [{'; '.join(self.changes)}]"

    def run(self):
        return self.function(*self.args, **self.kwargs)

    def given(self):
        return [self.owner, self.bystanders, self.args, self.kwargs]


class Objects(dict):
    """The names of an expression of VALID: each made once per call."""

    def __missing__(self, name):
        self[name] = FRESH[name]()
        return self[name]


GLOBALS = {"m": m, "np": np, "nn": nn, "F": F, "init": init, "optim": optim, "data": data,
           "schedule": schedule, "Double": Double}  # fmt: skip


def parsed(line):
    tree = ast.parse(line, mode="eval").body

    def code(part):
        return compile(ast.Expression(part), line, "eval")

    owner = code(tree.func.value) if isinstance(tree.func, ast.Attribute) else None
    args = [code(each) for each in tree.args]
    return line, owner, tree, args, {each.arg: code(each.value) for each in tree.keywords}, code


def template(line):
    """A function that makes the valid call of a line, with new objects."""
    line, owner, tree, args, kwargs, code = parsed(line)
    function = None if owner is not None else code(tree.func)

    def make():
        objects = Objects()

        def evaluate(part):
            return eval(part, GLOBALS, objects)

        of = None if owner is None else evaluate(owner)
        called = evaluate(function) if owner is None else getattr(of, tree.func.attr)
        call = Call(
            line,
            called if owner is None else of,
            called,
            [evaluate(part) for part in args],
            {name: evaluate(part) for name, part in kwargs.items()},
        )
        call.bystanders = [each for name, each in objects.items() if name != "path"]
        if isinstance(of, (type, type(m))):
            call.owner = None
        return call

    return make


def kernel_template(name):
    def make():
        return Call(name, None, _kernels._compiled[name], kernel_calls.CALLS[name](130), {})

    return make


def internal():
    """Functions and classes that are not public, but can be reached: they must not crash."""
    modules = [importlib.import_module(f"minigrad.{name}")
               for name in ("autograd.engine", "autograd.grad_mode", "tensor")]  # fmt: skip
    each = pkgutil.walk_packages(ops.__path__, "minigrad.ops.")
    modules += [importlib.import_module(module.name) for module in each]
    for module in modules:
        for name, function in vars(module).items():
            if callable(function) and name not in ("install_operators", "method"):
                yield lambda name=name, f=function: Call(f"internal {name}", None, f, [], {})


TEMPLATES = [template(line) for line in VALID.strip().splitlines()]
INTERNAL = list(internal())
KERNELS = [kernel_template(name) for name in kernel_calls.names()]


def random_call(seed, k):
    rng = random.Random(f"{seed}/{k}")
    m.manual_seed(rng.randrange(1000))
    kind = rng.random()
    call = rng.choice(KERNELS if kind < 0.25 else INTERNAL if kind < 0.35 else TEMPLATES)()
    if call.text.startswith("internal"):
        call.args = [call._junk(rng, place) for place in range(rng.randrange(4))]
    else:
        call.spoil(rng)
    return call


# --- the run -------------------------------------------------------------------------------------


class Hang(BaseException):
    pass


def problem_of(error, call):
    """What is wrong about this error, or None."""
    if isinstance(error, Hang):
        return "hang"
    if is_of_an_argument(error):
        return None
    if call.text.startswith("internal") and not isinstance(error, NEVER):
        return None
    if isinstance(error, AttributeError) and call.function.__name__ in FINDERS:
        return None if is_named(error, call) else f"unnamed {error!r}"  # torch's error for a path
    if isinstance(error, Warning) and call.text.startswith("np."):
        return None  # NumPy's own functions may warn
    if isinstance(error, Warning):
        return None if str(error).startswith(WARNED) else f"warning {error!r}"
    return None if is_allowed(error) else f"{type(error).__name__}: {error}"


WORD = re.compile(r"\w+")


def is_named(error, call):
    """Whether the message names the operation or one of its arguments."""
    if isinstance(error, MemoryError) or is_of_an_argument(error):
        return True  # the bytes and the shape say it
    function = getattr(call.function, "__name__", "") or type(call.function).__name__
    kind = type(getattr(call.function, "__self__", call.owner)).__name__
    names = {function, function.strip("_"), function.rstrip("_")}
    names |= {kind, type(call.function).__name__}
    names |= set(call.kwargs) | set(WORD.findall(call.text))
    return bool(names & set(WORD.findall(str(error))))


def run(seed, numbers, last):
    found = {"calls": 0, "raised": collections.Counter(), "right": 0, "problems": [],
             "unnamed": collections.Counter(), "kernels": 0, "functions": set()}  # fmt: skip
    expected, initial = training(), settings()
    for k in numbers:
        call = random_call(seed, k)
        last.seek(0)
        last.write(f"seed {seed}, call {k}: {call}\n".encode(errors="replace").ljust(400))
        last.flush()
        before, set_before = fingerprint(call.given()), settings()
        error = None
        try:
            with at_most(SECONDS, Hang()):
                result = call.run()
        except BaseException as raised:
            error = raised
        problems = [] if error is None else [problem_of(error, call)]
        if error is None:
            found["right"] += 1
            problems.append(printed(result))
        else:
            found["raised"][type(error).__name__] += 1
            if not (call.text.startswith("internal") or is_named(error, call)):
                found["unnamed"][f"{type(error).__name__}: {error}"[:120] + f"  <- {call}"] += 1
            if settings() != set_before:
                problems.append("changed the settings")
            if fingerprint(call.given()) != before and not writes_late(call):
                problems.append(f"changed what it was given, then raised {error!r}")
        found["problems"] += [f"{seed}/{k} {call}: {each}" for each in problems if each]
        found["calls"] += 1
        found["kernels"] += call.text in kernel_calls.CALLS
        found["functions"].add(call.text)
        restore(initial)
        if k % 50 == 0 and training() != expected:
            found["problems"].append(f"{seed}/{k} {call}: a training step is not right afterwards")
    return found | {"functions": len(found["functions"])}


def printed(result):
    """What is wrong about a result that cannot even be shown."""
    if isinstance(result, m.Tensor) and result.numel() > 10_000:
        return None
    try:
        if isinstance(result, (m.Tensor, nn.Module, optim.Optimizer)):
            repr(result)
    except Exception as error:
        return None if is_of_an_argument(error) else f"repr: {error!r}"


def writes_late(call):
    """Calls that may fail after they wrote, by their nature.

    A kernel that meets a wrong index half way has written its output until there; a user's hook,
    closure or collate_fn, an iterator that was drawn from, are not the library's to take back.
    """
    late = ("max_pool2d_scatter", "max_pool2d_gather")
    return call.text in late


def prepare():
    """Nothing outside of the temporary folder, no network, limits, and warnings are errors."""
    os.chdir(tempfile.mkdtemp())
    os.environ["HOME"] = os.environ["XDG_CACHE_HOME"] = os.getcwd()

    def unreachable(*_, **__):
        raise OSError("no network in this test")

    urllib.request.urlopen = unreachable
    limit_memory(MEMORY)
    warnings.simplefilter("error")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run just this one, and show what it does")
    parser.add_argument("--last", default=os.devnull, help="file that names the call under way")
    options = parser.parse_args()
    last = open(options.last, "wb")  # noqa: SIM115  open until the process dies
    prepare()
    if options.only is not None:
        call = random_call(options.seed, options.only)
        print(call)
        try:
            print(repr(call.run())[:2000])
        except BaseException:
            traceback.print_exc()
        return
    with contextlib.redirect_stdout(io.StringIO()):
        found = run(options.seed, range(options.calls), last)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
