"""The figures as a picture: how many times as long as minigrad the others take."""

from pathlib import Path

import harness
import report
from matplotlib.figure import Figure

COLUMNS = 4
COLOURS = {
    "minigrad": "tab:blue",
    "torch": "tab:orange",
    "JAX": "tab:green",
    "NumPy": "tab:brown",
}


def draw(results, path):
    """One picture for each number of threads; with several, their number joins the file's name."""
    path = Path(path)
    for threads, figures in results["figures"].items():
        panels = [
            (results["about"][subject], part, columns)
            for subject, parts in figures.items()
            for part, columns in parts.items()
            if comparable(results["about"][subject]["units"][part], columns)
        ]
        if not panels:
            continue
        rows = -(-len(panels) // COLUMNS)
        figure = Figure(figsize=(4.2 * COLUMNS, 3.4 * rows + 0.6), layout="constrained")
        axes = figure.subplots(rows, COLUMNS, squeeze=False).flat
        for ax, panel in zip(axes, panels, strict=False):
            draw_panel(ax, *panel)
        for ax in list(axes)[len(panels) :]:
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
    return not unit.startswith("%") and any(len(column) > 1 for column in columns.values())


def draw_panel(ax, about, part, columns):
    """Lines over the sizes; where there is one size, bars."""
    columns = {label: column for label, column in columns.items() if report.OURS in column}
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    absolute = about["absolute"]
    ax.set_title(f"{about['title'].partition(',')[0]}: {part}", fontsize=8, wrap=True)
    for place, name in enumerate(names):
        points = [point(column, name, absolute) for column in columns.values()]
        where = [i for i, p in enumerate(points) if p is not None]
        heights = [points[i][0] for i in where]
        errors = [points[i][1] for i in where]
        if len(columns) == 1:
            if heights:
                ax.barh(place, heights[0], xerr=errors[0], color=colour(name))
            continue
        style = {"linestyle": "--" if name in report.LIMITS else "-", "color": colour(name)}
        style["marker"] = "sov^"[sum(colour(name) == colour(n) for n in names[:place]) % 4]
        ax.errorbar(where, heights, errors, **style, markersize=4, linewidth=1.2, label=name)
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
    centre = harness.middle(values)
    return centre, harness.spread(values) * centre


def colour(name):
    return next((c for start, c in COLOURS.items() if name.startswith(start)), "tab:gray")
