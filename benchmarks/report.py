"""Figures as tables: times, ratios, and the aims with what was reached."""

import harness

OURS = "minigrad"
KERNELS = "its kernels"
LIMITS = (
    "matrix products", "copy of x", "copy of the logits", "copy of the parameters", KERNELS,
)  # fmt: skip
PARTS = {  # of a step: the subject of a kernel -> what its row is called
    "linear": "products",
    "conv2d": "columns",
    "conv2d_tiles": "convolutions",
    "batch_norm": "batch norm",
    "activations": "activations",
    "max_pool2d": "pooling",
    "cross_entropy": "loss",
    "reductions": "sums",
    "adam": "optimizer",
}


def peers_of(figures):
    return [name for name in figures if name not in (OURS, *LIMITS, *PARTS.values())]


def fastest_peer(figures):
    """The one with the smallest median, or None."""
    known = {name: harness.middle(figures[name]) for name in peers_of(figures)}
    known = {name: value for name, value in known.items() if value is not None}
    return min(known, key=known.get, default=None)


def print_machine(machine):
    width = max(map(len, machine))
    for name, value in machine.items():
        print(f"{name:{width}}  {value}", flush=True)


def print_subject(about, threads, figures):
    """For each part a table of medians with half the quartile distance, and one of ratios."""
    print(f"\n{about['title']}: {threads} thread(s)")
    for part, unit in about["units"].items():
        columns = {label: column for label, column in figures[part].items() if column}
        if not columns:
            continue
        names = list(dict.fromkeys(name for column in columns.values() for name in column))
        rows = {n: [amount(c.get(n)) for c in columns.values()] for n in names}
        print_table(f"{part}, {unit}", about["size"], list(columns), rows)
        if not unit.startswith("%") and len(names) > 1:
            print_table("ratios", "", [""] * len(columns), ratios(columns))


def ratios(columns):
    rows = {}
    for name in dict.fromkeys(name for column in columns.values() for name in column):
        if name == OURS:
            continue
        above, below = (OURS, name) if name in LIMITS else (name, OURS)
        rows[f"{above} / {below}"] = [times(c, above, below) for c in columns.values()]
    best = [fastest_peer(column) for column in columns.values()]
    if any(best) and len(set(best)) > 1:
        rows["fastest peer / minigrad"] = [
            times(c, name, OURS) for c, name in zip(columns.values(), best, strict=True)
        ]
    return rows


def times(column, above, below):
    if above not in column or below not in column:
        return "-"
    ratio = harness.ratio(column[above], column[below])
    return "-" if ratio is None else f"{ratio:.2f}"


def amount(values):
    if not values:
        return "-"
    center = harness.middle(values)
    if center is None:
        return "not reached"
    half = harness.spread(values) * center
    return f"{rounded(center)} ± {rounded(half)}" if len(values) > 1 else rounded(center)


def rounded(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def print_table(title, corner, columns, rows):
    """`rows`: label -> one string per column."""
    width = max(map(len, [title, corner, *rows])) + 1
    cell = max(len(text) for row in [columns, *rows.values()] for text in row) + 1
    print()
    if corner or not any(columns):
        print(title)
    if any(columns):
        print(" ", (corner or title).ljust(width), *(text.rjust(cell) for text in columns))
    for label, row in rows.items():
        print(" ", label.ljust(width), *(text.rjust(cell) for text in row))


def print_aims(aims, threads):
    """Each aim, what was measured with each number of threads, and whether that reaches it."""
    rows = {}
    for aim in aims:
        cells = [verdict(aim["measured"][str(t)], aim["reached"][str(t)]) for t in threads]
        rows[f"{aim['name']} {aim['sense']} {aim['bound']:g}"] = cells
    if rows:
        print_table("aims", "aim", [f"{count} thread(s)" for count in threads], rows)


def verdict(value, reached):
    return "-" if value is None else f"{value:.2f} {'reached' if reached else ' MISSED'}"
