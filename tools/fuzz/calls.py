"""Random programs with random, often malformed calls of everything public, and of the kernels.

    python tools/fuzz/calls.py --seconds 3600 --seed 7
    python tools/fuzz/calls.py --seed 7 --only 1234  # that program again, call by call
    python tools/measure/sanitize.py --run tools/fuzz/calls.py --seconds 3600

A program is a handful of calls on a pool of values, to which results are added. Arguments are made
to the name of the parameter: mostly what belongs there, in any shape, dtype and layout; sometimes
anything at all. Wrong are: an exception of a kind that is not documented; a warning; a call that
failed, or was not in place, and left its inputs, a gradient, a module or a generator changed; more
than 10 s for a call; the end of the process, after which "last" in the folder --keep names the
program. "programs" there lists the first program for each outcome of each function.
"""

import faulthandler
import gc
import inspect
import os
import random
import re
import reprlib
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.call_promises import fingerprint, is_allowed  # noqa: E402
from helpers.limits import limit_memory  # noqa: E402
from values import Values  # noqa: E402

import minigrad as mg  # noqa: E402
from minigrad import _kernels, nn  # noqa: E402
from minigrad.display.terminal import command_line  # noqa: E402

MOST_SECONDS = 10
MOST_ELEMENTS = 100_000  # of a result that other calls are given
OF_FILES = (OSError, KeyError)  # kinds of errors that belong to files and state dicts

# --- what is called ------------------------------------------------------------------------------

UNCALLED = set(
    "save load set_printoptions set_default_dtype use_kernels Tensor CheckpointError DTypeError "
    "GraphError ShapeError __class__ __init_subclass__ __subclasshook__ __new__ __init__ "
    "__getattribute__ __setattr__ __delattr__ __setstate__ __reduce__ __reduce_ex__ __getstate__ "
    "__dir__ __sizeof__ __format__ __deepcopy__ _share register_hook graph _repr_html_ "
    "set_grad_enabled enable_grad no_grad explain".split()
)


def doors():
    """(name, function, parameters): everything that is called, by group."""
    functional = {f"nn.functional.{name}": getattr(nn.functional, name)
                  for name in nn.functional.__all__}  # fmt: skip
    functions = {name: getattr(mg, name) for name in mg.__all__}
    here = [name for name in dir(mg.Tensor) if hasattr(mg.Tensor, name)]
    methods = {f"Tensor.{name}": getattr(mg.Tensor, name) for name in here}
    layers = {f"nn.{name}": getattr(nn, name) for name in nn.__all__}
    optimizers = {
        f"optim.{name}": getattr(mg.optim, name) for name in ("SGD", "Adam", "AdamW", "RMSprop")
    }
    init = {f"nn.init.{name}": f for name, f in vars(nn.init).items()
            if name.endswith("_") and not name.startswith("_")}  # fmt: skip
    utils = ("clip_grad_norm_", "parameters_to_vector", "vector_to_parameters", "fold_batch_norm")
    tools = {f"nn.utils.{name}": getattr(nn.utils, name) for name in utils}
    data = {f"utils.data.{name}": getattr(mg.utils.data, name)
            for name in ("TensorDataset", "DataLoader", "default_collate")}  # fmt: skip
    steps = {"call": call, "step": step, "grad": grad, "set": set_attribute}
    kernels = {f"_kernels.{name}": f for name, f in _kernels._compiled.items()}
    groups = [(functions, 3), (methods, 4), (functional, 3), (kernels, 4), (layers, 1)]
    groups += [({**optimizers, **init, **tools, **data}, 1), (steps, 3)]
    for group, weight in groups:
        yield (
            weight,
            [
                (name, function, parameters(function))
                for name, function in sorted(group.items())
                if callable(function)
                and name.rpartition(".")[2] not in UNCALLED
                and not name.startswith("Tensor.__init")
            ],
        )


