"""Every exported operation with sample calls: the registry that test_every_operation.py proves.

A key is a public name of minigrad, and its samples call it through `m`, which is minigrad or torch.
Names that have no derivative stand in WITHOUT_DERIVATIVE, with the reason.
"""

import math

import numpy as np
from helpers.operations_nn import NN
from helpers.sample_inputs import (
    BROADCASTS,
    Input,
    apart,
    binary,
    elementwise,
    gauss,
    labels,
    mask,
    positive,
    sample,
    ties,
)


def written(change):
    """Samples of an in-place operation: it changes a value that was computed, and was used."""

    def call(m, x, *others):
        z = m.mul(x, 1.5)
        y = m.mul(m.sin(z.clone()), 2)
        result = change(m, z, *others)
        return m.mul(z, z), y, z if result is None else result

    return call


def in_place(change, *kinds):
    """The shapes that fit into the tensor that is written."""
    fitting = [both for both in BROADCASTS if np.broadcast_shapes(*both) == both[0]]
    return [
        sample(written(change), *(Input(s, k) for s, k in zip(both, kinds, strict=True)))
        for both in fitting
    ]


def shaping(name, *arguments, shape=(2, 3)):
    """A method that only moves elements about."""
    return sample(lambda m, x: getattr(m.Tensor, name)(x, *arguments), gauss(*shape))


def get(key, shape=(3, 4)):
    return sample(lambda m, x: m.Tensor.__getitem__(x, key(m) if callable(key) else key),
                  gauss(*shape))  # fmt: skip


def put(key, shape, value_shape):
    def change(m, z, value):
        m.Tensor.__setitem__(z, key(m) if callable(key) else key, value)

    return sample(written(change), gauss(*shape), gauss(*value_shape))


def reduction(name, kind="normal"):
    """Over all, one, several or no dimensions, kept or not; and of sizes 1 and 0."""

    def call(*arguments, **options):
        return lambda m, x: getattr(m, name)(x, *arguments, **options)

    samples = [
        sample(call(), Input((2, 3), kind)), sample(call(), Input((), kind)),
        sample(call(0), Input((2, 3), kind)), sample(call(-1, keepdim=True), Input((2, 3), kind)),
        sample(call((0, 2)), Input((2, 3, 4), kind)), sample(call(1), Input((2, 1, 3), kind)),
        sample(call((2, 0), keepdim=True), Input((2, 3, 4), kind)),
        sample(call(1), Input((0, 3), kind)),
    ]  # fmt: skip
    return samples + [sample(call(1), ties(3, 5))] * (kind == "apart")


def fewest(name):
    """max and min: over all, over one dimension (values and indices), of two tensors."""
    return [
        sample(lambda m, x: getattr(m, name)(x), apart(2, 3)),
        sample(lambda m, x: getattr(m, name)(x), apart()),
        sample(lambda m, x: getattr(m, name)(x), ties(3, 4)),
        sample(lambda m, x: tuple(getattr(m, name)(x, 1)), apart(2, 3)),
        sample(lambda m, x: tuple(getattr(m, name)(x, -2, True)), apart(2, 3, 2)),
        sample(lambda m, x: tuple(getattr(m, name)(x, 1)), apart(0, 3)),
        *binary(lambda m, x, y: getattr(m, name)(x, y), "apart", "apart"),
    ]


def spread(name):
    return [
        *(sample(lambda m, x, o=o: getattr(m, name)(x, **o), gauss(2, 3)) for o in (
            {}, {"dim": 0}, {"dim": 1, "correction": 0}, {"dim": (0, 1), "keepdim": True},
            {"unbiased": False}, {"dim": -1, "correction": 2, "keepdim": True},
        )),
        sample(lambda m, x: getattr(m, name)(x, (0, 2)), gauss(2, 3, 4)),
        sample(lambda m, x: getattr(m, name)(x, 1), gauss(0, 3)),
    ]  # fmt: skip


