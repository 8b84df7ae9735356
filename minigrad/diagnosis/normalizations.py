"""Batch norm and layer norm: three roads, and what goes wrong on them.

Symbols as in docs/derivations/batch_norm.md: x̂ = (x − μ) · r, r = 1/√(σ² + ε), y = γ x̂ + β,
M is the mean over the m values that share a μ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Case, case, eps_instead, false_sums, floats, quiet, summed_parts
from .comparing import Array, axis_sets

USUAL_EPS = (1e-3, 1e-5)
HELD = "remark: the statistics were held still"  # "missing: roads 2 and 3 (…)"


class Normalized:
    """x̂ and what it is made of, for statistics over `over`; as in a mistake, if asked for."""

    def __init__(self, x: Array, over: tuple[int, ...], eps: float, form: str = ""):
        self.x: Array = x
        self.over: tuple[int, ...] = over
        self.m: int = int(np.prod([x.shape[axis] for axis in over]))
        self.centered: Array = x - self.M(x)
        self.var: Array = self.M(self.centered**2)
        if form == "m − 1":
            self.var = self.var * self.m / max(self.m - 1, 1)
        self.r: Array = {
            "no ε": lambda: self.var**-0.5,
            "ε outside": lambda: 1 / (self.var**0.5 + eps),
            "ε squared": lambda: (self.var + eps**2) ** -0.5,
            "no root": lambda: 1 / (self.var + eps),
            "no root, no ε": lambda: 1 / self.var,
            "two roots": lambda: (self.var**0.5 + eps) ** -0.5,
            "times": lambda: (self.var + eps) ** 0.5,
        }.get(form, lambda: (self.var + eps) ** -0.5)()
        self.x_hat: Array = self.centered * self.r

    def M(self, values: Array) -> Array:
        return np.mean(values, axis=self.over, keepdims=True)

    def roads(self, dx_hat: Array) -> list[Array]:
        full = np.zeros_like(self.x)
        return [
            self.r * dx_hat + full,
            -self.r * self.M(dx_hat) + full,
            -self.r * self.x_hat * self.M(dx_hat * self.x_hat) + full,
        ]


FORMS = {
    "no ε": "ε is missing in r",
    "ε outside": "ε stands outside the root",
    "ε squared": "ε is squared",
    "no root": "r is 1/(σ² + ε), without the root",
    "no root, no ε": "r is 1/σ², without the root and ε",
    "two roots": "r is 1/√(σ + ε): the root is taken twice",
    "times": "r is the standard deviation, not 1 over it",
    "m − 1": "the variance is divided by m − 1",
}


@quiet
def normalization_dx(x: Array, gamma: Array, dy: Array, eps: float, over: tuple[int, ...]) -> Case:
    """dx of y = γ x̂ + β with statistics over the axes `over`; gamma broadcasts to x."""
    n = Normalized(x, over, eps)
    M, r, x_hat, m = n.M, n.r, n.x_hat, n.m
    dx_hat = gamma * dy
    names = ["road 1, directly", "road 2, through the mean", "road 3, through the variance"]
    parts = dict(zip(names, n.roads(dx_hat), strict=True))
    _, two, three = names
    elsewhere = [axes for axes in axis_sets(x.ndim) if axes != over and len(axes) < x.ndim]
    others: dict[str, dict[str, Any]] = {two: {}, three: {}}
    for axes, what in [*((axes, axes_phrase(axes)) for axes in elsewhere), (None, "all cells")]:
        other_mean = mean_over(axes)
        # γ and r do not leave a mean over other axes unchanged, so it matters where they stand
        for inside, outside, where in ((dx_hat, r, ""), (dy, gamma * r, ", with γ in front"),
                                       (r * dx_hat, 1, ", with r inside")):  # fmt: skip
            others[two][f"the mean of road 2 is taken over {what}{where}"] = -outside * other_mean(
                inside
            )
            others[three][f"the mean of road 3 is taken over {what}{where}"] = (
                -outside * x_hat * other_mean(inside * x_hat)
            )
    others[two].update({
        "road 2 has dx̂ itself in the place of its mean": -r * dx_hat,
        "road 2 has x̂ in front of its mean": -r * x_hat * M(dx_hat),
        "road 2 has the mean of dx̂ · x̂": -r * M(dx_hat * x_hat) + 0 * x,
        "road 2 has the mean of x": -r * M(x) + 0 * x,
        "the sum of road 2 is divided by m − 1": parts[two] * m / max(m - 1, 1),
    })  # fmt: skip
    for letter, u in {"x": x, "x − μ": n.centered, "dy": dy, "dx̂": dx_hat,
                      "y (without β)": gamma * x_hat}.items():  # fmt: skip
        others[three][f"{letter} in the place of the first x̂ of road 3"] = (
            -r * u * M(dx_hat * x_hat)
        )
        others[three][f"{letter} in the place of the second x̂ of road 3"] = (
            -r * x_hat * M(dx_hat * u)
        )
        others[three][f"{letter} in the place of both x̂ of road 3"] = -r * u * M(dx_hat * u)
    for which, first, second in (("the first", x, n.centered), ("the second", n.centered, x),
                                 ("both", x, x)):  # fmt: skip
        others[three][f"x in the place of {which} x − μ of road 3"] = (
            -(r**3) * first * M(dx_hat * second)
        )
    others[three].update({
        "the first x̂ of road 3 is missing": -r * M(dx_hat * x_hat) + 0 * x,
        "the second x̂ of road 3 is missing": -r * x_hat * M(dx_hat),
        "both x̂ of road 3 are missing": -r * M(dx_hat) + 0 * x,
        "road 3 has the product of two means": -r * x_hat * M(dx_hat) * M(x_hat),
        "road 3 has dx̂ · x̂ itself in the place of its mean": -r * x_hat * dx_hat * x_hat,
        "road 3 has the mean of x̂²": -r * x_hat * M(x_hat**2),
        "the sum of road 3 is divided by m − 1": parts[three] * m / max(m - 1, 1),
    })  # fmt: skip
    wrong = {HELD: parts[names[0]], **summed_parts(parts, others)}
    for axes, what in [*((axes, axes_phrase(axes)) for axes in elsewhere), (None, "all cells")]:
        for where in ("", ", with γ in front", ", with r inside"):
            names_of_means = [f"the mean of road {k} is taken over {what}{where}" for k in (2, 3)]
            wrong[f"the means of roads 2 and 3 are taken over {what}{where}"] = (
                parts[names[0]] + others[two][names_of_means[0]] + others[three][names_of_means[1]]
            )
        whole = Normalized(x, tuple(range(x.ndim)) if axes is None else axes, eps)
        wrong[f"mean and variance are taken over {what}"] = sum(whole.roads(dx_hat))
    if gamma.size > 1 and any(gamma.shape[axis] > 1 for axis in over):
        wrong["γ is drawn out of the means"] = gamma * sum(n.roads(dy))
        wrong["γ is missing: dy in the place of γ · dy"] = sum(n.roads(dy))
        wrong["γ is there twice"] = sum(n.roads(gamma * dx_hat))
        wrong["dy is divided by γ"] = sum(n.roads(dy / gamma))
        without = dict(zip(names, n.roads(dy), strict=True))
        for name, number in ((two, 2), (three, 3)):
            wrong[f"dy in the place of γ · dy in road {number}"] = (
                sum(parts.values()) - parts[name] + without[name]
            )
        wrong["dy in the place of γ · dy in roads 2 and 3"] = (
            parts[names[0]] + without[two] + without[three]
        )
    for form, phrase in FORMS.items():
        false_n = Normalized(x, over, eps, form)
        wrong[phrase] = sum(false_n.roads(dx_hat))
        wrong[f"{phrase}, but only where it stands in front"] = sum(parts.values()) * false_n.r / r
    several = Normalized(x, over, eps, "m − 1")
    road_1, road_2, road_3 = several.roads(dx_hat)
    wrong["the variance is divided by m − 1, in the forward pass, too"] = (
        road_1 + road_2 + road_3 * m / max(m - 1, 1)
    )
    wrong["x in the place of x̂ everywhere"] = r * (dx_hat - M(dx_hat) - x * M(dx_hat * x))
    s = (M(x**2) + eps) ** -0.5
    wrong["the gradient of RMS norm, which has no mean"] = s * (dx_hat - x * s**2 * M(dx_hat * x))
    wrong["the means are divided by m − 1"] = road_sum(parts, m / max(m - 1, 1))
    others_count = x.size // max(m, 1)
    for count in {others_count, *x.shape} - {0, m}:
        phrase = f"the sums of roads 2 and 3 are divided by {count}, not by m"
        wrong[phrase] = road_sum(parts, m / count)
    if others_count > 1:
        phrase = "the sums of roads 2 and 3 are divided by x.size, the number of all cells"
        wrong[phrase] = road_sum(parts, 1 / others_count)
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        wrong["γ is laid along the wrong axis"] = sum(n.roads(gamma.T * dy))
        wrong["the means over axis 1 are laid along the wrong axis: keepdims is missing"] = r * (
            dx_hat - dx_hat.mean(1) - x_hat * (dx_hat * x_hat).mean(1)
        )
        wrong["γ in front is laid along the wrong axis"] = gamma.T * sum(n.roads(dy))
    for other in USUAL_EPS:
        if other != eps:
            wrong[eps_instead(other, eps)] = sum(Normalized(x, over, other).roads(dx_hat))
    wrong["x̂, of the forward pass"] = x_hat
    wrong["dy is taken for ones"] = sum(n.roads(gamma + 0 * x))
    wrong["dγ is left in road 3 for M(dx̂ · x̂) · m, and dβ in road 2"] = parts[names[0]] + m * (
        -r * M(dy) - r * x_hat * M(dy * x_hat)
    )
    factors = {"γ": gamma, "r": r, "1/m": 1 / max(m, 1), "dy": dy, "x̂": x_hat}
    return case(sum(parts.values()), parts, factors, wrong)


def road_sum(parts: dict[str, Array], c: float) -> Array:
    road_1, road_2, road_3 = parts.values()
    return road_1 + c * (road_2 + road_3)


def mean_over(axes: tuple[int, ...] | None) -> Callable[[Array], Array]:
    return lambda values: np.mean(values, axis=axes, keepdims=True)


def axes_phrase(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"


@quiet
def normalization_dgamma(x: Array, dy: Array, eps: float, over: tuple[int, ...],
                         summed: tuple[int, ...]) -> Case:  # fmt: skip
    """dγ = Σ dy · x̂ over `summed`, for statistics over `over`."""
    n = Normalized(x, over, eps)
    total = summing(summed)
    wrong = {
        "x in the place of x̂": total(dy * x),
        "x − μ in the place of x̂": total(dy * n.centered),
        "the mean is not subtracted: x·r in the place of x̂": total(dy * x * n.r),
        "x̂ is missing: this is dβ": total(dy),
        "dy is missing": total(n.x_hat),
        "the sum of the products was taken for the product of the sums": total(dy) * total(n.x_hat),
        **false_sums(dy * n.x_hat, summed, total(dy * n.x_hat)),
        "x̂ is squared": total(dy * n.x_hat**2),
    }
    rest = tuple(axis for axis in range(x.ndim) if axis not in summed)
    for axes in (rest, summed, tuple(range(x.ndim))):
        if axes != over:
            what = "all cells" if len(axes) == x.ndim else axes_phrase(axes)
            other = Normalized(x, axes, eps)
            wrong[f"mean and variance are taken over {what}"] = total(dy * other.x_hat)
    for form, phrase in FORMS.items():
        wrong[phrase] = total(dy * Normalized(x, over, eps, form).x_hat)
    count = int(np.prod([x.shape[axis] for axis in summed]))
    factors: dict[str, Any] = {"1/m": 1 / max(count, 1)}
    if over == summed:
        factors["r"] = n.r.reshape(total(dy).shape)
    return case(total(dy * n.x_hat), factors=factors, wrong=wrong)


def summing(axes: tuple[int, ...]) -> Callable[[Array], Array]:
    return lambda values: np.sum(values, axis=axes)


@quiet
def normalization_dbeta(dy: Array, summed: tuple[int, ...]) -> Case:
    """dβ = Σ dy over `summed`."""
    count = int(np.prod([dy.shape[axis] for axis in summed]))
    wrong = {
        **false_sums(dy, summed, np.sum(dy, axis=summed)),
        "dy is taken for ones": np.sum(np.ones_like(dy), axis=summed),
        "only the first sample counts": np.sum(dy[:1], axis=summed),
        "only the last sample counts": np.sum(dy[-1:], axis=summed),
        "the last sample is missing": np.sum(dy[:-1], axis=summed),
        "the first sample is missing": np.sum(dy[1:], axis=summed),
    }
    return case(np.sum(dy, axis=summed), factors={"1/m": 1 / max(count, 1)}, wrong=wrong)


# --- batch norm: one mean per channel, axis 1 ----------------------------------------------------


def batch_axes(x: Array) -> tuple[int, ...]:
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def one_per_channel(values: Any, x: Array) -> Array:
    """One number per channel, in a shape that broadcasts to x."""
    shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
    return np.broadcast_to(floats(values), x.shape[1:2]).reshape(shape)


@quiet
def batch_norm_dx(x: Any, gamma: Any, dy: Any, eps: float = 1e-5) -> Case:
    """In training mode, for x of shape (N, C) or (N, C, …)."""
    x, dy = floats(x), floats(dy)
    found = normalization_dx(x, one_per_channel(gamma, x), dy, eps, batch_axes(x))
    found["wrong"]["dy itself"] = dy
    return found


@quiet
def batch_norm_dgamma(x: Any, dy: Any, eps: float = 1e-5) -> Case:
    x = floats(x)
    return normalization_dgamma(x, floats(dy), eps, batch_axes(x), batch_axes(x))


@quiet
def batch_norm_dbeta(dy: Any) -> Case:
    dy = floats(dy)
    return normalization_dbeta(dy, batch_axes(dy))


@quiet
def batch_norm_eval_dx(x: Any, gamma: Any, dy: Any, mean: Any, var: Any, eps: float = 1e-5) -> Case:
    """In evaluation mode: running mean and variance are constants, and one road remains."""
    x, dy = floats(x), floats(dy)
    gamma, var = one_per_channel(gamma, x), one_per_channel(var, x)
    r = (var + eps) ** -0.5
    batch = Normalized(x, batch_axes(x), eps)
    wrong = {
        "roads 2 and 3 are there, but the running statistics are constants": sum(
            Normalized(x, batch_axes(x), eps).roads(gamma * dy)
        ),
        "the batch's variance in the place of the running one": gamma * dy * batch.r,
        "ε is missing in r": gamma * dy * var**-0.5,
        "ε stands outside the root": gamma * dy / (var**0.5 + eps),
        "r is 1/(σ² + ε), without the root": gamma * dy / (var + eps),
        "r is 1/σ², without the root and ε": gamma * dy / var,
        "r is the standard deviation, not 1 over it": gamma * dy * (var + eps) ** 0.5,
        "the running mean in the place of the running variance": gamma * dy
        * (np.abs(one_per_channel(mean, x)) + eps) ** -0.5,
        "the running variance is multiplied by m/(m − 1)": gamma * dy
        * (var * batch.m / max(batch.m - 1, 1) + eps) ** -0.5,
        "road 2, through the mean, is there, but the running mean is a constant": gamma * r
        * (dy - batch.M(dy)),
        "dy itself": dy,
    }  # fmt: skip
    x_hat = (x - one_per_channel(mean, x)) * r
    wrong["x̂ in the place of r"] = gamma * dy * x_hat
    wrong["γ · x̂, of the forward pass"] = gamma * x_hat
    projected = dy - batch.M(dy) - x_hat * batch.M(dy * x_hat)
    wrong["roads 2 and 3 with the running statistics, which are constants"] = gamma * r * projected
    return case(gamma * r * dy, factors={"γ": gamma, "r": r, "dy": dy}, wrong=wrong)


@quiet
def batch_norm_eval_dgamma(x: Any, dy: Any, mean: Any, var: Any, eps: float = 1e-5) -> Case:
    x, dy = floats(x), floats(dy)
    mean, var = one_per_channel(mean, x), one_per_channel(var, x)
    over, r = batch_axes(x), (var + eps) ** -0.5
    total, batch = summing(over), Normalized(x, over, eps)
    wrong = {
        "the batch's statistics in the place of the running ones": total(dy * batch.x_hat),
        "x in the place of x̂": total(dy * x),
        "x − μ in the place of x̂": total(dy * (x - mean)),
        "the mean is not subtracted: x·r in the place of x̂": total(dy * x * r),
        "the batch's mean in the place of the running one": total(dy * batch.centered * r),
        "the batch's variance in the place of the running one": total(dy * (x - mean) * batch.r),
        "r is 1/σ², without the root and ε": total(dy * (x - mean) / var),
        "x̂ is missing: this is dβ": total(dy),
        "ε is missing in r": total(dy * (x - mean) * var**-0.5),
        "ε stands outside the root": total(dy * (x - mean) / (var**0.5 + eps)),
        "r is 1/(σ² + ε), without the root": total(dy * (x - mean) / (var + eps)),
    }
    factors = {"1/m": 1 / max(batch.m, 1), "r": r.reshape(-1)}
    return case(total(dy * (x - mean) * r), factors=factors, wrong=wrong)


# --- layer norm: one mean per row, γ and β per column --------------------------------------------


@quiet
def layer_norm_dx(x: Any, gamma: Any, dy: Any, eps: float = 1e-5) -> Case:
    """Over the last axis; gamma has its length."""
    x = floats(x)
    gamma = np.broadcast_to(floats(gamma), x.shape[-1:]).reshape((1,) * (x.ndim - 1) + (-1,))
    return normalization_dx(x, gamma, floats(dy), eps, (x.ndim - 1,))


@quiet
def layer_norm_dgamma(x: Any, dy: Any, eps: float = 1e-5) -> Case:
    x = floats(x)
    return normalization_dgamma(
        x, floats(dy), eps, (x.ndim - 1,), tuple(range(x.ndim - 1))
    )  # fmt: skip


@quiet
def layer_norm_dbeta(dy: Any) -> Case:
    dy = floats(dy)
    return normalization_dbeta(dy, tuple(range(dy.ndim - 1)))
