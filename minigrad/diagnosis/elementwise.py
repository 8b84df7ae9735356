"""Functions of each cell, and what is taken over cells: sum, mean, variance.

For a function of each cell dx = dy · slope. The usual mistakes are the same for all of them: dy
forgotten, x and y mixed up, the function in the place of its slope.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .cases import Case, case, floats, quiet
from .comparing import Array, largest_size


@quiet
def cellwise(
    x: Any, dy: Any, y: Array, slope: Array, slopes: Mapping[str, Any],
    parts: Mapping[str, Any] | None = None, factors: Mapping[str, Any] | None = None,
) -> Case:  # fmt: skip
    """dy · slope; `slopes` are wrong ones by phrase, parts and factors those of the slope."""
    x, dy = floats(x), floats(dy)
    usual = {
        "x in the place of the slope": x,
        "y, the value, in the place of the slope": y,
        "dy itself: the slope is missing": np.ones_like(x),
        "1/slope in the place of the slope": 1 / slope,
        "the slope is squared": slope**2,
    }
    here = {**usual, **slopes}
    there = [slope, *here.values()]
    for name, s in slopes_of_others(x).items():
        if np.isfinite(s).all() and not any(largest_size(s - one) < 1e-9 for one in there):
            here[f"the slope of {name}"] = s
    wrong = {phrase: dy * s for phrase, s in here.items()}
    wrong["y: the forward pass"] = y
    wrong["x itself"] = x
    wrong["dy + slope in the place of dy · slope"] = dy + slope
    wrong["|dy| in the place of dy"] = np.abs(dy) * slope
    wrong["the quotient is upside down: 1 / (dy · slope)"] = 1 / (dy * slope)
    wrong = {phrase: u for phrase, u in wrong.items() if np.isfinite(u).all()}
    pieces = {name: dy * part for name, part in (parts or {}).items()}
    return case(dy * slope, pieces, {"dy": dy, **(factors or {})}, wrong)


def slopes_of_others(x: Array) -> dict[str, Array]:
    """The slopes of functions that one may take for another."""
    s, t = logistic(x), np.tanh(x)
    return {
        "the sigmoid": s * (1 - s),
        "tanh": 1 - t * t,
        "arctan": 1 / (1 + x * x),
        "softplus": s,
        "silu": s + x * s * (1 - s),
        "x²": 2 * x,
        "√x": 0.5 / np.sqrt(x),
        "1/x": -(x**-2.0),
        "e^x": np.exp(x),
        "log x": 1 / x,
        "log(1 + x)": 1 / (1 + x),
        "sin x": np.cos(x),
        "cos x": -np.sin(x),
    }


# --- the family of relu --------------------------------------------------------------------------


@quiet
def relu_dx(x: Any, dy: Any) -> Case:
    """dx = dy where x > 0, and 0 elsewhere."""
    x, dy = floats(x), floats(dy)
    on = (x > 0) * 1.0
    found = cellwise(x, dy, x * on, on, {
        "the mask is turned round: dy where x < 0": 1 - on,
        "the mask is that of dy, not of x": (dy > 0) * 1.0,
        "the mask is that of x and of dy": on * (dy > 0),
        "the slope at x = 0 is 1": (x >= 0) * 1.0,
        "the slope at x = 0 is ½": on + 0.5 * (x == 0),
        "the sign of x in the place of the mask": np.sign(x),
        "the mask is x ≠ 0": (x != 0) * 1.0,
        "the mask is |x|": np.abs(x),
        "the slope of leaky relu, 0.01 where x ≤ 0": on + 0.01 * (1 - on),
        "the mask x > 1": (x > 1) * 1.0,
        "the mask 0 < x < 1": (x > 0) * (x < 1.0),
        "½ · dy in every cell": np.full_like(x, 0.5),
    })  # fmt: skip
    found["wrong"]["the mask without dy"] = on
    found["wrong"]["max(x, dy) in the place of dy where x > 0"] = np.maximum(x, dy)
    found["wrong"]["relu of dy: its positive cells"] = np.maximum(dy, 0)
    del found["wrong"]["the slope is squared"]
    return found


@quiet
def leaky_relu_dx(x: Any, dy: Any, slope: float = 0.01) -> Case:
    """dx = dy where x > 0, and slope · dy elsewhere."""
    x, dy = floats(x), floats(dy)
    on = (x > 0) * 1.0
    default = "0.01, the default, in the place of the slope"
    if np.isclose(slope**2, 0.01):  # or the slope twice: the same number
        default = f"remark: or {default}"
    return cellwise(x, dy, np.where(x > 0, x, slope * x), on + slope * (1 - on), {
        "the slope is 1 − slope where x ≤ 0": on + (1 - slope) * (1 - on),
        "the slope itself, without dy, where x ≤ 0": on + slope * (1 - on) / dy,
        "slope · x, the value, where x ≤ 0": on + slope * x * (1 - on) / dy,
        "slope · x · dy where x ≤ 0": on + slope * x * (1 - on),
        "the two sides are exchanged": slope * on + (1 - on),
        "the mask is that of dy, not of x": (dy > 0) + slope * (dy <= 0),
        "the slope at x = 0 is 1": (x >= 0) + slope * (x < 0),
        "the slope at x = 0 is 0": on + slope * (x < 0),
        "slope everywhere": slope + 0 * x,
        "1 + slope where x > 0: added, not chosen": on + slope,
        default: on + 0.01 * (1 - on),
        "1 where x ≤ 0, too, plus slope": 1 + slope * (1 - on),
    }, parts={"the part where x > 0": on, "the part where x ≤ 0": slope * (1 - on)},
       factors={"slope": slope})  # fmt: skip


@quiet
def elu_dx(x: Any, dy: Any, alpha: float = 1.0) -> Case:
    """dx = dy where x > 0, and α e^x · dy elsewhere."""
    x, dy = floats(x), floats(dy)
    on, e = (x > 0) * 1.0, np.exp(np.minimum(x, 0))
    return cellwise(x, dy, np.where(x > 0, x, alpha * (e - 1)), on + alpha * e * (1 - on), {
        "the value α(e^x − 1) where x ≤ 0": on + alpha * (e - 1) * (1 - on),
        "α x e^x where x ≤ 0": on + alpha * x * e * (1 - on),
        "y in the place of y + α where x ≤ 0": on + alpha * (e - 1) * (1 - on),
        "y + 1 in the place of y + α where x ≤ 0": on + (alpha * (e - 1) + 1) * (1 - on),
        "e^−x in the place of e^x": on + alpha * np.exp(-np.minimum(x, 0)) * (1 - on),
        "e^x everywhere": alpha * np.exp(x),
        "e^(αx) where x ≤ 0": on + np.exp(alpha * np.minimum(x, 0)) * (1 - on),
        "α e^(αx) where x ≤ 0": on + alpha * np.exp(alpha * np.minimum(x, 0)) * (1 - on),
    }, parts={"the part where x > 0": on, "the part where x ≤ 0": alpha * e * (1 - on)},
       factors={"α": alpha, "e^x": np.exp(x)})  # fmt: skip


# --- curves --------------------------------------------------------------------------------------


def normal_cdf(x: Array) -> Array:
    erf = np.array([math.erf(u / math.sqrt(2)) for u in x.ravel()]).reshape(x.shape)
    return np.asarray(0.5 * (1 + erf))


def logistic(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


@quiet
def sigmoid_dx(x: Any, dy: Any) -> Case:
    """dx = y(1 − y) · dy."""
    x = floats(x)
    y = logistic(x)
    found = cellwise(x, dy, y, y * (1 - y), {
        "x(1 − x): x in the place of y": x * (1 - x),
        "y(1 − x): x in the place of one y": y * (1 - x),
        "x(1 − y): x in the place of one y": x * (1 - y),
        "y(1 + y)": y * (1 + y),
        "y(y − 1)": y * (y - 1),
        "1 − y², the slope of tanh": 1 - y * y,
        "1 − y": 1 - y,
        "y²": y * y,
        "(1 − y)²": (1 - y) ** 2,
        "y(1 − y)²": y * (1 - y) ** 2,
        "y²(1 − y)": y * y * (1 - y),
        "σ(y)(1 − σ(y)): y went through the sigmoid again": logistic(y) * (1 - logistic(y)),
        "e^−x": np.exp(-x),
        "e^−x / (1 + e^−x), without the square": 1 - y,
        "e^x / (1 + e^−x)²": np.exp(x) * y * y,
        "1 / (1 + e^−x)²": y * y,
        "y(1 − dy)": y * (1 - floats(dy)) / floats(dy),
        "the mask x > 0, the slope of relu": (x > 0) * 1.0,
        "y(1 − y)(1 − 2y), the second derivative": y * (1 - y) * (1 - 2 * y),
    }, factors={"y": y, "1 − y": 1 - y})  # fmt: skip
    s = logistic(floats(dy))
    found["wrong"]["a bracket is missing: dy · y · 1 − y"] = floats(dy) * y - y
    found["wrong"]["the slope at dy, not at x"] = s * (1 - s)
    return found


@quiet
def tanh_dx(x: Any, dy: Any) -> Case:
    """dx = (1 − y²) · dy."""
    x = floats(x)
    y = np.tanh(x)
    return cellwise(x, dy, y, 1 - y * y, {
        "1 − x²: x in the place of y": 1 - x * x,
        "1 + y²": 1 + y * y,
        "1 − y: the square is missing": 1 - y,
        "(1 − y)²": (1 - y) ** 2,
        "y²": y * y,
        "y² − 1": y * y - 1,
        "y(1 − y), the slope of the sigmoid": y * (1 - y),
        "1 − tanh²(y): y went through tanh again": 1 - np.tanh(y) ** 2,
        "1 − 2y²": 1 - 2 * y * y,
        "−2y(1 − y²), the second derivative": -2 * y * (1 - y * y),
        "1 − 2y: the slope is 1 − y²": 1 - 2 * y,
        "1 − |y|": 1 - np.abs(y),
        "1/cosh(x²) in the place of 1/cosh² x": 1 / np.cosh(x * x),
        "1/cosh x, without the square": 1 / np.cosh(x),
        "cosh² x in the place of 1/cosh² x": np.cosh(x) ** 2,
        "√(1 − y²)": np.sqrt(1 - y * y),
        "1 − σ²(x): the sigmoid in the place of tanh": 1 - logistic(x) ** 2,
    }, parts={"dy": np.ones_like(x), "−y²·dy": -y * y},
       factors={"1 − y": 1 - y, "1 + y": 1 + y})  # fmt: skip


@quiet
def softplus_dx(x: Any, dy: Any) -> Case:
    """dx = σ(x) · dy."""
    x = floats(x)
    s = logistic(x)
    return cellwise(x, dy, np.logaddexp(0, x), s, {
        "σ(−x)": 1 - s, "e^x, without its denominator": np.exp(x),
        "1/(1 + e^x)": 1 - s, "σ(1 − σ): one derivative too many": s * (1 - s),
        "σ(y): at y in the place of x": logistic(np.logaddexp(0, x)),
        "the mask x > 0, the slope of relu": (x > 0) * 1.0,
    }, factors={"σ(x)": s})  # fmt: skip


@quiet
def silu_dx(x: Any, dy: Any) -> Case:
    """dx = (σ + x σ(1 − σ)) · dy of y = x σ(x)."""
    x = floats(x)
    s = logistic(x)
    return cellwise(x, dy, x * s, s + x * s * (1 - s), {
        "x is missing in the second part": s + s * (1 - s),
        "y in the place of x in the second part": s + x * s * s * (1 - s),
        "x(1 − σ) in the second part": s + x * (1 - s),
        "x σ² in the second part": s + x * s * s,
        "y(1 − y), the slope of the sigmoid": x * s * (1 - x * s),
    }, parts={"the part σ·dy": s, "the part x·σ(1 − σ)·dy": x * s * (1 - s)},
       factors={"σ(x)": s, "1 − σ(x)": 1 - s, "x": x})  # fmt: skip


def by_tanh(x: Array) -> Array:
    """The slope of gelu as ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return np.asarray(0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x))