def norms():
    orders = [("fro", "normal"), (2, "normal"), (1, "apart"), (3, "apart"), (2.5, "positive"),
              (math.inf, "apart"), (-math.inf, "apart"), (0, "apart"), (-1, "positive"),
              (0.5, "positive")]  # fmt: skip
    return [
        *(sample(lambda m, x, p=p: m.norm(x, p), Input((2, 3), kind)) for p, kind in orders),
        *(sample(lambda m, x, p=p: m.norm(x, p, 1), Input((2, 3), kind)) for p, kind in orders),
        sample(lambda m, x: m.norm(x, 2, (0, 2), True), gauss(2, 3, 4)),
        sample(lambda m, x: m.norm(x, 3, -1), gauss(0, 3)),
        *(sample(lambda m, x, p=p: m.norm(x, p, 1), ties(4, 3)) for p in (2, 1, 3, math.inf)),
    ]


def softmaxes(name):
    return [
        *(sample(lambda m, x, d=d: getattr(m, name)(x, d), gauss(*s))
          for s, d in (((2, 3), 1), ((2, 3), 0), ((3,), -1), ((2, 3, 4), 1), ((2, 1), 1),
                       ((0, 3), 1), ((), 0))),
    ]  # fmt: skip


def dunder(name, *kinds, **options):
    """An operator of two tensors, and (with the options) of a tensor and a number."""
    kinds = kinds or ("normal", "normal")
    both = binary(lambda m, x, y: getattr(m.Tensor, name)(x, y), *kinds)
    return both + elementwise(lambda m, x: getattr(m.Tensor, name)(x, 2.5), kinds[0], **options)


def augmented(name, *kinds):
    """`x += y`: the operator, which gives the tensor back."""
    return in_place(lambda m, z, y: getattr(m.Tensor, name)(z, y), *kinds)


def reseeded(call):
    """Random numbers that are the same at every call."""

    def again(m, *tensors):
        m.manual_seed(5)
        return call(m, *tensors)

    return again


def product(name):
    shapes = [
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3, 4)),
        ((3,), (2, 3, 4)), ((2, 1, 2, 3), (4, 3, 2)), ((1, 3), (3, 1)), ((0, 3), (3, 2)),
        ((2, 0), (0, 3)), ((2, 0, 3), (3, 2)),
    ]  # fmt: skip
    return [
        sample(lambda m, x, y: getattr(m.Tensor, name)(x, y), gauss(*a), gauss(*b))
        for a, b in shapes
    ]


def places(m, *values):
    return m.tensor(np.array(values, dtype=np.int64))


