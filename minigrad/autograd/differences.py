"""Slopes by differences, and how far each of them can be trusted: what `gradcheck` decides by.

Differences have errors. Truncation, h² f‴ / 6, shrinks as the step h does; rounding, u |y| / h,
grows; at a corner the slopes never settle. So an entry that one step does not confirm is examined
with more of them (`judge`): each step then claims a slope *and* how far off that may be (`claims`).
Backward is right if a sharp claim agrees and none disagrees, wrong if all of them disagree, and
otherwise undecided.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import DTypeError
from ..random import get_rng_state
from ..tensor import Tensor
from .grad_mode import no_grad

U = float(np.finfo(np.float64).eps)
SAFETY = 10  # how many times its own estimate an error may be
CLOSER = 4  # from one step to the next smaller one
STEPS = 10  # so the last step is a 262,144th of the first
BEND = 1e-3  # one-sided slopes that differ by less are not a sign of a corner


class Finding(NamedTuple):
    """What `judge` found out about one entry of an input."""

    right: bool | None  # None: it cannot be decided
    slope: float  # the best difference
    allowed: float = 0.0  # how far backward may be off, the error of the difference included
    reason: str = ""  # why it cannot be decided


class Slope(NamedTuple):
    """Differences with one step: from the left, from the right, from both."""

    step: float
    left: float
    right: float
    both: float
    noise: float  # what rounding can do to `both`
    hidden: float  # the largest slope that rounding can hide, if `both` is 0

    @property
    def gap(self) -> float:
        """right − left: h f″ where the function is smooth, a constant at a corner."""
        return abs(self.right - self.left)

    def bends(self) -> bool:
        return self.gap > BEND * max(abs(self.left), abs(self.right)) + SAFETY * self.noise

    def smooth(self) -> bool:
        return math.isfinite(self.both) and not self.bends()

    def claim(self) -> Claim:
        """All that a single step can say: how loud rounding is."""
        error = SAFETY * self.noise + self.gap
        return Claim(self.both, error) if math.isfinite(error) else Claim(0.0, math.inf)

    def height(self) -> float:
        """How far the function goes within one step."""
        return self.step * max(abs(self.left), abs(self.right))


class Probe:
    """Σ dy · (y(x + h e) − y(x)) for one entry e of one input at a time."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        inputs: Sequence[Any],
        cotangents: Sequence[np.ndarray],
    ) -> None:
        self.name: str = name
        self.func: Callable[..., Any] = func
        self.cotangents: Sequence[np.ndarray] = cotangents
        self.ys: list[np.ndarray] = self.values(inputs)
        self.inputs: list[Any] = [
            like(x, values_of(x)) if isinstance(x, Tensor) else x for x in inputs
        ]
        self.loudness: list[np.ndarray] = [
            (dy * y) ** 2 for y, dy in zip(self.ys, cotangents, strict=True)
        ]
        self.hidden: float = 2 * U * math.sqrt(2 * sum(float(loud.sum()) for loud in self.loudness))
        self.finite: bool = all(np.isfinite(y).all() for y in self.ys)
        self.drew: Any = get_rng_state().tolist()  # where the generator stands after a call

    def values(self, inputs: Sequence[Any]) -> list[np.ndarray]:
        """The outputs as arrays, nothing recorded."""
        with no_grad():
            ys = [np.array(values_of(y)) for y in floating_outputs(self.name, self.func(*inputs))]
        if [y.shape for y in ys] != [dy.shape for dy in self.cotangents]:
            raise ValueError(f"{self.name}: the shapes of func's outputs depend on its inputs")
        return ys

    def slope(self, number: int, x: np.ndarray, index: tuple[int, ...], step: float) -> Slope:
        """The Slope at entry `index` of input `number`, whose values are `x`."""
        here = x[index]
        changes, rounding = [], 0.0
        for target in (here + step, here - step):
            x[index] = target
            moved = self.inputs.copy()
            moved[number] = like(moved[number], x)
            x[index] = here
            change = 0.0
            for z, y, dy, loud in zip(
                self.values(moved), self.ys, self.cotangents, self.loudness, strict=True
            ):
                difference = z - y
                change += float(np.vdot(difference, dy))
                rounding += float(np.vdot(loud, difference != 0))
            changes.append((float(target - here), change))
        (up, above), (down, below) = changes
        if not up or not down:
            return Slope(step, math.nan, math.nan, math.nan, math.inf, math.inf)
        left, right = below / down, above / up
        both = (left * up - right * down) / (up - down)  # up and −down differ by rounding of x
        own = (abs(left) + abs(right)) * (1 + abs(float(here)) / step)  # as if x were rounded
        noise = U * (2 * math.sqrt(rounding) / step + own / 8)
        return Slope(step, left, right, both, noise, self.hidden / step)


