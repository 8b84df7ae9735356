"""The arguments of random calls, for calls.py: what belongs there, or anything at all."""

import warnings

import numpy as np
from helpers.bad_values import ARRAYS, JUNK

import minigrad as mg
from minigrad import _kernels, nn

NUMBERS = [0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.5, 1e-5, 1e38, 1e308, float("nan"), float("inf"), -0.0]
HUGE = [2**31 - 1, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63), 2**63, 2**64, 10**30, -(10**30)]
WORDS = ["mean", "sum", "none", "floor", "trunc", "fro", "same", "valid", "tanh", "cpu", "cuda"]
WORDS += ["float32", "fan_in", "fan_out", "relu", "zeros", "", "x", "\0", "\ud800", "inf"]
KINDS = ["float32"] * 6 + ["float64"] * 3 + ["int64"] * 3 + ["int32", "uint8", "bool"]
LAYOUTS = "fortran reversed transposed misaligned read-only".split()
LAYOUTS += ["every other", "one for all"]
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
        if self.chance(0.6) or a.dtype == object or not a.size or not a.ndim:
            return a
        return ARRAYS[self.rng.choice(LAYOUTS)](a, a)

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
            self.some_tensor, self.array, lambda: rng.choice(self.pool),
            lambda: rng.choice([*NUMBERS, *HUGE]), lambda: rng.choice(WORDS),
            lambda: [self.anything() for _ in range(rng.randrange(3))],
            lambda: tuple(rng.choice([*self.sizes, -1, 2**62]) for _ in range(rng.randrange(4))),
            lambda: {"a": self.anything()},
            lambda: slice(rng.choice([None, 0, -1, 2**62]), None, rng.choice([None, 2, -1, 0])),
            lambda: np.float32(rng.choice(NUMBERS)), lambda: np.int64(rng.randrange(-2, 9)),
            *[lambda: JUNK[rng.choice(list(JUNK))]()] * 10,
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
                case _ if name in NAMES_OF_ARRAYS:
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
            lr, momentum, decay, dampening = self.rates(4)
            options = _kernels.SGDOptions(
                lr=lr, momentum=momentum, weight_decay=decay, nesterov=True, maximize=False
            )
            return (*arrays[: self.rng.choice([3, 3, 3, 2])], dampening, options)
        if self.chance(0.5):
            arrays[4] = None
        lr, beta1, beta2, eps, decay = self.rates(5)
        options = _kernels.AdamOptions(
            lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=decay, decoupled=True,
            maximize=False,
        )  # fmt: skip
        return (*arrays, self.rng.choice([1, 2, 0, 2**40, -1]), options)

    def rates(self, count):
        return [self.rng.choice([0.1, 0.9, 0.0, *NUMBERS]) for _ in range(count)]


FLAGS = set(
    "keepdim requires_grad inplace training affine track_running_stats bias amsgrad nesterov "
    "maximize retain_graph create_graph allow_unused equal_nan unbiased replacement ceil_mode "
    "return_indices elementwise_affine unbiased_running_var shuffle drop_last copy force "
    "error_if_nonfinite".split()
)
FITTING = set("weight bias running_mean running_var target".split())
NAMES_OF_ARRAYS = set("x y dy dx error logits dlogits u".split())
