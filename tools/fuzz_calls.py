"""Random programs with random, often malformed calls of everything public, and of the kernels.

    python tools/fuzz_calls.py --seconds 3600 --seed 7
    python tools/fuzz_calls.py --seed 7 --only 1234     # that program again, call by call
    python tools/sanitize.py --run tools/fuzz_calls.py --seconds 3600

A program is a handful of calls on a pool of values, to which results are added. Arguments are made
to the name of the parameter: mostly what belongs there, in any shape, dtype and layout; sometimes
anything at all. Wrong are: an exception of a kind that is not documented; a warning; a call that
failed, or was not in place, and left its inputs, a gradient, a module or a generator changed; more
than 10 s for a call; the end of the process, after which "last" in the folder --keep names the
program. "programs" there lists the first program for each outcome of each function.
"""

import argparse
import faulthandler
import gc
import inspect
import os
import random
import re
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import minigrad as mg  # noqa: E402
from minigrad import _kernels, nn  # noqa: E402

MOST_SECONDS = 10
MOST_ELEMENTS = 100_000  # of a result that other calls are given
DOCUMENTED = (TypeError, ValueError, IndexError, OverflowError, MemoryError, mg.GraphError)
DOCUMENTED += (NotImplementedError, BufferError)  # a module without forward; DLPack's own
DOCUMENTED += (ZeroDivisionError,)  # of integers, as Python

# --- what is called ------------------------------------------------------------------------------

UNCALLED = set(
    "save load set_printoptions set_default_dtype use_kernels Tensor CheckpointError DTypeError "
    "GraphError ShapeError __class__ __init_subclass__ __subclasshook__ __new__ __init__ "
    "__getattribute__ __setattr__ __delattr__ __setstate__ __reduce__ __reduce_ex__ __getstate__ "
    "__dir__ __sizeof__ __format__ __deepcopy__ _share register_hook graph _repr_html_ "
    "set_grad_enabled enable_grad no_grad".split()
)


def doors():
    """(name, function, parameters): everything that is called, by group."""
    functional = {f"nn.functional.{name}": getattr(nn.functional, name)
                  for name in nn.functional.__all__}  # fmt: skip
    functions = {name: getattr(mg, name) for name in mg.__all__}
    methods = {f"Tensor.{name}": getattr(mg.Tensor, name) for name in dir(mg.Tensor)}
    layers = {f"nn.{name}": getattr(nn, name) for name in nn.__all__}
    optimizers = {f"optim.{name}": getattr(mg.optim, name) for name in ("SGD", "Adam", "AdamW")}
    init = {f"nn.init.{name}": f for name, f in vars(nn.init).items() if name.endswith("_")}
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


# --- what it is called with ----------------------------------------------------------------------

NUMBERS = [0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.5, 1e-5, 1e38, 1e308, float("nan"), float("inf"), -0.0]
HUGE = [2**31 - 1, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63), 2**63, 2**64, 10**30, -(10**30)]
WORDS = ["mean", "sum", "none", "floor", "trunc", "fro", "same", "valid", "tanh", "cpu", "cuda"]
WORDS += ["float32", "fan_in", "fan_out", "relu", "zeros", "", "x", "\0", "\ud800", "inf"]
KINDS = ["float32"] * 6 + ["float64"] * 3 + ["int64"] * 3 + ["int32", "uint8", "bool"]
STRANGE = ["float16", "complex64", "object", "U3", ">f4", ">i8", "uint64", "M8[s]", "V8"]


