"""What each operation is called in ONNX.

A rule adds its operations to the draft and returns the name of the result. It is given the draft,
the node (or the layer), the result, and the inputs; an input that the operation lacks is None.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn
from .draft import Draft, Value

END = np.iinfo(np.int64).max  # of a slice: as far as there is something

Rule = Callable[..., str]


class Refusal(Exception):
    """Why there is no counterpart, in words."""


def _plain(operation: str) -> Rule:
    """An operation that both have, with nothing to add."""

    def rule(draft: Draft, node: Any, y: Value, *inputs: Value) -> str:
        return draft.add(operation, *inputs)

    return rule


def _none(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return x.name


# --- products ------------------------------------------------------------------------------------


def _linear(draft: Draft, node: Any, y: Value, x: Value, w: Value, b: Value | None) -> str:
    if len(x.shape) == 2:
        return draft.add("Gemm", x, w, b, transB=1)
    product = draft.add("MatMul", x, draft.add("Transpose", w, perm=[1, 0]))
    return product if b is None else draft.add("Add", product, b)


def _convolution(draft: Draft, node: Any, y: Value, x: Value, w: Value, b: Value | None) -> str:
    at = node.windows
    ends = _ends(
        x, y, (at.kernel_h, at.kernel_w), (at.stride_h, at.stride_w), (at.top, at.left),
        (at.dilation_h, at.dilation_w),
    )  # fmt: skip
    return draft.add("Conv", x, w, b, pads=[at.top, at.left, *ends], **_windows(at))


def _transposed_convolution(draft: Draft, node: Any, y: Value, x: Value, w: Value) -> str:
    at = node.windows
    pads, more = [at.top, at.left], []
    for size, start, count, stride, kernel, dilation in (
        (at.height, at.top, at.out_h, at.stride_h, at.kernel_h, at.dilation_h),
        (at.width, at.left, at.out_w, at.stride_w, at.kernel_w, at.dilation_w),
    ):
        over = (count - 1) * stride + dilation * (kernel - 1) + 1 - size - start
        pads.append(max(over, 0))
        more.append(max(-over, 0))
    return draft.add("ConvTranspose", x, w, pads=pads, output_padding=more, **_windows(at))


def _windows(at: Any) -> dict[str, Any]:
    return {
        "kernel_shape": [at.kernel_h, at.kernel_w],
        "strides": [at.stride_h, at.stride_w],
        "dilations": [at.dilation_h, at.dilation_w],
        "group": at.groups,
    }


# --- normalizations ------------------------------------------------------------------------------


def _batch_norm(draft: Draft, node: Any, y: Value, x: Value, gamma: Value, beta: Value) -> str:
    if node.training:
        raise Refusal(
            "it takes the statistics of the batch in evaluation, too (track_running_stats=False), "
            "which ONNX does not; give it running statistics"
        )
    prefix = gamma.name.removesuffix("weight") if gamma.name.endswith("weight") else ""
    mean, var = [
        draft.constant(array.astype(x.dtype), prefix + name)
        for array, name in ((node.mean, "running_mean"), (node.var, "running_var"))
    ]
    order = [*range(len(x.shape))]
    order.insert(1, order.pop(node.axis))  # ONNX has the channels there
    moved = order != sorted(order)
    inputs = (draft.add("Transpose", x, perm=order) if moved else x, gamma, beta, mean, var)
    result = draft.add("BatchNormalization", *inputs, epsilon=node.eps)
    back = np.argsort(order).tolist()
    return draft.add("Transpose", result, perm=back) if moved else result


def _layer_norm(draft: Draft, node: Any, y: Value, x: Value, gamma: Value, beta: Value) -> str:
    axis = -len(gamma.shape)
    return draft.add("LayerNormalization", x, gamma, beta, axis=axis, epsilon=node.eps)


def _group_norm(draft: Draft, node: Any, y: Value, x: Value, gamma: Value, beta: Value) -> str:
    """A group is a channel of an instance norm; ONNX has that one everywhere."""
    groups = node.mean.shape[1]
    rows = draft.reshape(x, (x.shape[0], groups, math.prod(x.shape[1:]) // groups))
    one, zero = np.ones(groups, x.dtype), np.zeros(groups, x.dtype)
    inputs = rows, draft.constant(one), draft.constant(zero)
    rows = draft.add("InstanceNormalization", *inputs, epsilon=node.eps)
    channels = (x.shape[1], *(1,) * (len(x.shape) - 2))
    scaled = draft.add("Mul", draft.reshape(rows, x.shape), draft.reshape(gamma, channels))
    return draft.add("Add", scaled, draft.reshape(beta, channels))


# --- activations ---------------------------------------------------------------------------------


def _leaky_relu(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.add("LeakyRelu", x, alpha=node.slope)


def _gelu(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.add("Gelu", x, approximate="tanh" if node.by_tanh else "none")


def _along(operation: str) -> Rule:
    def rule(draft: Draft, node: Any, y: Value, x: Value) -> str:
        return draft.add(operation, x, axis=node.dim)

    return rule


# --- pooling -------------------------------------------------------------------------------------


def _max_pool(draft: Draft, node: Any, y: Value, x: Value) -> str:
    kernel, steps, padding, dilations = node.windows
    ends = _ends(x, y, kernel, steps, padding, dilations)
    return _pool(
        draft, "MaxPool", y, x, kernel_shape=kernel, strides=steps, pads=(*padding, *ends),
        dilations=dilations,
    )  # fmt: skip


def _avg_pool(draft: Draft, layer: Any, y: Value, x: Value) -> str:
    kernel, steps, padding = [
        value if isinstance(value, (tuple, list)) else (value, value)
        for value in (layer.kernel_size, layer.stride, layer.padding)
    ]
    ends = _ends(x, y, kernel, steps, padding, (1, 1))
    counts = layer.count_include_pad and any(padding) or layer.divisor_override is not None
    if counts and any(end > pad for end, pad in zip(ends, padding, strict=True)):
        raise Refusal(
            "its windows reach beyond the padding (ceil_mode), which count "
            "differently in ONNX; let the windows fit the image"
        )
    result = _pool(
        draft, "AveragePool", y, x, kernel_shape=kernel, strides=steps, pads=(*padding, *ends),
        count_include_pad=int(counts),
    )  # fmt: skip
    if layer.divisor_override is None:
        return result
    scale = math.prod(kernel) / layer.divisor_override
    return draft.add("Mul", result, draft.constant(np.asarray(scale, x.dtype)))


def _ends(x: Value, y: Value, *windows: Any) -> list[int]:
    """The padding below and on the right of which the windows see something."""
    return [
        max((count - 1) * step + dilation * (kernel - 1) + 1 - size - start, 0)
        for size, count, kernel, step, start, dilation in zip(
            x.shape[-2:], y.shape[-2:], *windows, strict=True
        )
    ]


def _adaptive_avg_pool(draft: Draft, layer: Any, y: Value, x: Value) -> str:
    kernel = [size // count for size, count in zip(x.shape[-2:], y.shape[-2:], strict=True)]
    if any(size % count for size, count in zip(x.shape[-2:], y.shape[-2:], strict=True)):
        raise Refusal(
            f"it makes windows of several sizes from an image of {x.shape[-2]} × {x.shape[-1]}, "
            "and ONNX has one size; let output_size divide the image"
        )
    return _pool(draft, "AveragePool", y, x, kernel_shape=kernel, strides=kernel)


def _pool(draft: Draft, operation: str, y: Value, x: Value, **attributes: Any) -> str:
    if len(x.shape) == 4:
        return draft.add(operation, x, **attributes)
    batch = draft.add(operation, draft.reshape(x, (1, *x.shape)), **attributes)
    return draft.reshape(batch, y.shape)


# --- reductions ----------------------------------------------------------------------------------


def _reduction(operation: str) -> Rule:
    def rule(draft: Draft, node: Any, y: Value, x: Value) -> str:
        return _reduced(draft, operation, node, y, x)

    return rule


def _reduced(draft: Draft, operation: str, node: Any, y: Value, x: Value | str) -> str:
    if not node.axes:
        return x if isinstance(x, str) else x.name
    keep = len(y.shape) == len(node.kept_shape)
    return draft.add(operation, x, draft.integers(node.axes), keepdims=int(keep))


def _extreme(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return _reduced(draft, "ReduceMin" if node.smallest else "ReduceMax", node, y, x)


def _var(draft: Draft, node: Any, y: Value, x: Value) -> str:
    mean = draft.add("ReduceMean", x, draft.integers(node.axes), keepdims=1)
    deviation = draft.add("Sub", x, mean)
    total = _reduced(draft, "ReduceSum", node, y, draft.add("Mul", deviation, deviation))
    return draft.add("Div", total, draft.constant(np.asarray(node.divisor, x.dtype)))


def _std(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.add("Sqrt", _var(draft, node, y, x))


def _norm(draft: Draft, node: Any, y: Value, x: Value) -> str:
    if node.p in (1, 2):
        return _reduced(draft, f"ReduceL{int(node.p)}", node, y, x)
    power, root = [draft.constant(np.asarray(p, x.dtype)) for p in (node.p, 1 / node.p)]
    powers = draft.add("Pow", draft.add("Abs", x), power)
    return draft.add("Pow", _reduced(draft, "ReduceSum", node, y, powers), root)


def _logsumexp(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.add("ReduceLogSumExp", x, draft.integers([node.dim]), keepdims=1)


def _cumsum(draft: Draft, node: Any, y: Value, x: Value) -> str:
    axis = draft.constant(np.asarray(node.axis, np.int64))
    return draft.add("CumSum", x, axis, reverse=int(node.from_the_end))


# --- arithmetic ----------------------------------------------------------------------------------


def _where(draft: Draft, node: Any, y: Value, a: Value, b: Value) -> str:
    (condition,) = node.saved_arrays()
    return draft.add("Where", draft.constant(condition), a, b)


# --- shapes --------------------------------------------------------------------------------------


def _reshape(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.reshape(x, y.shape)


def _expand(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.add("Expand", x, shape=y.shape)


def _transpose(draft: Draft, node: Any, y: Value, x: Value) -> str:
    order = [*range(len(x.shape))]
    order[node.first], order[node.second] = order[node.second], order[node.first]
    return draft.add("Transpose", x, perm=order)


def _t(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.add("Transpose", x, perm=[*range(len(x.shape))][::-1])


def _permute(draft: Draft, node: Any, y: Value, x: Value) -> str:
    return draft.add("Transpose", x, perm=node.order)


def _index(draft: Draft, node: Any, y: Value, x: Value) -> str:
    key = node.position
    arrays = [(axis, each) for axis, each in enumerate(key) if isinstance(each, np.ndarray)]
    if len(arrays) > 1:
        raise Refusal(
            "an index of several tensors has no counterpart; index one dimension at a time"
        )
    if arrays:
        ((axis, indices),) = arrays
        return draft.add("Gather", x, draft.constant(indices.astype(np.int64)), axis=axis)
    starts, ends, axes, steps = [], [], [], []
    axis = 0
    for each in key:
        if isinstance(each, slice) and each != slice(None):
            starts.append(each.start or 0)
            ends.append(END if each.stop in (None, x.shape[axis]) else each.stop)
            steps.append(each.step or 1)
            axes.append(axis)
        elif isinstance(each, int):
            starts.append(each)
            ends.append(END if each == -1 else each + 1)
            steps.append(1)
            axes.append(axis)
        axis += each is not None and each is not Ellipsis
    result = x.name
    if axes:
        result = draft.add("Slice", x, *map(draft.integers, (starts, ends, axes, steps)))
    as_it_was = all(each is Ellipsis or isinstance(each, slice) for each in key)
    return result if as_it_was else draft.reshape(result, y.shape)


def _cat(draft: Draft, node: Any, y: Value, *xs: Value) -> str:
    return draft.add("Concat", *xs, axis=node.dim)


def _stack(draft: Draft, node: Any, y: Value, *xs: Value) -> str:
    at = draft.integers([node.dim])
    return draft.add("Concat", *[draft.add("Unsqueeze", x, at) for x in xs], axis=node.dim)


def _cast(draft: Draft, node: Any, y: Value, x: Value) -> str:
    from onnx import helper

    return draft.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(y.dtype)))


def _embedding(draft: Draft, layer: Any, y: Value, index: Value, weight: Value) -> str:
    return draft.add("Gather", weight, index, axis=0)


OPERATIONS: dict[str, Rule] = {
    # products
    "Linear": _linear, "Matmul": _plain("MatMul"), "Convolution": _convolution,
    "ConvolutionInput": _transposed_convolution,
    # normalizations, activations
    "BatchNorm": _batch_norm, "LayerNorm": _layer_norm, "GroupNorm": _group_norm,
    "Relu": _plain("Relu"), "LeakyRelu": _leaky_relu, "Sigmoid": _plain("Sigmoid"),
    "Tanh": _plain("Tanh"), "Gelu": _gelu, "Softmax": _along("Softmax"),
    "LogSoftmax": _along("LogSoftmax"), "MaxPool2D": _max_pool,
    # reductions
    "Sum": _reduction("ReduceSum"), "Mean": _reduction("ReduceMean"), "Var": _var, "Std": _std,
    "Norm": _norm, "Extreme": _extreme, "Pick": _extreme, "Logsumexp": _logsumexp,
    "Cumsum": _cumsum,
    # arithmetic
    "Add": _plain("Add"), "Sub": _plain("Sub"), "Mul": _plain("Mul"), "Div": _plain("Div"),
    "Pow": _plain("Pow"), "Neg": _plain("Neg"), "Exp": _plain("Exp"), "Log": _plain("Log"),
    "Sqrt": _plain("Sqrt"), "Abs": _plain("Abs"), "Sin": _plain("Sin"), "Cos": _plain("Cos"),
    "Sign": _plain("Sign"), "Where": _where, "Maximum": _plain("Max"), "Minimum": _plain("Min"),
    # shapes
    "View": _reshape, "UnsafeView": _reshape, "Unsqueeze": _reshape, "Squeeze": _reshape,
    "Expand": _expand, "Transpose": _transpose, "T": _t, "Permute": _permute, "Index": _index,
    "Cat": _cat, "Stack": _stack, "Clone": _none, "ToCopy": _cast,
}  # fmt: skip

LAYERS: dict[type, Rule] = {
    nn.AvgPool2d: _avg_pool,
    nn.AdaptiveAvgPool2d: _adaptive_avg_pool,
    nn.Embedding: _embedding,
}
