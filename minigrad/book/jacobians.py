"""The Jacobian of every operation on a small example, as a table of cells.

A column is what `x.grad` becomes when the gradient that arrives is 1 at one output and 0 elsewhere:
minigrad computes it, when the book is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from .. import nn
from ..autograd import grad
from ..dtypes import float64
from ..nn import functional as F
from ..ops.array.creation import tensor, zeros
from ..random import fork_rng, manual_seed
from ..tensor import Tensor
from .markdown import inline_html

STEPS = 4  # shades of a color


@dataclass
class Example:
    """An operation on a few numbers, and what one sees in its Jacobian."""

    code: str
    f: Callable[[Tensor], Tensor]
    x: Sequence[Any]
    words: str
    order: str = "C"  # of the labels: "F" puts the values of one channel side by side


def kept_half(x: Tensor) -> Tensor:
    """Dropout with the same mask at every call; the generator is as before."""
    with fork_rng():
        manual_seed(1)
        return F.dropout(x, 0.5)


ROW = [-2.0, -0.5, 0.5, 2.0]
TWO_ROWS = [[1.0, 2.0, 4.0], [0.0, 3.0, 3.0]]
SAMPLES = [[1.0, 2.0, 4.0], [0.0, 2.0, 9.0]]
LOGITS = [[0.0, 1.0, 2.0], [1.0, 0.0, 1.0]]
CHANNELS = [[1.0, 0.0], [2.0, 1.0], [6.0, 2.0]]
WIDE_CHANNELS = [[1.0, 0.0], [2.0, 3.0], [6.0, 9.0]]
ANSWERS = tensor([0.0, 0.0, 1.0, 1.0], dtype=float64)
WEIGHT = tensor([[1.0, 2.0, 3.0], [-1.0, 4.0, 1.0]], dtype=float64)
IMAGE = [[[[1.0, 5.0, 2.0], [3.0, 4.0, 6.0], [0.0, 2.0, 1.0]]]]
WINDOW = tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=float64)

EXAMPLES = {
    "arithmetic": Example(
        "x * x", lambda x: x * x, ROW, "Every number goes its own way; the slope of $x^2$ is $2x$."
    ),
    "broadcasting": Example(
        "x + zeros(2, 3)",
        lambda x: x + zeros(2, 3, dtype=float64),
        [1.0, 2.0, 3.0],
        "A value that was repeated has a 1 in every column that it was repeated into. Its gradient "
        "is its whole row times $dy$: that is why gradients are summed where values were repeated.",
    ),
    "selection": Example(
        "x.clamp(-1, 1)",
        lambda x: x.clamp(-1, 1),
        ROW,
        "What was taken passes with the factor 1, what was replaced by a bound gets nothing.",
    ),
    "reductions": Example(
        "x.mean(1)",
        lambda x: x.mean(1),
        TWO_ROWS,
        "A mean over three values is a column with three times 1/3.",
    ),
    "minmax": Example(
        "x.amax(1)",
        lambda x: x.amax(1),
        TWO_ROWS,
        "The largest value of a row gets all. In the second row two are largest, and share.",
    ),
    "linear": Example(
        "F.linear(x, W)",
        lambda x: F.linear(x, WEIGHT),
        [[1.0, 0.0, 2.0], [2.0, 1.0, 0.0]],
        "Every sample has a block of its own, and all blocks are equal: the weights, transposed.",
    ),
    "relu": Example(
        "F.relu(x)", F.relu, ROW, "Open, with the factor 1, or closed: a dead unit is a 0 here."
    ),
    "leaky_relu": Example(
        "F.leaky_relu(x, 0.1)",
        lambda x: F.leaky_relu(x, 0.1),
        ROW,
        "As ReLU, but where ReLU is closed a tenth comes through.",
    ),
    "sigmoid": Example(
        "F.sigmoid(x)",
        F.sigmoid,
        ROW,
        "The slope is largest in the middle, 1/4 at 0, and small at both ends: saturation.",
    ),
    "tanh": Example(
        "F.tanh(x)", F.tanh, ROW, "As sigmoid, but the slope in the middle is 1, not 1/4."
    ),
    "gelu": Example(
        "F.gelu(x)",
        F.gelu,
        ROW,
        "Nearly ReLU, without its corner: a slope may be below 0 or above 1.",
    ),
    "dropout": Example(
        "F.dropout(x, 0.5)",
        kept_half,
        ROW,
        "One draw: what was dropped gets 0, what was kept gets 1/(1 − 0.5) = 2.",
    ),
    "softmax": Example(
        "F.softmax(x, 1)",
        lambda x: F.softmax(x, 1),
        LOGITS,
        "Its own logit raises a probability, all others of the row lower it. Each row is a block, "
        "and its columns sum to 0.",
    ),
    "log_softmax": Example(
        "F.log_softmax(x, 1)",
        lambda x: F.log_softmax(x, 1),
        LOGITS,
        "In a column stand the probabilities with a minus, and 1 more at the output's own logit.",
    ),
    "cross_entropy": Example(
        'F.cross_entropy(x, [2, 0], reduction="none")',
        lambda x: F.cross_entropy(x, tensor([2, 0]), reduction="none"),
        LOGITS,
        "One loss per row, so one column: the probabilities, less 1 at the right class.",
    ),
    "binary_cross_entropy": Example(
        'F.binary_cross_entropy(x, [0, 0, 1, 1], reduction="none")',
        lambda x: F.binary_cross_entropy(x, ANSWERS, reduction="none"),
        [0.1, 0.4, 0.6, 0.9],
        "A loss for every probability: above 0 where the answer is no, below 0 where it is yes. "
        "The further from its answer, the steeper.",
    ),
    "batch_norm": Example(
        "F.batch_norm(x, None, None, training=True)",
        lambda x: F.batch_norm(x, None, None, training=True),
        CHANNELS,
        "Sorted by channel. Inside a channel every sample moves every output, by roads 2 and 3; "
        "road 1 is on the diagonal. Channels do not see each other. Every column sums to 0.",
        "F",
    ),
    "batch_renorm": Example(
        "nn.BatchRenorm1d(2, r_max=1.5, r_max_steps=None)(x)",
        lambda x: nn.BatchRenorm1d(2, r_max=1.5, r_max_steps=None).double()(x),
        WIDE_CHANNELS,
        "Sorted by channel. R is held still, so a block is batch normalization's, times R = 1.5.",
        "F",
    ),
    "layer_norm": Example(
        "F.layer_norm(x, [3])",
        lambda x: F.layer_norm(x, [3]),
        SAMPLES,
        "As in batch normalization, but a block is a sample, not a channel. Each column sums to 0.",
    ),
    "group_norm": Example(
        "F.group_norm(x, 2)",
        lambda x: F.group_norm(x, 2),
        [[1.0, 2.0, 4.0, 0.0, 2.0, 9.0]],
        "One sample, two groups of three channels: a block is a group.",
    ),
    "conv2d": Example(
        "F.conv2d(x, W)",
        lambda x: F.conv2d(x, WINDOW),
        IMAGE,
        "An output sees the four values under its window, with the same four weights, moved on.",
    ),
    "max_pool2d": Example(
        "F.max_pool2d(x, 2, stride=1)",
        lambda x: F.max_pool2d(x, 2, stride=1),
        IMAGE,
        "A column has a single 1, where its window is largest. A value may win in several windows.",
    ),
}


def jacobian(example: Example) -> tuple[np.ndarray, list[str], list[str]]:
    """(inputs, outputs) of slopes, with the labels of rows and columns."""
    x = tensor(example.x, dtype=float64)
    shape = example.f(x).shape
    columns = []
    for index in np.ndindex(*shape):
        one = np.zeros(shape)
        one[index] = 1
        x = tensor(example.x, dtype=float64, requires_grad=True)
        (dx,) = grad(example.f(x), x, tensor(one))
        columns.append(dx.numpy().ravel())
    slopes = np.stack(columns, axis=1)
    rows, names_of_rows = _in_order("x", x.shape, example.order)
    outputs, names = _in_order("y", shape, example.order)
    return slopes[np.ix_(rows, outputs)], names_of_rows, names


def _in_order(letter: str, shape: Sequence[int], order: str) -> tuple[list[int], list[str]]:
    """Positions in memory in the order of the figure, and the names; axes of length 1 have none."""
    places = sorted(np.ndindex(*shape), key=lambda index: index[::-1] if order == "F" else index)
    positions = [int(np.ravel_multi_index(index, shape)) for index in places]
    long = [axis for axis, size in enumerate(shape) if size > 1]
    return positions, [f"{letter}{','.join(str(index[a]) for a in long)}" for index in places]


def structure(slopes: np.ndarray) -> str:
    """What hangs together, in words: single cells, blocks, or neither."""
    blocks: list[tuple[set[int], set[int]]] = []
    for row, column in np.argwhere(slopes):
        touched = [block for block in blocks if row in block[0] or column in block[1]]
        blocks = [block for block in blocks if block not in touched]
        rows = {int(row)}.union(*(block[0] for block in touched))
        blocks.append((rows, {int(column)}.union(*(block[1] for block in touched))))
    sizes = {(len(rows), len(columns)) for rows, columns in blocks}
    if sizes == {(1, 1)}:
        return "Diagonal: an output has one input."
    whole = all(slopes[np.ix_(sorted(r), sorted(c))].all() for r, c in blocks)
    if whole and len(sizes) == 1 and len(blocks) > 1:
        ((height, width),) = sizes
        shape = f"blocks of {height} × {width}"
        shape = f"columns of {height}" if width == 1 else shape
        shape = f"rows of {width}" if height == 1 else shape
        return f"{len(blocks)} dense {shape}, and 0 outside of them."
    return f"{np.count_nonzero(slopes)} of {slopes.size} cells are not 0."


def figure(page: str) -> str:
    """The section of a page, or nothing where a page derives no operation on a tensor."""
    example = EXAMPLES.get(page)
    if example is None:
        return ""
    slopes, rows, columns = jacobian(example)
    largest = np.abs(slopes).max()
    head = "".join(f"<th scope=col>{name}" for name in columns)
    body = "".join(
        f"<tr><th scope=row>{name}{''.join(cell(value, largest) for value in row)}"
        for name, row in zip(rows, slopes, strict=True)
    )
    said = structure(slopes)
    label = f"Jacobian of {example.code}: {len(rows)} inputs, {len(columns)} outputs. {said}"
    x = str(example.x).replace(".0", "")
    return (
        '<h2 id="jacobian">The Jacobian, as cells</h2>\n<figure class="jacobian" '
        f'tabindex="0" aria-label="{escape(label)}"><div class="wide">'
        f"<table><thead><tr><td>{head}</thead><tbody>{body}</tbody></table></div>"
        f"<figcaption><code>{escape(example.code)}</code> at <code>x = {x}</code>. One row per "
        "input, one column per output: the column is <code>x.grad</code> when <code>dy</code> is "
        f"1 at that output and 0 elsewhere. {said} {inline_html(example.words)}</figcaption>"
        "</figure>\n"
    )


def cell(value: float, largest: float) -> str:
    if value == 0:
        return "<td>0"
    shade = max(1, round(STEPS * abs(value) / largest))
    text = f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")
    return f"<td class={'p' if value > 0 else 'n'}{shade}>{text}"