class Values:
    """Arguments for the calls of one program."""

    def __init__(self, rng):
        self.rng = rng
        self.numpy = np.random.default_rng(rng.randrange(2**32))
        self.sizes = rng.choices([0, 1, 2, 3, 4, 5, 8], [1, 3, 4, 4, 3, 2, 1], k=3)
        self.pool = [self.tensor() for _ in range(4)]

    def chance(self, p):
        return self.rng.random() < p

    def shape(self, ndim=None):
        ndim = self.rng.choice([0, 1, 1, 2, 2, 2, 3, 4, 4, 5]) if ndim is None else ndim
        return tuple(self.rng.choice(self.sizes) for _ in range(ndim))

    def array(self, shape=None, kind=None):
        """Any values in any layout."""
        shape = self.shape() if shape is None else shape
        a = self.numpy.standard_normal(shape) * self.rng.choice([1, 1, 1, 3, 100, 1e30])
        kind = kind or self.rng.choice(STRANGE if self.chance(0.05) else KINDS)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "object":
                a = a.astype(object)
            elif kind not in ("float32", "float64") or self.chance(0.1):
                a = self.numpy.integers(-1, self.rng.choice([2, 4, 9]), shape).astype(kind)
            else:
                a = np.asarray(a, kind)
                if a.size and self.chance(0.1):
                    place = self.rng.randrange(a.size)
                    a.flat[place] = self.rng.choice([*NUMBERS, -np.inf, 5e-324])
        return self.layout(np.asarray(a))

    def layout(self, a):
        if self.chance(0.6):
            return a
        match self.rng.randrange(7):
            case 0:
                return np.asfortranarray(a)
            case 1 if a.ndim:
                return np.ascontiguousarray(a[::-1])[::-1]
            case 2 if a.ndim:
                return np.repeat(a, 2, axis=-1)[..., ::2]
            case 3 if a.ndim and a.size:
                return np.broadcast_to(a[:1], a.shape)
            case 4:
                a.flags.writeable = False
            case 5 if a.dtype != object:
                memory = np.zeros(a.nbytes + 1, np.uint8)
                moved = memory[1:].view(a.dtype) if a.nbytes else memory[:0].view(a.dtype)
                moved = moved.reshape(a.shape)
                moved[...] = a
                return moved
            case 6 if a.ndim > 1:
                return np.swapaxes(a, 0, -1)
        return a

    def tensor(self, shape=None, kind=None):
        a = self.array(shape, kind or self.rng.choice(KINDS))
        try:
            t = mg.from_numpy(a)
        except (TypeError, ValueError):
            t = mg.tensor(a)
        if t.dtype.is_floating_point and self.chance(0.5):
            t.requires_grad_()
        return t

    def of(self, *kinds):
        """One from the pool that is of these kinds, if there is one."""
        return self.rng.choice([v for v in self.pool if isinstance(v, kinds)] or [None])

    def some_tensor(self):
        t = self.of(mg.Tensor) if self.chance(0.7) else None
        return self.tensor() if t is None else t

    def anything(self):
        rng = self.rng
        makers = [
            lambda: None, self.some_tensor, self.array, lambda: rng.choice(NUMBERS),
            lambda: rng.choice(HUGE), lambda: rng.choice(WORDS), lambda: rng.choice(self.pool),
            lambda: [self.anything() for _ in range(rng.randrange(3))],
            lambda: tuple(rng.choice([*self.sizes, -1, 2**62]) for _ in range(rng.randrange(4))),
            lambda: {"a": self.anything()}, lambda: b"bytes", lambda: 2j, lambda: ...,
            lambda: rng.choice([True, False]), object, lambda: len, lambda: mg.float32,
            lambda: slice(rng.choice([None, 0, -1, 2**62]), None, rng.choice([None, 2, -1, 0])),
            lambda: np.float32(rng.choice(NUMBERS)), lambda: np.int64(rng.randrange(-2, 9)),
            lambda: mg.Generator(), lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
        ]  # fmt: skip
        return rng.choice(makers)()

    def argument(self, name):
        """What a parameter of this name is for, or, one time in eight, anything at all."""
        if self.chance(0.12):
            return self.anything()
        rng, size = self.rng, lambda: self.rng.choice([*self.sizes, 1, 2, -1])
        sizes = lambda: rng.choice([size, lambda: (size(), size()), self.shape])()  # noqa: E731
        dim = lambda: rng.choice([0, 0, 1, -1, -1, 2, -2, 3, 7])  # noqa: E731
        number = lambda: rng.choice([*NUMBERS[:8], 0.1, 0.9, rng.random()])  # noqa: E731
        if name in FITTING and self.near is not None and self.chance(0.7):
            return self.fitting(name)
        match name:
            case "input" if self.near is None:
                self.near = self.some_tensor()
                return self.near
            case "input" | "self" | "outputs" | "vec" | "running_mean" | "running_var" | "tensor":
                return self.some_tensor()
            case "other" | "exponent" | "value" | "src" | "fill_value" | "min" | "max" | "gradient":
                return rng.choice([self.some_tensor, self.some_tensor, number, self.array])()
            case "weight" | "bias" | "mat2" | "grad_outputs" | "pos_weight" | "condition":
                return rng.choice([self.some_tensor, self.some_tensor, lambda: None])()
            case "target" | "index" | "mask":
                kind = "bool" if name == "mask" else "int64"
                like = self.some_tensor().shape
                make = [lambda: self.tensor(tuple(like), kind), lambda: self.tensor(None, kind)]
                make += [lambda: self.tensor(tuple(like[:1]), kind), self.some_tensor, dim]
                return rng.choice(make)()
            case "key":
                parts = [dim, lambda: None, lambda: ..., lambda: self.argument("mask"),
                         lambda: slice(rng.choice([None, *HUGE, 0, 1]), rng.choice([None, -1, 2]),
                                       rng.choice([None, 1, 2, -1])), self.array]  # fmt: skip
                return rng.choice([rng.choice(parts), lambda: tuple(
                    rng.choice(parts)() for _ in range(rng.randrange(4)))])()  # fmt: skip
            case "tensors" | "params" | "parameters" | "inputs" | "modules" | "samples":
                return [self.some_tensor() for _ in range(rng.randrange(1, 4))]
            case "module" | "model":
                return self.of(nn.Module)
            case "optimizer":
                return self.of(mg.optim.Optimizer)
            case "dim":
                return rng.choice([dim, dim, lambda: None, lambda: (dim(), dim())])()
            case "dim0" | "dim1" | "start_dim" | "end_dim" | "axis":
                return dim()
            case (
                "shape"
                | "size"
                | "dims"
                | "normalized_shape"
                | "kernel_size"
                | "stride"
                | ("padding" | "dilation" | "split_size_or_sections")
            ):
                return sizes()
            case "dtype":
                return rng.choice([None, None, mg.float32, mg.float64, mg.int64, mg.bool, float])
            case "device":
                return rng.choice([None, "cpu"])
            case "generator":
                return rng.choice([None, mg.Generator()])
            case "reduction":
                return rng.choice(WORDS[:3])
            case "attribute":
                return rng.choice(["grad", "data", "requires_grad", "shape", "x", "grad_fn"])
            case "size_average" | "reduce" | "step" | "noise" | "memo" | "hook" | "mod":
                return None
            case _ if name in FLAGS:
                return rng.choice([True, False])
            case _ if name.startswith(("num", "in_", "out_", "n", "m", "groups", "chunks", "C")):
                return size()
        return rng.choice([number, number, size, lambda: rng.choice(HUGE)])()

    def fitting(self, name):
        """A weight, a bias or statistics for the input that this call already has."""
        shape, kind = tuple(self.near.shape), self.near.dtype.name
        channel, size = shape[1:2] or shape, self.rng.choice([1, 2, 3])
        if name == "target":
            return self.tensor(shape[:1] + shape[2:], "int64")
        if name.startswith("running_"):
            return mg.rand(channel, dtype=self.near.dtype) if kind.startswith("float") else None
        shapes = [channel, channel, shape[-1:], (size, *channel, 2, size), (size, *shape[-1:])]
        return self.tensor(self.rng.choice(shapes), kind)

    def arguments(self, door, parameters):
        """(positional, named); what is optional is mostly left out."""
        if door.startswith("_kernels."):
            return self.kernel_arguments(parameters), {}
        positional, named, gap = [], {}, False
        self.near = None
        for name, optional, by_name in parameters:
            if optional and self.chance(0.6):
                gap = True
            elif gap or by_name:
                named[name] = self.argument(name)
            else:
                positional.append(self.argument(name))
        return positional, named

    def kernel_arguments(self, parameters):
        """Arrays whose sizes mostly fit together, so that many calls reach the loops."""
        real = self.rng.choice(["float32", "float64"])
        shape = self.shape(self.rng.choice([1, 2, 2, 3, 3, 4]))
        groups = self.rng.choice([shape[0] if shape else 1, *self.sizes])
        windows = self.shape(4)

        def contiguous(shape, kind, low=-3, high=5):
            if kind.startswith("float"):
                return self.numpy.standard_normal(shape).astype(kind)
            return self.numpy.integers(low, max(high, low + 1), shape).astype(kind)

        def make(name):
            if self.chance(0.08):
                value = self.rng.choice([self.anything, self.array])()
                aligned = not isinstance(value, np.ndarray) or value.flags.aligned
                return value if aligned else value.copy()  # the one thing kernels do not look at
            channel = shape[1:2] if len(shape) > 1 else shape
            match name:
                case "updates":
                    return [self.update(real) for _ in range(self.rng.randrange(4))]
                case "mean" | "var" | "inv_std" | "R" | "D":
                    sizes = [channel, shape[:1], (shape[0], groups) if shape else (), shape[::2]]
                    return contiguous(self.rng.choice(sizes), "float64")
                case "gamma" | "beta" | "dgamma" | "dbeta" | "running_mean" | "running_var":
                    return contiguous(shape[-1:] if self.chance(0.3) else channel, real)
                case "weight":
                    return None if self.chance(0.5) else contiguous(channel, real)
                case "targets":
                    C = (channel or (1,))[0] + self.chance(0.1)
                    return contiguous(shape[:1], "int64", 0, C)
                case "index":
                    return contiguous(shape, "int64", -1, 1 + (shape or (1,))[-1])
                case "mask":
                    return contiguous(shape, "uint8", 0, 2)
                case "scratch":
                    return contiguous(channel, "float64")
                case "loss" | "dloss":
                    return contiguous(self.rng.choice([(1,), shape[:1]]), real)
                case "columns":
                    return contiguous((*shape[:2], *windows), real)
                case "reduction":
                    return self.rng.choice(WORDS[:3])
                case "unbiased" | "training":
                    return self.rng.choice([True, False])
                case "y" if self.chance(0.3):
                    return contiguous(shape[:1] + self.shape(2), real)
                case "y" if self.chance(0.3):
                    return contiguous(shape[::2], "float64")
                case _ if name in ARRAYS:
                    return contiguous(shape, real)
                case "eps" | "p" | "slope" | "divisor" | "momentum" | "r_max" | "d_max":
                    return self.rng.choice([*NUMBERS, 0.1, 1.0])
            small = self.rng.choice([0, 1, 1, 1, 2, 2, 3, -1])
            return self.rng.choice(HUGE) if self.chance(0.05) else small

        return [make(name) for name, _, _ in parameters]

    def update(self, real):
        """What sgd_step or adam_step take for a parameter."""
        shape = self.shape(2)
        arrays = [self.numpy.standard_normal(shape).astype(real) for _ in range(5)]
        if self.chance(0.2):
            arrays[self.rng.randrange(5)] = np.require(self.array(), requirements="A")
        if self.chance(0.5):
            rest = [self.rng.choice([0.1, 0.9, 0.0, *NUMBERS]) for _ in range(4)]
            return (*arrays[: self.rng.choice([3, 3, 3, 2])], *rest, True, False)
        if self.chance(0.5):
            arrays[4] = None
        rest = [self.rng.choice([0.1, 0.9, 0.0, *NUMBERS]) for _ in range(5)]
        return (*arrays, self.rng.choice([1, 2, 0, 2**40, -1]), *rest, True, False)