OPERATIONS = {
    # --- one tensor, element by element
    "neg": elementwise(lambda m, x: m.neg(x)),
    "exp": elementwise(lambda m, x: m.exp(x)),
    "log": elementwise(lambda m, x: m.log(x), "positive"),
    "sqrt": elementwise(lambda m, x: m.sqrt(x), "positive"),
    "sin": elementwise(lambda m, x: m.sin(x)),
    "cos": elementwise(lambda m, x: m.cos(x)),
    "abs": elementwise(lambda m, x: m.abs(x), "apart"),
    "sign": elementwise(lambda m, x: m.sign(x), "apart"),
    "sigmoid": elementwise(lambda m, x: m.sigmoid(x)),
    "tanh": elementwise(lambda m, x: m.tanh(x)),
    "relu": elementwise(lambda m, x: m.relu(x), "apart"),
    "Tensor.__neg__": elementwise(lambda m, x: m.Tensor.__neg__(x)),
    "Tensor.__pos__": elementwise(lambda m, x: m.Tensor.__pos__(x)),
    "Tensor.__abs__": elementwise(lambda m, x: m.Tensor.__abs__(x), "apart"),
    "clamp": [
        *elementwise(lambda m, x: m.clamp(x, -0.3, 0.29), "apart"),
        *elementwise(lambda m, x: m.clamp(x, min=0), "apart"),
        *elementwise(lambda m, x: m.clamp(x, max=1), "apart"),
        sample(lambda m, x, low, high: m.clamp(x, low, high), apart(2, 3), apart(3), apart()),
        sample(lambda m, x, low, high: m.clamp(x, m.sub(low, 1), m.add(m.abs(high), 1)),
               ties(4, 3), ties(3), ties()),
    ],
    # --- two tensors, broadcast
    "add": binary(lambda m, x, y: m.add(x, y, alpha=2)) + elementwise(lambda m, x: m.add(x, 2)),
    "sub": binary(lambda m, x, y: m.sub(x, y, alpha=2)) + elementwise(lambda m, x: m.sub(x, 2)),
    "mul": binary(lambda m, x, y: m.mul(x, y)) + elementwise(lambda m, x: m.mul(x, x)),
    "div": [
        *binary(lambda m, x, y: m.div(x, y), "normal", "positive"),
        *(sample(lambda m, x, y, r=r: m.div(x, y, rounding_mode=r), apart(2, 3), positive(3))
          for r in ("floor", "trunc")),
    ],
    "floor_divide": elementwise(lambda m, x: m.floor_divide(x, 0.7), "apart", torch=None),
    "remainder": [
        *binary(lambda m, x, y: m.remainder(x, y), "between", "tread"),
        *elementwise(lambda m, x: m.remainder(x, 0.32), "between"),
        *elementwise(lambda m, x: m.remainder(2.5, x), "tread", torch=None),
    ],
    "pow": [
        *binary(lambda m, x, y: m.pow(x, y), "positive", "normal"),
        *(sample(lambda m, x, p=p: m.pow(x, p), Input((2, 3), kind)) for p, kind in (
            (2, "normal"), (3.0, "normal"), (1, "normal"), (0, "normal"), (-1, "positive"),
            (0.5, "positive"), (-1.5, "positive"), (2.0, "ties"), (1.0, "ties"), (0.0, "ties"))),
        *elementwise(lambda m, x: m.pow(2.5, x)),
    ],
    "maximum": binary(lambda m, x, y: m.maximum(x, y), "apart", "apart"),
    "minimum": binary(lambda m, x, y: m.minimum(x, y), "apart", "apart"),
    "Tensor.__add__": dunder("__add__"), "Tensor.__radd__": dunder("__radd__"),
    "Tensor.__sub__": dunder("__sub__"), "Tensor.__rsub__": dunder("__rsub__"),
    "Tensor.__mul__": dunder("__mul__"), "Tensor.__rmul__": dunder("__rmul__"),
    "Tensor.__truediv__": dunder("__truediv__", "normal", "positive"),
    "Tensor.__rtruediv__": dunder("__rtruediv__", "positive", "normal"),
    "Tensor.__mod__": dunder("__mod__", "between", "tread"),
    "Tensor.__rmod__": dunder("__rmod__", "tread", "between", torch=None),
    "Tensor.__pow__": dunder("__pow__", "positive", "normal"),
    "Tensor.__rpow__": dunder("__rpow__", "normal", "positive"),
    "Tensor.__floordiv__": elementwise(
        lambda m, x: m.Tensor.__floordiv__(x, 0.7), "apart", torch=None),
    "Tensor.__rfloordiv__": elementwise(
        lambda m, x: m.Tensor.__rfloordiv__(x, 0.7), "tread", torch=None),
    "where": [
        *(sample(lambda m, c, x, y: m.where(c, x, y), mask(*c), gauss(*x), gauss(*y))
          for c, x, y in (((2, 3), (2, 3), (2, 3)), ((3,), (2, 3), ()), ((2, 1), (3,), (2, 3)),
                          ((), (), ()), ((0, 3), (3,), (1,)), ((2, 3), (1,), (3,)))),
        sample(lambda m, c, x: m.where(c, x, 2.0), mask(2, 3), gauss(3)),
    ],
    "Tensor.where": [
        sample(lambda m, x, c, y: m.Tensor.where(x, c, y), gauss(2, 3), mask(3), gauss(2, 1))],
    # --- products
    "matmul": product("matmul"),
    "Tensor.__matmul__": product("__matmul__"),
    "Tensor.__rmatmul__": [
        sample(lambda m, x, y: m.Tensor.__rmatmul__(x, y), gauss(3, 2), gauss(4, 3))],
    "bmm": [sample(lambda m, x, y: m.bmm(x, y), gauss(2, 2, 3), gauss(2, 3, 4)),
            sample(lambda m, x, y: m.bmm(x, y), gauss(0, 2, 3), gauss(0, 3, 1))],
    "mv": [sample(lambda m, x, y: m.mv(x, y), gauss(2, 3), gauss(3))],
    "dot": [sample(lambda m, x, y: m.dot(x, y), gauss(n), gauss(n)) for n in (3, 0)],
    "outer": [sample(lambda m, x, y: m.outer(x, y), gauss(2), gauss(n)) for n in (3, 0)],
    "mm": [sample(lambda m, x, y: m.mm(x, y), gauss(*a), gauss(*b))
           for a, b in (((2, 3), (3, 4)), ((1, 3), (3, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 2)))],
    # --- reductions
    "sum": [*reduction("sum"), sample(lambda m, x: m.sum(x, ()), gauss(2, 3)),
            sample(lambda m, x: m.sum(x, 0, dtype=m.float64), gauss(2, 3))],
    "mean": [*reduction("mean"), sample(lambda m, x: m.mean(x, 0, dtype=m.float64), gauss(2, 3))],
    "var": spread("var"), "std": spread("std"), "norm": norms(),
    "cumsum": [
        *(sample(lambda m, x, d=d: m.cumsum(x, d), gauss(*s))
          for s, d in (((2, 3), 0), ((2, 3, 2), -2), ((), 0), ((0, 3), 1), ((0, 3), 0))),
        sample(lambda m, x: m.cumsum(x, 0, dtype=m.float64), gauss(2, 3)),
    ],
    "prod": [
        sample(lambda m, x: m.prod(x), gauss(2, 3)), sample(lambda m, x: m.prod(x), gauss()),
        *(sample(lambda m, x, d=d: m.prod(x, d), gauss(*s))
          for s, d in (((2, 3), 0), ((2, 7), 1), ((2, 3, 2), -2), ((), 0), ((0, 3), 1))),
        sample(lambda m, x: m.prod(x, 0, True), gauss(0, 3)),
        sample(lambda m, x: m.prod(x, 1, True, dtype=m.float64), ties(4, 5)),
    ],
    "amax": reduction("amax", "apart"), "amin": reduction("amin", "apart"),
    "max": fewest("max"), "min": fewest("min"),
    "logsumexp": [*(sample(lambda m, x, d=d: m.logsumexp(x, d), gauss(*s)) for s, d in (
        ((2, 3), 1), ((2, 3, 2), (0, 2)), ((), 0), ((2, 1), 1), ((0, 3), 1))),
        sample(lambda m, x: m.logsumexp(x, 0, True), gauss(2, 3))],
    "softmax": softmaxes("softmax"), "log_softmax": softmaxes("log_softmax"),
    # --- shapes
    "reshape": [shaping("reshape", 3, 2), shaping("reshape", -1, shape=(0, 3)),
                shaping("reshape", 1, shape=()), shaping("reshape", (), shape=(1, 1))],
    "Tensor.view": [shaping("view", 6), shaping("view", 3, -1), shaping("view", 1, shape=())],
    "Tensor.view_as": [sample(lambda m, x, y: m.Tensor.view_as(x, y), gauss(2, 3), mask(3, 2))],
    "flatten": [shaping("flatten"), shaping("flatten", shape=()),
                shaping("flatten", 1, 2, shape=(2, 1, 3, 2)),
                shaping("flatten", 1, shape=(0, 2, 3))],
    "squeeze": [shaping("squeeze", shape=(1, 2, 1)), shaping("squeeze", 1, shape=(2, 1, 3)),
                shaping("squeeze", 0), shaping("squeeze", shape=())],
    "unsqueeze": [shaping("unsqueeze", 1), shaping("unsqueeze", -1),
                  shaping("unsqueeze", 0, shape=())],
    "transpose": [shaping("transpose", 0, 1), shaping("transpose", 0, -1, shape=(2, 3, 4)),
                  shaping("transpose", 0, 1, shape=(0, 2))],
    "t": [shaping("t"), shaping("t", shape=(3,)), shaping("t", shape=())],
    "Tensor.T": [sample(lambda m, x: m.Tensor.T.__get__(x), gauss(2, 3))],
    "Tensor.mT": [sample(lambda m, x: m.Tensor.mT.__get__(x), gauss(2, 3, 4))],
    "permute": [shaping("permute", 2, 0, 1, shape=(2, 3, 4)), shaping("permute", 1, 0)],
    "Tensor.expand": [shaping("expand", 4, 3, shape=(1, 3)),
                      shaping("expand", 2, -1, 3, shape=(2, 1)),
                      shaping("expand", 2, 2, shape=()), shaping("expand", 0, 3, shape=(1, 3))],
    "Tensor.expand_as": [sample(lambda m, x, y: m.Tensor.expand_as(x, y), gauss(3), mask(2, 3))],
    "Tensor.repeat": [shaping("repeat", 2, 3), shaping("repeat", 2, 1, 2), shaping("repeat", 0, 2),
                      shaping("repeat", (2,), shape=()),
                      shaping("repeat", 2, 2, shape=(0, 3))],
    "broadcast_to": [sample(lambda m, x: m.broadcast_to(x, (2, 2, 3)), gauss(*s))
                     for s in ((2, 3), (1,), (), (2, 1, 1))],
    # --- picking and joining
    "Tensor.__getitem__": [
        get(1), get((1, 2)), get(-1), get(slice(1, 3)), get((..., slice(None, None, 2))), get(None),
        get((slice(None), 1)), get(...), get([0, 2, 0]), get(([0, 2], [1, 3])),
        get(([[0], [2]], [1, 3])),
        get((slice(None), [1, 1, 3])), get((0, slice(None), [0, 2]), (2, 3, 4)), get(slice(0, 0)),
        get(lambda m: places(m, 2, 0)), get(lambda m: m.tensor([True, False, True])),
        get(lambda m: (slice(1, None), m.tensor([0, 3]))), get(True), get(None, ()), get((), ()),
        get((None, [1], slice(None, None, 3), None)),
        sample(lambda m, x, chosen: m.Tensor.__getitem__(x, chosen), gauss(2, 3), mask(2, 3)),
    ],
    "Tensor.__setitem__": [
        put(1, (3, 4), (4,)), put((1, 2), (3, 4), ()), put(slice(1, 3), (3, 4), (2, 1)),
        put((..., slice(None, None, 2)), (3, 4), (2,)), put(([0, 2], [1, 3]), (3, 4), (2,)),
        put(lambda m: m.tensor([True, False, True]), (3, 4), (4,)), put(..., (3, 4), (1, 4)),
        put((), (), ()), put([2, 0], (3, 4), (2, 4)), put((slice(None), [1]), (3, 4), (3, 1)),
        sample(written(lambda m, z: m.Tensor.__setitem__(z, 0, 2.5)), gauss(3, 2)),
    ],
    "Tensor.__iter__": [sample(lambda m, x: tuple(m.Tensor.__iter__(x)), gauss(2, 3))],
    "gather": [
        sample(lambda m, x, i: m.gather(x, 1, i), gauss(2, 3), labels(3, 2, 4)),
        sample(lambda m, x, i: m.gather(x, 0, i), gauss(2, 3, 2), labels(2, 1, 3, 1)),
        sample(lambda m, x, i: m.gather(x, 0, i), gauss(), labels(1)),
        sample(lambda m, x, i: m.gather(x, 0, i), gauss(2, 3), labels(2, 0, 3)),
    ],
    "scatter": [
        sample(lambda m, x, y: m.scatter(x, 1, places(m, [0, 2], [1, 0]), y),
               gauss(2, 3), gauss(2, 2)),
        sample(lambda m, x: m.scatter(x, 0, places(m, [0, 1, 0]), value=2.5), gauss(2, 3),
               torch=lambda m, x: m.scatter(x, 0, places(m, [0, 1, 0]), 2.5)),
    ],
    "flip": [sample(lambda m, x, d=d: m.flip(x, d), gauss(*s)) for s, d in (
        ((2, 3), (0,)), ((2, 3, 2), (0, -1)), ((2, 3), ()), ((), ()), ((0, 3), (0, 1)))],
    "sort": [sample(lambda m, x, a=a: tuple(m.sort(x, *a)), apart(*s)) for s, a in (
        ((2, 3), ()), ((3, 2, 2), (0, True)), ((), ()), ((0, 3), (1,)), ((4,), (-1, True)))],
    "topk": [sample(lambda m, x, a=a: tuple(m.topk(x, *a)), apart(*s)) for s, a in (
        ((2, 3), (2,)), ((3, 2, 2), (1, 0, False)), ((), (1,)), ((2, 3), (0,)))],
    "index_select": [
        sample(lambda m, x, i: m.index_select(x, 1, i), gauss(2, 3), labels(3, 4)),
        sample(lambda m, x, i: m.index_select(x, 0, i), gauss(2, 3), labels(2, 0)),
    ],
    "masked_fill": [
        *elementwise(lambda m, x: m.masked_fill(x, m.gt(x, 0), 3.0), "apart"),
        sample(lambda m, x, c, v: m.masked_fill(x, c, v), gauss(2, 3), mask(3), gauss()),
    ],
    "cat": [
        sample(lambda m, x, y: m.cat([x, y]), gauss(2, 3), gauss(1, 3)),
        sample(lambda m, x, y, z: m.cat((x, y, z), -1), gauss(2, 1), gauss(2, 0), gauss(2, 3)),
        sample(lambda m, x: m.cat([x, x], 1), gauss(2, 3)),
    ],
    "stack": [
        sample(lambda m, x, y: m.stack([x, y]), gauss(2, 3), gauss(2, 3)),
        sample(lambda m, x, y: m.stack([x, y, x], -1), gauss(2, 3), gauss(2, 3)),
        sample(lambda m, x: m.stack([x]), gauss()),
        sample(lambda m, x: m.stack([x, x]), gauss(0, 2)),
    ],
    "split": [sample(lambda m, x: m.split(x, 2), gauss(5, 2)),
              sample(lambda m, x: m.split(x, [1, 0, 2], 1), gauss(2, 3))],
    "chunk": [sample(lambda m, x: m.chunk(x, 2, 1), gauss(2, 5))],
    "unbind": [sample(lambda m, x: m.unbind(x, 1), gauss(2, 3))],
    # --- copies and conversions
    "clone": elementwise(lambda m, x: m.clone(x)),
    "as_tensor": [sample(lambda m, x: m.as_tensor(x), gauss(2, 3))],
    "Tensor.contiguous": [sample(lambda m, x: m.Tensor.contiguous(x.t()), gauss(2, 3))],
    "Tensor.to": [sample(lambda m, x: m.Tensor.to(x, m.float64), gauss(2, 3)),
                  sample(lambda m, x: m.Tensor.to(x, m.float32), gauss(2, 3), differences=False)],
    "Tensor.type": [sample(lambda m, x: m.Tensor.type(x, m.float64), gauss(2, 3))],
    "Tensor.double": [sample(lambda m, x: m.Tensor.double(x), gauss(2, 3))],
    "Tensor.float": [sample(lambda m, x: m.Tensor.float(x), gauss(2, 3), differences=False)],
    "Tensor.cpu": [sample(lambda m, x: m.Tensor.cpu(x), gauss(2, 3))],
    # --- in place
    "Tensor.add_": in_place(lambda m, z, y: m.Tensor.add_(z, y, alpha=2), "normal", "normal"),
    "Tensor.sub_": in_place(lambda m, z, y: m.Tensor.sub_(z, y, alpha=2), "normal", "normal"),
    "Tensor.mul_": in_place(lambda m, z, y: m.Tensor.mul_(z, y), "normal", "normal"),
    "Tensor.div_": in_place(lambda m, z, y: m.Tensor.div_(z, y), "normal", "positive"),
    "Tensor.pow_": in_place(lambda m, z, y: m.Tensor.pow_(z, y), "positive", "normal"),
    "Tensor.copy_": in_place(lambda m, z, y: m.Tensor.copy_(z, y), "normal", "normal"),
    "Tensor.exp_": [sample(written(lambda m, z: m.Tensor.exp_(z)), gauss(2, 3))],
    "Tensor.clamp_": [
        sample(written(lambda m, z: m.Tensor.clamp_(z, -0.3, 0.29)), gauss(2, 3)),
        sample(written(lambda m, z, low: m.Tensor.clamp_(z, min=low)), gauss(2, 3), apart(3))],
    "Tensor.__iadd__": augmented("__iadd__", "normal", "normal"),
    "Tensor.__isub__": augmented("__isub__", "normal", "normal"),
    "Tensor.__imul__": augmented("__imul__", "normal", "normal"),
    "Tensor.__itruediv__": augmented("__itruediv__", "normal", "positive"),
    "Tensor.__ipow__": augmented("__ipow__", "positive", "normal"),
    "Tensor.remainder_": in_place(lambda m, z, y: m.Tensor.remainder_(z, y), "between", "tread"),
    "Tensor.__imod__": augmented("__imod__", "between", "tread"),
    "Tensor.floor_divide_": [
        sample(written(lambda m, z: m.Tensor.floor_divide_(z, 0.7)), apart(2, 3), torch=None)],
    "Tensor.__ifloordiv__": [
        sample(written(lambda m, z: m.Tensor.__ifloordiv__(z, 0.7)), apart(2, 3), torch=None)],
    "Tensor.fill_": [sample(written(lambda m, z: m.Tensor.fill_(z, 2.5)), gauss(2, 3)),
                     sample(written(lambda m, z, v: m.Tensor.fill_(z, v)), gauss(2, 3), gauss())],
    "Tensor.zero_": [sample(written(lambda m, z: m.Tensor.zero_(z)), gauss(2, 3))],
    "Tensor.masked_fill_": [
        sample(written(lambda m, z, c, v: m.Tensor.masked_fill_(z, c, v)), gauss(2, 3), mask(3),
               gauss())],
    "Tensor.scatter_": [
        sample(written(lambda m, z, y: m.Tensor.scatter_(
            z, 1, m.tensor([[0, 2], [1, 0]]), y)), gauss(2, 3), gauss(2, 2)),
        sample(written(lambda m, z: m.Tensor.scatter_(
            z, 0, m.tensor([[0, 1, 0]]), value=2.5)), gauss(2, 3), torch=None),
    ],
    "Tensor.normal_": [sample(reseeded(written(lambda m, z: m.Tensor.normal_(z))), gauss(2, 3),
                              torch=None)],
    "Tensor.uniform_": [sample(reseeded(written(lambda m, z: m.Tensor.uniform_(z))), gauss(2, 3),
                               torch=None)],
    "nn.utils.parameters_to_vector": [
        sample(lambda m, x, y: m.nn.utils.parameters_to_vector([x, y]), gauss(2, 3), gauss(2))],
    **NN,
}  # fmt: skip