def parameters(function):
    """(name, optional, keyword) of each parameter; what has no signature takes self and other."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return [("self", False, False), ("other", True, False)]
    return [
        (p.name, p.default is not p.empty or p.kind is p.VAR_POSITIONAL, p.kind is p.KEYWORD_ONLY)
        for p in signature.parameters.values()
        if p.kind is not p.VAR_KEYWORD
    ]


def call(module, input):
    if not isinstance(module, nn.Module):
        raise TypeError("not a module")
    return module(input)


def step(optimizer):
    if not isinstance(optimizer, mg.optim.Optimizer):
        raise TypeError("not an optimizer")
    optimizer.step()


def grad(outputs, inputs, grad_outputs=None, create_graph=False):
    return mg.autograd.grad(outputs, inputs, grad_outputs, create_graph=create_graph)


def set_attribute(tensor, attribute, value):
    if not isinstance(tensor, mg.Tensor):
        raise TypeError("not a tensor")
    setattr(tensor, attribute, value)


# --- what must not happen ------------------------------------------------------------------------

NEVER_WRITTEN = set("dy gamma beta targets logits weight u dloss updates".split())


def may_write(door, named):
    name = door.rpartition(".")[2]
    return (
        name.endswith("_") and not name.startswith("__")
        or name.startswith(("__i", "__setitem__", "batch_", "rand", "dropout", "multinomial"))
        or name == "normal"
        or name in ("call", "step", "backward", "walk", "set", "grad")
        or name in ("vector_to_parameters", "retain_grad", "relu", "leaky_relu")
        or name in ("manual_seed", "set_rng_state")
        or bool(named.get("inplace"))
        or door.startswith(("nn.", "_kernels.", "utils."))
    )  # fmt: skip


class Target:
    """Runs programs; tells what went wrong and which outcomes they had."""

    def __init__(self, folder):
        self.groups = list(doors())
        self.last = os.open(folder / "last", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self.calls = 0

    def __call__(self, seed, index, tell=lambda text: None):
        """(what went wrong or None, the outcomes) of program `index` of a seed."""
        os.pwrite(self.last, f"--seed {seed} --only {index}".ljust(60).encode(), 0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", UserWarning)  # mse_loss, of shapes that are broadcast
            return self.program(seed, index, tell)

    def program(self, seed, index, tell):
        rng = random.Random(f"{seed}/{index}")
        mg.manual_seed(index)
        values, outcomes = Values(rng), []
        for _ in range(rng.randrange(1, 12)):
            group = rng.choices([g for _, g in self.groups], [w for w, _ in self.groups])[0]
            door, function, parameters = rng.choice(group)
            with np.errstate(all="ignore"):
                positional, named = values.arguments(door, parameters)
            tell(f"{door}{shown(positional, named)}")
            wrong, outcome, result = self.one(door, function, parameters, positional, named, values)
            tell(f"    {outcome}")
            outcomes.append(f"{door}: {outcome}")
            if wrong:
                return f"{door}{shown(positional, named)}: {wrong}", outcomes
            for value in result if isinstance(result, (tuple, list)) else [result]:
                if keepable(value):
                    values.pool.append(value)
            values.pool = values.pool[-12:]
        return None, outcomes

    def one(self, door, function, parameters, positional, named, values):
        self.calls += 1
        arguments = [positional, named]
        if door.startswith("_kernels."):
            names = [name for name, _, _ in parameters]
            arguments = [v for n, v in zip(names, positional, strict=True) if n in NEVER_WRITTEN]
        state = [values.pool, arguments, mg.get_rng_state()]
        before = fingerprint(state)
        start, wrong, result = time.process_time(), None, None
        try:
            result = function(*positional, **named)
            if isinstance(result, mg.Tensor) and result.numel() < MOST_ELEMENTS:
                repr(result)
            outcome = f"ok {type(result).__name__} {getattr(result, 'dtype', '')}"
        except Exception as error:
            outcome = f"{type(error).__name__}: {template(error)}"
            allowed = is_allowed(error) and not isinstance(error, OF_FILES)
            if door.startswith("_kernels.") or door == "set":  # the former's callers know kinds
                allowed = allowed or isinstance(error, AttributeError)
            if not allowed:
                wrong = f"{type(error).__name__}: {str(error)[:200]}"
        seconds = time.process_time() - start
        state[2] = mg.get_rng_state()
        if seconds > MOST_SECONDS:
            wrong = f"{seconds:.0f} s"
        elif fingerprint(state) != before and (
            not outcome.startswith("ok") or not may_write(door, named)
        ):
            wrong = wrong or f"{outcome}, and it has changed its inputs"
        return wrong, outcome, result


def keepable(value):
    if isinstance(value, mg.Tensor):
        return value.numel() <= MOST_ELEMENTS
    return isinstance(value, (nn.Module, mg.optim.Optimizer, mg.Generator))


def template(error):
    return re.sub(r"'[^']*'|\(.*?\)|\d+|nan|inf|-", "_", str(error))[:60]


def shown(positional, named):
    words = [brief(v) for v in positional] + [f"{k}={brief(v)}" for k, v in named.items()]
    return "(" + ", ".join(words) + ")"


def brief(value, depth=3):
    if isinstance(value, (mg.Tensor, np.ndarray)):
        a = value.detach().numpy() if isinstance(value, mg.Tensor) else value
        kind, extra = type(value).__name__, ""
        if not a.flags.c_contiguous:
            extra += f" strides {a.strides}"
        if not a.flags.writeable:
            extra += " read-only"
        if a.size <= 4:
            extra += f" {a.tolist()}"
        return f"<{kind} {a.dtype} {a.shape}{extra}>"
    if isinstance(value, (list, tuple)) and depth:
        return f"{type(value).__name__}({', '.join(brief(each, depth - 1) for each in value)})"
    return reprlib.repr(value)  # also of what holds itself, or fails to say what it is


# --- the run -------------------------------------------------------------------------------------


def address_space():
    """The bytes that this process has asked for until now."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def fuzz(seconds, seed, keep, executions=None, report=print):
    """(calls, findings): as many programs as the seconds, or the given number, allow."""
    keep.mkdir(parents=True, exist_ok=True)
    target, seen, found, done = Target(keep), set(), set(), 0
    start = shown = time.monotonic()

    def status():
        return (
            f"seed {seed}: {done} programs, {target.calls} calls, {time.process_time():.0f} CPU s, "
            f"{time.monotonic() - start:.0f} s, {len(seen)} outcomes, {len(found)} findings"
        )

    with open(keep / "programs", "w", encoding="utf-8", errors="replace") as programs:
        while done != executions and time.monotonic() - start < seconds:
            if done % 20 == 0:
                faulthandler.dump_traceback_later(1200, exit=True)
            wrong, outcomes = target(seed, done)
            if wrong and outcomes[-1] not in found:
                found.add(outcomes[-1])
                report(f"FINDING --seed {seed} --only {done}: {wrong}")
            for outcome in outcomes:
                if outcome not in seen:
                    seen.add(outcome)
                    programs.write(f"{done} {outcome}\n")
            done += 1
            if time.monotonic() - shown > 60:
                shown = time.monotonic()
                report(status())
    faulthandler.cancel_dump_traceback_later()
    report(status())
    return target.calls, len(found)


def main():
    parser = command_line(__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--only", type=int, help="the number of one program, shown call by call")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz" / "calls")
    options = parser.parse_args()
    limit_memory(address_space() + (1 << 30))  # calls that ask for gigabytes get a MemoryError
    gc.freeze()
    if options.only is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        wrong, _ = Target(options.keep)(options.seed, options.only, print)
        print(f"FINDING {wrong}" if wrong else "as it should be")
        sys.exit(wrong is not None)
    _, findings = fuzz(options.seconds, options.seed, options.keep)
    sys.exit(findings > 0)


if __name__ == "__main__":
    main()