FLAGS = set(
    "keepdim requires_grad inplace training affine track_running_stats bias amsgrad nesterov "
    "maximize retain_graph create_graph allow_unused equal_nan unbiased replacement ceil_mode "
    "return_indices elementwise_affine unbiased_running_var shuffle drop_last copy force "
    "error_if_nonfinite".split()
)
FITTING = set("weight bias running_mean running_var target".split())
ARRAYS = set("x y dy dx error logits dlogits u".split())
NEVER_WRITTEN = set("dy gamma beta targets logits weight u dloss updates".split())

# --- what must not happen ------------------------------------------------------------------------


def content(value, depth=0):
    """The value bit by bit, as far as a call might change it."""
    if isinstance(value, mg.Tensor):
        return (value.requires_grad, bits(value.detach().numpy()), content(value.grad))
    if isinstance(value, np.ndarray):
        return bits(value)
    if isinstance(value, nn.Module):
        tensors = [*value.parameters(), *value.buffers()]
        return ([content(t) for t in tensors], [m.training for m in value.modules()])
    if isinstance(value, mg.optim.Optimizer):
        return repr(value.param_groups), [content(v) for v in value.state.values()]
    if isinstance(value, mg.Generator):
        return content(value.get_state())
    if isinstance(value, dict):
        return [(key, content(item, depth + 1)) for key, item in value.items()]
    if isinstance(value, (list, tuple)) and depth < 5:
        return [content(item, depth + 1) for item in value]
    return None