class Tolerance(NamedTuple):
    atol: float
    rtol: float
    blunt: float  # differences that may be this far off still count

    def of(self, slope: float) -> float:
        return self.atol + self.rtol * abs(slope)


def tolerance_at(scale: float, atol: float | None, rtol: float) -> Tolerance:
    """The Tolerance for an input whose largest gradient is `scale`."""
    if atol is None:
        atol = min(1e-8, scale / 10_000) or 1e-8
    return Tolerance(atol, rtol, atol + rtol * scale)


def look(
    probe: Probe, number: int, dx: np.ndarray, eps: float, atol: float | None, rtol: float
) -> tuple[dict[tuple[int, ...], Finding], float, bool]:
    """What is not right about the gradient of an input: a Finding per such entry, by index.

    Also the size of the largest gradient, and whether that is as good as 0.
    """
    x = np.array(values_of(probe.inputs[number]))
    with np.errstate(all="ignore"):
        first = {}
        for index in np.ndindex(x.shape):
            step = max(eps, 1024 * float(np.spacing(abs(x[index]))))
            first[index] = probe.slope(number, x, index, step)
        if atol is None and is_rounding(x, dx, first.values()):
            return {}, 0.0, True
        slopes = np.array([slope.both for slope in first.values()]).reshape(x.shape)
        scale = largest(dx) or largest(slopes)
        findings = judge_all(probe, number, x, dx, first, slopes, tolerance_at(scale, atol, rtol))
        if not scale and largest(slopes):  # backward says 0, and only now there is a measure
            scale = largest(slopes)
            findings = judge_all(
                probe, number, x, dx, first, slopes, tolerance_at(scale, atol, rtol)
            )
    size = max(largest(dx), largest(slopes))
    return findings, size, not findings and size <= (scale / 10_000 if atol is None else atol)


def is_rounding(x: np.ndarray, dx: np.ndarray, slopes: Iterable[Slope]) -> bool:
    """Is all of it, backward and differences, what rounding makes of a gradient of 0?"""
    hidden = max((slope.hidden * slope.step for slope in slopes), default=0.0)
    return bool((np.abs(dx) <= SAFETY * SAFETY * hidden / max(1.0, largest(x))).all()) and all(
        max(abs(slope.left), abs(slope.right)) <= min(1e-8, SAFETY * SAFETY * slope.hidden)
        for slope in slopes
    )


def largest(values: np.ndarray) -> float:
    values = np.abs(values)
    return float(values[np.isfinite(values)].max(initial=0.0))


def judge_all(
    probe: Probe,
    number: int,
    x: np.ndarray,
    dx: np.ndarray,
    first: Any,
    slopes: Any,
    tolerance: Tolerance,
) -> dict[tuple[int, ...], Finding]:
    """The Findings that are not right; `slopes` is brought up to what was learned."""
    findings = {}
    for index, slope in first.items():
        confirmed = abs(dx[index] - slope.both) <= tolerance.of(slope.both)
        if not (confirmed and slope.smooth()):
            found = judge(probe, number, x, index, float(dx[index]), slope, tolerance)
            slopes[index] = found.slope
            if not found.right:
                findings[index] = found
    return findings