_NEW = "makes a new tensor from sizes and numbers"
_CONSTANT = "is a step function: integers or booleans, without derivative"
_INFORMATION = "tells about a tensor and computes nothing"
_LEAVES = "cuts the history on purpose"
_STATE = "is a setting, not an operation"

WITHOUT_DERIVATIVE = {
    **dict.fromkeys(
        "arange empty eye full linspace normal ones rand randint randn randperm tensor zeros "
        "from_numpy from_dlpack FloatTensor DoubleTensor LongTensor IntTensor ByteTensor "
        "BoolTensor empty_like full_like ones_like rand_like randn_like zeros_like load "
        "nn.utils.weights_from_keras".split(),
        _NEW),
    **dict.fromkeys(
        "eq ne lt le gt ge isclose isnan isinf isfinite logical_not logical_and logical_or "
        "logical_xor bitwise_and bitwise_or bitwise_xor bitwise_not any all argmax argmin equal "
        "allclose argsort multinomial nonzero unique nn.functional.one_hot Tensor.bool "
        "Tensor.byte Tensor.int Tensor.long "
        "Tensor.__eq__ Tensor.__ne__ Tensor.__lt__ Tensor.__le__ Tensor.__gt__ Tensor.__ge__ "
        "Tensor.__and__ Tensor.__rand__ Tensor.__or__ Tensor.__ror__ Tensor.__xor__ "
        "Tensor.__rxor__ Tensor.__invert__ Tensor.__contains__ Tensor.bitwise_and_ "
        "Tensor.bitwise_or_ Tensor.bitwise_xor_ Tensor.__iand__ Tensor.__ior__ "
        "Tensor.__ixor__".split(), _CONSTANT),
    **dict.fromkeys(
        "numel promote_types is_tensor get_num_threads is_grad_enabled initial_seed "
        "get_default_dtype get_rng_state dtype "
        "Size Generator device nn.summary nn.inspect_batch_norm nn.lint explain source "
        "Tensor.data_ptr Tensor.device Tensor.dim Tensor.dtype Tensor.element_size Tensor.grad "
        "Tensor.grad_fn Tensor.graph Tensor.walk Tensor.is_contiguous Tensor.is_leaf Tensor.ndim "
        "Tensor.requires_grad Tensor.shape Tensor.size Tensor.stride Tensor.__bool__ "
        "Tensor.__float__ Tensor.__format__ Tensor.__hash__ Tensor.__index__ Tensor.__int__ "
        "Tensor.__len__ Tensor.__repr__".split(), _INFORMATION),
    **dict.fromkeys(
        "Tensor.detach Tensor.data Tensor.numpy Tensor.item Tensor.tolist save Tensor.__array__ "
        "Tensor.__dlpack__ Tensor.__dlpack_device__ Tensor.__copy__ Tensor.__deepcopy__ "
        "Tensor.__reduce_ex__ nn.utils.weights_to_keras".split(), _LEAVES),
    **dict.fromkeys(
        "enable_grad no_grad set_grad_enabled manual_seed set_default_dtype set_printoptions "
        "set_rng_state set_num_threads use_kernels Tensor.backward Tensor.register_hook "
        "Tensor.requires_grad_ Tensor.retain_grad".split(), _STATE),
    **dict.fromkeys(
        "Tensor CheckpointError DTypeError GraphError ShapeError nn.Module nn.ModuleDict "
        "nn.ModuleList nn.Parameter Tensor.__init__".split(),
        "is a class or a container; it computes nothing itself"),
    **dict.fromkeys(
        "nn.utils.clip_grad_norm_ nn.utils.vector_to_parameters nn.utils.recalibrate "
        "nn.utils.fold_batch_norm".split(), "writes parameters, gradients or buffers"),
    "Tensor.__array_ufunc__": "hands NumPy's operators to those above",
    "Tensor.__delitem__": "is a TypeError",
    **dict.fromkeys(
        "Tensor.cuda Tensor.squeeze_ Tensor.unsqueeze_ Tensor.__round__".split(),
        "is an error that says what to write"),
}  # fmt: skip