def bits(a):
    if a.dtype.hasobject:
        return a.shape
    if a.size > MOST_ELEMENTS:  # stretched by stride 0, or empty memory
        return a.shape, a.dtype, a.strides
    return a.shape, a.dtype.str, a.tobytes()


def may_write(door, named):
    name = door.rpartition(".")[2]
    return (
        name.endswith("_") and not name.startswith("__")
        or name.startswith(("__i", "__setitem__", "batch_", "rand", "dropout", "multinomial"))
        or name in ("call", "step", "backward", "set", "grad", "manual_seed", "set_rng_state")
        or name in ("vector_to_parameters", "retain_grad", "relu", "leaky_relu")
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
        before = content(state)
        start, wrong, result = time.process_time(), None, None
        try:
            result = function(*positional, **named)
            if isinstance(result, mg.Tensor) and result.numel() < MOST_ELEMENTS:
                repr(result)
            outcome = f"ok {type(result).__name__} {getattr(result, 'dtype', '')}"
        except Exception as error:
            outcome = f"{type(error).__name__}: {template(error)}"
            documented = isinstance(error, DOCUMENTED) or type(error) is RuntimeError
            if door.startswith("_kernels.") or door == "set":  # the former's callers know kinds
                documented = documented or isinstance(error, AttributeError)
            if not documented or isinstance(error, Warning):
                wrong = f"{type(error).__name__}: {str(error)[:200]}"
        seconds = time.process_time() - start
        state[2] = mg.get_rng_state()
        if seconds > MOST_SECONDS:
            wrong = f"{seconds:.0f} s"
        elif content(state) != before and (
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


def brief(value):
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
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(brief, value))})"
    return repr(value)[:60]


# --- the run -------------------------------------------------------------------------------------


def limit_memory():
    """Calls that ask for gigabytes get a MemoryError. (Sanitizers have an option of their own.)"""
    if "libasan" not in os.environ.get("LD_PRELOAD", ""):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), -1))


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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--only", type=int, help="the number of one program, shown call by call")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz" / "calls")
    options = parser.parse_args()
    limit_memory()
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