def judge(
    probe: Probe,
    number: int,
    x: np.ndarray,
    index: tuple[int, ...],
    dx: float,
    first: Slope,
    tolerance: Tolerance,
) -> Finding:
    """The Finding for an entry that its first slope did not confirm."""
    if not probe.finite:
        return Finding(None, math.nan, reason="func returns nan or infinity for these inputs")
    here, rows, step = abs(float(x[index])), [first], first.step
    wider = widest(first, here, dx, tolerance)
    if wider > step:
        rows, step = [], CLOSER * wider
    while True:
        step /= CLOSER
        if rows and 0 < here < CLOSER * step <= first.step and not rows[-1].smooth():
            step = here / CLOSER  # a corner or a border: often that of relu or log, at 0
        row = probe.slope(number, x, index, step)
        flat = row.left == row.right == 0 != dx
        rows.append(row._replace(noise=row.hidden) if flat else row)
        last = len(rows) >= STEPS or step <= 32 * np.spacing(here)

        said = claims(rows)
        agree = [c for c in said if c.admits(dx, tolerance.of(c.slope))]
        if len(agree) == len(said) and math.isfinite(dx):
            sharp = [c for c in said if c.error <= max(tolerance.blunt, tolerance.of(c.slope))]
            if sharp:
                return Finding(True, sharpest(sharp).slope)
        against = [c for c in said if c not in agree]
        if against and (last or settled(rows)):
            slope, error = sharpest(against)
            allowed = tolerance.of(slope)
            others = [*agree, first.claim()] if rows[0] is not first else agree
            if all(c.admits(slope, allowed) for c in others):  # vague, but no contradiction
                return Finding(False, slope, allowed + error)
        if last:
            slope = sharpest(said).slope if said else row.both
            return Finding(None, slope, reason=why(rows, said, tolerance, index))


def widest(first: Slope, here: float, dx: float, tolerance: Tolerance) -> float:
    """The step to begin with: larger than the first one where rounding is too loud for that."""
    wide = 0.1 * max(1.0, here)
    if not math.isfinite(first.both):
        return first.step
    if SAFETY * first.noise > tolerance.blunt:
        gain = 8 * SAFETY * first.noise / tolerance.blunt if tolerance.blunt else math.inf
        return min(wide, gain * first.step)
    if first.left == first.right == 0 != dx:  # rounding inside func may have swallowed it
        return wide
    return first.step


class Claim(NamedTuple):
    slope: float
    error: float

    def admits(self, dx: float, allowed: float) -> bool:
        if math.isfinite(dx):
            return abs(dx - self.slope) <= allowed + self.error
        return self.error > abs(self.slope) / 2  # inf is excluded only where differences converge


def sharpest(said: list[Claim]) -> Claim:
    return min(said, key=lambda claim: claim.error)


def unbent(rows: list[Slope]) -> list[Slope]:
    """The rows that may be extrapolated: finite, and not in a run of three whose gap stays.

    The last two are not a run yet, but may become one.
    """
    rows = [row for row in rows if math.isfinite(row.both)]
    stays = [
        closer.bends() and 0.7 * row.gap < closer.gap < 1.5 * row.gap
        for row, closer in itertools.pairwise(rows)
    ]
    runs = [k for k in range(len(stays)) if all(stays[k : k + 2])]  # the last pair counts alone
    corner = {k + i for k in runs for i in range(3)}
    return [row for k, row in enumerate(rows) if k not in corner]


