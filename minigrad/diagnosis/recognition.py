"""Which operation is this? By its values: the output equals that of a known one on these inputs.

What a function keeps to itself (ε, a slope, an axis, γ and β, labels) is tried in its usual values,
or read off the output. So that nothing is recognized by accident, the gradients must fit, too.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from . import elementwise as cells
from . import normalizations as norms
from . import products, softmaxes
from .cases import Case, floats, quiet
from .comparing import Array, axis_sets, axis_word, largest_size

EPS = (1e-5, 1e-3, 1e-8, 1e-6, 1e-7, 1e-12, 1e-2, 0.0)
SAME, NEAR = 1e-9, 1e-4  # of the output; of the gradients, which may come from differences
ZERO, ONE = np.zeros(1), np.ones(1)


class Recognized(NamedTuple):
    """A known operation, and what is known of the gradient of each input, by its number."""

    name: str
    cases: Mapping[int, Callable[[], Case]]


@quiet
def recognize(
    output: Any, inputs: Sequence[Any], dy: Any, rights: dict[int, Any] | None = None
) -> Recognized | None:
    """The known operation whose output on these inputs is `output`; None if there is none.

    inputs: arrays, and numbers as they are. dy: the gradient of the output. rights: the right
    gradients by number of the input, from differences for example.
    """
    given = [floats(x) if is_float(x) else x for x in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of means of nothing and variances of one
        candidates = operations(floats(output), given, floats(dy), rights or {})
        found = [
            (misfit(each, rights or {}), number, each) for number, each in enumerate(candidates)
        ]
    best = min(found, key=lambda each: each[:2], default=None)
    return best[2] if best and best[0] <= NEAR else None


def misfit(found: Recognized, rights: dict[int, Any]) -> float:
    """How far the known gradients are from `rights`, where both are there."""
    far = 0.0
    for number, right in rights.items():
        if number in found.cases:
            known, right = found.cases[number]()["right"], floats(right)
            if known.shape != right.shape:
                return np.inf
            scale = max(largest_size(known), largest_size(right)) or 1.0
            off = largest_size(known - right) / scale
            far = max(far, off if np.isfinite(off) else np.inf)
    # differences are not better than this: below, the first operation that fits is taken
    return far if far > 1e-7 else 0.0


def is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def same(value: Any, output: Array) -> bool:
    value = np.asarray(value)
    if value.shape != output.shape:
        return False
    return largest_size(value - output) <= SAME * largest_size(output)


def operations(
    y: Array, inputs: list[Any], dy: Array, rights: dict[int, Any]
) -> Iterator[Recognized]:
    """The operations whose output is y; the first argument that is an array is called x."""
    numbers = [i for i, x in enumerate(inputs) if is_float(x)]
    labels = [x for x in inputs if isinstance(x, np.ndarray) and x.dtype.kind in "iu"]
    scalars = [float(x) for x in inputs if isinstance(x, (int, float)) and type(x) is not bool]
    if not numbers or not y.size or not all(inputs[i].size for i in numbers):
        return
    yield from normalized(y, inputs, numbers, dy, scalars)
    if len(numbers) == 1:
        i = numbers[0]
        yield from losses(y, inputs[i], i, labels, dy, rights)
        yield from over_an_axis(y, inputs[i], i, dy)
        yield from of_each_cell(y, inputs[i], i, dy, scalars)
    if len(numbers) in {2, 3}:
        yield from of_two(y, inputs, numbers, dy)


def of_each_cell(
    y: Array, x: Array, i: int, dy: Array, scalars: list[float]
) -> Iterator[Recognized]:
    if y.shape != x.shape:
        return
    usual: list[tuple[str, Callable[[Array], Array], Callable[[Any, Any], Case]]] = [
        ("relu", lambda x: np.maximum(x, 0), cells.relu_dx),
        ("sigmoid", cells.logistic, cells.sigmoid_dx),
        ("tanh", np.tanh, cells.tanh_dx),
        ("exp", np.exp, cells.exp_dx),
        ("log", np.log, cells.log_dx),
        ("sqrt", np.sqrt, cells.sqrt_dx),
        ("abs", np.abs, cells.abs_dx),
        ("softplus", lambda x: np.logaddexp(0, x), cells.softplus_dx),
        ("silu", lambda x: x * cells.logistic(x), cells.silu_dx),
        ("gelu", lambda x: x * cells.normal_cdf(x), cells.gelu_dx),
    ]
    for name, forward, known in usual:
        if same(forward(x), y):
            yield Recognized(name, {i: partial(known, x, dy)})
    if (x < 0).any():
        at = np.unravel_index(np.argmin(x), x.shape)
        slope, alpha = float(y[at] / x[at]), float(y[at] / np.expm1(x[at]))
        if same(np.where(x > 0, x, slope * x), y) and slope not in {0, 1}:
            yield Recognized("leaky relu", {i: partial(cells.leaky_relu_dx, x, dy, slope)})
        if same(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), y):
            yield Recognized("elu", {i: partial(cells.elu_dx, x, dy, alpha)})
    for n in dict.fromkeys([*scalars, 2.0, 3.0, 4.0, -1.0, -2.0, 1.5]):
        if same(x**n, y):
            yield Recognized(f"power {n:g}", {i: partial(cells.pow_dx, x, n, dy)})


def over_an_axis(y: Array, x: Array, i: int, dy: Array) -> Iterator[Recognized]:
    for axis in range(x.ndim):
        if same(softmaxes.probabilities(x, axis), y):
            yield Recognized(
                f"softmax over axis {axis}",
                {i: partial(softmaxes.softmax_dx, x, dy, axis)},
            )
        if same(np.log(softmaxes.probabilities(x, axis)), y):
            yield Recognized(
                f"log-softmax over axis {axis}",
                {i: partial(softmaxes.log_softmax_dx, x, dy, axis)},
            )
    for axes, m_minus in itertools.product(axis_sets(x.ndim), (0, 1)):
        for name, value, known in (
            ("sum", np.sum(x, axes), cells.sum_dx),
            ("mean", np.mean(x, axes), cells.mean_dx),
            ("variance", np.var(x, axes, ddof=m_minus), cells.var_dx),
            ("standard deviation", np.std(x, axes, ddof=m_minus), cells.std_dx),
        ):
            kept = np.expand_dims(value, axes)
            if same(value, y) or same(kept, y):
                of_x = partial(known, x, dy.reshape(kept.shape), axes)
                if name in {"variance", "standard deviation"}:
                    of_x = partial(of_x, correction=m_minus)
                yield Recognized(f"{name} over {axis_word(axes)}", {i: of_x})


def losses(
    y: Array, x: Array, i: int, labels: list[Array], dy: Array, rights: dict[int, Any]
) -> Iterator[Recognized]:
    if x.ndim != 2:
        return
    n, classes = x.shape
    candidates = [each for each in labels if each.shape == (n,)]
    if i in rights and dy.size in {1, n} and dy.all():
        slope = floats(rights[i]) / dy.reshape(-1, 1)  # below 0 at the label, above it elsewhere
        if slope.shape == x.shape:
            candidates.append(np.argmin(slope, axis=1))
    each_row = -np.log(softmaxes.probabilities(x, 1))
    for t in candidates:
        if t.min(initial=0) < 0 or t.max(initial=0) >= classes:
            continue
        loss = each_row[np.arange(n), t]
        for reduction, value in (("mean", loss.mean()), ("sum", loss.sum()), ("none", loss)):
            if same(value, y):
                yield Recognized(
                    f"cross-entropy, {reduction}",
                    {i: partial(softmaxes.cross_entropy_dx, x, t, dy, reduction)},
                )


def of_two(y: Array, inputs: list[Any], numbers: list[int], dy: Array) -> Iterator[Recognized]:
    """Of two arrays; with a third one, that is a bias."""
    for i, j in itertools.permutations(numbers, 2):
        a, b = inputs[i], inputs[j]
        bias = [k for k in numbers if k not in {i, j}]
        if a.ndim == b.ndim == y.ndim == 2:
            yield from matrix_products(y, a, b, i, j, dy, [(k, inputs[k]) for k in bias])
        if not bias:
            yield from elementary(y, a, b, i, j, dy)


def matrix_products(
    y: Array, a: Array, b: Array, i: int, j: int, dy: Array, bias: list[tuple[int, Array]]
) -> Iterator[Recognized]:
    """a @ b.T or a @ b, with a bias that is an input, or that the function keeps to itself."""
    for name, factor, known_a, known_b in (
        ("linear layer", b.T, partial(products.linear_dx, b, dy, a),
         partial(products.linear_dw, a, dy, b)),
        ("matrix product", b, partial(products.matmul_da, a, b, dy),
         partial(products.matmul_db, a, b, dy)),
    ):  # fmt: skip
        if a.shape[1] != factor.shape[0] or (len(a), factor.shape[1]) != y.shape:
            continue
        product, found = a @ factor, {i: known_a, j: known_b}
        if bias:
            ((k, c),) = bias
            found[k] = partial(products.broadcast_sum, dy, c.shape)
            if c.shape == y.shape[1:] and same(product + c, y):
                yield Recognized(name, found)
        elif same(product, y) or (len(y) > 1 and same(product + (y - product)[:1], y)):
            yield Recognized(name, found)


def elementary(y: Array, a: Array, b: Array, i: int, j: int, dy: Array) -> Iterator[Recognized]:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return
    if i < j and same(a + b, y):
        yield Recognized("sum of two", {i: partial(products.add_da, a, b, dy),
                                        j: partial(products.add_da, b, a, dy)})  # fmt: skip
    if same(a - b, y):
        yield Recognized("difference", {i: partial(products.add_da, a, b, dy),
                                        j: partial(products.add_da, b, a, -dy)})  # fmt: skip
    if i < j and same(a * b, y):
        yield Recognized("product", {i: partial(products.mul_da, a, b, dy),
                                     j: partial(products.mul_db, a, b, dy)})  # fmt: skip
    if same(a / b, y):
        yield Recognized("quotient", {i: partial(products.div_da, a, b, dy),
                                      j: partial(products.div_db, a, b, dy)})  # fmt: skip
    if i < j and a.shape == b.shape:
        if same(np.sum(a * b), y):
            yield Recognized("scalar product", {i: partial(products.dot_da, a, b, dy),
                                                j: partial(products.dot_da, b, a, dy)})  # fmt: skip
        for how, n in (("mean", a.size), ("sum", 1)):
            if same(np.sum((a - b) ** 2) / n, y):
                yield Recognized(
                    f"squared error, {how}",
                    {i: partial(products.squared_error_da, a, b, dy, how),
                     j: partial(products.squared_error_da, b, a, dy, how)},
                )  # fmt: skip


# --- batch norm and layer norm -------------------------------------------------------------------


def normalized(
    y: Array, inputs: list[Any], numbers: list[int], dy: Array, scalars: list[float]
) -> Iterator[Recognized]:
    """The arrays of one dimension may be γ, β, running mean and variance, in any order."""
    some_eps = dict.fromkeys([*(eps for eps in scalars if 0 <= eps < 1), *EPS])
    for i in numbers:
        x = inputs[i]
        if x.shape != y.shape or x.ndim < 2:
            continue
        rows = [(k, inputs[k]) for k in numbers if k != i and inputs[k].ndim == 1]
        if len(rows) != len(numbers) - 1:
            continue
        read_off = [eps for over in (norms.batch_axes(x), (x.ndim - 1,))
                    for eps in eps_of(y, x, over, rows)]  # fmt: skip
        for eps in dict.fromkeys([*some_eps, *read_off]):
            yield from batch_norms(y, x, i, dy, eps, [r for r in rows if len(r[1]) == x.shape[1]])
            yield from layer_norms(y, x, i, dy, eps, [r for r in rows if len(r[1]) == x.shape[-1]])


def eps_of(
    y: Array, x: Array, over: tuple[int, ...], rows: list[tuple[int, Array]]
) -> Iterator[float]:
    """ε of y = γ (x − μ) / √(σ² + ε) + β, if this is it, from the cell farthest from its mean."""
    centered = x - x.mean(over, keepdims=True)
    at = np.unravel_index(np.argmax(np.abs(centered)), x.shape)
    axis = 1 if over != (x.ndim - 1,) else x.ndim - 1
    var = np.broadcast_to(np.mean(centered**2, over, keepdims=True), x.shape)[at]
    fitting = [values for _, values in rows if len(values) == x.shape[axis]]
    for gamma, beta in [*itertools.permutations(fitting, 2), *((g, 0 * g) for g in fitting)]:
        std = gamma[at[axis]] * centered[at] / (y[at] - beta[at[axis]])
        eps = float(std**2 - var)
        if 1e-9 < eps < 1:
            yield eps


def batch_norms(
    y: Array, x: Array, i: int, dy: Array, eps: float, rows: list[tuple[int, Array]]
) -> Iterator[Recognized]:
    x_hat = norms.Normalized(x, norms.batch_axes(x), eps).x_hat
    summed = {
        "γ": partial(norms.batch_norm_dgamma, x, dy, eps),
        "β": partial(norms.batch_norm_dbeta, dy),
    }

    def wide(values: Any) -> Array:
        return norms.one_per_channel(values, x)

    for names, chosen in roles(rows, [["γ", "β"], ["γ"], []]):
        given = {name: values for name, (_, values) in zip(names, chosen, strict=True)}
        gamma = given.get("γ", np.ones(x.shape[1]))
        rest = y - x_hat * wide(gamma) - wide(given.get("β", ZERO))
        if "γ" not in given:
            gamma, rest = fitted_scale(y, x_hat, norms.batch_axes(x))
        elif "β" not in given:  # it may be kept inside
            rest = rest - rest.mean(norms.batch_axes(x), keepdims=True)
        if largest_size(rest) <= SAME * largest_size(y):
            found = {i: partial(norms.batch_norm_dx, x, np.ravel(gamma), dy, eps)}
            found.update({k: summed[name] for name, (k, _) in zip(names, chosen, strict=True)})
            yield Recognized("batch norm in training mode", found)
    for names, chosen in roles(rows, [["μ", "σ²", "γ", "β"], ["μ", "σ²", "γ"], ["μ", "σ²"]]):
        given = {name: values for name, (_, values) in zip(names, chosen, strict=True)}
        mean, var, gamma = given["μ"], given["σ²"], given.get("γ", ONE)
        if (var + eps <= 0).any():
            continue
        fixed = (x - wide(mean)) / np.sqrt(wide(var) + eps)
        if same(fixed * wide(gamma) + wide(given.get("β", ZERO)), y):
            found = {i: partial(norms.batch_norm_eval_dx, x, gamma, dy, mean, var, eps)}
            of_rows = {
                "γ": partial(norms.batch_norm_eval_dgamma, x, dy, mean, var, eps),
                "β": summed["β"],
            }
            for name, (k, _) in zip(names, chosen, strict=True):
                if name in of_rows:
                    found[k] = of_rows[name]
            yield Recognized("batch norm in evaluation mode", found)


def layer_norms(
    y: Array, x: Array, i: int, dy: Array, eps: float, rows: list[tuple[int, Array]]
) -> Iterator[Recognized]:
    over, summed = (x.ndim - 1,), tuple(range(x.ndim - 1))
    x_hat = norms.Normalized(x, over, eps).x_hat
    of_rows = {
        "γ": partial(norms.layer_norm_dgamma, x, dy, eps),
        "β": partial(norms.layer_norm_dbeta, dy),
    }
    for names, chosen in roles(rows, [["γ", "β"], ["γ"], []]):
        given = {name: values for name, (_, values) in zip(names, chosen, strict=True)}
        gamma = given.get("γ", np.ones(x.shape[-1]))
        rest = y - x_hat * gamma - given.get("β", ZERO)
        if "γ" not in given and len(x) > 2:
            gamma, rest = fitted_scale(y, x_hat, summed)
        elif "β" not in given:
            rest = rest - rest.mean(summed, keepdims=True)
        if largest_size(rest) <= SAME * largest_size(y):
            found = {i: partial(norms.layer_norm_dx, x, np.ravel(gamma), dy, eps)}
            found.update({k: of_rows[name] for name, (k, _) in zip(names, chosen, strict=True)})
            yield Recognized("layer norm", found)


def roles(
    rows: list[tuple[int, Array]], wanted: list[list[str]]
) -> Iterator[tuple[list[str], tuple[tuple[int, Array], ...]]]:
    """Every way to give these roles to the inputs."""
    for names in wanted:
        for chosen in itertools.permutations(rows, len(names)):
            yield names, chosen


def fitted_scale(y: Array, x_hat: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """γ of y = γ x̂ + β by least squares, and what it leaves of y."""
    centered = y - y.mean(axes, keepdims=True)
    own = x_hat - x_hat.mean(axes, keepdims=True)
    gamma = np.sum(centered * own, axes, keepdims=True) / np.sum(own * own, axes, keepdims=True)
    return gamma, centered - gamma * own