@quiet
def gelu_dx(x: Any, dy: Any) -> Case:
    """dx = (Φ(x) + x φ(x)) · dy of y = x Φ(x), with the normal distribution's Φ and density φ."""
    x = floats(x)
    cdf = normal_cdf(x)
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    s = logistic(1.702 * x)
    return cellwise(x, dy, x * cdf, cdf + x * density, {
        "x is missing in the second part": cdf + density,
        "the density lacks 1/√(2π)": cdf + x * np.exp(-0.5 * x * x),
        "the density has e^(−x²)": cdf + x * np.exp(-x * x) / math.sqrt(2 * math.pi),
        "Φ without ½": 2 * cdf + x * density,
        "the density lacks √2: 1/√π": cdf + x * density * math.sqrt(2),
        "Φ lacks /√2 in erf": normal_cdf(x * math.sqrt(2)) + x * density,
        "the slope of the approximation by tanh": by_tanh(x),
        "the slope of the approximation x·σ(1.702 x)": s + 1.702 * x * s * (1 - s),
    }, parts={"the part Φ·dy": cdf, "the part x·φ·dy": x * density},
       factors={"x": x, "2": 2.0})  # fmt: skip


@quiet
def exp_dx(x: Any, dy: Any) -> Case:
    x = floats(x)
    y = np.exp(x)
    return cellwise(x, dy, y, y, {
        "x e^(x − 1), the rule of powers": x * np.exp(x - 1), "x e^x": x * y,
        "e^(x − 1)": np.exp(x - 1), "e^y": np.exp(np.minimum(y, 700)), "e^−x": 1 / y,
        "1/x": 1 / x, "e^(x · dy), without dy": np.exp(x * floats(dy)) / floats(dy),
    })  # fmt: skip