def claims(rows: list[Slope]) -> list[Claim]:
    """What each step says: a slope and how far off it may be (Ridders 1982).

    Column j + 1 of the table removes the power h^(2j+2) from column j; how much that moves the
    value is the measure of the error that was in it.
    """
    rows = unbent(rows)
    if len(rows) < 2:
        return []
    jumps = [abs(b.both - a.both) for a, b in itertools.pairwise(rows)]
    # Truncation shrinks from step to step by CLOSER²; what does not shrink is rounding inside func
    tremors = [0.0] * len(rows)
    for k in reversed(range(2, len(rows))):
        loud = jumps[k - 1] if jumps[k - 1] > jumps[k - 2] / CLOSER else 0.0
        loud = max(loud, rows[k].gap if rows[k].gap > rows[k - 1].gap / 2 else 0.0)
        tremors[k - 1] = max(loud * rows[k].step, tremors[k])
    tremors[0] = tremors[1]
    said: list[Claim] = []
    table: list[float] = []
    for k, row in enumerate(rows):
        line = [row.both]
        options = [(jumps[max(k - 1, 0)], row.both)]
        for j, above in enumerate(table):
            ratio = (rows[k - 1 - j].step / row.step) ** 2
            better = line[j] + (line[j] - above) / (ratio - 1)
            line.append(better)
            options.append((max(abs(better - line[j]), abs(better - above)), better))
        error, slope = min(options)
        said.append(Claim(slope, SAFETY * (error + row.noise + tremors[k] / row.step)))
        table = line
    return said


def settled(rows: list[Slope]) -> bool:
    """Do the last three slopes differ by what rounding explains, or by less and less?"""
    rows = unbent(rows)[-4:]
    if len(rows) < 3 or rows[-1].gap > max(rows[-2].gap / 2, SAFETY * rows[-1].noise):
        return False
    jumps = [abs(b.both - a.both) for a, b in itertools.pairwise(rows)]
    quiet = [jump <= SAFETY * row.noise for jump, row in zip(jumps, rows[1:], strict=True)]
    calmer = [after <= before / CLOSER for before, after in itertools.pairwise(jumps)]
    return all(quiet[-2:]) or (len(rows) > 3 and all(calmer))


def why(rows: list[Slope], said: list[Claim], tolerance: Tolerance, index: tuple[int, ...]) -> str:
    """Why an entry is undecided, in words."""
    place = f"x{list(index)}" if index else "x"
    wide, last = rows[max(len(rows) - 3, 0)], rows[-1]
    if not math.isfinite(last.both):
        sides = [side for side in ("left", "right") if not math.isfinite(getattr(last, side))]
        return f"func is nan or infinite on the {' and the '.join(sides)} of {place}"
    if last.height() > max(wide.height() / 2, SAFETY * last.noise * last.step):
        return f"func jumps at {place}, by about {last.height():.2g}"
    if not unbent(rows[-3:]):
        return (
            f"the function has a corner at {place}: slope {last.left:.6g} on the left, "
            f"{last.right:.6g} on the right"
        )
    slope, error = sharpest(said)
    if all(claim.admits(slope, error) for claim in said):
        return f"rounding leaves them off by up to {error:.2g}; allowed is {tolerance.blunt:.2g}"
    return (
        f"they depend on the step: {rows[0].both:.6g} with {rows[0].step:.1g}, "
        f"{last.both:.6g} with {last.step:.1g}"
    )


def floating_outputs(name: str, outputs: Any) -> list[Tensor]:
    """The outputs that can have a gradient, as a list."""
    outputs = [outputs] if isinstance(outputs, Tensor) else outputs
    if not isinstance(outputs, (tuple, list)) or not all(isinstance(y, Tensor) for y in outputs):
        raise TypeError(f"{name}: func must return a Tensor or a tuple of them")
    outputs = [y for y in outputs if y.dtype.is_floating_point]
    for y in outputs:
        if y.dtype.itemsize != 8:
            raise DTypeError(f"{name}: func returns {y.dtype}; differences need float64")
    if not outputs:
        raise ValueError(f"{name}: func returns no float tensor, so there is nothing to check")
    return outputs


def values_of(x: Tensor) -> np.ndarray:
    return x.detach().numpy()


def like(x: Tensor, array: Any) -> Tensor:
    """`array` as a tensor of x's shape and dtype, without history."""
    return x.detach().clone().copy_(np.asarray(array))
