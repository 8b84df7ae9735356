"""Backpropagation to read: arrays with history, and the gradient of every operation derived."""

from . import _build_check  # noqa: F401, I001  first: it says in words what is not compiled
from typing import TYPE_CHECKING
from .tensor import Size, Tensor  # early: from the import of `tensor` on, that is the function
from .tensor import method as _method
from . import absent, autograd, backends, cuda, nn, ops, optim, random, utils  # noqa: F401
from ._kernels import use_kernels
from ._runtime.threads import get_num_threads, set_num_threads
from .autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .autograd import no_grad as inference_mode
from .backends import accelerator
from .devices import device
from .display import compiled as _compiled
from .display import graph as _graph  # noqa: F401
from .display import walk as _walk  # noqa: F401
from .display.printing import set_printoptions
from .dtypes import (
    bool, dtype, float32, float64, get_default_dtype, int32, int64, promote_types,
    set_default_dtype, uint8,
)
from .dtypes import (  # torch's second names
    float32 as float, float64 as double, int32 as int, int64 as long,
)
from .errors import CheckpointError, DTypeError, GraphError, ShapeError
from .ops.array.casting import clone
from .ops.array.creation import (
    arange, as_tensor, empty, empty_like, eye, from_numpy, full, full_like, linspace, ones,
    ones_like, tensor, zeros, zeros_like,
)
from .ops.array.gathering import gather, index_select, masked_fill, scatter
from .ops.array.interop import from_dlpack
from .ops.array.joining import cat, chunk, split, stack, unbind
from .ops.array.ordering import argsort, flip, nonzero, sort, topk, unique
from .ops.array.sampling import (
    multinomial, normal, rand, rand_like, randint, randn, randn_like, randperm,
)
from .ops.array.typed import (
    BoolTensor, ByteTensor, DoubleTensor, FloatTensor, IntTensor, LongTensor, is_tensor,
)
from .ops.math.arithmetic import (
    absolute as abs, add, cos, div, exp, floor_divide, log, mul, neg, power as pow, remainder, sign,
    sin, sqrt, sub,
)
from .ops.math.comparison import (
    allclose, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, eq, equal, ge, gt, isclose,
    isfinite, isinf, isnan, le, logical_and, logical_not, logical_or, logical_xor, lt, ne,
)
from .ops.math.linear import bmm, dot, matmul, mm, mv, outer
from .ops.math.minmax import all, amax, amin, any, argmax, argmin, max, min
from .ops.math.reductions import cumsum, mean, norm, prod, std, sum, var
from .ops.math.selection import clamp, maximum, minimum, where
from .ops.math.shaping import (
    broadcast_to, flatten, numel, permute, reshape, squeeze, t, transpose, unsqueeze,
)
from .ops.nn.activations import relu, sigmoid, tanh
from .ops.nn.log_softmax import log_softmax, logsumexp
from .ops.nn.softmax import softmax
from .random import Generator, get_rng_state, initial_seed, manual_seed, set_rng_state
from .serialization.checkpoint import load, save

if TYPE_CHECKING:  # they come at their first use: absent/later.py
    from . import datasets, onnx
    from .book.opening import explain
    from .book.subject import source

__version__ = "0.1.0"

__all__ = [
    "BoolTensor", "ByteTensor", "CheckpointError", "DTypeError", "DoubleTensor", "FloatTensor",
    "Generator", "GraphError", "IntTensor", "LongTensor", "ShapeError", "Size", "Tensor", "abs",
    "accelerator", "add", "all", "allclose", "amax", "amin", "any", "arange", "argmax", "argmin",
    "argsort", "as_tensor", "autograd", "backends", "bitwise_and", "bitwise_not", "bitwise_or",
    "bitwise_xor", "bmm", "bool", "broadcast_to", "cat", "chunk", "clamp", "clone", "cos", "cuda",
    "cumsum", "datasets", "device", "div", "dot", "double", "dtype", "empty", "empty_like",
    "enable_grad", "eq", "equal", "exp", "explain", "eye", "flatten", "flip", "float", "float32",
    "float64", "floor_divide", "from_dlpack", "from_numpy", "full", "full_like", "gather", "ge",
    "get_default_dtype", "get_num_threads", "get_rng_state", "gt", "index_select", "inference_mode",
    "initial_seed", "int", "int32", "int64", "is_grad_enabled", "is_tensor", "isclose", "isfinite",
    "isinf", "isnan", "le", "linspace", "load", "log", "log_softmax", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logsumexp", "long", "lt", "manual_seed", "masked_fill", "matmul",
    "max", "maximum", "mean", "min", "minimum", "mm", "mul", "multinomial", "mv", "ne", "neg", "nn",
    "no_grad", "nonzero", "norm", "normal", "numel", "ones", "ones_like", "onnx", "ops", "optim",
    "outer", "permute", "pow", "prod", "promote_types", "rand", "rand_like", "randint", "randn",
    "randn_like", "random", "randperm", "relu", "remainder", "reshape", "save", "scatter",
    "set_default_dtype", "set_grad_enabled", "set_num_threads", "set_printoptions", "set_rng_state",
    "sigmoid", "sign", "sin", "softmax", "sort", "source", "split", "sqrt", "squeeze", "stack",
    "std", "sub", "sum", "t", "tanh", "tensor", "topk", "transpose", "uint8", "unbind", "unique",
    "unsqueeze", "use_kernels", "utils", "var", "where", "zeros", "zeros_like",
]

absent.install_answers(_method)
_compiled.make_readable()
