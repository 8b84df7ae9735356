"""What minigrad aims at, as ratios of figures of one run; for one thread, and watched for more."""

from collections.abc import Callable
from dataclasses import dataclass

import harness
import report

BATCHES = ("32", "64", "128", "256", "1024")
AHEAD = (1.8, 1.7, 1.5, 1.2, 1.0)  # of the fastest peer, at these batches
AHEAD_WITH_MKL = (2.5, 2.2, 1.75, 1.45, 1.1)


@dataclass
class Aim:
    """`measure` finds the figure among all of one number of threads; None: it was not measured."""

    name: str
    sense: str
    bound: float
    measure: Callable

    def reached(self, value):
        return value >= self.bound if self.sense == "≥" else value <= self.bound


def column(figures, subject, part, label):
    return figures.get(subject, {}).get(part, {}).get(label, {})


def peer_over_ours(subject, part, label, peer=None):
    """How much longer a peer takes, by default the fastest of them."""

    def measure(figures):
        found = column(figures, subject, part, label)
        name = peer or report.fastest_peer(found)
        if name not in found or report.OURS not in found:
            return None
        return harness.ratio(found[name], found[report.OURS])

    return measure


def ours_over(subject, part, label, other):
    def measure(figures):
        found = column(figures, subject, part, label)
        return harness.ratio(found[report.OURS], found[other]) if other in found else None

    return measure


def ours(subject, part):
    def measure(figures):
        found = column(figures, subject, part, "")
        return harness.middle(found[report.OURS]) if report.OURS in found else None

    return measure


def accuracy_lost(figures):
    found = column(figures, "mnist", "test accuracy", "")
    if "torch" not in found:
        return None
    return harness.middle(found["torch"]) - harness.middle(found[report.OURS])


def flatness(subject, part):
    """The largest cost of an element over the smallest, from 1e5 to 1e8 elements."""

    def measure(figures):
        columns = figures.get(subject, {}).get(part, {})
        wanted = [columns.get(f"1e{power}", {}).get(report.OURS) for power in range(5, 9)]
        if None in wanted:
            return None
        costs = [harness.middle(values) for values in wanted]
        return max(costs) / min(costs)

    return measure


def all_aims(products):
    """`products`: whose matrix products minigrad uses, as the doctor names it."""
    aims = []
    ahead = AHEAD_WITH_MKL if products == "mkl" else AHEAD
    for batch, bound in zip(BATCHES, ahead, strict=True):
        measure = peer_over_ours("mlp_step", "step", batch)
        aims.append(Aim(f"MLP step, batch {batch}: fastest peer / minigrad", "≥", bound, measure))
    for batch, bound in zip(BATCHES, (1.9, 1.6, 1.35, 1.25, 1.2), strict=True):
        measure = ours_over("mlp_step", "step", batch, "matrix products")
        aims.append(Aim(f"MLP step, batch {batch}: minigrad / products", "≤", bound, measure))
    for subject, name, bounds in (
        ("mlp_step", "MLP", dict(zip(BATCHES, (1.15, 1.15, 1.1, 1.1, 1.1), strict=True))),
        ("cnn_step", "CNN", {"16": 1.15, "64": 1.15, "256": 1.1}),
    ):
        for batch, bound in bounds.items():
            measure = ours_over(subject, "kernels alone", batch, report.KERNELS)
            aims.append(
                Aim(f"{name} step, batch {batch}: minigrad / its kernels", "≤", bound, measure)
            )
    shapes = ("(64,128)", "(256,128)", "(1024,256)", "(8192,512)", "(64,32,26,26)")
    for shape, bound in zip(shapes, (1.5, 1.5, 1.2, 1.0, 1.0), strict=True):
        measure = peer_over_ours("batch_norm", "through autograd, both", shape, "torch")
        aims.append(Aim(f"batch norm {shape}, autograd: torch / minigrad", "≥", bound, measure))
    measure = peer_over_ours("bookkeeping", "recorded, and backward", "x + y, scalars", "torch")
    aims.append(Aim("bookkeeping, x + y and back: torch / minigrad", "≥", 3, measure))
    measure = peer_over_ours("mnist", "ten epochs", "", "torch")
    aims.append(Aim("ten epochs of MNIST: torch / minigrad", "≥", 2, measure))
    aims.append(Aim("MNIST: points of accuracy less than torch", "≤", 0.15, accuracy_lost))
    measure = peer_over_ours("cnn_step", "step", "64", "torch, fused Adam")
    aims.append(Aim("CNN step, batch 64: torch (fused Adam) / minigrad", "≥", 1.2, measure))
    for network in ("5×5 1→16→32", "5×5 1→16→32, BN", "LeNet 1→6→16", "3×3 1→32→64"):
        measure = peer_over_ours("cnn_windows", "step", network, "torch, fused Adam")
        aims.append(Aim(f"CNN step, {network}: torch (fused Adam) / minigrad", "≥", 1.2, measure))
    for part in ("kernel, forward", "kernel, backward", "through autograd, both"):
        measure = flatness("batch_norm_growth", part)
        aims.append(Aim(f"batch norm, {part}: cost of an element, most / least", "≤", 1.5, measure))
    measure = ours("footprint", "import, over NumPy's")
    aims.append(Aim("import over NumPy's, ms", "≤", 150, measure))
    measure = ours_over("mnist", "peak memory", "", "torch")
    aims.append(Aim("peak memory of the MNIST run: minigrad / torch", "≤", 1, measure))
    return aims


def measure_all(figures, products):
    """The aims of which something was measured, `figures` being those of each number of threads."""
    results = []
    for aim in all_aims(products):
        measured = {threads: aim.measure(of) for threads, of in figures.items()}
        if any(value is not None for value in measured.values()):
            reached = {t: None if v is None else aim.reached(v) for t, v in measured.items()}
            words = {"name": aim.name, "sense": aim.sense, "bound": aim.bound}
            results.append(words | {"measured": measured, "reached": reached})
    return results
