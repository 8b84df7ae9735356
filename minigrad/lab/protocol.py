"""A claim, a run of it, and its verdict. The bounds were fixed before any run of this code."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

import minigrad

CLAIMS = (
    "a1_gradients",
    "a2_orthogonal_steps",
    "a3_effective_rate",
    "a4_identity",
    "a5_conventions",
    "a6_folding",
    "a7_exploding",
    "a8_rank",
    "a9_one_by_one",
    "b1_figure_one",
    "b2_grid",
    "b3_deep_sigmoids",
    "b4_larger_rates",
    "b6_batch_size",
    "b7_moving_average",
    "b8_few_classes",
    "b10_smoothness",
    "b11_stopped_gradient",
    "b12_covariate_shift",
    "b15_robustness",
    "b16_ghost_batches",
    "b17_layer_norm",
    "b18_articles_networks",
    "b19_feature_scaling",
    "c1_bias_before",
    "c2_one_sample",
    "c3_ignored_statistics",
    "c4_first_weights",
    "c5_shaken",
)


@dataclass(frozen=True)
class Claim:
    """What is claimed, and the function that measures it; the protocol is its file's docstring."""

    name: str
    title: str
    paper: str
    seconds: float
    mnist: bool
    analogue: str
    measure: Callable[[Run], None]

    @property
    def protocol(self) -> str:
        return sys.modules[self.measure.__module__].__doc__ or ""


def claim(
    name: str, title: str, paper: str, seconds: float, mnist: bool = False, analogue: str = ""
) -> Callable[[Callable[[Run], None]], Claim]:
    """Decorator: the function below measures this. `seconds` is what it cost on one core.

    `mnist` says that it needs these images; `analogue`, which data they stand for.
    """
    return lambda measure: Claim(name, title, paper, seconds, mnist, analogue, measure)


def all_claims() -> list[Claim]:
    """In the order of the table."""
    modules = [import_module(f"{__package__}.{name}") for name in CLAIMS]
    return [each for module in modules for each in vars(module).values() if isinstance(each, Claim)]


@dataclass(frozen=True)
class Check:
    """A measured value beside what was published, and the bounds that decide, if any do."""

    name: str
    measured: float | bool
    published: str
    at_least: float | None
    at_most: float | None
    gates: bool

    @property
    def threshold(self) -> str:
        """In words: "≥ 0.94", "1.18 to 1.24", "yes", or "" where nothing is decided."""
        if not self.gates:
            return ""
        if isinstance(self.measured, bool):
            return "yes"
        low, high = (format(bound, "g") for bound in (self.at_least or 0, self.at_most or 0))
        if self.at_least is None:
            return f"≤ {high}"
        return f"≥ {low}" if self.at_most is None else f"{low} to {high}"

    @property
    def ok(self) -> bool:
        """Whether it is within its bounds; NaN is within none."""
        if not self.gates:
            return True
        if isinstance(self.measured, bool):
            return self.measured
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return low <= self.measured <= high


@dataclass
class Curve:
    """A line of a panel."""

    label: str
    x: list[float]
    y: list[float]


@dataclass
class Panel:
    """Axes of the figure."""

    title: str
    x: str
    y: str
    log: str = ""
    curves: list[Curve] = field(default_factory=list)

    def line(self, label: str, x: Iterable[float], y: Iterable[float]) -> None:
        self.curves.append(Curve(label, [float(each) for each in x], [float(each) for each in y]))


class Run:
    """One run of a claim: what it is told (seed, quick), and what it reports."""

    def __init__(self, claim: Claim, seed: int, quick: bool, say: Callable[[str], Any]) -> None:
        self.claim: Claim = claim
        self.seed: int = seed
        self.quick: bool = quick
        self.say: Callable[[str], Any] = say
        self.data: str = "none"
        self.seconds: float = 0.0
        self.checks: list[Check] = []
        self.panels: list[Panel] = []

    def must(
        self,
        name: str,
        measured: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        published: str = "",
        whole_only: bool = False,
    ) -> None:
        """Report a number that decides; `whole_only`: not in the short form, which is too short."""
        gates = not (self.quick and whole_only)
        self._report(Check(name, float(measured), published, at_least, at_most, gates))

    def must_be_so(self, name: str, measured: bool, published: str = "") -> None:
        """Report a yes or no that decides."""
        self._report(Check(name, bool(measured), published, None, None, True))

    def also(self, name: str, measured: float, published: str = "") -> None:
        """Report a number that decides nothing."""
        self._report(Check(name, float(measured), published, None, None, False))

    def _report(self, check: Check) -> None:
        self.checks.append(check)
        self.say(f"  {in_words(check)}")

    def arm(self, text: str) -> None:
        """Say what is being done now."""
        self.say(f"  … {text}")

    def steps(self, whole: int, short: int) -> int:
        """How many steps this run takes."""
        return short if self.quick else whole

    def panel(self, title: str, x: str, y: str, log: str = "") -> Panel:
        """New axes of the figure; `log` names those with powers of ten: "", "x", "y", "xy"."""
        self.panels.append(Panel(title, x, y, log))
        return self.panels[-1]

    @property
    def holds(self) -> bool:
        """Whether no bound was missed."""
        return all(each.ok for each in self.checks)

    @property
    def verdict(self) -> str:
        """In words; a run without a bound decides nothing."""
        words = "holds" if self.holds else "does not hold"
        if not any(each.gates for each in self.checks):
            words = "not decided"
        return f"{words} (short form)" if self.quick else words

    def record(self) -> dict[str, Any]:
        """Everything, for JSON: NaN and infinities are strings there."""
        checks = [
            asdict(each)
            | {"measured": _number(each.measured), "threshold": each.threshold, "ok": each.ok}
            for each in self.checks
        ]
        panels = [asdict(panel) for panel in self.panels]
        for curve in (curve for panel in panels for curve in panel["curves"]):
            curve["y"] = [_number(each) for each in curve["y"]]
        return {
            "claim": self.claim.name,
            "title": self.claim.title,
            "paper": self.claim.paper,
            "analogue": self.claim.analogue,
            "verdict": self.verdict,
            "quick": self.quick,
            "seed": self.seed,
            "data": self.data,
            "seconds": round(self.seconds, 2),
            "minigrad": minigrad.__version__,
            "checks": checks,
            "panels": panels,
        }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def in_words(check: Check) -> str:
    """One line: value, what was published, what must be, and whether it is."""
    measured: Any = check.measured
    value = ("no", "yes")[measured] if isinstance(measured, bool) else format(measured, ".4g")
    words = f"{check.name}: {value}"
    if check.published:
        words += f"; published {check.published}"
    if check.gates:
        words += f"; must be {check.threshold}: {'it is' if check.ok else 'IT IS NOT'}"
    return words


def carry_out(claim: Claim, seed: int, quick: bool, say: Callable[[str], Any] = print) -> Run:
    """Measure, on one thread; the threads and random numbers of the caller stay as they were."""
    run = Run(claim, seed, quick, say)
    threads = minigrad.get_num_threads()
    minigrad.set_num_threads(1)
    start = time.process_time()
    try:
        with minigrad.random.fork_rng():
            minigrad.manual_seed(seed)
            claim.measure(run)
    finally:
        minigrad.set_num_threads(threads)
    run.seconds = time.process_time() - start
    return run