@quiet
def log_dx(x: Any, dy: Any) -> Case:
    x = floats(x)
    return cellwise(x, dy, np.log(x), 1 / x, {
        "1/y in the place of 1/x": 1 / np.log(x), "1/x²": x**-2.0, "−1/x²": -(x**-2.0),
        "e^x": np.exp(x), "−1/x": -1 / x, "1/(x ln 10)": 1 / x / math.log(10),
        "1/(x ln 2)": 1 / x / math.log(2), "log x / x": np.log(x) / x,
    }, factors={"1/x": 1 / x})  # fmt: skip


@quiet
def sqrt_dx(x: Any, dy: Any) -> Case:
    x = floats(x)
    y = np.sqrt(x)
    return cellwise(x, dy, y, 0.5 / y, {
        "1/(2x): x in the place of y": 0.5 / x, "y/2": 0.5 * y, "2y": 2 * y, "2/y": 2 / y,
        "½ y^(−½): y in the place of x": 0.5 * y**-0.5, "½ x^(−3/2)": 0.5 * x**-1.5,
        "−½ x^(−3/2)": -0.5 * x**-1.5,
    }, factors={"½": 0.5, "1/y": 1 / y})  # fmt: skip


@quiet
def pow_dx(x: Any, n: Any, dy: Any) -> Case:
    """dx = n x^(n − 1) · dy of y = x^n."""
    x, n = floats(x), floats(n)
    y = x**n
    return cellwise(x, dy, y, n * x ** (n - 1), {
        "n xⁿ: the exponent is not one less": n * y, "(n − 1) x^(n − 1)": (n - 1) * x ** (n - 1),
        "(n − 1) xⁿ": (n - 1) * y, "n x^(n − 2)": n * x ** (n - 2),
        "(n − 1) x^(n − 2)": (n - 1) * x ** (n - 2), "n x^(n + 1)": n * x ** (n + 1),
        "n x": n * x, "xⁿ log x, the slope along n": y * np.log(np.abs(x)),
        "x^(n + 1)/(n + 1), the integral": x ** (n + 1) / (n + 1), "n + x": n + x,
        "n |x|^(n − 1)": n * np.abs(x) ** (n - 1),
        "n |x|^(n − 1) · sign x": n * np.abs(x) ** (n - 1) * np.sign(x), "(n + 1) xⁿ": (n + 1) * y,
        "n y^(n − 1)": n * y ** (n - 1), "(n x)^(n − 1)": (n * x) ** (n - 1),
    }, factors={"n": n, "x": x})  # fmt: skip


