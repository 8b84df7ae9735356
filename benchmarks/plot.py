"""The figures as a picture: how many times as long as minigrad the others take."""

from pathlib import Path

import harness
import report
from matplotlib.figure import Figure

COLUMNS = 4
COLORS = {  # of the names that begin so; the first that fits
    "minigrad": "tab:blue",
    "torch, fused": "tab:red",
    "torch, no": "tab:red",
    "torch.compile": "tab:purple",
    "torch": "tab:orange",
    "JAX": "tab:green",
    "NumPy": "tab:brown",
}


def draw(results, path):
    """One picture for each number of threads; with several, their number joins the file's name."""
    path = Path(path)
    for threads, figures in results["figures"].items():
        panels = [
            (subject, results["about"][subject], part, columns)
            for subject, parts in figures.items()
            for part, columns in parts.items()
            if comparable(results["about"][subject]["units"][part], columns)
        ]
        if not panels:
            continue
        rows = -(-len(panels) // COLUMNS)
        figure = Figure(figsize=(4.2 * COLUMNS, 3.4 * rows + 0.6), layout="constrained")
        axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for ax, panel in zip(axes, panels, strict=False):
            draw_panel(ax, *panel)
        for ax in axes[len(panels) :]:
            ax.set_visible(False)
        machine = results["machine"]
        figure.suptitle(
            f"{machine['processor']}, {threads} thread(s); Python {machine['Python']}, "
            f"NumPy {machine['numpy']}, torch {machine['torch']}, JAX {machine['jax']}"
        )
        several = len(results["figures"]) > 1
        name = path.with_stem(f"{path.stem}-{threads}") if several else path
        figure.savefig(name, dpi=80)


def comparable(unit, columns):
    """Whether there is somebody to compare with, and a figure for everybody."""
    known = (name for column in columns.values() for name in column if None not in column[name])
    return not unit.startswith("%") and len(set(known)) > 1


def draw_panel(ax, subject, about, part, columns):
    """Lines over the sizes; where there is one size, bars."""
    columns = {label: column for label, column in columns.items() if report.OURS in column}
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    absolute = about["absolute"]
    ax.set_title(f"{subject.replace('_', ' ')}: {part}", fontsize=8)
    for place, name in enumerate(names):
        points = [point(column, name, absolute) for column in columns.values()]
        where = [i for i, p in enumerate(points) if p is not None]
        heights = [points[i][0] for i in where]
        errors = [points[i][1] for i in where]
        if len(columns) == 1:
            if heights:
                ax.barh(place, heights[0], xerr=errors[0], color=color(name))
            continue
        style = {"linestyle": "--" if name in report.LIMITS else "-", "color": color(name)}
        if not any(label[0].isdigit() or label[0] == "(" for label in columns):
            style["linestyle"] = ""  # nothing lies between one operation and the next
        ax.errorbar(
            where, heights, errors, **style, marker="o", markersize=4, linewidth=1.2, label=name
        )
    unit = about["units"][part] if absolute else "time / minigrad's"
    if len(columns) == 1:
        ax.set_yticks(range(len(names)), names, fontsize=7)
        ax.axvline(1, color="black", linewidth=0.6)
        ax.set_xlabel("relative to minigrad's", fontsize=7)
        return
    ax.set_yscale("log")
    labels = list(columns)
    crowded = len(labels) > 5 and max(map(len, labels)) > 4 or max(map(len, labels)) > 9
    ax.set_xticks(range(len(labels)), labels, fontsize=7, rotation=30 if crowded else 0)
    ax.set_xlabel(about["size"], fontsize=7)
    ax.set_ylabel(unit, fontsize=7)
    if not absolute:
        ax.axhline(1, color="black", linewidth=0.6)
    ax.tick_params(axis="y", which="both", labelsize=7)
    ax.grid(alpha=0.3, which="both")
    ax.legend(fontsize=6)


def point(column, name, absolute):
    """Height and half a quartile distance, or None if it was not measured."""
    values, ours = column.get(name), column[report.OURS]
    if not values or None in values:
        return None
    if not absolute:
        if None in ours:
            return None
        values = [a / b for a, b in zip(values, ours, strict=True)]
    center = harness.middle(values)
    return center, harness.spread(values) * center


def color(name):
    return next((c for start, c in COLORS.items() if name.startswith(start)), "tab:gray")