@quiet
def abs_dx(x: Any, dy: Any) -> Case:
    x = floats(x)
    return cellwise(x, dy, np.abs(x), np.sign(x), {
        "the mask x > 0": (x > 0) * 1.0, "the value |x|": np.abs(x),
        "the sign of dy in the place of the sign of x": np.sign(floats(dy)),
        "the slope at x = 0 is 1": np.sign(x) + (x == 0),
        "the slope at x = 0 is −1": np.sign(x) - (x == 0),
    }, factors={"the sign of x": np.sign(x)})  # fmt: skip


# --- over cells ----------------------------------------------------------------------------------


def again(x: Array, dy: Any, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:
    """dy, repeated over the axes of x that are gone."""
    dy = floats(dy)
    if axis is not None and not keepdims and dy.ndim < x.ndim:
        dy = np.expand_dims(dy, axis)
    return np.broadcast_to(dy, x.shape)


def number_of_cells(x: Array, axis: int | tuple[int, ...] | None) -> int:
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return int(np.prod([x.shape[each] for each in axes]))


def in_first_cells(x: Array, axis: int | tuple[int, ...] | None) -> Array:
    """1 in the first of the cells that are summed, 0 in the others."""
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    inside = {each % x.ndim for each in axes}
    first = np.zeros_like(x)
    first[tuple(slice(0, 1 if k in inside else None) for k in range(x.ndim))] = 1
    return first


@quiet
def sum_dx(x: Any, dy: Any, axis: Any = None, keepdims: bool = False) -> Case:
    """dx = dy, repeated."""
    x = floats(x)
    full, m = again(x, dy, axis, keepdims), number_of_cells(x, axis)
    wrong = {
        "x · dy": x * full,
        "y · dy": x.sum(axis, keepdims=True) * full,
        "the sum of dy in the place of dy": floats(dy).sum() + 0 * x,
        "x itself": x,
        "dy is taken for ones": np.ones_like(x),
    }
    return case(full, factors={"1/m": 1 / max(m, 1), "dy": full}, wrong=wrong)


@quiet
def mean_dx(x: Any, dy: Any, axis: Any = None, keepdims: bool = False) -> Case:
    """dx = dy / m, repeated, for a mean over m values."""
    x = floats(x)
    full, m = again(x, dy, axis, keepdims), number_of_cells(x, axis)
    first, first_only = (
        in_first_cells(x, axis),
        "the first cell only; it is to be spread over all m",
    )
    if x.ndim == 2 and axis in (0, (0,), -2):
        first_only = "the first row only; it is to be spread over all rows"
    wrong = {
        "x · dy / m": x * full / m,
        "divided by m − 1": full / max(m - 1, 1),
        "1 − 1/m in the place of 1/m": full * (1 - 1 / max(m, 1)),
        "(x − μ) · dy / m": (x - x.mean(axis, keepdims=True)) * full / m,
        "the mean of dy in the place of dy": 0 * x + full.mean() / m,
        "dy − the mean of dy": full - full.mean(),
        f"dy stands in {first_only}": full * first,
        f"dy / m stands in {first_only}": full * first / m,
        "the mean itself": x.mean(axis, keepdims=True) * full,
        "dy is taken for ones": np.ones_like(x) / m,
    }
    for other, n in enumerate(x.shape):
        wrong[f"divided by {n}, the length of axis {other}"] = full / n
    wrong[f"divided by {x.size}, the number of all cells"] = full / x.size
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        wrong["dy is laid along the wrong axis"] = full.T / m
    return case(full / m, factors={"1/m": 1 / max(m, 1), "dy": full}, wrong=wrong)


@quiet
def var_dx(x: Any, dy: Any, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Case:
    """dx = 2 (x − μ) / (m − correction) · dy."""
    x = floats(x)
    full, m = again(x, dy, axis, keepdims), number_of_cells(x, axis)
    mean = x.mean(axis, keepdims=True)
    n = m - correction
    scale = 2 / n * full
    wrong = {
        "divided by m − 1": scale * n / max(m - 1, 1) * (x - mean),
        "divided by m": scale * n / m * (x - mean),
        "divided by m + 1": scale * n / (m + 1) * (x - mean),
        "divided by x.size, the number of all cells": scale * n / max(x.size, 1) * (x - mean),
        "x − μ is missing: 2 / m · dy": scale + 0 * x,
        "the variance in the place of x − μ": scale * x.var(axis, keepdims=True) + 0 * x,
        "(x − μ)² in the place of x − μ": scale * (x - mean) ** 2,
        "the mean of x − μ, which is 0": 0 * x,
        "μ is the mean of all cells": scale * (x - x.mean()),
        "x · (x − μ) in the place of x − μ": scale * x * (x - mean),
        "the mean was divided once more: 2 (x − μ)(1 − 1/m)": scale * (x - mean) * (m - 1) / m,
        "dy is taken for ones": 2 / n * (x - mean),
        "|x − μ| in the place of x − μ": scale * np.abs(x - mean),
        "the variance itself": full * x.var(axis, keepdims=True),
        "(x − μ) / (m · σ), the slope of the standard deviation": scale
        * (x - mean) / (x.var(axis, keepdims=True) + 1e-300) ** 0.5 / 2,
    }  # fmt: skip
    for other in range(x.ndim):
        wrong[f"μ is the mean over axis {other}"] = scale * (x - x.mean(other, keepdims=True))
        length = f"divided by {x.shape[other]}, the length of axis {other}"
        wrong[length] = scale * n / max(x.shape[other], 1) * (x - mean)
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        wrong["dy is laid along the wrong axis"] = scale.T * (x - mean)
    wrong = {
        phrase: u for phrase, u in wrong.items() if not np.allclose(u, scale * (x - mean), 1e-12, 0)
    }
    parts = {"the part of x": scale * x, "the part of μ": -scale * mean + 0 * x}
    factors = {"2": 2.0, f"1/{'m' if n == m else '(m − 1)'}": 1 / max(n, 1), "dy": full}
    return case(scale * (x - mean), parts, factors, wrong)


@quiet
def std_dx(x: Any, dy: Any, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Case:
    """dx = (x − μ) / ((m − correction) σ) · dy."""
    x = floats(x)
    std = x.std(axis, ddof=correction, keepdims=True)
    found = var_dx(x, again(x, dy, axis, keepdims) / (2 * std), axis, correction)
    m = number_of_cells(x, axis)
    for n, name in ((m, "m"), (m - 1, "m − 1")):
        if 0 < n != m - correction:
            c = np.sqrt(n / (m - correction))  # right · c has the other σ
            found["wrong"][f"σ is that with {name}"] = found["right"] * c
            found["wrong"][f"divided by {name}, in σ, too"] = found["right"] / c
    found["factors"].update({"1/σ": 1 / std, "dy": again(x, dy, axis, keepdims)})
    return found
